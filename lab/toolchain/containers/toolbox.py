"""``ceph`` in Rook's toolbox, SIMULATED: it reads what the simulated cluster is, and marks OSDs as out or purged."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import Any

from lab.toolchain.apiserver.store import Key, Store
from lab.toolchain.common.objects import Obj
from lab.toolchain.containers import ceph_answers, ceph_scene
from lab.toolchain.containers.ceph_scene import MARKS, Scene, marks_of
from lab.toolchain.containers.ended import Ended

# Options that take a word; all else that begins with a dash stands alone.
_WITH_WORD = ("-f", "--format", "-c", "--conf", "--connect-timeout", "-n", "--name", "--id")
READING: dict[str, Callable[[Scene], Any]] = {
    "status": ceph_answers.status,
    "health": ceph_answers.health_summary,
    "health detail": ceph_answers.health_detail,
    "osd tree": ceph_answers.osd_tree,
    "osd df": ceph_answers.osd_df,
    "osd ls": ceph_answers.osd_ls,
    "osd dump": ceph_answers.osd_dump,
    "osd crush rule dump": ceph_answers.crush_rules,
    "df": ceph_answers.df,
    "versions": ceph_answers.versions,
    "quorum_status": ceph_answers.quorum_status,
    "mgr stat": ceph_answers.mgr_stat,
}
_NO_QUORUM = "timed out\n"


def ceph(store: Store, pod: Obj, argv: Sequence[str]) -> Ended:
    words, options = _parsed(argv)
    scene = ceph_scene.look(store, pod["metadata"]["namespace"])
    if "--version" in options or words == ["version"]:
        return Ended(f"ceph version {scene.version if scene else '?'} (SIMULATED)\n")
    if scene is None or not scene.quorum:
        return Ended("", _NO_QUORUM, 1)
    text = " ".join(words)
    if text == "-s":
        text = "status"
    if text in READING:
        return Ended(_shown(READING[text](scene)))
    if text.startswith("osd safe-to-destroy "):
        return _safe_to_destroy(scene, _ids(words[2:]))
    change = next((do for prefix, do in CHANGES.items() if text.startswith(f"{prefix} ")), None)
    if change is None:
        return Ended("", f"no valid command found: {text} (SIMULATED: it knows {', '.join(READING)})\n", 22)
    return change(store, scene, words[2:], options)


def _parsed(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """(words, options without their values). ``-s`` is a word."""
    words, options, skip = [], [], False
    for word in argv:
        if skip:
            skip = False
        elif word in _WITH_WORD:
            options.append(word)
            skip = True
        elif word.startswith("-") and word != "-s":
            options.append(word)
        else:
            words.append(word)
    return words, options


def _shown(answer: Any) -> str:
    return f"\n{json.dumps(answer)}\n"


def _ids(words: Sequence[str]) -> list[int]:
    """``osd.3`` or ``3``."""
    numbers = [word.removeprefix("osd.") for word in words]
    return [int(number) for number in numbers if number.isdigit()]


def _safe_to_destroy(scene: Scene, ids: list[int]) -> Ended:
    answer = ceph_answers.safe_to_destroy(scene, ids)
    if answer["active"]:
        named = ",".join(map(str, answer["active"]))
        return Ended("", f"Error EBUSY: OSD(s) {named} have pgs currently mapped to them.\n", 16)
    return Ended(_shown(answer), f"OSD(s) {','.join(map(str, ids))} are safe to destroy without reducing data safety\n")


def _mark(store: Store, scene: Scene, change: Callable[[dict[str, Any]], None]) -> None:
    metadata = scene.cluster["metadata"]

    def put(cluster: Obj) -> None:
        marks = marks_of(cluster)
        change(marks)
        cluster["metadata"].setdefault("annotations", {})[MARKS] = json.dumps(marks)

    store.modify(Key(ceph_scene.GROUP, "cephclusters", metadata["namespace"], metadata["name"]), put)


def _out(store: Store, scene: Scene, words: list[str], options: list[str]) -> Ended:
    def change(marks: dict[str, Any]) -> None:
        out = marks.setdefault("out", {})
        for one in _ids(words):
            out.setdefault(str(one), time.time())

    _mark(store, scene, change)
    return Ended("", "".join(f"marked out osd.{one}. \n" for one in _ids(words)))


def _in(store: Store, scene: Scene, words: list[str], options: list[str]) -> Ended:
    def change(marks: dict[str, Any]) -> None:
        for one in _ids(words):
            marks.get("out", {}).pop(str(one), None)

    _mark(store, scene, change)
    return Ended("", "".join(f"marked in osd.{one}. \n" for one in _ids(words)))


def _purge(store: Store, scene: Scene, words: list[str], options: list[str]) -> Ended:
    ids = _ids(words)
    if "--yes-i-really-mean-it" not in options:
        said = (
            "Error EPERM: Are you SURE?  Did you verify with 'ceph osd safe-to-destroy'?  This will PERMANENTLY DESTROY"
        )
        return Ended("", f"{said} all data on this OSD. Pass --yes-i-really-mean-it if you are.\n", 1)
    up = [osd.id for osd in scene.osds if osd.id in ids and osd.up]
    if up:
        return Ended("", f"Error EBUSY: osd.{up[0]} is not `down`.\n", 16)

    def change(marks: dict[str, Any]) -> None:
        marks["purged"] = sorted({*marks.get("purged", []), *ids})
        for one in ids:
            marks.get("out", {}).pop(str(one), None)

    _mark(store, scene, change)
    return Ended("", "".join(f"purged osd.{one}\n" for one in ids))


def _set(store: Store, scene: Scene, words: list[str], options: list[str]) -> Ended:
    _mark(store, scene, lambda marks: marks.update(flags=sorted({*marks.get("flags", []), *words})))
    return Ended("", f"{','.join(words)} is set\n")


def _unset(store: Store, scene: Scene, words: list[str], options: list[str]) -> Ended:
    _mark(store, scene, lambda marks: marks.update(flags=[f for f in marks.get("flags", []) if f not in words]))
    return Ended("", f"{','.join(words)} is unset\n")


CHANGES: dict[str, Callable[[Store, Scene, list[str], list[str]], Ended]] = {
    "osd out": _out,
    "osd in": _in,
    "osd purge": _purge,
    "osd set": _set,
    "osd unset": _unset,
}
