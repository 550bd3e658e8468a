"""What all views of the API share: who asks, and that nobody meets another's clusters."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Any, TypeVar, cast

from django.db.models import Model, QuerySet
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from clusters.api.authentication import AccessKeyAuthentication
from clusters.api.documentation import UUID_PATTERN
from clusters.api.filters import narrows
from clusters.api.pagination import Orders, Pages, Stretch, stretch_of
from clusters.api.parsing import StrictJSON
from clusters.api.problems import not_found
from clusters.api.scopes import InScope
from clusters.api.showing import asked, narrowed, raw_columns, show
from clusters.api.sources import source_of
from clusters.api.throttling import AccessKeyThrottle
from clusters.models import AccessKey, Cluster
from clusters.statements import Given, Row, Statement, columns_without, model_of

__all__ = ["AlwaysJSON", "OfCluster", "View", "as_uuid", "own_cluster", "own_clusters", "source_of"]

JSON = "application/json"
AnyModel = TypeVar("AnyModel", bound=Model)
T = TypeVar("T")
_UUID = re.compile(UUID_PATTERN)


class AlwaysJSON(BaseContentNegotiation):
    """The answer's form does not depend on ``Accept``; a body of another kind than JSON is refused."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        kind = (request.content_type or JSON).partition(";")[0].strip().lower()
        return parsers[0] if kind == JSON else None

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class View(GenericViewSet[Any]):
    """A view for the holder of an access key."""

    authentication_classes = [AccessKeyAuthentication]
    permission_classes: Any = [InScope]
    throttle_classes = [AccessKeyThrottle]
    parser_classes = [StrictJSON]
    content_negotiation_class = AlwaysJSON
    # DRF answers OPTIONS with what it knows of a view; the schema says it better, and says nothing of OPTIONS.
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    orders: Orders  # of a list

    @property
    def key(self) -> AccessKey:
        """Whose request it is."""
        return self.request.auth  # type: ignore[return-value]

    @property
    def fake(self) -> bool:
        """Whether the schema is being made, when nobody asks."""
        return getattr(self, "swagger_fake_view", False)

    @property
    def names(self) -> tuple[str, ...]:
        """The fields that the request asks for. Raises `Problem`."""
        return asked(self.request, self.get_serializer_class())

    @classmethod
    def every(cls) -> QuerySet[Any]:
        """All rows, whoever's they are."""
        return cls.queryset.all()  # type: ignore[union-attr]

    @property
    def own(self) -> dict[str, Any]:
        """By which columns rows are those that may be asked for, and by which values."""
        raise NotImplementedError  # none would be everybody's

    def get_queryset(self) -> QuerySet[Any]:
        rows = super().get_queryset()
        return rows.none() if self.fake else rows.filter(**self.own)

    def page(self) -> Response:
        """A page of the list: filtered, ordered and with the fields that the request asks for. Raises `Problem`."""
        names, own = self.names, self.own
        stretch = stretch_of(self.request, self.every().model, self.orders)
        if narrows(self):
            statement = self.statement(self.filter_queryset(self.get_queryset()), names, stretch)
        else:
            statement = _statement(type(self), tuple(own), names, stretch.unfilled())
        pages = cast(Pages, self.paginator)
        found = pages.turned(self.request, stretch, statement.run(**own, **stretch.given))
        return self.get_paginated_response(self.shown(found, names))

    def statement(self, rows: QuerySet[Any], names: tuple[str, ...], stretch: Stretch) -> Statement:
        """What reads a stretch of `rows`."""
        chosen = stretch.of(self.narrow(rows, names, *(column.name for column in stretch.columns)))
        return Statement(chosen, raw_columns(self.get_serializer_class(), names))

    def found(self, rows: QuerySet[Any], names: tuple[str, ...], *more: str) -> list[Row]:
        """`rows` with what these fields need, and the columns `more`."""
        return Statement(self.narrow(rows, names, *more)).run()

    def narrow(self, rows: QuerySet[Any], names: tuple[str, ...], *more: str) -> QuerySet[Any, Any]:
        """`rows` that read what these fields need, and the columns `more`."""
        return narrowed(rows, self.get_serializer_class(), names, *more)

    def shown(self, rows: Any, names: tuple[str, ...]) -> list[dict[str, Any]]:
        """`rows` as JSON."""
        return show(self.get_serializer_class(), rows, names)


class OfCluster(View):
    """A view below ``clusters/{cluster_id}``: `self.cluster` is the caller's own, or the answer is 404."""

    cluster: Cluster

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.cluster = own_cluster(self.key, kwargs["cluster_id"])

    @property
    def own(self) -> dict[str, Any]:
        return {"cluster": self.cluster.pk}


@lru_cache(maxsize=512)
def _statement(view: type[View], own: tuple[str, ...], names: tuple[str, ...], stretch: Stretch) -> Statement:
    """What reads a stretch of a list that nothing narrows, whoever asks."""
    rows = view.every().filter(**{column: Given(column) for column in own})
    return view().statement(rows, names, stretch)


def own_clusters(key: AccessKey) -> QuerySet[Cluster]:
    """The clusters of the customer whose key it is, without their secrets."""
    return Cluster.objects.filter(customer=key.customer_id).defer(*Cluster.SECRETS)


def own_cluster(key: AccessKey, ident: str, *, lock: bool = False) -> Cluster:
    """One of them, locked if need be. Raises `Problem`: another's is as unknown as none."""
    pk = as_uuid(ident, "cluster")
    if lock:
        return one_of(own_clusters(key).select_for_update().filter(pk=pk), "cluster")
    found = only(_own_cluster().run(customer=key.customer_id, pk=pk), "cluster")
    return model_of(Cluster, found)


@cache
def _own_cluster() -> Statement:
    rows = Cluster.objects.filter(customer=Given("customer"), pk=Given("pk")).order_by()
    return Statement(rows.values_list(*columns_without(Cluster, Cluster.SECRETS)))


def one_of(rows: QuerySet[AnyModel], what: str) -> AnyModel:
    """The only one of `rows`. Raises `Problem` where there is none."""
    return only(rows[:1], what)


def only(found: Iterable[T], what: str) -> T:
    """The only one that was `found`. Raises `Problem` where there is none."""
    for one in found:
        return one
    raise not_found(what)


def as_uuid(text: str, what: str) -> uuid.UUID:
    """The id in an address. Raises `Problem`."""
    if not _UUID.fullmatch(text):
        raise not_found(what)
    return uuid.UUID(text)
