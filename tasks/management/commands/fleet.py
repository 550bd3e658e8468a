"""Show queues, workers and what is under way."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand
from django.core.serializers.json import DjangoJSONEncoder

from tasks.fleet import Fleet, fleet


class Command(BaseCommand):
    help = "Show queues, workers, operations and whom they are for. Without a broker, what it alone knows is unknown."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--output", choices=["text", "json"], default="text", help="default: %(default)s")

    def handle(self, *args: Any, **options: Any) -> None:
        seen = fleet()
        if options["output"] == "json":
            self.stdout.write(json.dumps(asdict(seen), indent=2, cls=DjangoJSONEncoder))
        else:
            self.stdout.write("\n".join(lines(seen)))


def lines(seen: Fleet) -> list[str]:
    """The fleet in words, a line for each thing."""
    said = [] if seen.broker else ["The broker does not answer."]
    for queue in seen.queues:
        said.append(f"queue {queue.name}: {_known(queue.depth)} waiting, oldest {_seconds(queue.oldest_seconds)}")
    for worker in seen.workers:
        state = {True: "alive", False: "does not answer", None: "unknown"}[worker.alive]
        work = f"{_known(worker.active)} of {_known(worker.concurrency)} busy"
        said.append(
            f"worker {worker.name}: {state}, pid {_known(worker.pid)}, {work}, "
            f"{worker.steps} steps of {worker.operations} operations"
        )
    if seen.broker and not any(worker.alive for worker in seen.workers):
        said.append("No worker answers.")
    said.append("operations: " + ", ".join(f"{count} {state}" for state, count in seen.operations.items()))
    said.append(f"steps: {seen.waiting} waiting, oldest {_seconds(seen.oldest_seconds)}, {seen.overdue} overdue")
    for load in seen.access_keys:
        said.append(f"{load.customer} ({load.access_key}): {load.operations} operations, {load.driven} steps driven")
    return said


def _known(value: int | None) -> str:
    return "unknown" if value is None else str(value)


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} s"
