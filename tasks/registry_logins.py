"""Logins of a registry in the files that docker and containerd read. Pure."""

from __future__ import annotations

import base64
import json
import re

_SECTION = re.compile(r"^\s*\[+(?P<name>.*?)\]+\s*(#.*)?$")
_PASSWORD = re.compile(r"^(?P<head>\s*password\s*=\s*)(?P<value>\"(?:[^\"\\]|\\.)*\"|'[^']*')")


def in_containerd(text: str, registry: str, password: str) -> str:
    """containerd's ``config.toml`` with the password of `registry` replaced, where it has one."""
    lines, ours = text.splitlines(keepends=True), False
    for n, line in enumerate(lines):
        if section := _SECTION.match(line):
            name = section["name"].strip()
            ours = name.endswith((f'.registry.configs."{registry}".auth', f".registry.configs.'{registry}'.auth"))
        elif ours and _PASSWORD.match(line):
            # A JSON string is a basic string of TOML.
            lines[n] = _PASSWORD.sub(lambda match: match["head"] + json.dumps(password), line)
    return "".join(lines)


def in_docker(text: str, registry: str, user: str, password: str) -> str:
    """docker's ``config.json`` with the login of `registry` replaced, where it has one.

    Raises ValueError for what is none.
    """
    document = json.loads(text)
    auths = document.get("auths") if isinstance(document, dict) else None
    if not isinstance(auths, dict):
        return text
    token = base64.b64encode(f"{user}:{password}".encode()).decode()
    changed = False
    for name, entry in auths.items():
        if name.removeprefix("https://").rstrip("/") == registry and isinstance(entry, dict) and "auth" in entry:
            changed |= entry["auth"] != token
            entry["auth"] = token
    return json.dumps(document, indent="\t") + "\n" if changed else text
