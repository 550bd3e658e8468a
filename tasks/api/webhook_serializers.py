"""Webhooks as JSON. The secret is in two answers alone: of the creation and of a rotation."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from clusters.api.fields import Answer, Strict
from tasks.webhooks.address import LONGEST, Refused, may_connect, target
from tasks.webhooks.events import ABOUT, DELIVERED, TYPES, EventType
from tasks.webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint

DAY = 86_400
WEBHOOK = "b6b0f1c4-2f3d-4f53-8a86-0c2d6a1e9b77"


class NewWebhookSerializer(Strict):
    """Where to send what."""

    url = serializers.CharField(max_length=LONGEST, help_text="https://... (or http), to a public address.")
    description = serializers.CharField(max_length=200, required=False, allow_blank=True, help_text="For you.")
    event_types = serializers.ListField(
        child=serializers.ChoiceField(TYPES),
        required=False,
        max_length=len(TYPES),
        help_text="Only these; empty for all, also those to come.",
    )
    active = serializers.BooleanField(required=False, help_text="false: nothing is sent.")
    EXAMPLES = {
        "url": "https://hooks.example.com/sanqian",
        "description": "Tickets",
        "event_types": ["operation.failed", "cluster.state_changed"],
        "active": True,
    }

    def validate_url(self, url: str) -> str:
        """Names are resolved when something is sent, and checked again each time."""
        try:
            literal = target(url).literal
        except Refused as error:
            raise serializers.ValidationError(f"{error.message} {error.fix}") from error
        if literal is not None and not may_connect(literal, settings.WEBHOOK_ALLOW_PRIVATE):
            raise serializers.ValidationError(
                "This is no public address. Give one that is, or ask the operator to allow its network."
            )
        return url

    def validate_event_types(self, given: list[str]) -> list[str]:
        return list(dict.fromkeys(given))


class WebhookChangeSerializer(NewWebhookSerializer):
    """What is to be another."""


class WebhookSerializer(serializers.ModelSerializer[WebhookEndpoint]):
    """An endpoint, without its secret."""

    access_key = serializers.CharField(
        source="access_key.prefix", read_only=True, help_text="The key that made or changed it last; it ends with that."
    )

    class Meta:
        model = WebhookEndpoint
        fields = ["id", "url", "description", "event_types", "active", "access_key", "note", "failures"]
        fields += ["failing_since", "delivered_at", "old_secret_until", "created_at"]
        read_only_fields = fields
        extra_kwargs = {
            "id": {"help_text": "The webhook's id."},
            "url": {"help_text": "Where requests go."},
            "description": {"help_text": "What its maker wrote of it."},
            "event_types": {"help_text": "Only these; empty for all."},
            "active": {"help_text": "false: nothing is sent."},
            "note": {"help_text": "Why the service has switched it off; empty otherwise."},
            "failures": {"help_text": "How many attempts in a row it did not take."},
            "failing_since": {"help_text": "When the first of them was; null while all is well."},
            "delivered_at": {"help_text": "When it last took something; null before."},
            "old_secret_until": {"help_text": "Until when the secret before the last rotation signs, too; else null."},
            "created_at": {"help_text": "When it was added."},
        }

    CHOICES = {"event_types": TYPES}
    EXAMPLES = {
        "id": WEBHOOK,
        "url": "https://hooks.example.com/sanqian",
        "description": "Tickets",
        "event_types": ["operation.failed", "cluster.state_changed"],
        "active": True,
        "access_key": "8b4ac51bdc",
        "note": "",
        "failures": 0,
        "failing_since": None,
        "delivered_at": "2026-11-24T03:41:14Z",
        "old_secret_until": None,
        "created_at": "2026-11-01T08:00:00Z",
    }


class WebhookWithSecretSerializer(WebhookSerializer):
    """An endpoint as its creation answers."""

    secret = serializers.CharField(read_only=True, help_text="whsec_... Shown this once.")

    class Meta(WebhookSerializer.Meta):
        fields = [*WebhookSerializer.Meta.fields, "secret"]
        read_only_fields = fields

    EXAMPLES = {"delivered_at": None, "secret": "whsec_..."}


class RotationSerializer(Strict):
    """How long the secret before goes on signing."""

    overlap_seconds = serializers.IntegerField(
        min_value=0, max_value=7 * DAY, default=DAY, help_text="Seconds; 0 where the old secret has become known."
    )
    EXAMPLES = {"overlap_seconds": DAY}


class NewSecretSerializer(Answer):
    """The new secret."""

    id = serializers.UUIDField(help_text="Of the webhook.")
    secret = serializers.CharField(help_text="whsec_... Shown this once.")
    old_secret_until = serializers.DateTimeField(allow_null=True, help_text="Until when the one before signs, too.")
    EXAMPLES = {"id": WEBHOOK, "secret": "whsec_...", "old_secret_until": "2026-11-25T03:41:14Z"}


class ReplaySerializer(Strict):
    """What to send again."""

    since = serializers.DateTimeField(help_text="What happened from then on, and was given up.")
    EXAMPLES = {"since": "2026-11-24T03:00:00Z"}


class ReplayedSerializer(Answer):
    """How much is sent again."""

    replayed = serializers.IntegerField(help_text="How many deliveries.")
    EXAMPLES = {"replayed": 3}


class EventTypeSerializer(Answer):
    """A type of event."""

    type = serializers.ChoiceField(TYPES, help_text="As in event_types and in bodies.")
    description = serializers.CharField(help_text="When such an event is sent.")
    EXAMPLES = {"type": "operation.failed", "description": ABOUT[EventType.OPERATION_FAILED]}


class DeliverySerializer(serializers.ModelSerializer[WebhookDelivery]):
    """One event on its way to one endpoint."""

    message_id = serializers.CharField(source="event.message", read_only=True, help_text="The webhook-id.")
    type = serializers.ChoiceField(DELIVERED, source="event.type", read_only=True, help_text="Type of the event.")
    happened_at = serializers.DateTimeField(source="event.at", read_only=True, help_text="When it happened.")
    attempts_made = serializers.IntegerField(read_only=True, help_text="How many times it was sent.")
    next_attempt_at = serializers.SerializerMethodField()

    class Meta:
        model = WebhookDelivery
        fields = ["id", "message_id", "type", "happened_at", "state", "attempts_made", "next_attempt_at", "status"]
        fields += ["error", "finished_at"]
        read_only_fields = fields
        extra_kwargs = {
            "id": {"help_text": "Number of the delivery; later ones have greater ones."},
            "state": {"help_text": "How far it is."},
            "status": {"help_text": "HTTP status (a number) of the last answer; null where there was none."},
            "error": {"help_text": "Why it was not taken; empty once it was."},
            "finished_at": {"help_text": "When it was taken or given up; null before."},
        }

    EXAMPLES = {
        "id": 1258,
        "message_id": "msg_9a942141db5f4497a9d638411797ae7f",
        "type": "operation.failed",
        "happened_at": "2026-11-24T03:41:14Z",
        "state": "succeeded",
        "attempts_made": 1,
        "next_attempt_at": None,
        "status": 204,
        "error": "",
        "finished_at": "2026-11-24T03:41:15Z",
    }

    @extend_schema_field(serializers.DateTimeField(allow_null=True, help_text="Null where none will follow."))
    def get_next_attempt_at(self, row: WebhookDelivery) -> Any:
        pending = row.state == WebhookDelivery.State.PENDING
        return serializers.DateTimeField().to_representation(row.due_at) if pending else None


class AttemptSerializer(serializers.ModelSerializer[WebhookAttempt]):
    """One request."""

    class Meta:
        model = WebhookAttempt
        fields = ["number", "started_at", "finished_at", "seconds", "status", "error", "answer"]
        read_only_fields = fields
        extra_kwargs = {
            "number": {"help_text": "Number of the attempt, from 1."},
            "started_at": {"help_text": "When it began."},
            "finished_at": {"help_text": "When it ended; null while it is under way."},
            "seconds": {"help_text": "How long it took, in seconds; null while it is under way."},
            "status": {"help_text": "HTTP status (a number); null where there was no answer."},
            "error": {"help_text": "Why it does not count as taken."},
            "answer": {"help_text": "The first 1024 bytes of the answer."},
        }

    EXAMPLES = {
        "number": 1,
        "started_at": "2026-11-24T03:41:14.8Z",
        "finished_at": "2026-11-24T03:41:15Z",
        "seconds": 0.2,
        "status": 204,
        "error": "",
        "answer": "",
    }


class DeliveryDetailSerializer(DeliverySerializer):
    """A delivery with its body and attempts."""

    body = serializers.SerializerMethodField()
    attempts = AttemptSerializer(many=True, read_only=True, help_text="Each request, the first one first.")

    class Meta(DeliverySerializer.Meta):
        fields = [*DeliverySerializer.Meta.fields, "body", "attempts"]
        read_only_fields = fields

    EXAMPLES = {
        "body": {
            "type": "operation.failed",
            "timestamp": "2026-11-24T03:41:14.000000Z",
            "data": {"operation": {"id": "9a942141-db5f-4497-a9d6-38411797ae7f", "kind": "install"}},
        }
    }

    @extend_schema_field(serializers.DictField(help_text="What is sent: type, timestamp, data."))
    def get_body(self, row: WebhookDelivery) -> Any:
        return json.loads(row.event.body)
