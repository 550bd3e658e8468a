"""The web server: uvicorn, with a limit on how long a client may take for the head of a request.

Uvicorn has none: who sends a byte now and then keeps a connection for ever. `sanqian_service.bounds` limits the body.
"""

from __future__ import annotations

import argparse
import asyncio

import uvicorn
from django.conf import settings
from uvicorn.protocols.http.h11_impl import H11Protocol


class PatientProtocol(H11Protocol):
    """HTTP/1.1 whose patience for a request's head ends after ``REQUEST_SECONDS``."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._begin()

    def data_received(self, data: bytes) -> None:
        if not self._serving():
            self._begin()
        super().data_received(data)
        if self._serving():
            self._end()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()
        super().connection_lost(exc)

    def _serving(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _begin(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(settings.REQUEST_SECONDS, self.transport.close)

    def _end(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def main(argv: list[str] | None = None) -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m sanqian_service.web", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8300, help="port to listen on (default: %(default)s)")
    parser.add_argument("--grace", type=int, default=10, help="seconds for open requests at the end")
    options = parser.parse_args(argv)
    uvicorn.run(
        "sanqian_service.asgi:application",
        host=options.host,
        port=options.port,
        http=PatientProtocol,
        timeout_graceful_shutdown=options.grace,
        access_log=False,
        log_level="warning",
        proxy_headers=False,  # the service itself knows how many proxies to believe
    )


if __name__ == "__main__":
    main()
