"""Configuration file <-> hosts, role groups and platform settings. Pure: text and dataclasses, no I/O, no ORM."""

from clusters.inventory.checks import LOAD_BALANCERS, validate
from clusters.inventory.mapping import from_mapping, with_settings
from clusters.inventory.model import (
    MAX_HOSTS,
    ROLE_GROUPS,
    Finding,
    HostSpec,
    Inventory,
    Parsed,
    Place,
    Places,
    Platform,
)
from clusters.inventory.parsing import parse, refuse_paths
from clusters.inventory.ranges import RangeError, expand
from clusters.inventory.rendering import render

__all__ = [
    "LOAD_BALANCERS",
    "MAX_HOSTS",
    "ROLE_GROUPS",
    "Finding",
    "HostSpec",
    "Inventory",
    "Parsed",
    "Place",
    "Places",
    "Platform",
    "RangeError",
    "expand",
    "from_mapping",
    "parse",
    "refuse_paths",
    "render",
    "validate",
    "with_settings",
]
