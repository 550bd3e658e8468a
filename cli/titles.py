"""The titles of steps in the user's language: the service gives them in English, values already put in.

The catalog has those with values as "Drain {}"; which one a title was made from is found by trying.
"""

from __future__ import annotations

from functools import cache
from itertools import combinations

from cli.language import ENGLISH, language, tr

MOST_WORDS = 16  # of a title in which values are looked for


def titled(title: str) -> str:
    """The title of a step or of a kind of operation; one that is not known stays as it is."""
    return title if language() == ENGLISH else _translated(title)


@cache
def _translated(title: str) -> str:
    if (whole := tr(title)) != title:
        return whole
    words = title.split(" ")
    for gaps in _gaps(min(len(words), MOST_WORDS)):
        values: list[str] = []
        message = list(words)
        for begin, end in reversed(gaps):
            values.insert(0, " ".join(words[begin:end]))
            message[begin:end] = ["{}"]
        text = " ".join(message)
        if (found := tr(text)) != text:
            return found.format(*values)
    return title


def _gaps(words: int) -> list[list[tuple[int, int]]]:
    """Where one or two values may stand among words; the shortest ones come first."""
    cuts = [cut for values in (1, 2) for cut in combinations(range(words + 1), 2 * values)]
    gaps = [list(zip(cut[::2], cut[1::2], strict=True)) for cut in cuts]
    return sorted(gaps, key=lambda found: sum(end - begin for begin, end in found))
