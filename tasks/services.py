"""What people ask for: start, cancel, retry an operation. REST, admin and commands all come through here."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction

from clusters.customers import in_turn
from clusters.models import AccessKey, Cluster, ClusterState
from tasks import engine, jobs
from tasks.engine import Busy, NotRetryable
from tasks.models import ACTIVE, AuditEvent, Operation, OperationSecret
from tasks.plan import JSON, ClusterFact, HostFact, Plan, PlanError
from tasks.plans import PLANS, check_secrets, make

__all__ = [
    "Busy",
    "LimitReached",
    "NotRetryable",
    "audit",
    "cluster_fact",
    "preview",
    "request_cancel",
    "request_operation",
    "request_retry",
    "request_skip",
]


class LimitReached(Exception):
    """The customer has as many operations under way as the cluster's access key allows."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"This access key may have {limit} operations under way at once.")
        self.limit = limit
        self.message = str(self)


def request_operation(
    cluster: Cluster,
    kind: str,
    params: dict[str, JSON],
    *,
    secrets: Mapping[str, str] | None = None,
    dry_run: bool = False,
    actor: str,
    source: str = "",
) -> Operation:
    """Store an operation and have it started. `secrets` are what it puts in place; a dry run has no use for them.

    Raises `PlanError` for what makes no plan, `Busy` while an operation of the cluster is under way that excludes it,
    `LimitReached` when the customer has as many as the key that the cluster holds allows.
    """
    params, secrets = _with_defaults(cluster, kind, params), secrets or {}
    plan = make(kind, cluster_fact(cluster), params)
    check_secrets(kind, secrets)
    if cluster.state == ClusterState.REMOVED:
        raise PlanError("The cluster was removed.", fix="Register it anew.")
    with transaction.atomic():
        key = AccessKey.objects.defer("value").get(pk=cluster.access_key_id)
        in_turn(key.customer_id)
        running = Operation.objects.filter(cluster__customer=key.customer_id, state__in=ACTIVE).count()
        if running >= key.max_operations:
            raise LimitReached(key.max_operations)
        operation = engine.create(cluster, plan, params, dry_run=dry_run, requested_by=actor)
        if not operation.dry_run:
            kept = [OperationSecret(operation=operation, name=name, value=value) for name, value in secrets.items()]
            OperationSecret.objects.bulk_create(kept)
        detail = {"kind": kind, "params": params, "dry_run": dry_run}
        audit(actor, "operation.create", source=source, cluster=cluster, operation=operation, detail=detail)
        transaction.on_commit(partial(jobs.send, jobs.advance, str(operation.pk)))
    return operation


def request_cancel(operation: Operation, *, actor: str, source: str = "") -> Operation:
    """Have the operation ended; one that has ended, or is being cancelled, stays as it is."""
    with transaction.atomic():
        if engine.request_cancel(operation.pk):
            audit(actor, "operation.cancel", source=source, cluster=operation.cluster, operation=operation)
            steps = engine.cancelling_steps(operation.pk)
            transaction.on_commit(partial(jobs.send_cancel, operation.pk, steps))
    operation.refresh_from_db()
    return operation


def request_retry(operation: Operation, *, actor: str, source: str = "", from_step: str = "") -> Operation:
    """Have a failed or cancelled operation resumed. Raises `NotRetryable`, `Busy`, `PlanError` for `from_step`."""
    with transaction.atomic():
        try:
            operation = engine.retry(operation.pk, from_step)
        except KeyError:
            keys = ", ".join(operation.steps.values_list("key", flat=True))
            raise PlanError(
                f"The operation has no step {from_step!r}.", field="from_step", fix=f"Choose from: {keys}."
            ) from None
        detail = {"from_step": from_step} if from_step else {}
        audit(actor, "operation.retry", source=source, cluster=operation.cluster, operation=operation, detail=detail)
        transaction.on_commit(partial(jobs.send, jobs.advance, str(operation.pk)))
    return operation


def request_skip(operation: Operation, step: str, reason: str, *, actor: str, source: str = "") -> Operation:
    """Have a failed step taken for done and the operation resumed behind it: an operator's decision, with a reason.

    Raises `NotRetryable`, `Busy`, `PlanError` for an unknown step or a missing reason.
    """
    if not reason.strip():
        raise PlanError("A step is skipped for a reason.", field="reason", fix="Say why it may be left out.")
    with transaction.atomic():
        try:
            operation = engine.skip(operation.pk, step, f"Skipped by {actor}: {reason.strip()}")
        except KeyError:
            raise PlanError(f"The operation has no step {step!r}.", field="step") from None
        detail = {"step": step, "reason": reason.strip()}
        audit(actor, "operation.skip", source=source, cluster=operation.cluster, operation=operation, detail=detail)
        transaction.on_commit(partial(jobs.send, jobs.advance, str(operation.pk)))
    return operation


def preview(cluster: Cluster, kind: str, params: dict[str, JSON]) -> Plan:
    """The plan that `request_operation` would store. Raises `PlanError`."""
    return make(kind, cluster_fact(cluster), _with_defaults(cluster, kind, params))


def cluster_fact(cluster: Cluster) -> ClusterFact:
    """What plans may know of the cluster: no secrets."""
    hosts = tuple(
        HostFact(
            name=node.name,
            address=node.address,
            internal_address=node.internal_address,
            user=node.user,
            port=node.port,
            roles=frozenset(node.role_groups),
            facts=node.facts,
        )
        for node in cluster.nodes.all()
    )
    plain = {
        field.name: getattr(cluster, field.name)
        for field in cluster._meta.concrete_fields
        if field.name not in Cluster.SECRETS
        and not field.is_relation
        and isinstance(getattr(cluster, field.name), str | int | dict)
    }
    installed = frozenset(cluster.components.filter(chosen=True).values_list("name", flat=True))
    # In one query: callers leave them out of what they read.
    values = Cluster.objects.values_list(*Cluster.SECRETS).get(pk=cluster.pk)
    stored = frozenset(name for name, value in zip(Cluster.SECRETS, values, strict=True) if value)
    return ClusterFact(str(cluster.pk), cluster.name, hosts, plain, installed, stored)


def audit(
    actor: str,
    action: str,
    *,
    source: str = "",
    cluster: Cluster | None = None,
    operation: Operation | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """Keep who asked for what. `detail` holds no secrets."""
    AuditEvent.objects.create(
        actor=actor,
        action=action,
        source=source,
        cluster=str(cluster.pk) if cluster else "",
        operation=str(operation.pk) if operation else "",
        detail=detail or {},
    )


def _with_defaults(cluster: Cluster, kind: str, params: dict[str, JSON]) -> dict[str, JSON]:
    """Where no artifact is named, the cluster's last one is meant, and before there is one, the service's own."""
    takes = PLANS[kind].params if kind in PLANS else {}
    for name, default in (("artifact", settings.ARTIFACT), ("artifact_directory", None)):
        if name in takes and not params.get(name):
            last = Operation.objects.filter(cluster=cluster, params__has_key=name).first()
            if value := last.params[name] if last else default:
                params = {**params, name: value}
    return params
