"""Pages by cursor: stable while rows come and go."""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request

from clusters.api.problems import invalid

MOST = 200


class Pages(CursorPagination):
    """``?limit=`` rows a page (1 to 200, otherwise 50), newest first; ``next`` and ``previous`` are addresses."""

    page_size = 50
    page_size_query_param = "limit"
    page_size_query_description = f"Rows a page, 1 to {MOST}."
    max_page_size = MOST
    ordering: Any = ("-created_at", "id")

    def get_page_size(self, request: Request) -> int:
        return whole_number(request, "limit", self.page_size or MOST, 1, MOST)

    def decode_cursor(self, request: Request) -> Any:
        try:
            return super().decode_cursor(request)
        except NotFound:
            raise invalid("cursor", "The cursor is none of ours.", "Follow 'next' as it was given.") from None


class ByName(Pages):
    """Pages in the order of names."""

    ordering = ("name",)


class ByPosition(Pages):
    """Pages in the customer's own order."""

    ordering = ("position", "name")


class NewestFirst(Pages):
    """Pages of rows that are numbered as they come."""

    ordering = ("-id",)


def whole_number(request: Any, name: str, default: int, low: int, high: int) -> int:
    """A number of the query. Raises `Problem`; larger than `high` is cut to it."""
    text = (request.GET if hasattr(request, "GET") else request.query_params).get(name)
    if text in (None, ""):
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) >= low):
        raise invalid(name, f"'{text}' is no number from {low} on.", f"Write {name}={default}.")
    return min(int(text), high)
