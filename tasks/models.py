"""What is done: operations, their steps, the jobs on hosts, their logs, and who asked.

The only writer of Operation, Step and HostJob states is `tasks.engine`.
"""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from clusters.models import Cluster, Node
from clusters.secrets import EncryptedTextField
from tasks.webhooks import models as webhooks  # noqa: F401 - Django finds an app's models through this module


class OperationState(models.TextChoices):
    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class StepState(models.TextChoices):
    PENDING = "pending"
    READY = "ready"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


class JobState(models.TextChoices):
    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    LOST = "lost"
    CANCELLED = "cancelled"


class Outcome(models.TextChoices):
    CHANGED = "changed"
    ALREADY = "already", "already true"
    WOULD_CHANGE = "would-change", "would change"
    CHECKED = "checked"  # it only looks
    UNKNOWN = "unknown"


ACTIVE = (OperationState.QUEUED, OperationState.RUNNING, OperationState.CANCELLING)
STEP_DONE = (StepState.SUCCEEDED, StepState.SKIPPED)
STEP_ENDED = (*STEP_DONE, StepState.FAILED, StepState.CANCELLED)
JOB_LIVE = (JobState.PENDING, JobState.RUNNING)


class Operation(models.Model):
    """One run of a plan on one cluster."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="operations")
    kind = models.CharField(max_length=32)
    params = models.JSONField(default=dict, blank=True)
    dry_run = models.BooleanField(default=False)
    mutating = models.BooleanField(default=True)
    holds_etcd = models.BooleanField(
        "holds etcd", default=False, db_default=False, help_text="It reads or replaces all of etcd, or stops members."
    )
    cluster_states = models.JSONField(
        default=dict, blank=True, help_text="The cluster's state during it, after success and after failure."
    )
    state = models.CharField(max_length=16, choices=OperationState, default=OperationState.QUEUED)
    attempt = models.PositiveIntegerField(default=1)
    progress = models.FloatField("progress (per cent)", default=0)
    notes = ArrayField(
        models.TextField(), default=list, blank=True, help_text="What whoever asked for it should know of its plan."
    )
    error = models.JSONField(default=dict, blank=True, help_text="step, host, kind, message, fix of the first failure.")
    requested_by = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True, help_text="When the last message about it was sent.")
    event_seq = models.BigIntegerField(default=0, help_text="The last number given to an event or log chunk.")

    class Meta:
        ordering = ["-created_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["cluster"],
                condition=Q(mutating=True, state__in=ACTIVE),
                name="one_mutating_operation_a_cluster",
            ),
            models.UniqueConstraint(
                fields=["cluster"],
                condition=Q(holds_etcd=True, state__in=ACTIVE),
                name="one_operation_holds_etcd_of_a_cluster",
            ),
            models.CheckConstraint(condition=Q(state__in=OperationState.values), name="operation_state_known"),
        ]
        indexes = [
            models.Index(fields=["cluster", "-created_at", "id"]),
            models.Index(fields=["state"], condition=Q(state__in=ACTIVE), name="operation_active"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class OperationSecret(models.Model):
    """A secret that an operation puts in the place of another one; it is kept until that is done."""

    operation = models.ForeignKey(Operation, on_delete=models.CASCADE, related_name="secrets")
    name = models.CharField(max_length=32)
    value = EncryptedTextField(editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["operation", "name"], name="one_secret_of_a_name_per_operation")]

    def __str__(self) -> str:
        return f"{self.name} of {self.operation_id}"


class Step(models.Model):
    """A node of the plan. `spec` is a `tasks.plan.StepSpec` as JSON; secrets in it are only named."""

    operation = models.ForeignKey(Operation, on_delete=models.CASCADE, related_name="steps")
    key = models.CharField(max_length=80)
    position = models.PositiveIntegerField()
    title = models.CharField(max_length=200)
    spec = models.JSONField()
    after = ArrayField(models.CharField(max_length=80), default=list, blank=True)
    weight = models.FloatField("expected duration (seconds)", default=1)
    state = models.CharField(max_length=16, choices=StepState, default=StepState.PENDING)
    outcome = models.CharField(max_length=16, choices=Outcome, blank=True)
    attempt = models.PositiveIntegerField(default=1)
    tries = models.PositiveIntegerField(default=0, help_text="Failed tries since it was last asked for.")
    progress = models.FloatField("progress (per cent)", default=0)
    note = models.CharField(max_length=300, blank=True, help_text="What it is doing or waiting for.")
    error = models.JSONField(default=dict, blank=True)
    result = models.JSONField(default=dict, blank=True)
    memory = models.JSONField(default=dict, blank=True, help_text="What an action keeps between slices of one attempt.")
    not_before = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    lease_owner = models.CharField(max_length=120, blank=True)
    lease_epoch = models.BigIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["operation", "key"], name="one_step_of_a_key_per_operation"),
            models.CheckConstraint(condition=Q(state__in=StepState.values), name="step_state_known"),
        ]
        indexes = [
            models.Index(
                fields=["state", "lease_until"],
                condition=Q(state__in=["ready", "running"]),
                name="step_to_drive",
            )
        ]

    def __str__(self) -> str:
        return self.key


class HostJob(models.Model):
    """One step's command on one host, in one attempt. Its id names the job directory on the host.

    A step that runs in the service itself has one job without a node, named ``service``.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    step = models.ForeignKey(Step, on_delete=models.CASCADE, related_name="jobs")
    node = models.ForeignKey(Node, on_delete=models.SET_NULL, null=True, related_name="jobs")
    host = models.CharField(max_length=63)
    attempt = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=16, choices=JobState, default=JobState.PENDING)
    outcome = models.CharField(max_length=16, choices=Outcome, blank=True)
    phase = models.CharField(max_length=16, blank=True)
    progress = models.FloatField("progress (per cent)", default=0)
    note = models.CharField(max_length=300, blank=True)
    exit_code = models.IntegerField(null=True)
    offset = models.BigIntegerField("bytes of log stored", default=0)
    seen = models.BigIntegerField("bytes of log seen", default=0, help_text="More than stored while a line is cut.")
    boot_id = models.CharField(max_length=64, blank=True)
    error = models.JSONField(default=dict, blank=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    last_output_at = models.DateTimeField(null=True)
    unreachable_since = models.DateTimeField(null=True)
    not_before = models.DateTimeField(null=True, help_text="When an unreachable host is tried again.")

    class Meta:
        ordering = ["attempt", "host"]
        constraints = [
            models.UniqueConstraint(fields=["step", "attempt", "host"], name="one_job_per_step_attempt_host"),
            models.CheckConstraint(condition=Q(state__in=JobState.values), name="job_state_known"),
        ]

    def __str__(self) -> str:
        return f"{self.step_id} on {self.host}"


class LogChunk(models.Model):
    """Redacted output of a host job: `size` raw bytes that began at byte `offset` of its log."""

    operation = models.ForeignKey(Operation, on_delete=models.CASCADE, related_name="+")
    job = models.ForeignKey(HostJob, on_delete=models.CASCADE, related_name="chunks")
    seq = models.BigIntegerField()
    offset = models.BigIntegerField()
    size = models.IntegerField()
    text = models.TextField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["seq"]
        constraints = [
            models.UniqueConstraint(fields=["job", "offset"], name="one_chunk_per_offset"),
            models.UniqueConstraint(fields=["operation", "seq"], name="one_chunk_per_seq"),
        ]

    def __str__(self) -> str:
        return f"{self.job_id}@{self.offset}"


class Event(models.Model):
    """A change of an operation or one of its steps. Shares the operation's numbers with its log chunks."""

    operation = models.ForeignKey(Operation, on_delete=models.CASCADE, related_name="events")
    seq = models.BigIntegerField()
    at = models.DateTimeField(db_default=Now())
    kind = models.CharField(max_length=32)
    data = models.JSONField(default=dict)

    class Meta:
        ordering = ["seq"]
        constraints = [models.UniqueConstraint(fields=["operation", "seq"], name="one_event_per_seq")]

    def __str__(self) -> str:
        return f"{self.kind} {self.seq}"


class AuditEvent(models.Model):
    """Who asked for what, from where, when, and how it ended. The database refuses to change or delete a row."""

    at = models.DateTimeField(db_default=Now())
    actor = models.CharField(max_length=200)
    action = models.CharField(max_length=64)
    source = models.CharField(max_length=64, blank=True, help_text="The address the request came from.")
    cluster = models.CharField(max_length=64, blank=True)
    operation = models.CharField(max_length=64, blank=True)
    detail = models.JSONField(default=dict)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["cluster", "-id"])]

    def __str__(self) -> str:
        return f"{self.actor} {self.action}"
