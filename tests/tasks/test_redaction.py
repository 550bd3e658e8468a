"""Secrets are taken out of text, known ones and those that look like one."""

from __future__ import annotations

import base64

import pytest

from tasks.redaction import MARK, Redactor

KEY = """-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmU
AAAAMwAAAAtzc2gtZWQyNTUxOQAAACD
-----END OPENSSH PRIVATE KEY-----
"""


@pytest.mark.parametrize(
    "text",
    [
        "the password is s3cret-word.",
        "base64: " + base64.b64encode(b"s3cret-word").decode(),
        "https://admin:s3cret-word@registry/v2",
        "a line of a key: AAAAMwAAAAtzc2gtZWQyNTUxOQAAACD",
        KEY,
    ],
)
def test_known_secrets_are_taken_out_in_every_shape(text: str) -> None:
    clean = Redactor(["s3cret-word", KEY])(text)
    assert MARK in clean
    assert "s3cret-word" not in clean and "AAAAMwAAA" not in clean and "czNjcmV0" not in clean


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("helm --password hunter2 push", f"helm --password {MARK} push"),
        ("password=hunter2, user=admin", f"password={MARK}, user=admin"),
        ("Authorization: Bearer abc.def", f"Authorization: {MARK}"),
        ("key sq_0123456789_" + "x" * 43, f"key {MARK}"),
        ("http://user:pass@host/x", f"http://{MARK}@host/x"),
        ("nothing here: 12 of 13, ok", "nothing here: 12 of 13, ok"),
    ],
)
def test_what_looks_like_a_secret_is_taken_out(text: str, clean: str) -> None:
    assert Redactor([])(text) == clean


def test_short_values_do_not_blank_out_ordinary_words() -> None:
    assert Redactor(["a", "", "ok"])("a plan is ok") == "a plan is ok"
