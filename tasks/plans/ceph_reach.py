"""Which monitors of an external Ceph the hosts reach, from what ``ceph-monitors.sh`` says. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

WORDS = {
    "closed": "refuses the connection",
    "silent": "does not answer",
    "other": "answers, but not as Ceph does",
}


def lines(monitors: Iterable[Mapping[str, Any]]) -> str:
    """What the script is told: a line for each address and port."""
    return "\n".join(f"{one['address']} {port}" for one in monitors for port in one["ports"])


def unreached(text: str, addresses: Iterable[str]) -> list[str]:
    """For each address where no port greets as Ceph: what its ports say, in words."""
    heard: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for line in text.splitlines():
        words = line.split()
        if len(words) == 3:
            heard[words[0]][words[1]] = words[2]
    found = []
    for address in addresses:
        ports = heard.get(address, {})
        if "ceph" in ports.values():
            continue
        said = ", ".join(f"port {port} {WORDS.get(how, how)}" for port, how in sorted(ports.items()))
        found.append(f"{address} ({said or 'was not asked'})")
    return found
