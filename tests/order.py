"""The order in which the files of tests are given to the processes: those that take minutes first.

Else one of them is left over at the end, and the other processes wait for it.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from xdist.scheduler import LoadFileScheduling

PAGES = "tests/web/"
LONG = (
    *(PAGES, "tests/main_job/", "tests/sanqian_service/test_up", "tests/rotate/", "tests/ceph/", "tests/chaos/"),
    *("tests/fuzz/", "tests/upkeep/", "tests/backup/", "tests/imports/"),
)


class LongestFirst(LoadFileScheduling):  # type: ignore[misc]
    """xdist's, whose own order is by the number of a file's tests."""

    _ordered = False

    def _split_scope(self, nodeid: str) -> str:
        """Pages are tested in one process: with one web server, and one browser."""
        return PAGES if nodeid.startswith(PAGES) else super()._split_scope(nodeid)

    def _assign_work_unit(self, node: Any) -> None:
        if not self._ordered:
            self._ordered = True
            self.workqueue = OrderedDict(sorted(self.workqueue.items(), key=lambda one: _place(one[0])))
        super()._assign_work_unit(node)


def _place(file: str) -> int:
    return next((number for number, prefix in enumerate(LONG) if file.startswith(prefix)), len(LONG))
