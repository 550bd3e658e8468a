"""The one script that a host runs for a step, and the reading of its output. Pure.

Probe, apply and verify run in one detached job, so that a lost connection or a killed worker interrupts none of
them. The job tells what it is at by marked lines in its output, which are counted but not stored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from tasks.models import Outcome
from tasks.plan import Script

LONGEST_LINE = 64 * 1024  # bytes; a longer one is stored in pieces
LONGEST_CHUNK = 64 * 1024
PROGRESS = re.compile(r"::progress (\d{1,3}(?:\.\d+)?)(?: (.*))?$")


def compose(script: Script, token: str, *, dry_run: bool = False) -> str:
    """The POSIX shell text of `script`; `token` marks its own lines. In a dry run only the probe is in it."""
    parts = [f"sanqian_say() {{ printf '\\n::sanqian {token} %s\\n' \"$*\"; }}"]
    if script.probe:
        parts.append(_phase("probe", script.probe))
        parts.append('if [ "$sanqian_code" -eq 0 ]; then sanqian_say outcome already; exit 0; fi')
    if dry_run:
        parts.append("sanqian_say outcome would-change")
        return "\n".join(parts) + "\n"
    parts.append(_phase("apply", script.apply) + '\n[ "$sanqian_code" -eq 0 ] || exit "$sanqian_code"')
    if script.verify:
        parts.append(_phase("verify", script.verify) + '\n[ "$sanqian_code" -eq 0 ] || exit "$sanqian_code"')
    parts.append("sanqian_say outcome changed")
    return "\n".join(parts) + "\n"


def _phase(name: str, text: str) -> str:
    # Not in a condition: there the shell would ignore `set -e`.
    return f"sanqian_say phase {name}\n(\nset -eu\n{text.rstrip()}\n)\nsanqian_code=$?"


@dataclass
class Heard:
    """What a stretch of output said: the chunks to store, as (offset, raw size, text), and the last marks."""

    chunks: list[tuple[int, int, str]] = field(default_factory=list)
    phase: str | None = None
    outcome: Outcome | None = None
    progress: float | None = None
    note: str | None = None


class Listener:
    """Cuts a job's output at line ends and takes the marked lines out. Begins at `offset`, at a line's start."""

    def __init__(self, token: str, offset: int) -> None:
        self._mark = f"::sanqian {token} ".encode()
        self.offset = offset  # of the first byte that is not yet in a chunk
        self._held = b""

    @property
    def reached(self) -> int:
        """The offset behind the last byte that was fed."""
        return self.offset + len(self._held)

    def feed(self, data: bytes, *, last: bool = False) -> Heard:
        """The whole lines in what was fed so far; all of it when no more will come."""
        self._held += data
        heard = Heard()
        end = len(self._held) if last else self._held.rfind(b"\n") + 1
        if not end and len(self._held) > LONGEST_LINE:
            end = _whole_characters(self._held)
        ready, self._held = self._held[:end], self._held[end:]
        for piece in _pieces(ready):
            text = self._plain(piece, heard)
            heard.chunks.append((self.offset, len(piece), text))
            self.offset += len(piece)
        return heard

    def _plain(self, piece: bytes, heard: Heard) -> str:
        if b"::" not in piece:
            return _text(piece)
        kept: list[bytes] = []
        for line in piece.split(b"\n"):
            if line.startswith(self._mark):
                self._note_mark(line[len(self._mark) :].decode(errors="replace").split(), heard)
                if kept and kept[-1] == b"":
                    kept.pop()  # the empty line that makes sure that a mark begins a line
            elif line.startswith(b"::progress ") and (match := PROGRESS.match(_text(line).rstrip("\r"))):
                heard.progress, heard.note = min(100.0, float(match[1])), match[2] or heard.note
            else:
                kept.append(line)
        return _text(b"\n".join(kept))

    def _note_mark(self, words: list[str], heard: Heard) -> None:
        if words[:1] == ["phase"] and len(words) == 2:
            heard.phase = words[1]
        elif words[:1] == ["outcome"] and len(words) == 2 and words[1] in Outcome.values:
            heard.outcome = Outcome(words[1])


def _pieces(data: bytes) -> Iterator[bytes]:
    """`data` in pieces of at most `LONGEST_CHUNK` bytes that end at a line's end where one is near."""
    while len(data) > LONGEST_CHUNK:
        cut = data.rfind(b"\n", 0, LONGEST_CHUNK) + 1 or _whole_characters(data[:LONGEST_CHUNK])
        yield data[:cut]
        data = data[cut:]
    if data:
        yield data


def _whole_characters(data: bytes) -> int:
    """How much of `data` ends with a whole UTF-8 character."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte < 0x80:
            return len(data)
        if byte >= 0xC0:
            needs = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return len(data) if back >= needs else len(data) - back
    return len(data)


def _text(data: bytes) -> str:
    """As UTF-8, what is not as U+FFFD; PostgreSQL's text holds no NUL."""
    return data.decode("utf-8", errors="replace").replace("\0", "\ufffd")
