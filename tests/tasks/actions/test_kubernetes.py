"""The kubeconfig as the service uses it, and secrets by name."""

from __future__ import annotations

import base64

import pytest
from ruamel.yaml import YAML

from clusters.models import AccessKey, Cluster, Customer, SSHCredential
from tasks import secret_values
from tasks.actions.kubernetes import outward

KUBECONFIG = """apiVersion: v1
kind: Config
clusters:
- name: cluster.local
  cluster: {certificate-authority-data: QUJD, server: "https://lb.kubesphere.local:6443"}
contexts:
- {name: admin, context: {cluster: cluster.local, user: admin}}
current-context: admin
users:
- name: admin
  user: {client-certificate-data: QUJD, client-key-data: QUJDREVGRw==}
"""


@pytest.mark.parametrize(
    ("address", "server"),
    [("192.0.2.1", "https://192.0.2.1:6443"), ("2001:db8::1", "https://[2001:db8::1]:6443")],
)
def test_the_server_is_the_host_and_the_certificate_is_still_checked(address: str, server: str) -> None:
    text, said = outward(KUBECONFIG, address)
    cluster = YAML(typ="safe").load(text)["clusters"][0]["cluster"]
    assert said == cluster["server"] == server
    assert cluster["tls-server-name"] == "lb.kubesphere.local"
    assert cluster["certificate-authority-data"] == "QUJD"


@pytest.mark.parametrize("text", ["", "{", "clusters: []", "clusters: [{cluster: 5}]", "- a"])
def test_what_is_no_kubeconfig_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no kubeconfig"):
        outward(text, "192.0.2.1")


@pytest.mark.integration
def test_secrets(db: None) -> None:
    key, value = AccessKey.objects.issue(Customer.objects.create(name="secrets"))
    pem = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\nAAAAsecond\n-----END OPENSSH PRIVATE KEY-----\n"
    token = base64.b64encode(b"-----BEGIN K-----\nkeyline1\n-----END K-----\n").decode()
    cluster = Cluster.objects.create(
        access_key=key, name="secrets", registry_password="r3gistry", kubeconfig=f"users:\n- client-key-data: {token}\n"
    )
    SSHCredential.objects.create(cluster=cluster, private_key=pem, passphrase="phrase", sudo_password="sudo!!")
    SSHCredential.objects.create(cluster=cluster, password="abc")
    assert secret_values.resolve(cluster, "access-key") == value
    assert secret_values.resolve(cluster, "registry-password") == "r3gistry"
    assert secret_values.resolve(cluster, "registry-user") == "admin"
    with pytest.raises(KeyError, match="access-key"):
        secret_values.resolve(cluster, "nothing")
    values = secret_values.all_values(cluster)
    expected = {value, "r3gistry", "phrase", "sudo!!", pem, "b3BlbnNzaC1rZXk", "AAAAsecond", token, "keyline1"}
    assert set(values) == expected
    assert values == sorted(values, key=lambda text: (-len(text), text))
