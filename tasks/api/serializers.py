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
from tasks.models import HostJob, Operation, OperationState, Step


class Failure(Answer):
    """Why something failed; empty while nothing did."""

    step = serializers.CharField(required=False, help_text="Key of the step.")
    host = serializers.CharField(required=False)
    kind = serializers.CharField(required=False, help_text="Stable name of the failure.")
    message = serializers.CharField(required=False)
    fix = serializers.CharField(required=False, help_text="What to do.")


class ClusterName(Answer):
    """Which cluster."""

    id = serializers.UUIDField()
    name = serializers.CharField()


class JobSerializer(serializers.ModelSerializer[HostJob]):
    """A step on one host, in its last attempt. A step of the service itself has one host, named ``service``."""

    bytes = serializers.IntegerField(source="offset", read_only=True, help_text="Output stored so far.")
    error = Failure(read_only=True)

    class Meta:
        model = HostJob
        fields = [
            *("host", "state", "outcome", "phase", "progress", "note", "exit_code", "attempt", "bytes"),
            *("started_at", "finished_at", "last_output_at", "unreachable_since", "error"),
        ]
        read_only_fields = fields
        extra_kwargs = {
            "outcome": {"help_text": "changed, already (true before), would-change, unknown."},
            "phase": {"help_text": "probe, apply or verify."},
            "unreachable_since": {"help_text": "Since when the host does not answer; null while it does."},
        }


class StepSerializer(serializers.ModelSerializer[Step]):
    """A step of an operation."""

    error = Failure(read_only=True)
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
            "key": {"help_text": "Its name, the same in every run."},
            "after": {"help_text": "Steps that it waits for."},
            "outcome": {"help_text": "changed, already (true before), would-change, unknown."},
            "result": {"help_text": "What it found out."},
        }

    @extend_schema_field(serializers.DateTimeField(allow_null=True, help_text="When a host last wrote something."))
    def get_last_output_at(self, step: Step) -> Any:
        return max((job.last_output_at for job in step.jobs.all() if job.last_output_at), default=None)

    @extend_schema_field(JobSerializer(many=True))
    def get_hosts(self, step: Step) -> Any:
        newest = {job.host: job for job in step.jobs.all()}  # ordered by attempt
        return show(JobSerializer, newest.values())


class OperationSerializer(serializers.ModelSerializer[Operation]):
    """An operation."""

    needs: Mapping[str, tuple[str, ...]] = {"cluster": ("cluster__name",), "steps": ()}
    cluster = ClusterName(read_only=True)
    error = Failure(read_only=True)
    state = serializers.ChoiceField(OperationState.choices, read_only=True)

    class Meta:
        model = Operation
        fields = [
            *("id", "cluster", "kind", "params", "dry_run", "state", "attempt", "progress", "error", "requested_by"),
            "notes",
            *("created_at", "started_at", "finished_at", "event_seq"),
        ]
        read_only_fields = fields
        extra_kwargs = {
            "kind": {"help_text": "See operation-kinds."},
            "attempt": {"help_text": "From 1; each retry counts one up."},
            "requested_by": {"help_text": "The customer and the prefix of the access key, or the operator."},
            "notes": {"help_text": "Sentences about its plan, for people."},
            "event_seq": {"help_text": "The number of the last event; a stream may begin after it."},
        }


class OperationDetailSerializer(OperationSerializer):
    """An operation with its steps."""

    steps = serializers.SerializerMethodField()

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


class ChunkSerializer(Answer):
    """Output of one host, as it came. Secrets are replaced."""

    seq = serializers.IntegerField(help_text="Its number among the operation's events and output.")
    step = serializers.CharField()
    host = serializers.CharField()
    attempt = serializers.IntegerField()
    at = serializers.DateTimeField(help_text="When it was stored.")
    offset = serializers.IntegerField(help_text="Where it begins in the host's output, in bytes.")
    size = serializers.IntegerField(help_text="Bytes of the host's output that it stands for.")
    text = serializers.CharField()


class LogSerializer(Answer):
    """A stretch of an operation's output."""

    results = ChunkSerializer(many=True)
    next_after = serializers.IntegerField(help_text="The `after` of the next request.")
    ended = serializers.BooleanField(help_text="Whether no more will come.")


class KindSerializer(Answer):
    """A kind of operation."""

    kind = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField()
    params = serializers.DictField(help_text="Each parameter as JSON Schema.")
    secrets = serializers.DictField(help_text="Each secret that may come with it, and what it is.")


class ActiveOperation(Answer):
    """The operation under way."""

    id = serializers.UUIDField()
    kind = serializers.CharField()
    state = serializers.ChoiceField(OperationState.choices)
    progress = serializers.FloatField(help_text="Per cent.")


class ClusterWithOperationSerializer(ClusterSerializer):
    """A cluster. Its settings are flat fields."""

    needs: Mapping[str, tuple[str, ...]] = {**ClusterSerializer.needs, "active_operation": ()}
    active_operation = serializers.SerializerMethodField()

    class Meta(ClusterSerializer.Meta):
        fields = [*ClusterSerializer.Meta.fields, "active_operation"]
        read_only_fields = fields

    @extend_schema_field(ActiveOperation(allow_null=True))
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
