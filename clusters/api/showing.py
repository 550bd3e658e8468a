"""Rows as JSON. The serializers say how; it is worked out once for each, where DRF would do so for every request.

A request may ask for some of the fields alone: ``?fields=id,name``. Others are neither read nor computed.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import Any

from django.db.models import Model, QuerySet
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request

from clusters.api.problems import Problem, field_error

Serializer = Any  # a class of serializers, whose own type mypy does not take for hashable
Getter = Callable[[Any, Any], Any]
FIELDS = "fields"
# What comes out of a row's column as JSON has it.
AS_IT_IS = (
    serializers.CharField,
    serializers.IntegerField,
    serializers.BooleanField,
    serializers.ChoiceField,
    serializers.JSONField,
)


def show(serializer: Serializer, rows: Iterable[Any], names: Iterable[str] = (), **context: Any) -> list[Any]:
    """`rows` as `serializer` shows them, with the fields `names` or all."""
    getters, maker = _getters(serializer), serializer(context=context)
    chosen = [(name, getters[name]) for name in names or getters]
    return [{name: get(row, maker) for name, get in chosen} for row in rows]


def names_of(serializer: Serializer) -> tuple[str, ...]:
    """The fields that a serializer shows."""
    meta = getattr(serializer, "Meta", None)
    return tuple(meta.fields if meta else serializer._declared_fields)


def asked(request: Request, serializer: Serializer) -> tuple[str, ...]:
    """The fields that a request asks for. Raises `Problem` with each that there is not."""
    known = names_of(serializer)
    given = {name.strip() for name in request.query_params.get(FIELDS, "").split(",")} - {""}
    if unknown := sorted(given - set(known)):
        hint = f"Choose from: {', '.join(known)}."
        errors = [field_error(FIELDS, _unknown(name, known), hint) for name in unknown]
        raise Problem("invalid", errors[0]["message"], hint=hint, errors=errors)
    return tuple(name for name in known if name in given) if given else known


def columns_of(serializer: Serializer, names: Iterable[str], model: type[Model]) -> set[str]:
    """The columns of `model` that these fields are made of.

    A serializer says so in `needs` for those that are not a column of the same name.
    """
    needs: Mapping[str, tuple[str, ...]] = getattr(serializer, "needs", {})
    return {column for name in names for column in needs.get(name, (name,))} | {model._meta.pk.name}


def narrowed(rows: QuerySet[Any], serializer: Serializer, names: Iterable[str], *more: str) -> QuerySet[Any]:
    """`rows` that read nothing but what is shown, and the columns `more`."""
    return rows.only(*columns_of(serializer, names, rows.model), *more)


def sparse(serializer: Serializer) -> OpenApiParameter:
    """How the schema describes ``?fields=``."""
    listed = {"type": "array", "items": {"type": "string", "enum": list(names_of(serializer))}}
    text = "Only these fields, with commas between; others are neither shown nor computed."
    return OpenApiParameter(FIELDS, listed, description=text, explode=False, style="form")


def _unknown(name: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"There is no field '{name}'.{f' Did you mean {near[0]}?' if near else ''}"


@functools.cache
def _getters(serializer: Serializer) -> Mapping[str, Getter]:
    fields = serializer().fields
    return {name: _getter(field) for name, field in fields.items() if not field.write_only}


def _getter(field: serializers.Field[Any, Any, Any, Any]) -> Getter:
    """How to get a field's value out of a row; the second argument is a serializer with the request's context."""
    if isinstance(field, serializers.SerializerMethodField):
        method = str(field.method_name)
        return lambda row, maker: getattr(maker, method)(row)
    read = attrgetter(str(field.source))
    if type(field) in AS_IT_IS:
        return lambda row, _: read(row)
    if type(field) is serializers.DateTimeField:
        return lambda row, _: _moment(read(row), field)
    represent = field.to_representation

    def get(row: Any, _: Any) -> Any:
        value = read(row)
        return None if value is None else represent(value)

    return get


def _moment(value: Any, field: serializers.DateTimeField) -> str | None:
    if value is None:
        return None
    text: str = value.isoformat()
    return f"{text[:-6]}Z" if text.endswith("+00:00") else field.to_representation(value)
