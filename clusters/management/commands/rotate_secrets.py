"""`manage.py rotate_secrets`: encrypt every stored secret under the newest key."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.db import models, transaction

from clusters.models import AccessKey
from clusters.secrets import EncryptedTextField, SecretUnreadable, hash_access_key

BATCH = 200


class Command(BaseCommand):
    help = (
        "Encrypt all stored secrets anew under the first key of SANQIAN_ENCRYPTION_KEYS. Put a new key in front, "
        "restart the service, run this, then take the old key out."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Only see whether all can be read.")
        hashes = "Also compute the hashes of access keys anew, after SANQIAN_ACCESS_KEY_PEPPER was changed."
        parser.add_argument("--access-keys", action="store_true", help=hashes)

    def handle(self, *_: Any, **options: Any) -> None:
        for model in apps.get_models():
            fields = [field.name for field in model._meta.concrete_fields if isinstance(field, EncryptedTextField)]
            if fields:
                count = _rotate(model, fields, write=not options["dry_run"])
                self.stdout.write(f"{model._meta.label}: {count} rows, {', '.join(fields)}")
        if options["access_keys"]:
            keys = list(AccessKey.objects.only("value"))
            for key in keys if not options["dry_run"] else ():
                AccessKey.objects.filter(pk=key.pk).update(hash=hash_access_key(key.value))
            self.stdout.write(f"access keys: {len(keys)} hashes")


def _rotate(model: type[models.Model], fields: list[str], *, write: bool) -> int:
    """The number of rows of `model`, in batches so that no lock is held for long. Raises `CommandError`."""
    rows = model._default_manager.order_by("pk").only("pk", *fields)
    done, last = 0, None
    while True:
        with transaction.atomic():
            batch = rows.select_for_update() if last is None else rows.select_for_update().filter(pk__gt=last)
            try:
                found = list(batch[:BATCH])
            except SecretUnreadable as error:
                raise CommandError(f"{model._meta.label}: {error}") from error
            for row in found if write else ():
                model._default_manager.filter(pk=row.pk).update(**{field: getattr(row, field) for field in fields})
        done += len(found)
        if len(found) < BATCH:
            return done
        last = found[-1].pk
