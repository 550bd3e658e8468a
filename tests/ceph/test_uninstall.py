"""Hosts that hold data of Ceph neither leave nor are uninstalled unasked; asked, data is moved or disks are wiped.

By its name the last of these files: it takes the Kubernetes away that the others share.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tasks import services
from tasks.models import OperationState
from tests.ceph.conftest import CLUSTER, Site
from tests.ceph.test_life import IN_THE_WAY, WORKERS, with_ceph
from tests.installed import stored
from tests.tasks.driven import finish
from tests.workers import Fleet, until

pytestmark = [pytest.mark.integration, pytest.mark.lab]


def osds(site: Site) -> list[dict[str, Any]]:
    tree = site.sh("kubectl exec -n rook-ceph deploy/rook-ceph-tools -- ceph osd tree -f json")
    hosts = {child: node["name"] for node in json.loads(tree)["nodes"] for child in node.get("children", ())}
    return [one | {"host": hosts[one["id"]]} for one in json.loads(tree)["nodes"] if one["type"] == "osd"]


def test_hosts_keep_the_data_of_ceph_until_it_is_said_that_it_goes(site: Site, fleet: Fleet) -> None:
    with_ceph(site, fleet, (*WORKERS, "worker4"))
    for host in ("master1", *WORKERS, "worker4"):
        site.sh(f"echo {CLUSTER} >/var/lib/sanqian/cluster", host)
    _a_host_leaves_when_its_data_has_moved(site, fleet)

    leaving = site.start("remove-node", node="worker2")
    assert finish(leaving, fleet, 180) == OperationState.FAILED
    assert leaving.error["step"] == "removable"
    assert "worker2 holds data of Ceph: rook-ceph-osd-" in leaving.error["message"]
    assert "ceph-remove-osd" in leaving.error["fix"]
    by_host = {osd["host"]: osd["id"] for osd in osds(site)}
    for number, why in ((by_host["worker1"], "is not on worker2"), (by_host["worker2"], "keeps 3 copies")):
        leaving = site.start("remove-node", node="worker2", osds=[number])
        assert finish(leaving, fleet, 180) == OperationState.FAILED
        assert leaving.error["step"] == "ceph-osd-check" and why in leaving.error["message"]

    refused = site.start("uninstall", confirm="demo")
    assert finish(refused, fleet, 180) == OperationState.FAILED
    assert refused.error["step"] == "ceph-data"
    assert "There are data of Ceph" in refused.error["message"]
    assert site.names("nodes") == {"master1", *WORKERS}
    assert site.get("cephclusters -A")["items"]

    # A disk of Ceph's that somebody has given a file system since is named and left; the others are wiped.
    operation = site.start("uninstall", confirm="demo", remove_ceph_data=True)
    site.sh("mkfs.ext4 -q -F -L kept /dev/vdb", "worker2")
    assert finish(operation, fleet, 300) == OperationState.FAILED
    assert (operation.error["step"], operation.error["host"]) == ("clean-others", "worker2")
    assert "now carries something else" in operation.error["message"]
    assert "LABEL=kept" in site.sh("blkid -p -o export /dev/vdb", "worker2")
    site.sh("wipefs -q -a /dev/vdb", "worker2")
    services.request_retry(operation, actor="test")
    assert finish(operation, fleet, 300) == OperationState.SUCCEEDED, operation.error
    assert "cleaning /dev/disk/by-id/virtio-SIMULATED-worker1-vdb" in stored(operation, "clean-others", "worker1")
    for host in WORKERS:
        assert site.sh("head -c 1M /dev/vdb | tr -d '\\000' | wc -c; ls -d /var/lib/rook 2>/dev/null || :", host) == "0"
        assert site.sh("ls /var/lib/sanqian/ceph 2>/dev/null || :", host) == ""


def _a_host_leaves_when_its_data_has_moved(site: Site, fleet: Fleet) -> None:
    """While it moves the toolbox goes away and the worker is killed; another one waits on."""
    (osd,) = (one["id"] for one in osds(site) if one["host"] == "worker4")
    site.sh(f"mv bin/kubectl bin/kubectl.real; printf '%s' '{IN_THE_WAY}' >bin/kubectl; chmod +x bin/kubectl")
    leaving = site.start("remove-node", node="worker4", osds=[osd])
    steps = leaving.steps
    until(lambda: "does not answer in the toolbox" in steps.get(key="ceph-osd-drained").note, 120, "the data moves")
    fleet.workers[0].kill()
    assert "worker4" in site.names("nodes") and "rook-ceph-osd-" + str(osd) in site.names("deployments -n rook-ceph")
    site.sh("mv bin/kubectl.real bin/kubectl; kubectl scale deployment rook-ceph-tools -n rook-ceph --replicas=1")
    fleet.worker(16)
    assert finish(leaving, fleet, 300) == OperationState.SUCCEEDED, leaving.error
    ended = dict(steps.values_list("key", "finished_at"))
    order = ["ceph-osd-drained", "ceph-osd-release", "ceph-osd-purge", "drain", "delete", "clean", "retire"]
    assert [ended[key] for key in order] == sorted(ended[key] for key in order)
    assert {one["host"] for one in osds(site)} == set(WORKERS) and site.names("nodes") == {"master1", *WORKERS}
    storage = site.get("cephcluster -n rook-ceph rook-ceph")["spec"]["storage"]
    assert [node["name"] for node in storage["nodes"]] == list(WORKERS)
    assert not site.cluster.nodes.filter(name="worker4").exists()
    left = "ls -d /etc/kubernetes /var/lib/kubelet /var/lib/rook /var/lib/sanqian 2>/dev/null || :"
    assert site.sh(left, "worker4") == ""
