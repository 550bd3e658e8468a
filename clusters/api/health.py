"""What was last read of a cluster: its health, components, pods and their changes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import django_filters
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from clusters import catalog, certificates
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
    kind = serializers.ChoiceField(catalog.KINDS, read_only=True, help_text="How it comes to the cluster.")
    EXAMPLES = {
        "name": "gpu-operator",
        "kind": "helm",
        "namespace": "gpu-operator",
        "chosen": True,
        "state": "degraded",
        "desired": 12,
        "ready": 11,
        "version": "v23.9.1",
        "reason": "nvidia-driver-daemonset: 1 of 2 pods are ready",
        "details": {"problems": ["nvidia-driver-daemonset: 1 of 2 pods are ready"]},
        "chart_version": "v23.9.1",
        "checked_at": "2026-11-24T03:41:14Z",
        "changed_at": "2026-11-24T03:12:09Z",
    }

    class Meta:
        model = Component
        fields = [
            *("name", "kind", "namespace", "chosen", "state", "desired", "ready", "version", "reason", "details"),
            *("chart_version", "checked_at", "changed_at"),
        ]
        read_only_fields = fields
        extra_kwargs = {
            "name": {"help_text": "Its name in the catalogue."},
            "namespace": {"help_text": "Its namespace; empty where it has none."},
            "state": {"help_text": "How it is."},
            "desired": {"help_text": "How many pods there ought to be."},
            "ready": {"help_text": "How many pods are ready."},
            "version": {"help_text": "Version of what runs; empty where that is not known."},
            "reason": {"help_text": "Why it is not healthy; empty while it is."},
            "checked_at": {"help_text": "When it was last read."},
            "changed_at": {"help_text": "Since when it is in this state."},
        }

    @extend_schema_field(serializers.DictField())
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
        extra_kwargs = {
            "id": {"help_text": "Its number; later ones are higher."},
            "at": {"help_text": "When it was seen."},
            "subject": {"help_text": "What kind of thing changed."},
            "name": {"help_text": "Name of the component, node, cluster or health check."},
            "old_state": {"help_text": "Its state before; empty when it was seen for the first time."},
            "new_state": {"help_text": "Its state since then."},
            "reason": {"help_text": "Why; may be empty."},
        }

    EXAMPLES = {
        "id": 4711,
        "at": "2026-11-24T03:12:09Z",
        "subject": "component",
        "name": "gpu-operator",
        "old_state": "healthy",
        "new_state": "degraded",
        "reason": "nvidia-driver-daemonset: 1 of 2 pods are ready",
    }


class ObservedNode(Answer):
    """A node of Kubernetes as last read."""

    name = serializers.CharField(help_text="Its name, which is the host's.")
    ready = serializers.BooleanField(help_text="Whether Kubernetes calls it ready.")
    state = serializers.ChoiceField(HealthState.choices, help_text="How it is.")
    reason = serializers.CharField(allow_blank=True, help_text="Why it is not healthy; empty while it is.")
    roles = serializers.ListField(child=serializers.CharField(), help_text="Its roles in Kubernetes.")
    schedulable = serializers.BooleanField(help_text="Whether pods may come to it.")
    kubelet_version = serializers.CharField(allow_blank=True, help_text="Version of its kubelet.")
    os_image = serializers.CharField(allow_blank=True, help_text="Its operating system.")
    kernel = serializers.CharField(allow_blank=True, help_text="Version of its kernel.")
    container_runtime = serializers.CharField(allow_blank=True, help_text="Its container runtime, with the version.")
    arch = serializers.CharField(allow_blank=True, help_text="Its architecture.")
    internal_ip = serializers.CharField(allow_blank=True, help_text="Its address within the cluster.")
    created = serializers.DateTimeField(allow_null=True, help_text="When it joined; null where that is not known.")
    cpu = serializers.FloatField(help_text="Number of its cores.")
    memory = serializers.IntegerField(help_text="Its memory in bytes.")
    gpus = serializers.DictField(help_text="Its GPUs: product, count and how many pods can be given (allocatable).")
    EXAMPLES = {
        "name": "worker1",
        "ready": True,
        "state": "healthy",
        "reason": "",
        "roles": ["worker"],
        "schedulable": True,
        "kubelet_version": "v1.24.3",
        "os_image": "Ubuntu 22.04.4 LTS",
        "kernel": "5.15.0-105-generic",
        "container_runtime": "containerd://1.6.4",
        "arch": "amd64",
        "internal_ip": "192.168.2.4",
        "created": "2026-11-23T10:02:31Z",
        "cpu": 64.0,
        "memory": 540000000000,
        "gpus": {"product": "NVIDIA A100-SXM4-80GB", "count": 8, "allocatable": 8},
    }


class HealthSerializer(Answer):
    """A cluster's health."""

    state = serializers.ChoiceField(ClusterState.choices, help_text="How the cluster is.")
    reason = serializers.CharField(allow_blank=True, help_text="Why, where that needs saying.")
    checked_at = serializers.DateTimeField(allow_null=True, help_text="When the cluster was last read.")
    reachable = serializers.BooleanField(allow_null=True, help_text="Whether the last attempt reached it.")
    error = serializers.CharField(allow_blank=True, help_text="Why it did not.")
    nodes = ObservedNode(many=True, help_text="The nodes of Kubernetes.")
    components = ComponentSerializer(many=True, help_text="The platform's components.")
    EXAMPLES = {
        "state": "degraded",
        "reason": "gpu-operator is degraded",
        "checked_at": "2026-11-24T03:41:14Z",
        "reachable": True,
        "error": "",
    }


class PodSerializer(Answer):
    """A row of ``kubectl get pods -A -o wide``."""

    namespace = serializers.CharField(help_text="Its namespace.")
    name = serializers.CharField(help_text="Its name.")
    ready = serializers.CharField(help_text="Ready containers of all: 1/1.")
    status = serializers.CharField(help_text="As `kubectl get pods` shows it.")
    restarts = serializers.IntegerField(help_text="How many times its containers were started again.")
    age_seconds = serializers.IntegerField(allow_null=True, help_text="Its age in seconds, as of taken_at.")
    ip = serializers.CharField(allow_blank=True, help_text="Its address; empty while it has none.")
    node = serializers.CharField(allow_blank=True, help_text="Where it runs; empty while it waits for a node.")
    EXAMPLES = {
        "namespace": "gpu-operator",
        "name": "nvidia-driver-daemonset-x7k2p",
        "ready": "0/1",
        "status": "CrashLoopBackOff",
        "restarts": 7,
        "age_seconds": 86400,
        "ip": "10.233.90.17",
        "node": "worker1",
    }


class PodsSerializer(Answer):
    """The pods that the last reading saw."""

    taken_at = serializers.DateTimeField(allow_null=True, help_text="When; null before the first reading.")
    reachable = serializers.BooleanField(allow_null=True, help_text="Whether the last attempt reached the cluster.")
    via = serializers.CharField(allow_blank=True, help_text="The host tunnelled through; empty when direct.")
    error = serializers.CharField(allow_blank=True, help_text="Why it could not be read.")
    results = PodSerializer(many=True, help_text="The pods.")
    EXAMPLES = {"taken_at": "2026-11-24T03:41:14Z", "reachable": True, "via": "master1", "error": ""}


class CertificateSerializer(Answer):
    """A certificate on a host."""

    host = serializers.CharField(help_text="The host's name.")
    path = serializers.CharField(help_text="The file on the host.")
    ends_at = serializers.DateTimeField(allow_null=True, help_text="When it ends; null for what is no certificate.")
    days = serializers.IntegerField(
        allow_null=True, help_text="Whole days left, as of now; negative once it has ended."
    )
    EXAMPLES = {
        "host": "master1",
        "path": "/etc/kubernetes/pki/apiserver.crt",
        "ends_at": "2027-11-20T08:00:00Z",
        "days": 361,
    }


class CertificatesSerializer(Answer):
    """When a cluster's certificates end."""

    state = serializers.ChoiceField(
        HealthState.choices, allow_null=True, help_text="How they are; null before the first reading."
    )
    reason = serializers.CharField(allow_blank=True, help_text="Why they are not healthy; empty while they are.")
    checked_at = serializers.DateTimeField(allow_null=True, help_text="When they were last read.")
    results = CertificateSerializer(many=True, help_text="The certificates, those that end first first.")
    EXAMPLES = {"state": "healthy", "reason": "", "checked_at": "2026-11-24T00:10:00Z"}


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
        """By name, as last read."""
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
        """Of components, nodes, the cluster itself and the health checks of Ceph."""
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
        parameters=[OpenApiParameter("namespace", str, description="Only pods of this namespace; of all when empty.")],
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
