"""A real HTTPS server with the lab's SIMULATED Kubernetes API, whose objects a test writes itself."""

from __future__ import annotations

import base64
import tempfile
import threading
from pathlib import Path
from typing import Any

from lab.toolchain.apiserver.kinds import BUILT_IN
from lab.toolchain.apiserver.server import ApiServer, server_tls
from lab.toolchain.apiserver.store import Key, Store
from lab.toolchain.common import pki

NAME = "lb.kubesphere.local"  # in the server's certificate, as KubeKey has it
_GROUPS = {kind.plural: kind.group for kind in BUILT_IN}


class Api:
    """Serves on a loopback port from `start` to `stop`; both may be called again."""

    def __init__(self, address: str = "127.0.2.1") -> None:
        self.address = address
        self._directory = tempfile.TemporaryDirectory(prefix="sanqian-api-")
        at = Path(self._directory.name)
        self.authority = (at / "ca.crt", at / "ca.key")
        pki.authority(*self.authority, "kubernetes")
        pki.leaf(
            at / "server.crt", at / "server.key", self.authority, "kube-apiserver", hosts=[NAME, "127.0.0.1", address]
        )
        pki.leaf(at / "admin.crt", at / "admin.key", self.authority, "admin", organisation="system:masters")
        self.store = Store()
        self.port = 0
        self._server: ApiServer | None = None

    def start(self) -> Api:
        at = Path(self._directory.name)
        tls = server_tls(at / "server.crt", at / "server.key", self.authority[0])
        self._server = ApiServer((self.address, self.port), self.store, tls)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def remove(self) -> None:
        self.stop()
        self._directory.cleanup()

    @property
    def url(self) -> str:
        return f"https://{self.address}:{self.port}"

    def kubeconfig(self, *, server: str = "", **user: Any) -> str:
        """The administrator's; `user` replaces the certificate."""
        at = Path(self._directory.name)

        def data(name: str) -> str:
            return base64.b64encode((at / name).read_bytes()).decode()

        who = user or {"client-certificate-data": data("admin.crt"), "client-key-data": data("admin.key")}
        lines = "\n".join(f"      {key}: {value}" for key, value in who.items())
        return f"""apiVersion: v1
kind: Config
current-context: admin
clusters:
  - name: lab
    cluster:
      server: {server or self.url}
      certificate-authority-data: {data("ca.crt")}
contexts:
  - name: admin
    context: {{cluster: lab, user: admin}}
users:
  - name: admin
    user:
{lines}
"""

    def put(self, plural: str, *objects: dict[str, Any]) -> None:
        """Objects of a built-in kind, exactly as given, instead of what was there."""
        with self.store.lock:
            for item in objects:
                meta = {"namespace": "", **item["metadata"]}
                self.store.version += 1
                stored = {**item, "metadata": {**item["metadata"], "resourceVersion": str(self.store.version)}}
                self.store.objects[Key(_GROUPS[plural], plural, meta["namespace"], meta["name"])] = stored

    def drop(self, plural: str, namespace: str, name: str) -> None:
        with self.store.lock:
            del self.store.objects[Key(_GROUPS[plural], plural, namespace, name)]
