"""``docker``: run, ps, rm, start, stop, logs, pull, login, info, version - as far as installers call them."""

from __future__ import annotations

import argparse
import fcntl
import json
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from lab.toolchain.common import daemon
from lab.toolchain.common.objects import human_age, now
from lab.toolchain.controllers.pods import Images
from lab.toolchain.helm.show import table

STATE = Path("/var/lib/docker/containers.json")
HARBOR = ("nginx", "harbor-jobservice", "harbor-core", "chartmuseum", "harbor-portal", "registryctl", "redis",
          "harbor-db", "registry", "harbor-log")  # fmt: skip
HARBOR_CONFIG = Path("/opt/harbor/harbor.yml")
BANNER = "SIMULATED docker 20.10.8 of the lab"
Container = dict[str, Any]


class DockerError(Exception):
    """Ends the program with code 1 (125 for `run`) and this message."""


@contextmanager
def _containers() -> Iterator[dict[str, Container]]:
    """The containers by name; what the caller changes is kept."""
    STATE.parent.mkdir(parents=True, exist_ok=True)
    with STATE.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        found: dict[str, Container] = json.loads(file.read() or "{}")
        before = json.dumps(found)
        yield found
        if json.dumps(found) != before:
            file.seek(0)
            file.truncate()
            json.dump(found, file)


def _shell(script: str) -> None:
    done = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=False)
    if done.returncode:
        raise DockerError(done.stderr.strip() or done.stdout.strip() or script)


def _name(container: Container) -> str:
    """The container's program under /etc/lab/boot.d."""
    return f"apt-source-{container['name']}" if container["name"] != "apt-source" else "apt-source"


def _running(container: Container) -> bool:
    return subprocess.run(["/bin/sh", "-c", daemon.running_test(_name(container))], check=False).returncode == 0


def _start(container: Container) -> None:
    directory, port = container["directory"], container["port"]
    if not directory:
        return
    listens = f"ss -Hltn 'sport = :{port}' | grep -q ."
    _shell(f"if {listens}; then echo 'Bind for 0.0.0.0:{port} failed: port is already allocated' >&2; exit 1; fi")
    script = daemon.BOOT / _name(container)
    script.parent.mkdir(parents=True, exist_ok=True)
    command = f"/usr/local/bin/apt-source --directory={directory} --port={port}"
    script.write_text(daemon.boot_script(_name(container), command))
    script.chmod(0o755)
    log = f"/var/log/{_name(container)}.log"
    wait = f"for i in $(seq 200); do {listens} && exit 0; sleep 0.05; done; tail -n 5 {log}; exit 1"
    try:
        _shell(f"{daemon.start_command(_name(container))}; {wait}")
    except DockerError:
        script.unlink()
        raise
    if container["restart"] in ("no", "on-failure"):
        script.unlink()  # it does not come back after a reboot


def _stop(container: Container) -> None:
    _shell(f"{daemon.stop_command(_name(container))}; rm -f {daemon.BOOT}/{_name(container)}")


def _run(options: argparse.Namespace) -> None:
    directory = next((volume.split(":")[0] for volume in options.volume), "")
    _fetch(options.image)
    if directory:
        Path(directory).mkdir(parents=True, exist_ok=True)  # as docker does with -v
    port = int(options.publish[0].split(":")[-2]) if options.publish else 0
    name = options.name or f"quiet_{secrets.token_hex(3)}"
    container: Container = {
        "id": secrets.token_hex(32),
        "name": name,
        "image": options.image,
        "directory": directory if port else "",
        "port": port,
        "publish": options.publish,
        "restart": options.restart,
        "created": now(),
    }
    with _containers() as found:
        if name in found:
            raise DockerError(
                f'Error response from daemon: Conflict. The container name "/{name}" is already in use by container '
                f'"{found[name]["id"]}". You have to remove (or rename) that container to be able to reuse that name.'
            )
        _start(container)
        found[name] = container
    print(container["id"])


def _fetch(image: str) -> None:
    """Ask the registry for an image that no container had before. Raises `DockerError`."""
    seen = STATE.with_name("images.json")
    known: list[str] = json.loads(seen.read_text()) if seen.is_file() else []
    if image in known:
        return
    print(f"Unable to find image '{image}' locally", file=sys.stderr)
    registry = image.partition("/")[0]
    if "." not in registry and ":" not in registry:
        raise DockerError("Error response from daemon: Get https://registry-1.docker.io/v2/: no such host")
    problem = Images().problem(registry, image)
    if problem:
        raise DockerError(f"Error response from daemon: {problem.removeprefix('rpc error: ')}")
    seen.parent.mkdir(parents=True, exist_ok=True)
    seen.write_text(json.dumps([*known, image]))
    print(f"Status: Downloaded newer image for {image}", file=sys.stderr)


def _ps(options: argparse.Namespace) -> None:
    with _containers() as found:
        own = [{**c, "state": "running" if not c["port"] or _running(c) else "exited"} for c in found.values()]
    rows = [*own, *_harbor()]
    for rule in options.filter:
        key, _, value = rule.partition("=")
        rows = [row for row in rows if _fits(row, key, value)]
    if not options.all:
        rows = [row for row in rows if row["state"] == "running"]
    if options.quiet:
        print("\n".join(row["id"][:12] for row in rows), end="\n" if rows else "")
    elif options.format:
        print("\n".join(_formatted(options.format, row) for row in rows), end="\n" if rows else "")
    else:
        heads = ("CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES")
        cells = [
            (
                r["id"][:12],
                r["image"],
                '"SIMULATED"',
                f"{human_age(r['created'])} ago",
                _status(r),
                _ports(r),
                r["name"],
            )
            for r in rows
        ]
        print(table(heads, cells))


def _fits(row: Container, key: str, value: str) -> bool:
    if key == "name":
        return value.strip("^$/") in row["name"]
    if key == "status":
        return bool(row["state"] == value)
    raise DockerError(f"Error response from daemon: invalid filter '{key}'")


def _status(row: Container) -> str:
    return f"Up {human_age(row['created'])}" if row["state"] == "running" else "Exited (0)"


def _ports(row: Container) -> str:
    return ", ".join(f"0.0.0.0:{publish.replace(':', '->')}/tcp" for publish in row["publish"])


def _formatted(text: str, row: Container) -> str:
    values = {"ID": row["id"][:12], "Names": row["name"], "Image": row["image"], "Status": _status(row),
              "State": row["state"], "Ports": _ports(row)}  # fmt: skip
    for key, value in values.items():
        text = text.replace("{{." + key + "}}", value)
    return text


def _harbor() -> list[Container]:
    """Harbor's containers, as its compose file names them; one program plays them all."""
    if not HARBOR_CONFIG.is_file():
        return []
    alive = subprocess.run(["/bin/sh", "-c", daemon.running_test("harbor")], check=False).returncode == 0
    port = (yaml.safe_load(HARBOR_CONFIG.read_text()).get("https") or {}).get("port", 443)
    return [
        {"id": f"{index:012x}" * 5, "name": name, "image": f"goharbor/{name}:v2.4.1", "created": now(),
         "state": "running" if alive else "exited", "publish": [f"{port}:8443"] if name == "nginx" else []}
        for index, name in enumerate(HARBOR, 0xA0)
    ]  # fmt: skip


def _each(options: argparse.Namespace, act: Callable[[dict[str, Container], str], None]) -> None:
    failed = []
    with _containers() as found:
        for name in options.names:
            wanted = next((n for n, c in found.items() if name == n or c["id"].startswith(name)), "")
            if not wanted:
                failed.append(f"Error: No such container: {name}")
                continue
            act(found, wanted)
            print(name)
    if failed and not getattr(options, "force", False):
        raise DockerError("\n".join(failed))


def _remove(options: argparse.Namespace) -> None:
    def act(found: dict[str, Container], name: str) -> None:
        if _running(found[name]) and not options.force:
            raise DockerError(f"Error response from daemon: You cannot remove a running container {found[name]['id']}.")
        _stop(found[name])
        del found[name]

    _each(options, act)


def _logs(options: argparse.Namespace) -> None:
    def act(found: dict[str, Container], name: str) -> None:
        path = Path(f"/var/log/{_name(found[name])}.log")
        lines = path.read_text(errors="replace").splitlines() if path.is_file() else []
        print("\n".join(lines[-int(options.tail) :] if options.tail != "all" else lines))

    if any(name in HARBOR for name in options.names):
        path = Path("/var/log/harbor.log")
        print(path.read_text(errors="replace") if path.is_file() else "", end="")
        return
    _each(options, act)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("docker", description="SIMULATED docker of the lab")
    verbs = parser.add_subparsers(dest="verb", required=True)
    run = verbs.add_parser("run")
    run.add_argument("-d", "--detach", action="store_true")
    run.add_argument("--rm", action="store_true")
    run.add_argument("--restart", default="no")
    run.add_argument("--name", default="")
    run.add_argument("--network", default="")
    run.add_argument("-p", "--publish", action="append", default=[])
    run.add_argument("-v", "--volume", action="append", default=[])
    run.add_argument("-e", "--env", action="append", default=[])
    run.add_argument("image")
    run.add_argument("command", nargs=argparse.REMAINDER)
    ps = verbs.add_parser("ps")
    ps.add_argument("-a", "--all", action="store_true")
    ps.add_argument("-q", "--quiet", action="store_true")
    ps.add_argument("-f", "--filter", action="append", default=[])
    ps.add_argument("--format", default="")
    for name in ("rm", "start", "stop", "restart", "logs"):
        verb = verbs.add_parser(name)
        verb.add_argument("names", nargs="+")
        if name == "rm":
            verb.add_argument("-f", "--force", action="store_true")
        if name == "logs":
            verb.add_argument("--tail", "-n", default="all")
    verbs.add_parser("pull").add_argument("image")
    for name in ("login", "info", "version", "load", "images"):
        verbs.add_parser(name).add_argument("rest", nargs=argparse.REMAINDER)
    return parser


def _restart(options: argparse.Namespace) -> None:
    if options.verb == "restart" and HARBOR_CONFIG.is_file() and set(options.names) <= set(HARBOR):
        _shell(f"{daemon.stop_command('harbor')}; {daemon.start_command('harbor')}")
        print("\n".join(options.names))
        return

    def act(found: dict[str, Container], name: str) -> None:
        if options.verb in ("stop", "restart"):
            _stop(found[name])
            time.sleep(0.05)
        if options.verb in ("start", "restart") and not _running(found[name]):
            _start(found[name])

    _each(options, act)


def main(argv: list[str]) -> int:
    options = _parser().parse_args(argv)
    print(BANNER, file=sys.stderr, flush=True)
    verbs: dict[str, Callable[[argparse.Namespace], None]] = {
        "run": _run, "ps": _ps, "rm": _remove, "logs": _logs, "start": _restart, "stop": _restart, "restart": _restart,
        "pull": lambda options: _fetch(options.image),
    }  # fmt: skip
    act = verbs.get(options.verb, lambda _options: print(f"SIMULATED docker {options.verb}: Docker version 20.10.8"))
    try:
        act(options)
    except DockerError as error:
        print(f"docker: {error}" if options.verb == "run" else error, file=sys.stderr)
        return 125 if options.verb == "run" else 1
    return 0
