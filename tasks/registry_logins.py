"""Logins of a registry in the files that docker, containerd and Harbor read, and in pull secrets. Pure.

Only the login of the user whose password is changed is touched: a robot's or another user's stays as it is.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any

_SECTION = re.compile(r"^\s*\[+(?P<name>.*?)\]+\s*(#.*)?$")
_STRING = r"(?P<value>\"(?:[^\"\\]|\\.)*\"|'[^']*')"
_USER = re.compile(rf"^\s*username\s*=\s*{_STRING}")
_PASSWORD = re.compile(rf"^(?P<head>\s*password\s*=\s*){_STRING}")
_HARBOR_YML = re.compile(r"^(?P<head>harbor_admin_password:[ \t]*).*$", re.MULTILINE)
_HARBOR_ENV = re.compile(r"^(?P<head>HARBOR_ADMIN_PASSWORD=).*$", re.MULTILINE)
# The data that a pull secret of each type has.
PULL_SECRETS = {"kubernetes.io/dockerconfigjson": ".dockerconfigjson", "kubernetes.io/dockercfg": ".dockercfg"}


def in_containerd(text: str, registry: str, user: str, password: str) -> str:
    """containerd's ``config.toml`` with the password of `user` at `registry` replaced, where it has one."""
    lines = text.splitlines(keepends=True)
    theirs: list[int] = []
    ours, another = False, False
    for n, line in enumerate([*lines, "[end]"]):
        if section := _SECTION.match(line):
            # A JSON string is a basic string of TOML.
            for place in () if another else theirs:
                lines[place] = _PASSWORD.sub(lambda match: match["head"] + json.dumps(password), lines[place])
            name = section["name"].strip()
            ours = name.endswith((f'.registry.configs."{registry}".auth', f".registry.configs.'{registry}'.auth"))
            theirs, another = [], False
        elif ours and (said := _USER.match(line)):
            another = said["value"][1:-1] != user
        elif ours and _PASSWORD.match(line):
            theirs.append(n)
    return "".join(lines)


def in_docker(text: str, registry: str, user: str, password: str) -> str:
    """docker's ``config.json`` with the login of `user` at `registry` replaced, where it has one.

    Raises ValueError for what is none.
    """
    document = json.loads(text)
    auths = document.get("auths") if isinstance(document, dict) else None
    if not isinstance(auths, dict) or not _renew(auths, registry, user, password):
        return text
    return json.dumps(document, indent="\t") + "\n"


def in_pull_secret(kind: str, text: str, registry: str, user: str, password: str) -> str:
    """The data of a pull secret of type `kind`, likewise. Raises ValueError for what is none."""
    if PULL_SECRETS[kind] == ".dockerconfigjson":
        return in_docker(text, registry, user, password)
    auths = json.loads(text)
    return json.dumps(auths) if isinstance(auths, dict) and _renew(auths, registry, user, password) else text


def in_harbor(text: str, password: str) -> str:
    """``harbor.yml``, or the environment made of it, with the administrator's password replaced.

    Harbor reads them when it has no data yet: the password of then would come back with it.
    """
    text = _HARBOR_YML.sub(lambda match: match["head"] + json.dumps(password), text)
    return _HARBOR_ENV.sub(lambda match: match["head"] + password, text)


def _renew(auths: dict[str, Any], registry: str, user: str, password: str) -> bool:
    """Whether anything was changed."""
    token = base64.b64encode(f"{user}:{password}".encode()).decode()
    changed = False
    for name, entry in auths.items():
        if _host(name) != _host(registry) or not isinstance(entry, dict) or _user(entry) != user:
            continue
        for key, value in (("auth", token), ("password", password)):
            if key in entry and entry[key] != value:
                entry[key], changed = value, True
    return changed


def _host(name: str) -> str:
    """Of ``https://registry.test:443/v2/``: ``registry.test``."""
    return name.partition("://")[2].partition("/")[0].removesuffix(":443") if "://" in name else _host(f"://{name}")


def _user(entry: dict[str, Any]) -> str:
    if "username" in entry:
        return str(entry["username"])
    try:
        return base64.b64decode(str(entry.get("auth", "")), validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""
