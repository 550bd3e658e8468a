"""Are these hosts the nodes of that Kubernetes? And what is to be recorded of it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from clusters.ceph.place import OURS, TOOLBOX
from clusters.existing.model import Existing, roles_of
from clusters.existing.parsing import endpoint_of
from clusters.inventory.model import ROLE_GROUPS
from clusters.snapshot import Node
from tasks.plan import JSON
from tasks.plans.facts import lines_of
from tasks.plans.findings import ERROR, WARNING, Finding

# No label tells these; hosts with these alone, or etcd, need not be nodes.
GIVEN = frozenset({"registry", "storage"})
BESIDE = GIVEN | {"etcd"}
CLIENTS = "/etc/ssl/etcd/ssl/admin-HOST.pem or /etc/kubernetes/pki/etcd/server.crt"
LOOPBACK = frozenset({"127.0.0.1", "::1"})
NETWORKS = ("calico", "flannel", "cilium", "kubeovn", "hybridnet")
Wrong = Callable[[str, str, str, str], Finding]


@dataclass(frozen=True)
class HostSeen:
    """A host as given, and as it was read (see `parse`). `place` is where it stands in the customer's list."""

    name: str
    place: str
    internal_address: str
    roles: frozenset[str] = frozenset()
    said: Mapping[str, JSON] = field(default_factory=dict)

    @property
    def etcd(self) -> bool:
        return bool(self.said.get("etcd"))


def parse(report: str) -> dict[str, JSON]:
    """What ``import-host.sh`` said: texts by key, and ``addresses``. Raises `FactsIncomplete`."""
    said = lines_of(report, "what runs on the host")
    texts: dict[str, JSON] = {key: values[0] for key, values in said.items() if key not in ("end", "address")}
    return {**texts, "addresses": said["address"]}


def compare(found: Existing, hosts: Sequence[HostSeen], owners: Mapping[str, bool]) -> list[Finding]:
    """What speaks against recording `hosts` as the nodes of `found`, worst first.

    `owners` says of the cluster ids that hosts are marked with whether such a cluster is registered.
    """
    nodes = {node.name: node for node in found.nodes}
    rows: list[Finding] = []
    for host in hosts:
        rows += _host(found, nodes, host)
        rows += _owner(host, owners)
    if hosts:
        rows += _missing(found, hosts)
        rows += _etcd(hosts)
    rows += _cluster(found)
    return sorted(rows, key=lambda row: row.level != ERROR)


def _host(found: Existing, nodes: Mapping[str, Node], host: HostSeen) -> Iterator[Finding]:
    def wrong(code: str, key: str, what: str, fix: str) -> Finding:
        return Finding(ERROR, code, host.name, f"{host.place}.{key}: {what}", fix)

    node = nodes.get(host.name)
    authority = host.said.get("authority")
    if authority and found.authority and authority != found.authority:
        yield wrong(
            "authority",
            "address",
            "the host belongs to another Kubernetes: its certificate authority differs.",
            "Correct the host's address, or give the kubeconfig of the Kubernetes that it belongs to.",
        )
        return
    if node is None:
        if host.roles and host.roles <= BESIDE:
            yield from _roles(host, set(), wrong)
            return
        there = [one.name for one in found.nodes if one.internal_ip and one.internal_ip in _addresses(host)]
        fix = f"Call it {there[0]!r}: that node has its address." if there else f"The nodes are: {', '.join(nodes)}."
        yield wrong("not-a-node", "name", f"the Kubernetes has no node {host.name!r}.", fix)
        return
    yield from _identity(node, host, wrong)
    version = host.said.get("kubelet_version")
    if version and node.kubelet_version and version != node.kubelet_version:
        yield wrong(
            "version",
            "version",
            f"the host has kubelet {version}, its node reports {node.kubelet_version}.",
            "Finish the upgrade that was begun there: restart the kubelet, or put the version back.",
        )
    yield from _roles(host, roles_of(node), wrong)


def _identity(node: Node, host: HostSeen, wrong: Wrong) -> Iterator[Finding]:
    machine = host.said.get("machine_id")
    if machine and node.machine_id and machine != node.machine_id:
        yield wrong(
            "another-machine",
            "address",
            f"another machine than the node {node.name!r} answers there (its machine-id differs).",
            "Correct the host's address or name.",
        )
    elif not host.said.get("kubelet"):
        yield wrong("no-kubelet", "address", "no kubelet is set up on the host.", "Correct the host's address.")
    if node.internal_ip and host.internal_address != node.internal_ip:
        yield wrong(
            "internal-address",
            "internal_address",
            f"it is given as {host.internal_address}, the node has {node.internal_ip}.",
            f"Write internal_address {node.internal_ip} (internalAddress in a configuration file).",
        )


def _roles(host: HostSeen, labelled: set[str], wrong: Wrong) -> Iterator[Finding]:
    """Role groups that were given must be true; where none were given, they are taken as found."""
    if not host.roles:
        return
    true = labelled | ({"etcd"} if host.etcd else set())
    judged = {"control-plane", "worker", "etcd"}
    for role in sorted((host.roles & judged) - true):
        why = "runs no etcd" if role == "etcd" else f"is no {role} node by its labels"
        yield wrong("role", f"roles.{role}", f"the host {why}.", f"Take it out of the role group {role}.")
    for role in sorted(true - host.roles):
        yield wrong(
            "role",
            f"roles.{role}",
            "the host runs etcd." if role == "etcd" else f"the node is a {role} by its labels.",
            f"Name it in the role group {role}, or give no role groups at all: they are read.",
        )


def _owner(host: HostSeen, owners: Mapping[str, bool]) -> Iterator[Finding]:
    owner = str(host.said.get("owner") or "")
    if owner not in owners:
        return
    mark = "/var/lib/sanqian/cluster"
    if owners[owner]:
        what = f"{host.place}.address: the host is marked as one of another registered cluster ({owner})."
        yield Finding(ERROR, "owner", host.name, what, f"Take it out of that cluster first; the mark is {mark}.")
    else:
        what = f"The host is marked as one of a cluster that is no longer registered ({owner})."
        fix = f"The first operation that changes hosts marks it as this cluster's ({mark}): be sure that it is."
        yield Finding(WARNING, "owner", host.name, what, fix)


def _missing(found: Existing, hosts: Sequence[HostSeen]) -> Iterator[Finding]:
    given = {host.name for host in hosts}
    for node in found.nodes:
        if node.name not in given:
            yield Finding(
                ERROR,
                "node-without-host",
                node.name,
                f"hosts: the node {node.name} ({node.internal_ip or 'no address'}) is not among the hosts given.",
                f"Add {node.name} with its address and login, or delete the node from the Kubernetes.",
            )


def _etcd(hosts: Sequence[HostSeen]) -> Iterator[Finding]:
    members = [host for host in hosts if host.etcd]
    if not members:
        yield Finding(
            WARNING,
            "etcd",
            "",
            "No host given runs etcd: backups of it and changes of the control plane will be refused.",
            "Add the etcd hosts, in the role group etcd.",
        )
    for host in members:
        if not host.said.get("etcdctl"):
            what = "The host runs etcd and has no etcdctl, which backups need."
            yield Finding(WARNING, "etcdctl", host.name, what, "Put etcd's own etcdctl into /usr/local/bin.")
        if not host.said.get("etcd_client"):
            what = f"The host runs etcd and has no client certificate of it where this service looks ({CLIENTS})."
            fix = "Copy certificate and key there: backups, restore and changes of etcd's members need them."
            yield Finding(WARNING, "etcd-client", host.name, what, fix)


def _cluster(found: Existing) -> Iterator[Finding]:
    for node in found.nodes:
        if not node.ready:
            yield Finding(WARNING, "not-ready", node.name, f"The node is not ready: {node.reason or 'unknown'}.")
        if node.kubelet_version != found.version:
            what = f"The node runs {node.kubelet_version}, the API server {found.version}."
            yield Finding(WARNING, "skew", node.name, what, "Finish the upgrade before the next one.")
    if len(found.runtimes) > 1:
        what = f"The nodes have different container runtimes: {', '.join(found.runtimes)}."
        yield Finding(WARNING, "runtimes", "", what, "Adding hosts gives them the first of these.")
    if found.network_plugin not in NETWORKS:
        what = f"The pod network is {found.network_plugin or 'not known'}, which kk does not manage."
        yield Finding(WARNING, "network", "", what, "Adding hosts leaves the pod network to you.")
    yield from _ceph(found)
    for what, why in found.unread.items():
        yield Finding(WARNING, "unread", "", f"{what} could not be read: {why}", "Give a kubeconfig that may read it.")


def _ceph(found: Existing) -> Iterator[Finding]:
    if not found.ceph:
        return
    own, *others = found.ceph
    if not own.ours:
        what = f"Rook runs the Ceph {own}: it is watched, and changed by nothing here, which installs {OURS}."
        yield Finding(
            WARNING, "ceph", "", what, "Go on changing it where it is run; `3kctl ceph status` shows how it is."
        )
    if others:
        what = f"Rook runs further Cephs, which are not watched: {', '.join(map(str, others))}."
        yield Finding(WARNING, "ceph-others", "", what)
    if not own.toolbox and not own.external:
        what = f"The Ceph {own} has no toolbox: its OSDs and placement groups cannot be asked for."
        fix = f"Run Rook's toolbox (deployment {TOOLBOX}) in the namespace {own.namespace}."
        yield Finding(WARNING, "ceph-toolbox", "", what, fix)


def record_of(found: Existing, hosts: Sequence[HostSeen], extra: Mapping[str, JSON]) -> dict[str, JSON]:
    """What is to be recorded: ``settings`` by the cluster's fields, ``hosts`` {name: role groups}, the rest as found.

    `extra` is what only kk reads, as it is now. A setting that is not known stays as it was given.
    """
    domain, port = endpoint_of(found.endpoint)
    known: dict[str, JSON] = {
        "kubernetes_version": found.version,
        "container_manager": next(iter(found.runtimes), ""),
        "network_plugin": found.network_plugin or "none",
        "pod_cidr": found.pod_cidr,
        "service_cidr": found.service_cidr,
        "control_plane_domain": domain,
    }
    settings = {name: value for name, value in known.items() if value}
    if domain:
        settings["control_plane_port"] = port
    settings["private_registry"] = found.registry
    if found.registry:
        settings["registry_namespace"] = found.project
    if hosts:
        settings |= _balancer(hosts)
        settings["registry_type"] = "harbor" if any(host.said.get("harbor") for host in hosts) else "registry"
        kind = "kubeadm" if any(host.said.get("etcd") == "pod" for host in hosts) else ""
        settings["inventory_extra"] = _with_etcd(extra, kind)
    registry = _registry_host(hosts)
    return {
        "uid": found.uid,
        "settings": settings,
        "hosts": {host.name: _recorded_roles(found, host, registry) for host in hosts},
        "parts": [vars(part) for part in found.parts],
        "charts": [vars(chart) for chart in found.charts],
        "nodes": {node.name: sorted(roles_of(node)) for node in found.nodes},
        "owners": sorted({str(host.said["owner"]) for host in hosts if host.said.get("owner")}),
        "ceph": [place.to_json() for place in found.ceph],
    }


def _with_etcd(extra: Mapping[str, JSON], kind: str) -> dict[str, JSON]:
    """`extra` with the way that etcd is run, in kk's own words."""
    spec = dict(extra.get("spec") or {})
    if kind:
        spec["etcd"] = {**(spec.get("etcd") or {}), "type": kind}
    return {**extra, **({"spec": spec} if spec else {})}


def _registry_host(hosts: Sequence[HostSeen]) -> str:
    """Name of the host that carries the registry: kk has its name lead there on every host. Empty where none does."""
    if any("registry" in host.roles for host in hosts):
        return ""
    leads_to = {str(host.said["registry_address"]) for host in hosts if host.said.get("registry_address")}
    return next((host.name for host in hosts if leads_to & _addresses(host) - LOOPBACK), "")


def _balancer(hosts: Sequence[HostSeen]) -> dict[str, JSON]:
    """Where the API's name leads: to a host (nothing to record), to a balancer, or to kk's own one on each host."""
    own = {address for host in hosts for address in _addresses(host)} | LOOPBACK
    told = {str(host.said["endpoint_address"]) for host in hosts if host.said.get("endpoint_address")}
    if not told:
        return {}
    # A control-plane host may well find the API on itself.
    workers = [host for host in hosts if not host.etcd and host.said.get("endpoint_address") in LOOPBACK]
    address = next(iter(sorted(told - own)), "")
    return {"control_plane_address": address, "internal_load_balancer": "haproxy" if workers and not address else ""}


def _recorded_roles(found: Existing, host: HostSeen, registry: str) -> list[str]:
    node = next((node for node in found.nodes if node.name == host.name), None)
    roles = (roles_of(node) if node else set()) | ({"etcd"} if host.etcd else set()) | (host.roles & GIVEN)
    roles |= {"registry"} if host.name == registry else set()
    return [role for role in ROLE_GROUPS if role in roles]


def _addresses(host: HostSeen) -> set[str]:
    return {host.internal_address, *host.said.get("addresses", ())}
