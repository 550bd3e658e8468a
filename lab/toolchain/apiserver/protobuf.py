"""Reading the protobuf bodies that kubectl's typed commands send (``create namespace``, ``drain``, ``auth can-i`` ...).

Field numbers: k8s.io/api and k8s.io/apimachinery ``generated.proto``. Only the types below are known; for others
the server answers 415, as it does for custom resources in reality.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from lab.toolchain.apiserver.errors import ApiError
from lab.toolchain.common.objects import Obj

MAGIC = b"k8s\x00"

# type -> "number name kind"; kinds: s text, i integer, b truth value, y bytes, ss map of text, sy map of bytes,
# a type's name for a message, and a leading * for repeated
_FIELDS = {
    "ObjectMeta": "1 name s|2 generateName s|3 namespace s|5 uid s|6 resourceVersion s|11 labels ss|12 annotations ss"
    "|14 finalizers *s",
    "Namespace": "1 metadata ObjectMeta",
    "ConfigMap": "1 metadata ObjectMeta|2 data ss|3 binaryData sy|4 immutable b",
    "Secret": "1 metadata ObjectMeta|2 data sy|3 type s|4 stringData ss|5 immutable b",
    "ServiceAccount": "1 metadata ObjectMeta",
    "Preconditions": "1 uid s|2 resourceVersion s",
    "DeleteOptions": "1 gracePeriodSeconds i|2 preconditions Preconditions|3 orphanDependents b"
    "|4 propagationPolicy s|5 dryRun *s",
    "Eviction": "1 metadata ObjectMeta|2 deleteOptions DeleteOptions",
    "TokenRequestSpec": "1 audiences *s|4 expirationSeconds i",
    "TokenRequest": "1 metadata ObjectMeta|2 spec TokenRequestSpec",
    "ResourceAttributes": "1 namespace s|2 verb s|3 group s|4 version s|5 resource s|6 subresource s|7 name s",
    "NonResourceAttributes": "1 path s|2 verb s",
    "AccessSpec": "1 resourceAttributes ResourceAttributes|2 nonResourceAttributes NonResourceAttributes",
    "SelfSubjectAccessReview": "1 metadata ObjectMeta|2 spec AccessSpec",
    "RulesSpec": "1 namespace s",
    "SelfSubjectRulesReview": "1 metadata ObjectMeta|2 spec RulesSpec",
    "LabelSelector": "1 matchLabels ss",
    "ContainerPort": "1 name s|2 hostPort i|3 containerPort i|4 protocol s",
    "EnvVar": "1 name s|2 value s",
    "Container": "1 name s|2 image s|3 command *s|4 args *s|5 workingDir s|6 ports *ContainerPort|7 env *EnvVar"
    "|14 imagePullPolicy s",
    "PodSpec": "2 containers *Container|3 restartPolicy s|7 nodeSelector ss|8 serviceAccountName s|10 nodeName s",
    "PodTemplateSpec": "1 metadata ObjectMeta|2 spec PodSpec",
    "DeploymentSpec": "1 replicas i|2 selector LabelSelector|3 template PodTemplateSpec",
    "Deployment": "1 metadata ObjectMeta|2 spec DeploymentSpec",
    "JobSpec": "1 parallelism i|2 completions i|3 activeDeadlineSeconds i|4 selector LabelSelector"
    "|6 template PodTemplateSpec"
    "|7 backoffLimit i",
    "Job": "1 metadata ObjectMeta|2 spec JobSpec",
    "PolicyRule": "1 verbs *s|2 apiGroups *s|3 resources *s|4 resourceNames *s|5 nonResourceURLs *s",
    "Role": "1 metadata ObjectMeta|2 rules *PolicyRule",
    "ClusterRole": "1 metadata ObjectMeta|2 rules *PolicyRule",
    "Subject": "1 kind s|2 apiGroup s|3 name s|4 namespace s",
    "RoleRef": "1 apiGroup s|2 kind s|3 name s",
    "RoleBinding": "1 metadata ObjectMeta|2 subjects *Subject|3 roleRef RoleRef",
    "ClusterRoleBinding": "1 metadata ObjectMeta|2 subjects *Subject|3 roleRef RoleRef",
}


def _schema(type_: str) -> dict[int, tuple[str, str]]:
    rows = (row.split() for row in _FIELDS[type_].split("|"))
    return {int(number): (name, kind) for number, name, kind in rows}


def decode(raw: bytes) -> Obj:
    """The object of a body that begins with `MAGIC`. Raises `ApiError` 415 for a type that is not known here."""
    envelope = dict(_values(raw[len(MAGIC) :]))
    type_meta = {number: value.decode() for number, value in _values(envelope.get(1, b""))}
    api_version, kind = type_meta.get(1, ""), type_meta.get(2, "")
    if kind not in _FIELDS:
        raise ApiError(415, "UnsupportedMediaType", f"{api_version} {kind} is accepted as JSON only")
    return {"apiVersion": api_version, "kind": kind, **_message(kind, envelope.get(2, b""))}


def _message(type_: str, raw: bytes) -> Obj:
    fields = _schema(type_)
    out: Obj = {}
    for number, value in _values(raw):
        if number not in fields:
            continue
        name, kind = fields[number]
        if kind.startswith("*"):
            out.setdefault(name, []).append(_value(kind[1:], value))
        elif kind in ("ss", "sy"):
            pair = dict(_values(value))
            out.setdefault(name, {})[pair.get(1, b"").decode()] = _value(kind[1], pair.get(2, b""))
        else:
            found = _value(kind, value)
            if found not in ("", {}):  # proto2 writes empty fields of the Go structs, JSON leaves them out
                out[name] = found
    return out


def _value(kind: str, value: Any) -> Any:
    if kind == "s":
        return value.decode()
    if kind == "i":
        return value - (1 << 64) if value >= 1 << 63 else value
    if kind == "b":
        return bool(value)
    if kind == "y":
        return base64.b64encode(value).decode()
    return _message(kind, value)


def _values(raw: bytes) -> Iterator[tuple[int, Any]]:
    """(field number, value) of each field: an int for varints, bytes for length-delimited ones."""
    position = 0
    while position < len(raw):
        tag, position = _varint(raw, position)
        wire = tag & 7
        if wire == 0:
            value, position = _varint(raw, position)
            yield tag >> 3, value
        elif wire == 2:
            length, position = _varint(raw, position)
            yield tag >> 3, raw[position : position + length]
            position += length
        elif wire in (1, 5):
            position += 8 if wire == 1 else 4
        else:
            raise ApiError(400, "BadRequest", f"protobuf: wire type {wire} is not used by Kubernetes")


def _varint(raw: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if position >= len(raw):
            raise ApiError(400, "BadRequest", "protobuf: the body is cut off")
        byte = raw[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, position
        shift += 7
