"""`manage.py create_access_key "Customer name"`: issue an access key and show it this one time."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from clusters.customers import AccessKey, Customer, Scope

LIMITS = ("max_clusters", "max_hosts", "max_operations")


class Command(BaseCommand):
    help = "Issue an access key of a customer, who is made if there is none of that name. The key is shown once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("customer", help="The customer's name.")
        parser.add_argument("--contact", default="", help="Whom to ask, for example a mail address.")
        parser.add_argument("--name", default="", help="What the key is for.")
        parser.add_argument(
            "--scope",
            choices=Scope.values,
            default=Scope.ADMIN.value,
            help="read: look. operate: register clusters, start operations. admin (default): other keys too.",
        )
        parser.add_argument("--max-clusters", type=int, help="Clusters that the customer may have.")
        parser.add_argument("--max-hosts", type=int, help="Hosts that each of them may have.")
        parser.add_argument("--max-operations", type=int, help="Operations of the customer under way at once.")
        parser.add_argument("--expires", help="When it expires: a date (2030-12-31), or days from now (90d).")
        parser.add_argument("--output", choices=["text", "json", "key"], default="text", help="key: nothing else.")

    def handle(self, *_: Any, **options: Any) -> None:
        fields = {name: options[name] for name in LIMITS if options[name] is not None}
        for name, value in fields.items():
            if value < 0:
                raise CommandError(f"--{name.replace('_', '-')} {value}: a limit is 0 or more.")
        customer_name = options["customer"].strip()
        if not customer_name or len(customer_name) > 200:
            raise CommandError("The customer's name has 1 to 200 characters.")
        expires = _moment(options["expires"])
        with transaction.atomic():
            customer, _new = Customer.objects.get_or_create(name=customer_name)
            if options["contact"]:
                customer.contact = options["contact"]
                customer.save(update_fields=["contact"])
            key, value = AccessKey.objects.issue(
                customer, name=options["name"], scope=options["scope"], expires_at=expires, **fields
            )
        self.stdout.write(_shown(options["output"], key, value))


def _shown(form: str, key: AccessKey, value: str) -> str:
    if form == "key":
        return value
    expires = key.expires_at.isoformat() if key.expires_at else None
    if form == "json":
        limits = {name: getattr(key, name) for name in LIMITS}
        about = {"id": str(key.pk), "prefix": key.prefix, "customer": key.customer.name, "scope": key.scope}
        return json.dumps({"access_key": value, **about, "expires_at": expires, **limits})
    return (
        f"Access key of {key.customer.name}, scope {key.scope}: {value}\n"
        f"It is shown this once. At most {key.max_clusters} clusters of {key.max_hosts} hosts, "
        f"{key.max_operations} operations at once; it expires {expires or 'never'}."
    )


def _moment(text: str | None) -> datetime | None:
    """A date, at its end, or days from now. Raises `CommandError`."""
    if not text:
        return None
    try:
        if text.endswith("d"):
            moment = timezone.now() + timedelta(days=int(text[:-1]))
        else:
            moment = datetime.fromisoformat(text)
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
            moment += timedelta(days=1) if len(text) == len("2030-12-31") else timedelta()
    except (ValueError, OverflowError):
        raise CommandError(f"--expires {text}: write a date (2030-12-31) or days from now (90d).") from None
    if moment <= timezone.now():
        raise CommandError(f"--expires {text}: that is in the past.")
    return moment
