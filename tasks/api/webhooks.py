"""Webhooks: where a customer wants to be told of events, and how telling went."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import django_filters
from django.db.models import QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from clusters.api.authentication import actor
from clusters.api.base import View, as_uuid, one_of, source_of
from clusters.api.documentation import tells
from clusters.api.idempotency import idempotent
from clusters.api.pagination import Orders, Pages
from clusters.api.problems import Problem
from clusters.models import AccessKey
from tasks.api.webhook_serializers import (
    DeliveryDetailSerializer,
    DeliverySerializer,
    EventTypeSerializer,
    NewSecretSerializer,
    NewWebhookSerializer,
    ReplayedSerializer,
    ReplaySerializer,
    RotationSerializer,
    WebhookChangeSerializer,
    WebhookSerializer,
    WebhookWithSecretSerializer,
)
from tasks.webhooks import endpoints, events
from tasks.webhooks.models import WebhookDelivery, WebhookEndpoint

OF_WEBHOOK = "/api/v1/webhooks"


def of_customer(key: AccessKey) -> QuerySet[WebhookEndpoint]:
    """The endpoints of the customer whose key it is, without their secrets."""
    rows = WebhookEndpoint.objects.filter(access_key__customer=key.customer_id).select_related("access_key")
    return rows.defer("secret", "old_secret", "access_key__value", "access_key__hash")


def own_webhook(key: AccessKey, ident: str) -> WebhookEndpoint:
    """One of the caller's. Raises `Problem`."""
    return one_of(of_customer(key).filter(pk=as_uuid(ident, "webhook")), "webhook")


def with_secret(handler: Callable[..., Response]) -> Callable[..., Response]:
    """Puts the secret into the answer, beyond what an ``Idempotency-Key`` has kept of it: that is not encrypted."""

    @functools.wraps(handler)
    def answer(view: Webhooks, request: Request, **path: str) -> Response:
        response = handler(view, request, **path)
        row = of_customer(view.key).filter(pk=response.data["id"]).first()
        response.data = {**response.data, "secret": row.secret if row else ""}
        response["Cache-Control"] = "no-store"
        return response

    return answer


class Webhooks(View):
    """The caller's endpoints."""

    queryset = WebhookEndpoint.objects.all()
    serializer_class = WebhookSerializer
    pagination_class = Pages
    orders = Orders("-created_at", ("created_at",))

    def get_queryset(self) -> QuerySet[Any]:
        return WebhookEndpoint.objects.none() if self.fake else of_customer(self.key)

    @extend_schema(summary="List webhooks")
    def list(self, request: Request) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(summary="Read a webhook")
    def retrieve(self, request: Request, webhook_id: str) -> Response:
        return Response(self.get_serializer(own_webhook(self.key, webhook_id)).data)

    @extend_schema(summary="Add a webhook", request=NewWebhookSerializer, responses={201: WebhookWithSecretSerializer})
    @tells("limit-reached")
    @with_secret
    @idempotent
    def create(self, request: Request) -> Response:
        """The answer holds the secret that requests are signed with; it is not shown again. Try it with `ping`."""
        given = NewWebhookSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        with as_problems():
            made = endpoints.create(self.key, given.validated_data, **self.who())
        return Response(WebhookSerializer(made).data, status=201, headers={"Location": f"{OF_WEBHOOK}/{made.pk}"})

    @extend_schema(summary="Change a webhook", request=WebhookChangeSerializer(partial=True))
    def partial_update(self, request: Request, webhook_id: str) -> Response:
        """Switched off, what was on its way is given up and what happens meanwhile is not kept for it.

        The webhook is then the key's that asks: it ends when that key is revoked.
        """
        row = own_webhook(self.key, webhook_id)
        given = WebhookChangeSerializer(data=request.data, partial=True)
        given.is_valid(raise_exception=True)
        return Response(self.get_serializer(endpoints.update(row, self.key, given.validated_data, **self.who())).data)

    @extend_schema(summary="Delete a webhook", responses={204: None})
    def destroy(self, request: Request, webhook_id: str) -> Response:
        """With all that is known of its deliveries."""
        endpoints.delete(own_webhook(self.key, webhook_id), **self.who())
        return Response(status=204)

    @extend_schema(
        operation_id="webhooks_rotate_secret",
        summary="Rotate the secret",
        request=RotationSerializer,
        responses=NewSecretSerializer,
    )
    @with_secret
    @idempotent
    def rotate_secret(self, request: Request, webhook_id: str) -> Response:
        """Until `old_secret_until` requests carry two signatures: by the new secret and by the one before."""
        row = own_webhook(self.key, webhook_id)
        given = RotationSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        overlap = timedelta(seconds=given.validated_data["overlap_seconds"])
        changed = endpoints.rotate(row, overlap, **self.who())
        until = changed.old_secret_until
        return Response({"id": str(row.pk), "old_secret_until": until.isoformat() if until else None})

    @extend_schema(
        operation_id="webhooks_ping", summary="Send a test", request=None, responses={202: DeliverySerializer}
    )
    @tells("conflict")
    @idempotent
    def ping(self, request: Request, webhook_id: str) -> Response:
        """An event of the type `webhook.ping`. Read the delivery to see how it went."""
        row = own_webhook(self.key, webhook_id)
        with as_problems():
            made = endpoints.ping(row, **self.who())
        made = WebhookDelivery.objects.select_related("event").get(pk=made.pk)
        where = f"{OF_WEBHOOK}/{row.pk}/deliveries/{made.pk}"
        return Response(DeliverySerializer(made).data, status=202, headers={"Location": where})

    @extend_schema(
        operation_id="webhooks_replay",
        summary="Send what failed again",
        request=ReplaySerializer,
        responses={202: ReplayedSerializer},
    )
    @tells("conflict")
    @idempotent
    def replay(self, request: Request, webhook_id: str) -> Response:
        """All deliveries that were given up, of what happened from `since` on, under their old ids."""
        row = own_webhook(self.key, webhook_id)
        given = ReplaySerializer(data=request.data)
        given.is_valid(raise_exception=True)
        with as_problems():
            found = endpoints.replay(endpoints.failed_since(row, given.validated_data["since"]), row, **self.who())
        where = f"{OF_WEBHOOK}/{row.pk}/deliveries"
        return Response({"replayed": len(found)}, status=202, headers={"Location": where})

    def who(self) -> dict[str, str]:
        """Who asks, for the audit."""
        return {"actor": actor(self.key), "source": source_of(self.request)}


class DeliveryFilter(django_filters.FilterSet):
    """What deliveries can be chosen by."""

    state = django_filters.ChoiceFilter(choices=WebhookDelivery.State.choices, help_text="Only those in this state.")
    type = django_filters.ChoiceFilter(
        field_name="event__type",
        choices=[(one, one) for one in events.DELIVERED],
        help_text="Only those of events of this type.",
    )

    class Meta:
        model = WebhookDelivery
        fields = ["state", "type"]


class Deliveries(View):
    """What was sent to one of the caller's endpoints, and is on its way."""

    queryset = WebhookDelivery.objects.all()
    serializer_class = DeliverySerializer
    pagination_class = Pages
    orders = Orders("-id", ("id",))
    filter_backends = [DjangoFilterBackend]
    filterset_class = DeliveryFilter

    def get_queryset(self) -> QuerySet[Any]:
        if self.fake:
            return WebhookDelivery.objects.none()
        webhook = own_webhook(self.key, self.kwargs["webhook_id"])
        return WebhookDelivery.objects.filter(endpoint=webhook).select_related("event")

    @extend_schema(summary="List deliveries, newest first")
    def list(self, request: Request, webhook_id: str) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset().defer("event__body")))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(summary="Read a delivery", responses=DeliveryDetailSerializer, filters=False)
    def retrieve(self, request: Request, webhook_id: str, delivery_id: str) -> Response:
        """With its body and each attempt."""
        return Response(DeliveryDetailSerializer(self.delivery(delivery_id)).data)

    @extend_schema(
        operation_id="webhooks_deliveries_replay",
        summary="Send a delivery again",
        request=None,
        responses={202: DeliverySerializer},
    )
    @tells("conflict")
    @idempotent
    def replay(self, request: Request, webhook_id: str, delivery_id: str) -> Response:
        """Under its old id, also where it was taken before."""
        row = self.delivery(delivery_id)
        who = {"actor": actor(self.key), "source": source_of(request)}
        with as_problems():
            endpoints.replay(WebhookDelivery.objects.filter(pk=row.pk), row.endpoint, **who)
        where = f"{OF_WEBHOOK}/{row.endpoint_id}/deliveries/{row.pk}"
        return Response(DeliverySerializer(self.delivery(delivery_id)).data, status=202, headers={"Location": where})

    def delivery(self, ident: str) -> WebhookDelivery:
        """One of them. Raises `Problem`."""
        number = int(ident) if ident.isascii() and ident.isdigit() and len(ident) < 19 else 0
        return one_of(self.get_queryset().filter(pk=number), "delivery")


class EventTypes(View):
    """What can be told."""

    serializer_class = EventTypeSerializer
    pagination_class = None

    @extend_schema(summary="List the types of events", responses=EventTypeSerializer(many=True))
    def list(self, request: Request) -> Response:
        return Response([{"type": str(kind), "description": about} for kind, about in events.ABOUT.items()])


@contextmanager
def as_problems() -> Iterator[None]:
    """Turns refusals into `Problem`."""
    try:
        yield
    except endpoints.TooMany as error:
        raise Problem("limit-reached", str(error), hint="Delete one of them.", limit=endpoints.MOST) from error
    except endpoints.SwitchedOff as error:
        raise Problem("conflict", str(error), hint="Set active to true first.") from error
