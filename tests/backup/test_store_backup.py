"""A backup goes to an S3 store (SIMULATED by moto) and is restored from there when the hosts have none any more."""

from __future__ import annotations

import pytest

from clusters.models import Backup, Cluster
from tasks import services, stores
from tasks.models import OperationState
from tests.backup.conftest import HOSTS, Site
from tests.backup.s3_server import ACCESS_KEY, BUCKET, SECRET_KEY, free_port, s3_server
from tests.installed import stored
from tests.tasks.driven import finish
from tests.workers import Fleet

pytestmark = [pytest.mark.integration, pytest.mark.lab]


@pytest.mark.timeout(600)
def test_a_backup_is_stored_and_restored_from_the_store(site: Site, fleet: Fleet) -> None:
    port = free_port()
    fields = {"backup_store": "s3", "backup_endpoint": f"http://127.0.0.1:{port}", "backup_bucket": BUCKET}
    Cluster.objects.filter(pk=site.cluster.pk).update(
        **fields, backup_access_key=ACCESS_KEY, backup_secret_key=SECRET_KEY
    )
    site.cluster.refresh_from_db()
    site.sh("kubectl create configmap stored --from-literal=a=1")
    # The store is away: that is an error of its own step, and the snapshots on the hosts are there.
    backup = site.start("backup", keep=1)
    assert finish(backup, fleet, 180) == OperationState.FAILED
    assert backup.error["step"] == "store-backup" and "then retry" in str(backup.error)
    assert Backup.objects.filter(cluster=site.cluster).count() == len(HOSTS)
    with s3_server(port):
        services.request_retry(backup, actor="test")
        assert finish(backup, fleet, 120) == OperationState.SUCCEEDED, backup.error
        row = Backup.objects.get(cluster=site.cluster, store="s3")
        store = stores.of(site.cluster)
        assert (row.directory, sorted(store.names())) == (store.address, [row.name, f"{row.name}.json"])
        said = stored(backup, "store-backup")
        assert "reads back" in said and SECRET_KEY not in said
        # Another one: the older goes.
        again = site.start("backup", keep=1)
        assert finish(again, fleet, 120) == OperationState.SUCCEEDED, again.error
        kept = Backup.objects.get(cluster=site.cluster, store="s3")
        assert kept.name > row.name and sorted(store.names()) == [kept.name, f"{kept.name}.json"]

        site.sh("kubectl delete configmap stored")
        for host in HOSTS:
            site.sh("rm -r /var/backups/sanqian", host)
        operation = site.start("restore", confirm="demo")
        assert finish(operation, fleet, 240) == OperationState.SUCCEEDED, operation.error
        assert operation.steps.get(key="choose-backup").result["backup"]["store"] == "s3"
        assert "stored" in site.maps()
