"""Several labs at once, killed commands, and that nothing is left behind."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lab.base import Shape
from lab.errors import LabError
from lab.hosts import Lab
from lab.rootfs import ensure
from lab.system import poll
from tests.lab.ssh import ssh
from tests.lab_fixtures import name_of_run, take_down_stale

pytestmark = pytest.mark.lab
TREE = Path(__file__).resolve().parents[2]


def test_a_second_lab_meets_the_first_nowhere_and_leaves_nothing(lab: Lab, second_lab: Lab) -> None:
    first = lab.status()
    second_lab.up()
    assert {host.address for host in second_lab.hosts}.isdisjoint(host.address for host in lab.hosts)
    assert ssh(second_lab, "worker1", "lsblk --noheadings -o NAME").stdout.split() == ["vdb", "vdc"]
    strange = lab.host("worker3").address
    assert second_lab.exec("worker1", ["ping", "-c1", "-W1", strange]).returncode != 0
    assert second_lab.name in Lab.names()
    second_lab.down()
    assert second_lab.leftovers() == []
    assert second_lab.status() == []
    assert second_lab.name not in Lab.names()
    assert lab.status() == first


def test_down_takes_what_runs_in_a_host_and_what_is_cut_or_mounted(second_lab: Lab) -> None:
    second_lab.up()
    second_lab.exec("worker1", ["sh", "-c", "mkfs.ext4 -q /dev/vdb && mount /dev/vdb /mnt"], check=True)
    script = "setsid -f sleep 4713 >/dev/null 2>&1 </dev/null; cd /mnt; setsid -f sleep 4713 >/dev/null 2>&1 </dev/null"
    second_lab.exec("worker1", ["sh", "-c", script], check=True)
    second_lab.cut("worker1")
    second_lab.down()
    assert second_lab.leftovers() == []
    assert subprocess.run(["pgrep", "-f", "sleep 471[3]"], check=False).returncode == 1


def test_down_of_a_lab_that_is_not_there_is_fine(second_lab: Lab) -> None:
    second_lab.down()
    second_lab.down()
    assert second_lab.leftovers() == []


@pytest.mark.parametrize("reached", ["", "hosts/master1/keeper.log", "known_hosts"])
def test_a_killed_up_is_finished_by_up_and_removed_by_down(second_lab: Lab, reached: str) -> None:
    def kill_up() -> None:
        words = [
            sys.executable,
            "-m",
            "lab",
            "--name",
            second_lab.name,
            "up",
            "--masters=1",
            "--workers=1",
            "--disks=2",
        ]
        with subprocess.Popen(words, cwd=TREE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as command:
            poll(lambda: (second_lab.paths.state / reached).exists(), 20, reached, every=0.001)
            command.send_signal(signal.SIGKILL)

    kill_up()
    second_lab.up()
    assert [row.state for row in second_lab.status()] == ["up", "up"]
    second_lab.down()
    assert second_lab.leftovers() == []
    kill_up()
    second_lab.down()
    assert second_lab.leftovers() == []


def test_a_keeper_that_begins_late_leaves_the_host_to_its_successor(second_lab: Lab) -> None:
    second_lab.up()
    before = second_lab.status()
    words = [sys.executable, "-m", "lab.keeper", "start-of-a-killed-up", str(second_lab.paths.state), "worker1"]
    log = subprocess.run(words, cwd=TREE, capture_output=True, text=True, check=True)
    poll(lambda: len(second_lab._pids("worker1")) == 2, 20, "the late keeper's end")
    assert (log.stdout, log.stderr) == ("", "")
    assert second_lab.status() == before


def test_the_file_system_of_the_hosts_outlives_down(second_lab: Lab) -> None:
    trees = ensure()
    second_lab.up()
    second_lab.down()
    assert ensure() == trees
    assert all(tree.is_dir() for tree in trees)


def test_another_shape_for_a_lab_that_is_up_is_refused(second_lab: Lab) -> None:
    second_lab.up()
    with pytest.raises(LabError, match=r"is there already, as Shape.masters=1, workers=1, disks=2"):
        Lab(second_lab.name, Shape(masters=3)).up()
    assert Lab(second_lab.name).shape == second_lab.shape


def test_the_lab_of_a_test_run_that_is_over_is_taken_down_and_no_other(lab: Lab, second_lab: Lab) -> None:
    over = subprocess.Popen(["true"])
    over.wait()
    stale = Lab(name_of_run(pid=over.pid), Shape(masters=1, workers=0))
    stale.up()
    second_lab.up()
    assert stale.name in take_down_stale(Lab)
    assert stale.leftovers() == []
    assert [row.state for row in second_lab.status()] == ["up", "up"]
    assert len(lab.status()) == 6
