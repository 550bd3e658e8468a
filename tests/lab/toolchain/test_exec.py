"""The real kubectl executes the SIMULATED programs of pods."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.toolchain.apiserver.store import Key
from lab.toolchain.common import shapes
from lab.toolchain.common.objects import Obj
from lab.toolchain.containers.ceph_scene import MARKS
from tests.clusters.api_server import Api

KUBECTL = Path(sys.executable).parent / "kubectl"
SPACE = "rook-ceph"
RUNS = {"state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}, "ready": True, "restartCount": 0}
CLUSTER = Key("ceph.rook.io", "cephclusters", SPACE, SPACE)


@pytest.fixture
def api() -> Iterator[Api]:
    """A Ceph of three monitors, two managers and six OSDs on three hosts, all running, with its toolbox."""
    made = Api()
    store = made.store
    store.create(Key("", "namespaces", "", SPACE), {"metadata": {"name": SPACE}})
    cluster = {"metadata": {"name": SPACE, "namespace": SPACE}, "spec": {"cephVersion": {"image": "r.test/ceph:v17"}}}
    store.create(CLUSTER, cluster)
    for name in ("mon-a", "mon-b", "mon-c", "mgr-a", "mgr-b"):
        add_daemon(made, name)
    for number in range(6):
        add_daemon(made, f"osd-{number}", f"worker{number // 2 + 1}")
    add_pod(made, "rook-ceph-tools-x", {"app": "rook-ceph-tools"})
    made.start()
    try:
        yield made
    finally:
        made.remove()


def add_daemon(api: Api, name: str, host: str = "") -> None:
    pod: Obj = {"nodeSelector": {"kubernetes.io/hostname": host}} if host else {}
    made = shapes.workload("Deployment", f"rook-ceph-{name}", SPACE, ["ceph:v17"], pod=pod)
    made["status"] = {"readyReplicas": 1}
    api.store.create(Key("apps", "deployments", SPACE, made["metadata"]["name"]), made)


def add_pod(api: Api, name: str, labels: dict[str, str], phase: str = "Running") -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": SPACE, "labels": labels},
        "spec": {"containers": [{"name": "main", "image": "i"}]},
        "status": {"phase": phase, "containerStatuses": [{"name": "main", **RUNS}]},
    }
    api.store.create(Key("", "pods", SPACE, name), pod)


def stop(api: Api, daemon: str) -> None:
    key = Key("apps", "deployments", SPACE, f"rook-ceph-{daemon}")
    api.store.modify(key, lambda one: one.update(status={}))


def execute(api: Api, tmp_path: Path, *words: str, pod: str = "rook-ceph-tools-x") -> subprocess.CompletedProcess[str]:
    path = tmp_path / "kubeconfig"
    path.write_text(api.kubeconfig())
    argv = [KUBECTL, "--kubeconfig", path, "-n", SPACE, "exec", pod, "--", *words]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)


def ask(api: Api, tmp_path: Path, *words: str) -> Any:
    done = execute(api, tmp_path, "ceph", *words, "-f", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_toolbox_tells_of_the_daemons(api: Api, tmp_path: Path) -> None:
    assert ask(api, tmp_path, "status")["health"]["status"] == "HEALTH_OK"
    stop(api, "osd-3")
    stop(api, "mon-b")
    said = ask(api, tmp_path, "health", "detail")
    assert set(said["checks"]) == {"OSD_DOWN", "MON_DOWN", "PG_DEGRADED"}
    assert said["checks"]["OSD_DOWN"]["detail"] == [{"message": "osd.3 (root=default,host=worker2) is down"}]
    stop(api, "mon-a")
    done = execute(api, tmp_path, "ceph", "status")
    assert (done.returncode, done.stdout) == (1, "")
    assert "timed out" in done.stderr


def test_an_osd_is_taken_out_and_purged(api: Api, tmp_path: Path) -> None:
    assert execute(api, tmp_path, "ceph", "osd", "safe-to-destroy", "5").returncode == 16
    assert "marked out osd.5" in execute(api, tmp_path, "ceph", "osd", "out", "osd.5").stderr
    marks = json.loads(api.store.get(CLUSTER)["metadata"]["annotations"][MARKS])
    marks["out"]["5"] -= 3600
    api.store.modify(CLUSTER, lambda one: one["metadata"]["annotations"].update({MARKS: json.dumps(marks)}))
    assert ask(api, tmp_path, "osd", "safe-to-destroy", "5")["safe_to_destroy"] == [5]
    assert "is not `down`" in execute(api, tmp_path, "ceph", "osd", "purge", "5", "--yes-i-really-mean-it").stderr
    stop(api, "osd-5")
    assert execute(api, tmp_path, "ceph", "osd", "purge", "5", "--yes-i-really-mean-it").returncode == 0
    assert ask(api, tmp_path, "status")["osdmap"]["num_osds"] == 5


def test_what_cannot_be_executed(api: Api, tmp_path: Path) -> None:
    add_pod(api, "over", {}, "Succeeded")
    assert "completed pod" in execute(api, tmp_path, "true", pod="over").stderr
    done = execute(api, tmp_path, "bash")
    assert done.returncode == 126
    assert 'exec: "bash"' in done.stderr
    assert "not found" in execute(api, tmp_path, "true", pod="nowhere").stderr
    assert "no valid command found" in execute(api, tmp_path, "ceph", "make", "tea").stderr
