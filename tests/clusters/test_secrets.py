"""Secrets at rest."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.db import connection

from clusters import secrets
from clusters.models import AccessKey, Cluster, Customer, SSHCredential

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture
def credential() -> SSHCredential:
    key, _ = AccessKey.objects.issue(Customer.objects.create(name="a customer"))
    cluster = Cluster.objects.create(access_key=key, name="c1")
    return SSHCredential.objects.create(cluster=cluster, password="s3cret")


def stored() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT password FROM clusters_sshcredential")
        return str(cursor.fetchone()[0])


def test_the_database_holds_a_token_and_python_the_text(credential: SSHCredential) -> None:
    assert "s3cret" not in stored() and stored().startswith("gAAAA")
    assert SSHCredential.objects.get().password == "s3cret"
    assert SSHCredential.objects.get().private_key == ""


@pytest.mark.parametrize("bulk", [False, True])
def test_every_way_of_writing_encrypts(credential: SSHCredential, bulk: bool) -> None:
    credential.password = "other"
    if bulk:
        SSHCredential.objects.bulk_update([credential], ["password"])
    else:
        SSHCredential.objects.update(password="other")
    assert stored().startswith("gAAAA")
    assert SSHCredential.objects.get().password == "other"


def test_a_new_key_in_front_reads_what_the_old_one_wrote(credential: SSHCredential, settings: Any) -> None:
    old = settings.ENCRYPTION_KEYS
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *old]
    assert SSHCredential.objects.get().password == "s3cret"
    settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS[:1]
    with pytest.raises(secrets.SecretUnreadable, match="SANQIAN_ENCRYPTION_KEYS"):
        SSHCredential.objects.get()


def test_an_access_key_is_found_by_its_prefix_and_known_by_its_hash() -> None:
    key, value = AccessKey.objects.issue(Customer.objects.create(name="another"))
    assert secrets.access_key_prefix(value) == key.prefix
    assert secrets.hash_access_key(value) == key.hash
    assert [secrets.access_key_prefix(bad) for bad in ("", "x", "sq_short_x", f"xx{value[2:]}")] == [None] * 4
