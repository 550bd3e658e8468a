"""Rows as JSON. The serializers say how; it is worked out once for each, where DRF would do so for every request.

A request may ask for some of the fields alone: ``?fields=id,name``. Others are neither read nor computed.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter, itemgetter
from typing import Any

from django.db.models import Model, QuerySet
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.fields import _UnvalidatedField
from rest_framework.request import Request

from clusters.api.problems import Problem, field_error

Serializer = Any  # a class of serializers, whose own type mypy does not take for hashable
Getter = Callable[[Any, Any], Any]
Way = tuple[Callable[[Any], Iterable[Any]], tuple[tuple[str, Getter], ...]]
FIELDS = "fields"
# What comes out of a row's column as JSON has it, or as the renderer writes it.
AS_IT_IS = (
    serializers.CharField,
    serializers.IntegerField,
    serializers.FloatField,
    serializers.BooleanField,
    serializers.ChoiceField,
    serializers.UUIDField,
    serializers.DateTimeField,
    serializers.JSONField,
)
COLLECTIONS = (serializers.DictField, serializers.ListField)


def show(serializer: Serializer, rows: Iterable[Any], names: Iterable[str] = (), **context: Any) -> list[Any]:
    """`rows` as `serializer` shows them, with the fields `names` or all: models, or a statement's rows."""
    rows, names = list(rows), tuple(names) or names_of(serializer)
    columns = getattr(rows[0], "_fields", None) if rows else None
    taken, made = _way(serializer, names, columns)
    maker = serializer(context=context) if made else None
    shown: list[dict[str, Any]] = [dict(zip(names, taken(row), strict=False)) for row in rows]
    for name, get in made:
        for row, one in zip(rows, shown, strict=True):
            one[name] = get(row, maker)
    return shown


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


def narrowed(
    rows: QuerySet[Any], serializer: Serializer, names: Iterable[str], *more: str, **made: Any
) -> QuerySet[Any, Any]:
    """`rows` that read nothing but what is shown, the columns `more` and the expressions `made`.

    They are bare rows: a model made of each costs more than reading it.
    """
    columns = columns_of(serializer, names, rows.model)
    return rows.annotate(**made).values_list(*sorted({*columns, *more}), *made, named=True)


def sparse(serializer: Serializer) -> OpenApiParameter:
    """How the schema describes ``?fields=``."""
    listed = {"type": "array", "items": {"type": "string", "enum": list(names_of(serializer))}}
    text = "Only these fields, with commas between; others are neither shown nor computed."
    return OpenApiParameter(FIELDS, listed, description=text, explode=False, style="form")


def _unknown(name: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"There is no field '{name}'.{f' Did you mean {near[0]}?' if near else ''}"


@functools.lru_cache(maxsize=1024)
def _way(serializer: Serializer, names: tuple[str, ...], columns: tuple[str, ...] | None) -> Way:
    """How rows become JSON: what takes all fields out of a row, and the getters of those that are made of more."""
    fields = serializer().fields
    made = tuple((name, _getter(fields[name])) for name in names if not _is_plain(fields[name]))
    sources = [str(fields[name].source) if _is_plain(fields[name]) else None for name in names]
    if columns is None:
        reads = [attrgetter(source) if source else _nothing for source in sources]
        return lambda row: [read(row) for read in reads], made
    # One call for a whole row, with a column more that it be a tuple. Where a field is made, any value keeps its place.
    places = [columns.index(source) if source else 0 for source in sources]
    return itemgetter(*places, 0), made


def raw_columns(serializer: Serializer, names: Iterable[str]) -> set[str]:
    """The columns that go into an answer as they are, also if that is JSON."""
    fields = serializer().fields
    return {str(fields[name].source) for name in names if _is_plain(fields[name])}


def _is_plain(field: Any) -> bool:
    if type(field).__module__ != serializers.Field.__module__:
        return False
    if isinstance(field, COLLECTIONS):
        return type(field.child) is _UnvalidatedField or _is_plain(field.child)
    return isinstance(field, AS_IT_IS)


def _nothing(row: Any) -> None:
    return None


def _getter(field: Any) -> Getter:
    """How to get a field's value out of a row; the second argument is a serializer with the request's context."""
    if isinstance(field, serializers.SerializerMethodField):
        method = str(field.method_name)
        return lambda row, maker: getattr(maker, method)(row)
    read, represent = attrgetter(str(field.source)), field.to_representation

    def get(row: Any, _: Any) -> Any:
        value = read(row)
        return None if value is None else represent(value)

    return get
