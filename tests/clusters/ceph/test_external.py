"""Addresses of monitors and keys of Ceph users."""

from __future__ import annotations

import base64
import struct

import pytest

from clusters.ceph.external import Monitor, key_fault


def key(kind: int = 1, length: int = 16, given: int | None = None) -> str:
    secret = bytes(range(given if given is not None else length))
    return base64.b64encode(struct.pack("<HIIH", kind, 1700000000, 5, length) + secret).decode()


@pytest.mark.parametrize("good", [key(), key(2, 32), "AQBSdFhcAAAAABAAbGFiIGV4YW1wbGUga2V5IQ=="])
def test_a_key_has_the_form_of_one(good: str) -> None:
    assert key_fault(good) == ""


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("", "too short"),
        ("not a key", "not base64"),
        (f"{key()}\n", "not base64"),
        (key(3), "does not begin"),
        (key(given=15), "cut short"),
        (key(given=17), "something is behind"),
        (key(2, 16), "cut short"),
        (base64.b64encode(b"client.csi").decode(), "too short"),
    ],
)
def test_what_is_no_key_is_told_without_showing_it(bad: str, said: str) -> None:
    assert said in key_fault(bad)
    assert not bad.strip() or bad.strip() not in key_fault(bad)


@pytest.mark.parametrize(
    ("text", "address", "ports", "shown"),
    [
        ("10.0.0.1", "10.0.0.1", (3300, 6789), "10.0.0.1"),
        ("10.0.0.1:6789", "10.0.0.1", (6789,), "10.0.0.1:6789"),
        ("fd00::1", "fd00::1", (3300, 6789), "[fd00::1]"),
        ("[fd00:0::1]:3300", "fd00::1", (3300,), "[fd00::1]:3300"),
        ("[fd00::1]", "fd00::1", (3300, 6789), "[fd00::1]"),
    ],
)
def test_monitors(text: str, address: str, ports: tuple[int, ...], shown: str) -> None:
    monitor = Monitor.parse(text)
    assert (monitor.address, monitor.ports, str(monitor)) == (address, ports, shown)


@pytest.mark.parametrize(
    "text",
    [
        *("", "mon1", "10.0.0", "10.0.0.1:", "10.0.0.1:0", "10.0.0.1:65536", "10.0.0.1:٣", "[fd00::1", "[fd00::1]3300"),
        *("127.0.0.1", "::", "::1", "224.0.0.1", "10.0.0.1;id", "10.0.0.1 10.0.0.2", "v2:10.0.0.1:3300", "[fd00::1]:"),
    ],
)
def test_what_is_no_monitor(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Monitor.parse(text)
