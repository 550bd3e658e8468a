"""Secrets are taken out of text, known ones and those that look like one."""

from __future__ import annotations

import base64
import html
import json
import shlex
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


WORD = "p'a&s+s/w\"or<d %ü"


@pytest.mark.parametrize(
    "shape",
    [
        urllib.parse.quote(WORD),
        urllib.parse.quote_plus(WORD),
        json.dumps({"password": WORD}),
        json.dumps(WORD, ensure_ascii=False),
        html.escape(WORD),
        shlex.quote(WORD),
        f"+ PASSWORD='{WORD}'",
        *(base64.b64encode(f"{user}:{WORD}\n".encode()).decode() for user in ("admin", "rooot", "x")),
        base64.urlsafe_b64encode(f"user:{WORD}".encode()).decode(),
    ],
)
def test_a_secret_is_found_as_programs_write_it(shape: str) -> None:
    assert MARK in Redactor([WORD])(f"before {shape} after")


@pytest.mark.parametrize("columns", [76, 64])
def test_no_line_of_a_keys_base64_is_left(columns: int) -> None:
    coded = base64.b64encode(KEY.encode()).decode()
    lines = [coded[n : n + columns] for n in range(0, len(coded), columns)]
    clean = Redactor([KEY])("\n".join(lines))
    assert not [line for line in lines[:-1] if line[:12] in clean], clean


@given(st.text(min_size=8, max_size=40), st.binary(max_size=5), st.binary(max_size=5))
def test_whatever_stands_around_it_in_base64(word: str, before: bytes, after: bytes) -> None:
    value = word.strip()
    if len(value.encode()) < 8 or value.startswith("-----") or len(value.splitlines()) != 1:
        return
    text = base64.b64encode(before + value.encode() + after).decode()
    assert MARK in Redactor([value])(text)


def test_short_values_do_not_blank_out_ordinary_words() -> None:
    assert Redactor(["a", "", "ok"])("a plan is ok") == "a plan is ok"
