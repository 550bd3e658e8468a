"""From the answers of ``ceph ... -f json`` (Ceph 16 to 19) to a `CephState`. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from clusters.ceph.model import FULL_RATIO, NEARFULL_RATIO, TOOLBOX, CephState, Check, Daemon, Osd, Pool

JSON = Any
# The commands whose answers are read, by the name under which `state_from_answers` takes them.
COMMANDS: Mapping[str, tuple[str, ...]] = {
    "status": ("status",),
    "health-detail": ("health", "detail"),
    "osd-tree": ("osd", "tree"),
    "osd-df": ("osd", "df"),
    "osd-dump": ("osd", "dump"),
    "crush-rules": ("osd", "crush", "rule", "dump"),
    "df": ("df",),
    "versions": ("versions",),
    "quorum-status": ("quorum_status",),
    "mgr-stat": ("mgr", "stat"),
}
DETAILS = 20  # lines kept of one check; a big cluster gives thousands
# Flags that every cluster has; the others were set by somebody.
_USUAL = ("sortbitwise", "recovery_deletes", "purged_snapdirs", "pglog_hardlimit")
_ERASURE_CODED = 3  # pg_pool_t::TYPE_ERASURE


class CephAnswerError(ValueError):
    """An answer that is not as Ceph gives it."""

    def __init__(self, command: str, error: Exception) -> None:
        said = f"no field {error}" if isinstance(error, KeyError) else str(error)
        super().__init__(f"`ceph {' '.join(COMMANDS[command])} -f json` answered what cannot be read: {said}")
        self.command = command


def state_from_answers(answers: Mapping[str, JSON], at: datetime, unread: Mapping[str, str] | None = None) -> CephState:
    """The state by the answers to `COMMANDS`, of which all but ``status`` may be missing.

    `unread`: {name of a command: why it gave no answer}. Raises `CephAnswerError`.
    """
    found = _Answers(answers)
    status = found.read("status", lambda said: said)
    if "health-detail" in answers:
        checks = found.read("health-detail", _checks)
    else:
        checks = found.read("status", lambda said: _checks(said["health"]))
    osds = found.read("osd-tree", _osds, ())
    stats = found.read("df", lambda said: said["stats"], {})
    dump = found.read("osd-dump", lambda said: said, {})
    mgrmap = status.get("mgrmap") or {}
    manager = found.read("mgr-stat", lambda said: said, {})
    pgmap = found.read("status", lambda said: said["pgmap"])
    return CephState(
        at=at,
        source=TOOLBOX,
        fsid=str(status.get("fsid", "")),
        health=found.read("status", lambda said: said["health"]["status"]),
        checks=checks,
        total=int(stats.get("total_bytes", pgmap.get("bytes_total", 0))),
        used=int(stats.get("total_used_raw_bytes", pgmap.get("bytes_used", 0))),
        free=int(stats.get("total_avail_bytes", pgmap.get("bytes_avail", 0))),
        osds=tuple(_with_usage(osd, found.read("osd-df", _usage, {})) for osd in osds),
        mons=found.read("quorum-status", _mons, ()) or _mons_of_status(status),
        manager=str(manager.get("active_name", "")) or ("?" if mgrmap.get("available") else ""),
        standbys=int(manager.get("num_standby", mgrmap.get("num_standbys", 0))),
        groups={one["state_name"]: int(one["count"]) for one in pgmap.get("pgs_by_state", [])},
        versions=found.read("versions", _versions, {}),
        pools=found.pools(dump),
        flags=tuple(flag for flag in dump.get("flags_set", ()) if flag not in _USUAL),
        nearfull_ratio=float(dump.get("nearfull_ratio", NEARFULL_RATIO)),
        full_ratio=float(dump.get("full_ratio", FULL_RATIO)),
        unread=dict(unread or {}),
    )


class _Answers:
    """Answers by command, whose faults are told with the command's name."""

    def __init__(self, answers: Mapping[str, JSON]) -> None:
        self.answers = answers

    def read(self, command: str, reader: Any, missing: Any = None) -> Any:
        """What `reader` makes of the answer; `missing` where there is none and that is not None."""
        if command not in self.answers:
            if missing is None:
                raise CephAnswerError(command, ValueError("no answer"))
            return missing
        try:
            return reader(self.answers[command])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CephAnswerError(command, error) from error

    def pools(self, dump: Mapping[str, JSON]) -> tuple[Pool, ...]:
        domains = self.read("crush-rules", _domains, {})
        numbers = self.read("df", lambda said: {one["name"]: one["stats"] for one in said["pools"]}, {})
        return self.read(
            "osd-dump",
            lambda said: tuple(_pool(one, domains, numbers.get(one["pool_name"], {})) for one in said["pools"]),
            (),
        )


def _checks(said: Mapping[str, JSON]) -> tuple[Check, ...]:
    return tuple(
        Check(
            code,
            one["severity"],
            one["summary"]["message"],
            tuple(line["message"] for line in one.get("detail", [])[:DETAILS]),
            bool(one.get("muted")),
        )
        for code, one in said["checks"].items()
    )


def _osds(said: Mapping[str, JSON]) -> tuple[Osd, ...]:
    """OSDs with their host; one that CRUSH has not placed yet has none."""
    host_of = {
        child: node["name"] for node in said["nodes"] if node["type"] == "host" for child in node.get("children", [])
    }
    found = {node["id"]: node for node in [*said["nodes"], *said.get("stray", [])] if node["type"] == "osd"}
    return tuple(
        Osd(
            id=ident,
            host=host_of.get(ident, ""),
            up=node["status"] == "up",
            inside=float(node["reweight"]) > 0,
            device_class=node.get("device_class", ""),
        )
        for ident, node in sorted(found.items())
    )


def _usage(said: Mapping[str, JSON]) -> dict[int, dict[str, int]]:
    return {
        node["id"]: {
            "size": int(node["kb"]) * 1024,
            "used": int(node["kb_used"]) * 1024,
            "free": int(node["kb_avail"]) * 1024,
            "groups": int(node["pgs"]),
        }
        for node in [*said["nodes"], *said.get("stray", [])]
        if node.get("type", "osd") == "osd"
    }


def _with_usage(osd: Osd, usage: Mapping[int, Mapping[str, int]]) -> Osd:
    return Osd(osd.id, osd.host, osd.up, osd.inside, osd.device_class, **usage.get(osd.id, {}))


def _mons(said: Mapping[str, JSON]) -> tuple[Daemon, ...]:
    return tuple(Daemon(mon["name"], mon["name"] in said["quorum_names"]) for mon in said["monmap"]["mons"])


def _mons_of_status(status: Mapping[str, JSON]) -> tuple[Daemon, ...]:
    """The status names only those in quorum."""
    return tuple(Daemon(name, True) for name in status.get("quorum_names", []))


def _versions(said: Mapping[str, JSON]) -> dict[str, dict[str, int]]:
    """{kind: {short version: count}}: ``ceph version 16.2.15 (618f...) pacific (stable)`` is ``16.2.15 pacific``."""
    found: dict[str, dict[str, int]] = {}
    for kind, counts in said.items():
        for text, count in counts.items():
            if kind != "overall":
                short = short_version(text)
                found.setdefault(kind, {})[short] = found.get(kind, {}).get(short, 0) + int(count)
    return found


def short_version(text: str) -> str:
    words = text.removeprefix("ceph version ").split()
    return " ".join(word for word in words if not word.startswith("(")) or text


def _domains(said: list[Mapping[str, JSON]]) -> dict[int, str]:
    """The failure domain of each CRUSH rule: what its last choosing step chooses."""
    found = {}
    for rule in said:
        chosen = [step["type"] for step in rule["steps"] if str(step.get("op", "")).startswith("choose")]
        found[rule["rule_id"]] = chosen[-1] if chosen else "osd"
    return found


def _pool(said: Mapping[str, JSON], domains: Mapping[int, str], stats: Mapping[str, JSON]) -> Pool:
    return Pool(
        name=said["pool_name"],
        size=int(said["size"]),
        min_size=int(said["min_size"]),
        failure_domain=domains.get(said["crush_rule"], "host"),
        erasure_coded=said["type"] == _ERASURE_CODED,
        stored=int(stats.get("stored", 0)),
        used=int(stats.get("bytes_used", 0)),
        available=int(stats.get("max_avail", 0)),
    )
