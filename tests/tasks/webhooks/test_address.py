"""Which addresses are taken apart, and which network addresses are never connected to."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from tasks.webhooks.address import Refused, may_connect, target

PRIVATE = [
    str(ip_address(0)),
    *("0.0.0.1", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.1.2.3", "169.254.169.254"),
    *("172.16.0.1", "172.31.255.255", "192.0.0.192", "192.168.1.1", "198.18.0.1", "224.0.0.1", "239.255.255.255"),
    *("240.0.0.1", "255.255.255.255", "168.63.129.16", "192.0.2.1", "198.51.100.1", "203.0.113.1"),
    *("::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "fe80::1"),
    *("fc00::1", "fd00:ec2::254", "ff02::1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001::1"),
    *("2001:db8::1", "3fff::1", "fec0::1", "100::1"),
]
PUBLIC = ["1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "::ffff:8.8.8.8", "2606:4700:4700::1111", "2a00:1450::1"]


@pytest.mark.parametrize("address", PRIVATE)
def test_what_is_not_public_is_refused_unless_its_network_is_allowed(address: str) -> None:
    parsed = ip_address(address)
    assert not may_connect(parsed, ())
    plain = getattr(parsed, "ipv4_mapped", None) or parsed
    assert may_connect(parsed, [ip_network("203.0.0.0/32"), ip_network(f"{plain}/{plain.max_prefixlen}")])


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_public_is_connected_to(address: str) -> None:
    assert may_connect(ip_address(address), ())


@pytest.mark.parametrize(
    ("url", "authority", "path"),
    [
        ("https://hooks.example.com", "hooks.example.com", "/"),
        ("https://Hooks.Example.com:443/a/b?c=d", "hooks.example.com", "/a/b?c=d"),
        ("http://hooks.example.com:8080/?x", "hooks.example.com:8080", "/?x"),
        ("https://[2606:4700::1]:8443/x", "[2606:4700::1]:8443", "/x"),
        ("http://a_b.internal./x", "a_b.internal.", "/x"),
    ],
)
def test_an_address_is_taken_apart(url: str, authority: str, path: str) -> None:
    found = target(url)
    assert (found.authority, found.path) == (authority, path)
    assert found.origin == f"{found.scheme}://{authority}"


@pytest.mark.parametrize(
    "url",
    [
        *("", "hooks.example.com", "ftp://example.com/", "file:///etc/passwd", "https://", "https:///x"),
        *("https://user:pass@example.com/", "https://user@example.com/", "https://@example.com/"),
        *("http://example.com:22/", "http://example.com:0/", "http://example.com:99999/", "http://example.com:x/"),
        *("https://example.com/#part", "https://exa mple.com/", "https://example.com/\r\nX: y", "https://例.com/"),
        *("https://example.com\\@127.0.0.1/", "https://[fe80::1%25eth0]/", "https://[::1/", "https://-x.com/"),
        *("https://a..b/", f"https://example.com/{'x' * 500}", "https://exa%6dple.com/"),
    ],
)
def test_what_is_no_address_for_a_webhook_is_refused_with_the_fix(url: str) -> None:
    with pytest.raises(Refused) as refused:
        target(url)
    assert refused.value.message
    assert refused.value.fix
