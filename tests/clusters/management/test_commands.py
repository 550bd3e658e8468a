"""Access keys and secrets from the command line."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection

from clusters.models import AccessKey, Cluster, Customer
from clusters.secrets import SecretUnreadable
from tests.api import KEY, Api, register

pytestmark = pytest.mark.integration
ROOT = Path(__file__).resolve().parents[3]


def run(command: str, *arguments: str) -> str:
    out = io.StringIO()
    call_command(command, *arguments, stdout=out)
    return out.getvalue()


def test_a_key_is_shown_and_works(db: None) -> None:
    shown = json.loads(
        run(
            "create_access_key", "First customer", "--contact", "ops@first.test", "--max-clusters", "3",
            "--max-hosts", "7", "--expires", "2999-12-31", "--output", "json",
        )
    )  # fmt: skip
    key = AccessKey.objects.get()
    assert (key.max_clusters, key.max_hosts, key.max_operations) == (3, 7, 10)
    assert key.expires_at == datetime(3000, 1, 1, tzinfo=UTC)
    assert key.customer.contact == "ops@first.test"
    assert Api(shown["access_key"]).get("whoami").json()["customer"] == {"name": "First customer"}
    # The same customer may have more keys.
    assert (shown["scope"], key.scope) == ("admin", "admin")
    second = run("create_access_key", "First customer", "--scope", "read", "--output", "key").strip()
    assert Api(second).get("whoami").json()["access_key"]["scope"] == "read"
    assert Customer.objects.count() == 1
    assert second not in run("create_access_key", "First customer")


@pytest.mark.parametrize(
    "arguments",
    [("X", "--expires", "2001-01-01"), ("X", "--expires", "soon"), ("X", "--max-hosts", "-1"), (" ",)],
)
def test_what_makes_no_key(db: None, arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        run("create_access_key", *arguments)
    assert not AccessKey.objects.exists()
    assert not Customer.objects.exists()


def test_secrets_are_made_before_there_are_any() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SANQIAN_")}
    done = subprocess.run(
        [sys.executable, "manage.py", "generate_secrets"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    made = dict(line.split("=", 1) for line in done.stdout.splitlines())
    assert set(made) == {"SANQIAN_SECRET_KEY", "SANQIAN_ENCRYPTION_KEYS", "SANQIAN_ACCESS_KEY_PEPPER"}
    Fernet(made["SANQIAN_ENCRYPTION_KEYS"])


def test_rotation_lets_the_old_key_go(api: Api, settings: Any) -> None:
    cluster = register(api)
    Cluster.objects.filter(pk=cluster.pk).update(kubeconfig="kind: Config")
    old, new = settings.ENCRYPTION_KEYS[0], Fernet.generate_key().decode()
    settings.ENCRYPTION_KEYS = [new, old]
    run("rotate_secrets", "--dry-run")
    settings.ENCRYPTION_KEYS = [new]
    with pytest.raises(SecretUnreadable):
        Cluster.objects.get()
    with pytest.raises(CommandError):
        run("rotate_secrets")
    settings.ENCRYPTION_KEYS = [new, old]
    said = run("rotate_secrets")
    settings.ENCRYPTION_KEYS = [new]
    stored = Cluster.objects.get()
    assert stored.kubeconfig == "kind: Config"
    assert stored.credentials.get().private_key == KEY
    assert AccessKey.objects.get().value == api.value
    assert api.value not in said
    with connection.cursor() as cursor:
        cursor.execute("SELECT private_key, password FROM clusters_sshcredential")
        (token, empty) = cursor.fetchone()
    assert "PRIVATE" not in token
    assert empty == ""


def test_access_keys_are_known_again_under_another_pepper(api: Api, settings: Any) -> None:
    settings.ACCESS_KEY_PEPPER = "another pepper"
    assert api.get("whoami").status_code == 401
    assert api.value not in run("rotate_secrets", "--access-keys")
    assert api.get("whoami").status_code == 200
