"""Inventory and credentials -> rows, and back. Each change is one transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any

from django.db import IntegrityError, transaction

from clusters import keys
from clusters.access import Access, HostAccess, Login
from clusters.customers import in_turn
from clusters.inventory import ROLE_GROUPS, HostSpec, Inventory, Platform
from clusters.inventory.mapping import SETTINGS
from clusters.models import AccessKey, Cluster, ClusterState, Node, SSHCredential

KEY_PATH = "privateKeyPath"
ONE_NAME = "one_cluster_of_a_name_per_customer"
# What a rotation of the key has put in place, and one of the password: files that are older do not change it.
BY_KEY = ("private_key", "passphrase", "password")
BY_PASSWORD = ("password", "sudo_password")
IDENTITY = ("name", "address", "internal_address", "port", "user", "arch")


class NameTaken(Exception):
    """The customer has a cluster of that name."""


class LimitReached(Exception):
    """The access key may not have more of something."""

    def __init__(self, limit: int, what: str) -> None:
        super().__init__(f"This access key may have {limit} {what}.")
        self.limit, self.what = limit, what


class InUse(Exception):
    """The host cannot be taken out: others are reached through it."""


def create(
    access_key: AccessKey,
    name: str,
    inventory: Inventory,
    access: Access,
    *,
    description: str = "",
    others: Mapping[str, Any] | None = None,
) -> Cluster:
    """A registered cluster with its hosts. `others` are the settings that no inventory holds.

    Raises `NameTaken`, `LimitReached`.
    """
    try:
        with transaction.atomic():
            _check_clusters(access_key)
            _check_hosts(access_key, len(inventory.hosts))
            holder = keys.newest(access_key)
            cluster = Cluster(
                access_key=holder, customer_id=holder.customer_id, name=name, description=description, **(others or {})
            )
            _set_platform(cluster, inventory.platform)
            cluster.save(force_insert=True)
            _create_nodes(cluster, inventory, access)
    except IntegrityError as error:
        raise _name_taken(error, name) from error
    return cluster


def update(cluster: Cluster, changes: Mapping[str, Any]) -> Cluster:
    """Change the cluster's name, description or settings, already judged. Raises `NameTaken`."""
    for field, value in changes.items():
        setattr(cluster, field, value)
    try:
        with transaction.atomic():
            cluster.save(update_fields=[*changes, "updated_at"])
    except IntegrityError as error:
        raise _name_taken(error, cluster.name) from error
    return cluster


def hand_over(cluster: Cluster, access_key: AccessKey) -> None:
    """Another access key of the same customer is the cluster's. Raises `LimitReached`."""
    with transaction.atomic():
        _check_clusters(access_key, but=cluster)
        _check_hosts(access_key, cluster.nodes.count())
        cluster.access_key = access_key
        cluster.save(update_fields=["access_key", "updated_at"])


@transaction.atomic
def delete(cluster: Cluster) -> None:
    """Forget the cluster: its hosts, credentials, operations and their logs. The hosts themselves stay as they are."""
    cluster.nodes.all().delete()
    cluster.credentials.all().delete()
    cluster.delete()


@transaction.atomic
def add_node(cluster: Cluster, inventory: Inventory, name: str, login: Login, own: HostAccess) -> Node:
    """The host `name` of `inventory`, which is the cluster's with that host added. Raises `LimitReached`."""
    Cluster.objects.select_for_update().only("pk").get(pk=cluster.pk)
    _check_hosts(AccessKey.objects.defer("value").get(pk=cluster.access_key_id), len(inventory.hosts))
    position = max((node.position for node in cluster.nodes.only("position")), default=0) + 1
    node = Node(
        cluster=cluster,
        position=position,
        credential=_credential(cluster, login),
        host_key=own.host_key,
        jump=cluster.nodes.get(name=own.jump) if own.jump else None,
    )
    _fill(node, _named(inventory, name), inventory).save(force_insert=True)
    return node


@transaction.atomic
def add_nodes(cluster: Cluster, inventory: Inventory, names: Collection[str], access: Access) -> list[Node]:
    """The hosts `names` of `inventory`, which is the cluster's with those hosts added. Raises `LimitReached`."""
    Cluster.objects.select_for_update().only("pk").get(pk=cluster.pk)
    _check_hosts(AccessKey.objects.defer("value").get(pk=cluster.access_key_id), len(inventory.hosts))
    _create_nodes(cluster, inventory, access, {node.name: node for node in cluster.nodes.all()})
    return list(cluster.nodes.filter(name__in=names).select_related("credential", "jump"))


@transaction.atomic
def update_node(node: Node, inventory: Inventory, login: Login | None, own: HostAccess) -> Node:
    """The host as `inventory` has it now; a `login` replaces its credential, `own` its pinned key and jump host."""
    _fill(node, _named(inventory, node.name), inventory)
    node.host_key = own.host_key
    node.jump = node.cluster.nodes.get(name=own.jump) if own.jump else None
    if login is not None:
        node.credential = _credential(node.cluster, login)
    node.save()
    _forget_unused(node.cluster)
    return node


@transaction.atomic
def delete_node(node: Node) -> None:
    """Take the host out of the registry. Raises `InUse`."""
    if behind := list(node.behind.values_list("name", flat=True)):
        raise InUse(f"{', '.join(behind)} is reached through {node.name}.")
    node.delete()
    _forget_unused(node.cluster)


@transaction.atomic
def replace_logins(cluster: Cluster, inventory: Inventory, access: Access) -> tuple[list[str], list[str]]:
    """Store what `access` gives the cluster's hosts: the names of those for which it was another, and of those for
    which it was another and the stored key or password was kept, because a rotation has put it in place.

    A key or password that is not given stays. Hosts that `inventory` does not have, or only it has, are left alone.
    """
    hosts = {host.name: host for host in inventory.hosts}
    new = _Credentials(cluster)
    changed: list[str] = []
    kept: list[str] = []
    for node in cluster.nodes.select_related("credential").filter(name__in=hosts):
        stored, given, held = login_of(node), access.login_of(hosts[node.name]), node.credential
        values = {word: value for word, value in asdict(given).items() if value}
        if given.private_key:
            values["passphrase"] = given.passphrase
        login = replace(stored, **values)
        fixed = {*(BY_KEY if held.rotated else ()), *(BY_PASSWORD if held.password_rotated else ())}
        own = {word: getattr(stored, word) for word in fixed}
        if login != replace(login, **own):
            kept.append(node.name)
            login = replace(login, **own)
        if login == stored:
            continue
        credential = new.of(login, rotated=held.rotated, password_rotated=held.password_rotated)
        Node.objects.filter(pk=node.pk).update(credential=credential)
        changed.append(node.name)
    _forget_unused(cluster)
    return changed, kept


@transaction.atomic
def store_rotated(cluster: Cluster, logins: Mapping[str, Login], *, password: bool = False) -> None:
    """Log in to the hosts with `logins`, by name, from now on: with another key, or `password`."""
    new = _Credentials(cluster)
    for node in cluster.nodes.select_related("credential").filter(name__in=logins):
        old = node.credential
        credential = new.of(
            logins[node.name],
            rotated=old.rotated or not password,
            password_rotated=old.password_rotated or password,
        )
        Node.objects.filter(pk=node.pk).update(credential=credential)
    _forget_unused(cluster)


@transaction.atomic
def take_hosts(cluster: Cluster, inventory: Inventory, access: Access, *, whole: bool) -> None:
    """Make the cluster's hosts those of `inventory`: new ones are added, known ones changed, with their logins.

    `whole`: it is all there is to know, so hosts and role groups that it does not name go; else they stay. A pinned
    key is forgotten where the address is another. Raises `LimitReached`.
    """
    known = {node.name: node for node in cluster.nodes.select_related("jump")}
    given = {host.name: host for host in inventory.hosts}
    groups = {group: list(members) for group, members in inventory.role_groups.items()}
    for name in given.keys() & known.keys():
        if not whole and not inventory.roles_of(name):
            for group in known[name].role_groups:
                groups.setdefault(group, []).append(name)
    merged = replace(inventory, role_groups={group: tuple(members) for group, members in groups.items()})
    if whole:
        cluster.nodes.exclude(name__in=given).delete()
    if new := given.keys() - known.keys():
        add_nodes(cluster, merged, new, access)
    for name in given.keys() & known.keys():
        node, own = known[name], access.own(name)
        same = (node.address, node.port) == (given[name].address, given[name].port)
        pinned = own.host_key or (node.host_key if same else "")
        jump = own.jump or (node.jump.name if node.jump and node.jump.name in given else "")
        update_node(node, merged, None, HostAccess(host_key=pinned, jump=jump))
    replace_logins(cluster, inventory, access)


def login_of(node: Node) -> Login:
    """The stored credential of a host."""
    stored = node.credential
    return Login(stored.private_key, stored.passphrase, stored.password, stored.sudo_password)


def access_of(nodes: Iterable[Node]) -> dict[str, HostAccess]:
    """What the hosts have of their own: pinned keys and ways."""
    return {node.name: HostAccess(host_key=node.host_key, jump=node.jump.name if node.jump else "") for node in nodes}


def inventory_of(cluster: Cluster) -> Inventory:
    """The inventory that the rows hold, with the private registry's login, without the hosts' credentials."""
    nodes = list(cluster.nodes.all())
    known = [*ROLE_GROUPS, *(group for node in nodes for group in node.role_groups)]
    groups = {group: tuple(node.name for node in nodes if group in node.role_groups) for group in dict.fromkeys(known)}
    return Inventory(
        name=cluster.name,
        hosts=tuple(_host(node) for node in nodes),
        role_groups={group: members for group, members in groups.items() if members},
        platform=Platform(
            **{field: getattr(cluster, field) for field in SETTINGS},
            extra=cluster.inventory_extra,
        ),
    )


def without_secrets(inventory: Inventory) -> Inventory:
    """The inventory as it may be shown."""
    hosts = tuple(replace(host, password="", private_key="") for host in inventory.hosts)
    return replace(inventory, hosts=hosts, platform=replace(inventory.platform, registry_password=""))


def _host(node: Node) -> HostSpec:
    extra = dict(node.extra)
    path = extra.pop(KEY_PATH, "")
    identity = {field: getattr(node, field) for field in IDENTITY}
    return HostSpec(**identity, labels=node.labels, private_key_path=path, extra=extra)


def _create_nodes(
    cluster: Cluster, inventory: Inventory, access: Access, there: Mapping[str, Node] | None = None
) -> None:
    """Rows for the hosts of `inventory`, but for those that are `there` already."""
    logins: dict[Login, SSHCredential] = {}
    nodes: dict[str, Node] = dict(there or {})
    new: list[Node] = []
    begin = max((node.position + 1 for node in nodes.values()), default=0)
    for host in inventory.hosts:
        if host.name in nodes:
            continue
        login = access.login_of(host)
        if login not in logins:
            logins[login] = SSHCredential(cluster=cluster, **asdict(login))
        own = access.own(host.name)
        node = Node(cluster=cluster, position=begin + len(new), credential=logins[login], host_key=own.host_key)
        nodes[host.name] = _fill(node, host, inventory)
        new.append(node)
    SSHCredential.objects.bulk_create(logins.values())
    for node in new:
        node.credential_id = node.credential.pk
        if jump := access.own(node.name).jump:
            node.jump = nodes[jump]
    # The reference to the jump host is checked at the end of the transaction, so any order will do.
    Node.objects.bulk_create(new)


def _fill(node: Node, host: HostSpec, inventory: Inventory) -> Node:
    """`node` with its columns as `host` has them."""
    for field in IDENTITY:
        setattr(node, field, getattr(host, field))
    node.role_groups = list(inventory.roles_of(host.name))
    node.labels = dict(host.labels)
    node.extra = {**host.extra, **({KEY_PATH: host.private_key_path} if host.private_key_path else {})}
    return node


def _named(inventory: Inventory, name: str) -> HostSpec:
    return next(host for host in inventory.hosts if host.name == name)


class _Credentials:
    """New ones of a cluster: hosts that are logged in to alike share theirs."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._made: dict[tuple[Login, bool, bool], SSHCredential] = {}

    def of(self, login: Login, *, rotated: bool, password_rotated: bool) -> SSHCredential:
        known = (login, rotated, password_rotated)
        if known not in self._made:
            self._made[known] = SSHCredential.objects.create(
                cluster=self._cluster, rotated=rotated, password_rotated=password_rotated, **asdict(login)
            )
        return self._made[known]


def _credential(cluster: Cluster, login: Login) -> SSHCredential:
    return SSHCredential.objects.create(cluster=cluster, **asdict(login))


def _forget_unused(cluster: Cluster) -> None:
    cluster.credentials.filter(nodes=None).delete()


def _set_platform(cluster: Cluster, platform: Platform) -> None:
    for field in SETTINGS:
        setattr(cluster, field, getattr(platform, field))
    cluster.inventory_extra = dict(platform.extra)


def _check_clusters(key: AccessKey, but: Cluster | None = None) -> None:
    """Raises `LimitReached` where the customer has as many as the key allows, `but` left out."""
    have = in_turn(key.customer_id).clusters.exclude(state=ClusterState.REMOVED)
    if (have.exclude(pk=but.pk) if but else have).count() >= key.max_clusters:
        raise LimitReached(key.max_clusters, "clusters")


def _check_hosts(key: AccessKey, hosts: int) -> None:
    if hosts > key.max_hosts:
        raise LimitReached(key.max_hosts, "hosts in a cluster")


def _name_taken(error: IntegrityError, name: str) -> Exception:
    if ONE_NAME in str(error):
        return NameTaken(f"You have a cluster named '{name}' already.")
    return error
