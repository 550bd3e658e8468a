"""Programs in the background of a host that come back after a reboot: /etc/lab/boot.d, a pid file and a log."""

from __future__ import annotations

from pathlib import Path

BOOT = Path("/etc/lab/boot.d")
RUN = Path("/run/lab")


def boot_script(name: str, command: str) -> str:
    """The text of /etc/lab/boot.d/<name>: one instance at a time, its log in /var/log/<name>.log."""
    return (
        "#!/bin/sh\n"
        f"# SIMULATED {name}: started at boot, in place of a systemd unit\n"
        "mkdir -p /run/lab\n"
        f"exec setsid {command} --pid-file=/run/lab/{name}.pid >>/var/log/{name}.log 2>&1 </dev/null\n"
    )


def start_command(name: str) -> str:
    """Shell text that starts the boot script unless it runs, and returns at once."""
    return f"{{ {running_test(name)}; }} || {{ setsid {BOOT}/{name} >/dev/null 2>&1 </dev/null & }}"


def running_test(name: str) -> str:
    """Shell test: the pid of the pid file is that program."""
    pid = f"$(cat {RUN}/{name}.pid 2>/dev/null || echo 0)"
    return f"grep -qs {name} /proc/{pid}/cmdline"


def stop_command(name: str) -> str:
    """Shell text that ends the program and waits for it, up to five seconds; then it is killed."""
    return (
        f"if {running_test(name)}; then pid=$(cat {RUN}/{name}.pid); kill $pid; "
        f"for i in $(seq 50); do {running_test(name)} || break; sleep 0.1; done; "
        f"{running_test(name)} && kill -9 $pid; fi; rm -f {RUN}/{name}.pid"
    )
