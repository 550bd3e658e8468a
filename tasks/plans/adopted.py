"""What is different for a cluster that was imported: what is refused, and what kk needs first. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from clusters.ceph.place import OURS, of_import
from tasks.plan import JSON, ClusterFact, Plan, PlanError, StepSpec
from tasks.plans import hosts
from tasks.plans.install import PHASES, steps_by_phase
from tasks.plans.scripting import script
from tasks.plans.site import Site

# What reads through the kubeconfig alone.
HOSTLESS = ("check", "import")
# Phases that make Kubernetes, its registry and its packages: an imported cluster has its own.
FOUNDATIONS = ("packages", "registry", "images", "kubernetes", "coredns")
# Kinds that run kk on the first host, which an installation prepares for it.
BY_KK = ("renew-certificates", "upgrade", "remove-node")
# Those that have kk push images, with a login that nobody may have told.
PUSHING = ("upgrade", "add-nodes")
CHANGING_CEPH = ("ceph", "ceph-expand", "ceph-remove-osd", "ceph-uninstall")
PREPARATION = ("ssh-trust", "artifact-fetch", "artifact-upload", "artifact-unpack")


def imported(cluster: ClusterFact) -> bool:
    """Whether the cluster was imported."""
    return bool(cluster.settings.get("kubernetes_uid"))


def refuse(kind: str, cluster: ClusterFact, params: Mapping[str, JSON]) -> None:
    """Raises `PlanError` for what cannot be done to this cluster, naming why and what to give."""
    if not cluster.hosts and kind not in HOSTLESS:
        raise PlanError(
            f"{cluster.name} is known by its kubeconfig alone: the service cannot log in to its hosts.",
            field="kind",
            fix=f"Give the hosts with their SSH access: 3kctl import {cluster.name} -f hosts.yaml.",
        )
    if not imported(cluster):
        return
    if kind == "uninstall":
        raise PlanError(
            f"{cluster.name} was imported: the service does not know all that was put on its hosts.",
            field="kind",
            fix=f"Take it down with what installed it, then forget it: 3kctl clusters delete {cluster.name}.",
        )
    if kind == "install" and (made := sorted(set(params.get("phases") or PHASES) & set(FOUNDATIONS))):
        raise PlanError(
            f"{cluster.name} was imported with a Kubernetes of its own; {', '.join(made)} would make another.",
            field="phases",
            fix="Install components alone: 3kctl deploy install operators --software NAME.",
        )
    if kind in CHANGING_CEPH or (kind == "remove-node" and params.get("osds")):
        _refuse_ceph(cluster)
    if kind in ("add-nodes", "remove-node") and _etcd_in_pods(cluster):
        _refuse_members(kind, cluster, params)


def prepare(plan: Plan, cluster: ClusterFact, params: Mapping[str, JSON]) -> Plan:
    """`plan`, behind the steps that an installation would have done for kk where nothing did them yet."""
    if not imported(cluster):
        return plan
    if plan.kind == "drift":
        return _of_its_own(plan, cluster)
    site, notes, first = Site(cluster, params), plan.notes, list[StepSpec]()
    # A forced removal does without kk, and its host may be dead.
    if plan.kind in BY_KK and not params.get("force"):
        site.check_source()
        first = [
            replace(step, after=tuple(key for key in step.after if key in PREPARATION))
            for step in hosts.steps(site)
            if step.key in PREPARATION
        ]
        told = "The cluster was imported: the first control-plane host gets a key of this service that opens all hosts."
        notes = (*notes, told)
    if plan.kind in PUSHING and site.registry:
        first.append(_registry_login(site))
    last = tuple(step.key for step in first)
    rest = tuple(step if step.after else replace(step, after=last) for step in plan.steps)
    return replace(plan, steps=(*first, *rest), notes=notes)


def _of_its_own(plan: Plan, cluster: ClusterFact) -> Plan:
    """`plan`, which looks for drift, without what was there before the import: nothing here can say how it was."""
    before = {key for key, phase in steps_by_phase(plan.steps[:-1]) if phase in FOUNDATIONS}
    steps = [
        replace(step, after=tuple(key for key in step.after if key not in before))
        for step in plan.steps
        if step.key not in before
    ]
    notes = (
        "Judged: what the operation install has put on it since the import.",
        "Not judged, as it was there before: Kubernetes, its packages, registry, images and other components. "
        f"What of that is not as recorded says 3kctl import {cluster.name} --dry-run.",
    )
    return replace(plan, steps=tuple(steps), notes=(*plan.notes, *notes))


def _registry_login(site: Site) -> StepSpec:
    do = script("registry", "http", env=site.registry_env, secrets=site.registry_secrets, apply="registry.verify")
    return StepSpec(
        "registry-login",
        "Check the login of the registry, to which kk pushes images",
        replace(do, probe="", verify=""),
        hosts=(site.first.name,),
        expected=2,
        timeout=600,
    )


def _refuse_ceph(cluster: ClusterFact) -> None:
    recorded = cluster.settings.get("imported")
    own = of_import(recorded if isinstance(recorded, Mapping) else {})
    if not own.ours:
        raise PlanError(
            f"The Ceph of {cluster.name} is {own}; this service changes only the one that it installs, {OURS}.",
            field="kind",
            fix=f"Change it where it is run: kubectl edit cephcluster {own.name} -n {own.namespace}. "
            f"How it is: 3kctl ceph status {cluster.name}.",
        )


def _etcd_in_pods(cluster: ClusterFact) -> bool:
    extra = cluster.settings.get("inventory_extra")
    spec = extra.get("spec") if isinstance(extra, Mapping) else None
    etcd = spec.get("etcd") if isinstance(spec, Mapping) else None
    return isinstance(etcd, Mapping) and etcd.get("type") == "kubeadm"


def _refuse_members(kind: str, cluster: ClusterFact, params: Mapping[str, JSON]) -> None:
    field = "nodes" if kind == "add-nodes" else "node"
    given = params.get(field) or ()
    names = [given] if isinstance(given, str) else list(given)
    for host in cluster.hosts:
        if host.name in names and host.roles & {"control-plane", "etcd"}:
            raise PlanError(
                f"{host.name} has to do with etcd, which kubeadm runs in pods here; the service knows it as a service.",
                field=field,
                fix="Use kubeadm for it, then import the cluster again; workers can be added and removed here.",
            )
