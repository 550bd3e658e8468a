"""Operations: asked for, watched, cancelled, retried."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from clusters.api.authentication import actor
from clusters.api.base import OfCluster, View, as_uuid, one_of, source_of
from clusters.api.conditional import IF_NONE_MATCH, TAG, answer
from clusters.api.documentation import tells
from clusters.api.filters import Filters
from clusters.api.idempotency import idempotent
from clusters.api.pagination import Orders, Pages, number, text, whole_number
from clusters.api.scopes import require_for_kind
from clusters.api.showing import asked, show, sparse
from clusters.models import AccessKey, Cluster
from tasks import services
from tasks.api import log
from tasks.api.filters import OperationFilter
from tasks.api.refusals import as_problems
from tasks.api.serializers import (
    KindSerializer,
    LogSerializer,
    NewOperationSerializer,
    OperationDetailSerializer,
    OperationSerializer,
    RetrySerializer,
    StepSerializer,
    steps_of,
)
from tasks.models import Operation
from tasks.plans import PLANS

LONGEST_WAIT = 60  # seconds
WAIT = [
    OpenApiParameter(
        "wait",
        int,
        description=f"Seconds to wait for news, {LONGEST_WAIT} at most: for another answer than `If-None-Match` names, "
        "or for an `event_seq` above `after`. With neither of them the answer comes at once.",
    ),
    OpenApiParameter("after", int, description="With `wait`: the number `event_seq` that the caller has seen."),
]
ORDERS = Orders("-created_at", ("created_at", "started_at", "finished_at", "kind", "state"))


def own_operations(key: AccessKey) -> QuerySet[Operation]:
    """Operations on the clusters of the customer whose key it is, with the names of those, without any secret."""
    rows = Operation.objects.filter(cluster__customer=key.customer_id).select_related("cluster")
    return rows.defer(*(f"cluster__{name}" for name in (*Cluster.SECRETS, "inventory_extra")))


def own_operation(key: AccessKey, ident: str) -> Operation:
    """One of them. Raises `Problem`."""
    return one_of(own_operations(key).filter(pk=as_uuid(ident, "operation")), "operation")


class Listed(View):
    """What both lists of operations share."""

    queryset = Operation.objects.all()
    serializer_class = OperationSerializer
    pagination_class = Pages
    orders = ORDERS
    filter_backends = [Filters]
    filterset_class = OperationFilter


class OperationsOfCluster(Listed, OfCluster):
    """The operations of one cluster."""

    @extend_schema(summary="List a cluster's operations", parameters=[sparse(OperationSerializer)])
    def list(self, request: Request, **_: str) -> Response:
        """Newest first."""
        return self.page()

    @extend_schema(summary="Start an operation", request=NewOperationSerializer, responses={202: OperationSerializer})
    @tells("limit-reached", "busy", "conflict")
    @idempotent
    def create(self, request: Request, **_: str) -> Response:
        """Answered at once; follow it by its event stream. One operation at a time may change a cluster."""
        serializer = NewOperationSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        asked = serializer.validated_data
        require_for_kind(self.key, asked["kind"], dry_run=asked["dry_run"])
        with as_problems():
            operation = services.request_operation(
                self.cluster,
                asked["kind"],
                asked.get("params", {}),
                secrets=asked.get("secrets", {}),
                dry_run=asked["dry_run"],
                actor=actor(self.key),
                source=source_of(request),
            )
        return accepted(operation, request)


class Operations(Listed):
    """All operations of the caller."""

    @property
    def own(self) -> dict[str, Any]:
        return {"cluster__customer": self.key.customer_id}

    @extend_schema(summary="List operations", parameters=[sparse(OperationSerializer)])
    def list(self, request: Request) -> Response:
        """Those of all your clusters, newest first."""
        return self.page()

    @extend_schema(
        summary="Read an operation",
        responses=OperationDetailSerializer,
        parameters=[sparse(OperationDetailSerializer), *WAIT],
    )
    @tells(answers=(TAG,), asks=(IF_NONE_MATCH,))
    def retrieve(self, request: Request, operation_id: str) -> HttpResponse:
        """With its steps, and each step's hosts."""
        names = asked(request, OperationDetailSerializer)
        operation = own_operation(self.key, operation_id)
        return answer(request, show(OperationDetailSerializer, [operation], names)[0], str(operation.event_seq))

    @extend_schema(
        summary="Read the output",
        responses=LogSerializer,
        parameters=[
            OpenApiParameter("after", number(0, 0), description="Only output whose number is above this."),
            OpenApiParameter("step", str, description="Only of the step with this key."),
            OpenApiParameter("host", str, description="Only of this host."),
            OpenApiParameter(
                "limit",
                number(1, log.USUAL),
                description=f"At most so many chunks; more than {log.MOST} is {log.MOST}.",
            ),
            OpenApiParameter("tail", number(0, 0), description="The last so many chunks instead; 0 for this not."),
        ],
    )
    def log(self, request: Request, operation_id: str) -> Response:
        """In chunks, numbered together with the operation's events. Secrets are replaced before it is stored."""
        wanted = log.Wanted(
            after=whole_number(request, "after", 0, 0, log.HIGHEST),
            limit=whole_number(request, "limit", log.USUAL, 1, log.MOST),
            tail=whole_number(request, "tail", 0, 0, log.MOST),
            step=text(request, "step"),
            host=text(request, "host"),
        )
        return Response(log.read(own_operation(self.key, operation_id), wanted))

    @extend_schema(
        operation_id="operations_cancel",
        summary="Cancel an operation",
        request=None,
        responses={202: OperationSerializer},
    )
    @idempotent
    def cancel(self, request: Request, operation_id: str) -> Response:
        """What runs on the hosts is ended. An operation that is over stays as it is."""
        operation = own_operation(self.key, operation_id)
        return accepted(services.request_cancel(operation, actor=actor(self.key), source=source_of(request)), request)

    @extend_schema(
        operation_id="operations_retry",
        summary="Retry an operation",
        request=RetrySerializer,
        responses={202: OperationSerializer},
    )
    @tells("limit-reached", "busy", "conflict")
    @idempotent
    def retry(self, request: Request, operation_id: str) -> Response:
        """Goes on where it failed or was cancelled; what is true already is found out and kept."""
        operation = own_operation(self.key, operation_id)
        require_for_kind(self.key, operation.kind, dry_run=operation.dry_run)
        serializer = RetrySerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        with as_problems():
            operation = services.request_retry(
                operation,
                actor=actor(self.key),
                source=source_of(request),
                from_step=serializer.validated_data["from_step"],
            )
        return accepted(operation, request)


class Steps(View):
    """The steps of an operation."""

    serializer_class = StepSerializer
    pagination_class = None

    @extend_schema(summary="List an operation's steps", responses=StepSerializer(many=True))
    def list(self, request: Request, operation_id: str) -> Response:
        """All of them, in the order of the plan, each with its hosts."""
        return Response(StepSerializer(steps_of(own_operation(self.key, operation_id)), many=True).data)


class OperationKinds(View):
    """What can be asked for."""

    serializer_class = KindSerializer
    pagination_class = None

    @extend_schema(summary="List the kinds of operations", responses=KindSerializer(many=True))
    def list(self, request: Request) -> Response:
        """With their parameters as JSON Schema, to make forms from."""
        return Response(KindSerializer(PLANS.values(), many=True).data)


def accepted(operation: Operation, request: Request) -> Response:
    """202 with the operation and where it is."""
    location = f"/api/v1/operations/{operation.pk}"
    return Response(show(OperationSerializer, [operation])[0], status=202, headers={"Location": location})
