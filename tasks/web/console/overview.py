"""A customer's clusters on one page, from rows alone, in a constant number of queries."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Count, Prefetch

from clusters.api.base import own_clusters
from clusters.models import AccessKey, Cluster, ClusterState, Component
from tasks.models import ACTIVE, Operation


def all_clusters(key: AccessKey) -> Sequence[Cluster]:
    """The clusters of `key`; each has `hosts`, `parts` and `faults` (numbers), and `active` (operations)."""
    there, faulty = Component.there("components__"), Component.faulty("components__")
    active = Operation.objects.filter(state__in=ACTIVE).defer("params", "error")
    return list(
        own_clusters(key)
        .exclude(state=ClusterState.REMOVED)
        .annotate(
            hosts=Count("nodes", distinct=True),
            parts=Count("components", filter=there, distinct=True),
            faults=Count("components", filter=faulty, distinct=True),
        )
        .prefetch_related(Prefetch("operations", active, to_attr="active"))
        .order_by("name")
    )
