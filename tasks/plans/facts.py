"""What `scripts/facts.sh` said about a host, as JSON (pure). This is what `Node.facts` holds.

Keys: ``cpus`` (int), ``memory_bytes``, ``swap_bytes``, ``kernel``, ``arch`` (as in Go: amd64, arm64),
``os`` {id, like, version, name}, ``hostname``, ``machine_id``, ``boot_id``, ``macs`` {interface: address},
``gpus`` [{slot, name}], ``infiniband`` [str], ``gpu_driver`` (version installed on the host itself, or ""),
``disks`` [{name, path, by_id, type, size (bytes), rotational, read_only, removable, fstype, parttable, mountpoint,
parent, serial, wwn, model, raw}], ``free`` {mount point: bytes}, ``listening`` {port: program},
``residue`` [{kind, what}], ``owner`` (id of the cluster the host was last prepared for), ``tools`` [str],
``reach`` {peer: true | false | null}; the reader adds ``clock_offset`` and ``clock_error`` (seconds).
"""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Mapping, Sequence

from tasks.plan import JSON

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "ppc64le": "ppc64le", "s390x": "s390x"}
SMALLEST_RAW_DISK = 5 << 30


class FactsIncomplete(ValueError):
    """The report ends before its end mark: the script was cut off."""


def lines_of(report: str, what: str) -> defaultdict[str, list[str]]:
    """The values of a report's lines ``key=value``, by key. Raises `FactsIncomplete`, which names `what`."""
    said: defaultdict[str, list[str]] = defaultdict(list)
    for line in report.splitlines():
        key, separator, value = line.partition("=")
        if separator:
            said[key].append(value.strip())
    if "end" not in said:
        raise FactsIncomplete(f"the report of {what} is not complete")
    return said


def parse(report: str) -> dict[str, JSON]:
    """The facts in a report. Raises `FactsIncomplete`."""
    said = lines_of(report, "the host's facts")

    def one(key: str) -> str:
        return said[key][0] if said[key] else ""

    machine = one("machine")
    return {
        "cpus": _int(one("cpus")),
        "memory_bytes": _int(one("memory_kib")) * 1024,
        "swap_bytes": _int(one("swap_kib")) * 1024,
        "kernel": one("kernel"),
        "arch": ARCHITECTURES.get(machine, machine),
        "os": {key: one(f"os_{key}") for key in ("id", "like", "version", "name")},
        "hostname": one("hostname"),
        "machine_id": one("machine_id"),
        "boot_id": one("boot_id"),
        "macs": dict(_pair(value) for value in said["mac"]),
        "gpus": [{"slot": slot, "name": name} for slot, name in map(_pair, said["gpu"])],
        "infiniband": said["infiniband"],
        "gpu_driver": one("gpu_driver"),
        "disks": _disks(said["disk"], dict(_pair(value) for value in reversed(said["by_id"]))),
        "free": {mount: _int(free) * 1024 for free, mount in map(_pair, said["free"])},
        "listening": dict(_pair(value) for value in said["listen"]),
        "residue": [{"kind": kind, "what": what} for kind, what in map(_pair, said["residue"])],
        "owner": one("owner"),
        "tools": said["tool"],
        "uid": _int(one("uid")),
        "reach": {peer: {"yes": True, "no": False}.get(word) for peer, word in map(_pair, said["reach"])},
    }


def _pair(text: str) -> tuple[str, str]:
    first, _, rest = text.partition(" ")
    return first, rest.strip()


def _int(text: str) -> int:
    return int(text) if text.isdigit() else 0


def _disks(lines: Sequence[str], by_id: Mapping[str, str]) -> list[dict[str, JSON]]:
    disks = [_disk(line, by_id) for line in lines]
    parents = {disk["parent"] for disk in disks if disk["parent"]}
    for disk in disks:
        disk["raw"] = (
            disk["type"] in ("disk", "loop", "lvm", "part")
            and disk["name"] not in parents
            and not (disk["fstype"] or disk["parttable"] or disk["mountpoint"])
            and not (disk["read_only"] or disk["removable"])
            and disk["size"] >= SMALLEST_RAW_DISK
        )
    return disks


def _disk(line: str, by_id: Mapping[str, str]) -> dict[str, JSON]:
    """One line of ``lsblk -P``: NAME="sda" SIZE="1000" ..."""
    fields = dict(word.split("=", 1) for word in shlex.split(line) if "=" in word)
    path = fields.get("PATH", "")
    return {
        "name": fields.get("KNAME") or fields.get("NAME", ""),
        "path": path,
        "by_id": by_id.get(path, ""),
        "type": fields.get("TYPE", ""),
        "size": _int(fields.get("SIZE", "")),
        "rotational": fields.get("ROTA") == "1",
        "read_only": fields.get("RO") == "1",
        "removable": fields.get("RM") == "1",
        "fstype": fields.get("FSTYPE", ""),
        "parttable": fields.get("PTTYPE", ""),
        "mountpoint": fields.get("MOUNTPOINT", ""),
        "parent": fields.get("PKNAME", ""),
        "serial": fields.get("SERIAL", ""),
        "wwn": fields.get("WWN", ""),
        "model": fields.get("MODEL", "").strip(),
    }
