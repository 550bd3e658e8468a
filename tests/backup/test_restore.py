"""What was there at the time of the snapshot comes back, and what came after it is gone, whatever fails on the way."""

from __future__ import annotations

import pytest

from clusters.models import Backup
from tasks import services
from tasks.models import OperationState, Outcome, StepState
from tasks.plan import PlanError
from tests.backup.conftest import HOSTS, Site
from tests.installed import stored
from tests.tasks.driven import finish
from tests.workers import Fleet, until

pytestmark = [pytest.mark.integration, pytest.mark.lab]
RUNS = "pgrep -f '[/]kube-apiserver --secure' >/dev/null && echo runs || echo ended"


@pytest.mark.timeout(600)
def test_etcd_is_restored_on_all_members(site: Site, fleet: Fleet) -> None:
    site.sh("kubectl create configmap before --from-literal=a=1")
    backup = site.start("backup", keep=3)
    assert finish(backup, fleet, 120) == OperationState.SUCCEEDED, backup.error
    rows = list(Backup.objects.filter(cluster=site.cluster))
    assert {row.host for row in rows} == set(HOSTS)
    assert {(row.store, row.etcd_version, len(row.members)) for row in rows} == {("host", "3.4.13", 2)}
    site.sh("kubectl create configmap after --from-literal=a=1; kubectl delete configmap before")
    with pytest.raises(PlanError, match="not confirmed"):
        site.start("restore")

    # Only looked at: nothing is stopped.
    looked = site.start("restore", dry_run=True, confirm="demo")
    assert finish(looked, fleet, 120) == OperationState.SUCCEEDED, looked.error
    assert looked.steps.get(key="choose-backup").result["backup"]["path"] == str(rows[0])
    assert site.sh(RUNS) == "runs" and site.maps() >= {"after"}

    # A snapshot whose bytes have changed is found before anything is stopped.
    spoilt = f"{rows[0].directory}/{rows[0].name}"
    spoil = f"printf x | dd of={spoilt} conv=notrunc status=none seek=600 bs=1"
    site.sh(f"cp -p {spoilt} /tmp/whole; {spoil}", rows[0].host)
    refused = site.start("restore", confirm="demo")
    assert finish(refused, fleet, 120) == OperationState.FAILED
    assert refused.error["step"] == "restore-staged" and "is not the one that was taken" in str(refused.error)
    assert site.sh(RUNS) == "runs"
    site.sh(f"cp -p /tmp/whole {spoilt}", rows[0].host)

    # It fails on one member when the other one has its new data: all is stopped, and the old data are there.
    site.fault({"at": "etcdctl:restore", "do": "half", "times": 1}, host="master2")
    operation = site.start("restore", confirm="demo")
    assert finish(operation, fleet, 180) == OperationState.FAILED
    assert (operation.error["step"], operation.error["host"]) == ("restore-member", "master2")
    assert "stay stopped" in str(operation.error)
    assert site.sh(RUNS) == "ended"
    assert site.sh("systemctl is-active etcd; ls /var/lib/etcd", "master2", check=False) == "member"
    # One member does not start, and the operation is cancelled while it is waited for.
    site.sh("mv /usr/local/bin/etcd /usr/local/bin/away", "master2")
    services.request_retry(operation, actor="test")
    starting = operation.steps.filter(key="restore-start-etcd", state=StepState.RUNNING)
    until(starting.exists, 120)
    services.request_cancel(operation, actor="test")
    assert finish(operation, fleet, 120) == OperationState.CANCELLED
    assert site.sh(RUNS) == "ended"
    site.sh("mv /usr/local/bin/away /usr/local/bin/etcd", "master2")
    services.request_retry(operation, actor="test")
    assert finish(operation, fleet, 240) == OperationState.SUCCEEDED, operation.error

    assert site.maps() >= {"before"} and "after" not in site.maps()
    stamp = operation.steps.get(key="choose-backup").result["settings"]["stamp"]
    for host in HOSTS:
        assert site.sh("ls /var/lib/etcd", host).split() == ["member", f"member.before-restore-{stamp}"]
        assert f"kept /var/lib/etcd/member.before-restore-{stamp}" in stored(operation, "restore-tidy", host)
    assert site.sh("ls /var/lib/sanqian/restore; ls /etc/kubernetes/held-by-restore", check=False) == "settings"
    assert "cannot raise revisions" not in stored(operation, "restore-member")
    assert operation.steps.get(key="restore-staged").outcome == Outcome.ALREADY
    # It lives on.
    site.sh("kubectl create configmap later --from-literal=a=1")
    assert "later" in site.maps()
