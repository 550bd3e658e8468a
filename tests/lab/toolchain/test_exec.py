"""The real kubectl executes the SIMULATED programs of pods."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.clusters import rook
from tests.clusters.api_server import Api
from tests.clusters.rook import SPACE, add_pod, api, stop  # noqa: F401 - a fixture

KUBECTL = Path(sys.executable).parent / "kubectl"


def execute(api: Api, tmp_path: Path, *words: str, pod: str = "rook-ceph-tools-x") -> subprocess.CompletedProcess[str]:  # noqa: F811
    path = tmp_path / "kubeconfig"
    path.write_text(api.kubeconfig())
    argv = [KUBECTL, "--kubeconfig", path, "-n", SPACE, "exec", pod, "--", *words]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)


def ask(api: Api, tmp_path: Path, *words: str) -> Any:  # noqa: F811
    done = execute(api, tmp_path, "ceph", *words, "-f", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_toolbox_tells_of_the_daemons(api: Api, tmp_path: Path) -> None:  # noqa: F811
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


def test_an_osd_is_taken_out_and_purged(api: Api, tmp_path: Path) -> None:  # noqa: F811
    assert execute(api, tmp_path, "ceph", "osd", "safe-to-destroy", "5").returncode == 16
    assert "marked out osd.5" in execute(api, tmp_path, "ceph", "osd", "out", "osd.5").stderr
    rook.mark(api, lambda marks: marks["out"].update({"5": marks["out"]["5"] - 3600}))
    assert ask(api, tmp_path, "osd", "safe-to-destroy", "5")["safe_to_destroy"] == [5]
    assert "is not `down`" in execute(api, tmp_path, "ceph", "osd", "purge", "5", "--yes-i-really-mean-it").stderr
    stop(api, "osd-5")
    assert execute(api, tmp_path, "ceph", "osd", "purge", "5", "--yes-i-really-mean-it").returncode == 0
    assert ask(api, tmp_path, "status")["osdmap"]["num_osds"] == 5


def test_what_cannot_be_executed(api: Api, tmp_path: Path) -> None:  # noqa: F811
    add_pod(api, "over", {}, "Succeeded")
    assert "completed pod" in execute(api, tmp_path, "true", pod="over").stderr
    done = execute(api, tmp_path, "bash")
    assert done.returncode == 126
    assert 'exec: "bash"' in done.stderr
    assert "not found" in execute(api, tmp_path, "true", pod="nowhere").stderr
    assert execute(api, tmp_path, "timeout", "5", "ceph", "health", "-f", "json").returncode == 0
    assert "no valid command found" in execute(api, tmp_path, "ceph", "make", "tea").stderr
