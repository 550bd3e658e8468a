"""Fixtures: a cluster without hosts, for what the database alone decides."""

from __future__ import annotations

import pytest

from clusters.models import AccessKey, Cluster, Customer


@pytest.fixture
def cluster() -> Cluster:
    key, _ = AccessKey.objects.issue(Customer.objects.create(name="a customer"))
    return Cluster.objects.create(access_key=key, name="c1")
