"""How the service itself is, as far as it concerns a customer."""

from __future__ import annotations

from importlib.metadata import version

from django.db.models import DurationField, ExpressionWrapper, Max
from django.db.models.functions import Greatest, Now
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from clusters.api.base import View
from clusters.api.fields import Answer
from tasks import engine, queues, serving


class ServedSerializer(Answer):
    """A queue, by what is done through it."""

    name = serializers.ChoiceField(queues.QUEUES, help_text="What is done through it.")
    served = serializers.BooleanField(allow_null=True, help_text="Whether a worker serves it; null: it is not known.")
    EXAMPLES = {"name": "provision", "served": True}


class ServiceSerializer(Answer):
    """The service at one moment."""

    at = serializers.DateTimeField(help_text="The service's time.")
    version = serializers.CharField(help_text="The service's version.")
    broker = serializers.BooleanField(help_text="Whether the broker answers; nothing new is begun while it does not.")
    queues = ServedSerializer(many=True, help_text="Who works on what.")
    waiting = serializers.IntegerField(help_text="How many steps of yours could be worked on and are not.")
    oldest_seconds = serializers.FloatField(
        allow_null=True, help_text="How long the oldest of them has waited (seconds); null without one."
    )
    EXAMPLES = {
        "at": "2026-11-24T03:41:14Z",
        "version": "0.1.0",
        "broker": True,
        "waiting": 0,
        "oldest_seconds": None,
    }


class ServiceView(View):
    """The service."""

    serializer_class = ServiceSerializer

    @extend_schema(summary="See whether the service works", responses=ServiceSerializer)
    def read(self, request: Request) -> Response:
        """Whether anybody works on what you ask for. Workers are asked every 15 seconds at most, for about a second."""
        known = serving.served()
        due = engine.due_steps().filter(operation__cluster__access_key=self.key)
        waited = ExpressionWrapper(
            Now() - Greatest("sent_at", "not_before", "lease_until"), output_field=DurationField()
        )
        oldest = due.aggregate(oldest=Max(waited))["oldest"]
        data = {
            "at": timezone.now(),
            "version": version("sanqian-service"),
            "broker": known is not None,
            "queues": [{"name": name, "served": known[name] if known else None} for name in queues.QUEUES],
            "waiting": due.count(),
            "oldest_seconds": max(0.0, oldest.total_seconds()) if oldest is not None else None,
        }
        return Response(ServiceSerializer(data).data)
