"""Serializers that refuse what they do not know, and the pieces of documents that have no rows."""

from __future__ import annotations

import difflib
from typing import Any

from rest_framework import serializers


class Strict(serializers.Serializer[Any]):
    """Refuses unknown keys: a misspelt setting must not be ignored without a word."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            known = [name for name, field in self.fields.items() if not field.read_only]
            unknown = {key: _unknown(str(key), known) for key in data if key not in known}
            if unknown:
                raise serializers.ValidationError(unknown)
        return super().to_internal_value(data)


def _unknown(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    advice = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(known)}."
    return f"There is no such field. {advice}"


class Answer(serializers.Serializer[Any]):
    """An answer that is made of plain values; nothing is written through it."""


class FindingSerializer(Answer):
    """What was found while reading a configuration."""

    level = serializers.ChoiceField(["error", "warning", "repair"], help_text="Only errors forbid the configuration.")
    code = serializers.CharField(help_text="Stable name of the finding.")
    path = serializers.CharField(help_text="The field as it was written.")
    line = serializers.IntegerField(help_text="From 1; 0 where there is no file.")
    column = serializers.IntegerField(help_text="From 1; 0 where there is no file.")
    message = serializers.CharField(help_text="What is wrong, or what was repaired.")
    fix = serializers.CharField(help_text="What to do.")
