"""A fleet of installations at once: what one costs, and whether that grows with their number.

    python -m benchmarks.fleet [--sizes 10,100,1000] [--workers 2] [--mean SECONDS] [--json FILE]
    python -m benchmarks.fleet --scaling [--sizes 100]

Each operation has a cluster of its own with six hosts and thirty steps, like an installation: a chain in which three
times three steps run side by side, and six steps that run on all hosts; how long a step takes is drawn from a seed.
A host writes six lines a minute, five at once. PostgreSQL, Valkey, Celery and SSH are real, the hosts are SIMULATED
(`benchmarks.hosts`). What the service adds between two steps is measured twice: by the rows (the database's clock),
and as the hosts see it, from the moment when the last job of one step ends to that when the first job of the next one
begins.

With ``--scaling`` the same load runs on 1, 2 and 4 workers, and on 2 of which one is taken away and one is added in
the middle. Exit code 0 when the goals are met.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
from pathlib import Path

from benchmarks.fleet_run import Figures, Run, Shape, prepare
from sanqian_service.embedded import Embedded

GROWTH = 1.2  # cost per operation at the largest size, against the one before
MEMORY_MIB = 1.0  # per operation in flight
P95_SECONDS = 1.0  # by the rows


def main(argv: list[str] | None = None) -> int:
    options = _options(argv)
    # As Ctrl-C does it: what was started is ended.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sizes = [int(size) for size in options.sizes.split(",")]
    with tempfile.TemporaryDirectory(prefix="sanqian-fleet-") as directory:
        place = Path(directory)
        place.chmod(0o755)
        servers = Embedded(place / "data")
        try:
            servers.start()
            prepare(servers)
            if options.scaling:
                found = [
                    Run(servers, place, Shape(sizes[-1], workers, options.slots, options.mean, change)).measure()
                    for workers, change in ((1, False), (2, False), (4, False), (2, True))
                ]
            else:
                found = [
                    Run(servers, place, Shape(size, options.workers, options.slots, options.mean)).measure()
                    for size in sizes
                ]
        finally:
            servers.stop()
    report(found)
    if options.json:
        options.json.write_text(json.dumps([one.as_dict() for one in found], indent=1) + "\n")
    return 0 if options.scaling or judged(found) else 1


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet", description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--sizes", default="10,100,1000", help="operations at once, in turn (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="worker processes (default: %(default)s)")
    parser.add_argument("--slots", type=int, default=1000, help="slots of a worker (default: %(default)s)")
    parser.add_argument("--mean", type=float, default=80, help="mean seconds of a step (default: %(default)s)")
    parser.add_argument("--scaling", action="store_true", help="the last size on 1, 2 and 4 workers")
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    return parser.parse_args(argv)


def report(found: list[Figures]) -> None:
    """A column a run."""
    print(f"\n{os.cpu_count()} CPUs; hosts are SIMULATED, their own cost is left out")
    names = list(found[0].as_dict())
    rows = [one.as_dict() for one in found]
    width = 2 + max(len(row[name]) for row in rows for name in names)
    for name in names:
        print(f"{name:<46}" + "".join(f"{row[name]:>{width}}" for row in rows))


def judged(found: list[Figures]) -> bool:
    """Say which goals are met."""
    last = found[-1]
    verdicts = {
        f"memory per operation in flight <= {MEMORY_MIB:g} MiB": last.memory_mib <= MEMORY_MIB,
        f"overhead p95 by the rows <= {P95_SECONDS:g} s": last.by_rows[1] <= P95_SECONDS,
    }
    if len(found) > 1:
        before = found[-2]
        for name, now, then in (
            ("CPU", last.cpu, before.cpu),
            ("messages", last.messages, before.messages),
            ("statements", last.statements, before.statements),
        ):
            ratio = now / then
            verdicts[f"{name} per operation, {last.size} to {before.size}: {ratio:.2f} <= {GROWTH:g}"] = ratio <= GROWTH
    for text, met in verdicts.items():
        print(f"goal: {text}: {'met' if met else 'NOT met'}")
    return all(verdicts.values())


if __name__ == "__main__":
    sys.exit(main())
