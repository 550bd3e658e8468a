"""Hosts that are cut off, lose power, reboot or crash."""

from __future__ import annotations

import functools
import os
import signal
import socket

import pytest

from lab.base import HostStatus
from lab.errors import LabError
from lab.hosts import Lab
from lab.system import poll
from tests.lab.ssh import connect, ssh

pytestmark = pytest.mark.lab


def row(lab: Lab, name: str) -> HostStatus:
    return next(row for row in lab.status() if row.name == name)


def test_a_cut_host_is_silent_and_its_connections_live_on(breakable_lab: Lab) -> None:
    lab = breakable_lab
    address = (lab.host("worker1").address, 22)
    with connect(lab, "worker1") as client:
        stdin, stdout, _ = client.exec_command("cat")
        stdin.write("before\n")
        assert stdout.readline() == "before\n"

        lab.cut("worker1")
        assert row(lab, "worker1").state == "cut"
        stdin.write("after\n")
        with pytest.raises(TimeoutError):
            socket.create_connection(address, timeout=0.3)
        assert not stdout.channel.recv_ready()
        assert lab.exec("worker1", ["hostname"]).stdout == b"worker1\n"
        assert lab.exec("worker2", ["ping", "-c1", "-W1", "worker1"]).returncode == 1

        lab.heal("worker1")
        assert stdout.readline() == "after\n"
    assert row(lab, "worker1").state == "up"


def test_a_cut_host_stays_cut_through_a_reboot_and_up(breakable_lab: Lab) -> None:
    lab = breakable_lab
    lab.cut("worker1")
    before = row(lab, "worker1")
    lab.reboot("worker1")
    lab.up()
    after = row(lab, "worker1")
    assert (before.state, after.state) == ("cut", "cut")
    assert before.boot_id != after.boot_id
    with pytest.raises(TimeoutError):
        socket.create_connection((after.address, 22), timeout=0.3)


def test_a_reboot_keeps_files_and_ends_processes(breakable_lab: Lab) -> None:
    lab = breakable_lab
    before = row(lab, "worker2")
    said = ssh(
        lab,
        "worker2",
        "echo kept > /root/kept; echo gone > /tmp/gone; printf kept | dd of=/dev/vdb conv=fsync status=none; "
        "setsid -f sleep 4712 >/dev/null 2>&1 </dev/null",
    )
    assert said.returncode == 0
    lab.reboot("worker2")
    after = row(lab, "worker2")
    assert (after.state, after.disks) == ("up", before.disks)
    assert after.boot_id not in ("", before.boot_id)
    done = ssh(
        lab,
        "worker2",
        "cat /root/kept /proc/sys/kernel/random/boot_id; dd if=/dev/vdb bs=4 count=1 status=none; echo; ls /tmp; "
        "pgrep -f 'sleep 471[2]'; rm /root/kept; dd if=/dev/zero of=/dev/vdb bs=4 count=1 conv=fsync status=none",
    )
    assert done.stdout.split() == ["kept", after.boot_id, "kept"]
    assert after.boot_id == lab.exec("worker2", ["cat", "/proc/sys/kernel/random/boot_id"]).stdout.decode().strip()


def test_a_host_reboots_from_within(breakable_lab: Lab) -> None:
    lab = breakable_lab
    before = row(lab, "worker2").boot_id
    ssh(lab, "worker2", "reboot")
    poll(lambda: row(lab, "worker2").state == "up" and row(lab, "worker2").boot_id != before, 20, "the reboot")


def test_scripts_in_boot_d_start_at_every_boot(breakable_lab: Lab) -> None:
    lab = breakable_lab
    write = "cat > /etc/lab/boot.d/50-mark && chmod +x /etc/lab/boot.d/50-mark"
    script = b"#!/bin/sh\necho started >> /root/starts\n"
    lab.exec("worker2", ["sh", "-c", write], stdin=script, check=True)

    def has_started(times: int) -> bool:
        return lab.exec("worker2", ["cat", "/root/starts"]).stdout.count(b"started") == times

    for boots in (1, 2):
        lab.reboot("worker2")
        poll(functools.partial(has_started, boots), 10, "the script")
    lab.exec("worker2", ["rm", "/etc/lab/boot.d/50-mark", "/root/starts"], check=True)


def test_a_host_without_power_is_off_until_it_is_switched_on(breakable_lab: Lab) -> None:
    lab = breakable_lab
    lab.power_off("worker3")
    assert row(lab, "worker3").state == "off"
    with pytest.raises(LabError, match=f"worker3 is off\n  fix: python -m lab --name {lab.name} on worker3"):
        lab.exec("worker3", ["true"])
    lab.power_on("worker3")
    assert row(lab, "worker3").state == "up"
    assert ssh(lab, "worker3", "hostname").stdout == "worker3\n"


def test_up_starts_what_a_crash_has_ended_and_touches_nothing_else(breakable_lab: Lab) -> None:
    lab = breakable_lab
    before = {row.name: row for row in lab.status()}
    victim = before["worker3"].pid
    assert victim is not None
    os.kill(victim, signal.SIGKILL)
    poll(lambda: row(lab, "worker3").state == "off", 10, "the crash")
    lab.up()
    after = {row.name: row for row in lab.status()}
    assert {name for name in after if after[name] != before[name]} == {"worker3"}
    assert after["worker3"].state == "up"


def test_up_again_changes_nothing(lab: Lab) -> None:
    before, known = lab.status(), lab.known_hosts_path.read_text()
    lab.up()
    assert lab.status() == before
    assert lab.known_hosts_path.read_text() == known
