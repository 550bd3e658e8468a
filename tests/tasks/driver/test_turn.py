"""How long a slice lasts, and how often it writes."""

from __future__ import annotations

import pytest
from django.conf import settings

from tasks.driver.turn import BEAT, BEAT_MOST, LONGEST_SECONDS, Slots, Turn, beat


@pytest.fixture
def slots(monkeypatch: pytest.MonkeyPatch) -> type[Slots]:
    monkeypatch.setattr(Slots, "limit", 100)
    monkeypatch.setattr(Slots, "active", 0)
    return Slots


def test_a_slice_goes_on_while_slots_are_free(slots: type[Slots]) -> None:
    turn = Turn(began=Turn().began - settings.SLICE_SECONDS)
    assert 0 < turn.left() <= LONGEST_SECONDS - settings.SLICE_SECONDS
    slots.active = 90
    assert turn.left() <= 0


def test_a_slice_ends_where_nothing_is_known_of_slots(slots: type[Slots]) -> None:
    slots.limit = 0
    assert Turn().left() <= settings.SLICE_SECONDS


def test_many_slices_write_less_often(slots: type[Slots]) -> None:
    assert beat() == BEAT
    with slots.taken():
        assert slots.active == 1
    slots.active = 200
    assert BEAT < beat() < BEAT_MOST
    slots.active = 5000
    assert beat() == BEAT_MOST
