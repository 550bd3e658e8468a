"""What the service itself does in a step: one family a file, found by the names they register."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from tasks.actions.base import ACTIONS, Action


@cache
def _load() -> None:
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")


def find(name: str) -> Action:
    """The action of this name. Raises KeyError where none is registered."""
    _load()
    return ACTIONS[name]()
