"""The bundled servers start, survive a kill and stop."""

from __future__ import annotations

from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from sanqian_service.embedded import Embedded

pytestmark = pytest.mark.integration


def _valkey(servers: Embedded) -> redis.Redis:
    return redis.Redis.from_url(servers.cache_url)


def test_start_twice_keeps_the_data_and_stop_ends_both(open_path: Path) -> None:
    servers = Embedded(open_path / "data", volatile=True).start()
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)")
    servers.stop()
    again = Embedded(open_path / "data", volatile=True).start()
    url = again.database_url
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (7,)
    assert _valkey(again).ping()
    again.stop()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)
    with pytest.raises(redis.ConnectionError):
        _valkey(again).ping()


def test_what_a_killed_supervisor_left_is_replaced(open_path: Path) -> None:
    first = Embedded(open_path / "data", volatile=True).start()
    stray = int((open_path / "data" / "valkey" / "valkey.pid").read_text())
    second = Embedded(open_path / "data", volatile=True).start()
    try:
        assert not psutil.pid_exists(stray) or psutil.Process(stray).status() == psutil.STATUS_ZOMBIE
        assert _valkey(second).ping()
        with psycopg.connect(second.database_url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        second.stop()
        first.stop()


def test_a_long_directory_gets_a_socket_elsewhere(open_path: Path) -> None:
    deep = open_path / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    servers = Embedded(deep, volatile=True)
    servers.start_valkey()
    try:
        assert _valkey(servers).ping()
    finally:
        servers.stop()
