"""A small client of the Kubernetes API over one kept connection, with the certificates of a kubeconfig."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import ssl
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from lab.toolchain.common.objects import Obj

MERGE, STRATEGIC = "application/merge-patch+json", "application/strategic-merge-patch+json"


class ApiFailure(Exception):
    """The API answered with an error."""

    def __init__(self, code: int, status: Obj) -> None:
        super().__init__(status.get("message") or f"HTTP {code}")
        self.code = code
        self.status = status
        self.reason = status.get("reason", "")


class Unreachable(Exception):
    """The API does not answer."""


@dataclass(frozen=True)
class Access:
    """How to reach a cluster: the server and the TLS context."""

    server: str
    tls: ssl.SSLContext | None
    namespace: str = "default"


def access_of(path: Path, context_name: str = "") -> Access:
    """Read a kubeconfig. Raises `Unreachable` with kubectl's words when there is none."""
    if not path.is_file():
        raise Unreachable(
            'Kubernetes cluster unreachable: Get "http://localhost:8080/version": dial tcp 127.0.0.1:8080: '
            "connect: connection refused"
        )
    import yaml

    config = yaml.safe_load(path.read_text())
    wanted = context_name or config.get("current-context")
    context = next(c["context"] for c in config["contexts"] if c["name"] == wanted)
    cluster = next(c["cluster"] for c in config["clusters"] if c["name"] == context["cluster"])
    user = next(u["user"] for u in config["users"] if u["name"] == context["user"])
    tls: ssl.SSLContext | None = None
    if cluster["server"].startswith("https:"):
        tls = ssl.create_default_context()
        if cluster.get("certificate-authority-data"):
            tls.load_verify_locations(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
        elif cluster.get("certificate-authority"):
            tls.load_verify_locations(cluster["certificate-authority"])
        if cluster.get("insecure-skip-tls-verify"):
            tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
        _load_client(tls, user)
    return Access(cluster["server"], tls, context.get("namespace", "default"))


def _load_client(tls: ssl.SSLContext, user: Obj) -> None:
    if user.get("client-certificate"):
        tls.load_cert_chain(user["client-certificate"], user["client-key"])
    elif user.get("client-certificate-data"):
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as pem:  # the ssl module reads files only
            Path(pem.name).chmod(0o600)
            for part in ("client-certificate-data", "client-key-data"):
                pem.write(base64.b64decode(user[part]).decode())
            pem.flush()
            tls.load_cert_chain(pem.name)


def default_kubeconfig() -> Path:
    named = os.environ.get("KUBECONFIG", "").split(":")[0]
    return Path(named) if named else Path.home() / ".kube" / "config"


class Client:
    """Thread-safe; every request waits at most `timeout` seconds."""

    def __init__(self, access: Access, timeout: float = 15.0) -> None:
        self.access = access
        self.timeout = timeout
        self.lock = threading.Lock()
        self.connection: http.client.HTTPConnection | None = None

    def _connect(self) -> http.client.HTTPConnection:
        url = urlsplit(self.access.server)
        host, port = url.hostname or "localhost", url.port or (443 if url.scheme == "https" else 80)
        if self.access.tls is not None:
            return http.client.HTTPSConnection(host, port, timeout=self.timeout, context=self.access.tls)
        return http.client.HTTPConnection(host, port, timeout=self.timeout)

    def request(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> Obj:
        """The decoded answer. Raises `ApiFailure` or `Unreachable`; a kept connection that died is renewed once."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Accept": "application/json", "Content-Type": content_type}
        with self.lock:
            for last in (False, True):
                kept = self.connection is not None
                if self.connection is None:
                    self.connection = self._connect()
                try:
                    self.connection.request(method, path, data, headers)
                    response = self.connection.getresponse()
                    raw = response.read()
                    break
                except (OSError, http.client.HTTPException) as error:
                    self.close()
                    if last or not kept:
                        raise Unreachable(f'{method.capitalize()} "{self.access.server}{path}": {error}') from error
        if response.status >= 400:
            try:
                status = json.loads(raw)
            except ValueError:
                status = {"message": raw.decode(errors="replace")[:200]}
            raise ApiFailure(response.status, status)
        found: Obj = json.loads(raw) if raw.startswith(b"{") else {}
        return found

    def close(self) -> None:
        if self.connection is not None:
            with contextlib.suppress(OSError):
                self.connection.close()
            self.connection = None

    def get(self, path: str, **query: str) -> Obj:
        return self.request("GET", path + ("?" + urlencode(query) if query else ""))

    def find(self, path: str, **query: str) -> Obj | None:
        """None where the API answers 404."""
        try:
            return self.get(path, **query)
        except ApiFailure as error:
            if error.code == 404:
                return None
            raise

    def post(self, path: str, body: Obj) -> Obj:
        return self.request("POST", path, body)

    def put(self, path: str, body: Obj) -> Obj:
        return self.request("PUT", path, body)

    def patch(self, path: str, body: Any, content_type: str = MERGE) -> Obj:
        return self.request("PATCH", path, body, content_type)

    def delete(self, path: str, body: Obj | None = None) -> Obj:
        return self.request("DELETE", path, body)


def path_of(group: str, version: str, plural: str, namespace: str = "", name: str = "", sub: str = "") -> str:
    """The URL path of a resource."""
    root = f"/apis/{group}/{version}" if group else f"/api/{version}"
    where = f"/namespaces/{quote(namespace)}" if namespace else ""
    tail = (f"/{quote(name)}" if name else "") + (f"/{sub}" if sub else "")
    return f"{root}{where}/{plural}{tail}"


def kubeconfig(server: str, ca: str, certificate: str, key: str, user: str = "kubernetes-admin") -> str:
    """A kubeconfig like kubeadm's admin.conf; `ca`, `certificate` and `key` are PEM texts."""
    encode = lambda text: base64.b64encode(text.encode()).decode()  # noqa: E731
    return f"""apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: {encode(ca)}
    server: {server}
  name: cluster.local
contexts:
- context:
    cluster: cluster.local
    user: {user}
  name: {user}@cluster.local
current-context: {user}@cluster.local
kind: Config
preferences: {{}}
users:
- name: {user}
  user:
    client-certificate-data: {encode(certificate)}
    client-key-data: {encode(key)}
"""
