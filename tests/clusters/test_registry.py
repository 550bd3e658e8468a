"""Inventory -> rows -> inventory."""

from __future__ import annotations

from dataclasses import replace

import pytest

from clusters import registry
from clusters.access import Access, Login
from clusters.inventory import HostSpec, Inventory, parse, render
from clusters.models import AccessKey, Customer

pytestmark = pytest.mark.integration
FILE = """
apiVersion: kubekey.kubesphere.io/v1alpha2
kind: Cluster
metadata: {name: demo}
spec:
  hosts:
  - {name: m1, address: 1.2.3.4, arch: arm64, internalAddress: 10.0.0.1, privateKeyPath: /k, labels: {r: a}, timeout: 9}
  - {name: w1, address: 1.2.3.5, internalAddress: 10.0.0.2, port: 2222, user: admin, password: word-of-host}
  roleGroups: {etcd: [m1], control-plane: [m1], worker: ["w[1:1]"]}
  controlPlaneEndpoint: {domain: lb.test, address: 10.0.0.9, port: 7443}
  network: {plugin: calico, kubePodsCIDR: 10.1.0.0/16, kubeServiceCIDR: 10.2.0.0/16, calico: {ipipMode: Always}}
  registry: {privateRegistry: hub.test, auths: {hub.test: {username: me, password: word-of-hub}}}
  system: {timezone: UTC}
"""


def stored(db_key: AccessKey) -> tuple[Inventory, Inventory]:
    parsed = parse(FILE)
    assert parsed.inventory is not None, parsed.findings
    access = Access(login=Login(private_key="not looked at here"))
    return parsed.inventory, registry.inventory_of(registry.create(db_key, "demo", parsed.inventory, access))


@pytest.fixture
def key(db: None) -> AccessKey:
    return AccessKey.objects.issue(Customer.objects.create(name="customer"))[0]


def test_rows_hold_all_but_the_hosts_logins(key: AccessKey) -> None:
    given, back = stored(key)

    def without_login(host: HostSpec) -> HostSpec:
        return replace(host, password="", private_key="")

    assert back == replace(given, hosts=tuple(map(without_login, given.hosts)))
    assert back.platform.registry_password == "word-of-hub"


def test_what_is_shown_has_no_secret_and_can_be_read_again(key: AccessKey) -> None:
    text = render(registry.without_secrets(stored(key)[1]))
    assert "word-of" not in text
    again = parse(text)
    assert [one for one in again.findings if one.level == "error"] == []


def test_logins_are_kept_once_and_by_host(key: AccessKey) -> None:
    stored(key)
    cluster = key.clusters.get()
    assert cluster.nodes.get(name="w1").credential.password == "word-of-host"
    assert cluster.nodes.get(name="m1").credential.password == ""
    assert cluster.credentials.count() == 2


def test_given_logins_replace_the_stored_ones_and_others_stay(key: AccessKey) -> None:
    parsed = parse(FILE)
    assert parsed.inventory is not None
    access = Access(login=Login("an old key", "its passphrase", sudo_password="word-of-sudo"))
    cluster = registry.create(key, "demo", parsed.inventory, access)
    assert registry.replace_logins(cluster, parsed.inventory, access) == ([], [])
    new = Access(private_keys={"/k": "a new key"})
    assert registry.replace_logins(cluster, parsed.inventory, new) == (["m1"], [])
    logins = {node.name: registry.login_of(node) for node in cluster.nodes.select_related("credential")}
    assert logins["m1"] == Login("a new key", "", sudo_password="word-of-sudo")
    assert logins["w1"] == Login("an old key", "its passphrase", "word-of-host", "word-of-sudo")
    assert cluster.credentials.count() == 2


def test_a_rotated_password_is_not_replaced_by_that_of_an_older_file(key: AccessKey) -> None:
    parsed = parse(FILE)
    assert parsed.inventory is not None
    first = Access(login=Login("an old key", sudo_password="old"))
    cluster = registry.create(key, "demo", parsed.inventory, first)
    registry.store_rotated(cluster, {"m1": Login("an old key", sudo_password="rotated")}, password=True)
    given = Access(private_keys={"/k": "a new key"}, login=Login(sudo_password="old"))
    assert registry.replace_logins(cluster, parsed.inventory, given) == (["m1"], ["m1"])
    registry.store_rotated(cluster, {"m1": Login("a rotated key", sudo_password="rotated")})
    assert registry.replace_logins(cluster, parsed.inventory, given) == ([], ["m1"])
    node = cluster.nodes.select_related("credential").get(name="m1")
    assert registry.login_of(node) == Login("a rotated key", sudo_password="rotated")


def test_a_rotated_key_is_not_replaced_by_that_of_an_older_file(key: AccessKey) -> None:
    parsed = parse(FILE)
    assert parsed.inventory is not None
    cluster = registry.create(key, "demo", parsed.inventory, Access(login=Login("an old key", password="word")))
    registry.store_rotated(cluster, {"m1": Login("a rotated key", sudo_password="wrong")})
    given = Access(private_keys={"/k": "an old key"}, login=Login(sudo_password="right"))
    assert registry.replace_logins(cluster, parsed.inventory, given) == (["m1", "w1"], ["m1"])
    assert registry.replace_logins(cluster, parsed.inventory, given) == ([], ["m1"])
    logins = {node.name: registry.login_of(node) for node in cluster.nodes.select_related("credential")}
    assert logins["m1"] == Login("a rotated key", sudo_password="right")
    assert logins["w1"].private_key == "an old key"
