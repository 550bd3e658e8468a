"""The settings of a service in production, as its documents tell to make them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from cryptography.fernet import Fernet

ROOT = Path(__file__).resolve().parent.parent.parent


def test_djangos_deployment_check_is_content() -> None:
    production = {
        "SANQIAN_SECRET_KEY": os.urandom(40).hex(),
        "SANQIAN_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "SANQIAN_ACCESS_KEY_PEPPER": os.urandom(20).hex(),
        "SANQIAN_ALLOWED_HOSTS": "3k.example.com,127.0.0.1",
        "SANQIAN_CSRF_TRUSTED_ORIGINS": "https://3k.example.com",
        "SANQIAN_HTTPS": "1",
    }
    named = {
        line.split("=")[0] for line in (ROOT / ".env.example").read_text().splitlines() if line[:1] not in ("#", "")
    }
    assert {name for name in named if name.startswith("SANQIAN_")} == production.keys()
    check = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    plain = {name: os.environ[name] for name in ("PATH", "PYTHONPYCACHEPREFIX") if name in os.environ}
    done = subprocess.run(check, cwd=ROOT, env={**plain, **production}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "no issues (0 silenced)" in done.stdout
