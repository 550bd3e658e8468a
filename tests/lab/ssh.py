"""OpenSSH's own client against lab hosts."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

import paramiko

from lab.base import BaseLab


def ssh_argv(lab: BaseLab, host: str, user: str = "") -> list[str]:
    """`ssh` with the lab's key and host keys and nothing of the caller's own configuration."""
    target = lab.host(host)
    options = {
        "IdentityFile": lab.key_path,
        "IdentitiesOnly": "yes",
        "UserKnownHostsFile": lab.known_hosts_path,
        "GlobalKnownHostsFile": "/dev/null",
        "BatchMode": "yes",
        "ConnectTimeout": 10,
    }
    words = [f"-o{key}={value}" for key, value in options.items()]
    return ["ssh", "-F", "none", *words, "-p", str(target.port), f"{user or target.user}@{target.address}"]


def ssh(lab: BaseLab, host: str, command: str, *, user: str = "", stdin: str = "") -> subprocess.CompletedProcess[str]:
    argv: Sequence[str] = [*ssh_argv(lab, host, user), command]
    return subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=30, check=False)


def connect(lab: BaseLab, host: str, *, timeout: float = 10, password: str = "", user: str = "") -> paramiko.SSHClient:
    """A connection with the host's key pinned; by `password` when one is given."""
    target = lab.host(host)
    client = paramiko.SSHClient()
    client.load_host_keys(str(lab.known_hosts_path))
    client.connect(
        target.address,
        target.port,
        user or target.user,
        password=password or None,
        key_filename=None if password else str(lab.key_path),
        look_for_keys=False,
        allow_agent=False,
        timeout=timeout,
        banner_timeout=timeout,
    )
    return client
