"""The words of the models in the reader's language.

What a field is called and what helps to fill it in is written in the model, in English. Here each of these texts
becomes a message of the catalogues (`sanqian_service/locale`), so that no field of any model can be forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import AppConfig
from django.db.models import Choices
from django.utils.translation import gettext, gettext_lazy

_states: dict[str, str] = {}


def translate(config: AppConfig) -> None:
    """Have the words of all models of an application translated where they are shown."""
    for thing, name in _places(config):
        if text := getattr(thing, name):
            setattr(thing, name, gettext_lazy(str(text)))
    for field in _choosing(config):
        field.choices = [(value, gettext_lazy(str(label))) for value, label in field.choices]


def know(*words: type[Choices]) -> None:
    """Have `word` know these states."""
    for one in words:
        _states.update((str(value), str(label)) for value, label in one.choices)


def word(state: object) -> str:
    """What a state or another choice is called; one that is not known is called what it is."""
    return gettext(_states[str(state)]) if str(state) in _states else str(state)


def messages(config: AppConfig) -> Iterator[str]:
    """All words of an application's models, for the catalogues; English while no translation is active."""
    yield str(config.verbose_name)
    for thing, name in _places(config):
        yield str(getattr(thing, name))
    for field in _choosing(config):
        yield from (str(label) for _, label in field.choices)


def _places(config: AppConfig) -> Iterator[tuple[Any, str]]:
    for model in config.get_models():
        yield from ((model._meta, name) for name in ("verbose_name", "verbose_name_plural"))
        for field in model._meta.local_fields:
            yield from ((field, name) for name in ("verbose_name", "help_text"))


def _choosing(config: AppConfig) -> Iterator[Any]:
    for model in config.get_models():
        yield from (field for field in model._meta.local_fields if field.choices)
