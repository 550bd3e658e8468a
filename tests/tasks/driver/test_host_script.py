"""The script of a step on a host, and what is read from its output."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.driver.host_script import LONGEST_CHUNK, LONGEST_LINE, Listener, compose
from tasks.models import Outcome
from tasks.plan import Script

TOKEN = "b2d1"


def run(script: Script, *, dry_run: bool = False) -> tuple[int, bytes]:
    text = compose(script, TOKEN, dry_run=dry_run)
    done = subprocess.run(["sh", "-c", text], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.returncode, done.stdout


def heard(output: bytes) -> tuple[str, str | None, Outcome | None]:
    said = Listener(TOKEN, 0).feed(output, last=True)
    return "".join(text for _, _, text in said.chunks), said.phase, said.outcome


@pytest.mark.parametrize(
    ("script", "code", "text", "phase", "outcome"),
    [
        (Script("echo did", probe="true"), 0, "", "probe", Outcome.ALREADY),
        (Script("echo did", probe="false"), 0, "did\n", "apply", Outcome.CHANGED),
        (Script("echo did", probe="echo no; exit 7", verify="echo so"), 0, "no\ndid\nso\n", "verify", Outcome.CHANGED),
        (Script("echo did; exit 5"), 5, "did\n", "apply", None),
        (Script("false\necho not reached"), 1, "", "apply", None),
        (Script("printf open", verify="exit 3"), 3, "open\n", "verify", None),
        (Script("echo $nowhere"), 2, None, "apply", None),
    ],
)
def test_phases_run_in_order_and_stop_at_a_failure(
    script: Script, code: int, text: str | None, phase: str, outcome: Outcome | None
) -> None:
    exit_code, output = run(script)
    told, at, came = heard(output)
    assert (exit_code, at, came) == (code, phase, outcome)
    if text is not None:
        assert told == text


def test_a_dry_run_holds_nothing_but_the_probe() -> None:
    script = Script("echo MUST-NOT-RUN", probe="false", verify="echo MUST-NOT-RUN")
    assert "MUST-NOT-RUN" not in compose(script, TOKEN, dry_run=True)
    assert heard(run(script, dry_run=True)[1])[2] == Outcome.WOULD_CHANGE


def test_progress_lines_are_heard_and_not_stored() -> None:
    said = Listener(TOKEN, 0).feed(b"a\n::progress 40 pushing 4 of 10\n::progress 200\n::progress x\nb\n")
    assert (said.progress, said.note) == (100.0, "pushing 4 of 10")
    assert "".join(text for _, _, text in said.chunks) == "a\n::progress x\nb\n"


def test_marks_of_another_job_are_plain_text() -> None:
    assert heard(b"::sanqian ffff outcome already\n") == ("::sanqian ffff outcome already\n", None, None)


def test_a_line_is_held_until_it_is_whole() -> None:
    listener = Listener(TOKEN, 100)
    assert listener.feed(b"half").chunks == []
    assert (listener.offset, listener.reached) == (100, 104)
    assert listener.feed(b" and half\nnext").chunks == [(100, 14, "half and half\n")]
    assert listener.feed(b"", last=True).chunks == [(114, 4, "next")]


def test_what_is_no_utf8_and_nul_is_replaced_and_counted() -> None:
    assert Listener(TOKEN, 0).feed(b"\xff\0\n").chunks == [(0, 3, "\ufffd\ufffd\n")]


@given(st.lists(st.binary(max_size=LONGEST_LINE // 8), max_size=12))
def test_every_byte_is_in_one_chunk(pieces: list[bytes]) -> None:
    listener, chunks = Listener(TOKEN, 0), []
    for piece in pieces:
        chunks += listener.feed(piece).chunks
    chunks += listener.feed(b"", last=True).chunks
    at = 0
    for offset, size, _ in chunks:
        assert offset == at and 0 < size <= LONGEST_CHUNK
        at += size
    assert at == sum(map(len, pieces))


def test_a_long_line_is_cut_between_characters() -> None:
    text = "€" * LONGEST_LINE
    listener = Listener(TOKEN, 0)
    chunks = listener.feed(text.encode()).chunks + listener.feed(b"", last=True).chunks
    assert len(chunks) > 2
    assert "".join(text for _, _, text in chunks) == text
