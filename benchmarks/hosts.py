"""SIMULATED hosts: one process that speaks real SSH and plays the hosts' side of `tasks.remote.job` in memory.

    python -m benchmarks.hosts --port PORT --key FILE --authorized FILE --out FILE

A real host forks a dozen processes for a job; thousands of them would be all that a machine can do, and nothing of
the service would be measured. A job's script holds a line ``simulate SECONDS LINES``: it then takes so long and
writes so many lines in that time. When asked by SIGTERM, it writes when each job started and ended (monotonic
seconds) and what it wrote (bytes) as JSON, and ends.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import signal
import sys
import time
from bisect import bisect_right
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh

from tasks.remote.command import TALKING

ADDRESSES = tuple(f"127.0.2.{n}" for n in range(1, 7))
BURST = 5  # lines that come at once
BOOT = "SIMULATED-boot"
MARK = re.compile(r"printf %s (sq[0-9a-f]{16});")
NAMES = re.compile(r"^ROOT=\S+ ID='?([A-Za-z0-9._-]+)'? ", re.M)
WORK = re.compile(r"^simulate ([0-9.]+) (\d+)", re.M)
NUMBERS = re.compile(r"^OFFSET=(\d+) WAIT=([0-9.]+) LINGER=(\d+) MAX=(\d+)\nNEXT=([0-9.]+)$", re.M)


@dataclass
class Job:
    """`parts` are what it writes, `ends` its size after each part, `times` when each is written."""

    started: float
    seconds: float
    parts: list[bytes]
    times: list[float]
    ends: list[int] = field(default_factory=list)
    killed: bool = False

    def __post_init__(self) -> None:
        size = 0
        for part in self.parts:
            size += len(part)
            self.ends.append(size)

    @property
    def over(self) -> float:
        return self.started + self.seconds

    def size(self, now: float) -> int:
        written = bisect_right(self.times, now)
        return self.ends[written - 1] if written else 0

    def next_part(self, offset: int) -> float:
        """When there will be more than `offset` bytes; the job's end where there will not."""
        after = bisect_right(self.ends, offset)
        return self.times[after] if after < len(self.times) else self.over


class Hosts:
    """All hosts' jobs. Which host a job is on does not matter: ids are unique."""

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}
        self.record: dict[str, tuple[float, float, int]] = {}

    async def answer(self, script: str, process: asyncssh.SSHServerProcess[bytes]) -> None:
        """Write what `job.sh` would print. Raises ValueError for anything else."""
        found = NAMES.search(script)
        if not found:
            raise ValueError(script[-300:])
        end = f"\nexit\n{TALKING}" if script.rstrip().endswith(TALKING) else "} </dev/null"
        verb = script.rstrip().removesuffix(end).rstrip().rpartition("\n")[2]
        name = found[1]
        if verb == "watch":
            if "\nstart\n" in script:
                process.stdout.write(self._start(name, script))
            await self._watch(name, script, process)
        elif verb == "remove":
            self.jobs.pop(name, None)
            process.stdout.write(b"ok\n")
        elif verb == "stop":
            process.stdout.write(self._stop(name))
        else:
            raise ValueError(f"verb {verb!r}")

    def _start(self, name: str, script: str) -> bytes:
        if name in self.jobs:
            return f"ok no {BOOT}\n".encode()
        work = WORK.search(script)
        if not work:
            raise ValueError("a script without a line `simulate SECONDS LINES`")
        now, seconds, lines = time.monotonic(), float(work[1]), int(work[2])
        parts = [f"\n::sanqian {name} phase apply\n".encode()]
        parts += [f"SIMULATED line {n} of {lines}: {'.' * 60}\n".encode() for n in range(lines)]
        parts += [f"\n::sanqian {name} outcome changed\n".encode()]
        bursts = lines // BURST + 1
        times = [now, *(now + seconds * (n // BURST + 1) / (bursts + 1) for n in range(lines)), now + seconds]
        job = self.jobs[name] = Job(now, seconds, parts, times)
        self.record[name] = (now, job.over, job.ends[-1])
        return f"ok yes {BOOT}\n".encode()

    async def _watch(self, name: str, script: str, process: asyncssh.SSHServerProcess[bytes]) -> None:
        numbers = NUMBERS.search(script)
        if numbers is None:
            raise ValueError("watch without its numbers")
        offset, most = int(numbers[1]), int(numbers[4])
        linger, wait, later = int(numbers[3]) / 5, float(numbers[2]), float(numbers[5])
        while True:
            data, over = await self._look(name, offset, most, wait, linger)
            process.stdout.write(data)
            offset, wait = offset + len(data) - data.index(b"\n") - 1, later
            if over:
                if await process.stdin.readline() == b"remove\n":
                    self.jobs.pop(name, None)
                    process.stdout.write(b"ok\n")
                return
            await process.stdout.drain()

    async def _look(self, name: str, offset: int, most: int, wait: float, linger: float) -> tuple[bytes, bool]:
        """What a look at the job tells, and whether there will be no other."""
        job = self.jobs.get(name)
        if job is None:
            return f"ok gone - no-directory 0 0 whole {BOOT}\n".encode(), True
        now = time.monotonic()
        if job.size(now) <= offset and now < job.over:
            await asyncio.sleep(max(0.0, min(wait, job.next_part(offset) - now)))
            now = time.monotonic()
        if now < job.over and job.size(now) > offset:
            await asyncio.sleep(max(0.0, min(linger, job.over - now)))
            now = time.monotonic()
        ended = job.killed or now >= job.over
        size = job.size(now)
        data = b"".join(job.parts)[offset : min(size, offset + most)]
        state = f"exited {143 if job.killed else 0} exit" if ended else "running - -"
        head = f"ok {state} {size} {len(data)} whole {BOOT}\n".encode()
        return head + data, ended and offset + len(data) >= size

    def _stop(self, name: str) -> bytes:
        job = self.jobs.get(name)
        if job is None:
            return b"ok absent - -\n"
        job.killed = True
        return b"ok terminated 143 -\n"


async def _script(stdin: asyncssh.SSHReader[bytes]) -> str:
    """A command that is talked with keeps its input open."""
    found = b""
    while not found.endswith(f"\n{TALKING}\n".encode()) and (more := await stdin.read(1 << 16)):
        found += more
    return found.decode()


async def _session(hosts: Hosts, process: asyncssh.SSHServerProcess[bytes]) -> None:
    try:
        script = await _script(process.stdin)
        mark = MARK.match(script)
        if not mark:
            raise ValueError(script[:200])
        process.stdout.write(mark[1].encode())
        process.stderr.write(mark[1].encode())
        await hosts.answer(script, process)
        process.exit(0)
    except ValueError as error:
        sys.stderr.write(f"SIMULATED host: not understood: {error}\n")
        process.exit(70)
    except (BrokenPipeError, ConnectionError, asyncssh.Error):
        return  # whoever asked has gone


async def serve(options: argparse.Namespace) -> None:
    hosts, ended = Hosts(), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    for address in ADDRESSES:
        await asyncssh.listen(
            address,
            options.port,
            server_host_keys=[options.key],
            authorized_client_keys=str(options.authorized),
            process_factory=lambda process: _session(hosts, process),
            encoding=None,
            backlog=1024,
            kex_algs=["curve25519-sha256@libssh.org", "curve25519-sha256"],
            login_timeout=120,
        )
    print("SIMULATED hosts are up", flush=True)
    await ended.wait()
    options.out.write_text(json.dumps(hosts.record))


def main() -> None:
    parser = argparse.ArgumentParser(description="SIMULATED hosts that speak real SSH.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--key", required=True, help="the hosts' private key")
    parser.add_argument("--authorized", type=Path, required=True, help="the public keys that may log in")
    parser.add_argument("--out", type=Path, required=True, help="where the jobs' times go at the end")
    asyncssh.set_log_level("ERROR")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
