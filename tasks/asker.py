"""Who asks in the admin site, and from where, as the audit keeps it."""

from __future__ import annotations

from django.http import HttpRequest


def actor(request: HttpRequest) -> str:
    return f"operator {request.user.get_username()}"


def source(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))
