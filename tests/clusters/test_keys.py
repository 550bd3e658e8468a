"""Customers' keys under concurrency, and what became of clusters that access keys owned."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from clusters import keys
from clusters.models import AccessKey, Customer

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]
CHANGE = "_clusters_of_customers"


def test_two_keys_that_revoke_each_other_leave_one() -> None:
    customer = Customer.objects.create(name="a customer")
    pair = [AccessKey.objects.issue(customer)[0] for _ in range(2)]

    def revoke(by: AccessKey, key: AccessKey) -> bool:
        try:
            keys.revoke(by, key)
        except keys.LastAdminKey:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(2) as threads:
        done = list(threads.map(revoke, pair, reversed(pair)))
    assert sorted(done) == [False, True]
    assert AccessKey.objects.usable().count() == 1


def test_clusters_of_keys_become_their_customers_and_keep_apart() -> None:
    graph = MigrationExecutor(connection).loader.graph
    change = next(node for node in graph.nodes if node[0] == "clusters" and node[1].endswith(CHANGE))
    before = next(one for one in graph.node_map[change].parents if one.key[0] == "clusters").key
    leaves = graph.leaf_nodes()
    try:
        MigrationExecutor(connection).migrate([before])
        old = MigrationExecutor(connection).loader.project_state([before]).apps
        first, second = _old_keys(old)
        rows = [(first, "demo", "ready"), (second, "demo", "ready"), (second, "own", "ready")]
        rows += [(first, "gone", "removed"), (second, "gone", "ready")]
        made = [old.get_model("clusters", "Cluster").objects.create(access_key=k, name=n, state=s) for k, n, s in rows]
    finally:
        MigrationExecutor(connection).migrate(leaves)
    customer = Customer.objects.get()
    names = dict(customer.clusters.values_list("pk", "name"))
    assert [names[row.pk] for row in made] == ["demo", f"demo-{str(made[1].pk)[:8]}", "own", "gone", "gone"]
    assert set(customer.access_keys.values_list("scope", flat=True)) == {"admin"}


def _old_keys(apps: Any) -> list[Any]:
    customer = apps.get_model("clusters", "Customer").objects.create(name="a customer")
    model = apps.get_model("clusters", "AccessKey")
    return [model.objects.create(customer=customer, prefix=f"{n}", hash="", value="x") for n in range(2)]
