"""The files that docker, containerd and Harbor have a registry's login in, and pull secrets."""

from __future__ import annotations

import base64
import json
import tomllib

from tasks.registry_logins import in_containerd, in_docker, in_harbor, in_pull_secret

TOML = """version = 2
[plugins."io.containerd.grpc.v1.cri".registry.configs."registry.test".tls]
  password = "not a login"
[plugins."io.containerd.grpc.v1.cri".registry.configs."registry.test".auth]
  username = "admin"
  password = "old \\" one" # a comment
[plugins."io.containerd.grpc.v1.cri".registry.configs."other.test".auth]
  password = 'theirs'
"""


def test_containerd_has_the_new_password_of_that_registry_alone() -> None:
    word = 'new " \\ one'
    text = in_containerd(TOML, "registry.test", "admin", word)
    configs = tomllib.loads(text)["plugins"]["io.containerd.grpc.v1.cri"]["registry"]["configs"]
    assert configs["registry.test"] == {
        "tls": {"password": "not a login"},
        "auth": {"username": "admin", "password": word},
    }
    assert configs["other.test"] == {"auth": {"password": "theirs"}}
    assert "# a comment" in text
    assert in_containerd(TOML, "unknown.test", "admin", word) == TOML
    assert in_containerd(TOML, "registry.test", "somebody", word) == TOML
    swapped = TOML.replace('  username = "admin"\n', "").replace("comment\n", "comment\n  username = 'robot$ci'\n")
    assert in_containerd(swapped, "registry.test", "admin", word) == swapped
    assert in_containerd(swapped.replace("robot$ci", "admin"), "registry.test", "admin", word).count("password") == 3


def token(login: str) -> dict[str, str]:
    return {"auth": base64.b64encode(login.encode()).decode()}


def test_docker_has_the_new_login_of_that_user_alone() -> None:
    admin = token("admin:old")
    kept = {"other.test": admin, "registry.test/v1": token("robot$ci:old"), "registry.test:444": admin}
    text = json.dumps({"auths": {"https://registry.test/": admin, **kept}, "credsStore": "x"})
    new = json.loads(in_docker(text, "registry.test", "admin", "pass:word"))
    assert new == {"auths": {"https://registry.test/": token("admin:pass:word"), **kept}, "credsStore": "x"}
    for same in (json.dumps(new), json.dumps({"auths": kept}), "{}", "[]"):
        assert in_docker(same, "registry.test:443", "admin", "pass:word") == same


def test_pull_secrets_of_both_types_have_the_new_login() -> None:
    entry = {"username": "admin", "password": "old", **token("admin:old")}
    renewed = {"username": "admin", "password": "new", **token("admin:new")}
    for kind, wrapped in (("kubernetes.io/dockerconfigjson", True), ("kubernetes.io/dockercfg", False)):

        def text(one: dict[str, str], wrapped: bool = wrapped) -> str:
            auths = {"registry.test": one, "other.test": entry}
            return json.dumps({"auths": auths} if wrapped else auths)

        changed = in_pull_secret(kind, text(entry), "registry.test", "admin", "new")
        assert json.loads(changed) == json.loads(text(renewed))
        assert in_pull_secret(kind, changed, "registry.test", "admin", "new") == changed


def test_harbor_would_come_back_with_the_new_password() -> None:
    assert in_harbor("a: 1\nharbor_admin_password: old\ndatabase:\n  password: x\n", 'n"w') == (
        'a: 1\nharbor_admin_password: "n\\"w"\ndatabase:\n  password: x\n'
    )
    assert in_harbor("A=1\nHARBOR_ADMIN_PASSWORD=old\n", "n\\1") == "A=1\nHARBOR_ADMIN_PASSWORD=n\\1\n"
