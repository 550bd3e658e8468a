"""The feed of changes live: server-sent events of all clusters of the caller, or of one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import asdict
from uuid import UUID

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, PolymorphicProxySerializer, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from clusters.api.base import View, own_cluster, own_clusters
from clusters.api.documentation import tells
from clusters.api.fields import Answer
from clusters.api.problems import invalid
from clusters.models import AccessKey
from tasks.api.events import HEARTBEAT, answered, caller, frame, in_thread
from tasks.api.feed import ChangeOfStateSerializer
from tasks.live_feed import LiveFeed, Place, Unknown

PATH = "/api/v1/events/stream"
EVERY = 1.0
FRAMES = """retry: 2000

id: 48211.0.0.1795491674
event: now
data: {"now":"2026-11-24T03:41:14Z"}

id: 48245.1.1258.1795491674
event: change
data: {"id":"health-1258","at":"2026-11-24T03:41:20Z","cluster":{"id":"3a4a9d0e-6b5c-4f0e-9a52-0f2b6f6f7c11","name":"first"},"subject":"component","name":"gpu-operator","old_state":"progressing","new_state":"healthy","reason":"All of its pods are ready.","operation":null}

"""  # noqa: E501


class StreamedNow(Answer):
    """The data of the event `now`: the stream lives, and its `id` is how far it has come."""

    now = serializers.DateTimeField(help_text="The service's time.")
    EXAMPLES = {"now": "2026-11-24T03:41:14Z"}


EVENTS = {"change": ChangeOfStateSerializer, "now": StreamedNow}
"""The data of each kind of event."""


@csrf_exempt
async def feed(request: HttpRequest) -> HttpResponseBase:
    """The stream, behind ``Last-Event-ID`` or ``?position=``."""
    return await answered(request, lambda: _begin(request))


def _begin(request: HttpRequest) -> AsyncIterator[str]:
    key = caller(request)
    clusters = own_clusters(key)
    if ident := request.GET.get("cluster", ""):
        clusters = clusters.filter(pk=own_cluster(key, ident).pk)
    field = "Last-Event-ID" if "Last-Event-ID" in request.headers else "position"
    text = request.headers.get("Last-Event-ID", "") or request.GET.get("position", "")
    try:
        return follow(LiveFeed(clusters, Place.read(text) if text else None), key.pk)
    except Unknown as error:
        hint = "Read what you missed with GET events?since=, and begin with its `position`."
        raise invalid(field, str(error), hint) from error


async def follow(
    feed: LiveFeed, key: UUID, *, every: float = EVERY, heartbeat: float = HEARTBEAT
) -> AsyncIterator[str]:
    """The frames of the stream, until the access key `key` is withdrawn."""
    yield "retry: 2000\n\n" + _now(feed)
    sent = time.monotonic()
    while True:
        frames = await in_thread(lambda: _look(feed, key))
        if frames is None:
            return
        if not frames and time.monotonic() - sent >= heartbeat:
            frames = _now(feed)
        if frames:
            yield frames
            sent = time.monotonic()
        await asyncio.sleep(every)


def _look(feed: LiveFeed, key: UUID) -> str | None:
    """What has come, as frames; None where the key opens nothing any more."""
    if not AccessKey.objects.usable().filter(pk=key).exists():
        return None
    return "".join(
        frame(place, "change", ChangeOfStateSerializer(asdict(change)).data) for place, change in feed.look()
    )


def _now(feed: LiveFeed) -> str:
    return frame(feed.place, "now", StreamedNow({"now": timezone.now()}).data)


class FeedStream(View):
    """What the schema sees in the place of the stream, which is no view of DRF's."""

    @extend_schema(
        operation_id="events_stream",
        summary="Follow what changes",
        parameters=[
            OpenApiParameter("cluster", UUID, description="Only of this cluster, by its id."),
            OpenApiParameter(
                "position",
                {"type": "string", "pattern": r"^([0-9]{1,19}(\.[0-9]{1,19}){3})?$"},
                description="That of an answer of `events`, or an `id` of the stream: what came behind it; "
                "left out or empty for what comes from now on. `Last-Event-ID` outdoes it.",
            ),
        ],
        responses={
            (200, "text/event-stream"): OpenApiResponse(
                PolymorphicProxySerializer("StreamedFeed", list(EVENTS.values()), None), description="The stream."
            )
        },
    )
    @tells("not-found", asks=("Last-Event-ID of changes",))
    def follow(self, request: Request) -> Response:
        """Server-sent events: each change once, as `events` lists them. After a break send the last `id` as
        `Last-Event-ID`: nothing is lost or repeated. An `id` is opaque, and good for a day; after that it is 400.

        The data of each event is a line of JSON; `x-events` names its schema by the `event`. `now` comes at the
        beginning and every 15 s when nothing else does; if nothing has come for 45 s, connect again. The stream does
        not end by itself; one that ends was cut, or its access key was withdrawn.

        To begin with the past, read `events` first and send its `position`. The first changes of the stream
        may be ones of that answer: know them by their `id`.
        """
        raise NotImplementedError
