"""The lab on the command line: ``python -m lab [--name NAME] up|down|status|exec|...``"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import json
import os
import sys
from pathlib import Path

from lab import artifact, browser, rootfs
from lab.base import BaseLab, Shape
from lab.errors import LabError
from lab.hosts import Lab
from lab.plain import LIMITS, PlainLab


def main(argv: list[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    try:
        return _run(arguments)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1


def _run(arguments: argparse.Namespace) -> int:
    command = arguments.command
    if command == "setup":
        _setup(with_browser=arguments.browser)
        return 0
    if command == "artifact":
        print(artifact.build(Path(arguments.directory)))
        return 0
    shape = None
    if command == "up" and (arguments.masters, arguments.workers, arguments.disks) != (None, None, None):
        given = {key: getattr(arguments, key) for key in ("masters", "workers", "disks")}
        shape = Shape(**{key: value for key, value in given.items() if value is not None})
    kind = PlainLab if os.geteuid() else Lab
    lab: BaseLab = kind(arguments.name, shape, progress=lambda line: print(line, flush=True))
    match command:
        case "up" | "down":
            getattr(lab, command)()
        case "list":
            print("".join(f"{name}\n" for name in kind.names()), end="")
        case "status":
            return _status(lab, arguments.output)
        case "exec":
            words = lab.exec_argv(arguments.host, arguments.argv or ["bash", "-l"])
            os.execvp(words[0], words)  # noqa: S606
        case "config":
            print(lab.config_text(), end="")
        case "key":
            print(lab.key_path)
        case "on" | "off":
            getattr(lab, f"power_{command}")(arguments.host)
        case "reboot" | "cut" | "heal":
            getattr(lab, command)(arguments.host)
    return 0


def _setup(*, with_browser: bool) -> None:
    if with_browser:
        browser.ensure()
    if os.geteuid():
        rootfs.require_tools(rootfs.PLAIN_TOOLS)
        print(f"note: {LIMITS}")
    else:
        rootfs.require_tools()
        rootfs.ensure()


def _status(lab: BaseLab, output: str) -> int:
    rows = lab.status()
    if output == "json":
        print(json.dumps([dataclasses.asdict(row) for row in rows], indent=2))
        return 0
    if not rows:
        print(f"lab {lab.name} is not up")
        return 0
    print(f"{'HOST':<12}{'ADDRESS':<18}{'STATE':<9}{'PID':<9}{'DISKS':<20}BOOT")
    for row in rows:
        disks = ",".join(row.disks) or "-"
        print(f"{row.name:<12}{row.address:<18}{row.state:<9}{row.pid or '-':<9}{disks:<20}{row.boot_id or '-'}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lab", description="Disposable SSH hosts on this machine.")
    help_name = "which lab; several can be up at once"
    parser.add_argument("--name", default="default", help=help_name)
    named = argparse.ArgumentParser(add_help=False)
    named.add_argument("--name", default=argparse.SUPPRESS, help=help_name)
    add = functools.partial(parser.add_subparsers(dest="command", required=True).add_parser, parents=[named])
    setup = add("setup", help="install the Debian packages that the lab needs, and build the hosts' root")
    setup.add_argument("--browser", action="store_true", help="also Chromium, for the tests of pages")
    up = add("up", help="start what is not running")
    up.add_argument("--masters", type=int, help="how many (3)")
    up.add_argument("--workers", type=int, help="how many (3)")
    up.add_argument("--disks", type=int, help="raw disks a worker (1)")
    add("list", help="print the names of the labs that this machine has something of")
    add("down", help="remove everything but the cache")
    status = add("status", help="show every host")
    status.add_argument("-o", "--output", choices=("table", "json"), default="table")
    add("config", help="print the installation guide's sample configuration for this lab")
    add("key", help="print the path of the private key")
    helps = {
        "reboot": "pull the plug and start again",
        "off": "pull the plug",
        "on": "start a host that is off",
        "cut": "drop the host's packets silently",
        "heal": "take back cut",
    }
    for name, text in helps.items():
        add(name, help=text).add_argument("host")
    execute = add("exec", help="run a command, or a shell, in a host as root, without SSH")
    execute.add_argument("host")
    execute.add_argument("argv", nargs=argparse.REMAINDER, metavar="CMD")
    artifact = add("artifact", help="build the SIMULATED artifact in a directory")
    artifact.add_argument("directory")
    return parser


if __name__ == "__main__":
    sys.exit(main())
