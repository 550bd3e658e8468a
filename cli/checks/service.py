"""The service, and the way to it: address, key, clock, versions, database, broker, workers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from cli.checks.finding import Finding, fault, warning, well
from cli.config import Config, shown
from cli.language import tr
from cli.target import Target
from cli.text import duration, moment

SKEW, MUCH_SKEW = timedelta(seconds=5), timedelta(minutes=1)
KEY_ENDS_SOON, KEY_ENDS = timedelta(days=30), timedelta(days=7)
# A step that could be worked on is taken up within seconds; a message that is lost is sent again after 15 s.
WAITED = 60.0


def of_configuration(config: Config, target: Target) -> Iterator[Finding]:
    """Where the service and the key come from, and whether others could read them."""
    if config.mended:
        yield warning(
            "configuration",
            tr("{path} could be read by others until now; it is yours alone again.", path=config.path),
            tr("Replace its access keys if others use this machine."),
        )
    elif config.contexts:
        yield well("configuration", tr("{path} is yours alone.", path=config.path))
    else:
        yield well("configuration", tr("There is no {path}; nothing is stored.", path=config.path))
    server = tr("Service {server}, from {source}.", server=target.server, source=target.server_from)
    yield well("target", server)
    if not target.access_key:
        yield fault("access-key", tr("No access key is given."), tr("Log in: 3kctl login"))
    elif target.key_from == "--access-key":
        yield warning(
            "access-key-source",
            tr("The access key is on the command line, where other users see it."),
            tr("Log in: 3kctl login"),
        )


def of_readiness(status: int, document: Mapping[str, Any]) -> Iterator[Finding]:
    """Database, migrations and broker, as `/readyz` says."""
    names = {"database": tr("Database"), "migrations": tr("Migrations"), "broker": tr("Broker")}
    fixes = {
        "database": tr("Bring PostgreSQL back; until then nothing is answered, and what runs on hosts goes on."),
        "migrations": tr("Run `manage.py migrate`."),
        "broker": tr("Bring the broker back; until then requests are stored and nothing new begins."),
    }
    checks = document.get("checks")
    if not isinstance(checks, Mapping):
        yield fault(
            "ready",
            tr("/readyz answers {status} and says no more.", status=status),
            tr("Check the address: is it the service's?"),
        )
        return
    for name, said in checks.items():
        title = names.get(name, name)
        if said == "ok":
            yield well(name, tr("{what}: ok.", what=title))
        else:
            yield fault(name, f"{title}: {said}.", fixes.get(name, tr("See the service's log.")))


def of_clock(skew: timedelta) -> Finding:
    """This machine's clock against the service's."""
    apart = abs(skew)
    if apart <= SKEW:
        return well("clock", tr("The clocks agree."))
    message = tr("The clocks are {apart} apart.", apart=duration(apart.total_seconds()))
    fix = tr("Set this machine's clock, or the service's, by NTP.")
    return fault("clock", message, fix) if apart > MUCH_SKEW else warning("clock", message, fix)


def of_versions(own: str, service: str) -> Finding:
    """Client and service are made for each other when they are of one version."""
    if own == service:
        return well("versions", tr("3kctl and the service are both {version}.", version=own))
    return warning(
        "versions",
        tr("3kctl is {own}, the service {service}.", own=own, service=service or "?"),
        tr("Install the 3kctl of the service's version."),
    )


def of_key(who: Mapping[str, Any], key: str, now: datetime) -> Iterator[Finding]:
    """The access key: whose it is, how long it is valid, and how much it may still have."""
    customer = (who.get("customer") or {}).get("name") or "?"
    ends = moment((who.get("access_key") or {}).get("expires_at"))
    taken = tr("The service knows the access key {key} of {customer}.", key=shown(key), customer=customer)
    if ends is None:
        yield well("access-key", taken)
    else:
        left = ends - now
        message = f"{taken} " + tr("It is valid for {days} more days.", days=left.days)
        fix = tr("Ask the operator for another key, or to prolong this one.")
        soon = fault if left < KEY_ENDS else warning
        yield soon("access-key", message, fix) if left < KEY_ENDS_SOON else well("access-key", message)
    limits, usage = who.get("limits") or {}, who.get("usage") or {}
    for name, title in (("clusters", tr("clusters")), ("operations", tr("operations at once"))):
        used, most = usage.get(name), limits.get(name)
        if isinstance(used, int) and isinstance(most, int) and used >= most:
            yield warning(
                "limits",
                tr("The key has {used} of {most} {what}.", used=used, most=most, what=title),
                tr("Ask the operator for more."),
            )


def of_work(seen: Mapping[str, Any]) -> Iterator[Finding]:
    """Whether anybody works on the queues, as a customer may see it."""
    if not seen.get("broker"):
        yield fault("broker", tr("The broker does not answer the service."), tr("Tell the operator: bring it back."))
        return
    idle = [queue["name"] for queue in seen["queues"] if not queue["served"]]
    if idle:
        yield fault(
            "workers",
            tr("No worker serves {queues}.", queues=", ".join(idle)),
            tr("Tell the operator: start workers with -Q {queues}.", queues=",".join(idle)),
        )
    else:
        yield well("workers", tr("Workers serve all queues."))
    yield _waiting(int(seen["waiting"]), float(seen["oldest_seconds"] or 0), tr("of yours"))


def of_fleet(seen: Mapping[str, Any]) -> Iterator[Finding]:
    """Queues and workers, as an operator sees them."""
    if not seen["broker"]:
        yield fault("broker", tr("The broker does not answer the service."), tr("Bring it back."))
        return
    alive = [worker for worker in seen["workers"] if worker["alive"]]
    for worker in seen["workers"]:
        if worker["alive"] is False:
            yield warning(
                "workers",
                tr(
                    "Worker {name} does not answer and holds {steps} steps.", name=worker["name"], steps=worker["steps"]
                ),
                tr("Nothing, if it was killed: its leases end after 20 s. Else look at it."),
            )
    if alive:
        slots = sum(worker["concurrency"] or 0 for worker in alive)
        busy = sum(worker["active"] or 0 for worker in alive)
        said = tr("{count} workers answer; {busy} of {slots} slots are busy.", count=len(alive), busy=busy, slots=slots)
        full = bool(slots) and busy >= slots and seen["waiting"]
        yield warning("workers", said, tr("Add workers.")) if full else well("workers", said)
    else:
        yield fault("workers", tr("No worker answers."), tr("Start workers; see the runbook."))
    if seen["overdue"]:
        yield warning(
            "beat",
            tr("{count} steps are overdue: their messages are not sent again.", count=seen["overdue"]),
            tr("See whether beat runs."),
        )
    yield _waiting(int(seen["waiting"]), float(seen["oldest_seconds"] or 0), tr("of all customers"))


def _waiting(count: int, oldest: float, whose: str) -> Finding:
    if not count:
        return well("waiting", tr("No step {whose} waits.", whose=whose))
    said = tr("{count} steps {whose} wait, the oldest for {age}.", count=count, whose=whose, age=duration(oldest))
    return warning("waiting", said, tr("Add workers, or wait.")) if oldest > WAITED else well("waiting", said)
