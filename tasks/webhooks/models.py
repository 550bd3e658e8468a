"""Where a customer wants to be told of events, the events, and how telling went."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from clusters.models import AccessKey
from clusters.secrets import EncryptedTextField
from tasks.webhooks.address import LONGEST, target


class WebhookEndpoint(models.Model):
    """A customer's server that is told of events on the customer's clusters.

    `access_key` is the one that made it or changed it last; revoked, it ends what it may have been misused for.
    `failures` and `failing_since` count what it did not take since it last took something. Whoever holds the lease
    is the only one who sends to it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    access_key = models.ForeignKey(AccessKey, on_delete=models.CASCADE, related_name="webhooks")
    url = models.CharField("URL", max_length=LONGEST)
    description = models.CharField(max_length=200, blank=True)
    event_types = ArrayField(models.CharField(max_length=64), default=list, blank=True, help_text="Empty: all.")
    active = models.BooleanField(default=True)
    note = models.CharField(max_length=300, blank=True, help_text="Why the service switched it off.")
    secret = EncryptedTextField(editable=False)
    old_secret = EncryptedTextField(blank=True, default="", editable=False)
    old_secret_until = models.DateTimeField(null=True, editable=False)
    failures = models.PositiveIntegerField("failures in a row", default=0, editable=False)
    failing_since = models.DateTimeField(null=True, editable=False)
    delivered_at = models.DateTimeField("last delivery", null=True, editable=False)
    rest_until = models.DateTimeField(null=True, editable=False)
    sent_at = models.DateTimeField(null=True, editable=False, help_text="When a worker was last told of it.")
    lease_epoch = models.BigIntegerField(default=0, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["-created_at", "id"]

    def __str__(self) -> str:
        return self.origin

    @property
    def origin(self) -> str:
        """Its address without the path, which may hold what is secret."""
        return target(self.url).origin


class WebhookEvent(models.Model):
    """What happened, in the words that are sent. Stored only where an endpoint wants it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    type = models.CharField(max_length=64)
    at = models.DateTimeField()
    body = models.TextField(help_text="Exactly what is sent and signed.")

    class Meta:
        ordering = ["-at"]
        indexes = [models.Index(fields=["at"])]

    def __str__(self) -> str:
        return f"{self.type} {self.pk}"

    @property
    def message(self) -> str:
        """The ``webhook-id``: the same at every try, so that a receiver knows what it has seen."""
        return f"msg_{self.pk.hex}"


class WebhookDelivery(models.Model):
    """One event on its way to one endpoint. `tries` begins anew when it is asked for again."""

    class State(models.TextChoices):
        PENDING = "pending"
        SUCCEEDED = "succeeded"
        FAILED = "failed"

    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.CASCADE, related_name="deliveries")
    event = models.ForeignKey(WebhookEvent, on_delete=models.CASCADE, related_name="deliveries")
    state = models.CharField(max_length=16, choices=State, default=State.PENDING)
    tries = models.PositiveIntegerField(default=0, help_text="Since it was last asked for.")
    attempts_made = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(db_default=Now())
    status = models.PositiveSmallIntegerField(null=True, help_text="HTTP status of the last answer.")
    error = models.CharField(max_length=500, blank=True, help_text="Why it was not taken.")
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "webhook deliveries"
        constraints = [models.UniqueConstraint(fields=["endpoint", "event"], name="one_delivery_of_an_event")]
        indexes = [
            models.Index(fields=["endpoint", "due_at"], condition=Q(state="pending"), name="webhook_delivery_due"),
            models.Index(fields=["endpoint", "-id"], name="webhook_delivery_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.event_id} to {self.endpoint_id}"


class WebhookAttempt(models.Model):
    """One try, stored before it is made. Without an end, what became of it is not known."""

    delivery = models.ForeignKey(WebhookDelivery, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField()
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    seconds = models.FloatField(null=True)
    status = models.PositiveSmallIntegerField(null=True)
    error = models.CharField(max_length=500, blank=True)
    answer = models.TextField(blank=True, help_text="The first bytes of what the server said.")

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["delivery", "number"], name="one_attempt_of_a_number")]

    def __str__(self) -> str:
        return f"{self.delivery_id} #{self.number}"
