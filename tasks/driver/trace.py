"""What the service's own log says of a mistake of its own: the traceback, without the cluster's secrets."""

from __future__ import annotations

import traceback

from clusters.models import Cluster
from tasks import secret_values
from tasks.engine import Lease
from tasks.redaction import Redactor


def trace(lease: Lease, error: Exception) -> str:
    """The traceback of `error`; where the secrets cannot be read, without any message."""
    try:
        cluster = Cluster.objects.select_related("access_key").get(pk=lease.operation.cluster_id)
        redact = Redactor(secret_values.all_values(cluster))
    except Exception as another:
        places = "".join(traceback.format_tb(error.__traceback__))
        return f"{places}{type(error).__name__} (the cluster's secrets cannot be read: {type(another).__name__})"
    return redact("".join(traceback.format_exception(error)))
