"""The body that imports a cluster: hosts as for registering, a kubeconfig, or both."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from rest_framework import serializers

from clusters import kubeconfig
from clusters.api import registration
from clusters.api.problems import invalid
from clusters.api.registration import Registration, RegistrationSerializer, Secret
from clusters.inventory import Inventory, Parsed
from clusters.kubeconfig import KubeconfigError

# Role groups are read, so a file without them lacks nothing.
READ_LATER = ("empty-etcd", "empty-control-plane", "host-without-role")
OWN = ("kubeconfig", "dry_run")


class ImportSerializer(RegistrationSerializer):
    """A cluster to be imported: `configuration` or `hosts` as for registering, `kubeconfig`, or both."""

    kubeconfig = Secret(
        max_length=kubeconfig.LARGEST,
        help_text="Text of an administrator's kubeconfig; taken from a control-plane host when left out.",
    )
    dry_run = serializers.BooleanField(
        default=False, help_text="Only say what would be recorded. The cluster is registered all the same."
    )
    CONDITIONS: ClassVar[dict[str, Any]] = {
        "if": {"required": ["configuration"]},
        "then": {"properties": {"hosts": False, "role_groups": False}},
        "else": {},
    }
    EXAMPLES: ClassVar[dict[str, Any]] = {
        "kubeconfig": "apiVersion: v1\nkind: Config\nclusters: [...]\n",
        "dry_run": True,
    }

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if {"configuration", "hosts"} & attrs.keys():
            return super().validate(attrs)
        if not attrs.get("kubeconfig") and not self.context.get("known"):
            fix = "Send the hosts (configuration or hosts), the text of a kubeconfig, or both."
            raise serializers.ValidationError({"kubeconfig": fix})
        return attrs


class FirstImportSerializer(ImportSerializer):
    """A cluster that is not registered yet."""

    CONDITIONS: ClassVar[dict[str, Any]] = {
        **ImportSerializer.CONDITIONS,
        "else": {"anyOf": [{"required": ["hosts"]}, {"required": ["kubeconfig"]}]},
    }


@dataclass(frozen=True)
class Import:
    """What a body asks for. `given` has no inventory where the body names no hosts."""

    given: Registration
    kubeconfig: str
    dry_run: bool

    @property
    def hosts(self) -> bool:
        return self.given.inventory is not None and bool(self.given.inventory.hosts)


def read(body: Any, *, known: bool) -> Import:
    """The import in a request's body, judged; `known`: of a cluster that is registered already.

    Raises `Problem` or DRF's ValidationError for its shape.
    """
    serializer = ImportSerializer(data=body, context={"known": known})
    serializer.is_valid(raise_exception=True)
    data = serializer.validated_data
    text = data.get("kubeconfig", "")
    if text:
        try:
            kubeconfig.parse(text)
        except KubeconfigError as error:
            raise invalid("kubeconfig", error.message, error.fix) from error
    rest = {name: value for name, value in body.items() if name not in OWN}
    if not {"configuration", "hosts"} & rest.keys():
        given = registration.read({**rest, "hosts": []})
        return Import(replace(given, inventory=Inventory(), draft=None, findings=()), text, data["dry_run"])
    given = registration.read(rest)
    left = tuple(finding for finding in given.findings if finding.code not in READ_LATER)
    judged = Parsed.of(given.draft, left)
    given = replace(given, inventory=judged.inventory, findings=judged.findings)
    given.sound()
    return Import(given, text, data["dry_run"])
