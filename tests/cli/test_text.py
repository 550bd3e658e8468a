from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cli.text import age, bytes_size, duration, harmless, parse_duration, per_cent


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0s"), (0.4, "0s"), (59.9, "59s"), (60, "1m00s"), (192, "3m12s"), (3840, "1h04m"), (183600, "2d03h")],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_nothing_but_the_end_is_a_hundred_per_cent() -> None:
    assert [per_cent(value) for value in (0, 7.9, 99.96, 100)] == ["0%", "7%", "99%", "100%"]


@pytest.mark.parametrize(
    ("value", "text"), [(34359738368, "32GiB"), (1536, "1.5KiB"), (12, "12B"), (0, "-"), (None, "-")]
)
def test_bytes_size(value: object, text: str) -> None:
    assert bytes_size(value) == text


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("10m", 600), ("2h30m", 9000), ("1.5h", 5400), ("1d", 86400)]
)
def test_parse_duration(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "soon", "-5", "5x", "2h30", "1 h"])
def test_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)


def test_age() -> None:
    now = datetime(2026, 1, 1, 1, 0, tzinfo=UTC)

    assert age("2026-01-01T00:59:30Z", now) == "30s"
    assert age(None, now) == "-"


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("plain 中文", "plain 中文"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]52;c;ZXZpbA==\x1b\\text", "text"),
        ("10%\r50%\r100%\r", "100%"),
        ("a\x08\x00\x9bb", "ab"),
        ("\r", ""),
    ],
)
def test_output_of_hosts_cannot_drive_the_terminal(line: str, shown: str) -> None:
    assert harmless(line) == shown
