"""The file for kk: what it looks like, and that reading it back loses nothing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from clusters.inventory import ROLE_GROUPS, HostSpec, Inventory, Platform, parse, render, schema

SAMPLE = Path(__file__).parents[3] / "conf" / "config-sample.conf"
SECRETS = ("password", "passwd", "token", "secretkey", "privatekey")

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
ONE_LINE = TEXT.map(lambda text: re.sub(r"[\x00-\x1f\x7f]", "", text))
WORDS = st.sampled_from(
    ["yes", "No", "on", "null", "~", "012", "1_0", "1e3", "0x1F", "2001-01-01", "12:30", ".inf", "a: b"]
)
LABEL = st.from_regex(r"[a-z]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
SCALAR = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT | WORDS
JSON = st.recursive(
    SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT | WORDS, inner, max_size=3), max_leaves=6
)


def _is_secret(key: str) -> bool:
    return key.lower().replace("_", "").replace("-", "").endswith(SECRETS)


def _without_secrets(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _without_secrets(value) for key, value in data.items() if not _is_secret(key) and key != "<<"}
    return [_without_secrets(item) for item in data] if isinstance(data, list) else data


def extras(*taken: str) -> st.SearchStrategy[dict[str, Any]]:
    """Entries of a mapping whose `taken` keys have fields of their own; what only kk reads holds no secrets."""
    return st.dictionaries(TEXT.filter(lambda key: key not in taken), JSON, max_size=3).map(_without_secrets)


def hosts(names: list[str]) -> st.SearchStrategy[tuple[HostSpec, ...]]:
    """Sound hosts of these names."""
    return st.tuples(
        *(
            st.builds(
                HostSpec,
                name=st.just(name),
                address=st.just(f"172.16.0.{number + 1}"),
                internal_address=st.sampled_from([f"172.16.0.{number + 1}", f"192.168.0.{number + 1}"]),
                port=st.integers(1, 65535),
                user=st.from_regex(r"[a-z_][a-z0-9_.-]{0,10}", fullmatch=True),
                password=TEXT | WORDS,
                private_key=TEXT,
                private_key_path=TEXT | WORDS,
                arch=st.sampled_from(["amd64", "arm64"]),
                labels=st.dictionaries(
                    st.from_regex(r"[A-Za-z0-9]{1,5}", fullmatch=True),
                    st.sampled_from(["", "yes", "1e3", "0x1"]),
                    max_size=2,
                ),
                extra=extras("roleGroups", *schema.HOST_KEYS.values()),
            )
            for number, name in enumerate(names)
        )
    )


@st.composite
def platforms(draw: st.DrawFn) -> Platform:
    """Sound settings, with extras in every section."""
    registry = draw(st.sampled_from(["dockerhub.kubekey.local", "registry.example.com:5000"]))
    sections = {
        section: draw(extras("auths", *(key for owner, key in schema.PLATFORM_KEYS.values() if owner == section)))
        for section in schema.SECTIONS
    }
    auths = {registry: draw(extras("username", "password")), "other.example.com": draw(extras())}
    if auths := {name: auth for name, auth in auths.items() if auth}:
        sections["registry"]["auths"] = auths
    spec = {**draw(extras(*schema.SPEC)), **{name: section for name, section in sections.items() if section}}
    extra = {**draw(extras(*schema.TOP, *schema.SPEC)), "metadata": draw(extras("name")), "spec": spec}
    return Platform(
        kubernetes_version=draw(st.sampled_from(["v1.24.3", "v1.30.0-rc.1"])),
        container_manager=draw(st.sampled_from(["containerd", "docker"])),
        network_plugin=draw(st.sampled_from(["calico", "none"])),
        pod_cidr=draw(st.sampled_from(["10.233.64.0/18", "10.233.64.0/18,fd85::/120"])),
        control_plane_domain=draw(st.sampled_from(["lb.kubesphere.local", "on"])),
        control_plane_address=draw(st.sampled_from(["", "10.9.9.9", "fd00::1"])),
        control_plane_port=draw(st.integers(1, 65535)),
        internal_load_balancer=draw(st.sampled_from(["", "haproxy"])),
        private_registry=registry,
        registry_namespace=draw(LABEL),
        registry_user=draw(ONE_LINE | WORDS),
        registry_password=draw(ONE_LINE | WORDS),
        extra={name: part for name, part in extra.items() if part or name not in ("metadata", "spec")},
    )


@st.composite
def inventories(draw: st.DrawFn) -> Inventory:
    """Sound inventories."""
    names = draw(st.lists(LABEL | st.sampled_from(["yes", "on", "null", "1e3"]), min_size=1, max_size=4, unique=True))
    members = st.lists(st.sampled_from(names), min_size=1, unique=True).map(tuple)
    groups = draw(st.dictionaries(st.sampled_from(ROLE_GROUPS), members))
    groups |= {"etcd": draw(members), "control-plane": draw(members)}
    return Inventory(draw(st.just("") | LABEL), draw(hosts(names)), groups, draw(platforms()))


@given(inventories())
def test_reading_what_was_written_is_the_identity(inventory: Inventory) -> None:
    parsed = parse(render(inventory))
    assert parsed.errors == ()
    assert parsed.inventory == inventory


@given(inventories())
def test_a_yaml_1_1_parser_as_in_kk_reads_the_same(inventory: Inventory) -> None:
    document = yaml.safe_load(render(inventory))
    assert document["apiVersion"] == "kubekey.kubesphere.io/v1alpha2"
    assert document["kind"] == "Cluster"
    for host, written in zip(inventory.hosts, document["spec"]["hosts"], strict=True):
        assert (written["name"], written["port"], written["user"]) == (host.name, host.port, host.user)
        assert written.get("password", "") == host.password
        assert written.get("labels", {}) == host.labels
    assert document["spec"]["roleGroups"] == {group: list(names) for group, names in inventory.role_groups.items()}
    assert document["spec"]["network"]["kubePodsCIDR"] == inventory.platform.pod_cidr
    rest = inventory.platform.extra.get("spec", {})
    assert {key: document["spec"][key] for key in rest if key not in schema.SPEC} == {
        key: value for key, value in rest.items() if key not in schema.SPEC
    }


@given(st.dictionaries(st.sampled_from(sorted(schema.SPEC)) | TEXT, JSON, max_size=6) | JSON, st.data())
def test_any_document_is_read_without_an_exception(document: Any, data: st.DataObject) -> None:
    text = yaml.safe_dump(
        document, allow_unicode=True, default_flow_style=data.draw(st.sampled_from([None, False, True]))
    )
    parsed = parse(text)
    if parsed.inventory is not None:
        assert parse(render(parsed.inventory)).inventory == parsed.inventory


@given(
    st.text(st.sampled_from("hosts: \n-[]{}&*a1\t#'\"!|>%@,?：\u00a0\x00\ufeff\ud800"), max_size=60)
    | st.binary(max_size=60)
)
def test_any_text_is_read_without_an_exception(text: str | bytes) -> None:
    for finding in parse(text).findings:
        assert finding.message
        assert finding.fix


@given(
    st.lists(
        st.tuples(st.integers(0, 800), st.integers(0, 12), st.text("\t -:[]{}#&*'\"\n0ab", max_size=6)), max_size=3
    )
)
def test_a_sample_with_typing_errors_is_read_without_an_exception(edits: list[tuple[int, int, str]]) -> None:
    text = SAMPLE.read_text()
    for at, length, new in edits:
        text = text[:at] + new + text[at + length :]
    parsed = parse(text)
    assert (parsed.inventory is None) == any(finding.level == "error" for finding in parsed.findings)
    lines = text.count("\n") + 1
    assert all(0 <= finding.line <= lines for finding in parsed.findings)
    if parsed.inventory is not None:
        assert parse(render(parsed.inventory)).inventory == parsed.inventory


def test_the_sample_is_written_for_kk() -> None:
    inventory = parse(SAMPLE.read_text()).inventory
    assert inventory is not None
    text = render(inventory)
    assert text.startswith(
        "apiVersion: kubekey.kubesphere.io/v1alpha2\nkind: Cluster\nspec:\n  hosts:\n    - name: master1\n"
    )
    assert "  roleGroups:\n    etcd:\n      - master1\n      - master2\n      - master3\n    control-plane:\n" in text
    again = parse(text)
    assert (again.inventory, again.findings) == (inventory, ())


def test_ranges_are_written_out_because_kk_drops_leading_zeros() -> None:
    text = (
        "hosts:\n- {name: w08, address: 10.0.0.8}\n- {name: w09, address: 10.0.0.9}\n"
        "- {name: w10, address: 10.0.0.10}\n"
        "roleGroups: {etcd: [w08], master: [w08], worker: ['w[08:10]']}\n"
    )
    inventory = parse(text).inventory
    assert inventory is not None
    assert "    worker:\n      - w08\n      - w09\n      - w10\n" in render(inventory)
