"""The plan for a Ceph that is run elsewhere, what its driver is told, and the question to its monitors."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tasks.plan import ClusterFact, Plan, PlanError, Script
from tasks.plans import ceph_reach, ceph_use, make
from tasks.plans.scripting import FILES
from tests.tasks.plans.sites import cluster

FSID = "6f0a3c1e-11f0-4b2c-9d5e-0242ac120002"
GIVEN: dict[str, Any] = {
    "cluster_id": FSID,
    "monitors": ["10.0.9.1", "10.0.9.2:6789"],
    "filesystem": "fs",
    "user": "csi",
}


def site(**changes: Any) -> ClusterFact:
    return replace(cluster(), **{"secrets": frozenset({"ceph_key"}), **changes})


def plan(**params: Any) -> Plan:
    return make("ceph-csi-cephfs", site(), {**GIVEN, **params})


def script_of(made: Plan, key: str) -> Script:
    (do,) = (step.do for step in made.steps if step.key == key)
    assert isinstance(do, Script)
    return do


def test_everything_is_asked_before_anything_is_installed_and_use_is_proven() -> None:
    made = plan()
    assert [step.key for step in made.steps] == [
        *("artifact-unpack", "ceph-csi-check", "ceph-monitors", "ceph-csi-values", "ceph-csi-secret", "ceph-identity"),
        *("component-ceph-csi-cephfs", "ceph-csi-ready", "ceph-default-class", "ceph-proof-external"),
        "record-components",
    ]
    after = {step.key: step.after for step in made.steps}
    assert set(after["ceph-csi-values"]) == {"ceph-csi-check", "ceph-monitors"}
    assert "ceph-default-class" not in {step.key for step in plan(make_default=False).steps}
    (reach,) = (step.do for step in made.steps if step.key == "ceph-monitors")
    assert reach.args["hosts"] == ["worker1", "worker2"]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"cluster_id": ""}, "cluster_id"),
        ({"cluster_id": "rook-ceph"}, "cluster_id"),
        ({"monitors": []}, "monitors"),
        ({"monitors": ["10.0.9.1", "mon.example.com"]}, "monitors[1]"),
        ({"monitors": ["10.0.9.1", "10.0.9.1"]}, "monitors[1]"),
        ({"filesystem": ""}, "filesystem"),
        ({"filesystem": 'a"b'}, "filesystem"),
        ({"user": "client.csi"}, "user"),
        ({"user": "$(id)"}, "user"),
        ({"storage_class": "Ceph"}, "storage_class"),
        ({"key": "AQ"}, "key"),
    ],
)
def test_parameters_at_fault_are_named(params: dict[str, Any], field: str) -> None:
    with pytest.raises(PlanError) as refused:
        plan(**params)
    assert refused.value.field == field and refused.value.fix


def test_a_key_must_be_stored_and_the_class_must_not_be_rook_s() -> None:
    with pytest.raises(PlanError, match="not stored") as refused:
        make("ceph-csi-cephfs", site(secrets=frozenset()), GIVEN)
    assert refused.value.field == "ceph_key"
    with_rook = site(installed=frozenset({"rook-ceph-cluster"}))
    with pytest.raises(PlanError, match="own disks"):
        make("ceph-csi-cephfs", with_rook, GIVEN)
    assert make("ceph-csi-cephfs", with_rook, {**GIVEN, "storage_class": "outer"}).steps


def test_the_driver_is_told_where_and_never_the_key() -> None:
    made = plan(pool="data", subvolume_group="k8s", storage_class="outer")
    told = json.loads(script_of(made, "ceph-csi-values").env["CONTENT"])
    assert told["csiConfig"] == [
        {"clusterID": FSID, "monitors": ["10.0.9.1", "10.0.9.2:6789"], "cephFS": {"subvolumeGroup": "k8s"}}
    ]
    wanted = {"create": True, "name": "outer", "clusterID": FSID, "fsName": "fs", "pool": "data"}
    assert wanted.items() <= told["storageClass"].items()
    assert told["secret"] == {"create": False}
    assert "cephFS" not in json.loads(script_of(plan(), "ceph-csi-values").env["CONTENT"])["csiConfig"][0]
    secrets = {step.key: step.do.secrets for step in made.steps if isinstance(step.do, Script) and step.do.secrets}
    assert secrets == {"ceph-csi-secret": {"CEPH_KEY": "ceph-key"}}


def test_the_scripts_are_sound_shell() -> None:
    shell = shutil.which("dash") or "sh"
    removal = make("ceph-csi-cephfs-uninstall", site(), {"confirm": "demo"})
    for step in [*plan().steps, *removal.steps]:
        for text in (step.do.probe, step.do.apply, step.do.verify) if isinstance(step.do, Script) else ():
            subprocess.run([shell, "-n"], input=text.encode(), check=True)
    subprocess.run([shell, "-n"], input=FILES["ceph-monitors"].encode(), check=True)


def test_a_monitor_is_reached_where_one_of_its_ports_greets_as_ceph() -> None:
    monitors = [{"address": "10.0.9.1", "ports": [3300, 6789]}, {"address": "10.0.9.2", "ports": [6789]}]
    assert ceph_reach.lines(monitors).splitlines() == ["10.0.9.1 3300", "10.0.9.1 6789", "10.0.9.2 6789"]
    said = "10.0.9.2 6789 other\n10.0.9.1 6789 ceph\n10.0.9.1 3300 closed\n"
    assert ceph_reach.unreached(said, ["10.0.9.1", "10.0.9.2", "10.0.9.3"]) == [
        "10.0.9.2 (port 6789 answers, but not as Ceph does)",
        "10.0.9.3 (was not asked)",
    ]


def test_volumes_of_this_driver_alone_keep_it() -> None:
    classes = [
        {"kind": "StorageClass", "metadata": {"name": name}, "provisioner": driver}
        for name, driver in (("inner", "rook-ceph.cephfs.csi.ceph.com"), ("outer", "cephfs.csi.ceph.com"))
    ]
    claims = [
        {
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": name, "namespace": "a"},
            "spec": {"storageClassName": name},
        }
        for name in ("inner", "outer")
    ]
    static = {
        "kind": "PersistentVolume",
        "metadata": {"name": "pv"},
        "spec": {"csi": {"driver": "cephfs.csi.ceph.com"}},
    }
    found = [*classes, *claims, static]
    assert ceph_use.claims(found) == ["PersistentVolumeClaim a/inner"]
    outer = ["PersistentVolumeClaim a/outer", "PersistentVolume pv"]
    assert ceph_use.claims(found, ["cephfs.csi.ceph.com"]) == outer


# Answers `exec ... ceph WORDS` from $NOTES/<words>: the first line is the exit code, the rest goes to both streams.
KUBECTL = """#!/bin/sh
case "$*" in
  *" ceph "*" fsid") file=$NOTES/fsid ;;
  *" fs ls -f json") file=$NOTES/systems ;;
  *containerStatuses*) echo true; exit ;;
  *) exit 0 ;;
esac
code=$(head -n 1 "$file")
[ "$code" = 0 ] && sed 1d "$file" || sed 1d "$file" >&2
exit "$code"
"""
HELM = """#!/bin/sh
printf '  - name: x\\n    image: "%s"\\n' registry/csi-provisioner:v3 "$IMAGE"
"""
SYSTEMS = '[{"name":"fs","metadata_pool":"meta","data_pools":["data", "more"]},{"name":"other","data_pools":["far"]}]'


@pytest.mark.parametrize(
    ("fsid", "systems", "pool", "code", "said"),
    [
        (f"0\n{FSID}", f"0\n{SYSTEMS}", "more", 0, f"the monitors are of {FSID} and take the key of csi"),
        ("0\nfeedfeed", f"0\n{SYSTEMS}", "", 1, "of the Ceph cluster feedfeed"),
        ("1\n[errno 13] RADOS permission denied", "", "", 1, "do not take the key of csi: [errno 13]"),
        ("1\n[errno 110] RADOS timed out", "", "", 1, "do not answer a pod: [errno 110]"),
        ("126\nexec: executable file not found in $PATH", "", "", 0, "only the proof of use"),
        (f"0\n{FSID}", '0\n[{"name":"files","data_pools":["data"]}]', "", 1, "no file system fs"),
        (f"0\n{FSID}", f"0\n{SYSTEMS}", "far", 1, "far is no data pool"),
        (f"0\n{FSID}", "13\nError EACCES", "", 0, "cannot be listed"),
    ],
)
def test_the_monitors_are_asked_who_they_are(
    tmp_path: Path, fsid: str, systems: str, pool: str, code: int, said: str
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "helm-charts").mkdir()
    for name, text in (("kubectl", KUBECTL), ("helm", HELM)):
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / "fsid").write_text(fsid)
    (tmp_path / "systems").write_text(systems)
    do = script_of(plan(pool=pool), "ceph-identity")
    env = {**do.env, "ARTIFACT": str(tmp_path), "NOTES": str(tmp_path), "IMAGE": "registry/cephcsi:v3.8.0"}
    done = subprocess.run(
        ["sh", "-eu", "-c", do.apply],
        env={"PATH": os.environ["PATH"], "SANQIAN_HOST": "master1", **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, said in done.stdout + done.stderr) == (code, True), done.stdout + done.stderr
