"""What an access key needs for what: one row an address, and one a kind of operation that needs more than others.

`read` looks. `operate` registers clusters, changes them and starts operations. `admin` does what hands out power over
the hosts (the kubeconfig, other keys, logins) or what cannot be undone. Each includes the one before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from clusters.api.problems import Problem
from clusters.customers import AccessKey, Scope

READ, OPERATE, ADMIN = Scope.READ, Scope.OPERATE, Scope.ADMIN
ROOT = "api/v1/"
ENDPOINTS: Mapping[str, Mapping[str, Scope]] = {
    "whoami": {"GET": READ},
    "service": {"GET": READ},
    "events": {"GET": READ},
    "events/stream": {"GET": READ},
    "access-keys": {"GET": ADMIN, "POST": ADMIN},
    "access-keys/<str:key_id>": {"GET": ADMIN, "PATCH": ADMIN},
    "access-keys/<str:key_id>/rotate": {"POST": ADMIN},
    "access-keys/<str:key_id>/revoke": {"POST": ADMIN},
    "clusters": {"GET": READ, "POST": OPERATE},
    "clusters/validate": {"POST": READ},
    "clusters/import": {"POST": OPERATE},
    "clusters/<str:cluster_id>": {"GET": READ, "PATCH": OPERATE, "DELETE": ADMIN},
    "clusters/<str:cluster_id>/import": {"POST": OPERATE},
    "clusters/<str:cluster_id>/credentials": {"POST": OPERATE},
    "clusters/<str:cluster_id>/access-key": {"POST": ADMIN},
    "clusters/<str:cluster_id>/configuration": {"GET": READ},
    "clusters/<str:cluster_id>/kubeconfig": {"GET": ADMIN},
    "clusters/<str:cluster_id>/nodes": {"GET": READ, "POST": OPERATE},
    "clusters/<str:cluster_id>/new-nodes": {"POST": OPERATE},
    "clusters/<str:cluster_id>/nodes/<str:name>": {"GET": READ, "PATCH": OPERATE, "DELETE": OPERATE},
    "clusters/<str:cluster_id>/components": {"GET": READ},
    "clusters/<str:cluster_id>/health-events": {"GET": READ},
    "clusters/<str:cluster_id>/health": {"GET": READ},
    "clusters/<str:cluster_id>/backups": {"GET": READ},
    "clusters/<str:cluster_id>/certificates": {"GET": READ},
    "clusters/<str:cluster_id>/pods": {"GET": READ},
    "clusters/<str:cluster_id>/ceph": {"GET": READ},
    "clusters/<str:cluster_id>/operations": {"GET": READ, "POST": OPERATE},
    "overview": {"GET": READ},
    "operations": {"GET": READ},
    "operations/<str:operation_id>": {"GET": READ},
    "operations/<str:operation_id>/steps": {"GET": READ},
    "operations/<str:operation_id>/log": {"GET": READ},
    "operations/<str:operation_id>/cancel": {"POST": OPERATE},
    "operations/<str:operation_id>/retry": {"POST": OPERATE},
    "operations/<str:operation_id>/events": {"GET": READ},
    "webhooks": {"GET": READ, "POST": ADMIN},
    "webhooks/<str:webhook_id>": {"GET": READ, "PATCH": ADMIN, "DELETE": ADMIN},
    "webhooks/<str:webhook_id>/ping": {"POST": OPERATE},
    "webhooks/<str:webhook_id>/replay": {"POST": OPERATE},
    "webhooks/<str:webhook_id>/rotate-secret": {"POST": ADMIN},
    "webhooks/<str:webhook_id>/deliveries": {"GET": READ},
    "webhooks/<str:webhook_id>/deliveries/<str:delivery_id>": {"GET": READ},
    "webhooks/<str:webhook_id>/deliveries/<str:delivery_id>/replay": {"POST": OPERATE},
    "webhook-event-types": {"GET": READ},
    "operation-kinds": {"GET": READ},
    "components": {"GET": READ},
}
# Their addresses take no access key at all.
OPERATORS = frozenset({"fleet"})
# Starting and retrying these; a dry run of them needs no more than others.
KINDS: Mapping[str, Scope] = dict.fromkeys(
    (
        *("restore", "uninstall", "ceph-uninstall", "ceph-csi-cephfs-uninstall"),
        *("rotate-ssh-key", "rotate-host-password", "rotate-access-key", "rotate-registry-password"),
    ),
    ADMIN,
)


class InScope(BasePermission):
    """DRF's permission: the key's scope is that of the address, or one that includes it."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not isinstance(request.auth, AccessKey):
            return False
        # A method that the address does not have is answered as such.
        if getattr(view, "action", None):
            require(request.auth, scope_of(request.method or "", request.resolver_match))
        return True


def scope_of(method: str, match: Any) -> Scope:
    """What the address that was resolved needs. One that the table does not know is for admins."""
    if method == "OPTIONS":
        return READ
    return ENDPOINTS.get(str(match.route).removeprefix(ROOT), {}).get("GET" if method == "HEAD" else method, ADMIN)


def scope_of_template(method: str, path: str) -> Scope | None:
    """What an address as the schema writes it (``/api/v1/clusters/{cluster_id}``) needs; None where no key opens it."""
    route = path.removeprefix(f"/{ROOT}").replace("{", "<str:").replace("}", ">")
    return ENDPOINTS.get(route, {}).get(method.upper())


def require_for_kind(key: AccessKey, kind: str, *, dry_run: bool) -> None:
    """Raises `Problem` where the kind of operation needs a scope that `key` has not."""
    if not dry_run:
        require(key, KINDS.get(kind, OPERATE), f"The operation {kind}")


def require(key: AccessKey, scope: Scope, what: str = "This") -> None:
    """Raises `Problem`, as RFC 6750 has it."""
    if not Scope(key.scope).includes(scope):
        challenge = f'Bearer realm="sanqian", error="insufficient_scope", scope="{scope}"'
        raise Problem(
            "insufficient-scope",
            f"{what} needs an access key of scope {scope}; {key.prefix} has {key.scope}.",
            hint="Use another key, or have an admin key of yours give this one the scope.",
            headers={"WWW-Authenticate": challenge},
            scope=str(scope),
        )
