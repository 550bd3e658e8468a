"""An operation's event stream as the schema describes it; `tasks.api.events` is the stream itself."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, PolymorphicProxySerializer, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from clusters.api.base import View
from clusters.api.documentation import tells
from clusters.api.fields import Answer
from clusters.api.pagination import number
from tasks.api import feed_stream
from tasks.api.serializers import PHASES, Failure
from tasks.models import ACTIVE, JobState, OperationState, Outcome, StepState

PATH = "/api/v1/operations/{operation_id}/events"
LAST_STATES = (*(state for state in OperationState.values if state not in ACTIVE), "deleted")
FRAMES = """retry: 2000
: the operation's events

id: 4
event: step
data: {"key":"preflight","note":"","error":{},"state":"running","title":"Check the hosts","attempt":1,"outcome":"","progress":0.0}

id: 10
event: log
data: {"step":"preflight","host":"service","attempt":1,"text":"ok      ssh       Every host is reached.\\n"}

id: 1258
event: end
data: {"state":"succeeded"}

"""  # noqa: E501


class StreamedOperation(Answer):
    """The data of an event `operation`: it changed."""

    state = serializers.ChoiceField(OperationState.choices, help_text="Its state now.")
    progress = serializers.FloatField(help_text="How much is done, in per cent.")
    attempt = serializers.IntegerField(help_text="Number of the attempt, from 1.")
    error = Failure(help_text="Why it failed; empty otherwise.")
    EXAMPLES = {"state": "running", "progress": 12.5, "attempt": 1}


class StreamedStep(Answer):
    """The data of an event `step`: it changed."""

    key = serializers.CharField(help_text="The step's name, the same in every run.")
    title = serializers.CharField(help_text="The step in words.")
    state = serializers.ChoiceField(StepState.choices, help_text="Its state now.")
    progress = serializers.FloatField(help_text="How much is done, in per cent.")
    note = serializers.CharField(help_text="What it is doing or waiting for; may be empty.")
    outcome = serializers.ChoiceField(Outcome.choices, allow_blank=True, help_text="What came of it; empty until then.")
    attempt = serializers.IntegerField(help_text="Number of the attempt, from 1.")
    error = Failure(help_text="Why it failed; empty otherwise.")
    EXAMPLES = {
        "key": "preflight",
        "title": "Check the hosts",
        "state": "running",
        "progress": 40.0,
        "note": "3 of 5 hosts",
        "outcome": "",
        "attempt": 1,
    }


class StreamedJob(Answer):
    """The data of an event `job`: a step changed on one host."""

    step = serializers.CharField(help_text="The step's key.")
    host = serializers.CharField(help_text="The host's name; `service` for what the service does itself.")
    state = serializers.ChoiceField(JobState.choices, help_text="Its state now.")
    phase = serializers.ChoiceField(PHASES, allow_blank=True, help_text="Where in the script it is; empty at first.")
    outcome = serializers.ChoiceField(Outcome.choices, allow_blank=True, help_text="What came of it; empty until then.")
    exit_code = serializers.IntegerField(allow_null=True, help_text="Exit code, a number; null until it has ended.")
    progress = serializers.FloatField(help_text="How much is done, in per cent.")
    note = serializers.CharField(help_text="What it is doing or waiting for; may be empty.")
    error = Failure(help_text="Why it failed; empty otherwise.")
    EXAMPLES = {
        "step": "kubernetes",
        "host": "worker1",
        "state": "running",
        "phase": "apply",
        "outcome": "",
        "exit_code": None,
        "progress": 40.0,
        "note": "downloading images",
    }


class StreamedLog(Answer):
    """The data of an event `log`: output of one host, as it came. Secrets are replaced."""

    step = serializers.CharField(help_text="The step's key.")
    host = serializers.CharField(help_text="The host's name; `service` for what the service does itself.")
    attempt = serializers.IntegerField(help_text="Number of the attempt, from 1.")
    text = serializers.CharField(help_text="The output, with its line ends.")
    EXAMPLES = {"step": "kubernetes", "host": "worker1", "attempt": 1, "text": "[kubelet-start] Starting the kubelet\n"}


class StreamedEnd(Answer):
    """The data of the event `end`: there will be no more. Do not connect again."""

    state = serializers.ChoiceField(LAST_STATES, help_text="How the operation ended.")
    EXAMPLES = {"state": "succeeded"}


EVENTS = {
    "operation": StreamedOperation,
    "step": StreamedStep,
    "job": StreamedJob,
    "log": StreamedLog,
    "end": StreamedEnd,
}
"""The data of each kind of event."""
STREAMED = PolymorphicProxySerializer("Streamed", list(EVENTS.values()), None)


class Stream(View):
    """What the schema sees in the place of the stream, which is no view of DRF's."""

    @extend_schema(
        operation_id="operations_events",
        summary="Follow an operation",
        parameters=[
            OpenApiParameter(
                "after",
                number(0, 0),
                description="Number of the last event that was seen, as in `Last-Event-ID`, which outdoes it.",
            )
        ],
        responses={(200, "text/event-stream"): OpenApiResponse(STREAMED, description="The stream.")},
    )
    @tells(asks=("Last-Event-ID",))
    def follow(self, request: Request, operation_id: str) -> Response:
        """Server-sent events in the order of their numbers, which are the `id`. They count from 1 for each operation,
        together with its output. After a break send the last number as `Last-Event-ID`: nothing is lost or repeated.

        The data of each event is a line of JSON; `x-events` names its schema by the `event`. A comment line comes
        every 15 s when nothing else does; if nothing has come for 45 s, connect again. The stream is over after `end`;
        one that ends without it was cut, or its access key was withdrawn.
        """
        raise NotImplementedError


def add(endpoints: list[tuple[str, str, str, Any]]) -> list[tuple[str, str, str, Any]]:
    """drf-spectacular's hook for the endpoints: the streams are some, too."""
    streams = ((PATH, Stream), (feed_stream.PATH, feed_stream.FeedStream))
    return [*endpoints, *((path, path, "GET", view.as_view({"get": "follow"})) for path, view in streams)]


def complete(paths: dict[str, Any]) -> None:
    """Say in the streams' answers which events there are."""
    for path, events, frames in ((PATH, EVENTS, FRAMES), (feed_stream.PATH, feed_stream.EVENTS, feed_stream.FRAMES)):
        content = paths[path]["get"]["responses"]["200"]["content"]["text/event-stream"]
        data = {
            kind: {"$ref": f"#/components/schemas/{one.__name__.removesuffix('Serializer')}"}
            for kind, one in events.items()
        }
        content["schema"] = {"type": "string", "examples": [frames], "x-events": data}
