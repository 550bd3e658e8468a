"""Who the caller is, and what they may have."""

from __future__ import annotations

from importlib.metadata import version

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from clusters.api.base import View
from clusters.api.fields import Answer
from clusters.customers import Scope
from clusters.models import Cluster, ClusterState
from tasks.models import ACTIVE, Operation


class KeyShown(Answer):
    """An access key without its secret."""

    id = serializers.UUIDField(help_text="Its id.")
    prefix = serializers.CharField(help_text="The public part of the key.")
    name = serializers.CharField(allow_blank=True, help_text="What the key is for.")
    scope = serializers.ChoiceField(Scope.choices, help_text="What it may do: read, operate, or admin.")
    expires_at = serializers.DateTimeField(allow_null=True, help_text="When it expires; null for never.")
    last_used_at = serializers.DateTimeField(
        allow_null=True, help_text="When it was last used; noted once a minute, null before."
    )
    EXAMPLES = {
        "id": "65a9c0b4-3f0e-4a5d-8a0f-0d1f5b7e2c9a",
        "prefix": "8b4ac51bdc",
        "name": "laptop",
        "scope": "admin",
        "expires_at": None,
        "last_used_at": "2026-11-24T03:41:14Z",
    }


class CustomerShown(Answer):
    """Whose key it is."""

    name = serializers.CharField(help_text="The customer's name.")
    EXAMPLES = {"name": "First customer"}


class Limits(Answer):
    """What the customer may have by this key."""

    clusters = serializers.IntegerField(help_text="How many clusters.")
    hosts_per_cluster = serializers.IntegerField(help_text="How many hosts in one cluster.")
    operations = serializers.IntegerField(help_text="How many operations under way at once.")
    EXAMPLES = {"clusters": 20, "hosts_per_cluster": 200, "operations": 10}


class Usage(Answer):
    """What the customer has."""

    clusters = serializers.IntegerField(help_text="How many clusters, without those that were removed.")
    operations = serializers.IntegerField(help_text="How many operations under way now.")
    EXAMPLES = {"clusters": 2, "operations": 1}


class WhoAmISerializer(Answer):
    """The caller."""

    access_key = KeyShown(help_text="The key of this request.")
    customer = CustomerShown(help_text="Whose it is.")
    limits = Limits(help_text="What it may have.")
    usage = Usage(help_text="What it has.")
    version = serializers.CharField(help_text="The service's version.")
    EXAMPLES = {"version": "0.1.0"}


class WhoAmI(View):
    """The caller."""

    serializer_class = WhoAmISerializer

    @extend_schema(summary="Who am I", responses=WhoAmISerializer)
    def read(self, request: Request) -> Response:
        """The access key of the request, its customer, its limits, and what is used of them."""
        key = self.key
        clusters = Cluster.objects.filter(customer=key.customer_id).exclude(state=ClusterState.REMOVED).count()
        operations = Operation.objects.filter(cluster__customer=key.customer_id, state__in=ACTIVE).count()
        data = {
            "access_key": key,
            "customer": key.customer,
            "limits": {
                "clusters": key.max_clusters,
                "hosts_per_cluster": key.max_hosts,
                "operations": key.max_operations,
            },
            "usage": {"clusters": clusters, "operations": operations},
            "version": version("sanqian-service"),
        }
        return Response(WhoAmISerializer(data).data)
