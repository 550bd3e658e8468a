"""Whom clusters belong to, and the keys that customers are known by. Re-exported by `clusters.models`."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from clusters import secrets


class Customer(models.Model):
    """Who the clusters belong to."""

    name = models.CharField(max_length=200, unique=True)
    contact = models.CharField(max_length=200, blank=True, help_text="Whom to ask, for example a mail address.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    def __str__(self) -> str:
        return self.name


def in_turn(customer: int) -> Customer:
    """The customer of this id, locked for the transaction: one row to wait at, so that two requests together pass no
    limit. What locks a cluster too locks it after this.
    """
    return Customer.objects.select_for_update(no_key=True).get(pk=customer)


class Scope(models.TextChoices):
    """What a key may do. Each includes those before it."""

    READ = "read"
    OPERATE = "operate"
    ADMIN = "admin"

    def includes(self, other: Scope) -> bool:
        """Whether whoever has this one may do what `other` allows."""
        order = list(Scope)
        return order.index(self) >= order.index(other)


class AccessKeyQuerySet(models.QuerySet["AccessKey"]):
    """Access keys."""

    def usable(self) -> AccessKeyQuerySet:
        """Those that open something now, by the database's clock."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=Now()), active=True)

    def issue(self, customer: Customer, **fields: Any) -> tuple[AccessKey, str]:
        """A new key of `customer` and its whole text, which is shown this one time."""
        prefix, value = secrets.new_access_key()
        key = self.create(customer=customer, prefix=prefix, hash=secrets.hash_access_key(value), value=value, **fields)
        return key, value


class AccessKey(models.Model):
    """A customer's key: authenticates REST calls, and is held by clusters, whose platform agent gets it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="access_keys")
    name = models.CharField(max_length=100, blank=True, help_text="What the key is for.")
    scope = models.CharField(
        max_length=8,
        choices=Scope,
        default=Scope.ADMIN,
        help_text="read: look. operate: register clusters, start operations. admin: everything, other keys too.",
    )
    prefix = models.CharField(max_length=16, unique=True, editable=False)
    hash = models.CharField(max_length=64, editable=False)
    value = secrets.EncryptedTextField(editable=False)
    active = models.BooleanField(default=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    successor = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, editable=False, related_name="+", help_text="By a rotation."
    )
    last_used_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    max_clusters = models.PositiveIntegerField("clusters of the customer", default=20)
    max_hosts = models.PositiveIntegerField("hosts a cluster", default=200)
    max_operations = models.PositiveIntegerField("operations at once of the customer", default=10)

    objects = AccessKeyQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [models.CheckConstraint(condition=Q(scope__in=Scope.values), name="access_key_scope_known")]

    def __str__(self) -> str:
        return f"{self.customer} {self.prefix}…"

    def usable(self, now: datetime) -> bool:
        """Whether the key may be used at `now` (aware datetime)."""
        return self.active and (self.expires_at is None or self.expires_at > now)
