from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.cli.played_service import PlayedService


def rows(out: str) -> list[list[str]]:
    return [line.split() for line in out.splitlines()]


def test_lists_go_over_all_pages_of_this_server_only(run: Run, service: PlayedService) -> None:
    for number in range(8):
        service.add_cluster(f"c{number}")

    assert [one["name"] for one in run("clusters", "-o", "json").json()] == [f"c{number}" for number in range(8)]
    assert len(service.requests) == 3


def test_the_only_cluster_needs_no_name(run: Run, service: PlayedService) -> None:
    cluster = service.add_cluster("demo", state_reason="well")
    service.add_cluster("old", state="removed")
    service.components = [{"name": "coredns", "state": "healthy", "ready": 2, "desired": 2}]

    result = run("status")

    assert result.code == 0
    assert ["coredns", "-", "healthy", "2/2", "-", "-"] in rows(result.out)
    assert result.out.startswith("demo  ready: well")
    assert run("status", "-o", "json").json()["cluster"]["id"] == cluster["id"]


def test_several_clusters_need_a_name(run: Run, service: PlayedService) -> None:
    service.add_cluster("one")
    service.add_cluster("two")

    result = run("pods")

    assert result.code == 2
    assert "You have 2 clusters: one, two." in result.err
    assert {row[0] for row in rows(run("status").out)} == {"NAME", "one", "two"}


@pytest.mark.parametrize(("existing", "hint"), [([], "none"), (["demo"], "Did you mean demo?")])
def test_an_unknown_cluster(run: Run, service: PlayedService, existing: list[str], hint: str) -> None:
    for name in existing:
        service.add_cluster(name)

    result = run("nodes", "dmeo")

    assert result.code == 5
    assert hint in result.err


def test_no_cluster_at_all(run: Run) -> None:
    assert run("nodes").code == 5
    assert "no cluster yet" in run("clusters").out
    assert run("clusters", "-o", "json").json() == []


def test_pods(run: Run, service: PlayedService) -> None:
    cluster = service.add_cluster("demo")
    pod = {"namespace": "a", "name": "p", "ready": "1/1", "status": "Running", "restarts": 0, "age_seconds": 61}
    report = {"taken_at": cluster["checked_at"], "reachable": False, "via": "", "error": "refused", "results": [pod]}
    service.answers[f"GET clusters/{cluster['id']}/pods"] = report

    result = run("pods", "-n", "a")

    assert rows(result.out)[1] == ["a", "p", "1/1", "Running", "0", "1m01s", "-", "-"]
    assert "did not answer" in result.err
    assert service.requests[-1].query == {"namespace": "a"}
    assert run("pods", "-o", "json").json() == report


def test_nodes(run: Run, service: PlayedService) -> None:
    service.add_cluster("demo")
    seen = {
        "ready": True,
        "roles": ["worker"],
        "kubelet_version": "v1",
        "cpu": 4,
        "memory": 8589934592,
        "gpus": {"count": 2, "product": "X"},
    }
    service.nodes = [
        {"name": "w1", "address": "192.0.2.1", "port": 22, "user": "root", "role_groups": ["worker"], "status": seen},
        {"name": "w2", "address": "192.0.2.2", "port": 22, "user": "root", "role_groups": [], "status": None},
    ]  # fmt: skip

    table = rows(run("nodes").out)

    assert table[1] == ["w1", "192.0.2.1", "worker", "yes", "v1", "4", "8GiB", "2", "X"]
    assert table[2] == ["w2", "192.0.2.2", "-", "-", "-", "-", "-", "-"]


def test_health_with_its_history(run: Run, service: PlayedService) -> None:
    cluster = service.add_cluster("demo", state="degraded")
    change = {
        "at": cluster["checked_at"],
        "subject": "component",
        "name": "loki",
        "old_state": "healthy",
        "new_state": "absent",
    }
    service.answers[f"GET clusters/{cluster['id']}/health-events"] = {"next": None, "results": [change]}

    assert "component loki" in run("health").out
    assert run("health", "-o", "json").json()["events"] == [change]


def test_kubeconfig_goes_to_a_file_of_the_owner_only(run: Run, service: PlayedService, tmp_path: Path) -> None:
    cluster = service.add_cluster("demo")
    service.answers[f"GET clusters/{cluster['id']}/kubeconfig"] = "apiVersion: v1\n"
    path = tmp_path / "config"
    path.write_text("before")
    path.chmod(0o644)

    assert run("kubeconfig").out == "apiVersion: v1\n"
    assert run("kubeconfig", "-o", "json").json() == {"kubeconfig": "apiVersion: v1\n"}
    assert run("kubeconfig", "-f", str(path)).code == 0
    assert path.read_text() == "apiVersion: v1\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_is_not_there_yet_is_said_with_the_hint(run: Run, service: PlayedService) -> None:
    service.add_cluster("demo")

    result = run("kubeconfig", "-o", "yaml")

    assert result.code == 5
    assert "fix: Install it first." in result.err
    assert result.out.startswith("error:\n  type: /problems/not-found\n")


def test_delete_wants_a_confirmation(run: Run, service: PlayedService, monkeypatch: pytest.MonkeyPatch) -> None:
    service.add_cluster("demo")
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)

    assert run("clusters", "delete", "demo").code == 2
    assert run("clusters", "delete", "demo", "--yes", "-o", "json").json()["name"] == "demo"
    assert not service.clusters


CHUNKS: list[dict[str, Any]] = [
    {"seq": 1, "step": "a", "host": "m1", "attempt": 1, "text": "one\ntw"},
    {"seq": 2, "step": "a", "host": "m2", "attempt": 1, "text": "x\n"},
    {"seq": 3, "step": "a", "host": "m1", "attempt": 1, "text": "o\n"},
    {"seq": 4, "step": "b", "host": "m1", "attempt": 2, "text": "end"},
]


def test_logs_are_whole_lines_with_their_host(run: Run, service: PlayedService) -> None:
    operation = service.add_operation(service.add_cluster("demo"))
    service.log = CHUNKS

    assert run("logs").out.splitlines() == ["a m1 | one", "a m2 | x", "a m1 | two", "b m1 #2 | end"]
    assert run("logs", operation["id"], "--step", "a", "--host", "m1").out.splitlines()[:1] == ["one"]
    assert run("logs", "--tail", "1").out == "b m1 #2 | end\n"
    assert run("logs", "-o", "json").json() == CHUNKS


def test_logs_that_are_followed_are_a_line_of_json_each(run: Run, service: PlayedService) -> None:
    service.add_operation(service.add_cluster("demo"))
    service.log = CHUNKS[:1]
    new = {"step": "a", "host": "m1", "attempt": 1, "text": "new\n"}
    service.events = [
        ("log", {}),
        ("log", new),
        ("step", {"key": "a"}),
        ("log", {**new, "step": "z"}),
        ("end", {"state": "succeeded"}),
    ]

    lines = [json.loads(line) for line in run("logs", "-f", "--step", "a", "-o", "json").out.splitlines()]

    assert lines == [CHUNKS[0], {"seq": 2, **new}]
    assert run("logs", "-f", "--step", "a").out.splitlines() == ["m1 | one", "m1 | twnew"]


def test_operations(run: Run, service: PlayedService) -> None:
    cluster = service.add_cluster("demo")
    for number in range(5):
        fault = {"step": "kubernetes", "host": "m1"} if number == 4 else {}
        service.add_operation(cluster, "check", state="failed", finished_at="2026-01-01T00:00:05Z", error=fault)

    table = rows(run("ops", "demo", "--limit", "4").out)

    assert len(table) == 5
    assert table[1][1:6] == ["demo", "check", "failed", "0%", "5s"]
    assert table[1][-3:] == ["kubernetes", "on", "m1"]


def test_cancel_and_retry(run: Run, service: PlayedService) -> None:
    operation = service.add_operation(service.add_cluster("demo"))
    service.events, service.final = [("end", {"state": "cancelled"})], {"state": "cancelled"}

    assert "is cancelling" in run("cancel", operation["id"]).out
    assert "is cancelled" in run("cancel", "--wait").out
    assert run("retry", "--from-step", "b", "--detach").code == 0
    assert service.bodies("POST", "retry") == [{"from_step": "b"}]
    assert run("retry").code == 1


def test_waiting_has_an_end(run: Run, service: PlayedService) -> None:
    service.add_operation(service.add_cluster("demo"))
    service.events = [("log", {"step": "a", "host": "m1", "attempt": 1, "text": "new\n"})]

    waited = run("cancel", "--wait", "--timeout", "1s")
    read = run("logs", "-f", "--timeout", "1s")

    assert (waited.code, read.code) == (124, 124)
    assert "goes on being cancelled" in waited.err
    assert "3kctl logs" in read.err
    assert run("logs", "-f", "--timeout", "soon").code == 2


def test_version(run: Run, local: Run, service: PlayedService, monkeypatch: pytest.MonkeyPatch) -> None:
    service.answers["GET whoami"] = {"version": "9.9"}

    assert run("version", "-o", "json").json()["server"] == "9.9"
    assert run("--version").out.startswith("3kctl ")

    monkeypatch.setenv("SANQIAN_SERVER", "http://127.0.0.1:1")
    result = local("version")
    assert result.code == 0
    assert "not reachable" in result.out


def test_certificates(run: Run, service: PlayedService) -> None:
    cluster = service.add_cluster("demo")
    one = {"host": "master1", "path": "/etc/kubernetes/pki/apiserver.crt", "ends_at": "2026-01-06T00:00:00Z", "days": 5}
    report = {"state": "unhealthy", "reason": "it ends", "checked_at": cluster["checked_at"], "results": [one]}
    service.answers[f"GET clusters/{cluster['id']}/certificates"] = report

    result = run("certificates")

    assert result.out.startswith("demo  unhealthy: it ends")
    assert ["5", "master1", one["path"], one["ends_at"]] in rows(result.out)
    assert run("certificates", "-o", "json").json() == report


def test_drift_as_last_looked_at(run: Run, service: PlayedService) -> None:
    service.add_cluster("demo")
    assert "not looked at yet" in run("drift").out
    steps = [{"step": "packages", "title": "Install", "changed": ["w1", "w2"], "silent": []}]
    row = {"name": "drift", "state": "degraded", "reason": "it differs", "details": {"steps": steps}}
    service.components = [{"name": "coredns", "state": "healthy"}, row]

    result = run("drift")

    assert result.out.startswith("demo  degraded: it differs")
    assert ["packages", "Install", "w1,w2", "-"] in rows(result.out)
    assert run("drift", "-o", "json").json() == row


def test_settings_are_changed(run: Run, service: PlayedService) -> None:
    cluster = service.add_cluster("demo")

    assert run("clusters", "set", "demo", "drift_hours=12", "storage_class=fast").code == 0

    assert service.bodies("PATCH", cluster["id"]) == [{"drift_hours": 12, "storage_class": "fast"}]
    assert "is no KEY=VALUE" in run("clusters", "set", "demo", "drift_hours").err
    assert "without a terminal" in run("clusters", "set", "demo", "backup_secret_key=-").err
