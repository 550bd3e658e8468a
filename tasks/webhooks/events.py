"""The kinds of events and their bodies. Pure.

Bodies hold ids and small facts that REST shows as well: no secrets, no output of hosts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

LONGEST = 500  # characters of a reason or message


class EventType(StrEnum):
    """What an endpoint may ask for."""

    OPERATION_CREATED = "operation.created"
    OPERATION_STARTED = "operation.started"
    OPERATION_SUCCEEDED = "operation.succeeded"
    OPERATION_FAILED = "operation.failed"
    OPERATION_CANCELLED = "operation.cancelled"
    CLUSTER_STATE_CHANGED = "cluster.state_changed"
    COMPONENT_HEALTH_CHANGED = "component.health_changed"
    NODE_HEALTH_CHANGED = "node.health_changed"
    CEPH_HEALTH_CHANGED = "ceph.health_changed"


PING = "webhook.ping"
TYPES = tuple(map(str, EventType))
DELIVERED = (*TYPES, PING)
ABOUT: Mapping[str, str] = {
    EventType.OPERATION_CREATED: "An operation was asked for.",
    EventType.OPERATION_STARTED: "It runs; a retry starts it again, with the next attempt.",
    EventType.OPERATION_SUCCEEDED: "It ended, and all its steps are done.",
    EventType.OPERATION_FAILED: "It ended because a step failed.",
    EventType.OPERATION_CANCELLED: "It was cancelled, and what it had started has ended.",
    EventType.CLUSTER_STATE_CHANGED: "A cluster has another state, or (with the same one) cannot be read any more.",
    EventType.COMPONENT_HEALTH_CHANGED: "A component's health changed; certificates, backups and drift are components.",
    EventType.NODE_HEALTH_CHANGED: "A node's health changed.",
    EventType.CEPH_HEALTH_CHANGED: "Ceph raised or cleared a health check, or changed its severity.",
}
OF_OPERATION: Mapping[str, EventType] = {
    "queued": EventType.OPERATION_CREATED,
    "running": EventType.OPERATION_STARTED,
    "succeeded": EventType.OPERATION_SUCCEEDED,
    "failed": EventType.OPERATION_FAILED,
    "cancelled": EventType.OPERATION_CANCELLED,
}
OF_SUBJECT: Mapping[str, EventType] = {
    "cluster": EventType.CLUSTER_STATE_CHANGED,
    "component": EventType.COMPONENT_HEALTH_CHANGED,
    "node": EventType.NODE_HEALTH_CHANGED,
    "ceph": EventType.CEPH_HEALTH_CHANGED,
}
_TOLD = ("step", "host", "kind", "message", "fix")


def body(kind: str, at: datetime, data: Mapping[str, Any]) -> str:
    """The text that is sent and signed."""
    stamp = at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return json.dumps({"type": kind, "timestamp": stamp, "data": data}, ensure_ascii=False, separators=(",", ":"))


def operation_data(
    ident: object, kind: str, state: str, attempt: int, dry_run: bool, error: Mapping[str, Any]
) -> dict[str, Any]:
    """What is told of an operation. Of its error, not the last lines of output."""
    told = {name: str(error[name])[:LONGEST] for name in _TOLD if error.get(name)}
    return {
        "operation": {"id": str(ident), "kind": kind, "state": state, "attempt": attempt, "dry_run": dry_run},
        "error": told if state in ("failed", "cancelled") else {},
    }


def health_data(name: str, old_state: str, new_state: str, reason: str) -> dict[str, Any]:
    """What is told of a change of health: of the cluster, component, node or check `name`."""
    return {"name": name, "old_state": old_state, "new_state": new_state, "reason": reason[:LONGEST]}
