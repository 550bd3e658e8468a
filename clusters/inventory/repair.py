"""What can be made of text that is not YAML as it stands, and better words for why it is not."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from clusters.inventory.document import Unreadable
from clusters.inventory.model import Finding, Place
from clusters.inventory.schema import SPEC

MAX_BYTES = 256 * 1024
MAX_REPORTED = 20

_HOSTS = re.compile(r"(?P<indent> *)hosts:[ ]*(?:#.*)?")
_KEY = re.compile(rf"(?P<indent> +)(?P<key>{'|'.join(sorted(SPEC - {'hosts'}))}):(?:\s.*)?")
_RANGE = re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{1,63}\[[0-9]{1,9}:[0-9]{1,9}\]")
_LEADING = re.compile(r"[\s\ufeff]*")
_LOOKALIKES = {"\uff1a": ":", "\u201c": '"', "\u201d": '"', "\u2018": "'", "\u2019": "'", "\uff0c": ",", "\uff5b": "{"}
_ENCODINGS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def decode(data: str | bytes) -> str:
    """Text with plain line ends and without a byte order mark. Raises `Unreadable`: too large, not UTF-8."""
    size = len(data) if isinstance(data, bytes) else len(data.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        message = f"The file has {size} bytes; a configuration has at most {MAX_BYTES}."
        fix = "Send the cluster's configuration only, not an artifact or a log."
        raise Unreadable(Place("").finding("error", "too-large", message, fix))
    if isinstance(data, bytes):
        encoding = next((name for mark, name in _ENCODINGS if data.startswith(mark)), "utf-8")
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError as error:
            before = data[: error.start]
            place = Place("", before.count(b"\n") + 1, len(before) - before.rfind(b"\n"))
            finding = place.finding("error", "encoding", "The file is not UTF-8 text.", "Save it as UTF-8.")
            raise Unreadable(finding) from error
    else:
        text = data
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


@dataclass(frozen=True)
class Repaired:
    """Text after repairs. `shifts` maps a line (from 1) to the columns taken away at its beginning."""

    text: str
    shifts: dict[int, int] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


def outdent(text: str) -> Repaired | None:
    """`text` with keys such as ``roleGroups`` brought back from inside the list of hosts; None if there are none.

    The installation guide prints ``roleGroups`` in line with the hosts' dashes, which no YAML parser reads.
    """
    lines = text.split("\n")
    shifts: dict[int, int] = {}
    findings: list[Finding] = []
    for start, line in enumerate(lines):
        if match := _HOSTS.fullmatch(line):
            indent = len(match["indent"])
            for number, by, key in _strays(lines, start + 1, indent):
                shifts[number + 1] = by
                if key:
                    place = Place(key, number + 1, indent + by + 1)
                    message = f"'{key}' was indented under the list of hosts; it was read as the key next to 'hosts'."
                    fix = f"Begin '{key}' in column {indent + 1}, like 'hosts'."
                    findings.append(place.finding("repair", "misplaced-key", message, fix))
    if not findings:
        return None
    mended = [line[shifts.get(number, 0) :] for number, line in enumerate(lines, 1)]
    return Repaired("\n".join(mended), shifts, tuple(findings))


def _strays(lines: list[str], start: int, indent: int) -> Iterator[tuple[int, int, str]]:
    """Lines from `start` on that belong left by some columns: (index, columns, key or "" for what is below a key)."""
    stray = 0
    for number in range(start, len(lines)):
        line = lines[number]
        body = line.lstrip(" ")
        depth = len(line) - len(body)
        if not body or body.startswith("#"):
            continue
        if depth <= indent and not (depth == indent and body.startswith("-")):
            return
        match = _KEY.fullmatch(line)
        if match and depth > indent and (not stray or depth <= stray):
            stray = depth
            yield number, depth - indent, match["key"]
        elif stray and depth >= stray:
            yield number, stray - indent, ""
        else:
            stray = 0


def explain(text: str, error: Unreadable, shifts: dict[int, int]) -> list[Finding]:
    """Why `text` cannot be read: tabs and typographic characters by name where they are the cause."""
    lines = text.split("\n")
    tabs = [
        Place("", number, line.index("\t") + 1 + shifts.get(number, 0)).finding(
            "error", "tab", "A tab in the indentation; YAML is indented with spaces.", "Replace each tab by two spaces."
        )
        for number, line in enumerate(lines, 1)
        if "\t" in _indentation(line) and line.strip()
    ]
    if tabs:
        return tabs[:MAX_REPORTED]
    found = error.finding
    line = lines[found.line - 1] if 0 < found.line <= len(lines) else ""
    at = found.column - 1 - shifts.get(found.line, 0)
    if found.code == "yaml" and line[at : at + 1] == "\t":
        message = "A tab where YAML allows only spaces."
        return [_at(found, found.line, found.column, "tab", message, "Replace the tab by a space.")]
    match = _RANGE.search(line)
    if found.code == "yaml" and match and "[" in line[: match.start()]:
        column = match.start() + 1 + shifts.get(found.line, 0)
        message = f"The range {match[0]} stands in brackets, which YAML takes for a list."
        fix = f"Quote it: [\"{match[0]}\"], or write '- {match[0]}' on a line of its own."
        return [_at(found, found.line, column, "range-in-list", message, fix)]
    return [*_lookalikes(lines, found, shifts), found][:1]


def _lookalikes(lines: list[str], found: Finding, shifts: dict[int, int]) -> Iterator[Finding]:
    if found.code != "yaml":
        return
    for number in (found.line, found.line - 1):
        line = lines[number - 1] if 0 < number <= len(lines) else ""
        for index, character in enumerate(line):
            plain = _LOOKALIKES.get(character, " " if character in "\u00a0\u3000" else "")
            if plain:
                name = "a space" if plain == " " else plain
                message = f"The character '{character}' (U+{ord(character):04X}) looks like {name} but is another one."
                column = index + 1 + shifts.get(number, 0)
                yield _at(found, number, column, "lookalike", message, f"Replace it by {name} from the keyboard.")


def _at(found: Finding, line: int, column: int, code: str, message: str, fix: str) -> Finding:
    return Place(found.path, line, column).finding("error", code, message, fix)


def _indentation(line: str) -> str:
    match = _LEADING.match(line)
    return match[0] if match else ""
