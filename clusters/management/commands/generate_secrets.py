"""`manage.py generate_secrets`: the secrets that the service needs, as lines of an environment file."""

from __future__ import annotations

import secrets
from typing import Any

from cryptography.fernet import Fernet
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Print fresh secrets as environment variables. Keep them: stored credentials cannot be read without them."
    requires_system_checks = []

    def handle(self, *_: Any, **__: Any) -> None:
        self.stdout.write(f"SANQIAN_SECRET_KEY={secrets.token_urlsafe(48)}")
        self.stdout.write(f"SANQIAN_ENCRYPTION_KEYS={Fernet.generate_key().decode()}")
        self.stdout.write(f"SANQIAN_ACCESS_KEY_PEPPER={secrets.token_urlsafe(32)}")
