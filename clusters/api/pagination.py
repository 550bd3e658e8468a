"""Pages by cursor: stable while rows come and go."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import DataError
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request

from clusters.api.problems import Problem, invalid

MOST = 200
# As many as PostgreSQL's largest number has.
DIGITS = 19
SHOWN = 40


class Pages(CursorPagination):
    """``?limit=`` rows a page (1 to 200, otherwise 50), newest first; ``next`` and ``previous`` are addresses."""

    page_size = 50
    page_size_query_param = "limit"
    page_size_query_description = f"Rows a page; more than {MOST} is {MOST}."
    cursor_query_description = "Where the page begins, as in `next` and `previous`."
    max_page_size = MOST
    ordering: Any = ("-created_at", "id")

    def get_page_size(self, request: Request) -> int:
        return whole_number(request, "limit", self.page_size or MOST, 1, MOST)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        parameters: list[dict[str, Any]] = super().get_schema_operation_parameters(view)
        for one in parameters:
            if one["name"] == self.page_size_query_param:
                one["schema"] = number(1, self.page_size or MOST)
        return parameters

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": ["string", "null"], "format": "uri"}
        address = "https://sanqian.example.com/api/v1/clusters?cursor=cD0yMDI2LTExLTI0KzAzJTNBNDElM0ExNA%3D%3D"
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

    def decode_cursor(self, request: Request) -> Any:
        try:
            return super().decode_cursor(request)
        except NotFound:
            raise _strange() from None

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any] | None:
        # What a cursor says of its place goes into a comparison as it is.
        try:
            return super().paginate_queryset(queryset, request, view)
        except (ValidationError, ValueError, DataError):
            raise _strange() from None


def _strange() -> Problem:
    return invalid("cursor", "The cursor is none of ours.", "Follow 'next' as it was given.")


class ByName(Pages):
    """Pages in the order of names."""

    ordering = ("name",)


class ByPosition(Pages):
    """Pages in the customer's own order."""

    ordering = ("position", "name")


class NewestFirst(Pages):
    """Pages of rows that are numbered as they come."""

    ordering = ("-id",)


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
