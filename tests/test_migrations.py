"""The schema comes from migrations alone, backwards too."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from tasks.models import AuditEvent

pytestmark = pytest.mark.integration


@pytest.mark.django_db
def test_models_and_migrations_agree() -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


@pytest.mark.django_db(transaction=True)
def test_migrations_go_back_to_nothing_and_forward_again() -> None:
    for targets in (
        [("tasks", None), ("clusters", None)],
        MigrationExecutor(connection).loader.graph.leaf_nodes(),
    ):
        MigrationExecutor(connection).migrate(targets)
        tables = set(connection.introspection.table_names())
        assert ("tasks_operation" in tables) == ("clusters_cluster" in tables) == (targets[0] != ("tasks", None))


@pytest.mark.django_db
@pytest.mark.parametrize("change", ["update", "delete"])
def test_the_audit_takes_no_change(change: str) -> None:
    AuditEvent.objects.create(actor="someone", action="cancel")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        rows = AuditEvent.objects.all()
        rows.update(actor="nobody") if change == "update" else rows.delete()
    assert AuditEvent.objects.get().actor == "someone"
