"""What has changed on the caller's clusters."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from clusters.api.base import View, own_cluster, own_clusters
from clusters.api.documentation import tells
from clusters.api.fields import Answer
from clusters.api.pagination import number, whole_number
from clusters.api.problems import invalid
from clusters.models import Cluster
from tasks.api.serializers import ClusterName
from tasks.feed import changes
from tasks.live_feed import here

USUAL = timedelta(hours=1)
USUAL_LIMIT, MOST = 100, 500


class ChangeOfStateSerializer(Answer):
    """A change: of health, or of an operation's state."""

    id = serializers.CharField(help_text="The same in every answer, to know it again by.")
    at = serializers.DateTimeField(help_text="When it changed.")
    cluster = ClusterName(help_text="The cluster that it belongs to.")
    subject = serializers.CharField(help_text="component, node, cluster, ceph or operation.")
    name = serializers.CharField(help_text="Which one; of an operation its kind.")
    old_state = serializers.CharField(allow_blank=True, help_text="Empty when it was seen for the first time.")
    new_state = serializers.CharField(help_text="A state of health, or of an operation.")
    reason = serializers.CharField(allow_blank=True, help_text="Why, in words.")
    operation = serializers.UUIDField(allow_null=True, help_text="Which operation; null for health.")
    EXAMPLES = {
        "id": "health-1258",
        "at": "2026-11-24T03:41:14Z",
        "subject": "component",
        "name": "gpu-operator",
        "old_state": "progressing",
        "new_state": "healthy",
        "reason": "All of its pods are ready.",
        "operation": None,
    }


class FeedSerializer(Answer):
    """The last changes, the oldest first."""

    now = serializers.DateTimeField(help_text="The service's time, to ask from there on.")
    position = serializers.CharField(help_text="Where the feed ends: `events/stream?position=` goes on from there.")
    results = ChangeOfStateSerializer(many=True, help_text="The changes, the oldest first.")
    EXAMPLES = {"now": "2026-11-24T03:42:00Z", "position": "48245.0.0.1795491720"}


class Feed(View):
    """Changes of all clusters of the caller."""

    serializer_class = FeedSerializer
    queryset = Cluster.objects.all()

    @extend_schema(
        summary="List what has changed",
        responses=FeedSerializer,
        parameters=[
            OpenApiParameter(
                "since",
                datetime,
                description="The first ones from then on; the last ones of an hour where it is left out.",
            ),
            OpenApiParameter("cluster", UUID, description="Only of this cluster, by its id."),
            OpenApiParameter(
                "limit", number(1, USUAL_LIMIT), description=f"At most so many; more than {MOST} is {MOST}."
            ),
        ],
    )
    @tells("not-found")
    def read(self, request: Request) -> Response:
        """Health and operations together. A change may show up some seconds after its time: ask with an overlap, or
        go on with `events/stream`, which tells each change once."""
        now, position = timezone.now(), here()
        clusters = own_clusters(self.key)
        if ident := request.query_params.get("cluster", ""):
            clusters = clusters.filter(pk=own_cluster(self.key, ident).pk)
        limit = whole_number(request, "limit", USUAL_LIMIT, 1, MOST)
        since = _since(request)
        found = changes(clusters, since or now - USUAL, limit, last=since is None)
        feed = {"now": now, "position": str(position), "results": [asdict(one) for one in found]}
        return Response(FeedSerializer(feed).data)


def _since(request: Request) -> datetime | None:
    text = request.query_params.get("since")
    if text is None:
        return None
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise invalid("since", f"'{text}' is no time with a zone.", "Write since=2026-01-31T12:00:00Z.")
    return found
