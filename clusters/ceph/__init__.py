"""Ceph as it says it is: its own answers read into dataclasses, judged, and asked before an OSD is touched. Pure.

`state_from_answers` reads what ``ceph ... -f json`` says (`COMMANDS`); `state_from_resource` reads Rook's CephCluster
alone, which knows no OSDs. `judge` says how healthy it is and what to do; `removal_refusals` and `purge_refusals` say
what speaks against removing OSDs.
"""

from clusters.ceph.answers import COMMANDS, CephAnswerError, state_from_answers
from clusters.ceph.component import COMPONENT, with_reading
from clusters.ceph.model import CephState, Check, Daemon, Osd, Pool
from clusters.ceph.removal import purge_refusals, removal_refusals
from clusters.ceph.resource import state_from_resource
from clusters.ceph.rules import Verdict, judge

__all__ = [
    "COMMANDS",
    "COMPONENT",
    "CephAnswerError",
    "CephState",
    "Check",
    "Daemon",
    "Osd",
    "Pool",
    "Verdict",
    "judge",
    "purge_refusals",
    "removal_refusals",
    "state_from_answers",
    "state_from_resource",
    "with_reading",
]
