"""schemathesis against the live service: what the schema promises is what is answered, whatever is sent.

`SANQIAN_SCHEMATHESIS_EXAMPLES` asks for more than the test run has time for (`make fuzz`).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.cache import cache

from tasks import services
from tests.api import Api, customer_api, register
from tests.asgi import asgi_server
from tests.conformance import CHECKED_IN

HERE = Path(__file__).parent
EXAMPLES = os.environ.get("SANQIAN_SCHEMATHESIS_EXAMPLES", "")
AS_A_TEST = "1"
PLENTY = {"max_clusters": 1_000_000, "max_operations": 1_000_000}
pytestmark = [pytest.mark.integration, pytest.mark.timeout(3600), pytest.mark.django_db(transaction=True)]


def _customer() -> Api:
    """A customer with a cluster, on which an operation is under way."""
    api = customer_api(**PLENTY)
    services.request_operation(register(api), "preflight", {}, actor="test", source="")
    return api


def _logins(path: Path, **customers: Api) -> Path:
    """The access keys, as schemathesis reads them."""
    logins = [
        {"name": name, "fixedHeaders": [{"name": "Authorization", "value": f"Bearer {api.value}"}]}
        for name, api in customers.items()
    ]
    path.write_text(json.dumps({"auth": logins}))
    return path


def test_the_service_is_as_its_schema_says(tmp_path: Path) -> None:
    cache.clear()
    logins = _logins(tmp_path / "logins.json", first=_customer(), second=_customer())
    config = tmp_path / "schemathesis.toml"
    parts = ("schemathesis.toml",) if EXAMPLES else ("schemathesis.toml", "quick.toml")
    config.write_text("".join((HERE / part).read_text() for part in parts))
    with asgi_server(SANQIAN_REQUESTS_PER_KEY="0/min", SANQIAN_WRONG_KEYS="0") as base:
        run = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config)),
                *("run", str(CHECKED_IN), "--url", base),
                *("--max-examples", EXAMPLES or AS_A_TEST),
            ],
            env={**os.environ, "SANQIAN_FUZZ_LOGINS": str(logins)},
            cwd=tmp_path,
            text=True,
            capture_output=True,
            check=False,
        )
    assert run.returncode == 0, f"{run.stdout[-20000:]}\n{run.stderr}"
