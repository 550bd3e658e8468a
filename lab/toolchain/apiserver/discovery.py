"""Discovery: /api, /apis, /version, aggregated discovery, and an OpenAPI v3 that is just enough for kubectl.

Aggregated discovery as in Kubernetes 1.30 (apidiscovery.k8s.io/v2). The OpenAPI documents name every kind and say that
PATCH takes ``fieldValidation``, which makes kubectl leave validation to the server.
"""

from __future__ import annotations

from collections import defaultdict

from lab.toolchain.apiserver.kinds import Kind
from lab.toolchain.common.objects import Obj

VERSION: Obj = {
    "major": "1",
    "minor": "24",
    "gitVersion": "v1.24.3",
    "gitCommit": "SIMULATED",
    "gitTreeState": "clean",
    "buildDate": "2022-07-13T14:23:26Z",
    "goVersion": "SIMULATED",
    "compiler": "SIMULATED",
    "platform": "linux/amd64",
}


def version_info(git_version: str) -> Obj:
    major, minor = git_version.lstrip("v").split(".")[:2]
    return {**VERSION, "major": major, "minor": minor, "gitVersion": git_version}


def _groups(kinds: list[Kind]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = defaultdict(list)
    for kind in kinds:
        if kind.group and kind.version not in groups[kind.group]:
            groups[kind.group].append(kind.version)
    return groups


def core_versions() -> Obj:
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}


def _group(name: str, versions: list[str]) -> Obj:
    rows = [{"groupVersion": f"{name}/{v}", "version": v} for v in versions]
    return {"name": name, "versions": rows, "preferredVersion": rows[0]}


def group_list(kinds: list[Kind]) -> Obj:
    return {
        "kind": "APIGroupList",
        "apiVersion": "v1",
        "groups": [_group(name, versions) for name, versions in _groups(kinds).items()],
    }


def group(kinds: list[Kind], name: str) -> Obj | None:
    versions = _groups(kinds).get(name)
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(name, versions)} if versions else None


def resources(kinds: list[Kind], api_version: str) -> Obj | None:
    rows: list[Obj] = []
    for kind in kinds:
        if kind.api_version != api_version:
            continue
        row: Obj = {
            "name": kind.plural,
            "singularName": kind.one,
            "namespaced": kind.namespaced,
            "kind": kind.kind,
            "verbs": list(kind.verbs),
        }
        if kind.short:
            row["shortNames"] = list(kind.short)
        if kind.categories:
            row["categories"] = list(kind.categories)
        rows.append(row)
        for sub in kind.subresources:
            rows.append(
                {
                    "name": f"{kind.plural}/{sub}",
                    "singularName": "",
                    "namespaced": kind.namespaced,
                    "kind": _sub_kind(kind, sub),
                    "verbs": list(_sub_verbs(sub)),
                    **_sub_group(sub),
                }
            )
    if not rows:
        return None
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version, "resources": rows}


def _sub_kind(kind: Kind, sub: str) -> str:
    return {"scale": "Scale", "eviction": "Eviction", "token": "TokenRequest", "exec": "PodExecOptions"}.get(
        sub, kind.kind
    )


def _sub_group(sub: str) -> Obj:
    return {
        "scale": {"group": "autoscaling", "version": "v1"},
        "eviction": {"group": "policy", "version": "v1"},
        "token": {"group": "authentication.k8s.io", "version": "v1"},
    }.get(sub, {})


def _sub_verbs(sub: str) -> tuple[str, ...]:
    return {
        "log": ("get",),
        "eviction": ("create",),
        "token": ("create",),
        "exec": ("create", "get"),
        "proxy": ("get",),
        "binding": ("create",),
    }.get(sub, ("get", "patch", "update"))


def aggregated(kinds: list[Kind], core: bool) -> Obj:
    """An APIGroupDiscoveryList of the core group or of all others."""
    groups: dict[str, list[str]] = {"": ["v1"]} if core else _groups(kinds)
    items: list[Obj] = []
    for name, versions in groups.items():
        rows = []
        for version in versions:
            wanted = [k for k in kinds if k.group == name and k.version == version]
            rows.append(
                {
                    "version": version,
                    "resources": [_aggregated_row(k) for k in wanted],
                    "freshness": "Current",
                }
            )
        metadata = {"creationTimestamp": None, **({"name": name} if name else {})}
        items.append({"metadata": metadata, "versions": rows})
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": items,
    }


def _aggregated_row(kind: Kind) -> Obj:
    row: Obj = {
        "resource": kind.plural,
        "responseKind": {"group": kind.group, "version": kind.version, "kind": kind.kind},
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": kind.one,
        "verbs": list(kind.verbs),
    }
    if kind.short:
        row["shortNames"] = list(kind.short)
    if kind.categories:
        row["categories"] = list(kind.categories)
    if kind.subresources:
        row["subresources"] = [
            {
                "subresource": sub,
                "responseKind": {
                    "group": _sub_group(sub).get("group", kind.group),
                    "version": _sub_group(sub).get("version", kind.version),
                    "kind": _sub_kind(kind, sub),
                },
                "verbs": list(_sub_verbs(sub)),
            }
            for sub in kind.subresources
        ]
    return row


def openapi_index(kinds: list[Kind]) -> Obj:
    paths: Obj = {}
    for kind in kinds:
        path = f"apis/{kind.api_version}" if kind.group else f"api/{kind.version}"
        paths[path] = {"serverRelativeURL": f"/openapi/v3/{path}"}
    return {"paths": paths}


def openapi_document(kinds: list[Kind], path: str) -> Obj | None:
    """The document of one group version, for example ``apis/apps/v1``."""
    prefix = path.removeprefix("apis/").removeprefix("api/")
    wanted = [k for k in kinds if k.api_version == prefix]
    if not wanted:
        return None
    paths: Obj = {}
    schemas: Obj = {}
    for kind in wanted:
        gvk = {"group": kind.group, "version": kind.version, "kind": kind.kind}
        where = "/namespaces/{namespace}" if kind.namespaced else ""
        paths[f"/{path}{where}/{kind.plural}/{{name}}"] = {
            "patch": {
                "parameters": [
                    {"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}}
                    for name in ("dryRun", "fieldManager", "fieldValidation", "force")
                ],
                "responses": {"200": {"description": "OK"}},
                "x-kubernetes-action": "patch",
                "x-kubernetes-group-version-kind": gvk,
            }
        }
        schemas[f"simulated.{kind.group or 'core'}.{kind.version}.{kind.kind}"] = {
            "type": "object",
            "description": f"{kind.kind} of the SIMULATED API; fields are not described.",
            "x-kubernetes-group-version-kind": [gvk],
        }
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes (SIMULATED)", "version": VERSION["gitVersion"]},
        "paths": paths,
        "components": {"schemas": schemas},
    }
