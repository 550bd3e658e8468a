"""Who asks: client certificates of the cluster's authority, and service account tokens."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class User:
    name: str
    groups: tuple[str, ...] = ()

    @property
    def may_write(self) -> bool:
        """The whole of this API's authorisation: administrators, nodes, and service accounts of the platform."""
        return bool({"system:masters", "system:nodes", "system:serviceaccounts"} & set(self.groups))


def from_certificate(certificate: Any) -> User | None:
    """The user of a verified certificate (``SSLSocket.getpeercert()``): its common name and organisations."""
    if not certificate:
        return None
    fields = [pair for part in certificate.get("subject", ()) for pair in part]
    name = next((value for key, value in fields if key == "commonName"), "")
    groups = tuple(value for key, value in fields if key == "organizationName")
    return User(name, groups) if name else None


class Tokens:
    """Service account tokens, signed with a key that is kept on disk so that they outlive a reboot."""

    def __init__(self, directory: Path | None) -> None:
        self.key = secrets.token_bytes(32)
        if directory is not None:
            path = directory / "token.key"
            if not path.exists():
                path.touch(mode=0o600)
                path.write_bytes(self.key)
            self.key = path.read_bytes()

    def issue(self, namespace: str, name: str, seconds: int) -> tuple[str, float]:
        """A token and when it expires (seconds since the epoch)."""
        expires = time.time() + seconds
        payload = base64.urlsafe_b64encode(json.dumps({"ns": namespace, "sa": name, "exp": expires}).encode())
        return f"{payload.decode()}.{self._sign(payload)}", expires

    def user(self, token: str) -> User | None:
        payload, _, signature = token.rpartition(".")
        if not hmac.compare_digest(self._sign(payload.encode()), signature):
            return None
        claims = json.loads(base64.urlsafe_b64decode(payload))
        if claims["exp"] < time.time():
            return None
        return User(
            f"system:serviceaccount:{claims['ns']}:{claims['sa']}",
            ("system:serviceaccounts", f"system:serviceaccounts:{claims['ns']}", "system:authenticated"),
        )

    def _sign(self, payload: bytes) -> str:
        return hmac.new(self.key, payload, hashlib.sha256).hexdigest()
