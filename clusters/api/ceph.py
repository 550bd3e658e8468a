"""How a cluster's Ceph is, as last read. Sizes are bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from clusters.api.base import OfCluster
from clusters.api.fields import Answer
from clusters.api.problems import Problem
from clusters.ceph import COMPONENT, CephState, Check, Osd, Pool, judge
from clusters.ceph.rules import advice_of
from clusters.models import CephReading, Component, HealthState

_EXAMPLE: dict[str, Any] = {
    "taken_at": "2026-01-01T12:00:00Z",
    "age_seconds": 42,
    "origin": "toolbox",
    "error": "",
    "fsid": "4d1fa7b1-5a6f-4bfc-bb7d-6b2a8f0e8f51",
    "health": "HEALTH_WARN",
    "state": "degraded",
    "reason": "HEALTH_WARN; OSD_DOWN: 1 osds down",
    "advice": ["See the host and disk of the OSDs that are down ..."],
    "checks": [
        {
            "code": "OSD_DOWN",
            "severity": "HEALTH_WARN",
            "message": "1 osds down",
            "details": ["osd.2 (root=default,host=worker3) is down"],
            "muted": False,
            "advice": "See the host and disk of the OSDs that are down ...",
        }
    ],
    "slow_ops": 0,
    "capacity": {
        "total_bytes": 3000592982016,
        "used_bytes": 810212302848,
        "free_bytes": 2190380679168,
        "used_percent": 27.0,
        "nearfull_percent": 85.0,
        "full_percent": 95.0,
    },
    "hosts": [
        {
            "name": "worker3",
            "up": 0,
            "inside": 1,
            "osds": [
                {
                    "id": 2,
                    "up": False,
                    "inside": True,
                    "device_class": "ssd",
                    "size_bytes": 1000197660672,
                    "used_bytes": 270070767616,
                    "free_bytes": 730126893056,
                    "placement_groups": 97,
                }
            ],
        }
    ],
    "mons": [{"name": "a", "in_quorum": True}],
    "manager": "a",
    "standbys": 1,
    "placement_groups": {"total": 97, "clean": 0, "states": {"active+undersized+degraded": 97}},
    "pools": [
        {
            "name": "ceph-blockpool",
            "size": 3,
            "min_size": 2,
            "failure_domain": "host",
            "erasure_coded": False,
            "stored_bytes": 270070767616,
            "used_bytes": 810212302848,
            "available_bytes": 620000000000,
        }
    ],
    "versions": {"osd": {"17.2.6 quincy": 3}},
    "flags": [],
    "unread": {},
}
SEVERITIES = ("HEALTH_WARN", "HEALTH_ERR")


class CephCheckSerializer(Answer):
    """A health check that Ceph raises."""

    code = serializers.CharField(help_text="Ceph's name of it, for example OSD_DOWN.")
    severity = serializers.ChoiceField(SEVERITIES, help_text="How bad it is.")
    message = serializers.CharField(help_text="What is wrong, in Ceph's words.")
    details = serializers.ListField(child=serializers.CharField(), help_text="A line for each thing; at most 20.")
    muted = serializers.BooleanField(help_text="Somebody has muted it, so it does not count in the health.")
    advice = serializers.CharField(allow_blank=True, help_text="What to do; empty for checks that are not known.")
    EXAMPLES = _EXAMPLE["checks"][0]


class CephCapacitySerializer(Answer):
    """Raw capacity of the OSDs that are in: three replicas of a byte take three bytes."""

    total_bytes = serializers.IntegerField(help_text="All of it, in bytes.")
    used_bytes = serializers.IntegerField(help_text="What is used, in bytes.")
    free_bytes = serializers.IntegerField(help_text="What is left, in bytes.")
    used_percent = serializers.FloatField(help_text="What is used, in per cent; 0 where the total is not known.")
    nearfull_percent = serializers.FloatField(help_text="Per cent. An OSD that is fuller raises a warning.")
    full_percent = serializers.FloatField(help_text="Per cent. An OSD that is fuller stops all writing.")
    EXAMPLES = _EXAMPLE["capacity"]


class CephOsdSerializer(Answer):
    """A disk's daemon."""

    id = serializers.IntegerField(help_text="Its number.")
    up = serializers.BooleanField(help_text="Its daemon runs.")
    inside = serializers.BooleanField(help_text="It is given data. One that is out is being emptied.")
    device_class = serializers.CharField(allow_blank=True, help_text="hdd, ssd or nvme.")
    size_bytes = serializers.IntegerField(help_text="Its size in bytes; 0 while it is out.")
    used_bytes = serializers.IntegerField(help_text="What is used, in bytes.")
    free_bytes = serializers.IntegerField(help_text="What is left, in bytes.")
    placement_groups = serializers.IntegerField(help_text="How many placement groups it holds a copy of.")
    EXAMPLES = _EXAMPLE["hosts"][0]["osds"][0]


class CephHostSerializer(Answer):
    """A host's disks."""

    name = serializers.CharField(allow_blank=True, help_text="Empty for OSDs that have no place yet.")
    up = serializers.IntegerField(help_text="How many of its OSDs run.")
    inside = serializers.IntegerField(help_text="How many of its OSDs are given data.")
    osds = CephOsdSerializer(many=True, help_text="The daemons of its disks.")
    EXAMPLES = _EXAMPLE["hosts"][0]


class CephMonitorSerializer(Answer):
    """A monitor. More than half of them must agree, or all storage stands still."""

    name = serializers.CharField(help_text="Its name.")
    in_quorum = serializers.BooleanField(help_text="Whether it agrees with the others.")
    EXAMPLES = _EXAMPLE["mons"][0]


class CephGroupsSerializer(Answer):
    """Placement groups: the pieces in which Ceph keeps data."""

    total = serializers.IntegerField(help_text="How many there are.")
    clean = serializers.IntegerField(help_text="How many are active+clean: all copies are where they belong.")
    states = serializers.DictField(child=serializers.IntegerField(), help_text="How many are in each state.")
    EXAMPLES = _EXAMPLE["placement_groups"]


class CephPoolSerializer(Answer):
    """A pool."""

    name = serializers.CharField(help_text="Its name.")
    size = serializers.IntegerField(help_text="How many copies (or chunks) of each object it keeps.")
    min_size = serializers.IntegerField(help_text="How many of them there must be at least, or nothing can be written.")
    failure_domain = serializers.CharField(help_text="Each copy is on one of its own: host, osd, rack.")
    erasure_coded = serializers.BooleanField(help_text="Whether it keeps chunks instead of copies.")
    stored_bytes = serializers.IntegerField(help_text="The users' data, in bytes.")
    used_bytes = serializers.IntegerField(help_text="Raw, with all copies, in bytes.")
    available_bytes = serializers.IntegerField(help_text="Data that can still be stored, in bytes.")
    EXAMPLES = _EXAMPLE["pools"][0]


class CephSerializer(Answer):
    """How Ceph is. Read from Rook's resource alone, it knows no OSDs, monitors, pools and placement groups."""

    taken_at = serializers.DateTimeField(help_text="When Ceph said this.")
    age_seconds = serializers.IntegerField(help_text="How long ago, in seconds.")
    origin = serializers.ChoiceField(CephReading.Source.choices, help_text="Ceph's toolbox, or Rook's resource alone.")
    error = serializers.CharField(allow_blank=True, help_text="Why the last try did not reach the toolbox.")
    fsid = serializers.CharField(allow_blank=True, help_text="Ceph's id of the cluster.")
    health = serializers.CharField(allow_blank=True, help_text="HEALTH_OK, HEALTH_WARN, HEALTH_ERR; empty at first.")
    state = serializers.ChoiceField(HealthState.choices, help_text="In the words of components; unknown when too old.")
    reason = serializers.CharField(allow_blank=True, help_text="Why it is not healthy.")
    advice = serializers.ListField(child=serializers.CharField(), help_text="What to do, the worst first.")
    checks = CephCheckSerializer(many=True, help_text="Health checks that Ceph raises.")
    slow_ops = serializers.IntegerField(help_text="How many requests have waited too long.")
    capacity = CephCapacitySerializer(help_text="Raw capacity.")
    hosts = CephHostSerializer(many=True, help_text="The storage hosts with their disks.")
    mons = CephMonitorSerializer(many=True, help_text="The monitors.")
    manager = serializers.CharField(allow_blank=True, help_text="The active one; empty where none is.")
    standbys = serializers.IntegerField(help_text="How many managers would take over.")
    placement_groups = CephGroupsSerializer(help_text="The pieces in which Ceph keeps data.")
    pools = CephPoolSerializer(many=True, help_text="The pools.")
    versions = serializers.DictField(
        child=serializers.DictField(child=serializers.IntegerField()),
        help_text="{kind of daemon: {version: how many run it}}.",
    )
    flags = serializers.ListField(child=serializers.CharField(), help_text="Flags of the cluster, such as noout.")
    unread = serializers.DictField(child=serializers.CharField(), help_text="{command: why it gave nothing}.")
    EXAMPLES = _EXAMPLE


class Ceph(OfCluster):
    """The storage of a cluster."""

    queryset = CephReading.objects.all()
    pagination_class = None

    @extend_schema(
        summary="Read how Ceph is",
        responses=CephSerializer,
        examples=[OpenApiExample("An OSD is down", value=_EXAMPLE, response_only=True)],
    )
    def read(self, request: Request, **_: str) -> Response:
        """As last read, which happens every few minutes and whenever Rook tells of a change.

        The operation `ceph-status` reads it now. 404 where Ceph is not installed or has not been read yet.
        """
        reading = self.get_queryset().first()
        if reading is None:
            raise self._none()
        return Response(shown(reading))

    def _none(self) -> Problem:
        row = Component.objects.filter(cluster=self.cluster, name=COMPONENT).first()
        if row is None or row.state == HealthState.ABSENT:
            return Problem(
                "not-found",
                f"Ceph is not installed on {self.cluster.name}.",
                hint="Install it: `3kctl deploy install ceph`.",
            )
        return Problem(
            "not-found",
            f"Ceph on {self.cluster.name} has not been read yet.",
            hint="Read it now with an operation `ceph-status`, or wait for the next health check.",
        )


def shown(reading: CephReading) -> dict[str, Any]:
    """A reading as `CephSerializer` describes it, judged at this moment."""
    now = timezone.now()
    state = CephState.from_json(reading.state)
    verdict = judge(state, now)
    return {
        "taken_at": reading.taken_at,
        "age_seconds": max(0, round((now - reading.taken_at).total_seconds())),
        "origin": reading.source,
        "error": reading.error,
        "fsid": state.fsid,
        "health": state.health,
        "state": verdict.state,
        "reason": verdict.reason,
        "advice": list(verdict.advice),
        "checks": [_check(check) for check in state.checks],
        "slow_ops": state.slow_ops,
        "capacity": {
            "total_bytes": state.total,
            "used_bytes": state.used,
            "free_bytes": state.free,
            "used_percent": round(100 * state.used / state.total, 1) if state.total else 0.0,
            "nearfull_percent": round(100 * state.nearfull_ratio, 1),
            "full_percent": round(100 * state.full_ratio, 1),
        },
        "hosts": [
            {
                "name": name,
                "up": sum(osd.up for osd in osds),
                "inside": sum(osd.inside for osd in osds),
                "osds": [_osd(osd) for osd in osds],
            }
            for name, osds in state.hosts.items()
        ],
        "mons": [{"name": mon.name, "in_quorum": mon.active} for mon in state.mons],
        "manager": state.manager,
        "standbys": state.standbys,
        "placement_groups": {"total": state.group_count, "clean": state.clean, "states": state.groups},
        "pools": [_pool(pool) for pool in state.pools],
        "versions": state.versions,
        "flags": list(state.flags),
        "unread": state.unread,
    }


def _check(check: Check) -> Mapping[str, Any]:
    fields = {name: getattr(check, name) for name in ("code", "severity", "message", "muted")}
    return {**fields, "details": list(check.details), "advice": advice_of(check)}


def _osd(osd: Osd) -> Mapping[str, Any]:
    fields = {name: getattr(osd, name) for name in ("id", "up", "inside", "device_class")}
    sizes = {"size_bytes": osd.size, "used_bytes": osd.used, "free_bytes": osd.free}
    return {**fields, **sizes, "placement_groups": osd.groups}


def _pool(pool: Pool) -> Mapping[str, Any]:
    fields = {name: getattr(pool, name) for name in ("name", "size", "min_size", "failure_domain", "erasure_coded")}
    return {**fields, "stored_bytes": pool.stored, "used_bytes": pool.used, "available_bytes": pool.available}
