"""Clusters over REST: registered, listed, read, changed, forgotten."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from clusters.models import Cluster, Component, Node, SSHCredential
from tasks.models import AuditEvent
from tests.api import KEY, SAMPLE, Api, customer_api, hosts, private_key, problem, register

pytestmark = pytest.mark.integration
PATH = "/root/.ssh/id_rsa"


def test_the_guides_sample_is_taken_and_its_repair_told(api: Api) -> None:
    body = {"name": "guide", "configuration": SAMPLE.read_text(), "private_keys": {PATH: KEY}}
    answer = api.post("clusters", body)
    assert answer.status_code == 201, answer.content
    cluster = answer.json()
    assert cluster["hosts"] == 6
    assert cluster["state"] == "registered"
    assert answer["Location"].endswith(cluster["id"])
    repairs = [one for one in cluster["findings"] if one["level"] == "repair"]
    assert repairs
    assert all(one["line"] and one["message"] and one["fix"] for one in repairs)
    stored = Cluster.objects.get(pk=cluster["id"])
    assert list(stored.nodes.values_list("name", flat=True)) == [
        f"{kind}{n}" for kind in ("master", "worker") for n in (1, 2, 3)
    ]
    assert stored.nodes.get(name="master1").role_groups == ["etcd", "control-plane", "registry"]
    assert stored.nodes.get(name="worker2").credential.private_key == KEY
    # One key for all: one row.
    assert stored.credentials.count() == 1


def test_a_key_that_is_only_a_path_is_refused_with_the_way_to_send_it(api: Api) -> None:
    answer = api.post("clusters", {"name": "guide", "configuration": SAMPLE.read_text()})
    said = problem(answer, 400, "invalid-configuration")
    (error,) = said["errors"]
    assert PATH in error["message"]
    assert "private_keys" in error["hint"]
    assert error["line"] > 0
    assert [one["code"] for one in said["findings"] if one["level"] == "error"] == ["missing-key"]
    assert not Cluster.objects.exists()


def test_hosts_as_json(api: Api) -> None:
    body = {
        "name": "plain",
        "hosts": hosts(),
        "settings": {"pod_cidr": "10.20.0.0/16", "api_address": "https://cloud.test", "log_level": "debug"},
    }
    body["hosts"][1] |= {"private_key": "", "password": "s3cret-word", "user": "admin", "jump": "host1"}
    body["hosts"][1]["sudo_password"] = "sudo-word"
    cluster = api.post("clusters", body).json()
    assert cluster["pod_cidr"] == "10.20.0.0/16"
    assert cluster["log_level"] == "debug"
    node = Node.objects.get(cluster=cluster["id"], name="host2")
    assert (node.credential.password, node.credential.sudo_password) == ("s3cret-word", "sudo-word")
    assert node.jump is not None
    assert node.jump.name == "host1"
    shown = api.get(f"clusters/{cluster['id']}/nodes/host2").json()
    assert shown["credential"] == {"kind": "password", "sudo_password": True}
    assert shown["jump"] == "host1"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"hosts": None}, "hosts"),
        ({"hosts": []}, "configuration"),
        ({"nmae": "x"}, "nmae"),
        ({"settings": {"pod_cdir": "10.0.0.0/8"}}, "settings.pod_cdir"),
        ({"settings": {"log_level": "loud"}}, "settings.log_level"),
        ({"settings": {"api_address": "no address"}}, "settings.api_address"),
        ({"name": "Not A Name"}, "name"),
        ({"name": ""}, "name"),
        ({"configuration": "hosts: []"}, "configuration"),
    ],
)
def test_a_body_of_the_wrong_shape_names_the_field(api: Api, change: dict[str, Any], field: str) -> None:
    answer = api.post("clusters", {"name": "x", "hosts": hosts(), **change})
    if answer.json()["type"].endswith("invalid-configuration"):
        said = problem(answer, 400, "invalid-configuration")
    else:
        said = problem(answer, 400, "invalid")
        assert [one["field"] for one in said["errors"]] == [field]
    assert said["detail"]


def test_a_misspelt_field_is_told_the_nearest(api: Api) -> None:
    said = problem(api.post("clusters", {"nam": "x", "hosts": hosts()}), 400, "invalid")
    assert "Did you mean name?" in said["errors"][0]["message"]


def test_every_error_of_the_hosts_is_told_at_once(api: Api) -> None:
    body = {"name": "bad", "hosts": hosts()}
    body["hosts"][1]["address"] = "10.0.0.1"
    body["hosts"][2]["port"] = 99999
    said = problem(api.post("clusters", body), 400, "invalid-configuration")
    assert [one["field"] for one in said["errors"]] == ["hosts[1].address", "hosts[2].port"]
    assert all(one["hint"] for one in said["errors"])


@pytest.mark.parametrize(
    ("own", "code", "word"),
    [
        ({"private_key": "ssh-ed25519 AAAA"}, "private-key", "public key"),
        ({"private_key": "gibberish"}, "private-key", "no private key"),
        ({"private_key": KEY[:200]}, "private-key", "damaged"),
        ({"private_key": ""}, "missing-credential", "neither"),
        ({"host_key": "rubbish"}, "host-key", "host key"),
        ({"jump": "nowhere"}, "jump", "nowhere"),
        ({"jump": "host2"}, "jump", "itself"),
    ],
)
def test_a_login_that_cannot_work_is_refused(api: Api, own: dict[str, str], code: str, word: str) -> None:
    body = {"name": "bad", "hosts": hosts()}
    body["hosts"][1] |= own
    said = problem(api.post("clusters", body), 400, "invalid-configuration")
    (error,) = [one for one in said["findings"] if one["level"] == "error"]
    assert error["code"] == code
    assert word in error["message"]
    assert error["fix"]
    assert KEY[60:120] not in str(said)


def test_a_locked_key_needs_its_passphrase(api: Api) -> None:
    locked = private_key("open sesame")
    body = {"name": "guide", "configuration": SAMPLE.read_text(), "private_keys": {PATH: locked}}
    assert "passphrase" in problem(api.post("clusters", body), 400, "invalid-configuration")["detail"]
    body["passphrases"] = {PATH: "wrong"}
    assert "does not open" in problem(api.post("clusters", body), 400, "invalid-configuration")["detail"]
    body["passphrases"] = {PATH: "open sesame"}
    assert api.post("clusters", body).status_code == 201
    assert SSHCredential.objects.get().passphrase == "open sesame"


def test_validate_stores_nothing(api: Api) -> None:
    body = {"name": "guide", "configuration": SAMPLE.read_text(), "private_key": KEY}
    answer = api.post("clusters/validate", body).json()
    assert answer["valid"]
    assert [host["name"] for host in answer["hosts"]][:2] == ["master1", "master2"]
    assert answer["role_groups"]["etcd"] == ["master1", "master2", "master3"]
    assert not Cluster.objects.exists()
    judged = api.post("clusters/validate", {"configuration": "hosts:\n- {name: a, address: 1.2.3.4}\n"}).json()
    assert not judged["valid"]
    assert {one["level"] for one in judged["findings"]} >= {"error"}


def test_a_name_is_taken_once_per_key(api: Api) -> None:
    register(api, "demo")
    problem(api.post("clusters", {"name": "demo", "hosts": hosts()}), 409, "name-taken")
    assert customer_api().post("clusters", {"name": "demo", "hosts": hosts()}).status_code == 201


def test_limits_of_the_key(db: None) -> None:
    api = customer_api(max_clusters=1, max_hosts=2)
    said = problem(api.post("clusters", {"name": "big", "hosts": hosts(3)}), 403, "limit-reached")
    assert said["limit"] == 2
    assert api.post("clusters", {"name": "one", "hosts": hosts(2)}).status_code == 201
    problem(api.post("clusters", {"name": "two", "hosts": hosts(2)}), 403, "limit-reached")


def test_a_change_is_judged_with_what_stays(api: Api) -> None:
    cluster = register(api)
    changed = api.patch(f"clusters/{cluster.pk}", {"description": "ours", "storage_class": "fast"}).json()
    assert (changed["description"], changed["storage_class"]) == ("ours", "fast")
    said = problem(api.patch(f"clusters/{cluster.pk}", {"pod_cidr": "10.233.0.0/18"}), 400, "invalid-configuration")
    assert any("pod_cidr" in one["field"] or "service_cidr" in one["field"] for one in said["errors"])
    problem(api.patch(f"clusters/{cluster.pk}", {"state": "ready"}), 400, "invalid")
    register(api, "other")
    problem(api.patch(f"clusters/{cluster.pk}", {"name": "other"}), 409, "name-taken")


def test_a_store_of_backups_keeps_its_keys_to_itself(api: Api) -> None:
    cluster = register(api)
    keys = {"backup_access_key": "access-of-store", "backup_secret_key": "secret-of-store"}
    wanted = {"backup_store": "s3", "backup_endpoint": "https://s3.example.org", "backup_bucket": "etcd"}
    answer = api.patch(f"clusters/{cluster.pk}", {**wanted, **keys})
    assert answer.status_code == 200 and answer.json().items() >= wanted.items()
    assert "of-store" not in answer.content.decode() + api.get(f"clusters/{cluster.pk}").content.decode()
    cluster.refresh_from_db()
    assert (cluster.backup_access_key, cluster.backup_secret_key) == tuple(keys.values())
    assert api.patch(f"clusters/{cluster.pk}", {"backup_store": "tape"}).status_code == 400


def test_secrets_never_come_back(api: Api) -> None:
    cluster = register(api)
    answer = api.patch(f"clusters/{cluster.pk}", {"registry_password": "harbour-word", "registry_user": "me"})
    assert answer.status_code == 200
    cluster.refresh_from_db()
    assert cluster.registry_password == "harbour-word"
    ceph_key = "AQBSdFhcAAAAABAAbGFiIGV4YW1wbGUga2V5IQ=="
    assert "ceph_key" not in api.patch(f"clusters/{cluster.pk}", {"ceph_key": ceph_key}).json()
    said = problem(api.patch(f"clusters/{cluster.pk}", {"ceph_key": f"{ceph_key[:-4]}"}), 400, "invalid")
    assert said["errors"][0]["field"] == "ceph_key" and ceph_key[:-4] not in str(said)
    cluster.refresh_from_db()
    assert cluster.ceph_key == ceph_key
    cluster.nodes.get(name="host1").credential.password = "host-word"
    for path in ("", "/nodes", "/nodes/host1", "/configuration"):
        text = api.get(f"clusters/{cluster.pk}{path}").content.decode()
        for secret in ("harbour-word", "host-word", ceph_key, "PRIVATE KEY", api.value):
            assert secret not in text


def test_the_configuration_can_be_registered_again(api: Api) -> None:
    body = {"name": "guide", "configuration": SAMPLE.read_text(), "private_keys": {PATH: KEY}}
    first = api.post("clusters", body).json()
    answer = api.get(f"clusters/{first['id']}/configuration", Accept="text/yaml")
    assert answer["Content-Type"].startswith("text/yaml")
    text = answer.content.decode()
    assert f'privateKeyPath: "{PATH}"' in text
    again = api.post("clusters", {**body, "name": "copy", "configuration": text})
    assert again.status_code == 201, again.content
    assert [one for one in again.json()["findings"] if one["level"] != "warning"] == []
    assert api.get(f"clusters/{again.json()['id']}/configuration").content.decode() == text.replace("guide", "copy")


def test_kubeconfig_once_there_is_one(api: Api) -> None:
    cluster = register(api)
    said = problem(api.get(f"clusters/{cluster.pk}/kubeconfig"), 404, "not-found")
    assert "install" in said["hint"]
    cluster.kubeconfig = "apiVersion: v1\nkind: Config\n"
    cluster.save()
    answer = api.get(f"clusters/{cluster.pk}/kubeconfig")
    assert answer.content.decode() == cluster.kubeconfig
    assert answer["Cache-Control"] == "no-store"


def test_forgetting_takes_all_rows(api: Api) -> None:
    cluster = register(api)
    assert api.delete(f"clusters/{cluster.pk}").status_code == 204
    assert not Node.objects.exists()
    assert not SSHCredential.objects.exists()
    problem(api.get(f"clusters/{cluster.pk}"), 404, "not-found")


def test_filters_and_pages(api: Api) -> None:
    for number in range(5):
        register(api, f"c{number}", 1)
    first = api.get("clusters?limit=2").json()
    assert [one["name"] for one in first["results"]] == ["c4", "c3"]
    second = api.get(first["next"].partition("testserver")[2]).json()
    assert [one["name"] for one in second["results"]] == ["c2", "c1"]
    assert second["previous"]
    third = api.get(second["next"].partition("testserver")[2]).json()
    assert [one["name"] for one in third["results"]] == ["c0"]
    assert third["next"] is None
    assert [one["name"] for one in api.get("clusters?name=c3").json()["results"]] == ["c3"]
    assert api.get("clusters?state=ready").json()["results"] == []
    problem(api.get("clusters?state=sunny"), 400, "invalid")
    problem(api.get("clusters?limit=many"), 400, "invalid")
    problem(api.get("clusters?limit=0"), 400, "invalid")
    problem(api.get("clusters?cursor=rubbish"), 400, "invalid")


def test_a_list_takes_the_same_queries_for_one_and_for_many(api: Api) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            assert api.get("clusters").status_code == 200
        return len(seen)

    register(api, "c0")
    queries()
    few = queries()
    for number in range(1, 8):
        cluster = register(api, f"c{number}")
        Component.objects.create(cluster=cluster, name="coredns", kind="builtin", state="healthy", chosen=True)
    assert queries() == few <= 4
    assert api.get("clusters?name=c7").json()["results"][0]["components"] == {"healthy": 1, "total": 1}


def test_credentials_given_anew_replace_the_stored_ones(api: Api) -> None:
    cluster = register(api)
    path = f"clusters/{cluster.pk}/credentials"
    body = {"name": "demo", "hosts": [{**host, "private_key": private_key()} for host in hosts(2)]}
    answer = api.post(path, body)
    assert answer.json() == {"changed": ["host1", "host2"], "kept": []}, answer.content
    assert AuditEvent.objects.get(action="cluster.credentials").detail == {"hosts": ["host1", "host2"]}
    assert cluster.nodes.get(name="host1").credential.private_key == body["hosts"][0]["private_key"]
    assert cluster.nodes.get(name="host3").credential.private_key == KEY
    assert api.post(path, body).json() == {"changed": [], "kept": []}
    problem(
        api.post(path, {"name": "demo", "hosts": [{**hosts(1)[0], "private_key": "none"}]}),
        400,
        "invalid-configuration",
    )
    problem(customer_api().post(path, body), 404, "not-found")
