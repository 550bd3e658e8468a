"""Whether a snapshot of etcd fits the hosts that it would be restored on. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

# Tells of an etcd host what a restoration must know, lines "key=value". Behind the script `etcd`.
READ_MEMBER = r"""PATH=/usr/local/bin:$PATH
of() { sed -n "s/^$1=//p" /etc/etcd.env 2>/dev/null | tail -n 1 | tr -d "\"'"; }
room() {
  path=$1
  while [ ! -d "$path" ]; do path=${path%/*} && path=${path:-/}; done
  df -Pk "$path" | awk 'NR == 2 { print $4 }'
}
data=$(of ETCD_DATA_DIR)
data=${data:-/var/lib/etcd}
printf 'name=%s\npeer=%s\n' "$(of ETCD_NAME)" "$(of ETCD_INITIAL_ADVERTISE_PEER_URLS)"
printf 'version=%s\n' "$(ETCDCTL_API=3 etcdctl version 2>/dev/null | awk 'NR == 1 { print $3 }')"
printf 'room=%s\nstage_room=%s\n' "$(room "$data")" "$(room "$STAGE")"
printf 'peers=%s\n' "$(etcd_at "$(all_urls)" member list 2>/dev/null | awk -F ', ' 'NF { printf "%s ", $4 }')"
"""
# Of a control-plane host: its API server's version, also while the manifest is held.
READ_MASTER = r"""for file in /etc/kubernetes/manifests/kube-apiserver.yaml "$HELD/kube-apiserver.yaml"; do
  [ ! -r "$file" ] || sed -n 's/.*image:.*kube-apiserver:\(v[0-9.]*\).*/\1/p' "$file" | head -n 1
done
"""
KIB = 1024


@dataclass(frozen=True)
class Member:
    """An etcd host as it is now. `room` and `stage_room` are KiB; `peers` are the members that etcd tells of."""

    host: str
    name: str
    peer: str
    version: str
    room: int
    stage_room: int
    peers: tuple[str, ...]


@dataclass(frozen=True)
class Unfit:
    """What speaks against it, and what mends it."""

    message: str
    fix: str
    host: str = ""


def member(host: str, text: str) -> Member:
    """What `READ_MEMBER` has said of `host`."""
    said = dict(line.partition("=")[::2] for line in text.splitlines())
    return Member(
        host,
        said.get("name", ""),
        said.get("peer", ""),
        said.get("version", ""),
        int(said.get("room") or 0),
        int(said.get("stage_room") or 0),
        tuple(said.get("peers", "").split()),
    )


def initial_cluster(members: Iterable[Member]) -> str:
    """The members as etcd's option --initial-cluster takes them."""
    return ",".join(f"{one.name}={one.peer}" for one in members)


def judge(
    members: Sequence[Member],
    kubernetes: Mapping[str, str],
    *,
    size: int,
    etcd_version: str,
    kubernetes_version: str,
    then: Sequence[str],
) -> list[Unfit]:
    """What speaks against restoring a snapshot of `size` bytes, taken of these versions and members; empty for nothing.

    `kubernetes` is the version of the API server by control-plane host. What was not noted of a snapshot is not judged.
    """
    found = [*_layout(members), *_strangers(members), *_room(members, size)]
    for one in members:
        if etcd_version and one.version and _minor(etcd_version) > _minor(one.version):
            found.append(
                Unfit(
                    f"The snapshot is of etcd {etcd_version}, newer than {one.version} on {one.host}.",
                    f"Install etcd {etcd_version} on {one.host} first, or choose an older backup.",
                    one.host,
                )
            )
    for host, version in kubernetes.items():
        if kubernetes_version and version and _minor(version) != _minor(kubernetes_version):
            found.append(
                Unfit(
                    f"The snapshot is of Kubernetes {kubernetes_version}, and {host} has {version}.",
                    f"Choose a backup of {'.'.join(version.split('.')[:2])}, or bring Kubernetes to "
                    f"{kubernetes_version} on all control-plane hosts first.",
                    host,
                )
            )
    now = {one.peer for one in members}
    if then and not now & set(then):
        found.append(
            Unfit(
                f"None of the members of then is one of now: {', '.join(then)}.",
                "It is the snapshot of another etcd; choose another backup.",
            )
        )
    return found


def _layout(members: Sequence[Member]) -> Iterable[Unfit]:
    for one in members:
        if not (one.name and one.peer and one.version):
            yield Unfit(
                f"etcd on {one.host} is not laid out as kk does it: /etc/etcd.env or etcdctl is missing.",
                "Only such an etcd is restored by this operation. Let kk set up the host, or follow etcd's own manual.",
                one.host,
            )


def _strangers(members: Sequence[Member]) -> Iterable[Unfit]:
    """An etcd that answers must have the registered members: one that is left out would go on with the data of now."""
    known = {one.peer for one in members}
    if strangers := sorted({peer for one in members for peer in one.peers} - known):
        yield Unfit(
            f"etcd has members that are not registered: {', '.join(strangers)}.",
            "Register these hosts, or remove them from etcd: etcdctl member remove ID.",
        )


def _room(members: Sequence[Member], size: int) -> Iterable[Unfit]:
    # The staged snapshot, and a data directory of about its size beside the old one.
    need = 2 * size // KIB + 64 * KIB
    for one in members:
        if (left := min(one.room, one.stage_room)) < need:
            yield Unfit(
                f"{one.host} has {left} KiB left for etcd's data; the restoration may take {need} KiB.",
                "Make room there, for example by removing old /var/lib/etcd/member.before-restore-*.",
                one.host,
            )


def _minor(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])
