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
from tasks.logins import wait_of
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
            if wait := wait_of(request):
                hint, again = f"Wait {wait} s, then send the right password.", {"Retry-After": str(wait)}
                raise Problem("throttled", "Too many wrong passwords came.", hint=hint, headers=again) from error
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

    name = serializers.CharField(help_text="The queue's name.")
    depth = serializers.IntegerField(
        allow_null=True, help_text="How many messages; null where the broker does not answer."
    )
    oldest_seconds = serializers.FloatField(
        allow_null=True, help_text="Age of the oldest message in seconds; null where there is none."
    )
    EXAMPLES = {"name": "provision", "depth": 3, "oldest_seconds": 0.4}


class WorkerSerializer(Answer):
    """A worker process, or one that does not answer and still holds leases."""

    name = serializers.CharField(help_text="The worker's name.")
    alive = serializers.BooleanField(allow_null=True, help_text="Whether it answers; null where it could not be asked.")
    pid = serializers.IntegerField(allow_null=True, help_text="Number of its process; null where it does not answer.")
    concurrency = serializers.IntegerField(allow_null=True, help_text="How many tasks it runs at once.")
    active = serializers.IntegerField(allow_null=True, help_text="How many tasks it runs now.")
    steps = serializers.IntegerField(help_text="How many steps it drives.")
    operations = serializers.IntegerField(help_text="How many operations these belong to.")
    EXAMPLES = {
        "name": "w0@web1",
        "alive": True,
        "pid": 4242,
        "concurrency": 32,
        "active": 3,
        "steps": 2,
        "operations": 1,
    }


class LoadSerializer(Answer):
    """What one access key has under way."""

    access_key = serializers.CharField(help_text="The public part of the key.")
    customer = serializers.CharField(help_text="The customer's name.")
    operations = serializers.IntegerField(help_text="How many operations.")
    driven = serializers.IntegerField(help_text="How many steps are ready or running.")
    EXAMPLES = {"access_key": "8b4ac51bdc", "customer": "First customer", "operations": 1, "driven": 2}


class FleetSerializer(Answer):
    """The fleet at one moment."""

    at = serializers.DateTimeField(help_text="Which moment.")
    broker = serializers.BooleanField(help_text="Whether the broker answers.")
    queues = QueueSerializer(many=True, help_text="The queues.")
    workers = WorkerSerializer(many=True, help_text="The workers.")
    operations = serializers.DictField(
        child=serializers.IntegerField(), help_text=f"How many in each state: {', '.join(OperationState.values)}."
    )
    waiting = serializers.IntegerField(help_text="How many steps could be driven and are not.")
    overdue = serializers.IntegerField(help_text="How many of them have a message that is taken for lost.")
    oldest_seconds = serializers.FloatField(
        allow_null=True, help_text="How many seconds the oldest of them waits; null where there is none."
    )
    access_keys = LoadSerializer(many=True, help_text="The access keys that have something under way.")
    EXAMPLES = {
        "at": "2026-11-24T03:41:14Z",
        "broker": True,
        "operations": {"running": 1, "succeeded": 17},
        "waiting": 0,
        "overdue": 0,
        "oldest_seconds": None,
    }


class FleetView(View):
    """The fleet."""

    authentication_classes = [OperatorAuthentication, SessionAuthentication]
    permission_classes = [IsOperator]
    throttle_classes = []
    problems = ("not-authenticated", "not-allowed", "internal", "unavailable")
    serializer_class = FleetSerializer

    @extend_schema(summary="See queues and workers", responses=FleetSerializer)
    def read(self, request: Request) -> Response:
        """For operators only. Takes about a second, for the workers are asked."""
        return Response(FleetSerializer(fleet()).data)
