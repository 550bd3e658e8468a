"""A list of 50 among 10,000 clusters over REST, beside a bare Django view that returns the same bytes in the same run.

    python -m benchmarks.rest [--clusters 10000] [--requests 2000] [--connections 8] [--json FILE]

PostgreSQL and Valkey are real; the service is served by gunicorn with two uvicorn workers, as in production, and asked
over kept connections. All share the machine with this client. Exit code 0 when the goals are met.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from benchmarks.rest_rows import fill
from sanqian_service.embedded import Embedded

ROOT = Path(__file__).resolve().parent.parent
GOAL_MS = 50.0  # p95
GOAL_RATE = 300.0  # requests a second
GOAL_RATIO = 3.0  # times the bare view
WARM = 100  # requests of each kind that are not counted
ROUNDS = 3  # the list and the bare view take turns, so that both meet the same machine
WORKERS = 2


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--clusters", type=int, default=10_000)
    parser.add_argument("--requests", type=int, default=2_000)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="sanqian-bench-") as directory:
        servers = Embedded(Path(directory) / "data")
        servers.start()
        try:
            figures = _measure(servers, Path(directory), options)
        finally:
            servers.stop()
    print(f"{options.clusters} clusters, {options.requests} requests of each kind, {options.connections} connections")
    for name, value in figures.items():
        print(f"{name:<34} {value:.1f}")
    goals = {
        f"p95 <= {GOAL_MS:.0f} ms": figures["list p95 (ms)"] <= GOAL_MS,
        f"at least {GOAL_RATE:.0f} requests/s": figures["list requests/s"] >= GOAL_RATE,
        f"within {GOAL_RATIO:.0f} times of the bare view": figures["bare requests/s / list requests/s"] <= GOAL_RATIO,
    }
    for goal, met in goals.items():
        print(f"goal: {goal}: {'met' if met else 'NOT met'}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))
    return 0 if all(goals.values()) else 1


def _measure(servers: Embedded, directory: Path, options: argparse.Namespace) -> dict[str, float]:
    bytes_file = directory / "answer.json"
    os.environ.update(
        servers.environment(),
        DJANGO_SETTINGS_MODULE="benchmarks.bare_settings",
        SANQIAN_DEBUG="0",
        SANQIAN_SECRET_KEY="benchmark-only-benchmark-only-benchmark-only-benchmark",  # noqa: S106
        SANQIAN_ENCRYPTION_KEYS="ZGVidWctb25seS1rZXktb2Ytbm8tdmFsdWUtMDEyMzQ=",
        SANQIAN_ACCESS_KEY_PEPPER="benchmark-only",
        SANQIAN_REQUESTS_PER_KEY="1000000000/min",
        SANQIAN_LOG_LEVEL="WARNING",
        SANQIAN_STATIC_ROOT=str(directory / "static"),
        SANQIAN_BENCHMARK_BYTES=str(bytes_file),
    )
    (directory / "static").mkdir()
    value = fill(options.clusters)
    with _server(directory) as (port, processes):
        ask = Asking(port, f"Authorization: Bearer {value}\r\n", options.connections)
        bytes_file.write_bytes(ask.once("/api/v1/clusters?limit=50"))
        assert len(json.loads(bytes_file.read_bytes())["results"]) == 50
        assert ask.once("/api/v1/bare") == bytes_file.read_bytes()
        return {
            "bytes": len(bytes_file.read_bytes()),
            **_figures(ask, processes, options.requests),
        }


def _figures(ask: Asking, processes: list[psutil.Process], requests: int) -> dict[str, float]:
    paths = {"list": "/api/v1/clusters?limit=50", "bare": "/api/v1/bare"}
    for path in paths.values():
        ask.many(path, WARM)
    times: dict[str, list[float]] = {name: [] for name in paths}
    wall, spent = dict.fromkeys(paths, 0.0), dict.fromkeys(paths, 0.0)
    for _ in range(ROUNDS):
        for name, path in paths.items():
            before, begin = _spent(processes), time.monotonic()
            times[name] += ask.many(path, requests // ROUNDS)
            wall[name] += time.monotonic() - begin
            spent[name] += _spent(processes) - before
    figures: dict[str, float] = {}
    for name in paths:
        count = len(times[name])
        figures |= {
            f"{name} p50 (ms)": 1000 * statistics.median(times[name]),
            f"{name} p95 (ms)": 1000 * statistics.quantiles(times[name], n=20)[18],
            f"{name} requests/s": count / wall[name],
            f"{name} web processor time (ms)": 1000 * spent[name] / count,
        }
    figures["bare requests/s / list requests/s"] = figures["bare requests/s"] / figures["list requests/s"]
    return figures


class Asking:
    """A client that costs as little as it can: one thread a connection, requests written out beforehand."""

    def __init__(self, port: int, headers: str, connections: int) -> None:
        self._port, self._headers, self._connections = port, headers, connections

    def once(self, path: str) -> bytes:
        with socket.create_connection(("127.0.0.1", self._port)) as connection:
            return self._ask(connection, self._request(path))

    def many(self, path: str, count: int) -> list[float]:
        """How long each of `count` requests took, in seconds."""
        left, times = iter(range(count)), list[float]()
        threads = [threading.Thread(target=self._go_on, args=(path, left, times)) for _ in range(self._connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(times) == count, "a request failed"
        return times

    def _go_on(self, path: str, left: Iterator[int], times: list[float]) -> None:
        request = self._request(path)
        with socket.create_connection(("127.0.0.1", self._port)) as connection:
            for _ in left:
                begin = time.monotonic()
                self._ask(connection, request)
                times.append(time.monotonic() - begin)

    def _request(self, path: str) -> bytes:
        return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{self._headers}\r\n".encode()

    def _ask(self, connection: socket.socket, request: bytes) -> bytes:
        connection.sendall(request)
        got = b""
        while b"\r\n\r\n" not in got:
            got += _some(connection)
        head, _, body = got.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), got[:500]
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        parts, have = [body], len(body)
        while have < length:
            parts.append(_some(connection))
            have += len(parts[-1])
        return b"".join(parts)


def _some(connection: socket.socket) -> bytes:
    got = connection.recv(256 * 1024)
    assert got, "the server closed the connection"
    return got


def _spent(processes: list[psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in processes)


@contextmanager
def _server(directory: Path) -> Iterator[tuple[int, list[psutil.Process]]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # As the image starts it. (uvicorn's own --workers leaves Nagle's algorithm on, which costs 40 ms an answer.)
    arguments = ["sanqian_service.asgi:application", "--worker-class", "sanqian_service.web_worker.Worker"]
    arguments += ["--bind", f"127.0.0.1:{port}", "--workers", str(WORKERS), "--log-level", "warning"]
    with (directory / "web.log").open("w+") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", *arguments],
            cwd=ROOT,
            stdout=log,
            stderr=log,
        )
        try:
            _until_it_listens(port, process, directory / "web.log")
            yield port, psutil.Process(process.pid).children(recursive=True)
        finally:
            process.terminate()
            process.wait(20)


def _until_it_listens(port: int, process: subprocess.Popen[Any], log: Path) -> None:
    deadline = time.monotonic() + 120
    while True:
        assert process.poll() is None, log.read_text()
        try:
            Asking(port, "", 1).once("/livez")
            return
        except (ConnectionError, AssertionError):
            if time.monotonic() > deadline:
                raise
        time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(main())
