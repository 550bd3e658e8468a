"""What Rook's prepare and cleanup jobs do on a host, SIMULATED: a label on each disk, and Ceph's directory."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

from lab.toolchain.common.client import Client, path_of
from lab.toolchain.common.objects import Obj
from lab.toolchain.containers.ceph_scene import uuid_of
from lab.toolchain.controllers.ceph_disks import CLEAN, PREPARED, WANTED

LABEL = b"bluestore block device\n"
DIRECTORY = Path("/var/lib/rook")


def reconcile(client: Client, node: Obj) -> None:
    """Do what the node's annotations ask for, and say there what is done."""
    annotations = node["metadata"].get("annotations") or {}
    wanted = json.loads(annotations.get(WANTED) or "[]")
    if annotations.get(CLEAN) and DIRECTORY.is_dir():
        shutil.rmtree(DIRECTORY)
    if wanted:
        (DIRECTORY / "rook-ceph").mkdir(parents=True, exist_ok=True)
    name = node["metadata"]["name"]
    prepared = json.dumps([disk for disk in wanted if _prepare(disk, uuid_of(name, disk))])
    if annotations.get(PREPARED) != prepared:
        client.patch(path_of("", "v1", "nodes", name=name), {"metadata": {"annotations": {PREPARED: prepared}}})


def _prepare(disk: str, ident: str) -> bool:
    """Whether the disk is an OSD's now; one that carries something else is left alone."""
    device = Path(disk if disk.startswith("/") else f"/dev/{disk}")
    if not device.is_block_device():
        return False
    with device.open("rb") as stream:
        if stream.read(len(LABEL)) == LABEL:
            return True
    known = subprocess.run(["wipefs", "-n", str(device)], capture_output=True, check=False)
    if known.returncode or known.stdout.strip():
        return False
    with device.open("r+b") as stream:
        stream.write(LABEL + f"{ident}\nSIMULATED\n".encode())
    return True
