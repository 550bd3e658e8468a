"""Which Rook goes with which Kubernetes, by Rook's own release notes. Pure."""

from __future__ import annotations

import re

Version = tuple[int, int]
# Rook's minor release: the oldest Kubernetes it takes.
OLDEST_KUBERNETES: dict[Version, Version] = {
    (1, 9): (1, 17),
    (1, 10): (1, 19),
    (1, 11): (1, 21),
    (1, 12): (1, 22),
    (1, 13): (1, 23),
    (1, 14): (1, 25),
    (1, 15): (1, 26),
    (1, 16): (1, 27),
    (1, 17): (1, 28),
    (1, 18): (1, 29),
    (1, 19): (1, 30),
}
NEEDS_MORE: Version = (1, 20)  # from here the CSI drivers are a chart of their own


def minor(text: str) -> Version | None:
    """(major, minor) of ``v1.24.3`` or ``rook-ceph-v1.12.9.tgz``; None where there is no version."""
    found = re.search(r"(?:^|[-v])(\d+)\.(\d+)\.\d", text)
    return (int(found[1]), int(found[2])) if found else None


def against(rook: str, kubernetes: str) -> str:
    """Why this Rook does not go with this Kubernetes; empty where nothing is known against it."""
    chart, cluster = minor(rook), minor(kubernetes)
    if chart is None or cluster is None:
        return f"The versions of Rook ({rook!r}) and Kubernetes ({kubernetes!r}) cannot be told."
    if chart >= NEEDS_MORE:
        return f"Rook {_text(chart)} brings its CSI drivers in a chart of their own, which is not installed here."
    if chart < min(OLDEST_KUBERNETES):
        return f"Rook {_text(chart)} is older than any that is supported here ({_text(min(OLDEST_KUBERNETES))})."
    if cluster < OLDEST_KUBERNETES[chart]:
        fitting = max((one for one, oldest in OLDEST_KUBERNETES.items() if oldest <= cluster), default=None)
        newest = f" Kubernetes {_text(cluster)} goes with Rook up to {_text(fitting)}." if fitting else ""
        return f"Rook {_text(chart)} needs Kubernetes {_text(OLDEST_KUBERNETES[chart])} or later.{newest}"
    return ""


def _text(version: Version) -> str:
    return f"{version[0]}.{version[1]}"


def is_chart(file: str, name: str) -> bool:
    """Whether ``rook-ceph-v1.12.9.tgz`` is the chart `name`, and not one whose name only begins so."""
    return re.fullmatch(re.escape(name) + r"-v?\d.*\.tgz", file) is not None
