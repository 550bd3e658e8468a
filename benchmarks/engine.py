"""The engine's own cost: from the end of one step to the start of the next, beside a bare Celery hop in the same run.

    python -m benchmarks.engine [--steps 100] [--json FILE]

A chain of steps runs on one loopback SSH server with a real PostgreSQL, Valkey and worker; the gaps are read from the
rows, by the database's clock. The peer is the same worker answering a message with the next message, so two hops of
it (advance, drive) are the least that any engine on this broker could take. Exit code 0 when the goal is met.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.base import Shape
from lab.hosts import Lab
from lab.plain import PlainLab
from sanqian_service.embedded import Embedded

if TYPE_CHECKING:
    from tasks.models import Operation

GOAL_MS = 100.0  # p95
ROOT = Path(__file__).resolve().parent.parent
HOPS = "benchmarks.hops"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(argv)
    lab = (PlainLab if os.geteuid() else Lab)("bench-engine", Shape(masters=1, workers=0, disks=0))
    with tempfile.TemporaryDirectory(prefix="sanqian-bench-") as directory:
        servers = Embedded(Path(directory) / "data")
        try:
            lab.up()
            servers.start()
            figures = _measure(servers, lab, options.steps)
        finally:
            servers.stop()
            lab.down()
    print(f"steps                          {options.steps}")
    for name, value in figures.items():
        print(f"{name:<30} {value:.1f}")
    met = figures["engine gap p95 (ms)"] <= GOAL_MS
    print(f"goal: p95 <= {GOAL_MS:.0f} ms: {'met' if met else 'NOT met'}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))
    return 0 if met else 1


def _measure(servers: Embedded, lab: Lab | PlainLab, steps: int) -> dict[str, float]:
    os.environ.update(
        servers.environment(),
        DJANGO_SETTINGS_MODULE="sanqian_service.settings",
        SANQIAN_DEBUG="1",
        SANQIAN_LOG_LEVEL="WARNING",
        SANQIAN_ALLOW_NETWORKS="127.0.0.0/8",  # where the lab's hosts are without root
    )
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    worker = subprocess.Popen(
        [
            *(sys.executable, "-m", "celery", "-A", "sanqian_service", "worker", "--pool", "threads", "-c", "4"),
            *("-Q", "control,provision,health", "-I", HOPS, "-l", "error", "--without-mingle", "--without-gossip"),
        ],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        hops = _hops(steps)
        gaps = _gaps(_run_chain(lab, steps))
    finally:
        worker.terminate()
        worker.wait(30)
    peer = 2 * statistics.median(hops)
    return {
        "bare Celery hop p50 (ms)": statistics.median(hops),
        "engine gap p50 (ms)": statistics.median(gaps),
        "engine gap p95 (ms)": statistics.quantiles(gaps, n=20)[18],
        "engine gap p99 (ms)": statistics.quantiles(gaps, n=100)[98],
        "p50 / two bare hops": statistics.median(gaps) / peer,
    }


def _hops(count: int) -> list[float]:
    """Milliseconds from one message's handling to the next one's, in a worker that does nothing else."""
    from benchmarks.hops import KEY, client, hop

    store = client()
    store.delete(KEY)
    hop.apply_async((count,), queue="control")
    _until(lambda: store.llen(KEY) > count)
    times = sorted(float(moment) for moment in store.lrange(KEY, 0, -1))
    return [1000 * (after - before) for before, after in pairwise(times)][5:]


def _run_chain(lab: Lab | PlainLab, count: int) -> Operation:
    from clusters.models import AccessKey, Cluster, Customer, Node, SSHCredential
    from tasks import engine, jobs
    from tasks.plan import Plan, Script, StepSpec

    key, _ = AccessKey.objects.issue(Customer.objects.create(name="benchmark"))
    cluster = Cluster.objects.create(access_key=key, name="benchmark")
    credential = SSHCredential.objects.create(cluster=cluster, private_key=lab.key_path.read_text())
    host = lab.hosts[0]
    Node.objects.create(
        cluster=cluster, name=host.name, address=host.address, port=host.port, credential=credential, role_groups=[]
    )
    steps = [
        StepSpec(f"s{n}", f"s{n}", Script("true"), hosts=(host.name,), after=(f"s{n - 1}",) if n else ())
        for n in range(count)
    ]
    operation = engine.create(cluster, Plan("benchmark", tuple(steps)).validate([host.name]), {})
    jobs.send(jobs.advance, str(operation.pk))

    def ended() -> bool:
        operation.refresh_from_db()
        return operation.state in ("succeeded", "failed")

    _until(ended)
    if operation.state != "succeeded":
        raise RuntimeError(f"the chain failed: {operation.error}")
    return operation


def _gaps(operation: Operation) -> list[float]:
    times = list(operation.steps.order_by("position").values_list("started_at", "finished_at"))
    return [1000 * (start - end).total_seconds() for (_, end), (start, _) in pairwise(times)][5:]


def _until(condition: Any, seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the workers did not get done")
        time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())
