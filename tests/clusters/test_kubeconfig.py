from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusters import kubeconfig
from clusters.kubeconfig import KubeconfigError

PEM = base64.b64encode(b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n").decode()


def config(cluster: str = "server: https://10.0.0.1:6443", user: str = "token: abc", head: str = "") -> str:
    return f"""{head or "current-context: c"}
clusters: [{{name: k, cluster: {{{cluster}}}}}]
contexts: [{{name: c, context: {{cluster: k, user: u}}}}]
users: [{{name: u, user: {{{user}}}}}]
"""


def test_the_current_context() -> None:
    user = f"client-certificate-data: {PEM}, client-key-data: {PEM}"
    cluster = f"server: https://lb.kubesphere.local:6443, certificate-authority-data: {PEM}, tls-server-name: api"
    access = kubeconfig.parse(config(cluster, user))
    assert (access.host, access.port, access.tls_server_name) == ("lb.kubesphere.local", 6443, "api")
    assert access.authority.startswith("-----BEGIN CERTIFICATE-----")
    assert "BEGIN" not in repr(access)
    assert access.at("https://127.0.0.1:9").tls_server_name == "api"


def test_another_address_keeps_the_name() -> None:
    moved = kubeconfig.parse(config()).at("https://127.0.0.1:4321")
    assert (moved.host, moved.port, moved.tls_server_name) == ("127.0.0.1", 4321, "10.0.0.1")


def test_one_context_needs_no_current() -> None:
    assert kubeconfig.parse(config(head="kind: Config")).token == "abc"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty or no mapping"),
        ("[1]", "empty or no mapping"),
        ("a: [", "no YAML"),
        ("x" * 300_000, "larger than 256 KiB"),
        ("!!python/object/apply:os.system [id]", "no YAML"),
        ("clusters: []", "current-context is not set"),
        (config(head="current-context: other"), "contexts has no entry 'other'"),
        (config("server: http://10.0.0.1:6443"), "no https address"),
        (config("server: https://me:pw@10.0.0.1"), "no https address"),
        (config("server: https://10.0.0.1:99999"), "no https address"),
        (config("server: 6443"), "server is no text"),
        (config("server: https://a, insecure-skip-tls-verify: true"), "anybody could answer"),
        (config("server: https://a, proxy-url: 'http://b'"), "proxy-url is not supported"),
        (config("server: https://a, certificate-authority: /etc/ca"), "certificate-authority names a file"),
        (config("server: https://a, certificate-authority-data: '%%'"), "no base64"),
        (config("server: https://a, certificate-authority-data: AAAA"), "no base64|no PEM"),
        (config(user="exec: {command: aws}"), "run a program"),
        (config(user="auth-provider: {name: gcp}"), "run a program"),
        (config(user="client-certificate: /etc/c"), "client-certificate names a file"),
        (config(user="client-key: /etc/k"), "client-key names a file"),
        (config(user="tokenFile: /run/token"), "tokenFile names a file"),
        (config(user="as: root, token: abc"), "as is not supported"),
        (config(user=f"client-certificate-data: {PEM}"), "belong together"),
        (config(user="username: admin, password: pw"), "neither a client certificate nor a token"),
        (config(user='token: "a\\nb"'), "characters that no token has"),
    ],
)
def test_what_is_refused(text: str, said: str) -> None:
    with pytest.raises(KubeconfigError, match=said) as caught:
        kubeconfig.parse(text)
    assert caught.value.fix


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        kubeconfig.parse(text)
    except KubeconfigError as error:
        assert error.message
