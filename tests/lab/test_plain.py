"""The lab without root, as far as it goes."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from lab.errors import LabError
from lab.plain import LIMITS, PlainLab
from lab.system import poll
from tests.lab.ssh import connect, ssh

pytestmark = pytest.mark.lab


def test_hosts_answer_with_keys_of_their_own(plain_lab: PlainLab) -> None:
    hosts = plain_lab.hosts
    assert [host.address for host in hosts] == ["127.0.1.11", "127.0.1.21", "127.0.1.22"]
    assert len({host.host_key for host in hosts}) == 3
    assert {host.disks for host in hosts} == {()}
    for host in hosts:
        assert ssh(plain_lab, host.name, "echo $LAB_HOST").stdout == f"{host.name}\n"
    assert len({ssh(plain_lab, host.name, "echo $HOME").stdout for host in hosts}) == 3


def test_the_configuration_names_ports_and_user(plain_lab: PlainLab) -> None:
    host = plain_lab.host("worker1")
    assert f"internalAddress: 127.0.1.21, port: {host.port}, user: {host.user}," in plain_lab.config_text()


def test_files_go_by_sftp(plain_lab: PlainLab) -> None:
    with connect(plain_lab, "worker1") as client, client.open_sftp() as sftp:
        assert sftp.normalize("/") == "/"


def test_what_it_cannot_do_is_said(plain_lab: PlainLab) -> None:
    cannot: list[tuple[str, Callable[[str], None]]] = [
        ("power off", plain_lab.power_off),
        ("power on", plain_lab.power_on),
        ("reboot", plain_lab.reboot),
        ("cut off", plain_lab.cut),
        ("heal", plain_lab.heal),
    ]
    for what, call in cannot:
        with pytest.raises(LabError) as caught:
            call("worker1")
        assert str(caught.value) == f"cannot {what} worker1: {LIMITS}\n  fix: run the lab as root"


def test_up_starts_a_server_that_was_killed_and_no_other(plain_lab: PlainLab) -> None:
    before = {row.name: row for row in plain_lab.status()}
    victim = before["worker2"].pid
    assert victim is not None
    os.kill(victim, signal.SIGKILL)
    poll(lambda: [row.state for row in plain_lab.status()] == ["up", "up", "off"], 10, "the server's end")
    plain_lab.up()
    after = {row.name: row for row in plain_lab.status()}
    assert {row.state for row in after.values()} == {"up"}
    assert {name for name in after if after[name] != before[name]} == {"worker2"}


def test_down_ends_what_sessions_left_even_when_their_server_is_gone(plain_lab: PlainLab) -> None:
    lab = PlainLab(f"{plain_lab.name}-x", plain_lab.shape)
    try:
        lab.up()
        ssh(lab, "worker1", "setsid -f sleep 4714 >/dev/null 2>&1 </dev/null")
        with connect(lab, "worker2") as client:
            client.exec_command("sleep 4715")
            server = next(row.pid for row in lab.status() if row.name == "worker2")
            assert server is not None
            os.kill(server, signal.SIGKILL)
            assert len(lab.leftovers()) > 3
            lab.down()
    finally:
        lab.down()
    assert lab.leftovers() == []
    assert ssh(plain_lab, "worker1", "pgrep -f 'sleep 471[45]'").stdout == ""
