"""The fleet, for operators: staff of the admin site, not customers."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.authentication import BasicAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from clusters.api.base import View
from clusters.api.fields import Answer
from clusters.api.problems import Problem
from tasks.fleet import fleet
from tasks.models import OperationState

ASK = {"WWW-Authenticate": 'Basic realm="sanqian operators", charset="UTF-8"'}
HINT = "Log in as a user of the admin site who is staff and may view operations."
MAY_LOOK = "tasks.view_operation"


def may_look(user: object) -> bool:
    """Whether `user` may see the fleet."""
    return isinstance(user, User) and user.is_active and user.is_staff and user.has_perm(MAY_LOOK)


class OperatorAuthentication(BasicAuthentication):
    """An operator's name and password. An access key is a customer's, and refused whosever it is."""

    def authenticate(self, request: Request) -> Any:
        if request.headers.get("Authorization", "").lower().startswith("bearer"):
            raise Problem("not-allowed", "An access key does not open this.", hint=HINT)
        try:
            return super().authenticate(request)
        except AuthenticationFailed as error:
            raise Problem("not-authenticated", str(error.detail), hint=HINT, headers=ASK) from error


class OperatorScheme(OpenApiAuthenticationExtension):
    """How the schema describes it."""

    target_class = "tasks.api.fleet.OperatorAuthentication"
    name = "operator"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "basic", "description": "A staff user of the admin site."}


class IsOperator(BasePermission):
    """Staff with the right to view operations."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not request.user:
            raise Problem("not-authenticated", "Nobody is logged in.", hint=HINT, headers=ASK)
        if not may_look(request.user):
            raise Problem("not-allowed", f"{request.user} may not view operations, or is not staff.", hint=HINT)
        return True


class QueueSerializer(Answer):
    """Messages that wait for a worker."""

    name = serializers.CharField()
    depth = serializers.IntegerField(allow_null=True, help_text="Null where the broker does not answer.")
    oldest_seconds = serializers.FloatField(allow_null=True, help_text="Age of the oldest message.")


class WorkerSerializer(Answer):
    """A worker process, or one that does not answer and still holds leases."""

    name = serializers.CharField()
    alive = serializers.BooleanField(allow_null=True, help_text="Null where it could not be asked.")
    pid = serializers.IntegerField(allow_null=True)
    concurrency = serializers.IntegerField(allow_null=True, help_text="Tasks that it runs at once.")
    active = serializers.IntegerField(allow_null=True, help_text="Tasks that it runs now.")
    steps = serializers.IntegerField(help_text="Steps that it drives.")
    operations = serializers.IntegerField(help_text="Operations that these belong to.")


class LoadSerializer(Answer):
    """What one access key has under way."""

    access_key = serializers.CharField(help_text="The public part of the key.")
    customer = serializers.CharField()
    operations = serializers.IntegerField()
    driven = serializers.IntegerField(help_text="Steps that are ready or running.")


class FleetSerializer(Answer):
    """The fleet at one moment."""

    at = serializers.DateTimeField()
    broker = serializers.BooleanField(help_text="Whether the broker answers.")
    queues = QueueSerializer(many=True)
    workers = WorkerSerializer(many=True)
    operations = serializers.DictField(
        child=serializers.IntegerField(), help_text=f"By state: {', '.join(OperationState.values)}."
    )
    waiting = serializers.IntegerField(help_text="Steps that could be driven and are not.")
    overdue = serializers.IntegerField(help_text="Those of them whose message is taken for lost.")
    oldest_seconds = serializers.FloatField(allow_null=True, help_text="Since when the oldest of them waits.")
    access_keys = LoadSerializer(many=True)


class FleetView(View):
    """The fleet."""

    authentication_classes = [OperatorAuthentication, SessionAuthentication]
    permission_classes = [IsOperator]
    throttle_classes = []
    serializer_class = FleetSerializer

    @extend_schema(summary="See queues and workers", responses=FleetSerializer)
    def read(self, request: Request) -> Response:
        """For operators only. Takes about a second, for the workers are asked."""
        return Response(FleetSerializer(fleet()).data)
