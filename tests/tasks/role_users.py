"""Users of the admin site in each role, logged in."""

from __future__ import annotations

from django.contrib.auth.models import Group, User
from django.test import Client


def logged_in(name: str, role: str = "", *, is_staff: bool = True) -> Client:
    """A client of a user with this role; without one, of a user who may do nothing."""
    user = User.objects.create_user(name, is_staff=is_staff)
    if role:
        user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client
