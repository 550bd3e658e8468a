"""What was stored before an address was refused is not connected to either."""

from __future__ import annotations

from typing import Any

import pytest

from clusters.models import Cluster
from tasks import hosts, stores
from tasks.remote import RemoteError
from tasks.stores import StoreFailed

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def _strict(settings: Any) -> None:
    settings.ALLOW_NETWORKS = []


def test_a_host(cluster: Cluster) -> None:
    first, second = cluster.nodes.order_by("position")[:2]
    with pytest.raises(RemoteError) as caught, hosts.connection(first):
        pass
    assert (caught.value.kind, caught.value.host) == ("refused-address", "host1")
    assert "SANQIAN_ALLOW_NETWORKS" in caught.value.fix
    first.address = "nowhere.invalid"
    with pytest.raises(RemoteError, match="cannot be resolved") as caught, hosts.connection(first):
        pass
    assert caught.value.kind == "dns"
    # Behind a jump host the address is that host's affair.
    second.jump, first.address = first, "10.0.0.1"
    assert hosts.target_of(second).host == second.address


def test_a_backup_store() -> None:
    said = {"backup_store": "s3", "backup_bucket": "b", "backup_access_key": "a", "backup_secret_key": "s"}
    store = stores.of(Cluster(name="demo", backup_endpoint="http://127.0.0.1:9", **said))
    with pytest.raises(StoreFailed, match=r"backup_endpoint http://127.0.0.1:9: .* own machine") as caught:
        store.size("one")
    assert "SANQIAN_ALLOW_NETWORKS" in caught.value.fix
