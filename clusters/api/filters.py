"""What a list may be narrowed by: ``?state=ready&search=rack``."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django_filters.fields import IsoDateTimeField
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.request import Request

LONGEST = 200


class Filters(DjangoFilterBackend):
    """DRF's backend for a view's `filterset_class`; it costs nothing where the query has none of its words."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        if not narrows(view):
            return queryset
        narrowed: QuerySet[Any] = super().filter_queryset(request, queryset, view)
        return narrowed


def narrows(view: Any) -> bool:
    """Whether the request's query has a word that the view's list may be narrowed by."""
    filterset = getattr(view, "filterset_class", None)
    return filterset is not None and not filterset.base_filters.keys().isdisjoint(view.request.GET)


class _TrueOrFalse(forms.NullBooleanField):
    widget = forms.TextInput

    def to_python(self, value: Any) -> Any:
        if value not in ("true", "false", None):
            raise forms.ValidationError("Write true or false.")
        return super().to_python(value)


class Flag(django_filters.BooleanFilter):
    """Rows for which something is so, or is not."""

    field_class = _TrueOrFalse


class _Time(IsoDateTimeField):
    def to_python(self, value: Any) -> Any:
        if value == "":
            raise forms.ValidationError("Write a time (ISO 8601), or leave it out.")
        return super().to_python(value)


class Moment(django_filters.IsoDateTimeFilter):
    """Rows by a time."""

    field_class = _Time


class Search(django_filters.CharFilter):
    """Rows that have each of the words somewhere in the columns `within`, whatever the case."""

    def __init__(self, *within: str) -> None:
        super().__init__(max_length=LONGEST, help_text=f"Words that occur in {', '.join(within[:-1])} or {within[-1]}.")
        self.within = within

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        for word in value.split() if value else ():
            qs = qs.filter(reduce(or_, (Q(**{f"{column}__icontains": word}) for column in self.within)))
        return qs


def since(column: str) -> Moment:
    """Rows from a moment on."""
    return Moment(column, "gte", help_text=f"Only with {column} at this time or later.")


def until(column: str) -> Moment:
    """Rows before a moment."""
    return Moment(column, "lt", help_text=f"Only with {column} before this time.")


def any_of(choices: Any, column: str, what: str) -> django_filters.MultipleChoiceFilter:
    """Rows with one of the words in a column, which may be asked for several times."""
    text = f"Only {what}; may be repeated for one of several."
    return django_filters.MultipleChoiceFilter(field_name=column, choices=choices, help_text=text)
