"""Another password of the registry: hosts, kk and helm log in with it, images are pulled, and a retry goes on."""

from __future__ import annotations

import base64
import json

import pytest

from clusters.models import Cluster
from clusters.secrets import new_password
from tasks.models import OperationSecret, OperationState, Outcome, StepState
from tests.installed import PASSWORD, REGISTRY, WHERE
from tests.rotate.conftest import Site, stored

pytestmark = [pytest.mark.integration, pytest.mark.lab]
POD = """apiVersion: v1
kind: Pod
metadata: {name: %s, namespace: default}
spec: {containers: [{name: one, image: %s/kubesphereio/%s}]}"""
CONFIG = "/etc/containerd/config.toml"
# Pull secrets as kubectl makes them: the administrator's, one that nobody may change, and a robot's.
SECRETS = {"pull": "admin", "fixed": "admin", "robot": "robot$ci"}


def status(site: Site, password: str) -> str:
    ca = f"/etc/docker/certs.d/{REGISTRY}/ca.crt"
    ask = f"curl -sS --cacert {ca} -u 'admin:{password}' -o /dev/null -w '%{{http_code}}' https://{REGISTRY}/v2/"
    return site.sh(ask, "worker1")


def pulls(site: Site, image: str) -> None:
    """A pod with this image, which no pod had before, comes up."""
    name = image.partition(":")[0]
    site.sh(f"kubectl apply -f - <<'END'\n{POD % (name, REGISTRY, image)}\nEND")
    site.sh(f"kubectl wait pod/{name} --for=condition=Ready --timeout=30s")


def token(word: str, user: str = "admin") -> str:
    return base64.b64encode(f"{user}:{word}".encode()).decode()


def logins(site: Site) -> dict[str, str]:
    """What each pull secret logs in with."""
    found = json.loads(site.sh("kubectl get secrets -n default -o json"))["items"]
    held = {
        one["metadata"]["name"]: json.loads(base64.b64decode(one["data"][".dockerconfigjson"]))["auths"][REGISTRY]
        for one in found
        if one["metadata"]["name"] in SECRETS
    }
    assert all(one["auth"] == token(one["password"], one["username"]) for one in held.values())
    return {name: f"{one['username']}:{one['password']}" for name, one in held.items()}


def traces(site: Site, word: str) -> list[str]:
    """Files of the hosts, and objects of the cluster, that hold the password."""
    look = f"grep -rlsFD skip -e '{word}' -e '{token(word)}' /etc /home /opt /root /run /srv /tmp /usr/local /var"
    found = [f"{host}:{path}" for host in ("master1", "worker1") for path in site.sh(look, host, False).splitlines()]
    for one in json.loads(site.sh("kubectl get secrets,configmaps -A -o json"))["items"]:
        values = one.get("data", {}).values()
        plain = [base64.b64decode(value).decode(errors="replace") for value in values if one["kind"] == "Secret"]
        if word in str([*plain, *values]) or token(word) in str(plain):
            found.append(f"{one['kind']} {one['metadata']['name']}")
    return found


def test_the_password_is_changed_everywhere_and_images_are_pulled(site: Site) -> None:
    site.sh("mkdir -p /root/.docker && chmod 700 /root/.docker", "worker1")
    auths = {REGISTRY: {"auth": "YWRtaW46SGFyYm9yMTIzNDU="}, "other.test": {"auth": "bWU6bXk="}}
    site.sh(f"echo '{json.dumps({'auths': auths})}' >/root/.docker/config.json", "worker1")
    site.sh(
        f"printf %s {PASSWORD} | helm repo add harbor https://{REGISTRY}/chartrepo/kubesphereio --username admin "
        f"--password-stdin --ca-file /etc/docker/certs.d/{REGISTRY}/ca.crt"
    )
    pulls(site, "cpodmanager:v0.1.0")
    for name, user in SECRETS.items():
        login = f"--docker-server {REGISTRY} --docker-username '{user}' --docker-password {PASSWORD}"
        site.sh(f"kubectl create secret docker-registry {name} {login}")
    site.sh("""kubectl patch secret fixed --type merge -p '{"immutable": true}'""")
    assert traces(site, PASSWORD)

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
    # It is cancelled while Harbor is asked: both have the new password, and nothing else does.
    assert site.cancel_while(operation, "curl", "master1") == OperationState.CANCELLED
    assert operation.steps.get(key="change-password").state == StepState.CANCELLED
    assert (status(site, new), status(site, PASSWORD)) == ("200", "401")
    assert logins(site)["pull"] == f"admin:{PASSWORD}" and new not in site.sh(f"cat {CONFIG}", "worker1")
    # A host does not answer when its logins are to be changed, and a pull secret cannot be.
    site.lab.cut("worker1")
    assert site.retry(operation) == OperationState.FAILED
    assert (operation.error["step"], operation.error["host"]) == ("host-logins", "worker1")
    assert "default/fixed cannot be changed" in operation.steps.get(key="pull-secrets").error["message"]
    assert site.cluster.registry_password == new
    site.lab.heal("worker1")
    site.sh("kubectl delete secret fixed")

    assert site.retry(operation) == OperationState.SUCCEEDED, operation.error
    assert operation.steps.get(key="change-password").outcome == Outcome.ALREADY
    assert not OperationSecret.objects.exists()
    for host in ("master1", "worker1"):
        assert f'password = "{new}"' in site.sh(f"cat {CONFIG}; ls -A /etc/containerd", host)
    assert site.sh("ls -A /etc/containerd", "worker1") == "config.toml"
    held = json.loads(site.sh("cat /root/.docker/config.json", "worker1"))["auths"]
    assert held["other.test"] == auths["other.test"] and held[REGISTRY] != auths[REGISTRY]
    assert new in site.sh(f"cat {WHERE}/cluster.yaml; cp cluster.yaml cluster-master1.yaml")
    assert logins(site) == {"pull": f"admin:{new}", "robot": f"robot$ci:{PASSWORD}"}
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
    assert traces(site, new) == []
    # The tests after this one begin as at first.
    back = site.run("rotate-registry-password", {"password": PASSWORD})
    assert back.state == OperationState.SUCCEEDED, back.error
