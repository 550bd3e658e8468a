"""One run of `benchmarks.fleet`: so many operations, on so many workers, and what that took."""

from __future__ import annotations

import json
import os
import random
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from cryptography.fernet import Fernet

from benchmarks.fleet_gaps import by_hosts, by_rows, percentiles
from sanqian_service.embedded import Embedded

if TYPE_CHECKING:
    from tasks.models import Operation
    from tasks.plan import Plan

ROOT = Path(__file__).resolve().parent.parent
HOSTS = 6
LAYERS = (*[1] * 7, 3, *[1] * 7, 3, *[1] * 7, 3)  # steps side by side: thirty in all
ON_ALL_HOSTS = (1, 4, 9, 12, 17, 20)  # layers, of one step each
LINES_A_SECOND = 0.1
PATIENCE = 3 * 3600.0


@dataclass(frozen=True)
class Shape:
    """`mean` is a step's, in seconds; with `change`, a worker is taken away and another one added in the middle."""

    size: int
    workers: int
    slots: int
    mean: float
    change: bool = False


@dataclass(frozen=True)
class Figures:
    """Costs are per operation; overheads are p50, p95 and p99 in seconds."""

    size: int
    workers: str
    drained: float
    least: float
    cpu: float
    cpu_database: float
    messages: float
    statements: float
    steps: int
    rows_written: float
    rows_read: float
    memory_mib: float
    by_rows: tuple[float, float, float]
    by_hosts: tuple[float, float, float]

    def as_dict(self) -> dict[str, str]:
        """The figures as they are shown."""
        return {
            "operations at once": str(self.size),
            "worker processes": self.workers,
            "time to drain (s)": f"{self.drained:.0f}",
            "least possible: the longest chain of steps (s)": f"{self.least:.0f}",
            "CPU of workers per operation (s)": f"{self.cpu:.2f}",
            "CPU of PostgreSQL and Valkey per operation (s)": f"{self.cpu_database:.2f}",
            "messages per operation": f"{self.messages:.0f}",
            "statements per step": f"{self.statements / self.steps:.0f}",
            "rows written per step": f"{self.rows_written / self.steps:.0f}",
            "rows read per step": f"{self.rows_read / self.steps:.0f}",
            "workers' memory per operation in flight (MiB)": f"{self.memory_mib:.2f}",
            "overhead by the rows p50/p95/p99 (s)": "/".join(f"{value:.2f}" for value in self.by_rows),
            "overhead as hosts see it p50/p95/p99 (s)": "/".join(f"{value:.2f}" for value in self.by_hosts),
        }


def prepare(servers: Embedded) -> None:
    """Set Django up on these servers, with an empty schema."""
    os.environ.update(
        servers.environment(),
        DJANGO_SETTINGS_MODULE="sanqian_service.settings",
        SANQIAN_SECRET_KEY=secrets.token_urlsafe(50),
        SANQIAN_ENCRYPTION_KEYS=Fernet.generate_key().decode(),
        SANQIAN_ACCESS_KEY_PEPPER=secrets.token_urlsafe(32),
        SANQIAN_LOG_LEVEL="WARNING",
        SANQIAN_ALLOW_NETWORKS="127.0.0.0/8",  # where the hosts are
    )
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def plan_of(dice: random.Random, hosts: list[str], mean: float) -> Plan:
    """Thirty steps in layers, each waiting for the whole layer before it."""
    from tasks.plan import Plan, Script, StepSpec

    steps: list[StepSpec] = []
    before: tuple[str, ...] = ()
    for layer, width in enumerate(LAYERS):
        keys = tuple(f"s{layer}-{n}" for n in range(width))
        for key in keys:
            seconds = dice.uniform(0.5, 1.5) * mean
            work = f"simulate {seconds:.2f} {round(seconds * LINES_A_SECOND)}"
            where = tuple(hosts) if layer in ON_ALL_HOSTS else (hosts[0],)
            steps.append(StepSpec(key, key, Script(work), hosts=where, after=before, expected=seconds))
        before = keys
    return Plan("fleet", tuple(steps)).validate(hosts)


def longest(plan: Plan) -> float:
    """Seconds that the plan takes where nothing is added between its steps."""
    layers: dict[str, float] = {}
    for step in plan.steps:
        layer = step.key.partition("-")[0]
        layers[layer] = max(layers.get(layer, 0.0), step.expected)
    return sum(layers.values())


@dataclass
class Run:
    """`place` is a directory of this benchmark's own."""

    servers: Embedded
    place: Path
    shape: Shape
    _workers: list[psutil.Popen] = field(default_factory=list)
    _spent: float = 0.0
    _peak: int = 0
    _idle: int = 0

    def measure(self) -> Figures:
        """Raises RuntimeError when an operation fails, or its output is not what the hosts wrote."""
        shape, name = self.shape, f"{self.shape.size}-{self.shape.workers}"
        print(f"{shape.size} operations on {shape.workers} workers ...", flush=True)
        self._empty()
        (self.place / name).mkdir(exist_ok=True)
        with self._hosts(self.place / name) as (port, host_key, client_key), self._no_worker_left():
            operations, least = self._register(port, host_key, client_key)
            for _ in range(shape.workers):
                self._worker(name, beat=not self._workers)
            _until(self._answer, 120)
            self._idle = self._memory()
            before, began = self._counters(), time.monotonic()
            for operation in operations:
                self._send(operation)
            self._drain(name, began)
            drained = time.monotonic() - began
            after = self._counters()
            self._stop_workers()
        record = json.loads((self.place / name / "record.json").read_text())
        self._check(operations, record)
        count = shape.size
        statements = sum(int(path.read_text()) for path in (self.place / name).glob("statements.*"))
        workers = f"{shape.workers}{', one exchanged' if shape.change else ''}"
        return Figures(
            size=count,
            workers=workers,
            drained=drained,
            least=least,
            cpu=self._spent / count,
            cpu_database=(after["cpu"] - before["cpu"]) / count,
            messages=(after["messages"] - before["messages"]) / count,
            statements=statements / count,
            steps=sum(LAYERS),
            rows_written=(after["written"] - before["written"]) / count,
            rows_read=(after["read"] - before["read"]) / count,
            memory_mib=(self._peak - self._idle) / count / 2**20,
            by_rows=percentiles(by_rows(operations)),
            by_hosts=percentiles(by_hosts(operations, record)),
        )

    def _empty(self) -> None:
        from django.db import connection

        from tasks import queues

        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE clusters_customer, tasks_auditevent CASCADE")
            cursor.execute("VACUUM ANALYZE")
        queues.broker().flushall()

    @contextmanager
    def _hosts(self, place: Path) -> Iterator[tuple[int, str, str]]:
        """SIMULATED hosts: their port, their public and the customers' private key."""
        for key in ("host", "client"):
            words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(place / key)]
            if not (place / key).exists():
                subprocess.run(words, check=True)
        with socket.socket() as probe:
            probe.bind(("127.0.2.1", 0))
            port = probe.getsockname()[1]
        words = ["--port", str(port), "--key", str(place / "host"), "--authorized", str(place / "client.pub")]
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.hosts", *words, "--out", str(place / "record.json")],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            if process.stdout is None or "SIMULATED" not in process.stdout.readline():
                raise RuntimeError("the simulated hosts did not come up")
            public = " ".join((place / "host.pub").read_text().split()[:2])
            yield port, public, (place / "client").read_text()
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)

    def _register(self, port: int, host_key: str, client_key: str) -> tuple[list[Operation], float]:
        """The operations, stored and not yet sent, and how long the longest one takes at least."""
        from django.utils import timezone

        from benchmarks.hosts import ADDRESSES
        from clusters.models import AccessKey, Cluster, Customer, Node, SSHCredential
        from tasks import engine

        dice, names = random.Random(self.shape.size), [f"host{n}" for n in range(1, HOSTS + 1)]
        keys = [
            AccessKey.objects.issue(Customer.objects.create(name=f"customer {n}"))[0]
            for n in range(max(1, self.shape.size // 20))
        ]
        operations, least = [], 0.0
        for number in range(self.shape.size):
            cluster = Cluster.objects.create(
                access_key=keys[number % len(keys)], name=f"fleet-{number}", checked_at=timezone.now()
            )
            credential = SSHCredential.objects.create(cluster=cluster, private_key=client_key)
            Node.objects.bulk_create(
                Node(
                    cluster=cluster,
                    position=position,
                    name=name,
                    address=address,
                    internal_address=address,
                    port=port,
                    credential=credential,
                    host_key=host_key,
                )
                for position, (name, address) in enumerate(zip(names, ADDRESSES, strict=True))
            )
            plan = plan_of(dice, names, self.shape.mean)
            least = max(least, longest(plan))
            operations.append(engine.create(cluster, plan, {}))
        return operations, least

    def _send(self, operation: Operation) -> None:
        from tasks import jobs

        jobs.send(jobs.advance, str(operation.pk))

    def _worker(self, name: str, beat: bool = False) -> None:
        number = len(list((self.place / name).glob("worker-*")))
        with (self.place / name / f"worker-{number}.log").open("wb") as log:
            self._workers.append(
                psutil.Popen(
                    [
                        *(sys.executable, "-m", "celery", "-A", "sanqian_service", "worker", "--pool", "threads"),
                        *("-c", str(self.shape.slots), "-Q", "control,provision,health", "-n", f"w{number}@%h"),
                        *("-I", "benchmarks.counting", "-l", "warning", "--without-mingle", "--without-gossip"),
                        *(("--beat", "--schedule", str(self.place / name / "schedule")) if beat else ()),
                    ],
                    env={**os.environ, "SANQIAN_COUNT_INTO": str(self.place / name / "statements.x")},
                    cwd=ROOT,
                    stdout=log,
                    stderr=log,
                )
            )

    def _answer(self) -> bool:
        from celery import current_app

        return len(current_app.control.inspect(timeout=2).ping() or {}) >= self.shape.workers

    def _drain(self, name: str, began: float) -> None:
        from tasks.models import ACTIVE, Operation

        changed, told = not self.shape.change, 0.0

        def ended() -> bool:
            nonlocal changed, told
            left = Operation.objects.filter(state__in=ACTIVE).count()
            self._peak = max(self._peak, self._memory())
            if not changed and Operation.objects.filter(progress__gte=40).exists():
                self._exchange(name)
                changed = True
            if time.monotonic() - told > 30:
                told = time.monotonic()
                print(f"  {told - began:6.0f} s: {left} under way", flush=True)
            return left == 0

        _until(ended, PATIENCE, pause=1.0)

    def _exchange(self, name: str) -> None:
        """A worker leaves and another one comes."""
        gone = self._workers.pop()
        self._worker(name)
        self._end(gone)

    def _memory(self) -> int:
        return sum(worker.memory_info().rss for worker in self._workers)

    def _end(self, worker: psutil.Popen) -> None:
        worker.send_signal(signal.SIGTERM)
        _until(lambda: worker.status() == psutil.STATUS_ZOMBIE, 60)
        times = worker.cpu_times()
        self._spent += times.user + times.system
        worker.wait()

    @contextmanager
    def _no_worker_left(self) -> Iterator[None]:
        """Also after an error or Ctrl-C."""
        try:
            yield
        finally:
            for worker in self._workers:
                for process in (*worker.children(recursive=True), worker):  # the beat is a child of one
                    process.kill()
                worker.wait()

    def _stop_workers(self) -> None:
        while self._workers:
            self._end(self._workers.pop())

    def _counters(self) -> dict[str, float]:
        """Of the servers, since they were started."""
        from django.db import connection

        from tasks import queues

        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_force_next_flush()")
            cursor.execute(
                "SELECT tup_inserted + tup_updated + tup_deleted, tup_fetched"
                " FROM pg_stat_database WHERE datname = current_database()"
            )
            written, read = cursor.fetchone()
        queues.broker.cache_clear()
        commands = queues.broker().info("commandstats")
        pushed = commands.get("cmdstat_lpush", {}).get("calls", 0)
        return {"written": written, "read": read, "messages": pushed, "cpu": self._servers_cpu()}

    def _servers_cpu(self) -> float:
        """Seconds of the postmaster, its ended children included, and of those that run, and of Valkey."""
        total = 0.0
        for process in psutil.process_iter(["cmdline"]):
            line = " ".join(process.info["cmdline"] or ())
            if str(self.servers.directory) in line:
                for one in (process, *process.children()):
                    times = one.cpu_times()
                    total += times.user + times.system
                times = process.cpu_times()
                total += times.children_user + times.children_system
        return total

    def _check(self, operations: list[Operation], record: dict[str, Any]) -> None:
        from django.db.models import Sum

        from tasks.models import HostJob, LogChunk, Operation

        if failed := Operation.objects.exclude(state="succeeded").first():
            raise RuntimeError(f"an operation is {failed.state}: {failed.error}")
        jobs = {str(pk) for pk in HostJob.objects.values_list("pk", flat=True)}
        if jobs != set(record):
            raise RuntimeError(f"{len(record)} jobs on the hosts, {len(jobs)} in the rows")
        stored = dict(LogChunk.objects.values_list("job").annotate(Sum("size")).order_by())
        wrong = [pk for pk, size in stored.items() if size != record[str(pk)][2]]
        if wrong or len(stored) != len(record):
            raise RuntimeError(f"{len(wrong)} logs are not as long as what the hosts wrote: {wrong[:3]}")


def _until(condition: Callable[[], bool], seconds: float, pause: float = 0.1) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the workers did not get done")
        time.sleep(pause)
