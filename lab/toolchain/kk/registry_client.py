"""The private registry seen from kk: OCI distribution API with the registry's own authority."""

from __future__ import annotations

import base64
import contextlib
import fnmatch
import hashlib
import http.client
import json
import ssl
from pathlib import Path

from lab.toolchain.common import faults
from lab.toolchain.kk.config import Config


class RegistryError(Exception):
    """The registry does not answer, refuses, or lacks an image."""


def certificates(registry: str) -> Path:
    return Path("/etc/docker/certs.d") / registry


class RegistryClient:
    """One kept connection. Every method raises `RegistryError`."""

    def __init__(self, config: Config) -> None:
        self.config = config
        authority = certificates(config.registry) / "ca.crt"
        try:
            context = ssl.create_default_context(cafile=str(authority) if authority.is_file() else None)
        except ssl.SSLError as error:
            raise RegistryError(f"{authority}: {error}") from error
        host, _, port = config.registry.partition(":")
        self.connection = http.client.HTTPSConnection(host, int(port or 443), timeout=30, context=context)
        login = f"{config.registry_user}:{config.registry_password}"
        self.headers = {"Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"}

    def request(self, method: str, path: str, body: bytes = b"", content_type: str = "") -> http.client.HTTPResponse:
        """The answer; its body has been read."""
        headers = {**self.headers, **({"Content-Type": content_type} if content_type else {})}
        try:
            self.connection.request(method, path, body or None, headers)
            answer = self.connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            with contextlib.suppress(OSError):
                self.connection.close()
            url = f"https://{self.config.registry}{path}"
            raise RegistryError(f'failed to do request: {method.capitalize()} "{url}": {error}') from error
        if answer.status in (401, 403):
            raise RegistryError(f"{method} {path}: unauthorized: unauthorized to access repository")
        return answer

    def has(self, image: str) -> bool:
        name, tag = self._split(image)
        return self.request("HEAD", f"/v2/{name}/manifests/{tag}").status == 200

    def need(self, image: str) -> None:
        for fault in faults.matching("image", image):
            if fault.do == "missing" and fnmatch.fnmatchcase(image, fault.match):
                raise RegistryError(f'failed to pull and unpack image "{image}": {image}: not found')
        if not self.has(image):
            raise RegistryError(f'failed to pull and unpack image "{image}": {image}: not found')

    def push(self, image: str, manifest: bytes, blobs: Path) -> None:
        """Push an image of an OCI layout whose blobs are in ``blobs/sha256``; blobs that are there are skipped."""
        name, tag = self._split(image)
        parsed = json.loads(manifest)
        for part in [parsed["config"], *parsed["layers"]]:
            digest = part["digest"]
            if self.request("HEAD", f"/v2/{name}/blobs/{digest}").status == 200:
                continue
            data = (blobs / digest.replace(":", "/")).read_bytes()
            if f"sha256:{hashlib.sha256(data).hexdigest()}" != digest:
                raise RegistryError(f"{image}: blob {digest} of the artifact is damaged")
            started = self.request("POST", f"/v2/{name}/blobs/uploads/")
            where = started.headers.get("Location", "")
            self._demand(started.status, 202, image)
            path = f"{where}{'&' if '?' in where else '?'}digest={digest}"
            self._demand(self.request("PUT", path, data, "application/octet-stream").status, 201, image)
        done = self.request("PUT", f"/v2/{name}/manifests/{tag}", manifest, parsed["mediaType"])
        self._demand(done.status, 201, image)

    def _demand(self, status: int, wanted: int, image: str) -> None:
        if status != wanted:
            raise RegistryError(f"pushing {image}: unexpected status {status}")

    def _split(self, image: str) -> tuple[str, str]:
        name, _, tag = image.removeprefix(f"{self.config.registry}/").rpartition(":")
        return name, tag
