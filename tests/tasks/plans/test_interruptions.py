"""What scripts leave where a cancel ends them in their middle, and that a retry goes on from there; in a real shell."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tasks.plan import Script
from tasks.plans.scripting import script
from tests.workers import until

# Each program keeps what it was asked; kubectl finds node n1 Ready, and kk ends as $KK says. SIMULATED, all of them.
KK = """#!/bin/sh
echo "$*" >>"$NOTES/kk"
exit "${KK:-0}"
"""
KUBECTL = """#!/bin/sh
echo "$*" >>"$NOTES/kubectl"
case "$*" in
  'get nodes --no-headers') echo 'n1 Ready' ;;
  *'osd dump'*) cat "$NOTES/dump" ;;
  'get deployment '* | *'osd ls'*) exit 1 ;;
  *'status.phase'*) sleep 60 ;;
esac
"""
YES = "#!/bin/sh\n"
HANGS = """#!/bin/sh
for word; do case $word in *.part) echo half >"$word"; sleep 60 ;; esac; done
"""
DUMP = """{"pools": [{"pool": 1, "size": 3}], "osds": [
 {"osd": 3, "uuid": "a", "up": 1, "in": 0, "weight": 0}, {"osd": 30, "uuid": "b", "up": 1, "in": 1, "weight": 1}]}"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "bin").mkdir()
    for name, text in {"kk": KK, "kubectl": KUBECTL, "ssh": YES, "openssl": YES, "etcdctl": HANGS}.items():
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / "admin.conf").touch()
    return tmp_path


def begin(place: Path, do: Script, phase: str, **env: str) -> subprocess.Popen[bytes]:
    """A phase as a host's job runs it, in a session of its own."""
    text = getattr(do, phase).replace("/etc/kubernetes/admin.conf", str(place / "admin.conf"))
    given = {"PATH": os.environ["PATH"], "NOTES": str(place), "SANQIAN_HOST": "m1", **do.env, **env}
    words = ["sh", "-c", f"(\nset -eu\n{text}\n)\nexit $?"]
    return subprocess.Popen(words, env=given, stdin=subprocess.DEVNULL, start_new_session=True)


def run(place: Path, do: Script, phase: str, **env: str) -> int:
    return begin(place, do, phase, **env).wait(30)


def cancel(job: subprocess.Popen[bytes]) -> None:
    """As a job is ended on a host: TERM for all of its processes at once."""
    os.killpg(job.pid, signal.SIGTERM)
    assert job.wait(10)


def env(place: Path, **more: str) -> Mapping[str, str]:
    return {"ARTIFACT": str(place), "CONFIG": str(place / "cluster.yaml"), "WAIT": "5", **more}


@pytest.mark.parametrize("name", ["renew-certificates", "kubernetes", "nodes-join"])
def test_what_kk_did_only_in_part_is_not_taken_for_done(place: Path, name: str) -> None:
    """What the probe looks at is true already: kk was interrupted behind it."""
    more = {"NODES": "n1", "ETCD": "", "MEMBERS": "", "DAYS": "180", "KEY": "k", "PORT": "22"}
    more |= {"USER_AT_HOST": "root@n1", "HOST": "n1", "API": "n1:6443"}
    do = script(name, "nodes", "etcd", "whole", env=env(place, **more))
    assert run(place, do, "probe") == 0
    assert run(place, do, "apply", KK="143") == 143
    assert run(place, do, "probe") != 0
    assert run(place, do, "apply") == 0
    assert run(place, do, "probe") == 0


def test_hosts_that_join_later_are_not_held_up_by_others(place: Path) -> None:
    def joining(*nodes: str) -> Script:
        given = env(place, NODES=" ".join(nodes), ETCD="", MEMBERS="")
        return script("nodes-join", "nodes", "etcd", "whole", env=given)

    many = tuple(f"worker{n}" for n in range(200))
    assert run(place, joining(*many), "apply", KK="1") == 1
    assert run(place, joining("n1"), "probe") == 0


def test_a_cancelled_snapshot_leaves_no_half_of_it(place: Path) -> None:
    ssl = place / "ssl"
    ssl.mkdir()
    (ssl / "admin-m1.pem").touch()
    do = script("etcd-snapshot", env=env(place, DIRECTORY=str(place / "backups"), KEEP="7"))
    do = Script(do.apply.replace("/etc/ssl/etcd/ssl", str(ssl)).replace("/var/lib/etcd", str(ssl)), env=do.env)
    job = begin(place, do, "apply")
    until(lambda: list(place.glob("backups/*.part")), 20, "etcdctl writes")
    cancel(job)
    until(lambda: not list(place.glob("backups/*")), 5, "it is gone")


def test_a_cancelled_proof_of_use_takes_its_claim_along(place: Path) -> None:
    do = script("ceph-proof", env=env(place, KIND="block", CLASS="ceph-block", MODE="ReadWriteOnce", SPACE="rook-ceph"))
    job = begin(place, do, "apply")
    asked = place / "kubectl"
    until(lambda: asked.exists() and "status.phase" in asked.read_text(), 20, "the claim is waited for")
    cancel(job)
    until(lambda: asked.read_text().splitlines()[-1].startswith("delete job,pvc"), 5, "it is deleted")


@pytest.mark.parametrize(("osds", "out"), [("3", True), ("3 9", True), ("30", False), ("3 30", False)])
def test_an_osd_that_was_taken_back_in_is_marked_out_again(place: Path, osds: str, out: bool) -> None:
    """9 is purged already."""
    (place / "dump").write_text(DUMP)
    do = script("ceph-osd-out", env=env(place, OSDS=osds, SPACE="rook-ceph"))
    assert (run(place, do, "probe") == 0) is out


def test_an_osd_of_which_ceph_says_nothing_is_not_taken_for_gone(place: Path) -> None:
    """Its deployment is gone already, and the toolbox does not answer."""
    do = script("ceph-osd-purge", env=env(place, OSDS="3", SPACE="rook-ceph"))
    for phase in ("probe", "apply", "verify"):
        assert run(place, do, phase) != 0, phase
    assert "delete" not in (place / "kubectl").read_text()
