"""SSH: connections that survive (pool), small commands (command), detached jobs (job), files (files)."""

from __future__ import annotations

from tasks.remote.errors import RemoteError, Unreachable
from tasks.remote.pool import Limits, Pool, Remote, Result, Timing, get_pool
from tasks.remote.target import Credential, Target, fingerprint

__all__ = [
    "Credential",
    "Limits",
    "Pool",
    "Remote",
    "RemoteError",
    "Result",
    "Target",
    "Timing",
    "Unreachable",
    "fingerprint",
    "get_pool",
]
