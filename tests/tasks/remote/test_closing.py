"""What is left of closed links."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest

from tasks.remote import Pool, closing
from tests.tasks.remote.servers import Sshd, until

pytestmark = pytest.mark.lab


def test_what_closed_links_are_made_of_is_given_back(shared: Sshd, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closing, "LITTER", 2)
    monkeypatch.setattr(closing, "_closed", 0)
    gc.disable()
    try:
        transports = []
        for _ in range(2):
            closing.sweep()
            assert all(found() is not None for found in transports), "not for so few"
            with pool.connection(shared.target()) as remote:
                transports.append(weakref.ref(remote.link.transport))
            del remote
            pool.forget(shared.target())
        until(lambda: not any(_runs(found) for found in transports))
        closing.sweep()
        assert not any(found() for found in transports)
    finally:
        gc.enable()


def _runs(found: weakref.ref[threading.Thread]) -> bool:
    thread = found()
    return thread is not None and thread.is_alive()
