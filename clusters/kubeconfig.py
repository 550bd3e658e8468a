"""A kubeconfig's current context as data. Pure.

A kubeconfig comes from a customer's machine and is used on ours, so nothing in it may name a program, a plug-in,
a proxy or a file of ours: certificates, keys and tokens must stand in the text itself.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from clusters.bounded_yaml import BadYAML, load

LARGEST = 256 * 1024  # characters
_FLATTEN = "Write it with `kubectl config view --raw --flatten --minify`."


class KubeError(Exception):
    """Reading a cluster went wrong. `kind` is a stable word, `status` the HTTP status or 0."""

    def __init__(self, message: str, fix: str = "", *, kind: str = "kube", status: int = 0) -> None:
        super().__init__(message)
        self.message, self.fix, self.kind, self.status = message, fix, kind, status

    def __str__(self) -> str:
        return f"{self.message}{f' Fix: {self.fix}' if self.fix else ''}"


class KubeconfigError(KubeError):
    """The kubeconfig cannot be used. The message holds none of its secrets."""

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message, fix, kind="kubeconfig")


@dataclass(frozen=True)
class Access:
    """How to reach an API server. `authority`, `certificate` and `key` are PEM; empty `authority`: the system's."""

    server: str
    authority: str = field(default="", repr=False)
    tls_server_name: str = ""
    certificate: str = field(default="", repr=False)
    key: str = field(default="", repr=False)
    token: str = field(default="", repr=False)

    @property
    def host(self) -> str:
        return urlsplit(self.server).hostname or ""

    @property
    def port(self) -> int:
        return urlsplit(self.server).port or 443

    def at(self, server: str) -> Access:
        """The same API server at another URL; its certificate is still checked for the name it had."""
        return replace(self, server=server, tls_server_name=self.tls_server_name or self.host)


def parse(text: str) -> Access:
    """The current context's access. Raises `KubeconfigError`."""
    data = _load(text)
    context = _named(data, "contexts", _current(data), "context")
    cluster = _named(data, "clusters", _text(context, "cluster"), "cluster")
    user = _named(data, "users", _text(context, "user"), "user")
    server = _server(_text(cluster, "server"))
    if cluster.get("insecure-skip-tls-verify"):
        raise KubeconfigError(
            "cluster.insecure-skip-tls-verify is set, so anybody could answer as the API server.",
            "Remove it and give certificate-authority-data.",
        )
    for place, key in ((cluster, "proxy-url"), (user, "as")):
        if place.get(key):
            raise KubeconfigError(f"{key} is not supported.", f"Remove {key} from the kubeconfig.")
    for key in ("exec", "auth-provider"):
        if user.get(key):
            raise KubeconfigError(
                f"user.{key} would run a program on the service's machine.",
                "Use a client certificate (client-certificate-data and client-key-data) or a token.",
            )
    for place, key, instead in (
        (cluster, "certificate-authority", "certificate-authority-data"),
        (user, "client-certificate", "client-certificate-data"),
        (user, "client-key", "client-key-data"),
        (user, "tokenFile", "token"),
    ):
        if place.get(key):
            raise KubeconfigError(f"{key} names a file, which the service does not have.", f"{_FLATTEN} Use {instead}.")
    access = Access(
        server=server,
        authority=_pem(cluster, "certificate-authority-data"),
        tls_server_name=_text(cluster, "tls-server-name"),
        certificate=_pem(user, "client-certificate-data"),
        key=_pem(user, "client-key-data"),
        token=_text(user, "token").strip(),
    )
    if bool(access.certificate) != bool(access.key):
        raise KubeconfigError("client-certificate-data and client-key-data belong together; one is missing.", _FLATTEN)
    if not access.certificate and not access.token:
        raise KubeconfigError(
            "the user has neither a client certificate nor a token.",
            "Use an administrator's kubeconfig, such as /etc/kubernetes/admin.conf of a control-plane host.",
        )
    if any(ord(c) < 33 or ord(c) > 126 for c in access.token):
        raise KubeconfigError("the token holds characters that no token has.", "Copy the token again.")
    return access


def _load(text: str) -> Mapping[str, Any]:
    if len(text) > LARGEST:
        raise KubeconfigError(f"the kubeconfig is larger than {LARGEST // 1024} KiB.", _FLATTEN)
    try:
        data = load(text)
    except BadYAML as error:
        where = f" (line {error.line})" if error.line else ""
        raise KubeconfigError(f"the kubeconfig cannot be read: {error}{where}.", _FLATTEN) from None
    if not isinstance(data, Mapping):
        raise KubeconfigError("the kubeconfig is empty or no mapping.", _FLATTEN)
    return data


def _current(data: Mapping[str, Any]) -> str:
    name = _text(data, "current-context")
    contexts = [item for item in data.get("contexts") or () if isinstance(item, Mapping)]
    if not name and len(contexts) == 1:
        return _text(contexts[0], "name")
    if not name:
        raise KubeconfigError("current-context is not set.", "Set it: kubectl config use-context NAME.")
    return name


def _named(data: Mapping[str, Any], section: str, name: str, key: str) -> Mapping[str, Any]:
    for item in data.get(section) or ():
        if isinstance(item, Mapping) and item.get("name") == name and isinstance(item.get(key), Mapping):
            found: Mapping[str, Any] = item[key]
            return found
    raise KubeconfigError(f"{section} has no entry {name!r}.", _FLATTEN)


def _text(data: Mapping[str, Any], key: str) -> str:
    value = data.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise KubeconfigError(f"{key} is no text.", _FLATTEN)
    return value


def _pem(data: Mapping[str, Any], key: str) -> str:
    value = _text(data, key)
    try:
        decoded = base64.b64decode("".join(value.split()), validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        raise KubeconfigError(f"{key} is no base64 of a PEM text.", _FLATTEN) from None
    if value and "-----BEGIN " not in decoded:
        raise KubeconfigError(f"{key} holds no PEM text.", _FLATTEN)
    return decoded


def _server(url: str) -> str:
    try:
        parts = urlsplit(url)
        good = parts.scheme == "https" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or parts.username or parts.password or parts.query or parts.fragment:
        raise KubeconfigError(
            "cluster.server is no https address.", "Write it as https://HOST:6443, without user or query."
        )
    return url.rstrip("/")
