"""What a host said when it was asked for Ceph (``ceph-read.sh``): Rook's resource and the toolbox's answers. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from clusters.ceph.answers import CephAnswerError, state_from_answers
from clusters.ceph.model import CephState
from clusters.ceph.resource import state_from_resource

JSON = Any
RESOURCE, STATUS = "resource", "status"


@dataclass(frozen=True)
class Report:
    """`state` is None where Ceph is not `installed` or nothing could be read; `error` says why it is not whole.

    `answers` are the toolbox's own, by the command's name.
    """

    state: CephState | None
    installed: bool = True
    error: str = ""
    answers: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True)
class _Answer:
    name: str
    text: str
    code: int
    said: str


def read_report(text: str, mark: str, now: datetime) -> Report:
    """The state by the toolbox's answers, or by Rook's resource alone where the toolbox does not answer."""
    found = {answer.name: answer for answer in _answers(text, mark)}
    asked = found.get(RESOURCE)
    if asked is None:
        return Report(None, error="the host was cut off while it asked for the CephCluster")
    if asked.code:
        # kubectl's words for a cluster without Rook's definitions.
        absent = "the server doesn't have a resource type" in asked.said or "could not find the requested" in asked.said
        return Report(None, installed=not absent, error="" if absent else f"kubectl: {asked.said or asked.code}")
    try:
        clusters = json.loads(asked.text)["items"]
    except (ValueError, KeyError, TypeError) as error:
        return Report(None, error=f"kubectl answered no list of CephClusters: {error}")
    if not clusters:
        return Report(None, installed=False)
    state, why, answers = _of_the_toolbox(found, now)
    return Report(state or state_from_resource(clusters[0], now), error=why, answers=answers)


def _of_the_toolbox(found: dict[str, _Answer], now: datetime) -> tuple[CephState | None, str, Mapping[str, JSON]]:
    """The state, or why there is none, and the answers that can be read."""
    answers: dict[str, JSON] = {}
    unread: dict[str, str] = {}
    for name, answer in found.items():
        if name == RESOURCE:
            continue
        try:
            answers[name] = json.loads(answer.text)
        except ValueError:
            unread[name] = _why(answer)
    if STATUS not in answers:
        return None, f"the toolbox does not answer: {unread.get(STATUS, 'it was not asked in time')}", answers
    while True:
        try:
            return state_from_answers(answers, now, unread), "", answers
        except CephAnswerError as error:
            if error.command == STATUS:
                return None, str(error), answers
            unread[error.command] = str(error)
            del answers[error.command]


def _why(answer: _Answer) -> str:
    if answer.code in (124, 137):
        return "no answer in time"
    return answer.said or f"exit code {answer.code} and no JSON"


def _answers(text: str, mark: str) -> Iterator[_Answer]:
    """Those that have their end mark."""
    name, lines = "", list[str]()
    for line in text.splitlines():
        word, _, rest = line.removeprefix(f"{mark} ").partition(" ") if line.startswith(f"{mark} ") else ("", "", "")
        if word == "begin":
            name, lines = rest, []
        elif word == "end" and name:
            code, _, said = rest.partition(" ")
            yield _Answer(name, "\n".join(lines), int(code) if code.isdigit() else 1, said.strip())
            name = ""
        else:
            lines.append(line)
