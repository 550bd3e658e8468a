"""What happens to an object before it is stored: checks, defaults, and validating webhooks that must answer."""

from __future__ import annotations

import base64
import ipaddress
import re
from typing import Any

from lab.toolchain.apiserver.errors import bad_request, forbidden, internal, invalid, not_found
from lab.toolchain.apiserver.kinds import Kind
from lab.toolchain.apiserver.selectors import object_selects
from lab.toolchain.apiserver.store import Key, Store
from lab.toolchain.common.objects import Obj, dig, digest, labels

_LABEL = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
_SUBDOMAIN = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
_LOOSE = {"rbac.authorization.k8s.io"}


def check(kind: Kind, obj: Obj, namespace: str, store: Store) -> None:
    """Refuse what the real API refuses. Raises `ApiError`."""
    if obj.get("kind") != kind.kind or obj.get("apiVersion") != kind.api_version:
        raise bad_request(
            f"{kind.kind} in version {kind.version!r} cannot be handled as a {kind.kind}: the object provided is "
            f"{obj.get('apiVersion')} {obj.get('kind')}"
        )
    metadata = obj.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if not isinstance(metadata, dict) or not name:
        raise invalid(kind.kind, kind.group, "", "metadata.name", "Required value: name or generateName is required")
    pattern = _LABEL if kind.plural in ("namespaces", "services") else _SUBDOMAIN
    if kind.group not in _LOOSE and (not pattern.match(name) or len(name) > 253):
        raise invalid(
            kind.kind,
            kind.group,
            name,
            "metadata.name",
            f'Invalid value: "{name}": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric '
            "characters, '-' or '.', and must start and end with an alphanumeric character",
        )
    if kind.namespaced:
        if metadata.get("namespace", namespace) != namespace:
            raise bad_request(
                f"the namespace of the provided object does not match the namespace sent on the request "
                f"({metadata['namespace']} and {namespace})"
            )
        holder = store.find(Key("", "namespaces", "", namespace))
        if holder is None:
            raise not_found("namespaces", "", namespace)
        if holder["metadata"].get("deletionTimestamp"):
            raise forbidden(
                f'{kind.plural} "{name}" is forbidden: unable to create new content in namespace {namespace} because '
                "it is being terminated"
            )
    for key, value in {**(metadata.get("labels") or {}), **(metadata.get("annotations") or {})}.items():
        if not isinstance(value, str):
            raise bad_request(
                f"{kind.kind} in version {kind.version!r} cannot be handled as a {kind.kind}: json: cannot unmarshal "
                f"{type(value).__name__} into Go struct field of type string ({key})"
            )
    if (kind.group, kind.plural) in _CHECKS:
        _CHECKS[kind.group, kind.plural](kind, obj)


def _workload(kind: Kind, obj: Obj) -> None:
    name = obj["metadata"]["name"]
    template = dig(obj, "spec", "template", default={})
    if not dig(template, "spec", "containers"):
        raise invalid(kind.kind, kind.group, name, "spec.template.spec.containers", "Required value")
    selector = dig(obj, "spec", "selector")
    if not selector:
        raise invalid(kind.kind, kind.group, name, "spec.selector", "Required value")
    if not object_selects(selector, labels(template)):
        raise invalid(
            kind.kind,
            kind.group,
            name,
            "spec.template.metadata.labels",
            f"Invalid value: {labels(template)}: `selector` does not match template `labels`",
        )


def _containers(kind: Kind, obj: Obj) -> None:
    if not dig(obj, "spec", "containers"):
        raise invalid(kind.kind, kind.group, obj["metadata"]["name"], "spec.containers", "Required value")


def _definition(kind: Kind, obj: Obj) -> None:
    spec, name = obj.get("spec", {}), obj["metadata"]["name"]
    wanted = f"{dig(spec, 'names', 'plural')}.{spec.get('group')}"
    if name != wanted:
        raise invalid(
            kind.kind,
            kind.group,
            name,
            "metadata.name",
            f'must be spec.names.plural+"."+spec.group: {wanted}',
        )
    if sum(1 for v in spec.get("versions", []) if v.get("storage")) != 1:
        raise invalid(kind.kind, kind.group, name, "spec.versions", "must have exactly one version marked as storage")


_CHECKS: dict[tuple[str, str], Any] = {
    ("apps", "deployments"): _workload,
    ("apps", "statefulsets"): _workload,
    ("apps", "daemonsets"): _workload,
    ("apps", "replicasets"): _workload,
    ("", "pods"): _containers,
    ("apiextensions.k8s.io", "customresourcedefinitions"): _definition,
}


def default(kind: Kind, obj: Obj, store: Store) -> None:
    """Fill in what the real API fills in, as far as clients look at it."""
    spec: Obj = obj.get("spec") if isinstance(obj.get("spec"), dict) else {}  # type: ignore[assignment]
    where = (kind.group, kind.plural)
    if where in (("apps", "deployments"), ("apps", "statefulsets"), ("apps", "replicasets")):
        spec.setdefault("replicas", 1)
        spec.setdefault("revisionHistoryLimit", 10)
    if where == ("apps", "deployments"):
        spec.setdefault(
            "strategy",
            {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
        )
        spec.setdefault("progressDeadlineSeconds", 600)
    elif where in (("apps", "statefulsets"), ("apps", "daemonsets")):
        spec.setdefault("updateStrategy", {"type": "RollingUpdate"})
    elif where == ("batch", "jobs"):
        for field, value in (("parallelism", 1), ("completions", 1), ("backoffLimit", 6)):
            spec.setdefault(field, value)
        tag = {"controller-uid": digest([obj["metadata"].get("namespace"), obj["metadata"]["name"]], 16)}
        spec.setdefault("selector", {"matchLabels": tag})
        template = spec.setdefault("template", {}).setdefault("metadata", {}).setdefault("labels", {})
        template.update({**tag, "job-name": obj["metadata"]["name"]})
    elif where == ("", "pods"):
        spec.setdefault("restartPolicy", "Always")
        spec.setdefault("serviceAccountName", "default")
        obj.setdefault("status", {}).setdefault("phase", "Pending")
    elif where == ("", "services"):
        _service(obj, spec, store)
    elif where == ("", "namespaces"):
        obj["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = obj["metadata"]["name"]
        obj.setdefault("spec", {})["finalizers"] = ["kubernetes"]
        obj["status"] = {"phase": "Active"}
    elif where == ("", "secrets"):
        plain = obj.pop("stringData", None) or {}
        data = obj.setdefault("data", {}) or {}
        data.update({k: base64.b64encode(v.encode()).decode() for k, v in plain.items()})
        obj["data"] = data
        obj.setdefault("type", "Opaque")
    elif where == ("", "persistentvolumeclaims"):
        obj.setdefault("status", {}).setdefault("phase", "Pending")


def _service(obj: Obj, spec: Obj, store: Store) -> None:
    obj.setdefault("spec", spec)
    spec.setdefault("type", "ClusterIP")
    spec.setdefault("sessionAffinity", "None")
    for port in spec.get("ports") or []:
        port.setdefault("protocol", "TCP")
        port.setdefault("targetPort", port.get("port"))
    taken = [s.get("spec", {}) for s in store.all("", "services")]
    if spec["type"] != "ExternalName" and not spec.get("clusterIP"):
        used = {s.get("clusterIP") for s in taken}
        network = ipaddress.ip_network("10.233.0.0/18")
        spec["clusterIP"] = next(str(a) for a in list(network.hosts())[100:] if str(a) not in used)
    if spec["type"] in ("NodePort", "LoadBalancer"):
        ports = {p.get("nodePort") for s in taken for p in s.get("ports") or []}
        for port in spec.get("ports") or []:
            if not port.get("nodePort"):
                port["nodePort"] = next(n for n in range(30000, 32768) if n not in ports)
                ports.add(port["nodePort"])


def ask_webhooks(kind: Kind, operation: str, namespace: str, store: Store) -> None:
    """Fail as the API does when a webhook's service has no ready endpoint (failurePolicy Fail)."""
    if kind.group in ("", "admissionregistration.k8s.io"):
        return
    for plural in ("mutatingwebhookconfigurations", "validatingwebhookconfigurations"):
        for configuration in store.all("admissionregistration.k8s.io", plural):
            for hook in configuration.get("webhooks", []):
                service = dig(hook, "clientConfig", "service")
                if not service or hook.get("failurePolicy", "Fail") != "Fail":
                    continue
                if not any(_rule_fits(rule, kind, operation) for rule in hook.get("rules", [])):
                    continue
                endpoints = store.find(Key("", "endpoints", service["namespace"], service["name"]))
                if endpoints is None or not any(s.get("addresses") for s in endpoints.get("subsets") or []):
                    raise internal(
                        f'failed calling webhook "{hook["name"]}": failed to call webhook: Post '
                        f'"https://{service["name"]}.{service["namespace"]}.svc:{service.get("port", 443)}'
                        f'{service.get("path", "/")}?timeout=10s": no endpoints available for service '
                        f'"{service["name"]}"'
                    )


def _rule_fits(rule: Obj, kind: Kind, operation: str) -> bool:
    return (
        bool({"*", kind.group} & set(rule.get("apiGroups", [])))
        and bool({"*", kind.version} & set(rule.get("apiVersions", [])))
        and bool({"*", operation} & set(rule.get("operations", [])))
        and bool({"*", kind.plural, f"{kind.plural}/*"} & set(rule.get("resources", [])))
    )
