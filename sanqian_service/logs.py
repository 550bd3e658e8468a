"""The service's log lines: what looks like a secret is taken out, tracebacks included."""

from __future__ import annotations

import logging

from tasks.redaction import Redactor

_REDACT = Redactor(())


class Formatter(logging.Formatter):
    """For messages that quote others: a library's error, a host's answer."""

    def format(self, record: logging.LogRecord) -> str:
        return _REDACT(super().format(record))
