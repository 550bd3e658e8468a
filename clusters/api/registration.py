"""The body that registers a cluster: a configuration file, or hosts as JSON, with the keys they need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from clusters import access as accesses
from clusters import reach
from clusters.access import Access, HostAccess, Login
from clusters.api.fields import Answer, FindingSerializer, Strict
from clusters.api.problems import Problem, field_error, invalid
from clusters.api.settings import SettingsSerializer
from clusters.inventory import Finding, Inventory, Parsed, from_mapping, parse, with_settings
from clusters.inventory.mapping import OTHER_SETTINGS, SETTINGS
from clusters.models import RFC1123_LABEL

KEY_EXAMPLE = "-----BEGIN OPENSSH PRIVATE KEY-----\n***\n-----END OPENSSH PRIVATE KEY-----\n"


class Secret(serializers.CharField):
    """Text that is taken as it is, and never shown."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, allow_blank=True, write_only=True, trim_whitespace=False, **options)


class HostSerializer(Strict):
    """A host, as JSON."""

    name = serializers.CharField(help_text="Its name: lower-case letters, digits and '-'.")
    address = serializers.CharField(required=False, help_text="Where SSH goes; the internal address when left out.")
    internal_address = serializers.CharField(required=False, help_text="The address that the cluster's hosts use.")
    port = serializers.IntegerField(
        required=False, min_value=1, max_value=65535, help_text="Number of its SSH port, 22 by default."
    )
    user = serializers.CharField(required=False, help_text="SSH user, root by default.")
    roles = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        help_text="Role groups: etcd, control-plane, worker, registry, storage.",
    )
    arch = serializers.CharField(required=False, help_text="amd64 (default) or arm64.")
    labels = serializers.DictField(
        child=serializers.CharField(allow_blank=True), required=False, help_text="Labels of the Kubernetes node."
    )
    password = Secret(help_text="SSH password.")
    private_key = Secret(help_text="Text of the private key.")
    passphrase = Secret(help_text="The key's passphrase.")
    sudo_password = Secret(help_text="Where the user is not root.")
    host_key = serializers.CharField(
        required=False, allow_blank=True, help_text="The host's public key; pinned on first contact when left out."
    )
    jump = serializers.CharField(
        required=False, allow_blank=True, help_text="Name of the host that this one is reached through."
    )
    EXAMPLES = {
        "name": "worker1",
        "address": "192.168.2.4",
        "internal_address": "192.168.2.4",
        "port": 22,
        "user": "root",
        "roles": ["worker", "storage"],
        "arch": "amd64",
        "labels": {"rack": "a3"},
        "password": "***",
        "private_key": KEY_EXAMPLE,
        "passphrase": "***",
        "sudo_password": "***",
        "host_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKtQ0s0f3yKQ1Yy0J3n0k5b0d8w3gY2c5n3rXc0uGm1V",
        "jump": "",
    }


class ListedHost(HostSerializer):
    """A host of a cluster, as JSON. Fields that are not known are warned of."""

    CONDITIONS = {"additionalProperties": True}


@extend_schema_field(ListedHost(many=True))
class _Hosts(serializers.ListField):
    child = serializers.DictField()


class RegistrationSerializer(Strict):
    """A cluster to be registered: `configuration` or `hosts`."""

    name = serializers.CharField(
        required=False,
        max_length=63,
        help_text="The cluster's name, yours alone; metadata.name of the configuration when left out.",
    )
    description = serializers.CharField(required=False, allow_blank=True, max_length=500, help_text="For people.")
    configuration = serializers.CharField(
        required=False,
        trim_whitespace=False,
        max_length=1024 * 1024,
        help_text="Text of a kk configuration, or of bare hosts and roleGroups.",
    )
    private_keys = serializers.DictField(
        child=serializers.CharField(trim_whitespace=False),
        required=False,
        write_only=True,
        help_text="Text of each private key, by its privateKeyPath as written in the configuration.",
    )
    passphrases = serializers.DictField(
        child=serializers.CharField(trim_whitespace=False, allow_blank=True),
        required=False,
        write_only=True,
        help_text="Passphrases by the same paths.",
    )
    private_key = Secret(
        help_text="A private key for every host that has none of its own.",
    )
    passphrase = Secret(help_text="Its passphrase.")
    password = Secret(
        help_text="SSH password for every host that has none of its own.",
    )
    sudo_password = Secret(
        help_text="sudo password for every host that has none of its own.",
    )
    hosts = _Hosts(required=False, help_text="The hosts, instead of a configuration.")
    role_groups = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField()),
        required=False,
        help_text="Names of hosts by role group; ranges such as worker[1:3] are allowed.",
    )
    settings = SettingsSerializer(required=False, partial=True, help_text="Settings; they outdo the configuration's.")
    EXAMPLES: ClassVar[dict[str, Any]] = {
        "name": "first",
        "description": "GPU racks a1 to a4",
        "configuration": "hosts:\n- {name: master1, address: 192.168.2.1, user: root, password: '***'}\nroleGroups:\n"
        "  etcd: [master1]\n  control-plane: [master1]\n  worker: [master1]\n",
        "private_keys": {"/root/.ssh/id_rsa": KEY_EXAMPLE},
        "passphrases": {"/root/.ssh/id_rsa": "***"},
        "private_key": KEY_EXAMPLE,
        "passphrase": "***",
        "password": "***",
        "sudo_password": "***",
        "role_groups": {"worker": ["worker[1:3]"]},
    }
    CONDITIONS: ClassVar[dict[str, Any]] = {
        "if": {"required": ["configuration"]},
        "then": {"properties": {"hosts": False, "role_groups": False}},
        "else": {"required": ["hosts"]},
    }

    def validate_name(self, value: str) -> str:
        RFC1123_LABEL(value)
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("configuration" in attrs) == ("hosts" in attrs):
            fix = "Send configuration (the text of the file) or hosts (a list), one of the two."
            raise serializers.ValidationError({"configuration": fix})
        if "configuration" in attrs and "role_groups" in attrs:
            raise serializers.ValidationError({"role_groups": "It goes with hosts; a configuration has its own."})
        return attrs


class HostShown(Answer):
    """A host as it was read."""

    name = serializers.CharField(help_text="Its name.")
    address = serializers.CharField(help_text="Where SSH goes.")
    internal_address = serializers.CharField(help_text="The address that the cluster's hosts use.")
    port = serializers.IntegerField(help_text="Number of its SSH port.")
    user = serializers.CharField(help_text="The user that is logged in.")
    role_groups = serializers.ListField(child=serializers.CharField(), help_text="The role groups that it is in.")
    EXAMPLES = {
        "name": "worker1",
        "address": "192.168.2.4",
        "internal_address": "192.168.2.4",
        "port": 22,
        "user": "root",
        "role_groups": ["worker"],
    }


class JudgementSerializer(Answer):
    """A configuration, judged without being stored."""

    valid = serializers.BooleanField(help_text="Whether it could be registered.")
    findings = FindingSerializer(many=True, help_text="What is wrong, doubtful, or was repaired.")
    hosts = HostShown(many=True, help_text="The hosts as they were read.")
    role_groups = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField()),
        help_text="Names of hosts by role group; ranges are written out.",
    )
    EXAMPLES = {"valid": True, "role_groups": {"worker": ["worker1", "worker2", "worker3"]}}


@dataclass(frozen=True)
class Registration:
    """What a body asks for. `inventory` is None when a finding is an error; `draft` is what could be read."""

    name: str
    description: str
    inventory: Inventory | None
    draft: Inventory | None
    access: Access
    findings: tuple[Finding, ...]
    others: dict[str, Any]

    def sound(self) -> Inventory:
        """The inventory. Raises `Problem` with all findings."""
        if self.inventory is None:
            raise invalid_configuration(self.findings)
        return self.inventory


def read(body: Any) -> Registration:
    """The registration in a request's body, judged. Raises `Problem` or DRF's ValidationError for its shape."""
    serializer = RegistrationSerializer(data=body)
    serializer.is_valid(raise_exception=True)
    data = serializer.validated_data
    settings = data.get("settings", {})
    platform = {name: value for name, value in settings.items() if name in SETTINGS}
    if "configuration" in data:
        parsed = with_settings(parse(data["configuration"]), platform)
    else:
        parsed = from_mapping({**_plain(data), "settings": platform})
    access = _access(data)
    findings = parsed.findings
    if parsed.draft is not None:
        judges = (accesses.judge, reach.judge)
        findings = (*findings, *(one for judge in judges for one in judge(parsed.draft, access, parsed.places)))
    judged = Parsed.of(parsed.draft, findings)
    return Registration(
        name=data.get("name") or (parsed.draft.name if parsed.draft else ""),
        description=data.get("description", ""),
        inventory=judged.inventory,
        draft=judged.draft,
        access=access,
        findings=judged.findings,
        others={name: value for name, value in settings.items() if name in OTHER_SETTINGS},
    )


def named(registration: Registration) -> str:
    """The cluster's name. Raises `Problem` where there is none that can be used."""
    name = registration.name
    if not name:
        raise invalid("name", "The cluster has no name.", 'Send name, for example "demo".')
    try:
        RFC1123_LABEL(name)
    except ValidationError as error:
        raise invalid("name", f"'{name}' cannot be a cluster's name.", str(RFC1123_LABEL.message)) from error
    return name


def invalid_configuration(findings: tuple[Finding, ...]) -> Problem:
    """The problem of a configuration with errors; warnings and repairs are told with it."""
    errors = [finding for finding in findings if finding.level == "error"]
    return Problem(
        "invalid-configuration",
        f"{errors[0].message}{f' (and {len(errors) - 1} more)' if len(errors) > 1 else ''}",
        hint=errors[0].fix,
        errors=[
            field_error(
                one.path, one.message, one.fix, **({"line": one.line, "column": one.column} if one.line else {})
            )
            for one in errors
        ],
        findings=shown(findings),
    )


def shown(findings: tuple[Finding, ...]) -> list[dict[str, Any]]:
    """Findings as JSON."""
    return [asdict(finding) for finding in findings]


def judgement(registration: Registration) -> dict[str, Any]:
    """The answer to a request that only asks whether a configuration is valid."""
    draft = registration.draft or Inventory()
    return {
        "valid": registration.inventory is not None,
        "findings": shown(registration.findings),
        "hosts": [
            {
                "name": host.name,
                "address": host.address,
                "internal_address": host.internal_address,
                "port": host.port,
                "user": host.user,
                "role_groups": list(draft.roles_of(host.name)),
            }
            for host in draft.hosts
        ],
        "role_groups": {group: list(members) for group, members in draft.role_groups.items()},
    }


def own_access(host: Mapping[str, Any]) -> HostAccess:
    """What a host's JSON says of its own access. Raises `Problem` for what is not text."""
    values = {}
    for name in ("passphrase", "sudo_password", "host_key", "jump"):
        value = host.get(name)
        if value is not None and not isinstance(value, str):
            raise invalid(f"hosts.{name}", f"{name} must be text.", f"Write {name} as text.")
        values[name] = value or ""
    return HostAccess(**values)


def _plain(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: data[name] for name in ("hosts", "role_groups") if name in data}


def _access(data: Mapping[str, Any]) -> Access:
    hosts = {str(host.get("name")): own_access(host) for host in data.get("hosts", ())}
    words = ("private_key", "passphrase", "password", "sudo_password")
    return Access(
        private_keys=data.get("private_keys", {}),
        passphrases=data.get("passphrases", {}),
        login=Login(**{word: data.get(word, "") for word in words}),
        hosts=hosts,
    )
