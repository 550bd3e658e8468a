"""What speaks against taking OSDs away. Pure: an empty list of refusals means that nothing known does.

Removing is: mark out, wait until the data has moved, stop, purge. `removal_refusals` is asked before the first,
`purge_refusals` before the last.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from clusters.ceph.model import TOOLBOX, CephState, Osd, is_clean
from clusters.ceph.rules import STALE

# With these set, data does not move off an OSD that is out.
HOLDING = ("norebalance", "nobackfill", "norecover", "pauserd", "pausewr")
# In these, data is at risk already; an OSD that is taken away could be the one that holds the last copy.
AT_RISK = ("OBJECT_UNFOUND", "PG_DAMAGED", "PG_AVAILABILITY", "OSD_FULL", "OSD_BACKFILLFULL", "PG_BACKFILL_FULL")


def removal_refusals(state: CephState, osd_ids: Collection[int], now: datetime | None = None) -> list[str]:
    """Why the OSDs must not be removed, each with what to do; empty where they may.

    `now`, where given, refuses a reading that is too old. An OSD that is down already may be removed while its
    copies are missing, even where no other host could take them, so that a failed disk can be replaced.
    """
    asked = sorted(set(osd_ids))
    if refusals := _unknown(state, asked, now):
        return refusals
    going = [osd for osd in state.osds if osd.id in asked]
    staying = [osd for osd in state.osds if osd.id not in asked and osd.inside]
    refusals = [*_trouble(state, asked), *_unclean(state, going, staying)]
    refusals += _redundancy(state, going, staying)
    # Copies for which there is no place anyhow need no room.
    moving = going if _places_enough(state, staying) else [osd for osd in going if osd.up]
    refusals += _room(state, moving, staying)
    return refusals


def purge_refusals(state: CephState, osd_ids: Collection[int], now: datetime | None = None) -> list[str]:
    """Why OSDs that are out must not be purged yet; empty where nothing is on them that Ceph could still take over."""
    asked = sorted(set(osd_ids))
    if refusals := _unknown(state, asked, now):
        return refusals
    going = [osd for osd in state.osds if osd.id in asked]
    for osd in going:
        if osd.inside:
            refusals.append(f"osd.{osd.id} is still in. Mark it out first and wait until its data has moved.")
        elif osd.groups:
            refusals.append(f"osd.{osd.id} still holds {osd.groups} placement groups. Wait until they have moved.")
    staying = [osd for osd in state.osds if osd.id not in asked and osd.inside]
    lost = all(not osd.up for osd in going) and not _places_enough(state, staying)
    return [*refusals, *(_unclean(state, going, staying) if lost else _unclean(state, [], staying))]


def _unknown(state: CephState, asked: list[int], now: datetime | None) -> list[str]:
    """Why nothing can be said of these OSDs."""
    if state.source != TOOLBOX:
        return ["The OSDs are not known: Rook's resource does not tell of them. Start the toolbox rook-ceph-tools."]
    if now is not None and (now - state.at).total_seconds() > STALE:
        minutes = (now - state.at).total_seconds() / 60
        return [f"The state of Ceph is {minutes:.0f} min old. Read it again with `ceph-status`."]
    missing = [name for name in ("osd-tree", "osd-df", "osd-dump", "crush-rules") if name in state.unread]
    if missing:
        return [f"Ceph did not answer {', '.join(missing)}: {state.unread[missing[0]]}. Try again."]
    known = {osd.id for osd in state.osds}
    if unknown := [one for one in asked if one not in known]:
        have = ", ".join(f"osd.{one}" for one in sorted(known)) or "none"
        return [f"There is no {_names(unknown)}; the cluster has {have}."]
    return [] if asked else ["No OSD is named."]


def _trouble(state: CephState, asked: list[int]) -> list[str]:
    found = [
        f"{check.code}: {check.message}. Mend that first: data is at risk already."
        for check in state.checks
        if check.code in AT_RISK
    ]
    flags = [flag for flag in state.flags if flag in HOLDING]
    if flags:
        found.append(f"The flag {', '.join(flags)} is set, so data does not move. `ceph osd unset` it first.")
    down = [osd for osd in state.osds if osd.inside and not osd.up and osd.id not in asked]
    if down:
        named = ", ".join(f"osd.{osd.id} on {osd.host}" for osd in down)
        found.append(f"{named} is down as well. Bring it back first, or remove it first.")
    return found


def _unclean(state: CephState, going: list[Osd], staying: list[Osd]) -> list[str]:
    """Placement groups that lack something, unless the lack is just that one of `going` is down."""
    if not state.group_count:
        return ["The states of the placement groups are not known. Try again when a manager runs."]
    if state.clean == state.group_count:
        return []
    lost = any(not osd.up for osd in going) and all(osd.up for osd in staying)
    missing = {"active", "clean", "undersized", "degraded", "remapped", "scrubbing", "deep"}
    states = [name for name in state.groups if not is_clean(name)]
    if lost and all("active" in name.split("+") and set(name.split("+")) <= missing for name in states):
        return []
    return [_unclean_text(state)]


def _unclean_text(state: CephState) -> str:
    bad = state.group_count - state.clean
    named = ", ".join(f"{count} {name}" for name, count in sorted(state.groups.items()) if not is_clean(name))
    return f"{bad} of {state.group_count} placement groups are not active+clean ({named or 'none is known'}). Wait."


def _places(osds: list[Osd]) -> dict[str, list[str]]:
    """Failure domains with an OSD that runs, by their kind."""
    running = [osd for osd in osds if osd.up and osd.inside]
    return {"host": sorted({osd.host for osd in running}), "osd": [f"osd.{osd.id}" for osd in running]}


def _places_enough(state: CephState, staying: list[Osd]) -> bool:
    """Whether every pool finds a place for each of its copies."""
    places = _places(staying)
    return all(len(places.get(pool.failure_domain, ())) >= pool.size for pool in state.pools)


def _redundancy(state: CephState, going: list[Osd], staying: list[Osd]) -> list[str]:
    """Pools that would have fewer failure domains left than copies, and fewer than now."""
    places, now = _places(staying), _places([*staying, *going])
    found = []
    for pool in state.pools:
        left = places.get(pool.failure_domain)
        if left is None:
            found.append(
                f"The pool {pool.name} spreads its copies over each {pool.failure_domain}, which is not known here. "
                "Remove the OSD by hand."
            )
        elif len(left) < min(pool.size, len(now[pool.failure_domain])):
            what = "chunks" if pool.erasure_coded else "copies"
            found.append(
                f"The pool {pool.name} keeps {pool.size} {what}, each on {_article(pool.failure_domain)} of its own. "
                f"Without {_names(osd.id for osd in going)} there would be {len(left)}: {', '.join(left) or 'none'}. "
                f"Add {_article(pool.failure_domain)} with a disk first."
            )
    return found


def _room(state: CephState, going: list[Osd], staying: list[Osd]) -> list[str]:
    """Where the data would not fit any more below the ratio at which Ceph calls an OSD nearly full."""
    limit, found = state.nearfull_ratio, []
    size, used = sum(osd.size for osd in staying), sum(osd.used for osd in [*staying, *going])
    if size and used > limit * size:
        found.append(_too_full("the cluster", used, size, limit))
    hosts = {osd.host for osd in staying}
    widest = max((pool.size for pool in state.pools if pool.failure_domain == "host"), default=0)
    # With as many hosts as copies each host holds one copy of everything: what leaves a disk stays on its host.
    if len(hosts) <= widest:
        for host in sorted({osd.host for osd in going} & hosts):
            size = sum(osd.size for osd in staying if osd.host == host)
            used = sum(osd.used for osd in [*staying, *going] if osd.host == host)
            if size and used > limit * size:
                found.append(_too_full(f"the host {host}, which keeps a copy of everything,", used, size, limit))
    return found


def _too_full(what: str, used: int, size: int, limit: float) -> str:
    return (
        f"Then {what} would be {used / size:.0%} full ({used / 2**30:.1f} of {size / 2**30:.1f} GiB); "
        f"the limit is {limit:.0%}. Add disks or delete data first."
    )


def _names(ids: Iterable[int]) -> str:
    return ", ".join(f"osd.{one}" for one in ids)


def _article(domain: str) -> str:
    return f"an {domain}" if domain[:1] in "aeio" else f"a {domain}"
