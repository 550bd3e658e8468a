"""Pages by cursor: stable while rows come and go, in each order that a list allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, cast

from django.core.exceptions import ValidationError
from django.core.signing import BadSignature, Signer
from django.db.models import F, Field, Model, Q, QuerySet
from django.db.models.expressions import OrderBy
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

from clusters.api.problems import invalid
from clusters.statements import Given

USUAL, MOST = 50, 200
# As many as PostgreSQL's largest number has.
DIGITS = 19
SHOWN = 40
NOWHERE = Q(pk__in=())


@dataclass(frozen=True)
class Orders:
    """In which orders a list comes: by which columns, upwards or with ``-`` downwards, and how when nobody asks."""

    usual: str
    columns: tuple[str, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """What ``?order=`` may be."""
        return tuple(word for column in self.columns for word in (column, f"-{column}"))

    def of(self, request: Any) -> str:
        """The order that a request asks for. Raises `Problem`."""
        word: str = request.GET.get("order", self.usual)
        if word not in self.words:
            hint = f"Choose from: {', '.join(self.columns)}; with - before it downwards."
            raise invalid("order", f"The list cannot be ordered by '{word}'.", hint)
        return word


@dataclass(frozen=True)
class Column:
    """A column of an order. Rows without a value come last, whichever the direction."""

    field: Field[Any, Any]
    down: bool

    @property
    def name(self) -> str:
        return self.field.name

    @property
    def nullable(self) -> bool:
        return self.field.null

    def parsed(self, value: Any) -> Any:
        """A value of this column out of JSON."""
        return self.field.to_python(value)

    def sorted(self, back: bool) -> OrderBy:
        """For ORDER BY; `back` reads the list from its end."""
        expression = F(self.name)
        # Only where there may be none: else the index would not do.
        first = True if self.nullable and back else None
        last = True if self.nullable and not back else None
        down = self.down != back
        return (expression.desc if down else expression.asc)(nulls_first=first, nulls_last=last)

    def beyond(self, value: Any, back: bool) -> Q:
        """Rows that come after `value` in this column."""
        if value is None:
            return Q(**{f"{self.name}__isnull": False}) if back else NOWHERE
        beyond = Q(**{f"{self.name}__{'lt' if self.down != back else 'gt'}": value})
        return beyond | Q(**{f"{self.name}__isnull": True}) if self.nullable and not back else beyond

    def same(self, value: Any) -> Q:
        """Rows that have `value` in this column."""
        return Q(**{f"{self.name}__isnull": True}) if value is None else Q(**{self.name: value})


@dataclass(frozen=True)
class Cursor:
    """A place in a list: beside the row that had these `values`, to be read `back` or onwards from there."""

    order: str
    back: bool
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Stretch:
    """Which rows of a list a page has: `limit` of them in an order, from a place on."""

    model: type[Model]
    order: str
    limit: int
    cursor: Cursor | None

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of the order and, where that leaves rows equal, the id."""
        return _columns(self.model, self.order)

    @property
    def back(self) -> bool:
        """Whether the list is read from its end."""
        return self.cursor is not None and self.cursor.back

    @property
    def place(self) -> tuple[Any, ...]:
        """The values at which the page begins."""
        return self.cursor.values if self.cursor else ()

    @property
    def given(self) -> dict[str, Any]:
        """Those values, as `unfilled` names them."""
        return {f"place{number}": value for number, value in enumerate(self.place)}

    def unfilled(self) -> Stretch:
        """All stretches with the same SQL as one: values that are not none are `Given`."""
        if self.cursor is None:
            return self
        values = tuple(None if value is None else _given(name) for name, value in self.given.items())
        return replace(self, cursor=replace(self.cursor, values=values))

    def of(self, queryset: QuerySet[Any, Any]) -> QuerySet[Any, Any]:
        """The rows, and one more where there are more."""
        rows = queryset.order_by(*(column.sorted(self.back) for column in self.columns))
        if self.cursor:
            rows = rows.filter(_after(self.columns, self.place, self.back))
        return rows[: self.limit + 1]


class Pages(BasePagination):
    """``?limit=`` rows a page (1 to 200, otherwise 50); ``next`` and ``previous`` are addresses.

    A cursor holds the columns of the order at which its page ends, and the row's id: no two rows are at one place,
    and what is added or removed elsewhere does not move it. It is signed, so that only what was given comes back.
    """

    _links: tuple[str | None, str | None] = (None, None)

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        stretch = stretch_of(request, queryset.model, view.orders)
        return self.turned(request, stretch, list(stretch.of(queryset)))

    def turned(self, request: Request, stretch: Stretch, found: list[Any]) -> list[Any]:
        """The page of the rows that were `found` for a stretch, with its links."""
        back, cursor, columns = stretch.back, stretch.cursor, stretch.columns
        more, found = len(found) > stretch.limit, found[: stretch.limit]
        if back:
            found.reverse()
        if found:
            last, first = _place(found[-1], columns), _place(found[0], columns)
        else:  # the place that it was asked for from, so that the way back is not lost
            last = first = stretch.place
        onwards, backwards = more or back, cursor is not None and (more or not back)
        self._links = (
            _address(request, stretch.model, Cursor(stretch.order, False, last)) if onwards else None,
            _address(request, stretch.model, Cursor(stretch.order, True, first)) if backwards else None,
        )
        return found

    def get_paginated_response(self, data: Any) -> Response:
        following, previous = self._links
        return Response({"next": following, "previous": previous, "results": data})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """drf-spectacular's question."""
        link = {"type": ["string", "null"], "format": "uri"}
        address = "https://sanqian.example.com/api/v1/clusters?cursor=WyItY3JlYXRlZF9hdCJd"
        return {
            "type": "object",
            "description": "A page of a list.",
            "required": ["next", "previous", "results"],
            "properties": {
                "next": {**link, "description": "Address of the next page; null on the last.", "examples": [address]},
                "previous": {
                    **link,
                    "description": "Address of the page before; null on the first.",
                    "examples": [None],
                },
                "results": {**schema, "description": "The rows of this page, in the list's order."},
            },
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """drf-spectacular's question."""
        orders: Orders = view.orders
        described = {
            "cursor": ({"type": "string"}, "Where the page begins, as in `next` and `previous`."),
            "limit": (number(1, USUAL), f"Rows a page; more than {MOST} is {MOST}."),
            "order": (
                {"type": "string", "pattern": f"^-?({'|'.join(orders.columns)})$", "default": orders.usual},
                f"What to order by: {', '.join(orders.columns)}; with `-` before it downwards. "
                "Rows without a value come last.",
            ),
        }
        examples = {"order": orders.usual}
        return [
            {"name": name, "in": "query", "required": False, "description": text, "schema": schema}
            | ({"example": examples[name]} if name in examples else {})
            for name, (schema, text) in described.items()
        ]


def number(low: int, default: int) -> dict[str, Any]:
    """A number that `whole_number` reads, in the schema."""
    return {"type": "integer", "minimum": low, "default": default}


def whole_number(request: Any, name: str, default: int, low: int, high: int) -> int:
    """A number of the query. Raises `Problem`; larger than `high` is cut to it."""
    text = (request.GET if hasattr(request, "GET") else request.query_params).get(name)
    if text in (None, ""):
        return default
    digits = text.lstrip("0") if text.isascii() and text.isdigit() else None
    if digits is None or int(digits[:DIGITS] or "0") < low:
        raise invalid(name, f"'{text[:SHOWN]}' is no number from {low} on.", f"Write {name}={default}.")
    return high if len(digits) > DIGITS else min(int(digits or "0"), high)


def text(request: Request, name: str) -> str:
    """A text of the query, empty where it is missing. Raises `Problem` for what PostgreSQL cannot compare."""
    given = request.query_params.get(name, "")
    if "\0" in given:
        raise invalid(name, "It has a NUL character.", f"Leave it out of {name}.")
    return given


def stretch_of(request: Any, model: type[Model], orders: Orders) -> Stretch:
    """What a request asks for of a list. Raises `Problem`."""
    limit, order = whole_number(request, "limit", USUAL, 1, MOST), orders.of(request)
    return Stretch(model, order, limit, _read(request.GET.get("cursor"), model, order, _columns(model, order)))


# Equal ones are the same, which makes them cheap to compare.
_given = cache(Given)


@cache
def _columns(model: type[Model], order: str) -> tuple[Column, ...]:
    field = cast("Field[Any, Any]", model._meta.get_field(order.removeprefix("-")))
    first, key = Column(field, order.startswith("-")), Column(model._meta.pk, False)
    return (first,) if field.primary_key else (first, key)


def _after(columns: Sequence[Column], values: Sequence[Any], back: bool) -> Q:
    (column, *rest), (value, *others) = columns, values
    beyond = column.beyond(value, back)
    if not rest:
        return beyond
    found = beyond | (column.same(value) & _after(rest, others, back))
    if value is None or column.nullable:
        return found
    # Says nothing new, but it is what an index can begin with.
    return Q(**{f"{column.name}__{'lte' if column.down != back else 'gte'}": value}) & found


def _place(row: Any, columns: Sequence[Column]) -> tuple[Any, ...]:
    return tuple(getattr(row, column.name) for column in columns)


def _signer(model: type[Model]) -> Signer:
    return Signer(salt=f"cursor:{model._meta.label_lower}")


def _address(request: Request, model: type[Model], cursor: Cursor) -> str:
    values = [value if value is None or isinstance(value, int | float) else str(value) for value in cursor.values]
    query = request.GET.copy()
    query["cursor"] = _signer(model).sign_object([cursor.order, cursor.back, values])
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")


def _read(text: str | None, model: type[Model], order: str, columns: Sequence[Column]) -> Cursor | None:
    """The cursor of a request. Raises `Problem`."""
    if not text:
        return None
    try:
        made_for, back, texts = _signer(model).unsign_object(text)
        values = tuple(column.parsed(text) for column, text in zip(columns, texts, strict=True))
    except (BadSignature, ValidationError, ValueError, OverflowError):
        raise invalid("cursor", "The cursor is none of ours.", "Follow 'next' as it was given.") from None
    if made_for != order:
        raise invalid("cursor", f"The cursor is of the order '{made_for}'.", "Begin without a cursor in another order.")
    return Cursor(order, back, values)
