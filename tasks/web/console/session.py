"""Logging in with an access key: it is exchanged for a session, which holds the key's id and nothing secret.

Whether the key may still be used is asked with every request, so a key that is withdrawn ends its sessions at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from django.http import HttpRequest

from clusters.api.authentication import key_of
from clusters.api.sources import source_of
from clusters.models import AccessKey

KEY = "access_key"
LASTS = 8 * 3600  # seconds from login, however busy the session is


def log_in(request: HttpRequest, value: str) -> AccessKey:
    """Begin a session of the access key `value`. Raises `Problem` for one that may not be used."""
    key = key_of(f"Bearer {value}", source_of(request))
    # A fresh session: nobody knows its cookie from before, and an operator's rights do not mix with a customer's.
    request.session.flush()
    request.session[KEY] = str(key.pk)
    request.session.set_expiry(LASTS)
    return key


def log_out(request: HttpRequest) -> None:
    """End the session, and forget it on the server too."""
    if KEY in request.session:
        request.session.flush()


def current(request: HttpRequest) -> AccessKey | None:
    """The access key of the session, as long as it may be used."""
    ident = request.session.get(KEY)
    key = usable(ident) if ident else None
    if ident and key is None:
        request.session.flush()
    return key


def usable(ident: str) -> AccessKey | None:
    """The access key of that id, if it may be used now."""
    return AccessKey.objects.usable().select_related("customer").defer("value").filter(pk=ident).first()


def watching(request: HttpRequest) -> Callable[[], bool]:
    """Whether the session is still there and its key may still be used, for a stream that outlasts the request."""
    session, ident = request.session, request.session[KEY]
    end = time.monotonic() + request.session.get_expiry_age()

    def still() -> bool:
        return time.monotonic() < end and session.exists(session.session_key or "") and usable(ident) is not None

    return still
