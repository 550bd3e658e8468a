"""The rows that `benchmarks.rest` asks for: clusters of one access key with hosts, components and operations."""

from __future__ import annotations

from datetime import timedelta

HOSTS = 3
COMPONENTS = 12
OPERATED = 10  # every so many clusters has an operation under way
AT_ONCE = 1_000  # a statement holds 65,535 values at most


def fill(count: int) -> str:
    """Fill a new database; the access key that owns all."""
    import django
    from django.core.management import call_command

    django.setup()
    from django.db import connection
    from django.utils import timezone

    from clusters.models import AccessKey, Cluster, Component, Customer, HealthState, Node, Observation, SSHCredential
    from tasks.models import Operation, OperationState

    call_command("migrate", verbosity=0)
    key, value = AccessKey.objects.issue(Customer.objects.create(name="benchmark"), max_clusters=count)
    now = timezone.now()
    for begin in range(0, count, AT_ONCE):
        clusters = Cluster.objects.bulk_create(
            Cluster(
                access_key=key,
                name=f"cluster-{number:05}",
                description=f"Training, rack {number % 40}",
                state=("ready", "ready", "degraded", "registered")[number % 4],
                checked_at=now - timedelta(seconds=number % 60),
                created_at=now - timedelta(minutes=number),
            )
            for number in range(begin, min(begin + AT_ONCE, count))
        )
        credentials = SSHCredential.objects.bulk_create(SSHCredential(cluster=cluster) for cluster in clusters)
        nodes = (
            Node(
                cluster=credential.cluster,
                credential=credential,
                name=f"host{number}",
                address=f"10.0.0.{number}",
                internal_address=f"10.0.0.{number}",
                position=number,
            )
            for credential in credentials
            for number in range(HOSTS)
        )
        Node.objects.bulk_create(nodes, AT_ONCE)
        components = (
            Component(
                cluster=cluster,
                name=f"component-{number}",
                kind="helm",
                chosen=True,
                state=HealthState.HEALTHY if number else HealthState.DEGRADED,
            )
            for cluster in clusters
            for number in range(COMPONENTS)
        )
        Component.objects.bulk_create(components, AT_ONCE)
        Observation.objects.bulk_create(Observation(cluster=one, taken_at=now, reachable=True) for one in clusters)
        Operation.objects.bulk_create(
            Operation(cluster=cluster, kind="install", state=OperationState.RUNNING, progress=40.0)
            for cluster in clusters[::OPERATED]
        )
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return value
