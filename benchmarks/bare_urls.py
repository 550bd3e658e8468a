"""The service's addresses and one more: a view that returns bytes it has in memory, the peer of `benchmarks.rest`."""

from __future__ import annotations

import functools
import os
from pathlib import Path

from django.http import HttpRequest, HttpResponse
from django.urls import path

from sanqian_service.urls import handler500 as handler500
from sanqian_service.urls import urlpatterns as service


@functools.cache
def _answer() -> bytes:
    return Path(os.environ["SANQIAN_BENCHMARK_BYTES"]).read_bytes()


def bare(request: HttpRequest) -> HttpResponse:
    """No key, no database, no serializer."""
    return HttpResponse(_answer(), content_type="application/json")


urlpatterns = [path("api/v1/bare", bare), *service]
