"""How operators log in with a name and a password: in the admin, and over REST for what is theirs.

Both ask Django's backends, so guessing is held up in one place. Where a try is refused, the request says for how long.
"""

from __future__ import annotations

import hashlib
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _
from unfold.forms import AuthenticationForm

from clusters.api.guessing import PASSWORDS, Guard
from clusters.api.sources import source_of

_WAIT = "login_wait"


class GuardedBackend(ModelBackend):
    """Django's own backend behind the guard against guessing. Without a request nobody guesses."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **more: Any
    ) -> User | None:
        if request is None or username is None:
            return super().authenticate(request, username, password, **more)
        guard = Guard(source_of(request), _known_as(username), PASSWORDS)
        if wait := guard.admit()[0]:
            setattr(request, _WAIT, wait)
            raise PermissionDenied
        user = super().authenticate(request, username, password, **more)
        if user is None:
            guard.failed()
        else:
            guard.succeeded()
        return user


class LoginForm(AuthenticationForm):
    """The admin's, which tells of a refusal."""

    def get_invalid_login_error(self) -> ValidationError:
        if wait := wait_of(self.request):
            text = _("Too many wrong passwords came from here. Wait %(seconds)d seconds, then try again.")
            return ValidationError(text, code="throttled", params={"seconds": wait})
        return super().get_invalid_login_error()


def wait_of(request: Any) -> int:
    """Seconds until the login that was refused may be tried again; 0 where it was not refused."""
    return int(getattr(request, _WAIT, 0))


def _known_as(name: str) -> str:
    """The user in the cache and in the log: people type passwords where names belong, so not the name itself."""
    return hashlib.sha256(name.encode()).hexdigest()[:16]
