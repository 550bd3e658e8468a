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

    id = serializers.UUIDField()
    prefix = serializers.CharField(help_text="The public part of the key.")
    name = serializers.CharField(allow_blank=True)
    scope = serializers.ChoiceField(Scope.choices, help_text="What it may do: read, operate, or admin.")
    expires_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True, help_text="Noted once a minute.")


class CustomerShown(Answer):
    """Whose key it is."""

    name = serializers.CharField()


class Limits(Answer):
    """What the customer may have by this key."""

    clusters = serializers.IntegerField()
    hosts_per_cluster = serializers.IntegerField()
    operations = serializers.IntegerField(help_text="Under way at once.")


class Usage(Answer):
    """What the customer has."""

    clusters = serializers.IntegerField()
    operations = serializers.IntegerField(help_text="Under way now.")


class WhoAmISerializer(Answer):
    """The caller."""

    access_key = KeyShown()
    customer = CustomerShown()
    limits = Limits()
    usage = Usage()
    version = serializers.CharField(help_text="The service's version.")


class WhoAmI(View):
    """The caller."""

    serializer_class = WhoAmISerializer

    @extend_schema(summary="Who am I", responses=WhoAmISerializer)
    def read(self, request: Request) -> Response:
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
