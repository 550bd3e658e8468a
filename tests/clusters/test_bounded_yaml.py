"""YAML that comes from others costs little, whatever it holds."""

from __future__ import annotations

import pytest

from clusters.bounded_yaml import BadYAML, load
from clusters.kubeconfig import KubeconfigError, parse
from tasks.actions.kubernetes import outward


def chained(form: str, levels: int = 12) -> str:
    """Each line repeats the one above nine times."""
    lines = ["a0: &a0 {k: v}"]
    for n in range(levels):
        many = ", ".join([f"*a{n}"] * 9)
        lines.append(f"a{n + 1}: &a{n + 1} {form.format(many)}")
    return "\n".join(lines) + "\n"


BOMBS = {
    "aliases": (chained("[{}]"), "too many values"),
    "depth": ("[" * 100_000, "nested too deeply"),
    "mappings": ("{a: " * 5_000, "nested too deeply"),
    "indentation": ("".join(" " * n + "a:\n" for n in range(400)), "nested too deeply"),
    "itself": ("a: &a [*a]", "no YAML"),
    "objects": ("!!python/object/apply:os.system [id]", "no YAML"),
    "size": ("#" * (4 << 20) + "\n", "larger than 4096 KiB"),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_bomb_is_refused(kind: str) -> None:
    text, why = BOMBS[kind]
    with pytest.raises(BadYAML, match=why):
        load(text)
    with pytest.raises(KubeconfigError):
        parse(text)
    with pytest.raises(ValueError, match="kubeconfig"):
        outward(text, "10.0.0.1")


def test_what_is_meant_is_read() -> None:
    assert load("a: &a {b: [1, 'x', null]}\nc: *a\n--- 2") == {"a": {"b": [1, "x", None]}, "c": {"b": [1, "x", None]}}
    assert load("") is None
    # A loader that copies what it merges needs gigabytes for this.
    assert load(chained("{{<<: [{}], m: 1}}"))["a12"] == {"k": "v", "m": 1}


def test_no_value_is_quoted() -> None:
    for text in (
        "token: 'hunter2",
        "token: hunter2\ntoken: hunter2",
        "token: !!x hunter2",
        "- hunter2\ntoken: *hunter2",
    ):
        with pytest.raises(BadYAML) as caught:
            load(text)
        assert "hunter2" not in str(caught.value)
