"""Delete old logs, events and health events. The beat does the same once a day."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from tasks import engine


class Command(BaseCommand):
    help = "Delete logs and events of ended operations, and events of health and webhooks, when they are old."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--log-days", type=float, default=settings.LOG_DAYS, help="default: %(default)s")
        parser.add_argument("--health-days", type=float, default=settings.HEALTH_DAYS, help="default: %(default)s")
        parser.add_argument("--webhook-days", type=float, default=settings.WEBHOOK_DAYS, help="default: %(default)s")

    def handle(self, *args: Any, **options: Any) -> None:
        days = {name: options[name] for name in ("log_days", "health_days", "webhook_days")}
        deleted = engine.prune(**days)
        self.stdout.write(", ".join(f"{count} {name}" for name, count in deleted.items()) + " deleted")
