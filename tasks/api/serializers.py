"""Operations, steps and logs as the API shows them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.db.models import Prefetch, QuerySet
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from clusters.access import LARGEST_KEY
from clusters.api.clusters import ClusterSerializer, RegisteredSerializer
from clusters.api.fields import Answer, Strict
from clusters.api.showing import show
from tasks.models import HostJob, Operation, OperationState, Outcome, Step
from tasks.plans import PLANS

PHASES = ("probe", "apply", "verify")
ABOUT_RUN: dict[str, Any] = {
    "state": {"help_text": "How far it is."},
    "attempt": {"help_text": "Number of the attempt, from 1; each retry counts one up."},
    "progress": {"help_text": "How much is done, in per cent."},
    "note": {"help_text": "What it is doing or waiting for; may be empty."},
    "started_at": {"help_text": "When it began; null before."},
    "finished_at": {"help_text": "When it ended; null before."},
}
"""What an operation, a step and a step on a host have in common, and an example of it."""
RUN = {
    "state": "running",
    "outcome": "",
    "attempt": 1,
    "progress": 42.5,
    "note": "downloading images",
    "started_at": "2026-11-24T03:02:44Z",
    "finished_at": None,
    "last_output_at": "2026-11-24T03:14:02Z",
}


def outcome() -> serializers.ChoiceField:
    """The outcome of what runs, which is empty until it has run."""
    return serializers.ChoiceField(
        Outcome.choices, read_only=True, allow_blank=True, help_text="What came of it; empty until then."
    )


class Failure(Answer):
    """Why something failed; empty while nothing did."""

    step = serializers.CharField(required=False, help_text="Key of the step.")
    host = serializers.CharField(required=False, help_text="The host where it failed, where there is one.")
    kind = serializers.CharField(required=False, help_text="Stable name of the failure.")
    message = serializers.CharField(required=False, help_text="What went wrong.")
    fix = serializers.CharField(required=False, help_text="What to do.")
    EXAMPLES = {
        "step": "packages",
        "host": "worker1",
        "kind": "exit-code",
        "message": "apply ended with exit code 100.",
        "fix": "Free space in /var on worker1, then retry.",
    }


class ClusterName(Answer):
    """Which cluster."""

    id = serializers.UUIDField(help_text="The cluster's id.")
    name = serializers.CharField(help_text="The cluster's name.")
    EXAMPLES = {"id": "3a4a9d0e-6b5c-4f0e-9a52-0f2b6f6f7c11", "name": "first"}


class JobSerializer(serializers.ModelSerializer[HostJob]):
    """A step on one host, in its last attempt. A step of the service itself has one host, named ``service``."""

    bytes = serializers.IntegerField(source="offset", read_only=True, help_text="Output stored so far, in bytes.")
    error = Failure(read_only=True, help_text="Why it failed; empty otherwise.")
    outcome = outcome()
    phase = serializers.ChoiceField(
        PHASES, read_only=True, allow_blank=True, help_text="Where in the step's script it is; empty at first."
    )
    EXAMPLES = {
        **RUN,
        "host": "worker1",
        "phase": "apply",
        "exit_code": None,
        "bytes": 18231,
        "unreachable_since": None,
    }

    class Meta:
        model = HostJob
        fields = [
            *("host", "state", "outcome", "phase", "progress", "note", "exit_code", "attempt", "bytes"),
            *("started_at", "finished_at", "last_output_at", "unreachable_since", "error"),
        ]
        read_only_fields = fields
        extra_kwargs = {
            **ABOUT_RUN,
            "host": {"help_text": "The host's name; `service` for what the service does itself."},
            "exit_code": {"help_text": "Exit code, a number; null until it has ended."},
            "last_output_at": {"help_text": "When the host last wrote something; null before."},
            "unreachable_since": {"help_text": "Since when the host does not answer; null while it does."},
        }


class StepSerializer(serializers.ModelSerializer[Step]):
    """A step of an operation."""

    error = Failure(read_only=True, help_text="Why it failed; empty otherwise.")
    outcome = outcome()
    after = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="Keys of the steps that it waits for."
    )
    result = serializers.DictField(read_only=True, help_text="What it found out; which fields, depends on the step.")
    last_output_at = serializers.SerializerMethodField()
    hosts = serializers.SerializerMethodField()

    class Meta:
        model = Step
        fields = [
            *("key", "position", "title", "after", "state", "outcome", "attempt", "tries", "progress", "note"),
            *("weight", "started_at", "finished_at", "last_output_at", "error", "result", "hosts"),
        ]
        read_only_fields = fields
        extra_kwargs = {
            **ABOUT_RUN,
            "key": {"help_text": "Its name, the same in every run."},
            "position": {"help_text": "Number of its place in the plan, from 0."},
            "title": {"help_text": "The step in words."},
            "tries": {"help_text": "How many tries have failed since it was last asked for."},
            "weight": {"help_text": "How long it is expected to take, in seconds."},
        }

    EXAMPLES = {
        **RUN,
        "key": "kubernetes",
        "position": 7,
        "title": "Install Kubernetes",
        "after": ["images"],
        "tries": 0,
        "weight": 900.0,
        "result": {},
    }

    @extend_schema_field(
        serializers.DateTimeField(allow_null=True, help_text="When a host last wrote something; null before.")
    )
    def get_last_output_at(self, step: Step) -> Any:
        return max((job.last_output_at for job in step.jobs.all() if job.last_output_at), default=None)

    @extend_schema_field(JobSerializer(many=True, help_text="The step on each of its hosts."))
    def get_hosts(self, step: Step) -> Any:
        newest = {job.host: job for job in step.jobs.all()}  # ordered by attempt
        return show(JobSerializer, newest.values())


class OperationSerializer(serializers.ModelSerializer[Operation]):
    """An operation."""

    cluster = ClusterName(read_only=True, help_text="The cluster that it is done to.")
    kind = serializers.ChoiceField(list(PLANS), read_only=True, help_text="What is done.")
    params = serializers.DictField(read_only=True, help_text="Its parameters, as they were asked for.")
    error = Failure(read_only=True, help_text="The first failure; empty while there is none.")
    state = serializers.ChoiceField(OperationState.choices, read_only=True, help_text="How far it is.")
    notes = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="Sentences about its plan, for people."
    )
    needs: Mapping[str, tuple[str, ...]] = {"cluster": ("cluster__id", "cluster__name"), "steps": ()}
    EXAMPLES = {
        **RUN,
        "id": "9a942141-db5f-4497-a9d6-38411797ae7f",
        "kind": "install",
        "params": {"components": ["gpu-operator"]},
        "dry_run": False,
        "requested_by": "First customer (8b4ac51bdc)",
        "notes": ["The artifact of the last operation is used."],
        "created_at": "2026-11-24T03:02:41Z",
        "event_seq": 1258,
    }

    class Meta:
        model = Operation
        fields = [
            *("id", "cluster", "kind", "params", "dry_run", "state", "attempt", "progress", "error", "requested_by"),
            "notes",
            *("created_at", "started_at", "finished_at", "event_seq"),
        ]
        read_only_fields = fields
        extra_kwargs = {
            **{name: about for name, about in ABOUT_RUN.items() if name != "note"},
            "id": {"help_text": "Its id."},
            "dry_run": {"help_text": "Whether it only asks what is true already."},
            "created_at": {"help_text": "When it was asked for."},
            "requested_by": {"help_text": "The customer and the prefix of the access key, or the operator."},
            "event_seq": {"help_text": "The number of the last event; a stream may begin after it."},
        }


class OperationDetailSerializer(OperationSerializer):
    """An operation with its steps."""

    steps = serializers.SerializerMethodField(help_text="Its steps, in the order of the plan.")

    class Meta(OperationSerializer.Meta):
        fields = [*OperationSerializer.Meta.fields, "steps"]
        read_only_fields = fields

    @extend_schema_field(StepSerializer(many=True))
    def get_steps(self, operation: Operation) -> Any:
        return show(StepSerializer, steps_of(operation))


class NewOperationSerializer(Strict):
    """What to do."""

    kind = serializers.CharField(max_length=32, help_text="One of operation-kinds.")
    params = serializers.DictField(required=False, help_text="Parameters of that kind; see operation-kinds.")
    secrets = serializers.DictField(
        child=serializers.CharField(max_length=LARGEST_KEY, trim_whitespace=False),
        required=False,
        write_only=True,
        help_text="Secrets of that kind; see operation-kinds. They are kept encrypted and never shown.",
    )
    dry_run = serializers.BooleanField(default=False, help_text="Only ask what is true already; change nothing.")


class RetrySerializer(Strict):
    """How to go on."""

    from_step = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        max_length=80,
        help_text="Key of a step that is to run again, with all behind it; the first that failed when left out.",
    )
    EXAMPLES = {"from_step": "kubernetes"}


class ChunkSerializer(Answer):
    """Output of one host, as it came. Secrets are replaced."""

    seq = serializers.IntegerField(help_text="Its number among the operation's events and output.")
    step = serializers.CharField(help_text="Key of the step.")
    host = serializers.CharField(help_text="The host's name; `service` for what the service does itself.")
    attempt = serializers.IntegerField(help_text="Number of the attempt, from 1.")
    at = serializers.DateTimeField(help_text="When it was stored.")
    offset = serializers.IntegerField(help_text="Where it begins in the host's output, in bytes.")
    size = serializers.IntegerField(help_text="Bytes of the host's output that it stands for.")
    text = serializers.CharField(help_text="The output, with its line ends.")
    EXAMPLES = {
        "seq": 1257,
        "step": "kubernetes",
        "host": "worker1",
        "attempt": 1,
        "at": "2026-11-24T03:14:02Z",
        "offset": 18190,
        "size": 41,
        "text": "[kubelet-start] Starting the kubelet ...\n",
    }


class LogSerializer(Answer):
    """A stretch of an operation's output."""

    results = ChunkSerializer(many=True, help_text="The output, in the order of its numbers.")
    next_after = serializers.IntegerField(help_text="Number to send as `after` with the next request.")
    ended = serializers.BooleanField(help_text="Whether no more will come.")
    EXAMPLES = {"next_after": 1258, "ended": False}


class KindSerializer(Answer):
    """A kind of operation."""

    kind = serializers.ChoiceField(list(PLANS), help_text="What a request calls it.")
    title = serializers.CharField(help_text="What people call it.")
    description = serializers.CharField(help_text="What it does.")
    params = serializers.DictField(child=serializers.DictField(), help_text="Each parameter as JSON Schema.")
    secrets = serializers.DictField(
        child=serializers.CharField(), help_text="Each secret that may come with it, and what it is."
    )
    EXAMPLES = {
        "kind": "renew-certificates",
        "title": PLANS["renew-certificates"].title,
        "description": PLANS["renew-certificates"].description,
        "params": {"days": {"type": "integer", "minimum": 1, "maximum": 360, "default": 180}},
        "secrets": {},
    }


class ActiveOperation(Answer):
    """The operation under way."""

    id = serializers.UUIDField(help_text="Its id.")
    kind = serializers.ChoiceField(list(PLANS), help_text="What is done.")
    state = serializers.ChoiceField(OperationState.choices, help_text="How far it is.")
    progress = serializers.FloatField(help_text="How much is done, in per cent.")
    EXAMPLES = {
        "id": "9a942141-db5f-4497-a9d6-38411797ae7f",
        "kind": "install",
        "state": "running",
        "progress": 42.5,
    }


class ClusterWithOperationSerializer(ClusterSerializer):
    """A cluster. Its settings are flat fields."""

    needs: Mapping[str, tuple[str, ...]] = {**ClusterSerializer.needs, "active_operation": ()}
    active_operation = serializers.SerializerMethodField()

    class Meta(ClusterSerializer.Meta):
        fields = [*ClusterSerializer.Meta.fields, "active_operation"]
        read_only_fields = fields

    @extend_schema_field(ActiveOperation(allow_null=True, help_text="What is under way; null where nothing is."))
    def get_active_operation(self, cluster: Any) -> dict[str, Any] | None:
        return cluster.under_way


class RegisteredClusterSerializer(ClusterWithOperationSerializer, RegisteredSerializer):
    """A cluster that was registered."""

    class Meta(ClusterWithOperationSerializer.Meta):
        fields = [*ClusterWithOperationSerializer.Meta.fields, "findings"]


def active_operation(under_way: Collection[Operation]) -> dict[str, Any] | None:
    """What a cluster shows of its operations under way: one that changes it before those that only read it."""
    if not under_way:
        return None
    operation = max(under_way, key=lambda one: (one.mutating, one.created_at))
    shown: dict[str, Any] = show(ActiveOperation, [operation])[0]
    return shown


def steps_of(operation: Operation) -> QuerySet[Step]:
    """The steps with their jobs, in three queries."""
    jobs = HostJob.objects.order_by("attempt", "host")
    return operation.steps.defer("spec", "memory").prefetch_related(Prefetch("jobs", jobs))
