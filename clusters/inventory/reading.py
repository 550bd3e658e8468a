"""Nodes of a kk document -> `Inventory`, noting where each value was written. Judging the values is `checks`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from clusters.inventory import schema
from clusters.inventory.document import Node
from clusters.inventory.model import (
    CONTROL_PLANE,
    JSON,
    MAX_HOSTS,
    MAX_SUGGESTIONS,
    ROLE_GROUPS,
    Finding,
    HostSpec,
    Inventory,
    Level,
    Place,
    Places,
    Platform,
)
from clusters.inventory.ranges import RangeError, expand

DEFAULTS = Platform()
MAX_MEMBERS = 10 * MAX_HOSTS
ARCHITECTURES = {"x86_64": "amd64", "x86-64": "amd64", "x64": "amd64", "aarch64": "arm64", "armv8": "arm64"}
_SECRET = ("password", "passwd", "token", "secretkey", "privatekey")


class Reading:
    """One pass over a document. `inventory` fills `findings` and `places`."""

    def __init__(self, places: Places) -> None:
        self.findings: list[Finding] = []
        self.places = places
        self.members_read = 0

    def note(self, level: Level, code: str, place: Place, message: str, fix: str) -> None:
        """Add a finding."""
        self.findings.append(place.finding(level, code, message, fix))

    def inventory(self, document: Node) -> Inventory | None:
        """The inventory in `document`, or None where it has no hosts to speak of."""
        top = self.mapping(document, "The configuration")
        if top is None:
            return None
        self.kind(top)
        spec_node = top.pop("spec", None)
        metadata = top.pop("metadata", None)
        bare = spec_node is None
        keys = dict(document.keys) if spec_node is None else {**document.keys, **spec_node.keys}
        spec, top = (top, {}) if spec_node is None else (self.mapping(spec_node, "'spec'") or {}, top)
        for key in [key for key in top if key in schema.SPEC and key not in spec]:
            self.note(
                "repair",
                "misplaced-key",
                keys[key],
                f"'{key}' stood beside 'spec'; it was read as part of it.",
                f"Indent '{key}' under 'spec'.",
            )
            spec[key] = top.pop(key)
        name, extra = self.metadata(metadata)
        hosts = self.hosts(spec.pop("hosts", None), spec, document.place)
        groups = self.role_groups(spec.pop("roleGroups", None), document.place)
        platform = self.platform(spec, spec_node.place if spec_node else document.place)
        self.unknown(top, document.keys, schema.TOP, "")
        self.unknown(spec, keys, schema.SPEC, "" if bare else "spec")
        for section, known in schema.OTHER_SECTIONS.items():
            if section in spec and isinstance(spec[section].value, dict):
                self.unknown(spec[section].value, spec[section].keys, known, section)
        extra |= self.rest(top, document.keys)
        rest = {**platform.pop("extra"), **self.rest(spec, keys)}
        if rest:
            extra["spec"] = rest
        return Inventory(name, hosts, groups, Platform(**platform, extra=extra))

    def kind(self, top: dict[str, Node]) -> None:
        """Take ``apiVersion`` and ``kind`` out of `top` and refuse what is something else."""
        version, kind = top.pop("apiVersion", None), top.pop("kind", None)
        if kind is not None and kind.text != schema.KIND:
            self.note(
                "error",
                "kind",
                kind.place,
                f"The kind '{kind.text}' is not a cluster's configuration.",
                f"Use a file with 'kind: {schema.KIND}' and 'apiVersion: {schema.API_VERSION}'.",
            )
        elif version is not None and version.text != schema.API_VERSION:
            self.note(
                "warning",
                "api-version",
                version.place,
                f"The version '{version.text}' was read as {schema.API_VERSION}.",
                f"Write {schema.API_VERSION}.",
            )

    def metadata(self, node: Node | None) -> tuple[str, dict[str, JSON]]:
        """The cluster's name, and the rest of ``metadata`` for `Platform.extra`."""
        entries = self.mapping(node, "'metadata'") if node else None
        if not node or not entries:
            return "", {}
        name = self.text(entries.pop("name", None), "name")
        self.unknown(entries, node.keys, schema.METADATA, "metadata")
        rest = self.rest(entries, node.keys)
        return name, {"metadata": rest} if rest else {}

    def hosts(self, node: Node | None, spec: dict[str, Node], root: Place) -> tuple[HostSpec, ...]:
        """The hosts; ``roleGroups`` written inside a host's entry moves to `spec`."""
        example = "Write 'hosts:' and below it lines such as '- {name: master1, address: 10.0.0.1, user: root}'."
        if node is None or node.value is None:
            self.note("error", "no-hosts", node.place if node else root, "There are no hosts.", example)
            return ()
        self.places["hosts"] = node.place
        if not isinstance(node.value, list):
            self.note("error", "type", node.place, "'hosts' must be a list.", example)
            return ()
        items = [item for item in node.value if self.is_host(item, example)]
        return tuple(self.host(item, number, spec) for number, item in enumerate(items))

    def is_host(self, item: Node, example: str) -> bool:
        """Whether `item` is a mapping; a finding where it is not."""
        if not isinstance(item.value, dict):
            self.note("error", "type", item.place, "A host must be a mapping of keys.", example)
            return False
        return True

    def host(self, node: Node, number: int, spec: dict[str, Node]) -> HostSpec:
        """One host, `number` in the list."""
        at = f"hosts[{number}]"
        self.places[at] = node.place
        entries = dict(node.value)
        groups = entries.get("roleGroups")
        if groups is not None and isinstance(groups.value, dict) and "roleGroups" not in spec:
            spec["roleGroups"] = entries.pop("roleGroups")
            self.note(
                "repair",
                "misplaced-key",
                node.keys["roleGroups"],
                "'roleGroups' was part of a host; it was read as the key next to 'hosts'.",
                "Indent 'roleGroups' like 'hosts'.",
            )
        fields: dict[str, Any] = {}
        for name, key in schema.HOST_KEYS.items():
            if key in entries and name not in ("port", "labels"):
                fields[name] = self.text(entries.pop(key), f"{at}.{name}")
        fields["port"] = self.port(entries.pop("port", None), f"{at}.port", 22)
        fields["labels"] = self.labels(entries.pop("labels", None), f"{at}.labels")
        fields["name"] = fields.get("name", "")
        address, internal = fields.get("address", ""), fields.get("internal_address", "")
        fields |= {"address": address or internal.split(",")[0], "internal_address": internal or address}
        fields["user"] = fields.get("user") or "root"
        arch = fields.get("arch") or "amd64"
        if arch in ARCHITECTURES:
            fields["arch"] = ARCHITECTURES[arch]
            message = f"The architecture '{arch}' was read as {fields['arch']}."
            self.note("repair", "arch", self.places.at(f"{at}.arch"), message, f"Write arch: {fields['arch']}.")
        else:
            fields["arch"] = arch
        self.unknown(entries, node.keys, schema.HOST, f"host {fields['name']}".strip())
        return HostSpec(**fields, extra=self.rest(entries, node.keys))

    def labels(self, node: Node | None, at: str) -> dict[str, str]:
        """A host's labels."""
        entries = self.mapping(node, "'labels'") if node else None
        if not node or not entries:
            return {}
        self.places[at] = node.place
        return {key: self.text(value, f"{at}.{key}") for key, value in entries.items()}

    def role_groups(self, node: Node | None, root: Place) -> dict[str, tuple[str, ...]]:
        """The role groups with ranges expanded; ``master`` is kk's older word for control-plane."""
        entries = self.mapping(node, "'roleGroups'") if node else None
        if node:
            self.places["role_groups"] = node.place
        else:
            self.places["role_groups"] = Place("role_groups" if not root.line else "roleGroups", root.line, root.column)
        groups: dict[str, tuple[str, ...]] = {}
        for key, members in (entries or {}).items():
            group = CONTROL_PLANE if key == "master" else key
            self.places[f"role_groups.{group}"] = members.place
            groups[group] = self.members(members, group, groups.get(group, ()))
        self.unknown_groups(entries or {}, node)
        return groups

    def unknown_groups(self, entries: Iterable[str], node: Node | None) -> None:
        """Warn of role groups that mean nothing to the platform."""
        for key in entries:
            if node and key not in (*ROLE_GROUPS, "master"):
                near = schema.nearest(key, ROLE_GROUPS) if len(self.findings) < MAX_SUGGESTIONS else ""
                fix = f"Write '{near}'." if near else f"Use {', '.join(ROLE_GROUPS)}."
                self.note("warning", "unknown-role-group", node.keys[key], f"There is no role group '{key}'.", fix)

    def members(self, node: Node, group: str, before: tuple[str, ...]) -> tuple[str, ...]:
        """The hosts of a role group behind those already known."""
        if isinstance(node.value, dict):
            self.note(
                "error",
                "type",
                node.place,
                f"The role group '{group}' must be a list of host names.",
                "Write one '- name' a line below it.",
            )
            return before
        items = node.value if isinstance(node.value, list) else [node] if node.value is not None else []
        if items == [node]:
            self.note(
                "repair",
                "not-a-list",
                node.place,
                f"The role group '{group}' was read as a list of one.",
                f"Write '- {node.text}' on a line below it.",
            )
        names = dict.fromkeys(before)
        for item in items:
            expanded = self.expanded(item, group)
            self.members_read += len(expanded)
            if self.members_read > MAX_MEMBERS:
                self.note(
                    "error",
                    "too-many-members",
                    item.place,
                    f"The role groups name more than {MAX_MEMBERS} hosts in all.",
                    "Name each host once in a role group.",
                )
                break
            if again := [name for name in expanded if name in names]:
                self.note(
                    "repair",
                    "repeated-member",
                    item.place,
                    f"The role group '{group}' names '{again[0]}' twice; it was counted once.",
                    "Name it once.",
                )
            for name in expanded:
                names[name] = None
                self.places.setdefault(f"role_groups.{group}.{name}", item.place)
        return tuple(names)

    def expanded(self, node: Node, group: str) -> tuple[str, ...]:
        """The names one entry of a role group stands for."""
        if isinstance(node.value, dict | list) or node.value is None:
            # An unquoted "[1:3]" without a name before it is a YAML list.
            self.note(
                "error",
                "type",
                node.place,
                f"An entry of the role group '{group}' is not a host name.",
                "Write a host's name or a range such as worker[1:3].",
            )
            return ()
        try:
            return expand(node.text)
        except RangeError as error:
            self.note("error", "range", node.place, str(error), error.fix)
            return ()

    def platform(self, spec: dict[str, Node], root: Place) -> dict[str, Any]:
        """The fields of `Platform`, taken out of `spec`; ``extra`` is what its sections have besides."""
        fields: dict[str, Any] = {}
        extra: dict[str, JSON] = {}
        prefix = f"{root.path}." if root.path else ""
        for section, known in schema.SECTIONS.items():
            node = spec.pop(section, None)
            place = node.place if node else Place(prefix + section, root.line, root.column)
            entries = (self.mapping(node, f"'{section}'") if node else None) or {}
            for name, (owner, key) in schema.PLATFORM_KEYS.items():
                if owner != section:
                    continue
                self.places[name] = Place(f"{place.path}.{key}", place.line, place.column)
                fields[name] = self.setting(name, entries.pop(key, None))
            if node and section == "registry":
                fields |= self.login(entries, fields["private_registry"])
            if node and entries:
                self.unknown(entries, node.keys, known, section)
                if rest := self.rest(entries, node.keys):
                    extra[section] = rest
        return {**fields, "extra": extra}

    def setting(self, name: str, node: Node | None) -> str | int:
        """One platform setting, or its default."""
        default: str | int = getattr(DEFAULTS, name)
        if node is None or node.value is None:
            return default
        if isinstance(default, int):
            return self.port(node, name, default)
        text = self.text(node, name)
        if not text and name not in schema.MAY_BE_EMPTY:
            message = f"{node.place.path} was empty; it was set to '{default}'."
            self.note("repair", "empty", node.place, message, f"Write '{default}', or another value.")
            return default
        return text

    def login(self, entries: dict[str, Node], private_registry: str) -> dict[str, str]:
        """User and password of the private registry, taken out of ``auths`` in `entries`."""
        node = entries.pop("auths", None)
        auths = self.mapping(node, "'auths'") if node else None
        if not node or not auths:
            return {}
        fields: dict[str, str] = {}
        key = next((k for k in (private_registry, schema.registry_host(private_registry)) if k in auths), "")
        if key and (login := self.mapping(auths[key], f"'{key}'")):
            fields["registry_user"] = self.text(login.pop("username", None), "registry_user")
            fields["registry_password"] = self.text(login.pop("password", None), "registry_password")
            self.unknown(login, auths[key].keys, schema.AUTH, f"auths.{key}")
            auths[key] = Node(login, auths[key].place, keys=auths[key].keys)
        auths = {name: auth for name, auth in auths.items() if auth.value or name != key}
        if auths:
            entries["auths"] = Node(auths, node.place, keys=node.keys)
        return fields

    def mapping(self, node: Node, what: str) -> dict[str, Node] | None:
        """A copy of a mapping's entries; None for null; a finding for anything else."""
        if isinstance(node.value, dict):
            return dict(node.value)
        if node.value is not None:
            self.note("error", "type", node.place, f"{what} must be a mapping of keys.", "Write 'key: value' lines.")
        return None

    def text(self, node: Node | None, at: str) -> str:
        """A scalar as it was written, "" for null; a finding for a list or mapping."""
        if node is None:
            return ""
        self.places[at] = node.place
        if isinstance(node.value, dict | list):
            self.note("error", "type", node.place, f"'{node.place.path}' must be text.", "Write a single value.")
            return ""
        return "" if node.value is None else node.text

    def port(self, node: Node | None, at: str, default: int) -> int:
        """A port number; a finding and the default for what is no number."""
        if node is None or node.value is None:
            return default
        self.places[at] = node.place
        text = node.text.strip()
        if isinstance(node.value, dict | list) or not (text.isascii() and text.isdigit() and len(text) < 10):
            self.note("error", "port", node.place, f"'{node.text}' is no port.", "Write a number from 1 to 65535.")
            return default
        return int(text)

    def unknown(self, entries: Mapping[str, Node], keys: Mapping[str, Place], known: Iterable[str], where: str) -> None:
        """Warn of keys that kk does not know."""
        for key in entries:
            if key not in known:
                near = schema.nearest(key, known) if len(self.findings) < MAX_SUGGESTIONS else ""
                message = f"Unknown key '{key}'" + (f" in {where}." if where else ".")
                fix = (
                    f"Did you mean '{near}'?" if near else "Remove it, or check its spelling; it is handed to kk as is."
                )
                self.note("warning", "unknown-key", keys[key], message, fix)

    def keep(self, node: Node) -> JSON:
        """What only kk reads, as plain data without secrets: this data is stored and shown unencrypted."""
        if isinstance(node.value, dict):
            return self.rest(node.value, node.keys)
        if isinstance(node.value, list):
            return [self.keep(item) for item in node.value]
        return node.value

    def rest(self, entries: Mapping[str, Node], keys: Mapping[str, Place]) -> dict[str, JSON]:
        """`keep` for the entries of a mapping."""
        return {key: self.keep(node) for key, node in entries.items() if not self.is_secret(key, node, keys[key])}

    def is_secret(self, key: str, value: Node, place: Place) -> bool:
        """Whether `key` holds a secret that has no encrypted place; a warning where it does."""
        flat = key.lower().replace("_", "").replace("-", "")
        if not flat.endswith(_SECRET) or isinstance(value.value, dict | list | None) or not value.text:
            return False
        self.note(
            "warning",
            "secret-dropped",
            place,
            f"'{place.path}' was not taken over: only the hosts' and the private registry's logins are kept.",
            "Use the private registry, or a source that needs no login.",
        )
        return True
