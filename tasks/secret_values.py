"""Secrets by name, for steps that need them on a host; and all of them, for what must be redacted."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Mapping

from clusters.models import Cluster
from tasks.models import OperationSecret

REGISTRY_USER, REGISTRY_PASSWORD = "admin", "Harbor12345"
SHORTEST = 4  # a shorter word is in every log

_NAMES: Mapping[str, Callable[[Cluster], str]] = {
    "access-key": lambda cluster: cluster.access_key.value,
    "registry-user": lambda cluster: cluster.registry_user or REGISTRY_USER,
    "registry-password": lambda cluster: cluster.registry_password or REGISTRY_PASSWORD,
    "ceph-key": lambda cluster: cluster.ceph_key,
}
_KUBECONFIG_SECRET = re.compile(
    r"\b(?:client-key-data|token|password|id-token|refresh-token)['\"]?:\s*['\"]?([^\s'\",}]+)"
)


def resolve(cluster: Cluster, name: str) -> str:
    """The secret's value. Raises KeyError with the known names."""
    if name not in _NAMES:
        raise KeyError(f"no secret is called {name!r}; known: {', '.join(_NAMES)}")
    return _NAMES[name](cluster)


def all_values(cluster: Cluster) -> list[str]:
    """Everything of this cluster that must never be shown, longest first."""
    found = {value for value in _values(cluster) if len(value) >= SHORTEST}
    return sorted(found, key=lambda value: (-len(value), value))


def _values(cluster: Cluster) -> Iterator[str]:
    yield resolve(cluster, "access-key")
    yield resolve(cluster, "registry-password")
    yield resolve(cluster, "ceph-key")
    yield from (cluster.backup_access_key, cluster.backup_secret_key)
    for credential in cluster.credentials.all():
        yield from (credential.passphrase, credential.password, credential.sudo_password)
        yield credential.private_key
        yield from _lines(credential.private_key)
    for secret in OperationSecret.objects.filter(operation__cluster=cluster):
        yield secret.value
        yield from _lines(secret.value)
    for value in _KUBECONFIG_SECRET.findall(cluster.kubeconfig):
        yield value
        try:
            yield from _lines(base64.b64decode(value, validate=True).decode())
        except (binascii.Error, UnicodeDecodeError):
            continue


def _lines(pem: str) -> Iterator[str]:
    """A key's lines without its armour: a log shows it line by line."""
    for line in pem.splitlines():
        if (text := line.strip()) and not text.startswith("-----"):
            yield text
