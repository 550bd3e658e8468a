"""Secrets at rest: an encrypted text field and the hashing of access keys.

Encryption is Fernet (AES-128-CBC with HMAC-SHA256, https://github.com/fernet/spec) under the keys of
``ENCRYPTION_KEYS``: the first encrypts, all of them decrypt, so a key is rotated without a pause.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import string
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

ACCESS_KEY_SCHEME = "sq"
_PREFIX = re.compile(r"[0-9a-f]{10}")


class SecretUnreadable(Exception):
    """A stored secret was encrypted under a key that ``ENCRYPTION_KEYS`` no longer holds."""


@lru_cache(maxsize=4)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    try:
        return MultiFernet([Fernet(key.strip()) for key in keys])
    except ValueError as error:
        raise ImproperlyConfigured(
            "SANQIAN_ENCRYPTION_KEYS: each key is 32 bytes in URL-safe base64; `manage.py generate_secrets` makes one."
        ) from error


def encrypt(text: str) -> str:
    """The token of `text` under the newest key."""
    return _fernet(tuple(settings.ENCRYPTION_KEYS)).encrypt(text.encode()).decode()


def decrypt(token: str) -> str:
    """The text of `token`. Raises `SecretUnreadable` when no key fits."""
    try:
        return _fernet(tuple(settings.ENCRYPTION_KEYS)).decrypt(token.encode()).decode()
    except InvalidToken as error:
        raise SecretUnreadable(
            "No key of SANQIAN_ENCRYPTION_KEYS opens this secret; add the key it was stored under."
        ) from error


class EncryptedTextField(models.TextField):
    """Text that is a Fernet token in the database and plain text in Python. Empty stays empty."""

    description = "Encrypted text"

    def get_db_prep_save(self, value: Any, connection: BaseDatabaseWrapper) -> Any:
        prepared = super().get_db_prep_save(value, connection)
        # An expression, as bulk_update makes them, comes back here with its value.
        return encrypt(prepared) if prepared and isinstance(prepared, str) else prepared

    def from_db_value(self, value: str | None, *_: Any) -> str | None:
        return decrypt(value) if value else value


def new_access_key() -> tuple[str, str]:
    """A fresh access key as (prefix, whole key); the prefix is public and unique enough to look it up."""
    prefix = secrets.token_hex(5)
    return prefix, f"{ACCESS_KEY_SCHEME}_{prefix}_{secrets.token_urlsafe(32)}"


def new_ssh_key() -> str:
    """A fresh Ed25519 private key in OpenSSH's form."""
    made = ed25519.Ed25519PrivateKey.generate()
    return made.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()


def new_password() -> str:
    """A fresh password of 32 letters and digits, with a small letter, a capital and a digit among them."""
    letters = string.ascii_letters + string.digits
    while True:
        made = "".join(secrets.choice(letters) for _ in range(32))
        if all(set(made) & set(kind) for kind in (string.ascii_lowercase, string.ascii_uppercase, string.digits)):
            return made


def access_key_prefix(value: str) -> str | None:
    """The public prefix of an access key, or None where `value` does not have a key's form."""
    scheme, _, rest = value.partition("_")
    prefix, _, secret = rest.partition("_")
    return prefix if scheme == ACCESS_KEY_SCHEME and _PREFIX.fullmatch(prefix) and len(secret) >= 32 else None


def hash_access_key(value: str) -> str:
    """HMAC-SHA256 of the key under the pepper, hex (RFC 2104)."""
    return hmac.new(settings.ACCESS_KEY_PEPPER.encode(), value.encode(), hashlib.sha256).hexdigest()
