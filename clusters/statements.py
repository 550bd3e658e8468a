"""Queries whose SQL Django writes once, to be run with other values each time.

Writing the text of a query takes Django several times as long as running it. A value that differs from one run to the
next is a `Given` in the queryset. Rows are named tuples, for a model made of each would cost as much again.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Collection, Sequence
from operator import itemgetter
from typing import Any, TypeVar

import orjson
from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Expression, JSONField, Model, QuerySet
from psycopg.types.datetime import TimestamptzLoader

M = TypeVar("M", bound=Model)
Row = Any  # a named tuple with the columns of its statement


class Given(Expression):
    """A value of this name, which is known when the statement is run. Not for None, whose SQL is another."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """Django's question: a parameter, which `Statement.run` fills in."""
        return "%s", (self,)


class RawJSON(JSONField):
    """The type of an expression whose JSON goes into an answer as it is."""

    def from_db_value(self, value: str | None, *_: Any) -> Any:
        """Django's question."""
        return _raw(value)


class Statement:
    """The SQL of `rows`, whose columns ``values_list`` has named.

    The JSON of the columns `raw` goes into an answer as it is. A column ``cluster__name`` is `row.cluster.name`, too.
    """

    def __init__(self, rows: QuerySet[Any, Any], raw: Collection[str] = ()) -> None:
        names: tuple[str, ...] = rows._fields  # type: ignore[attr-defined]
        self._make = _named(names)._make
        compiler = rows.query.get_compiler(DEFAULT_DB_ALIAS)
        try:
            self._sql, self._values = compiler.as_sql()
        except EmptyResultSet:  # its conditions contradict each other
            self._sql, self._values = "", ()
            return
        converters = compiler.get_converters([column for column, _, _ in compiler.select])
        self._converters = [
            (place, [_raw] if names[place] in raw and isinstance(column.output_field, JSONField) else found, column)
            for place, (found, column) in converters.items()
        ]

    def run(self, **values: Any) -> list[Row]:
        """The rows for these values of what is `Given`."""
        if not self._sql:
            return []
        filled = [values[one.name] if isinstance(one, Given) else one for one in self._values]
        with connection.cursor() as cursor:
            # Psycopg's own, which Django replaces by one in Python: the same moments in UTC at a tenth of the cost.
            cursor.cursor.adapters.register_loader("timestamptz", TimestamptzLoader)
            cursor.execute(self._sql, filled)
            found = cursor.fetchall()
        return [self._make(row) for row in (map(self._converted, found) if self._converters else found)]

    def _converted(self, row: tuple[Any, ...]) -> list[Any]:
        values = list(row)
        for place, converters, column in self._converters:
            for convert in converters:
                values[place] = convert(values[place], column, connection)
        return values


def columns_without(model: type[Model], left_out: Collection[str], path: str = "") -> list[str]:
    """The columns of `model` but for these, as `model_of` takes them; `path` leads there from another model."""
    return [f"{path}{field.attname}" for field in model._meta.concrete_fields if field.name not in left_out]


def model_of(model: type[M], row: Row) -> M:
    """The model with these columns; others are read where they are asked for."""
    names = [name for name in row._fields if "__" not in name]
    return model.from_db(DEFAULT_DB_ALIAS, names, [getattr(row, name) for name in names])


def _raw(value: str | None, *_: Any) -> Any:
    return None if value is None else orjson.Fragment(value)


def _named(names: Sequence[str]) -> Any:
    """The class of rows with these columns."""
    within: dict[str, dict[str, int]] = {}
    for place, name in enumerate(names):
        outer, _, inner = name.partition("__")
        if inner:
            within.setdefault(outer, {})[inner] = place
    return type("Row", (namedtuple("Row", names),), {"__slots__": (), **{k: _inner(k, v) for k, v in within.items()}})


def _inner(name: str, places: dict[str, int]) -> Any:
    made = namedtuple(name, places)  # type: ignore[misc]
    first, *others = places.values()
    pick = itemgetter(first, *others) if others else lambda row: (row[first],)
    return property(lambda row: made._make(pick(row)))
