"""Certificates of etcd and of the registry renewed, on hosts with the SIMULATED toolchain; real certificates."""

from __future__ import annotations

import pytest
from django.utils import timezone

from tasks import certificates, services
from tasks.models import Operation, OperationState, Outcome
from tests.ceph.conftest import Site
from tests.tasks.test_driving import finish
from tests.upkeep.conftest import REGISTRY
from tests.workers import Fleet, until

pytestmark = [pytest.mark.integration, pytest.mark.lab]
ETCD, OWN, DOCKER = "/etc/ssl/etcd/ssl", "/etc/ssl/registry/ssl", f"/etc/docker/certs.d/{REGISTRY}"
MEMBERS = ("master1", "master2", "master3")
REGISTRIES = ("master1", "master3")
# The same certificates, ending soon: by the same authority, with the same names.
SHORT = """cd {directory}
openssl x509 -in ca.pem -signkey ca-key.pem -days {authority} -set_serial 7 -out ca.new 2>&1
for file in *.pem; do
  case $file in *-key.pem | ca.pem) continue ;; esac
  names=$(openssl x509 -noout -text -in $file | sed -n '/Alternative Name/{{n;s/^ *//;s/IP Address:/IP:/g;p;}}')
  openssl x509 -x509toreq -in $file -signkey ${{file%.pem}}-key.pem -out /tmp/request >/dev/null
  echo "subjectAltName=$names" >/tmp/names
  openssl x509 -req -in /tmp/request -CA ca.new -CAkey ca-key.pem -set_serial 8 -days {days} -extfile /tmp/names \\
    -out $file
done
cat ca.new >ca.pem; rm ca.new
"""


def days(site: Site, host: str, path: str) -> int:
    found, _ = certificates.read([site.cluster.nodes.get(name=host)])
    return next(one.days(timezone.now()) for one in found if one.path == path)


def names(site: Site, path: str) -> str:
    return site.sh(f"openssl x509 -noout -ext subjectAltName -subject -in {path}")


def pid(site: Site, host: str) -> str:
    return site.sh("cat /run/lab/etcd.pid", host)


@pytest.mark.timeout(900)
def test_certificates_of_etcd_and_the_registry_are_renewed(site: Site, fleet: Fleet) -> None:
    for host in MEMBERS:
        site.sh(SHORT.format(directory=ETCD, authority=20, days=10), host)
    for host in REGISTRIES:
        site.sh(SHORT.format(directory=OWN, authority=9, days=5), host)
        site.sh("docker restart nginx", host)
    leaf = f"{ETCD}/member-master1.pem"
    before = {host: pid(site, host) for host in MEMBERS}
    was, keys = names(site, leaf), site.sh(f"cat {ETCD}/*-key.pem {OWN}/*-key.pem | sha256sum")
    certificates.read_and_store(site.cluster)
    seen = site.cluster.components.get(name="certificates")
    assert seen.state == "unhealthy" and OWN in seen.reason, seen.reason
    ending = {one["host"] for one in seen.details["certificates"] if one["path"] == f"{OWN}/{REGISTRY}.pem"}
    assert ending == set(REGISTRIES)

    # Nothing is touched while a member is down.
    site.sh(f"kill {before['master3']}", "master3")
    until(lambda: not site.sh(f"ls -d /proc/{before['master3']}", "master3", check=False), 10)
    operation = _failed(site.start("renew-certificates"), fleet)
    assert operation.error["step"] == "etcd-master1", str(operation.error)
    assert "not in good health: master3" in str(operation.error)
    assert days(site, "master1", leaf) < 11
    site.sh("setsid /etc/lab/boot.d/etcd >/dev/null 2>&1 </dev/null &", "master3")

    # The second host has lost the authority's key: the first has its new certificates, the third its old ones.
    site.sh(f"mv {ETCD}/ca-key.pem /root/", "master2")
    services.request_retry(operation, actor="test")
    operation = _failed(operation, fleet)
    assert (operation.error["step"], operation.error["host"]) == ("etcd-master2", "master2")
    assert "ca-key.pem does not exist on master2" in str(operation.error)
    assert days(site, "master1", leaf) > 3600
    assert days(site, "master3", f"{ETCD}/member-master3.pem") < 11
    site.sh(f"mv /root/ca-key.pem {ETCD}/", "master2")

    services.request_retry(operation, actor="test")
    assert finish(operation, fleet, 300) == OperationState.SUCCEEDED, str(operation.error)
    assert operation.steps.get(key="etcd-master1").outcome == Outcome.ALREADY
    assert names(site, leaf) == was
    assert site.sh(f"cat {ETCD}/*-key.pem {OWN}/*-key.pem | sha256sum") == keys
    for host in MEMBERS:
        assert pid(site, host) != before[host]
        assert days(site, host, f"{ETCD}/ca.pem") > 3600
        assert site.sh(f"openssl verify -CAfile {ETCD}/ca.pem {ETCD}/member-{host}.pem", host).endswith("OK")
    for host in REGISTRIES:
        assert days(site, host, f"{OWN}/{REGISTRY}.pem") > 3600
    # Every host trusts what each registry shows now, and images can be asked for.
    url = f"https://{REGISTRY}/v2/kubesphereio/kruise-manager/manifests/v1.4.0"
    for host in ("master1", "worker1"):
        assert days(site, host, f"{DOCKER}/ca.crt") > 3600
        assert site.sh(f"curl -sS --cacert {DOCKER}/ca.crt -I -o /dev/null -w '%{{http_code}}' {url}", host) == "200"
        other = f"--resolve {REGISTRY}:443:{site.lab.host('master3').address} https://{REGISTRY}/v2/"
        assert site.sh(f"curl -sS --cacert {DOCKER}/ca.crt -o /dev/null -w '%{{http_code}}' {other}", host) == "401"
    site.cluster.refresh_from_db()
    seen = site.cluster.components.get(name="certificates")
    assert seen.state == "healthy", seen.reason

    again = site.start("renew-certificates")
    assert finish(again, fleet, 300) == OperationState.SUCCEEDED, str(again.error)
    outcomes = dict(again.steps.values_list("key", "outcome"))
    wanted = [
        *(f"etcd-{host}" for host in MEMBERS),
        *(f"registry-certificate-{host}" for host in REGISTRIES),
        "registry-trust",
    ]
    assert {outcomes[key] for key in wanted} == {Outcome.ALREADY}


def _failed(operation: Operation, fleet: Fleet) -> Operation:
    assert finish(operation, fleet, 300) == OperationState.FAILED
    return operation
