"""What was last read of a cluster: its health, components, pods and their changes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import django_filters
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from clusters import certificates
from clusters.api.base import OfCluster
from clusters.api.fields import Answer
from clusters.api.filters import Filters, Flag, Search, any_of, since, until
from clusters.api.pagination import Orders, Pages
from clusters.api.showing import show, sparse
from clusters.certificates import Certificate
from clusters.models import ClusterState, Component, HealthEvent, HealthState, Observation

KEPT_FROM_VIEW = ("announced",)
# Of components, nodes and checks, and of whole clusters.
EVENT_STATES = list(dict([*ClusterState.choices, *HealthState.choices]).items())


class ComponentSerializer(serializers.ModelSerializer[Component]):
    """A part of the platform on this cluster."""

    needs = {"details": ("details",)}
    details = serializers.SerializerMethodField(help_text="Parts, objects and numbers behind the state.")

    class Meta:
        model = Component
        fields = [
            *("name", "kind", "namespace", "chosen", "state", "desired", "ready", "version", "reason", "details"),
            *("chart_version", "checked_at", "changed_at"),
        ]
        read_only_fields = fields
        extra_kwargs = {
            "kind": {"help_text": "helm, manifest or builtin."},
            "state": {"help_text": "healthy, progressing, degraded, unhealthy, unknown or absent."},
            "desired": {"help_text": "Pods wanted."},
            "ready": {"help_text": "Pods ready."},
            "reason": {"help_text": "Why it is not healthy."},
            "checked_at": {"help_text": "When it was last read."},
            "changed_at": {"help_text": "Since when it is in this state."},
        }

    def get_details(self, component: Component) -> dict[str, Any]:
        return {key: value for key, value in component.details.items() if key not in KEPT_FROM_VIEW}


class ComponentFilter(django_filters.FilterSet):
    """Which components to list."""

    state = any_of(HealthState.choices, "state", "components in this state")
    namespace = django_filters.CharFilter(help_text="Only components of this namespace.")
    chosen = Flag(help_text="Only those that an operation installed, or only others.")
    search = Search("name", "namespace", "version", "reason")

    class Meta:
        model = Component
        fields = ["state", "namespace", "chosen"]


class HealthEventFilter(django_filters.FilterSet):
    """Which changes of health to list."""

    subject = any_of(HealthEvent.Subject.choices, "subject", "changes of this")
    name = django_filters.CharFilter(help_text="Only of the component, node or check of this name.")
    new_state = any_of(EVENT_STATES, "new_state", "changes to this state")
    after = since("at")
    before = until("at")
    search = Search("name", "reason")

    class Meta:
        model = HealthEvent
        fields = ["subject", "name", "new_state"]


class HealthEventSerializer(serializers.ModelSerializer[HealthEvent]):
    """A change of health."""

    class Meta:
        model = HealthEvent
        fields = ["id", "at", "subject", "name", "old_state", "new_state", "reason"]
        read_only_fields = fields
        extra_kwargs = {"old_state": {"help_text": "Empty when it was seen for the first time."}}


class ObservedNode(Answer):
    """A node of Kubernetes as last read."""

    name = serializers.CharField()
    ready = serializers.BooleanField()
    state = serializers.CharField(help_text="healthy, degraded, unhealthy or unknown.")
    reason = serializers.CharField(allow_blank=True)
    roles = serializers.ListField(child=serializers.CharField())
    kubelet_version = serializers.CharField(allow_blank=True)
    cpu = serializers.FloatField(help_text="Cores.")
    memory = serializers.IntegerField(help_text="Bytes.")
    gpus = serializers.DictField(help_text="product, count and allocatable.")


class HealthSerializer(Answer):
    """A cluster's health."""

    state = serializers.ChoiceField(ClusterState.choices)
    reason = serializers.CharField(allow_blank=True)
    checked_at = serializers.DateTimeField(allow_null=True, help_text="When the cluster was last read.")
    reachable = serializers.BooleanField(allow_null=True, help_text="Whether the last attempt reached it.")
    error = serializers.CharField(allow_blank=True, help_text="Why it did not.")
    nodes = ObservedNode(many=True)
    components = ComponentSerializer(many=True)


class PodSerializer(Answer):
    """A row of ``kubectl get pods -A -o wide``."""

    namespace = serializers.CharField()
    name = serializers.CharField()
    ready = serializers.CharField(help_text="Ready containers of all: 1/1.")
    status = serializers.CharField()
    restarts = serializers.IntegerField()
    age_seconds = serializers.IntegerField(allow_null=True, help_text="As of taken_at.")
    ip = serializers.CharField(allow_blank=True)
    node = serializers.CharField(allow_blank=True)


class PodsSerializer(Answer):
    """The pods that the last reading saw."""

    taken_at = serializers.DateTimeField(allow_null=True, help_text="When; null before the first reading.")
    reachable = serializers.BooleanField(allow_null=True, help_text="Whether the last attempt reached the cluster.")
    via = serializers.CharField(allow_blank=True, help_text="The host tunnelled through; empty when direct.")
    error = serializers.CharField(allow_blank=True, help_text="Why it could not be read.")
    results = PodSerializer(many=True)


class CertificateSerializer(Answer):
    """A certificate on a host."""

    host = serializers.CharField()
    path = serializers.CharField()
    ends_at = serializers.DateTimeField(allow_null=True, help_text="Null for what is no certificate.")
    days = serializers.IntegerField(
        allow_null=True, help_text="Whole days left, as of now; negative once it has ended."
    )


class CertificatesSerializer(Answer):
    """When a cluster's certificates end."""

    state = serializers.ChoiceField(HealthState.choices, allow_null=True, help_text="Null before the first reading.")
    reason = serializers.CharField(allow_blank=True)
    checked_at = serializers.DateTimeField(allow_null=True)
    results = CertificateSerializer(many=True)


class Components(OfCluster):
    """The platform's components on a cluster."""

    queryset = Component.objects.all()
    serializer_class = ComponentSerializer
    pagination_class = Pages
    orders = Orders("name", ("name", "state", "checked_at", "changed_at"))
    filter_backends = [Filters]
    filterset_class = ComponentFilter

    @extend_schema(summary="List components with their health", parameters=[sparse(ComponentSerializer)])
    def list(self, request: Request, **_: str) -> Response:
        return self.page()


class HealthEvents(OfCluster):
    """Changes of health."""

    queryset = HealthEvent.objects.all()
    serializer_class = HealthEventSerializer
    pagination_class = Pages
    orders = Orders("-id", ("id", "at", "name"))
    filter_backends = [Filters]
    filterset_class = HealthEventFilter

    @extend_schema(summary="List changes of health, newest first", parameters=[sparse(HealthEventSerializer)])
    def list(self, request: Request, **_: str) -> Response:
        return self.page()


class Health(OfCluster):
    """What the last reading of a cluster saw."""

    queryset = Component.objects.all()
    pagination_class = None

    def observation(self) -> Observation | None:
        """The last reading."""
        return Observation.objects.filter(cluster=self.cluster).first()

    @extend_schema(summary="Read the health", responses=HealthSerializer)
    def health(self, request: Request, **_: str) -> Response:
        """As last read, which happens every minute; the operation `check` reads it now."""
        seen, cluster = self.observation(), self.cluster
        return Response(
            {
                "state": cluster.state,
                "reason": cluster.state_reason,
                "checked_at": cluster.checked_at,
                "reachable": seen.reachable if seen else None,
                "error": seen.error if seen else "",
                "nodes": seen.nodes if seen else [],
                "components": show(ComponentSerializer, self.get_queryset()),
            }
        )

    @extend_schema(summary="List certificates", responses=CertificatesSerializer)
    def certificates(self, request: Request, **_: str) -> Response:
        """Those of the control plane, etcd and the registry as last read, which happens several times a day."""
        row = self.get_queryset().filter(name=certificates.NAME).first()
        now, results = timezone.now(), []
        for one in row.details.get("certificates", ()) if row else ():
            ends = datetime.fromisoformat(one["ends_at"]) if one["ends_at"] else None
            days = Certificate(one["host"], one["path"], ends).days(now) if ends else None
            results.append({**one, "days": days})
        results.sort(key=lambda one: (one["days"] is not None, one["days"] or 0, one["host"], one["path"]))
        return Response(
            {
                "state": row.state if row else None,
                "reason": row.reason if row else "",
                "checked_at": row.checked_at if row else None,
                "results": results,
            }
        )

    @extend_schema(
        summary="List pods",
        responses=PodsSerializer,
        parameters=[OpenApiParameter("namespace", str, description="Only pods of this namespace.")],
    )
    def pods(self, request: Request, **_: str) -> Response:
        """What `kubectl get pods -A` showed when the cluster was last read."""
        seen = self.observation()
        namespace = request.query_params.get("namespace", "")
        pods = seen.pods if seen else []
        return Response(
            {
                "taken_at": seen.taken_at if seen else None,
                "reachable": seen.reachable if seen else None,
                "via": seen.via if seen else "",
                "error": seen.error if seen else "",
                "results": [pod for pod in pods if namespace in ("", pod["namespace"])],
            }
        )
