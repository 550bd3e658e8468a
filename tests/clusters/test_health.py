from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusters import catalog, health
from clusters.catalog import Catalog
from clusters.health import ComponentHealth, NodeHealth
from tests.clusters.api_objects import (
    NOW,
    ago,
    container,
    node,
    pod,
    release,
    snapshot,
    warning,
    workload,
)

PLATFORM = catalog.parse(
    """
components:
  dns: {title: DNS, kind: builtin, namespace: kube-system, default: true, health: {workloads: [deployment/dns]}}
  agent: {title: Agent, kind: manifest, namespace: cpod-system, health: {workloads: [deployment/agent]}}
  stack:
    title: Stack
    kind: helm
    health:
      workloads: ["daemonset/extra-*?"]
      parts: {prometheus: [statefulset/prometheus-*], grafana: [deployment/*grafana*]}
      crds: [things.stack.io]
      webhooks: [stack-webhook]
  roles:
    title: Roles
    kind: manifest
    namespace: ""
    health: {objects: [{api: rbac.authorization.k8s.io/v1, resource: clusterroles, name: "*downloader*"}]}
  ceph:
    title: Ceph
    kind: helm
    namespace: rook-ceph
    health:
      parts: {mon: [deployment/mon-*]}
      objects:
        - {api: ceph.rook.io/v1, resource: cephclusters, namespaced: true, state: status.ceph.health,
           states: {HEALTH_OK: healthy, HEALTH_WARN: degraded, HEALTH_ERR: unhealthy},
           message: status.ceph.details, fresh: status.ceph.lastChecked, fresh_seconds: 300}
"""
)
BROKEN = {"reason": "Error", "exitCode": 1, "message": "no licence", "finishedAt": ago(15)}


def agent(*pods: dict[str, Any], desired: int = 1, ready: int = 0, **more: Any) -> ComponentHealth:
    what = {key: more.pop(key) for key in ("updated", "observed", "conditions", "age") if key in more}
    seen = snapshot(
        pods=list(pods), deployment=[workload("deployment", "agent", desired=desired, ready=ready, **what)], **more
    )
    return health.judge(seen, PLATFORM, ["agent"])["agent"]


def test_healthy() -> None:
    found = agent(pod("agent-1"), ready=1)
    assert (found.state, found.desired, found.ready, found.reason) == ("healthy", 1, 1, "")


def test_absent_and_chosen() -> None:
    found = health.judge(snapshot(), PLATFORM, ["agent"])
    assert (found["agent"].state, found["agent"].reason) == ("absent", "not installed")
    assert (found["stack"].state, found["stack"].reason) == ("absent", "")


def test_progressing_while_pods_start() -> None:
    found = agent(pod("agent-1", container(waiting="ContainerCreating"), phase="Pending", age=20))
    assert found.state == "progressing"
    assert found.reason == "deployment agent 0/1: pod agent-1: container main: ContainerCreating"


def test_what_starts_for_too_long_is_a_fault_and_its_warning_says_why() -> None:
    found = agent(
        pod("agent-1", container(waiting="ContainerCreating"), phase="Pending", age=1200),
        events=[warning("Pod", "agent-1", "FailedMount", 'secret "agent" not found')],
    )
    assert found.state == "unhealthy"
    assert 'ContainerCreating for 20 min (FailedMount: secret "agent" not found)' in found.reason


def test_crash_loop_names_pod_container_and_last_exit() -> None:
    crashing = container(waiting="CrashLoopBackOff", message="back-off 40s", restarts=4, last=BROKEN)
    found = agent(pod("agent-1", crashing))
    assert found.state == "unhealthy"
    assert found.reason == (
        "deployment agent 0/1: pod agent-1: container main: CrashLoopBackOff (back-off 40s); "
        "last exit code 1: no licence"
    )


def test_image_pull_back_off_beside_a_ready_pod_is_degraded() -> None:
    pulling = container(waiting="ImagePullBackOff", message='Back-off pulling image "agent:2"')
    found = agent(pod("agent-1"), pod("agent-2", pulling, phase="Pending"), desired=2, ready=1)
    assert (found.state, found.ready, found.desired) == ("degraded", 1, 2)
    assert "agent-2" in found.reason
    assert "ImagePullBackOff" in found.reason


@pytest.mark.parametrize(("age", "state"), [(10, "progressing"), (300, "unhealthy")])
def test_unschedulable(age: float, state: str) -> None:
    scheduled = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    scheduled["message"] = "0/6 nodes are available: 6 Insufficient nvidia.com/gpu."
    waiting = pod("agent-1", container(), phase="Pending", node="", age=age, conditions=[scheduled])
    found = agent(waiting)
    assert found.state == state
    assert "unschedulable: 0/6 nodes are available: 6 Insufficient nvidia.com/gpu." in found.reason


def test_a_failing_init_container_is_named() -> None:
    bad = pod("agent-1", container(waiting="PodInitializing"), phase="Pending")
    bad["spec"]["initContainers"] = [{"name": "wait"}]
    bad["status"]["initContainerStatuses"] = [container("wait", waiting="CrashLoopBackOff", last=BROKEN)]
    assert "container wait: CrashLoopBackOff" in agent(bad).reason


def test_out_of_memory_is_said() -> None:
    killed = container(ended={"reason": "OOMKilled", "exitCode": 137})
    assert "container main: exit code 137 (OOMKilled)" in agent(pod("agent-1", killed)).reason


def test_not_ready_for_long_is_a_fault_with_the_probes_message() -> None:
    running = pod("agent-1", container(running=900), age=900)
    found = agent(running, events=[warning("Pod", "agent-1", "Unhealthy", "Readiness probe failed: 503")])
    assert found.state == "unhealthy"
    assert "not ready for 15 min (Unhealthy: Readiness probe failed: 503)" in found.reason


def test_a_crashing_container_counts_as_crashing_between_two_crashes() -> None:
    between = container(ready=True, running=12, restarts=5, last=BROKEN)
    found = agent(pod("agent-1", between), ready=1)
    assert (found.state, found.ready) == ("unhealthy", 0)
    assert "restarted 5 times, now running for 12 s; last exit code 1: no licence" in found.reason
    again = container(running=2, restarts=1, last=BROKEN)
    assert agent(pod("agent-1", again)).state == "unhealthy"
    recovered = container(ready=True, running=2, restarts=1, last=BROKEN)
    assert agent(pod("agent-1", recovered), ready=1).state == "healthy"
    stable = container(ready=True, running=600, restarts=5, last=BROKEN)
    assert agent(pod("agent-1", stable), ready=1).state == "healthy"


def test_a_pod_on_a_lost_node() -> None:
    found = agent(
        pod("agent-1", node="worker1"),
        pod("agent-2", node="worker2", ready=False),
        desired=2,
        ready=1,
        nodes=[node("worker1"), node("worker2", ready=False)],
    )
    assert found.state == "degraded"
    assert "pod agent-2: its node worker2 is not ready" in found.reason


def test_an_evicted_pod_beside_enough_ready_ones_is_no_fault() -> None:
    evicted = pod("agent-0", phase="Failed", ready=False, reason="Evicted", message="low on memory")
    assert agent(evicted, pod("agent-1"), ready=1).state == "healthy"
    assert "Evicted: low on memory" in agent(evicted).reason


def test_a_rollout_is_progressing_until_its_deadline() -> None:
    assert agent(pod("agent-1"), ready=1, updated=0).state == "progressing"
    assert agent(pod("agent-1"), ready=1, observed=0).state == "progressing"
    late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "timed out"}
    found = agent(pod("agent-1"), ready=1, updated=0, conditions=[late])
    assert (found.state, found.reason) == ("degraded", "deployment agent 1/1: timed out")


def test_pods_that_cannot_be_created() -> None:
    found = agent(events=[warning("ReplicaSet", "agent-7d9f", "FailedCreate", "exceeded quota: compute")])
    assert (found.state, found.reason) == (
        "unhealthy",
        "deployment agent 0/1: FailedCreate: exceeded quota: compute",
    )


def test_scaled_to_nothing_is_healthy() -> None:
    assert agent(desired=0).state == "healthy"


def test_the_clusters_own_clock_counts() -> None:
    starting = pod("agent-1", container(waiting="ContainerCreating"), phase="Pending", age=20)
    late_by_an_hour = NOW + timedelta(hours=1)
    seen = snapshot(pods=[starting], deployment=[workload("deployment", "agent", ready=0)], clock=NOW)
    for taken_at in (NOW, late_by_an_hour):
        found = health.judge(replace(seen, taken_at=taken_at), PLATFORM, ["agent"])
        assert found["agent"].state == "progressing"


def test_many_problems_are_counted() -> None:
    pods = [pod(f"agent-{n}", container(waiting="ErrImagePull")) for n in range(6)]
    assert agent(*pods, desired=6).reason.endswith("; and 3 more")


def stack(**more: Any) -> ComponentHealth:
    given: dict[str, Any] = {
        "statefulset": [workload("statefulset", "prometheus-main", namespace="stack", release="stack/stack")],
        "deployment": [
            workload("deployment", "stack-grafana", namespace="stack", release="stack/stack",
                     labels={"helm.sh/chart": "stack-48.3.1"}),
            workload("deployment", "stack-other", namespace="stack", release="stack/stack"),
        ],
        "crds": {"things.stack.io": True},
        "endpoints": {"stack/stack-webhook": 1},
        "releases": [release("stack", "deployed", revision=2), release("stack", "failed", revision=1)],
        **more,
    }  # fmt: skip
    return health.judge(snapshot(**given), PLATFORM, ["stack"])["stack"]


def test_a_helm_component_has_parts_version_and_all_workloads_of_its_release() -> None:
    found = stack()
    assert (found.state, found.desired, found.ready, found.version) == ("healthy", 3, 3, "48.3.1")
    assert [(part["name"], part["state"]) for part in found.details["parts"]] == [
        ("prometheus", "healthy"),
        ("grafana", "healthy"),
    ]
    assert {w["name"] for w in found.details["workloads"]} == {"prometheus-main", "stack-grafana", "stack-other"}
    assert found.details["release"] == {"status": "deployed", "revision": 2}


def test_one_part_down_leaves_the_component_degraded() -> None:
    down = [workload("statefulset", "prometheus-main", namespace="stack", ready=0)]
    found = stack(statefulset=down)
    assert found.state == "degraded"
    assert found.details["parts"][0]["state"] == "unhealthy"
    assert "statefulset prometheus-main 0/1: pods are missing" in found.reason


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"statefulset": []}, "statefulset prometheus-* is missing"),
        ({"crds": {"things.stack.io": False}}, "CRD things.stack.io is missing"),
        ({"endpoints": {"stack/stack-webhook": 0}}, "a ready endpoint of the webhook stack-webhook is missing"),
        ({"endpoints": {}}, "a ready endpoint of the webhook stack-webhook is missing"),
        ({"releases": [release("stack", "failed", revision=3)]}, "Helm release stack is failed (revision 3)"),
        (
            {"releases": [release("stack", "pending-upgrade", age=2400)]},
            "pending-upgrade (revision 1) for 40 min: a killed run left it",
        ),
    ],
)
def test_what_a_component_lacks(more: dict[str, Any], said: str) -> None:
    found = stack(**more)
    assert found.state == "degraded"
    assert said in found.reason


def test_what_an_operator_has_not_made_yet_is_progressing_while_the_release_is_young() -> None:
    found = stack(statefulset=[], releases=[release("stack", "deployed", age=20)])
    assert (found.state, found.reason) == ("progressing", "statefulset prometheus-* is not there yet")
    found = stack(statefulset=[], deployment=[], releases=[release("stack", "pending-install", age=20)])
    assert found.state == "progressing"


def test_nothing_is_concluded_from_what_could_not_be_read() -> None:
    refused = {"customresourcedefinitions": "forbidden", "endpoints": "forbidden"}
    assert stack(crds={}, endpoints={}, unread=refused).state == "healthy"
    key = "rbac.authorization.k8s.io/v1/clusterroles"
    found = health.judge(snapshot(unread={key: "forbidden"}), PLATFORM, ["roles"])["roles"]
    assert (found.state, found.reason) == ("unknown", f"{key} could not be listed: forbidden")


def test_a_component_of_objects_alone() -> None:
    key = "rbac.authorization.k8s.io/v1/clusterroles"
    there = {key: [{"metadata": {"name": "cpod-downloader-role"}}, {"metadata": {"name": "admin"}}]}
    found = health.judge(snapshot(objects=there), PLATFORM, ["roles"])["roles"]
    assert (found.state, found.ready) == ("healthy", 1)
    assert health.judge(snapshot(objects={key: []}), PLATFORM, ["roles"])["roles"].state == "absent"


@pytest.mark.parametrize(
    ("ceph", "state", "said"),
    [
        ({"health": "HEALTH_OK", "lastChecked": ago(30)}, "healthy", ""),
        (
            {"health": "HEALTH_WARN", "details": {"OSD_DOWN": {"severity": "W", "message": "1 osds down"}}},
            "degraded",
            "cephclusters rook-ceph: HEALTH_WARN (OSD_DOWN: 1 osds down)",
        ),
        ({"health": "HEALTH_ERR"}, "unhealthy", "cephclusters rook-ceph: HEALTH_ERR"),
        ({"health": "HEALTH_OK", "lastChecked": ago(1800)}, "degraded", "its status is 30 min old"),
        ({}, "progressing", "no status yet"),
    ],
)
def test_ceph_is_judged_by_its_present_health(ceph: dict[str, Any], state: str, said: str) -> None:
    item = {"metadata": {"name": "rook-ceph", "namespace": "rook-ceph"}, "status": {"phase": "Ready", "ceph": ceph}}
    seen = snapshot(
        deployment=[workload("deployment", "mon-a", namespace="rook-ceph")],
        objects={"ceph.rook.io/v1/cephclusters": [item]},
    )
    found = health.judge(seen, PLATFORM, ["ceph"])["ceph"]
    assert found.state == state
    assert said in found.reason


def test_changes() -> None:
    new = {
        "a": ComponentHealth("a", "healthy"),
        "b": ComponentHealth("b", "degraded", reason="x"),
        "c": ComponentHealth("c", "absent"),
        "d": ComponentHealth("d", "absent"),
    }
    changes = health.diff({"a": "healthy", "b": "healthy", "d": "healthy"}, new)
    assert [(c.name, c.old, c.new, c.reason) for c in changes] == [
        ("b", "healthy", "degraded", "x"),
        ("d", "healthy", "absent", ""),
    ]


def test_nodes() -> None:
    pressed = node("worker2")
    pressed["status"]["conditions"].append({"type": "DiskPressure", "status": "True", "message": "disk is full"})
    seen = snapshot(nodes=[node("worker1"), pressed, node("worker3", ready=False, message="no heartbeat")])
    found = health.judge_nodes(seen, ["worker1", "worker4"])
    assert {name: one.state for name, one in found.items()} == {
        "worker1": "healthy",
        "worker2": "degraded",
        "worker3": "unhealthy",
        "worker4": "absent",
    }
    assert found["worker3"].reason == "Kubelet: no heartbeat"


def state(
    previous: str = "ready", nodes: dict[str, NodeHealth] | None = None, platform: Catalog = PLATFORM, **states: str
) -> tuple[str, str]:
    found = {name: ComponentHealth(name, value, reason="why") for name, value in {"dns": "healthy", **states}.items()}
    return health.cluster_state(previous, platform, ["agent"], found, nodes or {})


def test_the_clusters_state_follows() -> None:
    assert state(agent="healthy") == ("ready", "")
    assert state(agent="degraded") == ("degraded", "agent is degraded: why")
    assert state(agent="absent") == ("degraded", "agent is absent: why")
    assert state(agent="healthy", dns="absent") == ("degraded", "dns is absent: why")
    assert state(agent="healthy", stack="unhealthy") == ("ready", "")
    lost = {"worker1": NodeHealth("worker1", "unhealthy", "no heartbeat")}
    assert state(agent="healthy", nodes=lost) == ("degraded", "node worker1: no heartbeat")


def test_what_is_progressing_leaves_the_state_as_it_was() -> None:
    assert state("ready", agent="progressing")[0] == "ready"
    assert state("degraded", agent="progressing") == ("degraded", "recovering: agent is progressing: why")


def test_without_a_reading_all_that_is_known_is_unknown() -> None:
    found = health.unread(PLATFORM, ["agent"], ["stack"], "timeout")
    assert {name: (one.state, one.reason) for name, one in found.items()} == dict.fromkeys(
        ("dns", "agent", "stack"), ("unknown", "timeout")
    )


@given(
    st.lists(
        st.builds(
            lambda phase, waiting, code, restarts, ready: pod(
                "agent-1",
                container(
                    waiting=waiting,
                    ended=None if code is None else {"exitCode": code},
                    restarts=restarts,
                    ready=ready,
                    last=BROKEN if restarts else None,
                ),
                phase=phase,
                ready=ready,
            ),
            st.sampled_from(["Pending", "Running", "Succeeded", "Failed", "Unknown"]),
            st.sampled_from(["", "ContainerCreating", "CrashLoopBackOff", "SomethingNew"]),
            st.none() | st.integers(0, 255),
            st.integers(0, 9),
            st.booleans(),
        ),
        max_size=4,
    ),
    st.integers(0, 4),
    st.integers(0, 4),
)
def test_any_mixture_of_pods_has_a_state_and_a_cause(pods: list[dict[str, Any]], desired: int, ready: int) -> None:
    found = agent(*pods, desired=desired, ready=ready)
    assert found.state in health.ORDER
    assert 0 <= found.ready <= found.desired == desired
    assert bool(found.reason) == (found.state != "healthy")
    if found.state == "unhealthy":
        assert found.ready == 0
