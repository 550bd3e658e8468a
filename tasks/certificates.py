"""Reading when certificates end: over SSH, from the files on the hosts."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from clusters import certificates
from clusters.certificates import Certificate
from clusters.models import Cluster, Node
from tasks import health, hosts
from tasks.database import release, with_own_connection
from tasks.remote import RemoteError
from tasks.rounds import AT_ONCE, due

PARALLEL = 10
# Names of files and ends alone: no key and no certificate leaves the host.
LOOK = r"""
say() { end=$(openssl x509 -noout -enddate 2>/dev/null) || end=; printf '%s\t%s\n' "$1" "${end#notAfter=}"; }
command -v openssl >/dev/null || { echo 'openssl is not installed' >&2; exit 3; }
for file in /etc/kubernetes/pki/*.crt /etc/kubernetes/pki/etcd/*.crt /etc/ssl/etcd/ssl/*.pem \
  /etc/ssl/registry/ssl/*.pem /etc/ssl/registry/ssl/*.crt /etc/ssl/registry/ssl/*.cert \
  /etc/docker/certs.d/*/*.crt /etc/docker/certs.d/*/*.cert; do
  case $file in *-key.pem) continue ;; esac
  [ ! -f "$file" ] || say "$file" <"$file"
done
# What Harbor's nginx shows is a copy.
copy=$(sed -n 's/^ *data_volume: *//p' /opt/harbor/harbor.yml 2>/dev/null | head -n 1)/secret/cert/server.crt
[ ! -f "$copy" ] || say "$copy" <"$copy"
for name in admin controller-manager scheduler; do
  file=/etc/kubernetes/$name.conf
  [ ! -f "$file" ] || sed -n 's/.*client-certificate-data: //p' "$file" | base64 -d 2>/dev/null | say "$file"
done
file=/var/lib/kubelet/pki/kubelet-client-current.pem
[ ! -f "$file" ] || say "$file" <"$file"
"""


def clusters_due() -> list[UUID]:
    """Installed clusters whose certificates were not read for long; only so many at once."""
    now, every = timezone.now(), settings.CERTIFICATES_SECONDS
    rows = Cluster.objects.filter(state__in=health.CHECKED).exclude(kubeconfig="").prefetch_related("components")
    found = []
    for cluster in rows:
        last = next((row.checked_at for row in cluster.components.all() if row.name == certificates.NAME), None)
        if due(cluster.pk, last, every, now):
            found.append(cluster.pk)
    return found[:AT_ONCE]


def check(cluster_id: UUID) -> None:
    """Read the certificates of the cluster's hosts and store what they say."""
    cluster = Cluster.objects.filter(pk=cluster_id).first()
    if cluster is not None:
        read_and_store(cluster)


def read_and_store(cluster: Cluster) -> tuple[list[Certificate], dict[str, str]]:
    """The certificates and the hosts that could not be read, with the reason; both are stored."""
    nodes = list(cluster.nodes.select_related("credential", "jump__credential"))
    release()
    found, unread = read(nodes)
    now = timezone.now()
    health.record(cluster.pk, certificates.judge(found, unread, now), now)
    return found, unread


def read(nodes: Sequence[Node]) -> tuple[list[Certificate], dict[str, str]]:
    """The certificates on `nodes`, and why some could not be asked."""

    def one(node: Node) -> tuple[Certificate, ...] | str:
        try:
            with hosts.connection(node) as remote:
                said = remote.run(LOOK, sudo=True, timeout=60, check=True)
        except RemoteError as error:
            return str(error)
        return certificates.parse(node.name, said.text)

    found: list[Certificate] = []
    unread: dict[str, str] = {}
    if not nodes:
        return found, unread
    with ThreadPoolExecutor(min(PARALLEL, len(nodes)), thread_name_prefix="certificates") as pool:
        for node, answer in zip(nodes, pool.map(with_own_connection(one), nodes), strict=True):
            if isinstance(answer, str):
                unread[node.name] = answer
            else:
                found += answer
    return found, unread
