"""Serializers that refuse what they do not know, and the pieces of documents that have no rows."""

from __future__ import annotations

import difflib
from typing import Any

from rest_framework import serializers


class Strict(serializers.Serializer[Any]):
    """Refuses unknown keys, and values of another JSON type than the schema says.

    A misspelt setting must not be ignored without a word, and "no" must not be taken for a boolean.
    """

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            known = [name for name, field in self.fields.items() if not field.read_only]
            unknown = {key: _unknown(str(key), known) for key in data if key not in known}
            if unknown:
                raise serializers.ValidationError(unknown)
            fields = {name: field for name, field in self.fields.items() if name in data and not field.read_only}
            faults = {name: fault for name, field in fields.items() if (fault := _type_fault(field, data[name]))}
            if faults:
                raise serializers.ValidationError(faults)
        return super().to_internal_value(data)


def _unknown(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    advice = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(known)}."
    return f"There is no such field. {advice}"


def _type_fault(field: Any, value: Any) -> Any:
    """What is wrong with the type of a value, in the form of DRF's errors; None where it is left to the field."""
    if value is None:
        return None
    match field:
        case serializers.BooleanField():
            return None if isinstance(value, bool) else "Write true or false, without quotes."
        case serializers.IntegerField():
            whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
            return None if whole and not isinstance(value, bool) else "Write a whole number, without quotes."
        case serializers.CharField():
            return None if isinstance(value, str) else "Write text, in quotes."
        case serializers.ListField() if isinstance(value, list):
            return _inner_faults(field.child, dict(enumerate(value)))
        case serializers.DictField() if isinstance(value, dict):
            return _inner_faults(field.child, value)
    return None


def _inner_faults(field: Any, values: dict[Any, Any]) -> dict[Any, Any]:
    return {key: fault for key, one in values.items() if (fault := _type_fault(field, one))}


class Answer(serializers.Serializer[Any]):
    """An answer that is made of plain values; nothing is written through it."""


LEVELS = ("error", "warning", "repair")


class FindingSerializer(Answer):
    """What was found while reading a configuration."""

    level = serializers.ChoiceField(LEVELS, help_text="Only errors forbid the configuration.")
    code = serializers.CharField(help_text="Stable name of the finding.")
    path = serializers.CharField(help_text="The field as it was written.")
    line = serializers.IntegerField(help_text="Number of the line, from 1; 0 where there is no file.")
    column = serializers.IntegerField(help_text="Number of the column, from 1; 0 where there is no file.")
    message = serializers.CharField(help_text="What is wrong, or what was repaired.")
    fix = serializers.CharField(help_text="What to do.")
    EXAMPLES = {
        "level": "repair",
        "code": "misplaced-key",
        "path": "roleGroups",
        "line": 8,
        "column": 3,
        "message": "'roleGroups' was indented under the list of hosts; it was read as the key next to 'hosts'.",
        "fix": "Begin 'roleGroups' in column 1, like 'hosts'.",
    }
