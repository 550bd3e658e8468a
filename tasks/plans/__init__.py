"""Every kind of operation: what it is called, which parameters it takes, and how its plan is made. Pure.

A new operation is one file here and one entry in `PLANS`.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tasks.plan import JSON, ClusterFact, Plan, PlanError
from tasks.plans import (
    add_nodes,
    adopted,
    backup,
    ceph,
    ceph_csi,
    ceph_csi_uninstall,
    ceph_expand,
    ceph_remove_osd,
    ceph_status,
    ceph_uninstall,
    certificates,
    check,
    drift,
    imports,
    install,
    preflight,
    remove_node,
    restore,
    rollback,
    rotate_access_key,
    rotate_host_password,
    rotate_registry_password,
    rotate_ssh_key,
    uninstall,
    upgrade,
    upgrade_components,
)
from tasks.plans.params import checked

__all__ = ["PLANS", "PlanKind", "check_secrets", "make"]
# What a secret is called by who takes it for a parameter, besides its own name.
WORDS = ("secrets", "password", "passphrase", "private_key", "sudo_password")


@dataclass(frozen=True)
class PlanKind:
    """A kind of operation. `params` describes each parameter as JSON Schema does.

    `secrets` describes what may come with it and is never shown again; the command `taken_by` takes them, and `check`
    raises `PlanError` for such that are unusable.
    """

    kind: str
    title: str
    description: str
    params: Mapping[str, Mapping[str, JSON]]
    make: Callable[[ClusterFact, Mapping[str, JSON]], Plan]
    secrets: Mapping[str, str] = field(default_factory=dict)
    check: Callable[[Mapping[str, str]], None] = lambda given: None
    taken_by: str = ""


PLANS: Mapping[str, PlanKind] = {
    plan.kind: plan
    for plan in (
        PlanKind(
            "preflight",
            "Check the hosts",
            "Reads every host and lists what speaks against an installation. Changes nothing.",
            preflight.PARAMS,
            preflight.make,
        ),
        PlanKind(
            "install",
            "Install the platform",
            "From bare hosts to Kubernetes with the platform's components, verified. What is true is kept.",
            install.PARAMS,
            install.make,
        ),
        PlanKind(
            "import",
            "Adopt a cluster that exists",
            "Reads a Kubernetes that was installed otherwise, and its hosts, and records them. Changes nothing there.",
            imports.PARAMS,
            imports.make,
        ),
        PlanKind(
            "renew-certificates",
            "Renew the certificates",
            "New certificates for etcd, the control plane and the registry, host after host, each verified.",
            certificates.PARAMS,
            certificates.make,
        ),
        PlanKind(
            "rotate-ssh-key",
            "Rotate the SSH key",
            "A new key for the hosts, proven on all of them before the old one is given up and taken away.",
            rotate_ssh_key.PARAMS,
            rotate_ssh_key.make,
            rotate_ssh_key.SECRETS,
            rotate_ssh_key.check,
            "3kctl rotate ssh-key",
        ),
        PlanKind(
            "rotate-access-key",
            "Rotate the access key",
            "The cluster gets the access key that it belongs to; what reads it starts anew and is healthy.",
            rotate_access_key.PARAMS,
            rotate_access_key.make,
        ),
        PlanKind(
            "rotate-host-password",
            "Rotate the hosts' password",
            "A new password of the users that the hosts are logged in to as, proven on every host before it is stored.",
            rotate_host_password.PARAMS,
            rotate_host_password.make,
            rotate_host_password.SECRETS,
            rotate_host_password.check,
            "3kctl rotate host-password",
        ),
        PlanKind(
            "rotate-registry-password",
            "Rotate the registry's password",
            "A new password of Harbor's administrator, in Harbor and where the hosts, kk and helm log in with it.",
            rotate_registry_password.PARAMS,
            rotate_registry_password.make,
            rotate_registry_password.SECRETS,
            rotate_registry_password.check,
            "3kctl rotate registry-password",
        ),
        PlanKind(
            "upgrade",
            "Upgrade Kubernetes",
            "A snapshot of etcd, then Kubernetes to a newer version that the artifact carries, node by node.",
            upgrade.PARAMS,
            upgrade.make,
        ),
        PlanKind(
            "upgrade-components",
            "Upgrade components",
            "Components to the artifact's charts, compared first, then one by one, each healthy before the next.",
            upgrade_components.PARAMS,
            upgrade_components.make,
        ),
        PlanKind(
            "rollback",
            "Roll a component back",
            "A component's Helm release back to an earlier revision, verified.",
            rollback.PARAMS,
            rollback.make,
        ),
        PlanKind(
            "backup",
            "Back up etcd",
            "A snapshot of etcd on each etcd host, verified by reading it back; the oldest ones go.",
            backup.PARAMS,
            backup.make,
        ),
        PlanKind(
            "restore",
            "Restore etcd",
            "Etcd's data on all members as a snapshot holds them; what was written after it is lost. Proven by health.",
            restore.PARAMS,
            restore.make,
        ),
        PlanKind(
            "drift",
            "Look for drift",
            "Asks what the installation made whether it is still as installed. Changes nothing.",
            drift.PARAMS,
            drift.make,
        ),
        PlanKind(
            "add-nodes",
            "Add hosts",
            "Registered hosts join the cluster: workers at once, members of the control plane and of etcd one by one.",
            add_nodes.PARAMS,
            add_nodes.make,
        ),
        PlanKind(
            "remove-node",
            "Remove a host",
            "One host leaves the cluster: drained, deleted, cleaned. Refused where the cluster cannot do without it.",
            remove_node.PARAMS,
            remove_node.make,
        ),
        PlanKind(
            "uninstall",
            "Uninstall the platform",
            "Everything leaves the hosts, which are clean afterwards, verified. The cluster stays registered.",
            uninstall.PARAMS,
            uninstall.make,
        ),
        PlanKind(
            "ceph",
            "Install Ceph",
            "Ceph by Rook on the hosts' raw disks, proven by use. A dry run shows which disks, and why not others.",
            ceph.PARAMS,
            ceph.make,
        ),
        PlanKind(
            "ceph-expand",
            "Add disks to Ceph",
            "Further disks and hosts for the Ceph that is there; a dry run shows which, and why not others.",
            ceph_expand.PARAMS,
            ceph_expand.make,
        ),
        PlanKind(
            "ceph-remove-osd",
            "Remove OSDs from Ceph",
            "Lets the data of OSDs move away, then purges them; refused where that would break redundancy.",
            ceph_remove_osd.PARAMS,
            ceph_remove_osd.make,
        ),
        PlanKind(
            "ceph-uninstall",
            "Remove Ceph",
            "Ceph, its data and Rook go, in the order that Rook documents; the hosts and disks are clean afterwards.",
            ceph_uninstall.PARAMS,
            ceph_uninstall.make,
        ),
        PlanKind(
            "ceph-csi-cephfs",
            "Use an external Ceph",
            "The file system of a Ceph that is run elsewhere, by its CSI driver: checked and proven by use.",
            ceph_csi.PARAMS,
            ceph_csi.make,
        ),
        PlanKind(
            "ceph-csi-cephfs-uninstall",
            "Stop using an external Ceph",
            "The CSI driver, its StorageClass and the key go; refused while volumes use it. Ceph is not touched.",
            ceph_csi_uninstall.PARAMS,
            ceph_csi_uninstall.make,
        ),
        PlanKind("check", "Read the health", "Reads the cluster's health now.", check.PARAMS, check.make),
        PlanKind(
            "ceph-status",
            "Read how Ceph is",
            "Asks Ceph for its health, capacity, OSDs, monitors and placement groups now. Changes nothing.",
            ceph_status.PARAMS,
            ceph_status.make,
        ),
    )
}


def check_secrets(kind: str, given: Mapping[str, str]) -> None:
    """Raises `PlanError` for secrets that the operation does not take, or that are unusable."""
    takes = PLANS[kind].secrets
    for name in given:
        if name not in takes:
            fix = f"It takes: {', '.join(takes)}." if takes else "Leave it out."
            raise PlanError(f"{kind} takes no secret {name!r}.", field=f"secrets.{name}", fix=fix)
    PLANS[kind].check(given)


def _refuse_secrets(kind: str, params: Mapping[str, JSON]) -> None:
    """Raises `PlanError` for parameters, which are stored and shown, that are secrets of the operation."""
    plan = PLANS[kind]
    if plan.secrets and (found := [name for name in params if name in {*plan.secrets, *WORDS}]):
        raise PlanError(
            f"{found[0]} is a secret and no parameter: those are stored and shown.",
            field=f"secrets.{found[0]}",
            fix=f"Give it to {plan.taken_by}, or in secrets of the request; one that was typed here is to be changed.",
        )


def make(kind: str, cluster: ClusterFact, params: Mapping[str, JSON]) -> Plan:
    """The plan of an operation. Raises `PlanError` for an unknown kind, parameter or value."""
    if kind not in PLANS:
        near = difflib.get_close_matches(kind, PLANS, n=1)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        raise PlanError(f"There is no operation {kind!r}.", field="kind", fix=f"{hint}Choose from: {', '.join(PLANS)}.")
    _refuse_secrets(kind, params)
    given = checked(PLANS[kind].params, params)
    adopted.refuse(kind, cluster, given)
    plan = adopted.prepare(PLANS[kind].make(cluster, given), cluster, given)
    return plan.validate(cluster.names)
