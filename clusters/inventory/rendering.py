"""`Inventory` -> the file kk takes. Reading the file back gives the same inventory."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from clusters.inventory import schema
from clusters.inventory.model import JSON, HostSpec, Inventory, Platform

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[./_-][A-Za-z0-9]+)*|/[A-Za-z0-9]+(?:[./_-][A-Za-z0-9]+)*")
_ADDRESS = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?:/[0-9]{1,2})?")
_WORDS = frozenset(["y", "yes", "n", "no", "on", "off", "true", "false", "null"])


def render(inventory: Inventory) -> str:
    """The configuration as a kk document (``kubekey.kubesphere.io/v1alpha2``), ranges written out.

    The text holds the passwords and keys that `inventory` has. kk's parser takes words such as ``yes`` for
    booleans, so every text that is not plainly a word or an address is quoted.
    """
    extra = dict(inventory.platform.extra)
    spec = dict(extra.pop("spec", {}))
    metadata = dict(extra.pop("metadata", {}))
    if inventory.name:
        metadata = {"name": inventory.name, **metadata}
    document: dict[str, JSON] = {"apiVersion": schema.API_VERSION, "kind": schema.KIND}
    if metadata:
        document["metadata"] = metadata
    document["spec"] = {
        "hosts": [_host(host) for host in inventory.hosts],
        "roleGroups": {group: list(members) for group, members in inventory.role_groups.items()},
        **_sections(inventory.platform, spec),
        **spec,
    }
    yaml = YAML()
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    stream = io.StringIO()
    yaml.dump(_quoted({**document, **extra}), stream)
    return stream.getvalue()


def _host(host: HostSpec) -> dict[str, JSON]:
    always = ("name", "address", "internal_address", "port", "user")
    entries = {
        key: getattr(host, field)
        for field, key in schema.HOST_KEYS.items()
        if field in always or (getattr(host, field) and (field, host.arch) != ("arch", "amd64"))
    }
    if "labels" in entries:
        entries["labels"] = dict(host.labels)
    return {**entries, **host.extra}


def _sections(platform: Platform, spec: dict[str, JSON]) -> dict[str, JSON]:
    """The sections with fields of their own, and what `spec` has besides for them, taken out of it."""
    sections: dict[str, dict[str, JSON]] = {section: {} for section in schema.SECTIONS}
    for field, (section, key) in schema.PLATFORM_KEYS.items():
        sections[section][key] = getattr(platform, field)
    for section, entries in sections.items():
        entries.update(spec.pop(section, {}))
    login = {"username": platform.registry_user, "password": platform.registry_password}
    if any(login.values()):
        registry = sections["registry"]
        auths = dict(registry.get("auths", {}))
        host = platform.private_registry
        if host not in auths and schema.registry_host(host) in auths:
            host = schema.registry_host(host)
        auths[host] = {**{key: value for key, value in login.items() if value}, **auths.get(host, {})}
        registry["auths"] = auths
    return sections


def _quoted(data: JSON) -> Any:
    """`data` with texts quoted where YAML might take them for something else."""
    if isinstance(data, Mapping):
        return CommentedMap((_text(key), _quoted(value)) for key, value in data.items())
    if isinstance(data, list | tuple):
        return [_quoted(item) for item in data]
    return _text(data) if isinstance(data, str) else data


def _text(text: str) -> str:
    if _ADDRESS.fullmatch(text) or (_PLAIN.fullmatch(text) and text.lower() not in _WORDS):
        return text
    return DoubleQuotedScalarString(text)
