"""Adopt a Kubernetes that exists already: read it, read its hosts, compare, record. Pure.

Nothing is changed in the Kubernetes or on a host.
"""

from __future__ import annotations

from collections.abc import Mapping

from tasks.plan import JSON, Action, ClusterFact, Plan, PlanError, Retry, StepSpec

PARAMS: Mapping[str, Mapping[str, JSON]] = {}


def make(cluster: ClusterFact, params: Mapping[str, JSON]) -> Plan:
    """The plan. Raises `PlanError` for a cluster that this service has installed."""
    if cluster.settings.get("state") != "registered" and not cluster.settings.get("kubernetes_uid"):
        raise PlanError(
            "This cluster was installed by this service, which knows it already.",
            field="kind",
            fix="Read its health with `check`, and what is no longer as installed with `drift`.",
        )
    steps = [
        StepSpec(
            "cluster",
            "Read what the Kubernetes has",
            Action("import-cluster"),
            expected=6,
            timeout=900,
            unreachable=300,
            retry=Retry(3),
        )
    ]
    if cluster.hosts:
        steps.append(
            StepSpec(
                "hosts",
                "Read what runs on the hosts",
                Action("import-hosts"),
                after=("cluster",),
                expected=4,
                timeout=1800,
                unreachable=300,
                retry=Retry(3),
            )
        )
    steps += [
        StepSpec(
            "match",
            "Compare hosts and nodes",
            Action("import-match"),
            after=(steps[-1].key,),
            expected=1,
            timeout=300,
        ),
        StepSpec(
            "record",
            "Record what is there",
            Action("import-record"),
            after=("match",),
            expected=2,
            timeout=900,
            unreachable=300,
            retry=Retry(3),
        ),
        StepSpec(
            "health",
            "Read the cluster's health",
            Action("check-health"),
            after=("record",),
            expected=5,
            timeout=900,
            retry=Retry(3),
        ),
    ]
    if cluster.hosts:
        steps.append(
            StepSpec(
                "certificates",
                "Read when certificates end",
                Action("import-certificates"),
                after=("record",),
                expected=4,
                timeout=900,
            )
        )
    return Plan("import", tuple(steps), notes=tuple(_notes(cluster))).validate(cluster.names)


def _notes(cluster: ClusterFact) -> list[str]:
    notes = ["Nothing is changed in the Kubernetes or on its hosts."]
    if not cluster.hosts:
        notes.append("No hosts are given: health will be read, and what needs hosts is refused until they are given.")
    return notes
