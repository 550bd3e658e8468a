"""Which network addresses are refused to customers, and which are not."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from clusters.addresses import literal, may_reach


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.1", "0.1.2.3", "127.0.0.1", "127.255.0.9", "169.254.169.254", "224.0.0.1", "255.255.255.255"),
        *("100.100.100.200", "168.63.129.16", "192.0.0.192", "::", "::1", "fe80::1", "ff02::1", "fd00:ec2::254"),
        *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:7f00:1::"),
    ],
)
def test_refused(address: str) -> None:
    assert not may_reach(ip_address(address))


@pytest.mark.parametrize(
    "address", ["10.0.0.1", "172.16.3.4", "192.168.2.1", "100.64.0.7", "203.0.113.9", "fd00::1", "2001:db8::1"]
)
def test_clusters_have_private_addresses(address: str) -> None:
    assert may_reach(ip_address(address))


def test_what_the_operator_says_comes_first() -> None:
    loopback, own, part = (ip_network(text) for text in ("127.0.0.0/8", "10.1.0.0/16", "127.9.0.0/16"))
    assert may_reach(ip_address("127.0.0.1"), [loopback])
    assert may_reach(ip_address("::ffff:127.0.0.1"), [loopback])
    assert not may_reach(ip_address("::1"), [loopback])
    assert not may_reach(ip_address("10.1.2.3"), [], [own])
    assert not may_reach(ip_address("127.9.0.1"), [loopback], [part])


def test_literals() -> None:
    assert literal("[::1]") == literal("::1") == ip_address("::1")
    assert str(literal("fe80::1%eth0")) == "fe80::1"
    assert literal("localhost") is literal("127.1") is literal("") is None
