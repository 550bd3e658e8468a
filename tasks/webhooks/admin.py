"""Webhooks, for operators: to whom, how it goes, and again. No secret is shown, nor paths, which may hold some."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display

from clusters.admin import ReadOnly
from tasks.webhooks import endpoints
from tasks.webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint

STATE_LABELS = {"pending": "warning", "succeeded": "success", "failed": "danger"}


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(ReadOnly, ModelAdmin):
    list_display = ("origin", "access_key", "active", "waiting", "failures", "failing_since", "delivered_at", "note")
    list_filter = ("active",)
    search_fields = ("id", "description", "access_key__prefix", "access_key__customer__name")
    list_select_related = ("access_key__customer",)
    fields = (
        *("origin", "access_key", "description", "event_types", "active", "note", "failures", "failing_since"),
        *("delivered_at", "rest_until", "old_secret_until", "created_at"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookEndpoint]:
        pending = Count("deliveries", filter=Q(deliveries__state=WebhookDelivery.State.PENDING))
        return super().get_queryset(request).defer("secret", "old_secret").annotate(pending=pending)

    @display(description="waiting", ordering="pending")
    def waiting(self, endpoint: Any) -> int:
        return int(endpoint.pending)


class AttemptInline(ReadOnly, TabularInline):
    model = WebhookAttempt
    fields = ("number", "started_at", "seconds", "status", "error", "answer")
    extra = 0


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnly, ModelAdmin):
    list_display = ("id", "kind", "endpoint", "state_label", "attempts_made", "status", "error", "due_at", "created_at")
    list_filter = ("state", "event__type")
    search_fields = ("=id", "endpoint__id", "event__id", "endpoint__access_key__prefix")
    list_select_related = ("endpoint", "event")
    fields = ("endpoint", "kind", "body", "state", "attempts_made", "due_at", "status", "error", "finished_at")
    inlines = (AttemptInline,)
    actions = ("replay",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookDelivery]:
        return super().get_queryset(request).defer("endpoint__secret", "endpoint__old_secret")

    @display(description="event", ordering="event__type")
    def kind(self, row: WebhookDelivery) -> str:
        return row.event.type

    @display(description="body")
    def body(self, row: WebhookDelivery) -> str:
        return row.event.body

    @display(description="state", ordering="state", label=STATE_LABELS)
    def state_label(self, row: WebhookDelivery) -> str:
        return row.state

    def has_replay_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("tasks.change_webhookdelivery"))

    @admin.action(description="Send again", permissions=["replay"])
    def replay(self, request: HttpRequest, chosen: QuerySet[WebhookDelivery]) -> None:
        who = {"actor": f"operator {request.user.get_username()}", "source": str(request.META.get("REMOTE_ADDR", ""))}
        again = 0
        for endpoint in WebhookEndpoint.objects.filter(pk__in=chosen.values("endpoint")):
            try:
                again += len(endpoints.replay(WebhookDelivery.objects.filter(pk__in=chosen), endpoint, **who))
            except endpoints.SwitchedOff as error:
                messages.error(request, f"{endpoint}: {error}")
        messages.success(request, f"{again} sent again.")
