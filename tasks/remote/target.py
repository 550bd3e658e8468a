"""Where to connect and as whom: plain values, no I/O."""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
from dataclasses import dataclass, field

import paramiko

from tasks.remote.errors import CredentialInvalid


@dataclass(frozen=True)
class Credential:
    """What opens the door. ``private_key`` is PEM text; ``sudo_password`` defaults to ``password``."""

    private_key: str | None = field(default=None, repr=False)
    passphrase: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    sudo_password: str | None = field(default=None, repr=False)

    def for_sudo(self) -> str | None:
        return self.sudo_password if self.sudo_password is not None else self.password

    def secrets(self) -> tuple[str, ...]:
        """The values that must never be shown."""
        return tuple(value for value in (self.passphrase, self.password, self.sudo_password) if value)


@dataclass(frozen=True)
class Target:
    """One host as one user.

    ``key`` is unique per node and is what the pool shares connections by; ``host_key`` is the pinned public
    key as in ``known_hosts`` without the name (``ssh-ed25519 AAAA...``), None before the first contact;
    ``jump`` is the host to go through.
    """

    key: str
    name: str
    host: str
    port: int = 22
    user: str = "root"
    credential: Credential = field(default=Credential(), repr=False)
    host_key: str | None = None
    jump: Target | None = None


def fingerprint(host_key: str) -> str:
    """``SHA256:...`` of a public key, as ``ssh-keygen -l`` prints it.

    Raises ValueError when ``host_key`` is not ``<type> <base64>``.
    """
    try:
        blob = base64.b64decode(host_key.split()[1], validate=True)
    except (IndexError, binascii.Error) as error:
        raise ValueError("a host key looks like 'ssh-ed25519 AAAA...'") from error
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def public_key(host_key: str) -> paramiko.PKey:
    """The pinned key as paramiko's type. Raises ValueError when it is not a public key."""
    fingerprint(host_key)
    kind, blob = host_key.split()[:2]
    try:
        return paramiko.PKey.from_type_string(kind, base64.b64decode(blob))
    except Exception as error:  # paramiko raises several types here, one of them its own base Exception
        raise ValueError(f"not a usable {kind} public key") from error


def private_key(credential: Credential, *, host: str = "") -> paramiko.PKey | None:
    """The credential's key, decrypted; None when it has none.

    Raises :class:`CredentialInvalid` for a wrong or missing passphrase and for text that is no private key.
    """
    text = credential.private_key
    if not text:
        return None
    if "PRIVATE KEY" not in text:
        raise CredentialInvalid(
            "the private key is not a private key.",
            "give the file that begins with '-----BEGIN ... PRIVATE KEY-----', not the .pub file.",
            host=host,
        )
    text = text.replace("\r\n", "\n").strip() + "\n"
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key(io.StringIO(text), password=credential.passphrase or None)
        except paramiko.PasswordRequiredException:
            raise CredentialInvalid(
                "the private key is encrypted and no passphrase was given.", "give the passphrase.", host=host
            ) from None
        except (paramiko.SSHException, ValueError, IndexError, TypeError, binascii.Error):
            continue
    if credential.passphrase:
        raise CredentialInvalid(
            "the private key cannot be read with this passphrase.",
            "check the passphrase with: ssh-keygen -y -f KEY.",
            host=host,
        )
    raise CredentialInvalid(
        "the private key is of no known type or is damaged.",
        "use an Ed25519, ECDSA or RSA key; check it with: ssh-keygen -y -f KEY.",
        host=host,
    )
