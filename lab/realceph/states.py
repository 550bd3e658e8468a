"""The states that are recorded: how the cluster gets into each, and out of it again."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.errors import LabError
from lab.realceph.cluster import HOSTS, OSDS_A_HOST, POOL, RealCeph

COMMANDS = {
    "status": ("status",),
    "health-detail": ("health", "detail"),
    "osd-tree": ("osd", "tree"),
    "osd-df": ("osd", "df"),
    "osd-dump": ("osd", "dump"),
    "crush-rules": ("osd", "crush", "rule", "dump"),
    "df": ("df",),
    "versions": ("versions",),
    "quorum-status": ("quorum_status",),
    "mgr-stat": ("mgr", "stat"),
}
# What is kept of long answers: of the whole, and of each OSD and pool.
KEPT = ("epoch", "fsid", "flags", "flags_set", "full_ratio", "backfillfull_ratio", "nearfull_ratio", "pools", "osds")
KEPT_OF_EACH = {
    "osds": ("osd", "uuid", "up", "in", "weight", "state"),
    "pools": ("pool", "pool_name", "type", "size", "min_size", "crush_rule", "pg_num", "erasure_code_profile"),
}
WRITTEN = 400  # objects of 1 MiB
ALL = HOSTS * OSDS_A_HOST


class Recorder:
    def __init__(self, ceph: RealCeph, directory: Path) -> None:
        self.ceph, self.directory = ceph, directory

    def record(self, state: str) -> None:
        """Ask everything, and keep the answers under the state's name."""
        self.ceph.progress(f"recording {state}")
        at = self.directory / state
        shutil.rmtree(at, ignore_errors=True)
        at.mkdir(parents=True)
        for name, words in COMMANDS.items():
            answer = json.loads(self.ceph.ceph(*words, "-f", "json"))
            if name == "osd-dump":
                answer = {key: answer[key] for key in KEPT}
                for part, kept in KEPT_OF_EACH.items():
                    answer[part] = [{key: one[key] for key in kept} for one in answer[part]]
            (at / f"{name}.json").write_text(json.dumps(answer, indent=1) + "\n")

    def record_silence(self, state: str) -> None:
        """What the client says when no monitor can answer: one text for all commands."""
        self.ceph.progress(f"recording {state}")
        at = self.directory / state
        shutil.rmtree(at, ignore_errors=True)
        at.mkdir(parents=True)
        done = self.ceph.client("status", "-f", "json")
        text = f"exit code {done.returncode}\n{done.stdout}{done.stderr}"
        (at / "status.txt").write_text(text)


def drive(ceph: RealCeph, directory: Path) -> None:
    """Through all states, each from a healthy cluster. Raises `LabError`."""
    recorder = Recorder(ceph, directory)
    _write(ceph)
    ceph.until("health to be good", lambda: ceph.ask("status")["health"]["status"] == "HEALTH_OK")
    ceph.until("all objects to be counted", lambda: ceph.ask("status")["pgmap"]["num_objects"] >= WRITTEN)
    recorder.record("healthy")
    for state in (osd_down, host_down, osd_out, nearfull, full, muted, mon_down, slow_ops, no_quorum):
        state(ceph, recorder)


def osd_down(ceph: RealCeph, recorder: Recorder) -> None:
    with _without(ceph, "osd.0"):
        ceph.until("degraded data to be seen", lambda: {"OSD_DOWN", "PG_DEGRADED"} <= set(ceph.checks()))
        recorder.record("osd-down")


def host_down(ceph: RealCeph, recorder: Recorder) -> None:
    with _without(ceph, "osd.0", "osd.1"):
        wanted = {"OSD_HOST_DOWN", "PG_DEGRADED"}
        ceph.until("the host's loss to be seen", lambda: wanted <= set(ceph.checks()))
        recorder.record("host-down")


def osd_out(ceph: RealCeph, recorder: Recorder) -> None:
    """While its data moves, and when it is empty."""
    # Slowly, so that the move can be seen.
    ceph.ceph("config", "set", "osd", "osd_recovery_sleep", "0.5")
    ceph.ceph("config", "set", "osd", "osd_recovery_max_active", "1")
    ceph.ceph("osd", "out", "5")
    ceph.until("data to move", lambda: _moves(ceph))
    recorder.record("osd-out-moving")
    for option in ("osd_recovery_sleep", "osd_recovery_max_active"):
        ceph.ceph("config", "rm", "osd", option)
    ceph.until_clean()
    ceph.until("osd.5 to be empty", lambda: ceph.client("osd", "safe-to-destroy", "5").returncode == 0)
    recorder.record("osd-out-empty")
    ceph.ceph("osd", "in", "5")
    ceph.until_clean()


def nearfull(ceph: RealCeph, recorder: Recorder) -> None:
    _full(ceph, recorder, "nearfull", "OSD_NEARFULL")


def full(ceph: RealCeph, recorder: Recorder) -> None:
    _full(ceph, recorder, "full", "OSD_FULL")


def _full(ceph: RealCeph, recorder: Recorder, state: str, check: str) -> None:
    """By a ratio below what is used, which is the same to Ceph as disks filled above the usual ratio."""
    used = max(node["utilization"] for node in ceph.ask("osd", "df")["nodes"]) / 100
    before = {key: ceph.ask("osd", "dump")[f"{key}_ratio"] for key in ("nearfull", "backfillfull", "full")}
    wanted = {"nearfull": used * 0.7, "backfillfull": used * 0.8, "full": used * 0.9}
    if state == "nearfull":
        wanted = {"nearfull": used * 0.9}
    for key, ratio in wanted.items():
        ceph.ceph("osd", f"set-{key}-ratio", f"{ratio:.4f}")
    ceph.until(check, lambda: check in ceph.checks())
    recorder.record(state)
    for key in reversed(wanted):
        ceph.ceph("osd", f"set-{key}-ratio", f"{before[key]:.4f}")
    ceph.until("room to be seen", lambda: check not in ceph.checks())


def muted(ceph: RealCeph, recorder: Recorder) -> None:
    ceph.ceph("osd", "set", "noout")
    ceph.until("the flag to be seen", lambda: "OSDMAP_FLAGS" in ceph.checks())
    ceph.ceph("health", "mute", "OSDMAP_FLAGS", "1h")
    recorder.record("muted")
    ceph.ceph("health", "unmute", "OSDMAP_FLAGS")
    ceph.ceph("osd", "unset", "noout")


def mon_down(ceph: RealCeph, recorder: Recorder) -> None:
    with _without(ceph, "mon.c"):
        ceph.until("the monitor's loss to be seen", lambda: "MON_DOWN" in ceph.checks())
        recorder.record("mon-down")
    ceph.until("all monitors", lambda: "MON_DOWN" not in ceph.checks())


def slow_ops(ceph: RealCeph, recorder: Recorder) -> None:
    """One OSD stands still without being marked down: what is written waits for it."""
    ceph.ceph("osd", "set", "nodown")
    ceph.pause("osd.2")
    argv = ["rados", "-c", str(ceph.conf), "-p", POOL, "bench", "20", "write", "-b", "4096", "-t", "64"]
    load = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        ceph.until("slow requests", lambda: "SLOW_OPS" in ceph.checks())
        recorder.record("slow-ops")
    finally:
        ceph.resume("osd.2")
        ceph.ceph("osd", "unset", "nodown")
        load.wait(120)
    ceph.until_clean()
    ceph.until("requests to be done", lambda: "SLOW_OPS" not in ceph.checks())


def no_quorum(ceph: RealCeph, recorder: Recorder) -> None:
    ceph.down("mon.b", "mon.c")
    # Until its lease is over the last monitor still answers as if all were well.
    ceph.until("the quorum's loss to be seen", lambda: ceph.client("status").returncode)
    recorder.record_silence("no-quorum")


@contextmanager
def _without(ceph: RealCeph, *daemons: str) -> Iterator[None]:
    ceph.down(*daemons)
    yield
    for daemon in daemons:
        ceph.up(*daemon.split("."))
    ceph.until_clean()


def _write(ceph: RealCeph) -> None:
    """Data to be counted and moved."""
    ceph.progress(f"writing {WRITTEN} MiB")
    words = ("bench", "600", "write", "--no-cleanup", "--max-objects", str(WRITTEN), "-b", str(1 << 20), "-t", "8")
    argv = ["rados", "-c", str(ceph.conf), "-p", POOL, *words]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        raise LabError(f"rados bench failed with {done.returncode}: {done.stderr.strip()}")


def _moves(ceph: RealCeph) -> bool:
    states = [one["state_name"] for one in ceph.ask("status")["pgmap"].get("pgs_by_state", [])]
    return "peering" not in states and any("backfill" in state or "recover" in state for state in states)
