"""Another password of the registry: hosts, kk and helm log in with it, images are pulled, and a retry goes on."""

from __future__ import annotations

import json

import pytest

from clusters.models import Cluster
from clusters.secrets import new_password
from tasks.models import OperationSecret, OperationState, Outcome
from tests.installed import PASSWORD, REGISTRY, WHERE
from tests.rotate.conftest import Site, stored

pytestmark = [pytest.mark.integration, pytest.mark.lab]
POD = """apiVersion: v1
kind: Pod
metadata: {name: %s, namespace: default}
spec: {containers: [{name: one, image: %s/kubesphereio/%s}]}"""
CONFIG = "/etc/containerd/config.toml"


def status(site: Site, password: str) -> str:
    ca = f"/etc/docker/certs.d/{REGISTRY}/ca.crt"
    ask = f"curl -sS --cacert {ca} -u 'admin:{password}' -o /dev/null -w '%{{http_code}}' https://{REGISTRY}/v2/"
    return site.sh(ask, "worker1")


def pulls(site: Site, image: str) -> None:
    """A pod with this image, which no pod had before, comes up."""
    name = image.partition(":")[0]
    site.sh(f"kubectl apply -f - <<'END'\n{POD % (name, REGISTRY, image)}\nEND")
    site.sh(f"kubectl wait pod/{name} --for=condition=Ready --timeout=30s")


def test_the_password_is_changed_everywhere_and_images_are_pulled(site: Site) -> None:
    site.sh("mkdir -p /root/.docker && chmod 700 /root/.docker", "worker1")
    auths = {REGISTRY: {"auth": "YWRtaW46SGFyYm9yMTIzNDU="}, "other.test": {"auth": "bWU6bXk="}}
    site.sh(f"echo '{json.dumps({'auths': auths})}' >/root/.docker/config.json", "worker1")
    site.sh(
        f"printf %s {PASSWORD} | helm repo add harbor https://{REGISTRY}/chartrepo/kubesphereio --username admin "
        f"--password-stdin --ca-file /etc/docker/certs.d/{REGISTRY}/ca.crt"
    )
    pulls(site, "cpodmanager:v0.1.0")

    # A dry run changes nothing.
    shown = site.run("rotate-registry-password", {"password": new_password()}, dry_run=True)
    assert shown.state == OperationState.SUCCEEDED
    outcomes = dict(shown.steps.values_list("key", "outcome"))
    assert {outcomes[key] for key in ("new-password", "change-password")} == {Outcome.WOULD_CHANGE}
    assert not OperationSecret.objects.exists() and status(site, PASSWORD) == "200"

    # The registry is away: nothing is changed, also in the service.
    site.sh("kill $(cat /run/lab/harbor.pid)")
    operation = site.run("rotate-registry-password")
    assert operation.state == OperationState.FAILED
    assert (operation.error["step"], operation.error["kind"]) == ("change-password", "registry-password")
    assert site.cluster.registry_password == ""
    new = OperationSecret.objects.get(operation=operation).value
    site.sh("setsid /etc/lab/boot.d/harbor >/dev/null 2>&1 </dev/null &")
    site.sh("for n in $(seq 100); do curl -ksS -o /dev/null https://localhost/ && exit; sleep 0.1; done; exit 1")
    # A host does not answer when its logins are to be changed: the new password is stored and holds.
    site.lab.cut("worker1")
    assert site.retry(operation) == OperationState.FAILED
    assert (operation.error["step"], operation.error["host"]) == ("host-logins", "worker1")
    assert site.cluster.registry_password == new
    site.lab.heal("worker1")
    assert (status(site, new), status(site, PASSWORD)) == ("200", "401")

    assert site.retry(operation) == OperationState.SUCCEEDED, operation.error
    assert operation.steps.get(key="change-password").outcome == Outcome.ALREADY
    assert not OperationSecret.objects.exists()
    for host in ("master1", "worker1"):
        assert f'password = "{new}"' in site.sh(f"cat {CONFIG}; ls -A /etc/containerd", host)
    assert site.sh("ls -A /etc/containerd", "worker1") == "config.toml"
    held = json.loads(site.sh("cat /root/.docker/config.json", "worker1"))["auths"]
    assert held["other.test"] == auths["other.test"] and held[REGISTRY] != auths[REGISTRY]
    assert new in site.sh(f"cat {WHERE}/cluster.yaml")
    site.sh("helm repo update harbor")
    pulls(site, "cpodoperator:v0.1.0")
    assert new not in stored(operation)

    # Harbor has the new password, and the service was cut off before it was stored: the next rotation finds out.
    Cluster.objects.filter(pk=site.cluster.pk).update(registry_password=PASSWORD)
    OperationSecret.objects.create(operation=operation, name="password", value=new)
    last = new_password()
    again = site.run("rotate-registry-password", {"password": last})
    assert again.state == OperationState.SUCCEEDED, again.error
    assert site.cluster.registry_password == last and status(site, last) == "200"
    # The tests after this one begin as at first.
    back = site.run("rotate-registry-password", {"password": PASSWORD})
    assert back.state == OperationState.SUCCEEDED, back.error
