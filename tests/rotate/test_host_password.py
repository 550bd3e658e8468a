"""Another password of the hosts' users: a host that does not take it keeps the old one, and a retry finds out which."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from clusters import registry
from clusters.access import Login
from clusters.models import Node, SSHCredential
from tasks import hosts as ssh
from tasks.models import OperationSecret, OperationState, Outcome, StepState
from tasks.plan import PlanError
from tasks.remote import RemoteError
from tests.rotate.conftest import PASSWORDS, Site, opened, stored

pytestmark = [pytest.mark.integration, pytest.mark.lab]
HOSTS = ("master1", "worker1", "worker2")
ANSWERS = {name: f"0\n{name}" for name in HOSTS}
CONFIG = "/root/3k/artifact/cluster.yaml"
# Whoever logs in (or sudo) is asked for a password that is not kept on the host, as a directory does it.
ELSEWHERE = """printf '#!/bin/sh\\n[ "$(tr -d "\\\\0")" = lab-ops ]\\n' >/usr/local/sbin/elsewhere
chmod 755 /usr/local/sbin/elsewhere
cp -n /etc/pam.d/{service} /etc/pam.d/{service}.whole
sed -i 's,^@include common-auth,auth required pam_exec.so quiet expose_authtok /usr/local/sbin/elsewhere,' \
  /etc/pam.d/{service}"""


@pytest.fixture
def site(bare_site: Site) -> Iterator[Site]:
    """root and ops are logged in to by password, ops behind root's host; on the third host ops has a key."""
    cluster, lab = bare_site.cluster, bare_site.lab
    for name in HOSTS:
        words = "".join(f"{user}:{word}\\n" for user, word in PASSWORDS.items())
        bare_site.sh(f"printf '{words}' | chpasswd", name)
    first, second = (SSHCredential.objects.create(cluster=cluster, password=word) for word in PASSWORDS.values())
    master = cluster.nodes.get(name="master1")
    cluster.nodes.filter(name="master1").update(credential=first)
    behind = cluster.nodes.get(name="worker1")
    key = behind.credential
    cluster.nodes.filter(name="worker1").update(credential=second, jump=master)
    third = lab.host("worker2")
    Node.objects.create(
        cluster=cluster,
        position=2,
        name=third.name,
        address=third.address,
        internal_address=third.address,
        user="ops",
        role_groups=["worker"],
        credential=key,
    )
    bare_site.sh(f"mkdir -p {CONFIG.rpartition('/')[0]} && echo 'kind: Cluster' >{CONFIG}")
    yield bare_site
    for name in HOSTS:
        bare_site.sh("cd /etc/pam.d; for f in *.whole; do [ -e $f ] && mv $f ${f%.whole}; done; :", name)


def logins(site: Site) -> dict[str, Login]:
    return {node.name: registry.login_of(node) for node in site.cluster.nodes.select_related("credential")}


def shadow(site: Site, host: str) -> str:
    return site.sh("grep -E '^(root|ops):' /etc/shadow | cut -d: -f2", host)


def test_a_new_password_is_proven_everywhere_before_it_is_stored(site: Site) -> None:
    old, at_first = logins(site), {name: shadow(site, name) for name in HOSTS}
    assert opened(site) == ANSWERS

    # A dry run logs in and changes nothing.
    shown = site.run("rotate-host-password", dry_run=True)
    assert shown.state == OperationState.SUCCEEDED
    looked = shown.steps.get(key="hosts-answer")
    uses = {"master1": ["login"], "worker1": ["login", "sudo"], "worker2": ["sudo"]}
    assert (looked.outcome, looked.result) == (Outcome.CHECKED, {"uses": uses, "skipped": []})
    assert {shown.steps.get(key=key).outcome for key in ("change", "store")} == {Outcome.WOULD_CHANGE}
    assert {name: shadow(site, name) for name in HOSTS} == at_first and not OperationSecret.objects.exists()

    # A host is down: it is named, and nothing was changed.
    site.lab.cut("worker2")
    operation = site.run("rotate-host-password")
    assert (operation.error["step"], operation.error["host"]) == ("hosts-answer", "worker2")
    assert "worker2 cannot be logged in to" in operation.error["message"]
    site.lab.heal("worker2")

    # The first host takes it, but lets nobody in with it: the old one is back, and no other host was touched.
    site.sh(ELSEWHERE.format(service="sshd"), "worker1")
    assert site.retry(operation) == OperationState.FAILED
    assert (operation.error["step"], operation.error["host"]) == ("change", "worker1")
    assert {name: shadow(site, name) == at_first[name] for name in HOSTS} == {
        **dict.fromkeys(HOSTS, True),
        "worker1": False,  # another salt
    }
    assert opened(site) == ANSWERS and logins(site) == old
    assert "the old one was set again" in stored(operation)
    site.sh("mv /etc/pam.d/sshd.whole /etc/pam.d/sshd", "worker1")

    # It is cancelled while the first host changes it: that one has the new one.
    new = OperationSecret.objects.get(operation=operation).value
    assert site.cancel_while(operation, "chpasswd", "worker1") == OperationState.CANCELLED
    assert operation.steps.get(key="change").state == StepState.CANCELLED
    assert logins(site) == old and shadow(site, "master1") == at_first["master1"]
    with pytest.raises(RemoteError, match="refuse"):
        opened(site)

    # Sudo of one host asks elsewhere: it keeps its old one, and the others have the new one.
    site.sh(ELSEWHERE.format(service="sudo"), "worker2")
    assert site.retry(operation) == OperationState.FAILED
    assert (operation.error["step"], operation.error["host"]) == ("change", "worker2")
    assert "2 of 3 hosts have the new password" in operation.error["fix"]
    assert logins(site) == old and shadow(site, "master1") != at_first["master1"]
    site.sh("mv /etc/pam.d/sudo.whole /etc/pam.d/sudo", "worker2")

    assert site.retry(operation) == OperationState.SUCCEEDED, operation.error
    assert opened(site) == ANSWERS and not OperationSecret.objects.exists()
    now = logins(site)
    assert (now["master1"], now["worker1"]) == (Login(password=new), Login(password=new))
    assert now["worker2"] == Login(old["worker2"].private_key, sudo_password=new)
    assert new in site.sh(f"cat {CONFIG}") and new not in stored(operation)
    for node in site.cluster.nodes.select_related("credential", "jump__credential"):
        with pytest.raises(RemoteError, match="refuse"), ssh.fresh_connection(node, old[node.name]) as remote:
            remote.run("true", sudo=True, check=True)

    # Given, and a host that has no use for it is left out. What is stored elsewhere is another rotation's affair.
    site.cluster.nodes.filter(name="worker2").update(user="deploy")
    with pytest.raises(PlanError, match="cannot be used"):
        site.run("rotate-host-password", {"host_password": "too short"})
    word = "G1ven: 'with' \"all\" $kinds\\"
    given = site.run("rotate-host-password", {"host_password": word})
    assert given.state == OperationState.SUCCEEDED, given.error
    looked = given.steps.get(key="hosts-answer")
    assert looked.result["skipped"] == ["worker2"] and "worker2" in looked.note
    assert opened(site) == ANSWERS
    assert {login.password or login.sudo_password for login in logins(site).values()} == {word, new}
    useless = site.run("rotate-host-password", hosts=["worker2"])
    assert "No password is used on worker2" in useless.error["message"]
