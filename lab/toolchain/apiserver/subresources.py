"""Eviction, binding, tokens and access reviews."""

from __future__ import annotations

import datetime
from typing import Any

from lab.toolchain.apiserver.access import Tokens, User
from lab.toolchain.apiserver.errors import ApiError, no_such_path
from lab.toolchain.apiserver.rest import Rest, Target
from lab.toolchain.apiserver.selectors import object_selects
from lab.toolchain.apiserver.store import Store
from lab.toolchain.common.objects import Obj, dig, labels


class Subresources:
    def __init__(self, store: Store, rest: Rest, tokens: Tokens) -> None:
        self.store = store
        self.rest = rest
        self.tokens = tokens

    def call(self, method: str, target: Target, body: Any) -> tuple[int, Obj]:
        """The answer to a subresource other than status, scale and log."""
        where = (target.kind.plural, target.sub)
        if where == ("pods", "eviction") and method == "POST":
            return 201, self._evict(target, body or {})
        if where == ("pods", "binding") and method == "POST":
            node = dig(body, "target", "name", default="")
            self.store.modify(target.key(), lambda pod: pod["spec"].update(nodeName=node))
            return 201, _success()
        if where == ("serviceaccounts", "token") and method == "POST":
            return 201, self._token(target, body or {})
        if where == ("namespaces", "finalize") and method == "PUT":
            finalizers = dig(body, "spec", "finalizers", default=[])

            def put(obj: Obj) -> None:
                obj["spec"]["finalizers"] = finalizers
                if not finalizers:
                    obj["metadata"]["finalizers"] = []

            return 200, self.store.modify(target.key(), put)
        raise no_such_path()

    def _evict(self, target: Target, body: Obj) -> Obj:
        pod = self.store.get(target.key())
        for budget in self.store.all("policy", "poddisruptionbudgets", target.namespace):
            if object_selects(dig(budget, "spec", "selector"), labels(pod)) and self._spent(budget):
                raise ApiError(
                    429,
                    "TooManyRequests",
                    "Cannot evict pod as it would violate the pod's disruption budget.",
                    {"causes": [{"reason": "DisruptionBudget", "message": budget["metadata"]["name"]}]},
                )
        self.rest.delete(target, body.get("deleteOptions") or {}, {})
        return _success()

    def _spent(self, budget: Obj) -> bool:
        """Whether the budget allows no further disruption (whole numbers only)."""
        namespace = budget["metadata"]["namespace"]
        selector = dig(budget, "spec", "selector")
        pods = [p for p in self.store.all("", "pods", namespace) if object_selects(selector, labels(p))]
        healthy = sum(
            1 for p in pods if dig(p, "status", "phase") == "Running" and not p["metadata"].get("deletionTimestamp")
        )
        least = dig(budget, "spec", "minAvailable")
        most = dig(budget, "spec", "maxUnavailable")
        if isinstance(least, int):
            return healthy - 1 < least
        if isinstance(most, int):
            return len(pods) - healthy + 1 > most
        return False

    def _token(self, target: Target, body: Obj) -> Obj:
        self.store.get(target.key())
        seconds = int(dig(body, "spec", "expirationSeconds", default=3600))
        token, expires = self.tokens.issue(target.namespace, target.name, seconds)
        stamp = datetime.datetime.fromtimestamp(expires, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            "kind": "TokenRequest",
            "apiVersion": "authentication.k8s.io/v1",
            "metadata": {"name": target.name, "namespace": target.namespace},
            "spec": {"audiences": [], "expirationSeconds": seconds},
            "status": {"token": token, "expirationTimestamp": stamp},
        }

    def review(self, target: Target, body: Any, user: User | None) -> Obj:
        """Access and token reviews."""
        answer = {**(body if isinstance(body, dict) else {}), "kind": target.kind.kind}
        answer["apiVersion"] = target.kind.api_version
        answer.setdefault("metadata", {})
        if target.kind.plural == "tokenreviews":
            found = self.tokens.user(dig(body, "spec", "token", default=""))
            answer["status"] = (
                {"authenticated": True, "user": {"username": found.name, "groups": list(found.groups)}}
                if found
                else {"authenticated": False}
            )
        elif target.kind.plural == "selfsubjectrulesreviews":
            rule = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
            answer["status"] = {"resourceRules": [rule], "nonResourceRules": [], "incomplete": False}
        else:
            verb = dig(body, "spec", "resourceAttributes", "verb", default="get")
            allowed = user is not None and (user.may_write or verb in ("get", "list", "watch"))
            answer["status"] = {"allowed": allowed}
        return answer


def _success() -> Obj:
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
