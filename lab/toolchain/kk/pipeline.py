"""Modules made of tasks, run on many hosts at once, with the lines that kk writes."""

from __future__ import annotations

import datetime
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from lab.toolchain.common import faults
from lab.toolchain.common.client import ApiFailure, Unreachable
from lab.toolchain.common.faults import Fault
from lab.toolchain.common.pace import pause
from lab.toolchain.kk.config import Config, Host
from lab.toolchain.kk.remote import Remote, RemoteFailed

LOCAL = "LocalHost"
BANNER = r"""

 _   __      _          _   __
| | / /     | |        | | / /
| |/ / _   _| |__   ___| |/ /  ___ _   _
|    \| | | | '_ \ / _ \    \ / _ \ | | |
| |\  \ |_| | |_) |  __/ |\  \  __/ |_| |
\_| \_/\__,_|_.__/ \___\_| \_/\___|\__, |
                                    __/ |
                                   |___/     SIMULATED by the lab
"""

Outcome = str | None
Work = Callable[["Machine"], Outcome]


class Skip(Exception):
    """Raised by a task's work: there is nothing to do on this host."""


class PipelineFailed(Exception):
    """A module failed; the text is what kk prints after ``error:``."""


@dataclass(frozen=True)
class Task:
    """One step of a module. `work` returns a message to show, or None; `seconds` it takes at speed 1."""

    name: str
    work: Work | None = None
    hosts: Sequence[Host] | None = None  # None: this machine
    seconds: float = 0.05
    sequential: bool = False


@dataclass(frozen=True)
class Module:
    name: str
    tasks: Sequence[Task]


@dataclass
class Machine:
    """What a task works on: a host by SSH, or this machine (no `remote`)."""

    name: str
    config: Config
    remote: Remote | None = None

    @property
    def ssh(self) -> Remote:
        if self.remote is None:
            raise TypeError("a task of this machine has no host")
        return self.remote

    @property
    def host(self) -> Host:
        return self.ssh.host


@dataclass
class Pipeline:
    """Runs modules in order; `name` as in ``Pipeline[CreateClusterPipeline]``."""

    name: str
    config: Config
    scratch: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="kk-")))
    machines: dict[str, Machine] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def machine(self, host: Host) -> Machine:
        with self.lock:
            if host.name not in self.machines:
                self.machines[host.name] = Machine(host.name, self.config, Remote(host, self.scratch))
            return self.machines[host.name]

    def say(self, text: str) -> None:
        with self.lock:
            print(text, flush=True)

    def log(self, *texts: str) -> None:
        """Entries that belong together, each with the time; empty ones are left out."""
        stamp = datetime.datetime.now().astimezone().strftime("%H:%M:%S %Z")
        self.say("\n".join(f"{stamp} {text}" for text in texts if text))

    def run(self, modules: Sequence[Module]) -> None:
        """Raises `PipelineFailed`."""
        try:
            for module in modules:
                self._module(module)
        finally:
            self.close()
        self.log(f"Pipeline[{self.name}] execute successfully")

    def close(self) -> None:
        for machine in self.machines.values():
            machine.ssh.close()
        for leftover in self.scratch.glob("*"):
            leftover.unlink(missing_ok=True)
        self.scratch.rmdir()

    # -- faults -------------------------------------------------------------------------------------------

    def _strike(self, module: Module, hosts: Sequence[Host]) -> tuple[list[tuple[str, Fault]], bool]:
        """The faults that make hosts fail, and whether the program dies at the module's end."""
        failing: list[tuple[str, Fault]] = []
        dying = False
        local = [fault for fault in faults.matching(f"kk:{module.name}") if not fault.host]
        remote = [
            (host.name, fault)
            for host in hosts
            for fault in faults.matching(f"kk:{module.name}", host=host.name)
            if fault.host
        ]
        for name, fault in [*(("", fault) for fault in local), *remote]:
            if not faults.take(fault):
                continue
            match fault.do:
                case "fail" | "hang" if name or fault.do == "fail":
                    failing.append((name or (hosts[0].name if hosts else LOCAL), fault))
                case "slow":
                    time.sleep(fault.seconds)
                case "hang":
                    time.sleep(faults.FOREVER)
                case "drop" if name:
                    self.machine(self.config.host(name)).ssh.run(faults.drop_script(fault.seconds))
                case "drop":
                    faults.drop_network(fault.seconds)
                case "half":
                    for host in hosts:
                        self.machine(host).ssh.half = name in ("", host.name)
                    dying = True
                case "kill":
                    dying = True
        return failing, dying

    # -- running ------------------------------------------------------------------------------------------

    def _module(self, module: Module) -> None:
        hosts = list({host.name: host for task in module.tasks for host in task.hosts or ()}.values())
        try:
            failing, dying = self._strike(module, hosts)
        except RemoteFailed as error:
            raise PipelineFailed(f"Pipeline[{self.name}] execute failed: {error}") from error
        for task in module.tasks:
            self.log(f"[{module.name}] {task.name}")
            pause(task.seconds)
            failed = self._task(task, failing)
            if failed:
                listing = "\n".join(f"failed: [{name}] [{task.name}] exec failed: {why}" for name, why in failed)
                raise PipelineFailed(
                    f"Pipeline[{self.name}] execute failed: Module[{module.name}] exec failed: \n{listing}"
                )
        if dying:
            faults.die()

    def _task(self, task: Task, failing: list[tuple[str, Fault]]) -> list[tuple[str, str]]:
        local = [Machine(LOCAL, self.config)]
        machines = local if task.hosts is None else [self.machine(host) for host in task.hosts]
        if not machines:
            return []
        wide = 1 if task.sequential else min(len(machines), 16)
        with ThreadPoolExecutor(wide) as pool:
            answers = list(pool.map(lambda machine: self._one(task, machine, failing), machines))
        return [(machine.name, why) for machine, why in zip(machines, answers, strict=True) if why is not None]

    def _one(self, task: Task, machine: Machine, failing: list[tuple[str, Fault]]) -> str | None:
        """None, or why it failed."""
        fault = next((fault for name, fault in failing if name == machine.name), None)
        try:
            if fault is not None and fault.do == "hang":
                time.sleep(faults.FOREVER)
            if fault is not None:
                raise RemoteFailed(fault.message)
            message = task.work(machine) if task.work else None
        except Skip:
            self.log(f"skipped: [{machine.name}]")
            return None
        except (RemoteFailed, ApiFailure, Unreachable, OSError) as error:
            self.log(f"message: [{machine.name}]\n{error}", f"failed: [{machine.name}]")
            return str(error)
        self.log(f"message: [{machine.name}]\n{message}" if message else "", f"success: [{machine.name}]")
        return None


def greetings(config: Config) -> Module:
    def hello(_machine: Machine) -> str:
        return "Greetings, KubeKey! (SIMULATED)"

    return Module("GreetingsModule", [Task("Greetings", hello, config.hosts)])
