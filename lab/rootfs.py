"""The hosts' root file system: one debootstrap tree, cached, and a thin layer of the lab's own programs over it."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from lab.errors import LabError
from lab.layout import (
    PASSWORDLESS_SUDO_USER,
    ROOT_PASSWORD,
    SUDO_PASSWORD,
    SUDO_USER,
    cache_path,
)
from lab.system import locked_directory, run

Progress = Callable[[str], None]

# What the lab needs on the machine: a program, and the Debian package that has it.
TOOLS = {
    "debootstrap": "debootstrap",
    "ip": "iproute2",
    "bridge": "iproute2",
    "losetup": "mount",
    "nsenter": "util-linux",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "sshd": "openssh-server",
    # The tests of the SSH layer: other users' rights, a host without GNU tools.
    "sudo": "sudo",
    "busybox": "busybox",
    "openssl": "openssl",
}
# What the lab without root needs of them.
PLAIN_TOOLS = ("ssh", "ssh-keygen", "sshd")
PACKAGES = (
    "ca-certificates",
    "curl",
    "e2fsprogs",
    "fdisk",
    "iproute2",
    "iputils-ping",
    "kmod",
    "netbase",
    "openssh-client",
    "openssh-server",
    "openssl",
    "procps",
    "python3",
    "sudo",
    "xz-utils",
)
GUEST = Path(__file__).parent / "guest"
# Where each file of lab/guest lies in a host: (path, mode).
GUEST_FILES = {
    "init.py": ("usr/lib/lab/init", 0o755),
    "power.sh": ("usr/lib/lab/power", 0o755),
    "lspci.sh": ("usr/local/bin/lspci", 0o755),
    "nproc.sh": ("usr/local/bin/nproc", 0o755),
    "sshd.conf": ("etc/ssh/sshd_config.d/lab.conf", 0o644),
}
POWER_LINKS = ("reboot", "poweroff", "halt", "shutdown")

# Run inside the fresh tree. Users are part of the tree, so that their numbers are the same in every lab.
CUSTOMISE = f"""
set -eu
useradd --create-home --shell /bin/bash --groups sudo {SUDO_USER}
useradd --create-home --shell /bin/bash {PASSWORDLESS_SUDO_USER}
printf '%s\\n' 'root:{ROOT_PASSWORD}' '{SUDO_USER}:{SUDO_PASSWORD}' | chpasswd
echo '{PASSWORDLESS_SUDO_USER} ALL=(ALL:ALL) NOPASSWD: ALL' > /etc/sudoers.d/{PASSWORDLESS_SUDO_USER}
chmod 440 /etc/sudoers.d/{PASSWORDLESS_SUDO_USER}
rm -f /etc/ssh/ssh_host_* /etc/machine-id /etc/hostname /etc/resolv.conf
rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* /usr/share/doc/* /usr/share/man/*
"""


def missing_tools(tools: Iterable[str] = TOOLS) -> list[str]:
    """Debian packages that the lab needs and this machine lacks."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    return sorted({TOOLS[tool] for tool in tools if not shutil.which(tool, path=path)})


def require_tools(tools: Iterable[str] = TOOLS, progress: Progress = print) -> None:
    """Install the Debian packages that have `tools`; `python -m lab setup` calls it.

    Raises LabError as `install` does.
    """
    install(missing_tools(tools), "the lab needs", progress)
    if still := missing_tools(tools):
        raise LabError(f"installed, and yet not found: {', '.join(still)}", "check PATH")


def install(packages: Sequence[str], needs: str, progress: Progress = print) -> None:
    """Install Debian packages; none is nothing to do. `needs` says for what, before their names.

    Raises LabError naming the command to run where this process may not, or apt is missing.
    """
    if not packages:
        return
    command = f"apt-get install --no-install-recommends -y {' '.join(packages)}"
    if os.geteuid() or not shutil.which("apt-get"):
        raise LabError(f"{needs} {', '.join(packages)}", f"as root: {command}")
    progress(f"installing {', '.join(packages)}")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for words in (["apt-get", "update", "-q"], shlex.split(command)):
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise LabError(f"{' '.join(words)} failed: {done.stderr.strip()[-2000:]}", "see the machine's apt sources")


def _suite() -> str:
    release = platform.freedesktop_os_release()
    if codename := release.get("VERSION_CODENAME"):
        return codename
    raise LabError("/etc/os-release names no VERSION_CODENAME", "the lab's hosts need a Debian-like machine")


def _mirror(suite: str) -> str:
    """The archive that this machine's own apt sources name for `suite`."""
    targets = run(
        ["apt-get", "indextargets", "--format", "$(RELEASE) $(COMPONENT) $(REPO_URI)", "Created-By: Packages"]
    )
    for line in targets.stdout.splitlines():
        release, component, uri = line.split(" ", 2)
        if release == suite and component == "main" and uri.startswith(("http", "file:", "copy:")):
            return uri.rstrip("/")
    raise LabError(
        f"the machine's apt sources have no entry for {suite} main",
        "add one to /etc/apt/sources.list.d and run apt-get update",
    )


def _apt_proxy() -> dict[str, str]:
    words = shlex.split(run(["apt-config", "shell", "PROXY", "Acquire::http::Proxy"]).stdout)
    value = words[0].removeprefix("PROXY=") if words else ""
    return {"http_proxy": value} if value and value != "DIRECT" else {}


def _digest(*parts: str | bytes) -> str:
    whole = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        whole.update(len(data).to_bytes(8, "big") + data)
    return whole.hexdigest()[:16]


def base_name() -> str:
    """Directory of the cached tree: its name changes with everything that goes into it."""
    return f"base-{_digest(_suite(), platform.machine(), json.dumps(PACKAGES), CUSTOMISE)}"


def _guest_name() -> str:
    files = [(GUEST / name).read_bytes() for name in sorted(GUEST_FILES)]
    return f"guest-{_digest(json.dumps([GUEST_FILES, POWER_LINKS], sort_keys=True), *files)}"


def ensure(progress: Progress = print, cache: Path | None = None) -> tuple[Path, ...]:
    """Build what is missing of the hosts' root file system; return overlayfs's lower directories, upmost first.

    A tree gets its final name only when it is whole, so a killed build leaves no half tree under it;
    what it left under another name goes with the next build.
    """
    cache = cache or cache_path()
    base, guest = cache / base_name(), cache / _guest_name()
    if not (base.is_dir() and guest.is_dir()):
        with locked_directory(cache):
            for leftover in cache.glob("building-*"):
                shutil.rmtree(leftover)
            if not base.is_dir():
                _build_base(base, progress)
            if not guest.is_dir():
                _build_guest(guest)
    return guest, base


def _build_base(target: Path, progress: Progress) -> None:
    suite = _suite()
    mirror = _mirror(suite)
    progress(f"building the hosts' root file system once ({suite}, about a minute) in {target}")
    building = Path(tempfile.mkdtemp(prefix="building-", dir=target.parent))
    tree, log = building / "tree", building / "debootstrap.log"
    # A mount and pid namespace of its own: whatever ends the build also takes its mounts and processes.
    isolated = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--"]
    steps = (
        ["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", suite, str(tree), mirror],
        ["chroot", str(tree), "/bin/sh", "-c", CUSTOMISE],
    )
    with log.open("w") as out:
        for step in steps:
            environment = os.environ | _apt_proxy() | {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
            done = subprocess.run(
                [*isolated, *step],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=environment,
                check=False,
            )
            if done.returncode:
                tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
                raise LabError(
                    f"{step[0]} failed with {done.returncode}:\n{tail}",
                    f"the whole log is {log}; then run it again",
                )
    os.sync()
    tree.rename(target)
    shutil.rmtree(building)


def _build_guest(target: Path) -> None:
    building = Path(tempfile.mkdtemp(prefix="building-", dir=target.parent))
    building.chmod(0o755)
    for name, (where, mode) in GUEST_FILES.items():
        path = building / where
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(GUEST / name, path)
        path.chmod(mode)
    links = building / "usr/local/sbin"
    links.mkdir(parents=True)
    for name in POWER_LINKS:
        (links / name).symlink_to("/usr/lib/lab/power")
    os.sync()
    building.rename(target)
