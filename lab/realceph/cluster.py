"""Three monitors, two managers and six OSDs of Debian's Ceph, as processes of this one with all files in one directory.

To be started in a network namespace of its own: the daemons listen on its loopback.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab.errors import LabError
from lab.system import run

MONITORS, MANAGERS = ("a", "b", "c"), ("x", "y")
HOSTS = 3
OSDS_A_HOST = 2
OSD_SIZE = 2 << 30
POOL = "data"
SIZE, MIN_SIZE, GROUPS = 3, 2, 32
ASKED_AGAIN = 0.5  # seconds
STEADY = 12  # answers in a row: the monitors learn of placement groups only every five seconds
ENDING = 20.0  # seconds for a daemon to end in order
CONNECT_TIMEOUT = 5  # seconds
_CAPS = {
    "mon.": ("--cap", "mon", "allow *"),
    "client.admin": ("--cap", "mon", "allow *", "--cap", "osd", "allow *", "--cap", "mgr", "allow *"),
    "mgr.": ("--cap", "mon", "allow profile mgr", "--cap", "osd", "allow *"),
    "osd.": ("--cap", "mon", "allow profile osd", "--cap", "mgr", "allow profile osd", "--cap", "osd", "allow *"),
}


class RealCeph:
    def __init__(self, directory: Path, progress: Callable[[str], None]) -> None:
        self.directory = directory
        self.progress = progress
        self.conf = directory / "ceph.conf"
        self.keyring = directory / "keyring"
        self.fsid = str(uuid.uuid4())
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    # -- life ---------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Make the cluster and return when all placement groups are clean. Raises `LabError`."""
        self._configure()
        monmap = self.directory / "monmap"
        run(["monmaptool", "--create", "--fsid", self.fsid, *self._monmap_words(), monmap])
        for name in MONITORS:
            filed = ("--monmap", monmap, "--keyring", self.keyring)
            run(["ceph-mon", "-c", self.conf, "--mkfs", "-i", name, *filed])
            self.up("mon", name)
        self.until("a quorum", lambda: len(self.ask("quorum_status")["quorum"]) == len(MONITORS))
        self.ceph("mon", "enable-msgr2")
        self.ceph("config", "set", "mon", "auth_allow_insecure_global_id_reclaim", "false")
        for name in MANAGERS:
            self.up("mgr", name)
        for number in range(HOSTS * OSDS_A_HOST):
            ident = str(uuid.uuid5(uuid.UUID(self.fsid), str(number)))
            self.ceph("osd", "new", ident, str(number))
            run(["ceph-osd", "-c", self.conf, "--mkfs", "-i", str(number), "--osd-uuid", ident])
            self.up("osd", str(number))
        self.ceph("osd", "pool", "create", POOL, str(GROUPS), str(GROUPS))
        self.ceph("osd", "pool", "application", "enable", POOL, "rbd")
        self.until_clean()

    def up(self, kind: str, name: str) -> None:
        """Start one daemon."""
        log = (self.directory / f"{kind}.{name}.out").open("ab")
        argv = [f"ceph-{kind}", "-f", "-c", str(self.conf), "-i", name]
        self.running[f"{kind}.{name}"] = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()

    def down(self, *daemons: str) -> None:
        """End daemons (``osd.0``), by process id; one that does not end in time is killed."""
        for daemon in daemons:
            self.running[daemon].send_signal(signal.SIGTERM)
        for daemon in daemons:
            process = self.running.pop(daemon)
            try:
                process.wait(ENDING)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def pause(self, daemon: str) -> None:
        """The daemon stands still, as one whose disk does not answer."""
        self.running[daemon].send_signal(signal.SIGSTOP)

    def resume(self, daemon: str) -> None:
        self.running[daemon].send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End all daemons, those that write first."""
        for kind in ("osd", "mgr", "mon"):
            named = [name for name in self.running if name.startswith(f"{kind}.")]
            for name in named:
                self.resume(name)
            self.down(*named)

    # -- words with it ------------------------------------------------------------------------------------

    def client(self, *words: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """``ceph ...`` as the administrator, however it ends."""
        argv = ["ceph", "-c", str(self.conf), "--connect-timeout", str(CONNECT_TIMEOUT), *words]
        try:
            return subprocess.run(argv, capture_output=True, text=True, timeout=timeout, check=False)
        except subprocess.TimeoutExpired:
            raise LabError(f"{' '.join(words)}: no answer within {timeout:g} s") from None

    def ceph(self, *words: str) -> str:
        """What it answers. Raises `LabError`."""
        done = self.client(*words)
        if done.returncode:
            raise LabError(f"ceph {' '.join(words)} failed with {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def ask(self, *words: str) -> Any:
        return json.loads(self.ceph(*words, "-f", "json"))

    def until(self, what: str, condition: Callable[[], object], seconds: float = 120) -> None:
        """Return as soon as `condition()` holds; an answer that cannot be had yet does not. Raises `LabError`."""
        self.progress(f"waiting for {what}")
        deadline, said = time.monotonic() + seconds, ""
        while True:
            try:
                if condition():
                    return
            except (LabError, KeyError, ValueError) as error:
                said = f": {error}"
            for name, process in self.running.items():
                if process.poll() is not None:
                    tail = (self.directory / f"{name}.out").read_text(errors="replace")[-2000:]
                    raise LabError(f"{name} ended with {process.returncode}: {tail}")
            if time.monotonic() > deadline:
                raise LabError(f"{what}: not within {seconds:g} s{said}")
            time.sleep(ASKED_AGAIN)

    def until_clean(self, osds: int = HOSTS * OSDS_A_HOST) -> None:
        """All placement groups are active+clean and `osds` OSDs are up, and that lasts."""
        seen = 0

        def clean() -> bool:
            nonlocal seen
            seen = seen + 1 if now_clean() else 0
            return seen >= STEADY

        def now_clean() -> bool:
            said = self.ask("status")
            states = {one["state_name"]: one["count"] for one in said["pgmap"].get("pgs_by_state", [])}
            all_up: bool = said["osdmap"]["num_up_osds"] == osds
            return all_up and set(states) == {"active+clean"} and states["active+clean"] >= GROUPS

        self.until("placement groups to be clean", clean)

    def checks(self) -> dict[str, Any]:
        """The health checks that are raised, by their code."""
        found: dict[str, Any] = self.ask("health", "detail")["checks"]
        return found

    # -- files --------------------------------------------------------------------------------------------

    def _monmap_words(self) -> list[str]:
        words = []
        for index, name in enumerate(MONITORS):
            words += ["--addv", name, f"[v2:127.0.0.1:{3300 + index},v1:127.0.0.1:{6789 + index}]"]
        return words

    def _configure(self) -> None:
        at = self.directory
        monitors = ",".join(f"[v2:127.0.0.1:{3300 + i},v1:127.0.0.1:{6789 + i}]" for i in range(len(MONITORS)))
        lines = [
            "[global]",
            f"fsid = {self.fsid}",
            f"mon host = {monitors}",
            f"keyring = {self.keyring}",
            f"run dir = {at}",
            f"admin socket = {at}/$cluster-$name.$pid.asok",
            f"log file = {at}/$name.log",
            "mon cluster log to file = false",
            f"crash dir = {at}/crash",
            f"osd pool default size = {SIZE}",
            f"osd pool default min size = {MIN_SIZE}",
            "osd pool default pg autoscale mode = off",
            "osd crush chooseleaf type = 1",
            "[mon]",
            f"mon data = {at}/mon-$id",
            # The machine's own disk says nothing of this cluster.
            "mon data avail warn = 1",
            "mon data avail crit = 0",
            # A down OSD stays in until somebody takes it out, so that the states can be told apart.
            "mon osd down out interval = 86400",
            "[mgr]",
            f"mgr data = {at}/mgr-$id",
            "[osd]",
            f"osd data = {at}/osd-$id",
            "osd objectstore = bluestore",
            f"bluestore block size = {OSD_SIZE}",
            f"osd memory target = {1 << 30}",
            "osd memory base = 268435456",
            "osd op complaint time = 2",
            "osd class update on start = true",
        ]
        (at / "crash").mkdir()
        new = ["--create-keyring"]
        daemons = ["mon.", "client.admin", *(f"mgr.{name}" for name in MANAGERS)]
        for number in range(HOSTS * OSDS_A_HOST):
            daemons.append(f"osd.{number}")
            lines += [f"[osd.{number}]", f"crush location = root=default host=host{number // OSDS_A_HOST + 1}"]
        for daemon in daemons:
            caps = next(given for prefix, given in _CAPS.items() if daemon.startswith(prefix))
            run(["ceph-authtool", self.keyring, *new, "--gen-key", "-n", daemon, *caps])
            new = []
            if not daemon.startswith(("mon", "client")):
                (at / daemon.replace(".", "-")).mkdir()
        self.conf.write_text("\n".join(lines) + "\n")
        os.environ["CEPH_CONF"] = str(self.conf)
