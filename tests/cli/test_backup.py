"""Operations that other verbs than deploy ask for."""

from __future__ import annotations

from tests.cli.conftest import Run
from tests.cli.played_service import PlayedService


def test_a_backup_is_asked_for(run: Run, service: PlayedService) -> None:
    service.add_cluster("demo")

    assert run("backup", "--host", "m1,m2", "--keep", "3", "--detach").code == 0

    body = service.bodies("POST", "operations")[0]
    assert body == {"kind": "backup", "params": {"hosts": ["m1", "m2"], "keep": 3}, "dry_run": False}


def test_health_is_read_now_where_that_is_asked_for(run: Run, service: PlayedService) -> None:
    service.add_cluster("demo")

    assert run("health", "--now", "--detach").code == 0

    assert service.bodies("POST", "operations")[0] == {"kind": "check", "params": {}, "dry_run": False}


def test_backups_are_listed(run: Run, service: PlayedService) -> None:
    cluster = service.add_cluster("demo")
    row = {"store": "host", "host": "m1", "directory": "/d", "name": "etcd.db", "size": 2048, "revision": 7, "keys": 9}
    row |= {"sha256": "0123456789abcdef", "taken_at": cluster["checked_at"]}
    service.answers[f"GET clusters/{cluster['id']}/backups"] = {"next": None, "results": [row]}

    result = run("backups")

    assert result.code == 0
    assert result.out.splitlines()[1].split()[1:] == ["m1", "host", "/d/etcd.db", "2KiB", "7", "9", "0123456789ab"]
    assert run("backups", "-o", "json").json() == [row]


def test_a_restoration_is_confirmed_by_the_name(run: Run, service: PlayedService) -> None:
    service.add_cluster("demo")

    assert run("restore", "--detach").code != 0
    assert run("restore", "--confirm", "demi", "--detach").code != 0
    assert not service.bodies("POST", "operations")
    given = ("--confirm", "demo", "--from", "store", "--backup", "etcd-20260101T000000Z.db")
    assert run("restore", *given, "--detach").code == 0

    params = {"confirm": "demo", "backup": "etcd-20260101T000000Z.db", "source": "store"}
    assert service.bodies("POST", "operations")[0] == {"kind": "restore", "params": params, "dry_run": False}
