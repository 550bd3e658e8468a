"""Fixtures: the lab's six SSH hosts, one lab a test run, taken down at its end however the tests ended.

The lab of a killed run is taken down by the next run that uses a lab; one whose run still goes on is left alone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab import rootfs
from lab.base import BaseLab, Shape
from lab.hosts import Lab
from lab.plain import PlainLab

_OWNED = re.compile(r"test-(\d+)(?:-[a-z]+)?")


def name_of_run(suffix: str = "", pid: int | None = None) -> str:
    """Name for a lab that ends with the test run of process `pid`, by default this one."""
    return f"test-{os.getpid() if pid is None else pid}{f'-{suffix}' if suffix else ''}"


def take_down_stale(kind: type[BaseLab]) -> list[str]:
    """Take down the labs of test runs that are over; return their names."""
    taken = []
    for name in kind.names():
        owner = _OWNED.fullmatch(name)
        if owner and not Path(f"/proc/{owner[1]}").exists():
            kind(name).down()
            taken.append(name)
    return taken


@contextmanager
def hosts_of_run(suffix: str, shape: Shape) -> Iterator[Lab]:
    """Fresh hosts for the length of the block; the test is skipped where there can be none."""
    if os.geteuid():
        pytest.skip("the lab's hosts need root")
    if missing := rootfs.missing_tools():
        pytest.skip(f"the lab needs {', '.join(missing)}: python -m lab setup")
    take_down_stale(Lab)
    made = Lab(name_of_run(suffix), shape)
    try:
        made.up()
        yield made
    finally:
        made.down()


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """master1-3 and worker1-3. What a test breaks it mends: see `breakable_lab`."""
    with hosts_of_run("", Shape()) as made:
        yield made


@pytest.fixture
def breakable_lab(lab: Lab) -> Iterator[Lab]:
    """The same hosts, for a test that cuts, stops or kills them: afterwards all are up and connected."""
    try:
        yield lab
    finally:
        for host in lab.hosts:
            lab.heal(host.name)
        lab.up()


@pytest.fixture(scope="session")
def plain_lab() -> Iterator[PlainLab]:
    """One master and two workers without any privilege: `lab.plain.LIMITS` says what they cannot do."""
    if missing := rootfs.missing_tools(rootfs.PLAIN_TOOLS):
        pytest.skip(f"the lab needs {', '.join(missing)}: python -m lab setup")
    take_down_stale(PlainLab)
    made = PlainLab(name_of_run("plain"), Shape(masters=1, workers=2, disks=0))
    try:
        made.up()
        yield made
    finally:
        made.down()
