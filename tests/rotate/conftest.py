"""Fixtures: a Kubernetes of the SIMULATED toolchain on two lab hosts, hosts without one, and their rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from clusters.models import AccessKey, Cluster, Customer, Node, SSHCredential
from lab.base import Shape
from lab.hosts import Lab
from tasks import hosts as ssh
from tasks import services
from tasks.models import LogChunk, Operation, StepState
from tasks.plans.site import KEY
from tests.installed import PASSWORD, REGISTRY, Installed, fleet, installed, sh
from tests.lab_fixtures import hosts_of_run
from tests.tasks.driven import finish
from tests.workers import Fleet, until

__all__ = ["bare_hosts", "bare_site", "fleet", "hosts", "site"]
GROUPS = {"etcd": ["master1"], "control-plane": ["master1"], "registry": ["master1"], "worker": ["worker1"]}
# Whose keys open the hosts, besides the service's.
AUTHORISED = {"master1": "/root/.ssh/authorized_keys", "worker1": "/home/ops/.ssh/authorized_keys"}
PASSWORDS = {"root": "lab-root", "ops": "lab-ops"}
OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEJbbO0HnpkUuYmcTnKUZJHEU3fBkfM4hTSBTPNnPPSW someone else"


@dataclass
class Site(Installed):
    """The lab registered as a cluster."""

    fleet: Fleet

    def run(
        self, kind: str, secrets: dict[str, str] | None = None, *, dry_run: bool = False, **params: Any
    ) -> Operation:
        made = services.request_operation(self.cluster, kind, params, secrets=secrets, dry_run=dry_run, actor="test")
        finish(made, self.fleet, 120)
        self.cluster.refresh_from_db()
        return made

    def retry(self, operation: Operation) -> str:
        services.request_retry(operation, actor="test")
        ended = finish(operation, self.fleet, 120)
        self.cluster.refresh_from_db()
        return ended

    def cancel_while(self, operation: Operation, program: str, host: str) -> str:
        """Cancel it while `program`, which it is about to start on `host`, runs there: how it ended."""
        where = f"/usr/local/bin/{program}"
        real = self.sh(f"PATH=/usr/sbin:/usr/bin:/sbin:/bin command -v {program}", host)
        waits = f'#!/bin/sh\n: >/tmp/reached\nuntil [ -e /tmp/go ]; do sleep 0.05; done\nexec {real} "$@"\n'
        self.sh(f"printf '{waits}' >{where}; chmod 755 {where}; rm -f /tmp/reached /tmp/go", host)
        try:
            services.request_retry(operation, actor="test")
            until(lambda: self.sh("[ -e /tmp/reached ] && echo yes", host, check=False), 60, f"{program} runs")
            services.request_cancel(operation, actor="test")
            # A cancel cuts the lease short, and its holder, when it has heard of it, holds it on.
            held = operation.steps.filter(state=StepState.RUNNING, lease_until__gt=Now() + timedelta(seconds=3))
            until(held.exists, 20, "the worker hears of the cancel")
        finally:
            self.sh(f"rm {where}; : >/tmp/go", host)
        return finish(operation, self.fleet, 60)


@pytest.fixture(scope="session")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One control-plane host, which has the registry, and a worker whose user is not root.

    The registry's project is private, so that images are pulled with a login alone.
    """
    registry = {
        "privateRegistry": REGISTRY,
        "namespaceOverride": "kubesphereio",
        "auths": {REGISTRY: {"username": "admin", "password": PASSWORD}},
    }
    shape = Shape(masters=1, workers=1, disks=0)
    scratch = tmp_path_factory.mktemp("artifact")
    with installed("rotate", shape, GROUPS, scratch, key=KEY, public=False, registry=registry) as made:
        yield made


@pytest.fixture(scope="session")
def bare_hosts() -> Iterator[Lab]:
    """What has to do with logging in alone needs no Kubernetes."""
    with hosts_of_run("logins", Shape(masters=1, workers=2, disks=0)) as made:
        yield made


@pytest.fixture
def site(hosts: Lab, transactional_db: None, fleet: Fleet) -> Site:
    return _site(hosts, fleet)


@pytest.fixture
def bare_site(bare_hosts: Lab, transactional_db: None, fleet: Fleet) -> Site:
    return _site(bare_hosts, fleet)


def _site(lab: Lab, fleet: Fleet) -> Site:
    """A cluster of the hosts of `AUTHORISED`, which are logged in to as at first."""
    key, _ = AccessKey.objects.issue(Customer.objects.create(name="a customer"))
    cluster = Cluster.objects.create(access_key=key, name="demo", private_registry=REGISTRY)
    for host, path in AUTHORISED.items():
        owner = path.split("/")[-3]
        lines = f"{lab.key_path.with_suffix('.pub').read_text().strip()}\\n{OTHER}"
        sh(lab, f"cd {path.rpartition('/')[0]} && printf '{lines}' >{path} && chown -R {owner} .", host)
    credential = SSHCredential.objects.create(
        cluster=cluster, private_key=lab.key_path.read_text(), sudo_password=PASSWORDS["ops"]
    )
    for position, name in enumerate(AUTHORISED):
        one, first = lab.host(name), name == "master1"
        Node.objects.create(
            cluster=cluster,
            position=position,
            name=one.name,
            address=one.address,
            internal_address=one.address,
            port=one.port,
            user="root" if first else "ops",
            role_groups=["control-plane", "etcd", "registry"] if first else ["worker"],
            credential=credential,
        )
    return Site(lab, cluster, fleet)


def opened(site: Site) -> dict[str, str]:
    """Who answers on each host to a new login with what is stored, as root."""
    said = {}
    for node in Node.objects.filter(cluster=site.cluster).select_related("credential", "jump__credential"):
        with ssh.fresh_connection(node) as remote:
            said[node.name] = remote.run("id -u; hostname", sudo=True, check=True).text
    return said


def stored(operation: Operation) -> str:
    """All of its output."""
    chunks = LogChunk.objects.filter(operation=operation).order_by("seq")
    return "".join(chunks.values_list("text", flat=True))
