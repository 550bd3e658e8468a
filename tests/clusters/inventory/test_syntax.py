"""Text that is no configuration: each fault is named with line, column and fix, within bounds."""

from __future__ import annotations

import pytest

from clusters.inventory import Finding, parse

HEAD = "hosts:\n- {name: a, address: 10.0.0.1}\n"
TAIL = "roleGroups: {etcd: [a], control-plane: [a]}\n"


def only(text: str | bytes) -> Finding:
    """The one finding of `text`, which must be an error that leaves nothing usable."""
    parsed = parse(text)
    assert parsed.inventory is None
    (finding,) = parsed.findings
    assert finding.level == "error"
    return finding


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "hosts:\n- name: a\n\taddress: 10.0.0.1\n",
            ("tab", 3, 1, "A tab in the indentation; YAML is indented with spaces.", "Replace each tab by two spaces."),
            id="tab in the indentation",
        ),
        pytest.param(
            "hosts:\n- name:\ta\n",
            ("tab", 2, 8, "A tab where YAML allows only spaces.", "Replace the tab by a space."),
            id="tab after a colon",
        ),
        pytest.param(
            HEAD + "roleGroups：\n  etcd: [a]\n",
            (
                "lookalike",
                3,
                11,
                "The character '：' (U+FF1A) looks like : but is another one.",
                "Replace it by : from the keyboard.",
            ),
            id="full-width colon",
        ),
        pytest.param(
            HEAD + "roleGroups:\n  etcd: [a, b[1:3]]\n",
            (
                "range-in-list",
                4,
                13,
                "The range b[1:3] stands in brackets, which YAML takes for a list.",
                "Quote it: [\"b[1:3]\"], or write '- b[1:3]' on a line of its own.",
            ),
            id="range in a list",
        ),
        pytest.param(
            HEAD + TAIL + "hosts: []\n",
            ("duplicate-key", 4, 1, "The key 'hosts' is given twice, first on line 1.", "Keep one of the two."),
            id="duplicate key",
        ),
        pytest.param(
            "hosts: *missing\n",
            ("alias", 1, 8, "The alias *missing has no anchor before it.", "Mark the value it repeats with &missing."),
            id="alias without anchor",
        ),
        pytest.param(
            "hosts: &me [*me]\n",
            ("alias", 1, 13, "The alias *me contains itself.", "Write the value out."),
            id="alias of itself",
        ),
        pytest.param(
            "hosts: !!python/object:os.system x\n",
            ("tag", 1, 8, "The YAML tag tag:yaml.org,2002:python/object:os.system is not accepted.", "Remove it."),
            id="tag",
        ),
        pytest.param(
            "? [a]\n: b\n",
            ("key", 1, 3, "A key must be a plain word.", "Write the key as text, before a ':'."),
            id="list as a key",
        ),
        pytest.param(
            "<<: 3\nhosts: []\n",
            ("merge", 1, 1, "'<<' merges mappings only.", "Point it at a mapping: <<: *name."),
            id="merge of a number",
        ),
        pytest.param(
            "hosts:\n- na\x00me\n",
            ("character", 2, 5, "The character U+0000 is not allowed in YAML.", "Delete it."),
            id="NUL",
        ),
        pytest.param(
            'hosts:\n- {name: a, password: "x\\0"}\n',
            ("character", 2, 23, "The text has the character U+0000, which cannot be stored.", "Delete it."),
            id="escaped NUL",
        ),
        pytest.param(
            'hosts:\n- {"\\ud800": a}\n',
            ("character", 2, 4, "The text has the character U+D800, which cannot be stored.", "Delete it."),
            id="half a surrogate pair as a key",
        ),
        pytest.param(
            b"hosts:\n- na\xffme\n",
            ("encoding", 2, 5, "The file is not UTF-8 text.", "Save it as UTF-8."),
            id="not UTF-8",
        ),
        pytest.param(
            "",
            ("empty", 1, 1, "The file is empty.", "Send a configuration with 'hosts' and 'roleGroups'."),
            id="empty",
        ),
        pytest.param(
            "---\na: 1\n" * 20,
            ("too-large", 21, 1, "The file has more than 10 documents.", "Send the cluster's configuration only."),
            id="many documents",
        ),
        pytest.param(
            "[" * 5000 + "]" * 5000,
            ("too-deep", 1, 42, "Nested more than 40 levels deep.", "Flatten the file."),
            id="deep nesting",
        ),
        pytest.param(
            "kind: Inventory\nspec: {hosts: [{name: a, address: 10.0.0.1}], roleGroups: {etcd: [a], master: [a]}}\n",
            (
                "kind",
                1,
                7,
                "The kind 'Inventory' is not a cluster's configuration.",
                "Use a file with 'kind: Cluster' and 'apiVersion: kubekey.kubesphere.io/v1alpha2'.",
            ),
            id="another kind",
        ),
    ],
)
def test_the_fault_is_named(text: str | bytes, expected: tuple[str, int, int, str, str]) -> None:
    found = only(text)
    assert (found.code, found.line, found.column, found.message, found.fix) == expected


def test_plain_bad_yaml_has_line_and_column() -> None:
    found = only(HEAD + "roleGroups: [a\n")
    assert (found.code, found.line, found.column) == ("yaml", 4, 1)
    assert (
        found.message
        == "This is no valid YAML: while parsing a flow sequence expected ',' or ']', but got '<stream end>'."
    )
    assert found.fix.startswith("Compare this line and the one above with a sample")


def test_a_fault_after_a_repair_is_told_together_with_the_repair() -> None:
    parsed = parse("hosts:\n  - {name: a, address: 10.0.0.1}\n  roleGroups:\n    etcd: [a\n")
    assert parsed.inventory is None
    assert [(one.level, one.line) for one in parsed.findings] == [("repair", 3), ("error", 5)]


def test_every_line_with_a_tab_is_named() -> None:
    parsed = parse("hosts:\n- name: a\n\taddress: 10.0.0.1\n\tport: 22\n")
    assert [(one.code, one.line) for one in parsed.findings] == [("tab", 3), ("tab", 4)]


def test_an_alias_bomb_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    found = only("\n".join(lines))
    assert (found.code, found.line) == ("too-large", 5)
    assert found.message == "The file has more than 50000 values, counting what its aliases (*name) repeat."
    assert found.fix == "Remove aliases of aliases, or split the file."


def test_role_groups_that_repeat_without_end_are_cut_short() -> None:
    parsed = parse(HEAD + "roleGroups:\n  etcd:\n" + "  - a[1:1000]\n" * 11)
    (found,) = [finding for finding in parsed.findings if finding.code == "too-many-members"]
    assert (found.level, found.path, found.line, found.column) == ("error", "roleGroups.etcd[10]", 15, 5)
    assert found.message == "The role groups name more than 10000 hosts in all."
    assert found.fix == "Name each host once in a role group."


def test_a_finding_quotes_a_long_value_in_part() -> None:
    parsed = parse(HEAD + TAIL + f"kubernetes: {{version: {'9' * 5000}}}\n")
    assert {len(finding.message) for finding in parsed.findings if finding.code == "version"} == {501}


def test_very_many_findings_are_cut_short_with_the_errors_first() -> None:
    parsed = parse(HEAD + "".join(f"key{n}: 1\n" for n in range(300)) + "roleGroups: {etcd: [a]}\n")
    assert len(parsed.findings) == 201
    assert [finding.code for finding in parsed.errors] == [parsed.findings[0].code] == ["empty-control-plane"]
    assert parsed.findings[-1].message == "101 more findings are not shown."
    assert parsed.findings[-1].fix == "Mend those shown, then check again."


@pytest.mark.parametrize(
    "text",
    [
        "a: [" + "x" * 200_000 + "[\n",
        "---\na: 1\n" * 29_000,
        "[" * 262_144,
        "- " * 131_072,
        "a: &a 1\nb: [" + "*a," * 80_000,
    ],
    ids=["a long word", "documents", "brackets", "dashes", "aliases"],
)
@pytest.mark.timeout(30)
def test_hostile_text_is_refused_soon(text: str) -> None:
    assert parse(text).inventory is None


@pytest.mark.parametrize("data", ["x" * 262_145, b"\xff" * 262_145, "é" * 131_073])
def test_a_large_file_is_refused_unread(data: str | bytes) -> None:
    found = only(data)
    assert found.code == "too-large"
    assert found.message.endswith("a configuration has at most 262144.")
    assert found.fix == "Send the cluster's configuration only, not an artifact or a log."


@pytest.mark.parametrize("text", ["just words", "- a\n- b\n", "42"])
def test_what_is_no_mapping_is_refused(text: str) -> None:
    found = only(text)
    assert (found.code, found.line, found.message) == ("type", 1, "The configuration must be a mapping of keys.")
    assert found.fix == "Write 'key: value' lines."


def test_another_api_version_is_read_with_a_warning() -> None:
    parsed = parse("apiVersion: kubekey.kubesphere.io/v1alpha1\nkind: Cluster\n" + HEAD + TAIL)
    (found,) = parsed.findings
    assert (found.level, found.code, found.line, found.column) == ("warning", "api-version", 1, 13)
    assert found.message == "The version 'kubekey.kubesphere.io/v1alpha1' was read as kubekey.kubesphere.io/v1alpha2."
    assert found.fix == "Write kubekey.kubesphere.io/v1alpha2."
    assert parsed.inventory is not None
