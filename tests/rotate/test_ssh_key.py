"""Another SSH key for the hosts: whatever fails in the middle, what is stored opens every host."""

from __future__ import annotations

import pytest

from clusters import registry
from clusters.access import public_key_of
from clusters.secrets import new_ssh_key
from tasks import hosts as ssh
from tasks.models import OperationSecret, OperationState, Outcome, StepState
from tasks.plan import PlanError
from tasks.remote import RemoteError
from tests.rotate.conftest import AUTHORISED, OTHER, Site, opened, stored

pytestmark = [pytest.mark.integration, pytest.mark.lab]
ANSWERS = {"master1": "0\nmaster1", "worker1": "0\nworker1"}
EXPIRED = 'expiry-time="20200101" '


def public(site: Site, name: str) -> str:
    login = registry.login_of(site.cluster.nodes.select_related("credential").get(name=name))
    return public_key_of(login.private_key, login.passphrase)


def authorised(site: Site, host: str) -> list[str]:
    return [" ".join(line.split()[:2]) for line in site.sh(f"cat {AUTHORISED[host]}", host).splitlines()]


def test_a_new_key_is_proven_everywhere_before_the_old_one_goes(bare_site: Site) -> None:
    site = bare_site
    old = public(site, "master1")
    node = site.cluster.nodes.select_related("credential").get(name="worker1")
    before = registry.login_of(node)

    # A dry run logs in and changes nothing.
    shown = site.run("rotate-ssh-key", dry_run=True)
    assert shown.state == OperationState.SUCCEEDED
    outcomes = dict(shown.steps.values_list("key", "outcome"))
    assert outcomes == {
        **dict.fromkeys(("new-key", "authorise", "store"), Outcome.WOULD_CHANGE),
        **dict.fromkeys(("prove", "retire"), Outcome.UNKNOWN),
        "hosts-answer": Outcome.CHECKED,
    }
    assert authorised(site, "master1") == [old, " ".join(OTHER.split()[:2])]
    assert not OperationSecret.objects.exists()

    # A host is down: it is named, and nothing was changed.
    site.lab.cut("worker1")
    operation = site.run("rotate-ssh-key")
    assert operation.state == OperationState.FAILED
    assert (operation.error["step"], operation.error["host"]) == ("hosts-answer", "worker1")
    assert "worker1 cannot be logged in to" in operation.error["message"]
    site.lab.heal("worker1")

    # It is cancelled while a host takes the key: that one has it, and what is stored opens both.
    assert site.cancel_while(operation, "mv", "worker1") == OperationState.CANCELLED
    assert operation.steps.get(key="authorise").state == StepState.CANCELLED
    assert len(authorised(site, "worker1")) == 3 and {public(site, name) for name in AUTHORISED} == {old}
    site.sh("sed -i /sanqian-login/d /home/ops/.ssh/authorized_keys && chown ops /home/ops/.ssh/*", "worker1")

    # One host does not take it: the key is on the other one, and what is stored opens both.
    site.sh("chown root /home/ops/.ssh; chmod 755 /home/ops/.ssh", "worker1")
    assert site.retry(operation) == OperationState.FAILED
    assert (operation.error["step"], operation.error["host"]) == ("authorise", "worker1")
    new = operation.steps.get(key="new-key").result["public_key"]
    assert authorised(site, "master1") == [old, " ".join(OTHER.split()[:2]), new]
    assert {public(site, name) for name in AUTHORISED} == {old} and opened(site) == ANSWERS
    site.sh("chown ops /home/ops/.ssh; chmod 700 /home/ops/.ssh", "worker1")

    # The key is there, but sshd does not want it: still the old one is stored.
    site.sh(f"sed -i '/sanqian-login/s/^/{EXPIRED}/' {AUTHORISED['master1']}")
    assert site.retry(operation) == OperationState.FAILED
    assert (operation.error["step"], operation.error["host"]) == ("prove", "master1")
    assert new in authorised(site, "worker1") and opened(site) == ANSWERS
    site.sh(f"sed -i 's/^{EXPIRED}//' {AUTHORISED['master1']}")

    assert site.retry(operation) == OperationState.SUCCEEDED, operation.error
    assert operation.steps.get(key="new-key").result["public_key"] == new
    assert operation.steps.get(key="authorise").outcome == Outcome.ALREADY
    assert {public(site, name) for name in AUTHORISED} == {new} and opened(site) == ANSWERS
    for host in AUTHORISED:
        assert authorised(site, host) == [" ".join(OTHER.split()[:2]), new]
    with pytest.raises(RemoteError, match="refuse"), ssh.fresh_connection(node, before):
        pass
    assert not OperationSecret.objects.exists()
    assert "PRIVATE" not in stored(operation)


def test_a_given_key_also_takes_the_place_of_one_whose_rotation_was_given_up(bare_site: Site) -> None:
    site = bare_site
    with pytest.raises(PlanError, match="no private key") as refused:
        site.run("rotate-ssh-key", {"private_key": "nonsense"})
    assert refused.value.field == "secrets.private_key"
    site.sh("chown root /home/ops/.ssh; chmod 755 /home/ops/.ssh", "worker1")
    given_up = site.run("rotate-ssh-key")
    assert given_up.state == OperationState.FAILED
    site.sh("chown ops /home/ops/.ssh; chmod 700 /home/ops/.ssh", "worker1")

    # Of all hosts the last one is away when the old key is to go: the new one is stored and opens it later.
    pem, old = new_ssh_key(), public(site, "master1")
    operation = site.run("rotate-ssh-key", {"private_key": pem}, keep_old=True)
    assert operation.state == OperationState.SUCCEEDED, operation.error
    given = public_key_of(pem, "")
    assert {public(site, name) for name in AUTHORISED} == {given} and opened(site) == ANSWERS
    assert old in authorised(site, "worker1")
    same = site.run("rotate-ssh-key", {"private_key": pem})
    assert "with this very key already" in same.error["message"]
    # What was given up is not taken up again behind another rotation's back; its line goes with the next one.
    assert site.retry(given_up) == OperationState.FAILED
    assert "another rotation was done since" in given_up.error["message"]
    last = site.run("rotate-ssh-key", hosts=["master1"])
    assert last.state == OperationState.SUCCEEDED, last.error
    assert authorised(site, "master1") == [old, " ".join(OTHER.split()[:2]), public(site, "master1")]
    assert public(site, "worker1") == given and opened(site) == ANSWERS
