"""The files that docker and containerd log in to a registry with."""

from __future__ import annotations

import base64
import json
import tomllib

from tasks.registry_logins import in_containerd, in_docker

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
    text = in_containerd(TOML, "registry.test", word)
    configs = tomllib.loads(text)["plugins"]["io.containerd.grpc.v1.cri"]["registry"]["configs"]
    assert configs["registry.test"] == {
        "tls": {"password": "not a login"},
        "auth": {"username": "admin", "password": word},
    }
    assert configs["other.test"] == {"auth": {"password": "theirs"}}
    assert "# a comment" in text
    assert in_containerd(TOML, "unknown.test", word) == TOML


def test_docker_has_the_new_login_of_that_registry_alone() -> None:
    other = {"auth": "b3RoZXI="}
    text = json.dumps({"auths": {"https://registry.test/": {"auth": "b2xk"}, "other.test": other}, "credsStore": "x"})
    new = json.loads(in_docker(text, "registry.test", "admin", "pass:word"))
    assert base64.b64decode(new["auths"]["https://registry.test/"]["auth"]) == b"admin:pass:word"
    assert new["auths"]["other.test"] == other and new["credsStore"] == "x"
    for same in (json.dumps(new), json.dumps({"auths": {"other.test": other}}), "{}", "[]"):
        assert in_docker(same, "registry.test", "admin", "pass:word") == same
