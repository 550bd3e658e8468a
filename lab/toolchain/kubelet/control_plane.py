"""The API server as a static pod: it ends when its manifest is taken away, and starts when it comes back."""

from __future__ import annotations

import subprocess

from lab.toolchain.common import daemon
from lab.toolchain.kubelet.static_pods import DIRECTORY


def follow() -> None:
    """Make what runs of the API server what its manifest asks for. What kk starts and stops is left alone."""
    if not DIRECTORY.is_dir():
        return
    wanted = (DIRECTORY / "kube-apiserver.yaml").is_file()
    for name in ("kube-apiserver", "kube-apiserver-relay"):
        held = daemon.RUN / f"{name}.held"
        if not (daemon.BOOT / name).is_file() or wanted is not held.is_file():
            continue
        command = daemon.start_command(name) if wanted else daemon.stop_command(name)
        subprocess.run(["sh", "-c", command], check=False)
        if wanted:
            held.unlink()
        else:
            held.touch()
