"""The titles of steps and operations in the reader's language.

Rows and the API hold them in English. The catalogues (`sanqian_service/locale`) have a title with values in it as
"Drain {}", so the title of a step says by itself which message it was made from.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations, pairwise

from django.utils.translation import get_language, gettext

from tasks.plans import PLANS

ENGLISH = "en"
MOST_WORDS = 16  # of a title in which values are looked for


def titled(title: str) -> str:
    """A step's title in the reader's language; one that no plan gives stays as it is."""
    language = get_language() or ENGLISH
    return title if language.startswith(ENGLISH) else _translated(language, title)


def kind_titled(kind: str) -> str:
    """What a kind of operation is called."""
    return gettext(PLANS[kind].title) if kind in PLANS else kind


@lru_cache(maxsize=4096)
def _translated(language: str, title: str) -> str:  # the language is gettext's
    if not title:
        return title  # the empty message is the catalogue's head
    if (whole := gettext(title)) != title:
        return whole
    for message, values in readings(title):
        if (found := gettext(message)) != message:
            return found.format(*values)
    return title


def readings(title: str) -> Iterator[tuple[str, list[str]]]:
    """The messages that a title may be made from by putting in one or two values; those that say most come first."""
    words = title.split(" ")
    places = range(min(len(words), MOST_WORDS) + 1)
    cuts = [cut for values in (1, 2) for cut in combinations(places, 2 * values)]
    for cut in sorted(cuts, key=lambda cut: sum(cut[1::2]) - sum(cut[::2])):
        pieces = [words[begin:end] for begin, end in pairwise((0, *cut, len(words)))]
        message = [word for place, piece in enumerate(pieces) for word in (["{}"] if place % 2 else piece)]
        yield " ".join(message), [" ".join(piece) for piece in pieces[1::2]]
