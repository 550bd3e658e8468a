"""How the service gets to a cluster's API: directly, or through SSH over a control-plane host."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

from clusters import kubeconfig
from clusters.kube import Kube, KubeUnreachable
from clusters.kubeconfig import Access, KubeconfigError, KubeError
from clusters.models import Cluster, Node, Observation
from tasks import hosts
from tasks.remote import Remote, RemoteError
from tasks.remote.forward import forward

log = logging.getLogger(__name__)
CONTROL_PLANE = ("control-plane", "master")
DIRECT_CONNECT = 3.0  # seconds; a firewall that drops packets is the usual case


@contextlib.contextmanager
def open_kube(cluster: Cluster, *, any_host: bool = False) -> Iterator[tuple[Kube, str]]:
    """The cluster's API and the host tunnelled through (empty: direct), for the length of the block.

    The way that the last reading went is tried first; with `any_host` every host is a way where none is known to have
    the control plane. Raises `KubeconfigError` without a usable kubeconfig, and `KubeUnreachable` telling of every way
    that was tried. The API's own refusals come from the calls in the block.
    """
    if not cluster.kubeconfig:
        raise KubeconfigError(
            f"cluster {cluster.name} has no kubeconfig yet.", "Install Kubernetes first: operation `install`."
        )
    access = kubeconfig.parse(cluster.kubeconfig)
    tried: list[str] = []
    with contextlib.ExitStack() as stack:
        for node in _ways(cluster, access, any_host=any_host):
            way = contextlib.ExitStack()
            try:
                kube = _through(way, access, node) if node else _direct(way, access)
            except (KubeUnreachable, RemoteError) as error:
                way.close()
                tried.append(f"through {node.name}: {error}" if node else f"directly: {error}")
                log.info("cluster %s: no way to its API %s", cluster.pk, tried[-1])
                continue
            except BaseException:
                way.close()
                raise
            stack.push(way)
            break
        else:
            raise KubeUnreachable(
                f"the API server {access.server} does not answer: {' | '.join(tried) or 'no control-plane host'}",
                "Check that a control-plane host is up and takes SSH connections, and that the API server runs there.",
                kind="unreachable",
            )
        yield kube, node.name if node else ""


def _ways(cluster: Cluster, access: Access, *, any_host: bool) -> list[Node | None]:
    """Control-plane hosts, and None for the direct way, in the order to try."""
    rows = cluster.nodes.select_related("credential", "jump__credential")
    leading = list(rows.filter(role_groups__overlap=CONTROL_PLANE))
    nodes = list(rows) if any_host and not leading else leading
    last = Observation.objects.filter(pk=cluster.pk, reachable=True).values_list("via", flat=True).first()
    nodes.sort(key=lambda node: node.name != last)
    direct: list[Node | None] = [] if _means_itself(access.host) else [None]
    return [*nodes, *direct] if last else [*direct, *nodes]


def _means_itself(host: str) -> bool:
    """Such an address in a kubeconfig means the host it was written on; here it would be the service's machine."""
    return host in ("127.0.0.1", "::1", "localhost")


def _direct(stack: contextlib.ExitStack, access: Access) -> Kube:
    kube = stack.enter_context(Kube(access, connect=DIRECT_CONNECT))
    _answers(kube)
    return kube


def _through(stack: contextlib.ExitStack, access: Access, node: Node) -> Kube:
    remote = stack.enter_context(hosts.connection(node))
    try:
        return _tunnel(stack, access, remote, access.host)
    except (KubeUnreachable, RemoteError) as error:
        if _means_itself(access.host):
            raise
        # The name in the kubeconfig may lead to a balancer that is down while this host's own API server is up.
        log.info("%s: %s does not answer from there: %s", node.name, access.host, error)
        return _tunnel(stack, access, remote, "127.0.0.1")


def _tunnel(stack: contextlib.ExitStack, access: Access, remote: Remote, host: str) -> Kube:
    with contextlib.ExitStack() as own:
        port = own.enter_context(forward(remote, host, access.port))
        kube = own.enter_context(Kube(access, server=f"https://{port.host}:{port.port}"))
        _answers(kube)
        stack.push(own.pop_all())
        return kube


def _answers(kube: Kube) -> None:
    """Raises `KubeUnreachable` when it is no API server or none that answers; any refusal is an answer."""
    try:
        kube.version()
    except KubeUnreachable:
        raise
    except KubeError as error:
        if error.kind == "protocol":
            raise KubeUnreachable(error.message, error.fix, kind=error.kind) from error
