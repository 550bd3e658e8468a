"""What a lab host is, seen over SSH."""

from __future__ import annotations

import json

import paramiko
import pytest

from lab.errors import LabError
from lab.hosts import Lab
from lab.layout import ROOT_PASSWORD, SUDO_PASSWORD
from tests.lab.ssh import connect, ssh

pytestmark = pytest.mark.lab
NAMES = ["master1", "master2", "master3", "worker1", "worker2", "worker3"]


def said(lab: Lab, host: str, command: str, user: str = "", stdin: str = "") -> str:
    done = ssh(lab, host, command, user=user, stdin=stdin)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_every_host_is_a_machine_of_its_own(lab: Lab) -> None:
    assert [host.name for host in lab.hosts] == NAMES
    seen = {
        name: said(
            lab, name, "hostname; cat /etc/machine-id /sys/class/net/eth0/address /proc/sys/kernel/random/boot_id"
        ).split()
        for name in NAMES
    }
    assert [seen[name][0] for name in NAMES] == NAMES
    for place, what in enumerate(("hostname", "machine id", "MAC", "boot id")):
        assert len({words[place] for words in seen.values()}) == 6, what
    assert len({host.host_key for host in lab.hosts}) == 6


def test_files_and_processes_of_one_host_are_not_those_of_another(lab: Lab) -> None:
    said(lab, "worker1", "echo mine > /root/mark; setsid -f sleep 4711 >/dev/null 2>&1 </dev/null")
    assert "sleep 4711" in said(lab, "worker1", "ps -eo args")
    assert said(lab, "worker1", "ps -o args= -p 1").endswith("worker1")
    assert "sleep 4711" not in said(lab, "worker2", "ps -eo args")
    assert ssh(lab, "worker2", "test -e /root/mark").returncode == 1
    said(lab, "worker1", "pkill -f 'sleep 471[1]'; rm /root/mark")


def test_hosts_reach_each_other_by_name(lab: Lab) -> None:
    assert said(lab, "master1", "exec 3<>/dev/tcp/worker3/22; read -r line <&3; echo $line").startswith("SSH-2.0")


def test_what_the_toolchain_and_the_service_need_is_there(lab: Lab) -> None:
    needed = "python3 openssl ssh sshd ssh-keygen dpkg tar gzip sha256sum curl sudo ip ps lsblk lspci setsid flock"
    missing = f"for each in {needed}; do command -v $each >/dev/null || echo $each; done"
    assert said(lab, "master1", missing) == ""
    assert said(
        lab, "master1", "python3 -c 'import sys, ssl, sqlite3, http.server; print(sys.version_info >= (3, 11))'"
    )


def test_the_machine_is_simulated_as_large_enough(lab: Lab) -> None:
    assert said(lab, "master1", "nproc") == "8"
    assert said(lab, "master1", "awk '/^MemTotal/ {print $2}' /proc/meminfo") == str(32 * 1024**2)
    assert said(lab, "master1", "swapon --show") == ""


def test_workers_have_gpus_and_masters_none(lab: Lab) -> None:
    gpus = "lspci -nn | grep -c 'NVIDIA.*SIMULATED' || true"
    assert said(lab, "worker1", gpus) == "2"
    assert said(lab, "master1", gpus) == "0"


def test_a_worker_has_a_raw_disk_of_its_own_that_holds_data(lab: Lab) -> None:
    listed = json.loads(said(lab, "worker1", "lsblk --json --bytes -o NAME,SIZE,TYPE,FSTYPE,MOUNTPOINT"))
    assert listed["blockdevices"] == [
        {"name": "vdb", "size": 20 * 1024**3, "type": "disk", "fstype": None, "mountpoint": None}
    ]
    said(lab, "worker1", "printf mark | dd of=/dev/vdb bs=4 conv=fsync status=none")
    assert said(lab, "worker1", "dd if=/dev/vdb bs=4 count=1 status=none") == "mark"
    assert said(lab, "worker2", "dd if=/dev/vdb bs=4 count=1 status=none | tr '\\0' 0") == "0000"
    said(lab, "worker1", "dd if=/dev/zero of=/dev/vdb bs=4 count=1 conv=fsync status=none")
    assert said(lab, "master1", "lsblk --noheadings") == ""


def test_ops_needs_its_password_for_sudo(lab: Lab) -> None:
    assert said(lab, "worker1", "id -un", user="ops") == "ops"
    assert ssh(lab, "worker1", "sudo -n id -un", user="ops").returncode == 1
    wrong = ssh(lab, "worker1", "sudo -k -S -p '' id -un", user="ops", stdin="wrong\n")
    assert wrong.returncode == 1
    assert "incorrect password" in wrong.stderr
    assert said(lab, "worker1", "sudo -k -S -p '' id -un", user="ops", stdin=f"{SUDO_PASSWORD}\n") == "root"


def test_deploy_needs_no_password_for_sudo(lab: Lab) -> None:
    assert said(lab, "worker1", "sudo -n id -un", user="deploy") == "root"


@pytest.mark.parametrize(("user", "password"), [("root", ROOT_PASSWORD), ("ops", SUDO_PASSWORD)])
def test_users_log_in_by_password_too(lab: Lab, user: str, password: str) -> None:
    with connect(lab, "master2", user=user, password=password) as client, client.open_sftp() as sftp:
        assert sftp.normalize(".") == ("/root" if user == "root" else f"/home/{user}")
    with pytest.raises(paramiko.AuthenticationException):
        connect(lab, "master2", user=user, password="wrong")


def test_a_hundred_sessions_run_on_one_connection(lab: Lab) -> None:
    with connect(lab, "master3") as client:
        # All three files are kept: dropping stdin sends EOF, which sshd must not get for a channel that it has freed.
        sessions = [client.exec_command("echo $((40 + 2))") for _ in range(100)]
        assert {stdout.read() for _, stdout, _ in sessions} == {b"42\n"}


def test_exec_goes_around_ssh_with_stdin_environment_and_exit_code(lab: Lab) -> None:
    done = lab.exec(
        "worker1", ["sh", "-c", "cat; echo $GREETING; hostname; exit 7"], stdin=b"in\n", env={"GREETING": "ho"}
    )
    assert (done.returncode, done.stdout) == (7, b"in\nho\nworker1\n")
    with pytest.raises(LabError, match="on worker1: sh -c echo no >&2; exit 1 failed with 1: no"):
        lab.exec("worker1", ["sh", "-c", "echo no >&2; exit 1"], check=True)


def test_a_host_that_the_lab_does_not_have_is_named_with_those_it_has(lab: Lab) -> None:
    with pytest.raises(LabError, match=r"has no host worker9\n  fix: one of master1, .*, worker3"):
        lab.exec("worker9", ["true"])


def test_the_configuration_names_the_labs_addresses_and_key(lab: Lab) -> None:
    text = lab.config_text()
    for host in lab.hosts:
        assert f'{{name: {host.name}, internalAddress: {host.address}, port: 22, user: root, privateKeyPath: "' in text
    assert text.count(f'"{lab.key_path}"') == 6
    assert lab.key_path.read_text().startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
