"""What customers write reaches a shell as data: refused with the field's name, or exactly as it was written."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as rules
from hypothesis import strategies as st

from clusters.inventory.mapping import OTHER_SETTINGS, SETTINGS
from clusters.models import Cluster
from tasks import services
from tasks.plan import PlanError, Script
from tasks.plans import PLANS, make
from tasks.remote.command import _LOADER, _feed
from tasks.remote.quote import exports
from tests.api import KEY, Api, customer_api, problem
from tests.tasks.plans.sites import cluster as site

HOSTILE = (
    "$(touch /tmp/injected)",
    "`id`;id&id|id",
    "'\"; id #",
    "a\nid\n",
    "-oProxyCommand=id",
    "../../etc/x",
    "${IFS}*?",
)
SHELLS = [path for name in ("sh", "bash", "dash", "busybox") if (path := shutil.which(name))]


def arrived(shell: str, env: Mapping[str, str], *, loaded: bool) -> dict[str, str]:
    """What a script on a host finds in its variables, given them as the service gives them."""
    script = "".join(f"printf '%s\\0' \"${name}\"\n" for name in env)
    body = f"{exports(env)}{script}\n"
    argv = [shell, *(["sh"] if shell.endswith("busybox") else [])]
    if loaded:
        argv += ["-c", _LOADER.format(mark="mark0")]
        text = b"".join(_feed(body, "mark0", b""))
    else:
        text = f"printf %s mark0\n{body}".encode(errors="surrogateescape")
    done = subprocess.run(argv, input=text, capture_output=True, check=True, timeout=60)
    said = done.stdout.removeprefix(b"mark0").decode(errors="surrogateescape").split("\0")
    return dict(zip(env, said, strict=False))


@pytest.mark.parametrize("loaded", [False, True], ids=["direct", "by the loader"])
@pytest.mark.parametrize("shell", SHELLS)
@rules(max_examples=15)
@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60), min_size=20))
def test_any_text_arrives_in_any_shell(shell: str, loaded: bool, values: list[str]) -> None:
    env = {f"V{number}": value for number, value in enumerate([*values, *HOSTILE])}
    assert arrived(shell, env, loaded=loaded) == env


def harmless(scripts: Iterable[Script]) -> int:
    """Nothing of a customer is in a script's own text, and all of it arrives. How many hostile values there were."""
    env: dict[str, str] = {}
    for script in scripts:
        for phase in (script.probe, script.apply, script.verify):
            assert not [text for text in HOSTILE if text in phase]
        for name, value in script.env.items():
            if any(text in value for text in HOSTILE):
                env[f"{name}_{len(env)}"] = value
    assert arrived("/bin/sh", env, loaded=True) == env
    return len(env)


def scripts_of(cluster: Cluster) -> Iterator[Script]:
    for kind, params in (
        ("install", {"artifact": {"path": "/root/3k/artifact"}}),
        ("preflight", {}),
        ("uninstall", {"confirm": cluster.name}),
        ("backup", {}),
    ):
        for one in services.preview(cluster, kind, params).steps:
            if isinstance(one.do, Script):
                yield one.do


@pytest.fixture
def api(db: None) -> Api:
    return customer_api()


def registration(**changes: Any) -> dict[str, Any]:
    host = {"name": "m1", "address": "10.0.0.1", "roles": ["control-plane", "etcd", "registry"], "private_key": KEY}
    return {"name": "demo", "hosts": [{**host, **changes}]}


@pytest.mark.integration
@pytest.mark.parametrize(
    "field", ["name", "address", "internal_address", "user", "arch", "roles", "labels", "label", "jump", "host_key"]
)
def test_a_hosts_fields(api: Api, field: str) -> None:
    accepted = 0
    for number, text in enumerate(HOSTILE):
        forms = {"roles": [text, "control-plane"], "labels": {text: "x"}, "label": {"x": text}}
        name = "labels" if field == "label" else field
        body = {**registration(**{name: forms.get(field, text)}), "name": f"demo-{number}"}
        answer = api.post("clusters", body)
        if answer.status_code == 201:
            accepted += 1
            harmless(scripts_of(Cluster.objects.get(name=body["name"])))
            continue
        errors = problem(answer, 400, answer.json()["type"].removeprefix("/problems/"))["errors"]
        named = [error["field"] for error in errors]
        assert any(name in path or "role_groups" in path for path in named), (text, named)
    assert accepted == 0 or field in ("user", "roles"), f"{field} takes {accepted} of {len(HOSTILE)}"


@pytest.mark.integration
@pytest.mark.parametrize("text", HOSTILE)
def test_a_clusters_settings(api: Api, text: str) -> None:
    """All at once; those that are refused are left out, until the others are taken."""
    assert api.post("clusters", registration()).status_code == 201
    cluster = Cluster.objects.get()
    left = {*SETTINGS, *OTHER_SETTINGS}
    while (answer := api.patch(f"clusters/{cluster.pk}", dict.fromkeys(left, text))).status_code != 200:
        told = problem(answer, 400, answer.json()["type"].removeprefix("/problems/"))
        refused = {error["field"].split(".")[-1] for error in told["errors"]}
        assert refused & left, (text, told)
        left -= refused
    if not text.isprintable():
        assert not left
    cluster.refresh_from_db()
    harmless(scripts_of(cluster))


def strings(schema: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Each text that parameters may hold: its path, and a function that makes the parameter with a text there."""
    for name, rule in schema.items():
        kind = rule["type"]
        if kind == "string":
            yield name, (name, lambda text: text)
        elif kind == "array" and rule["items"]["type"] == "string":
            yield name, (name, lambda text: [text])
        elif inner := rule.get("properties") or rule.get("items", {}).get("properties"):
            for below, (key, build) in strings(inner):
                if kind == "array":
                    yield f"{name}[0].{below}", (name, lambda text, key=key, build=build: [{key: build(text)}])
                else:
                    yield f"{name}.{below}", (name, lambda text, key=key, build=build: {key: build(text)})


DISK = "/dev/disk/by-id/a"
USUAL: dict[str, Any] = {
    "artifact": {"path": "/root/3k/artifact"},
    "cluster_id": "00000000-0000-4000-8000-000000000000",
    "component": "gpu-operator",
    "confirm": "demo",
    "filesystem": "cephfs",
    "user": "kubernetes",
    "disks": [{"host": host, "disk": DISK} for host in ("worker1", "worker2")],
    "monitors": ["10.0.0.9"],
    "node": "worker2",
    "nodes": ["worker2"],
    "osds": [1],
    "revision": 1,
    "single_node": True,
    "version": "v1.25.3",
}


@pytest.mark.parametrize("kind", PLANS)
def test_an_operations_parameters(kind: str) -> None:
    """Without the hostile text each plan can be made, so it alone decides."""
    params = PLANS[kind].params
    usual = {name: value for name, value in USUAL.items() if name in params}
    installed = frozenset[str]() if kind == "import" else frozenset({"gpu-operator"})
    fact = site(kubernetes_version="v1.24.3", **({"state": "registered"} if kind == "import" else {}))
    fact = replace(fact, installed=installed, secrets=frozenset({"ceph_key"}))
    make(kind, fact, usual)
    for path, (name, build) in strings(params):
        for text in HOSTILE:
            try:
                plan = make(kind, fact, {**usual, name: build(text)})
            except PlanError as error:
                assert re.split(r"[.[]", error.field)[0] == name, (path, text, error.field, str(error))
            else:
                harmless(one.do for one in plan.steps if isinstance(one.do, Script))
