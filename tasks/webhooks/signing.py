"""Secrets of endpoints, and the headers by which a receiver knows who sent a request (Standard Webhooks 1.0)."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable
from datetime import datetime

from standardwebhooks.webhooks import Webhook

SECRET_BYTES = 32


def new_secret() -> str:
    """A fresh secret: ``whsec_`` and base64."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signed(message: str, at: datetime, body: str, using: Iterable[str]) -> dict[str, str]:
    """The headers of one try, with a signature by each secret. `at` is in UTC."""
    signatures = [Webhook(secret).sign(message, at, body) for secret in using]
    return {
        "webhook-id": message,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
