"""The answers of a real Ceph 16.2.15, as `python -m lab.realceph capture` recorded them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from clusters.ceph import CephState, state_from_answers

CAPTURED = Path(__file__).parent / "captured"
AT = datetime(2026, 1, 1, tzinfo=UTC)
STATES = sorted(path.parent.name for path in CAPTURED.glob("*/status.json"))


def answers(state: str) -> dict[str, Any]:
    """{command: its answer}."""
    return {path.stem: json.loads(path.read_text()) for path in (CAPTURED / state).glob("*.json")}


def captured(state: str) -> CephState:
    return state_from_answers(answers(state), AT)
