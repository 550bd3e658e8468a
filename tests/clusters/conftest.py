from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.clusters.api_server import Api


@pytest.fixture
def api() -> Iterator[Api]:
    server = Api().start()
    yield server
    server.remove()
