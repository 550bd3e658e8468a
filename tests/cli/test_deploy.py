from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from cli.commands.deploy import KUBERNETES, OPERATORS, REGISTRY
from tests.cli.conftest import Run
from tests.cli.played_service import PlayedService

STEPS = [
    {"key": "preflight", "title": "Check the hosts", "state": "succeeded", "outcome": "already", "hosts": []},
    {"key": "kubernetes", "title": "Create the cluster", "state": "succeeded", "outcome": "changed", "hosts": []},
]
GOOD: list[tuple[str, dict[str, Any]]] = [
    ("operation", {"state": "running", "progress": 0, "attempt": 1}),
    ("step", {"key": "preflight", "title": "Check the hosts", "state": "running"}),
    ("step", {"key": "preflight", "title": "Check the hosts", "state": "succeeded", "outcome": "already"}),
    ("step", {"key": "kubernetes", "title": "Create the cluster", "state": "running", "note": "joining"}),
    ("log", {"step": "kubernetes", "host": "m1", "attempt": 1, "text": "hello\n"}),
    ("step", {"key": "kubernetes", "title": "Create the cluster", "state": "succeeded", "outcome": "changed"}),
    ("end", {"state": "succeeded"}),
]
DONE: dict[str, Any] = {"state": "succeeded", "progress": 100, "finished_at": "2026-01-01T00:03:12Z", "steps": STEPS}
FAULT = {"step": "kubernetes", "host": "m1", "kind": "exit", "message": "etcd did not start", "fix": "Free port 2379."}


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    key = tmp_path / "id"
    key.write_bytes(
        ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    )
    path = tmp_path / "my_Site.conf"
    path.write_text(f'hosts:\n  - {{name: m1, address: 192.0.2.1, privateKeyPath: "{key}"}}\n')
    return path


def test_deploy_all_registers_installs_and_follows(run: Run, service: PlayedService, conf: Path) -> None:
    service.events, service.final = GOOD, DONE
    service.findings = [{"level": "repair", "path": "roleGroups", "line": 8, "message": "was indented", "fix": ""}]
    service.components = [{"name": "coredns", "namespace": "kube-system", "state": "healthy", "ready": 2, "desired": 2}]

    result = run(
        "deploy", "all", "-f", str(conf), "--api-address", "https://api.example", "--components", "kruise,volcano",
        "--components", "kruise", "--artifact", "3k.tar.gz", "--ignore-preflight", "memory", "--set", "single=true",
    )  # fmt: skip

    assert result.code == 0
    assert result.err == ""
    registered = service.bodies("POST", "clusters")[0]
    assert registered["name"] == "my-site"
    assert registered["configuration"] == conf.read_text()
    assert registered["settings"] == {"api_address": "https://api.example"}
    (path, key), *_ = registered["private_keys"].items()
    assert key == Path(path).read_text()
    assert service.bodies("POST", "operations") == [
        {
            "kind": "install",
            "dry_run": False,
            "params": {
                "components": ["kruise", "volcano"],
                "artifact": {"file": "3k.tar.gz"},
                "ignore_preflight": ["memory"],
                "single": True,
            },
        }
    ]
    for words in ("was indented", "Registered my-site", "Check the hosts  (already", "Create the cluster  (changed"):
        assert words in result.out
    assert "install of my-site succeeded in 3m12s; 1 of 2 steps were already as wanted." in result.out
    assert "coredns" in result.out


def test_one_key_for_all_hosts_is_asked_for_once(
    run: Run, service: PlayedService, conf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "locked"
    key = ed25519.Ed25519PrivateKey.generate()
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, BestAvailableEncryption(b"right")))
    questions: list[str] = []

    def answer(question: str) -> str:
        questions.append(question)
        return "right"

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", answer)

    assert run("register", "-f", str(conf), "--private-key", str(path)).code == 0

    sent = service.bodies("POST", "clusters")[0]
    assert questions == [f"Passphrase of {path}: "]
    assert sent["private_key"] == path.read_text()
    assert sent["passphrase"] == "right"
    assert list(sent["private_keys"].values()) == [path.read_text()]
    assert list(sent["passphrases"].values()) == ["right"]


def test_posts_carry_an_idempotency_key_each(run: Run, service: PlayedService, conf: Path) -> None:
    service.events, service.final = GOOD, DONE
    run("deploy", "all", "-f", str(conf))

    keys = [one.headers.get("Idempotency-Key") for one in service.requests if one.method == "POST"]

    assert len(keys) == len(set(keys)) == 2
    assert all(keys)


def test_deploy_all_takes_the_cluster_that_is_there(run: Run, service: PlayedService, conf: Path) -> None:
    cluster = service.add_cluster("my-site", storage_class="old")
    service.nodes = [{"name": "m1", "address": "192.0.2.1", "port": 22, "user": "root"}]
    service.events, service.final = GOOD, DONE
    service.replaced, service.kept = ["m1"], ["m2"]

    result = run("deploy", "all", "-f", str(conf), "--storage-class", "new", "-o", "json")

    assert result.code == 0
    assert result.json()["state"] == "succeeded"
    assert "registered already" in result.err
    assert service.bodies("PATCH", cluster["id"]) == [{"storage_class": "new"}]
    assert service.bodies("POST", "credentials")[0]["private_keys"]
    assert "Replaced the stored credentials of m1" in result.err
    assert "Kept the credentials of m2, which a rotation has put in place" in result.err
    assert "3kctl rotate ssh-key my-site" in result.err
    assert len(service.clusters) == 1


def test_deploy_all_does_not_take_a_cluster_of_other_hosts(run: Run, service: PlayedService, conf: Path) -> None:
    cluster = service.add_cluster("my-site")
    stored = [{"name": "m1", "address": "192.0.2.9", "port": 22, "user": "root"}]
    service.answers[f"GET clusters/{cluster['id']}/nodes"] = {"next": None, "previous": None, "results": stored}
    service.nodes = [{"name": "m1", "address": "192.0.2.1", "port": 22, "user": "root"}]

    result = run("deploy", "all", "-f", str(conf))

    assert result.code == 2
    assert "m1 has address 192.0.2.1 in the file, 192.0.2.9 as registered" in result.err
    assert "--name" in result.err


def test_json_is_all_of_standard_output(run: Run, service: PlayedService, conf: Path) -> None:
    service.events, service.final = GOOD, DONE

    result = run("deploy", "all", "-f", str(conf), "-o", "json")

    assert result.json()["progress"] == 100
    assert "Create the cluster" in result.err


def test_options_may_stand_before_the_verb(run: Run, service: PlayedService) -> None:
    service.add_cluster("a")

    assert run("-o", "json", "clusters", "list").json()[0]["name"] == "a"
    assert run("clusters", "-o", "json", "list").json()[0]["name"] == "a"
    assert run("clusters", "-o", "yaml").out.startswith("- id:")


def test_a_failure_says_where_why_and_what_next(run: Run, service: PlayedService) -> None:
    service.add_cluster("demo")
    failed = {**STEPS[1], "state": "failed", "outcome": "", "error": FAULT}
    service.events = [("step", failed), ("end", {"state": "failed", "error": FAULT})]
    service.final = {"state": "failed", "error": FAULT, "steps": [STEPS[0], failed]}
    service.log = [{"seq": 1, "step": "kubernetes", "host": "m1", "attempt": 1, "text": "a\n\x1b[31mbind: in use\n"}]

    result = run("deploy", "install", "kubernetes")

    ident = service.operations[0]["id"]
    assert result.code == 1
    assert "install of demo failed at step kubernetes on m1." in result.err
    assert "  etcd did not start" in result.err
    assert "  m1 | bind: in use" in result.err
    assert "fix: Free port 2379." in result.err
    assert f"3kctl logs {ident} --step kubernetes --host m1" in result.err
    assert f"3kctl retry {ident}" in result.err


@pytest.mark.parametrize(
    ("words", "kind", "params"),
    [
        (["install", "kubernetes"], "install", {"phases": KUBERNETES}),
        (["install", "operators"], "install", {"phases": OPERATORS}),
        (["install", "operators", "--software", "kruise"], "install", {"phases": OPERATORS, "components": ["kruise"]}),
        (["install", "ceph"], "ceph", {}),
        (
            [
                *("install", "ceph", "--single-node"),
                *("--disk", "w1:/dev/disk/by-id/a-b:c", "--wipe", "w2:/dev/disk/by-id/x:S1"),
            ],
            "ceph",
            {
                "disks": [{"host": "w1", "disk": "/dev/disk/by-id/a-b:c"}],
                "wipe": [{"host": "w2", "disk": "/dev/disk/by-id/x", "serial": "S1"}],
                "single_node": True,
            },
        ),
        (["uninstall", "ceph", "demo", "--confirm", "demo"], "ceph-uninstall", {"confirm": "demo"}),
        (
            ["uninstall", "ceph-csi-cephfs", "demo", "--confirm", "demo", "--force"],
            "ceph-csi-cephfs-uninstall",
            {"confirm": "demo", "force": True},
        ),
        (["remove-osd", "demo", "--osd", "3", "--osd", "0"], "ceph-remove-osd", {"osds": [3, 0]}),
        (["expand", "ceph", "--disk", "w1:/d"], "ceph-expand", {"disks": [{"host": "w1", "disk": "/d"}]}),
        (["init", "registry"], "install", {"phases": REGISTRY}),
        (["init", "cpodinfo"], "install", {"phases": ["platform-info"]}),
        (["push", "images"], "install", {"phases": ["artifact", "configuration", "images"]}),
        (["push", "charts"], "install", {"phases": ["artifact", "configuration", "charts"]}),
        (["preflight"], "preflight", {}),
    ],
)  # fmt: skip
def test_each_verb_asks_for_its_operation(
    run: Run, service: PlayedService, words: list[str], kind: str, params: dict[str, Any]
) -> None:
    service.add_cluster("demo")

    result = run("deploy", *words, "--detach", "-o", "json")

    assert result.code == 0
    assert result.json()["id"] == service.operations[0]["id"]
    assert service.bodies("POST", "operations") == [{"kind": kind, "params": params, "dry_run": False}]


def test_the_plan_is_a_table(run: Run, service: PlayedService) -> None:
    service.add_cluster("demo")
    steps = [
        STEPS[0],
        {**STEPS[1], "outcome": "would-change", "hosts": [{"host": "m1"}, {"host": "m2"}]},
        {
            "key": "verify",
            "title": "Verify",
            "state": "succeeded",
            "outcome": "unknown",
            "hosts": [{"host": "service"}],
        },
    ]
    service.events, service.final = [("end", {"state": "succeeded"})], {**DONE, "dry_run": True, "steps": steps}

    result = run("plan", "demo", "--components", "kruise")

    assert result.code == 0
    assert service.bodies("POST", "operations") == [
        {"kind": "install", "params": {"components": ["kruise"]}, "dry_run": True}
    ]
    rows = [line.split() for line in result.out.splitlines()]
    assert ["preflight", "Check", "the", "hosts", "already", "-", "-"] in rows
    assert ["kubernetes", "Create", "the", "cluster", "would", "change", "m1,m2", "-"] in rows
    assert ["verify", "Verify", "cannot", "tell", "-", "-"] in rows


def test_the_preflight_shows_all_findings_worst_first(run: Run, service: PlayedService) -> None:
    service.add_cluster("demo")
    findings = [
        {"level": "ok", "host": "m1", "code": "ssh", "message": "answers", "fix": ""},
        {"level": "error", "host": "m2", "code": "memory", "message": "4 GiB", "fix": "Add memory."},
    ]
    failed = {**STEPS[0], "state": "failed", "result": {"findings": findings}}
    fault = {"step": "preflight", "message": "1 error"}
    service.events = [("end", {"state": "failed"})]
    service.final = {"state": "failed", "steps": [failed], "error": fault}

    result = run("deploy", "preflight")

    assert result.code == 1
    assert result.out.index("memory") < result.out.index("answers")
    assert "Add memory." in result.out


def test_an_install_shows_only_findings_that_matter(run: Run, service: PlayedService) -> None:
    service.add_cluster("demo")
    findings = [
        {"level": "ok", "host": "m1", "code": "ssh", "what": "answers", "fix": ""},
        {"level": "warning", "host": "m2", "code": "swap", "what": "swap is on", "fix": "Turn it off."},
    ]
    service.events = [("end", {"state": "succeeded"})]
    service.final = {**DONE, "steps": [{**STEPS[0], "result": {"findings": findings}}]}

    result = run("deploy", "install", "kubernetes")

    assert "swap is on" in result.out
    assert "answers" not in result.out


def test_a_busy_cluster(run: Run, service: PlayedService) -> None:
    cluster = service.add_cluster("demo")
    busy = {"type": "/problems/busy", "title": "Busy", "status": 409, "detail": "An install runs.", "operation": "0-7"}
    service.once[f"POST clusters/{cluster['id']}/operations"] = [(409, {}, busy)]

    result = run("deploy", "install", "kubernetes", "-o", "json")

    assert result.code == 6
    assert "3kctl follow 0-7" in result.err
    assert result.json() == {"error": busy}


@pytest.mark.parametrize("fault", [(0, {}, None), (503, {"Retry-After": "0"}, {}), (429, {"Retry-After": "0"}, {})])
def test_a_repeat_carries_the_same_idempotency_key(
    run: Run, service: PlayedService, fault: tuple[int, dict[str, str], Any]
) -> None:
    cluster = service.add_cluster("demo")
    service.once[f"POST clusters/{cluster['id']}/operations"] = [fault]

    assert run("deploy", "install", "ceph", "--detach").code == 0

    posts = [one for one in service.requests if one.method == "POST"]
    assert len(posts) == 2
    assert posts[0].headers["Idempotency-Key"] == posts[1].headers["Idempotency-Key"]


def test_the_configuration_may_come_from_standard_input(
    run: Run, service: PlayedService, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "metadata:\n  labels: {}\n  name: From.Pipe\nspec: {}\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

    assert run("register", "-f", "-").code == 0
    assert service.bodies("POST", "clusters")[0]["name"] == "from-pipe"


@pytest.mark.parametrize(
    ("data", "words"),
    [(None, "There is no file"), (b"a: 1\n\xff\n", "line 2: not UTF-8"), (b"x" * 1_100_000, "larger than 1 MiB")],
)
def test_a_file_that_cannot_be_used(run: Run, tmp_path: Path, data: bytes | None, words: str) -> None:
    path = tmp_path / "a.conf"
    if data is not None:
        path.write_bytes(data)

    result = run("deploy", "all", "-f", str(path))

    assert result.code == 2
    assert words in result.err


def test_validate_shows_fields_and_lines(run: Run, service: PlayedService, conf: Path) -> None:
    finding = {"level": "error", "path": "hosts[0].address", "line": 2, "column": 5, "message": "no", "fix": "Do."}
    answer = {"valid": False, "findings": [finding], "hosts": [{"name": "m1"}], "role_groups": {"etcd": ["m1"]}}
    service.answers["POST clusters/validate"] = answer

    result = run("validate", "-f", str(conf))

    assert result.code == 3
    assert "hosts[0].address, line 2, column 5" in result.out
    assert "etcd" in result.out
    assert json.loads(run("validate", "-f", str(conf), "-o", "json").out) == answer


def test_certificates_are_renewed(run: Run, service: PlayedService) -> None:
    service.add_cluster("demo")

    assert run("deploy", "renew", "certificates", "--days", "90", "--detach").code == 0

    body = service.bodies("POST", "operations")[0]
    assert body == {"kind": "renew-certificates", "params": {"days": 90}, "dry_run": False}


def test_an_upgrade_is_confirmed_by_the_name(run: Run, service: PlayedService) -> None:
    service.add_cluster("demo")
    words = ("deploy", "upgrade", "kubernetes", "--version", "v1.25.3", "--detach")

    unconfirmed, wrong = run(*words), run(*words, "--confirm", "demp")

    assert "--confirm demo" in unconfirmed.err
    assert "'demp' is not the name" in wrong.err
    assert service.bodies("POST", "operations") == []
    assert run(*words, "--confirm", "demo").code == run(*words, "--plan").code == 0
    bodies = service.bodies("POST", "operations")
    assert [body["dry_run"] for body in bodies] == [False, True]
    assert {body["params"]["confirm"] for body in bodies} == {"demo"}


def test_a_component_is_rolled_back(run: Run, service: PlayedService) -> None:
    service.add_cluster("demo")

    assert run("deploy", "rollback", "kruise", "--revision", "2", "--confirm", "demo", "--detach").code == 0

    body = service.bodies("POST", "operations")[0]
    assert (body["kind"], body["params"]) == ("rollback", {"component": "kruise", "revision": 2, "confirm": "demo"})


def test_what_becomes_of_each_disk_is_a_table(run: Run, service: PlayedService) -> None:
    service.add_cluster("demo")
    disk = {
        "host": "w1",
        "disk": "/dev/disk/by-id/a",
        "size": 100 << 30,
        "rotational": True,
        "model": "M",
        "serial": "S",
    }
    disks = [{**disk, "use": "no", "reasons": ["carries ext4"]}, {**disk, "serial": "S2", "use": "use", "reasons": []}]
    steps = [
        {"key": "ceph-disks", "title": "Look", "state": "succeeded", "outcome": "checked", "result": {"disks": disks}}
    ]
    service.events, service.final = [("end", {"state": "succeeded"})], {**DONE, "dry_run": True, "steps": steps}

    result = run("deploy", "install", "ceph", "--plan")

    assert result.code == 0
    rows = [" ".join(line.split()) for line in result.out.splitlines() if line.startswith("w1")]
    assert rows[0].endswith("HDD M S2 use -")
    assert rows[1].endswith("HDD M S leave alone carries ext4")


@pytest.mark.parametrize("words", [["--disk", "w1"], ["--wipe", "w1:/dev/disk/by-id/x"], ["--wipe", "/dev/x:S"]])
def test_a_disk_is_named_in_full(run: Run, service: PlayedService, words: list[str]) -> None:
    service.add_cluster("demo")

    result = run("deploy", "install", "ceph", *words)

    assert result.code == 2
    assert "HOST:PATH" in result.err
    assert not service.operations
