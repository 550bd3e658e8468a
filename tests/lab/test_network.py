from __future__ import annotations

import pytest

from lab.errors import LabError
from lab.layout import plan_hosts
from lab.network import candidates, first_octets, neighbours, port_name


def test_every_lab_tries_every_network_once_and_its_own_first() -> None:
    for name in ("default", "test-1"):
        tried = list(candidates(name))
        assert sorted(tried) == list(range(1, 251))
    assert next(candidates("default")) != next(candidates("test-1"))


@pytest.mark.parametrize("value", ["10", "10.300", "x.y", "8.8"])
def test_networks_that_are_not_private_are_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANQIAN_LAB_NETWORK", value)
    with pytest.raises(LabError, match=f"SANQIAN_LAB_NETWORK='{value}'"):
        first_octets()


def test_an_interfaces_name_fits_the_kernel() -> None:
    hosts = plan_hosts("10.77.4", masters=10, workers=234)
    names = {port_name(host) for host in hosts}
    assert len(names) == len(hosts)
    assert max(map(len, names)) <= 15


def test_nobody_asks_for_a_mac() -> None:
    lines = neighbours(plan_hosts("10.77.4", masters=1, workers=1), "10.77.4", "eth0").splitlines()
    assert len(lines) == 2
    assert all("permanent" in line and "eth0" in line for line in lines)
