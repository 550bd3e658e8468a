"""The language of messages and help: Chinese where the locale says so, else English."""

from __future__ import annotations

import gettext
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path

DOMAIN = "3kctl"
LOCALES = Path(__file__).parent / "locale"
CHINESE, ENGLISH = "zh", "en"
_PLAIN = ("C", "POSIX")


def language(environment: Mapping[str, str] = os.environ) -> str:
    """`zh` or `en`, as GNU gettext reads the environment: LANGUAGE does not count in the plain locale."""
    locale = next((word for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (word := environment.get(name))), "C")
    if locale.partition(".")[0] in _PLAIN:
        return ENGLISH
    for word in (environment.get("LANGUAGE") or locale).split(":"):
        if (known := word[:2].lower()) in (CHINESE, ENGLISH):
            return known
    return ENGLISH


def tr(text: str, /, **values: object) -> str:
    """`text` in the user's language, with the values at their places."""
    found = _catalog(language()).gettext(text) if text else ""
    return found.format(**values) if values else found


def N_(text: str, /) -> str:
    """`text` as it is: marked for the catalog, to be translated by `tr` where it is shown."""
    return text


def translate_libraries() -> None:
    """Have the libraries' own words come from our catalog, too."""
    gettext.bindtextdomain(DOMAIN, str(LOCALES))
    gettext.textdomain(DOMAIN)


@cache
def _catalog(word: str) -> gettext.NullTranslations:
    return gettext.translation(DOMAIN, str(LOCALES), languages=[word], fallback=word == ENGLISH)
