"""Key files are on the customer's machine: the service refuses their paths and says what to send."""

from __future__ import annotations

from pathlib import Path

from clusters.inventory import Finding, HostSpec, Inventory, parse, refuse_paths

SAMPLE = Path(__file__).parents[3] / "conf" / "config-sample.conf"


def test_a_path_without_its_key_is_refused_once_for_all_its_hosts() -> None:
    parsed = parse(SAMPLE.read_text())
    assert parsed.inventory is not None
    assert refuse_paths(parsed.inventory, places=parsed.places) == (
        Finding(
            "error",
            "missing-key",
            "hosts[0].privateKeyPath",
            2,
            89,
            "The key file /root/.ssh/id_rsa (master1, master2, master3, worker1, worker2 and 1 more) is on the machine "
            "where this was written; it cannot be read here.",
            "Send the key's text in private_keys under '/root/.ssh/id_rsa', or as private_key for every host; "
            "3kctl reads the file and does so.",
        ),
    )


def test_a_path_whose_key_came_along_is_fine() -> None:
    parsed = parse(SAMPLE.read_text())
    assert parsed.inventory is not None
    assert refuse_paths(parsed.inventory, {"/root/.ssh/id_rsa": "PEM"}) == ()
    assert refuse_paths(parsed.inventory, fallback=True) == ()


def test_a_host_without_any_credential_is_refused() -> None:
    hosts = (
        HostSpec("a", "10.0.0.1", "10.0.0.1"),
        HostSpec("b", "10.0.0.2", "10.0.0.2", password="pw"),
        HostSpec("c", "10.0.0.3", "10.0.0.3", private_key="PEM"),
    )
    (found,) = refuse_paths(Inventory(hosts=hosts))
    assert (found.code, found.path) == ("missing-credential", "hosts[0].private_key_path")
    assert found.message == "There is neither a private key nor a password for a."
    assert found.fix == "Send private_key for every host, or give the host a privateKeyPath or a password."
