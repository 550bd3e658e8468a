"""The components that the platform has, whether or not they are installed anywhere."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from clusters import catalog
from clusters.api.base import View
from clusters.api.fields import Answer

KINDS = ("helm", "manifest")


class EntrySerializer(Answer):
    """A component that can be chosen."""

    name = serializers.CharField(help_text="What operations call it.")
    title = serializers.CharField(help_text="What people call it.")
    kind = serializers.ChoiceField(KINDS, help_text="How it is installed.")
    namespace = serializers.CharField(allow_blank=True, help_text="Its namespace; empty where it has none.")
    needs = serializers.ListField(child=serializers.CharField(), help_text="Components that are installed with it.")
    default = serializers.BooleanField(help_text="Installed when a request chooses none.")
    EXAMPLES = {
        "name": "gpu-operator",
        "title": "NVIDIA GPU Operator",
        "kind": "helm",
        "namespace": "gpu-operator",
        "needs": ["node-feature-discovery"],
        "default": True,
    }


class Catalogue(View):
    """The catalogue, in dependency order."""

    serializer_class = EntrySerializer
    pagination_class = None

    @extend_schema(summary="List the platform's components", responses=EntrySerializer(many=True))
    def list(self, request: Request) -> Response:
        """In the order in which they are installed."""
        return Response(EntrySerializer(catalog.load().installable, many=True).data)
