from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.sse import Parser, ServerEvent

STREAM = (
    b"\xef\xbb\xbf: heartbeat\n\n"
    b'id: 1\nevent: step\ndata: {"key": "a"}\n\n'
    b"id: 2\r\nevent: log\r\ndata: one\r\ndata:two\r\n\r\n"
    b"data: \xe4\xb8\xad\xc2\x85\xe2\x80\xa8\x0b\r\r"
    b"event: nothing\n\n"
    b"retry: 1500\nid\ndata\n\n"
)
EVENTS = [
    ServerEvent("step", '{"key": "a"}', "1"),
    ServerEvent("log", "one\ntwo", "2"),
    ServerEvent("message", "中\x85\u2028\x0b", "2"),
    ServerEvent("message", "", ""),
]


def test_reads_a_whole_stream() -> None:
    parser = Parser()

    assert parser.feed(STREAM) == EVENTS
    assert parser.retry == 1.5


@given(st.lists(st.integers(0, len(STREAM)), max_size=12).map(sorted))
def test_a_cut_anywhere_changes_nothing(cuts: list[int]) -> None:
    parser = Parser()
    edges = [0, *cuts, len(STREAM)]

    events = [event for begin, end in pairwise(edges) for event in parser.feed(STREAM[begin:end])]

    assert events == EVENTS


def test_an_event_without_its_blank_line_is_not_given() -> None:
    assert Parser().feed(b"id: 9\ndata: half") == []


@pytest.mark.parametrize("line", [b"id: a\0b", b"unknown: x", b":", b"retry: soon"])
def test_ignores_what_the_standard_ignores(line: bytes) -> None:
    parser = Parser("7")

    assert parser.feed(line + b"\ndata: x\n\n") == [ServerEvent("message", "x", "7")]
    assert parser.retry is None
