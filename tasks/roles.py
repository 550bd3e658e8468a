"""Who may do what in the admin site: three roles, kept as Django groups.

They are made anew with every `migrate`, as Django makes the permissions they consist of, so that a new model is part of
them from its first day. Whoever needs other rights makes a group of another name.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.db.models import Q

VIEWER, OPERATOR, ADMIN = "viewer", "operator", "admin"
# What no page shows, and no role may.
HIDDEN = ("operationsecret", "idempotentrequest")
_OURS = Q(content_type__app_label__in=("clusters", "tasks")) & ~Q(content_type__model__in=HIDDEN)
_LOOK = _OURS & Q(codename__startswith="view_")
_START = Q(content_type__app_label="tasks", codename__in=("add_operation", "change_operation"))
_USERS = Q(content_type__app_label="auth", content_type__model="user") | Q(
    content_type__app_label="auth", codename="view_group"
)
ROLES: dict[str, Q] = {VIEWER: _LOOK, OPERATOR: _LOOK | _START, ADMIN: _OURS | _USERS}


def ensure(using: str = "default") -> None:
    """Make the groups, or give them back their permissions. Changes nothing where all is as it should be."""
    for name, permitted in ROLES.items():
        group, _ = Group.objects.using(using).get_or_create(name=name)
        group.permissions.set(Permission.objects.using(using).filter(permitted))


def after_migrate(*, using: str, **_: Any) -> None:
    """For the signal ``post_migrate``, which also brings the permissions of new models."""
    if apps.is_installed("django.contrib.auth"):
        ensure(using)
