"""The web server as gunicorn's worker."""

from __future__ import annotations

from typing import Any

from uvicorn_worker import UvicornWorker

from sanqian_service.web import PatientProtocol


class Worker(UvicornWorker):
    """Uvicorn with this service's limits."""

    CONFIG_KWARGS: dict[str, Any] = {**UvicornWorker.CONFIG_KWARGS, "http": PatientProtocol}
