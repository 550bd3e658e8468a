"""The catalogues of translations: collects what there is to translate, and compiles what was translated.

`make messages` does both. The compiled catalogues are kept in git, since gettext's own tools are on few machines;
`tests/test_messages.py` holds them to be those of the ones that people edit.
"""

from __future__ import annotations

import ast
import io
import os
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po

from scripts import titles

ROOT = Path(__file__).resolve().parent.parent
CATALOGUE = ROOT / "sanqian_service" / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
OURS = ("sanqian_service", "clusters", "tasks")
KEYWORDS = {"_": None, "gettext": None, "gettext_lazy": None, "ngettext": (1, 2)}
_STRING = r"""u?('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
_CALL = re.compile(rf"\b(?:_|gettext|ngettext)\(\s*{_STRING}(?:\s*,\s*{_STRING})?", re.DOTALL)
Message = str | tuple[str, str]  # one text, or the singular and the plural


@cache
def collected() -> frozenset[Message]:
    """All there is to translate: what is marked in code and templates, the models' words, the operations' texts."""
    from django.apps import apps
    from django.utils import translation

    from clusters import wording
    from tasks.plans import PLANS

    found: set[Message] = set()
    for package in OURS:
        for path in sorted((ROOT / package).rglob("*.py")):
            found |= {message for _, message, _, _ in extract("python", io.BytesIO(path.read_bytes()), KEYWORDS)}
        for path in sorted((ROOT / package).rglob("*.html")):
            found |= set(_of_template(path))
    with translation.override(None):
        for name in ("clusters", "tasks"):
            found |= set(wording.messages(apps.get_app_config(name)))
    found |= set(titles.collected(ROOT / "tasks" / "plans"))
    for plan in PLANS.values():
        found |= {plan.title, plan.description, *(str(rule.get("description", "")) for rule in plan.params.values())}
    return frozenset(message for message in found | _of_unfold() if message)


def _of_template(path: Path) -> Iterator[Message]:
    from django.utils.translation.template import templatize

    for one, more in _CALL.findall(templatize(path.read_text())):
        text = ast.literal_eval(one)
        yield (text, ast.literal_eval(more)) if more else text


def _of_unfold() -> set[Message]:
    """The texts of the admin's own templates: its package has no translations, and Django's have but some."""
    import django
    import unfold

    known: set[str] = set()
    home, file_of = Path(django.__file__).parent, "locale/zh_Hans/LC_MESSAGES/django.mo"
    for path in (home / "conf" / file_of, *home.glob(f"contrib/*/{file_of}")):
        with path.open("rb") as file:
            known |= {one.id for one in read_mo(file) if isinstance(one.id, str)}
    own = Path(unfold.__file__).parent / "templates"
    found = {one for path in own.rglob("*.html") for one in _of_template(path) if isinstance(one, str)}
    return {one for one in found if one not in known and "%(" not in one}


def read(path: Path = CATALOGUE) -> Catalog:
    """A catalogue as people edit it."""
    with path.open("rb") as file:
        return read_po(file, locale="zh_Hans")


def compiled(catalogue: Catalog) -> bytes:
    """A catalogue as programs read it."""
    file = io.BytesIO()
    write_mo(file, catalogue)
    return file.getvalue()


def written(catalogue: Catalog) -> bytes:
    """A catalogue as it is written."""
    file = io.BytesIO()
    write_po(file, catalogue, width=100, no_location=True, sort_output=True, ignore_obsolete=True)
    return file.getvalue()


def main() -> int:
    """Bring the catalogues up to date; the exit code is 1 while something is not translated."""
    catalogue, template = read(), Catalog()
    for message in collected():
        template.add(message)
    template.creation_date = catalogue.creation_date
    catalogue.update(template, no_fuzzy_matching=True)
    CATALOGUE.write_bytes(written(catalogue))
    CATALOGUE.with_suffix(".mo").write_bytes(compiled(catalogue))
    print(f"{len(catalogue)} messages, {len(missing(catalogue))} without a translation", *missing(catalogue), sep="\n")
    return bool(missing(catalogue))


def missing(catalogue: Catalog) -> list[Message]:
    """What is not translated, or only guessed."""
    return [one.id for one in catalogue if one.id and (one.fuzzy or not one.string or not all(one.string))]


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sanqian_service.settings")
    os.environ.setdefault("SANQIAN_DEBUG", "1")
    sys.path.insert(0, str(ROOT))
    django.setup()
    sys.exit(main())
