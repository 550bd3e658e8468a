"""Small commands on six hosts: the remote layer, OpenSSH with ControlMaster, and Ansible, in turns in one run.

    python -m benchmarks.remote [--commands 50] [--rounds 3] [--lab NAME] [--json FILE]

Each runner works on all hosts at once and on one host after the other command, starting without any connection;
each command's output is checked. The hosts are the lab's (a lab of its own unless ``--lab`` names one that is up).
Ansible is given its fastest settings: pipelining, ControlPersist, no fact gathering, hosts that do not wait for
each other (strategy free), a fork a host. Exit code 0 when the goals are met, 1 when not.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from lab.base import BaseLab
from lab.hosts import Lab
from lab.layout import Host
from lab.plain import PlainLab
from tasks.remote import Credential, Pool, Target

OPENSSH_GOAL = 1.3  # the remote layer takes at most so many times OpenSSH's time
ANSIBLE_GOAL = 10.0  # and Ansible takes at least so many times the remote layer's


@dataclass(frozen=True)
class Bench:
    """What every runner gets. ``place`` is a directory of this run's own; ``text`` makes outputs of runs differ."""

    hosts: tuple[Host, ...]
    key: Path
    known_hosts: Path
    commands: int
    place: Path

    def command(self, number: int) -> str:
        return f"echo answer {number}"

    def check(self, host: str, output: str) -> None:
        expected = [f"answer {number}" for number in range(self.commands)]
        if output.split("\n")[:-1] != expected:
            raise SystemExit(f"{host} gave other output than expected: {output[:200]!r}")


def with_remote_layer(bench: Bench) -> None:
    """One thread a host, as the engine does it; the pool is new."""
    pool = Pool()
    credential = Credential(private_key=bench.key.read_text())

    def work(host: Host) -> None:
        target = Target(
            key=host.name,
            name=host.name,
            host=host.address,
            port=host.port,
            user=host.user,
            credential=credential,
            host_key=host.host_key,
        )
        output = ""
        for number in range(bench.commands):
            with pool.connection(target) as remote:
                output += remote.run(bench.command(number), check=True).stdout.decode()
        bench.check(host.name, output)

    with ThreadPoolExecutor(len(bench.hosts)) as executor:
        list(executor.map(work, bench.hosts))
    pool.close()


def with_openssh(bench: Bench) -> None:
    """One shell loop a host, so that nothing but ssh itself is measured."""
    running: list[tuple[Host, list[str], subprocess.Popen[str]]] = []
    for host in bench.hosts:
        words = [*_ssh_words(bench, bench.place / f"ssh-{host.name}"), f"{host.user}@{host.address}"]
        loop = f'n=0; while [ $n -lt {bench.commands} ]; do "$@" "echo answer $n" || exit; n=$((n+1)); done'
        words = ["ssh", "-p", str(host.port), *words]
        running.append(
            (host, words, subprocess.Popen(["sh", "-c", loop, "sh", *words], stdout=subprocess.PIPE, text=True))
        )
    for host, _, process in running:
        output, _ = process.communicate()
        bench.check(host.name, output)
    for _, words, _ in running:
        subprocess.run([*words[:-1], "-O", "exit", words[-1]], check=True, capture_output=True)


def with_ansible(bench: Bench) -> None:
    """One playbook with a task a command."""
    place = bench.place / f"ansible-{time.monotonic_ns()}"
    place.mkdir()
    inventory = {
        "all": {
            "hosts": {
                host.name: {"ansible_host": host.address, "ansible_port": host.port, "ansible_user": host.user}
                for host in bench.hosts
            },
            "vars": {
                "ansible_ssh_private_key_file": str(bench.key),
                "ansible_python_interpreter": "/usr/bin/python3",
                "ansible_ssh_common_args": " ".join(_ssh_words(bench, None)),
            },
        }
    }
    tasks = [
        {"ansible.builtin.command": bench.command(number), "changed_when": False, "register": f"answer_{number}"}
        for number in range(bench.commands)
    ]
    said = "".join(f"{{{{ answer_{number}.stdout }}}}\n" for number in range(bench.commands))
    results = {
        "ansible.builtin.copy": {"dest": f"{place}/{{{{ inventory_hostname }}}}.out", "content": said},
        "delegate_to": "localhost",
        "vars": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable},
    }
    play = [{"hosts": "all", "gather_facts": False, "strategy": "free", "tasks": [*tasks, results]}]
    (place / "hosts.json").write_text(json.dumps(inventory))
    (place / "play.json").write_text(json.dumps(play))
    (place / "ansible.cfg").write_text(
        f"[defaults]\nforks = {len(bench.hosts)}\nlocal_tmp = {place}/local\n"
        f"[ssh_connection]\npipelining = True\ncontrol_path_dir = {place}\n"
    )
    done = subprocess.run(
        [_ansible(), "-i", str(place / "hosts.json"), str(place / "play.json")],
        env={
            **os.environ,
            "ANSIBLE_CONFIG": str(place / "ansible.cfg"),
            "ANSIBLE_HOME": str(place),
            "LC_ALL": "C.UTF-8",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"ansible-playbook ended with {done.returncode}:\n{(done.stdout + done.stderr)[-2000:]}")
    for host in bench.hosts:
        bench.check(host.name, (place / f"{host.name}.out").read_text())


def _ssh_words(bench: Bench, control: Path | None) -> list[str]:
    """Options for ssh; Ansible adds its own control path, user, port and key."""
    words = ["-F", "/dev/null", "-o", f"UserKnownHostsFile={bench.known_hosts}", "-o", "ControlMaster=auto"]
    words += ["-o", "ControlPersist=60s", "-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes", "-T"]
    return [*words, "-i", str(bench.key), "-o", f"ControlPath={control}"] if control else words


def _ansible() -> str:
    path = shutil.which("ansible-playbook", path=f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}")
    if path is None:
        raise SystemExit("ansible-playbook is missing. Fix: uv sync --group benchmarks")
    return path


def measure(bench: Bench, rounds: int) -> dict[str, list[float]]:
    """Seconds per round of every runner; they take turns, so that a slow moment of the machine meets all."""
    runners: dict[str, Callable[[], None]] = {
        "remote layer": lambda: with_remote_layer(bench),
        "OpenSSH ControlMaster": lambda: with_openssh(bench),
        "Ansible": lambda: with_ansible(bench),
    }
    seconds: dict[str, list[float]] = {name: [] for name in runners}
    with_remote_layer(bench)  # fills the hosts' page caches for all, and imports
    for turn in range(rounds):
        for name, runner in runners.items():
            began = time.perf_counter()
            runner()
            seconds[name].append(time.perf_counter() - began)
            print(f"round {turn + 1}/{rounds}  {name:<22} {seconds[name][-1]:8.2f} s", flush=True)
    return seconds


def report(bench: Bench, seconds: dict[str, list[float]]) -> dict[str, object]:
    """Medians, and ratios of the same round."""
    own = seconds["remote layer"]

    def ratio(above: Sequence[float], below: Sequence[float]) -> float:
        return statistics.median(a / b for a, b in zip(above, below, strict=True))

    to_openssh = ratio(own, seconds["OpenSSH ControlMaster"])
    to_ansible = ratio(seconds["Ansible"], own)
    each = bench.commands * len(bench.hosts)
    print(
        f"\n{bench.commands} commands on {len(bench.hosts)} hosts, median of {len(own)} rounds, {os.cpu_count()} CPUs"
    )
    for name, values in seconds.items():
        median = statistics.median(values)
        print(f"  {name:<22} {median:8.2f} s  {median / each * 1000:8.2f} ms a command")
    verdicts = {
        "remote layer / OpenSSH": (to_openssh, f"<= {OPENSSH_GOAL}", to_openssh <= OPENSSH_GOAL),
        "Ansible / remote layer": (to_ansible, f">= {ANSIBLE_GOAL:g}", to_ansible >= ANSIBLE_GOAL),
    }
    for name, (value, goal, met) in verdicts.items():
        print(f"  {name:<32} {value:8.2f}  goal {goal:<14} {'met' if met else 'MISSED'}")
    return {
        "hosts": len(bench.hosts),
        "commands": bench.commands,
        "seconds": seconds,
        "ratios": {name: round(value, 3) for name, (value, _, _) in verdicts.items()},
        "met": all(met for _, _, met in verdicts.values()),
    }


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.remote", description=__doc__.split("\n")[0])
    parser.add_argument("--commands", type=int, default=50, help="commands a host (default 50)")
    parser.add_argument("--rounds", type=int, default=3, help="turns of every runner (default 3)")
    parser.add_argument("--lab", default="", help="a lab that is up; without it one is started and removed")
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    arguments = parser.parse_args(argv)
    kind: type[BaseLab] = PlainLab if os.geteuid() else Lab
    lab = kind(arguments.lab or f"benchmark-{os.getpid()}")
    try:
        if not arguments.lab:
            lab.up()
        with tempfile.TemporaryDirectory(prefix="sq-") as place:
            bench = Bench(lab.hosts, lab.key_path, lab.known_hosts_path, arguments.commands, Path(place))
            figures = report(bench, measure(bench, arguments.rounds))
    finally:
        if not arguments.lab:
            lab.down()
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 0 if figures["met"] else 1


if __name__ == "__main__":
    sys.exit(main())
