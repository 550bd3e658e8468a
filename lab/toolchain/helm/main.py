"""``helm``: the command line. Every command says on the error stream that it is SIMULATED."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from lab.toolchain.common.client import ApiFailure, Unreachable
from lab.toolchain.common.faults import BadFaults, FaultStruck
from lab.toolchain.helm import change, local, look
from lab.toolchain.helm.command import Call, Command
from lab.toolchain.helm.errors import HelmError
from lab.toolchain.helm.flags import Flag, parse

BANNER = "SIMULATED helm v3.9.0 of the lab"
GLOBAL = (
    Flag("namespace", short="n"),
    Flag("kubeconfig"),
    Flag("kube-context"),
    Flag("debug", "switch"),
    Flag("help", "switch", "h"),
)
COMMANDS: dict[str, Command] = {**change.COMMANDS, **look.COMMANDS, **local.COMMANDS}
ALIASES = {
    "ls": "list",
    "delete": "uninstall",
    "del": "uninstall",
    "un": "uninstall",
    "hist": "history",
    "inspect": "show",
    "up": "update",
    "rm": "remove",
}


def main(argv: list[str]) -> int:
    print(BANNER, file=sys.stderr, flush=True)
    prefix = ""
    try:
        name, rest, early = _find(argv)
        command = COMMANDS[name]
        arguments, flags = parse([*early, *rest], (*GLOBAL, *command.flags))
        if flags["help"]:
            print(f"SIMULATED\n\nUsage:\n  helm {name} {command.usage} [flags]")
            return 0
        _count(name, command, arguments)
        prefix = command.prefix
        command.run(Call(name, arguments, flags))
    except (HelmError, FaultStruck, BadFaults, ApiFailure) as error:
        print(f"Error: {prefix}{error}", file=sys.stderr)
        return 1
    except Unreachable as error:
        text = str(error)
        reason = (
            text if text.startswith("Kubernetes cluster unreachable") else f"Kubernetes cluster unreachable: {text}"
        )
        print(f"Error: {prefix}{reason}", file=sys.stderr)
        return 1
    return 0


def _find(argv: Sequence[str]) -> tuple[str, list[str], list[str]]:
    """(command, what follows it, the flags before it)."""
    at = 0
    takes = {f"--{flag.name}" for flag in GLOBAL if flag.kind == "text"} | {"-n"}
    while at < len(argv) and argv[at].startswith("-"):
        at += 2 if argv[at] in takes else 1
    early, rest = list(argv[:at]), list(argv[at:])
    if not rest:
        if {"-h", "--help"} & set(early) or not early:
            rest = ["help"]
        else:
            raise HelmError("no command was given")
    word = ALIASES.get(rest[0], rest[0])
    if word in COMMANDS:
        return word, rest[1:], early
    if any(name.startswith(f"{word} ") for name in COMMANDS):
        second = ALIASES.get(rest[1], rest[1]) if len(rest) > 1 else ""
        if f"{word} {second}" in COMMANDS:
            return f"{word} {second}", rest[2:], early
        raise HelmError(f'unknown command "{second}" for "helm {word}"')
    return "plugin call", ["--", *early, *rest], []


def _count(name: str, command: Command, arguments: list[str]) -> None:
    least, most = command.counts
    usage = f"\n\nUsage:  helm {name} {command.usage} [flags]"
    if len(arguments) < least:
        exactly = "" if most == least else "at least "
        raise HelmError(f'"helm {name}" requires {exactly}{least} argument{"s" if least > 1 else ""}{usage}')
    if most is not None and len(arguments) > most:
        raise HelmError(f'"helm {name}" accepts at most {most} argument(s){usage}')
