"""The disks of storage hosts: what `scripts/disks.sh` said of them, and which of them Ceph may have and gets. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from tasks.plan import JSON
from tasks.plans.facts import SMALLEST_RAW_DISK, FactsIncomplete

OSD_SIGNATURE = "ceph_bluestore"
# Which of udev's links names a disk best: those that follow the hardware before those of the transport.
LINKS = ("wwn-", "nvme-eui.", "nvme-", "scsi-", "ata-", "virtio-")
USE, KEEP, WIPE, REFUSE = "use", "keep", "wipe", "no"


@dataclass(frozen=True)
class Disk:
    """One whole disk. `size` is in bytes; `partitions` and `holders` are "name what"; `label` is its OSD's UUID."""

    host: str
    name: str
    size: int = 0
    rotational: bool = False
    read_only: bool = False
    removable: bool = False
    model: str = ""
    serial: str = ""
    links: tuple[str, ...] = ()
    claimed: tuple[str, ...] = ()
    partitions: tuple[str, ...] = ()
    signatures: tuple[str, ...] = ()
    mounts: tuple[str, ...] = ()
    swaps: tuple[str, ...] = ()
    holders: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    label: str = ""

    @property
    def path(self) -> str:
        """The stable path by which the disk is named; empty where udev made none."""

        def rank(link: str) -> tuple[int, str]:
            name = link.rsplit("/", 1)[-1]
            return next((n for n, start in enumerate(LINKS) if name.startswith(start)), len(LINKS)), link

        return min(self.links, key=rank, default="")

    def used_by(self, cluster: str) -> bool:
        """Whether this cluster's Ceph was given the disk, and nothing but Ceph is on it."""
        alone = not (self.partitions or self.mounts or self.swaps) and set(self.signatures) <= {OSD_SIGNATURE}
        return cluster in self.claimed and alone and bool(self.signatures or not self.data)

    @property
    def in_use(self) -> tuple[str, ...]:
        """What speaks against the disk even where its content may be lost."""
        return (
            *(f"is mounted on {place}" for place in self.mounts),
            *(f"serves as swap ({place})" for place in self.swaps),
            *(f"is held by {holder}" for holder in self.holders),
            *(["is read-only"] if self.read_only else []),
            *(f"cannot be read ({what})" for what in self.unreadable),
        )

    @property
    def unfit(self) -> tuple[str, ...]:
        """What no wiping changes, besides use."""
        return (
            *(["is removable"] if self.removable else []),
            *([f"is smaller than {_size(SMALLEST_RAW_DISK)}"] if self.size < SMALLEST_RAW_DISK else []),
            *(["has no stable path in /dev/disk/by-id"] if not self.path else []),
            *(["tells no serial number"] if not self.serial else []),
        )

    @property
    def content(self) -> tuple[str, ...]:
        """What lies on the disk."""
        known = [
            *(f"has the partition {part}" for part in self.partitions),
            *(f"carries {signature}" for signature in self.signatures),
        ]
        return tuple(known or [f"is not empty ({place})" for place in self.data])

    @property
    def against(self) -> tuple[str, ...]:
        """Every reason why Ceph must not have it; none means that it is eligible."""
        return (*self.in_use, *self.content, *self.unfit)


def taken_over(disk: Disk, cluster: str, former: Collection[str]) -> Disk:
    """The disk, where a claim of one of the cluster's `former` ids counts as its own."""
    return replace(disk, claimed=tuple(cluster if one in former else one for one in disk.claimed))


@dataclass(frozen=True)
class Wanted:
    """A disk that somebody named. `serial` is empty where only the path was given."""

    host: str
    disk: str
    serial: str = ""

    @classmethod
    def of(cls, given: Mapping[str, JSON]) -> Wanted:
        return cls(str(given["host"]), str(given["disk"]), str(given.get("serial", "")))


@dataclass(frozen=True)
class Verdict:
    """What becomes of a disk: use, keep (Ceph has it already), wipe (and use), or no, for `reasons`."""

    disk: Disk
    use: str
    reasons: tuple[str, ...] = ()

    def to_json(self) -> dict[str, JSON]:
        disk = self.disk
        return {
            "host": disk.host,
            "disk": disk.path or f"/dev/{disk.name}",
            "device": f"/dev/{disk.name}",
            "size": disk.size,
            "rotational": disk.rotational,
            "model": disk.model,
            "serial": disk.serial,
            "content": list(disk.content),
            "use": self.use,
            "reasons": list(self.reasons),
        }


class DiskRefused(ValueError):
    """A disk that was named may not be used. `host` has it."""

    def __init__(self, message: str, fix: str, host: str) -> None:
        super().__init__(message)
        self.message, self.fix, self.host = message, fix, host


def parse(host: str, report: str) -> tuple[Disk, ...]:
    """The disks in a host's report. Raises `FactsIncomplete` for one that was cut off."""
    disks: list[Disk] = []
    said: defaultdict[str, list[str]] = defaultdict(list)
    for key, _, value in (line.partition("=") for line in report.splitlines()):
        if key in ("disk", "end"):
            if said["disk"]:
                disks.append(_disk(host, said))
            said.clear()
            if key == "end":
                return tuple(disks)
        said[key].append(value.strip())
    raise FactsIncomplete(f"the report of the disks of {host} is not complete")


def _disk(host: str, said: Mapping[str, list[str]]) -> Disk:
    def one(key: str) -> str:
        return said[key][0] if said[key] else ""

    def all_of(key: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(said[key]))

    return Disk(
        host=host,
        name=one("disk"),
        size=int(one("size") or 0),
        rotational=one("rotational") == "1",
        read_only=one("read_only") == "1",
        removable=one("removable") == "1",
        model=one("model"),
        serial=one("serial"),
        links=all_of("by_id"),
        claimed=all_of("claimed"),
        partitions=all_of("partition"),
        signatures=all_of("signature"),
        mounts=all_of("mount"),
        swaps=all_of("swap"),
        holders=all_of("holder"),
        data=all_of("data"),
        unreadable=all_of("unreadable"),
        label=one("label"),
    )


def choose(
    disks: Sequence[Disk], cluster: str, wanted: Sequence[Wanted] = (), wipe: Sequence[Wanted] = ()
) -> tuple[Verdict, ...]:
    """What becomes of each disk of the storage hosts.

    Without `wanted` every eligible disk is used; disks in `wipe` are used as well. What Ceph has it keeps. Raises
    `DiskRefused` where a disk that was named must not be taken.
    """
    verdicts = {
        (disk.host, disk.name): Verdict(disk, KEEP)
        if disk.used_by(cluster)
        else Verdict(disk, REFUSE, disk.against)
        if disk.against
        else Verdict(disk, USE)
        for disk in disks
    }
    wiped = {}
    for one in wipe:
        disk = find(disks, one)
        if disk.used_by(cluster):
            continue  # an earlier run has wiped it and given it to Ceph
        if reasons := (*disk.in_use, *disk.unfit):
            raise DiskRefused(
                f"{_named(disk)} is not wiped: it {', it '.join(reasons)}.", "Free it, or name another disk.", disk.host
            )
        wiped[disk.host, disk.name] = Verdict(disk, WIPE if disk.content else USE, disk.content)
    named = {(disk.host, disk.name): disk for disk in (find(disks, one) for one in wanted)}
    for key, disk in named.items():
        if key not in wiped and verdicts[key].use == REFUSE:
            raise DiskRefused(
                f"{_named(disk)} is not used: it {', it '.join(disk.against)}.",
                "Name another disk; one whose content may be lost is named in `wipe` with its serial number.",
                disk.host,
            )
    if wanted:
        for key, verdict in verdicts.items():
            if verdict.use == USE and key not in named:
                verdicts[key] = replace(verdict, use=REFUSE, reasons=("was not asked for",))
    return tuple({**verdicts, **wiped}.values())


def find(disks: Iterable[Disk], one: Wanted) -> Disk:
    """The disk that was named. Raises `DiskRefused` where the host has none such, or its serial number differs."""
    fix = "`3kctl deploy install ceph --plan` lists the disks with their stable paths and serial numbers."
    for disk in disks:
        if disk.host == one.host and one.disk in disk.links:
            if one.serial and one.serial != disk.serial:
                raise DiskRefused(
                    f"{_named(disk)} has the serial number {disk.serial!r}, not {one.serial!r}.", fix, disk.host
                )
            return disk
    raise DiskRefused(f"{one.host} has no disk {one.disk}.", fix, one.host)


def _named(disk: Disk) -> str:
    return f"{disk.path or '/dev/' + disk.name} of {disk.host}"


def _size(count: int) -> str:
    return f"{count >> 30} GiB"
