"""What helm says after ``Error:``."""

from __future__ import annotations


class HelmError(Exception):
    """The command fails with exit code 1 and this message."""


class Cancelled(HelmError):
    """A signal ended the work."""
