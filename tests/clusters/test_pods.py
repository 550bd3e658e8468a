"""STATUS and READY as kubectl prints them."""

from __future__ import annotations

from typing import Any

import pytest

from clusters.pods import columns, pods_table
from clusters.readings import pod_from
from tests.clusters.api_objects import NOW, container, pod


def with_init(*init: dict[str, Any], sidecar: str = "", **more: Any) -> dict[str, Any]:
    made = pod("p", container(waiting="PodInitializing"), phase="Pending", **more)
    made["spec"]["initContainers"] = [
        {"name": c["name"], **({"restartPolicy": "Always"} if c["name"] == sidecar else {})} for c in init
    ]
    made["status"]["initContainerStatuses"] = list(init)
    return made


def deleted(made: dict[str, Any]) -> dict[str, Any]:
    made["metadata"]["deletionTimestamp"] = "2026-03-01T12:00:00Z"
    return made


DONE = {"reason": "Completed", "exitCode": 0}


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (pod("p"), (1, "Running", 0)),
        (pod("p", container(), phase="Pending"), (0, "Pending", 0)),
        (pod("p", container(waiting="ContainerCreating"), phase="Pending"), (0, "ContainerCreating", 0)),
        (pod("p", container(waiting="CrashLoopBackOff", restarts=7)), (0, "CrashLoopBackOff", 7)),
        (pod("p", container("a", ready=True), container("b", waiting="ErrImagePull")), (1, "ErrImagePull", 0)),
        (pod("p", container("a", waiting="ErrImagePull"), container("b", waiting="X")), (0, "ErrImagePull", 0)),
        (pod("p", container(ended=DONE), phase="Succeeded"), (0, "Completed", 0)),
        (pod("p", container(ended={"exitCode": 3}), phase="Failed"), (0, "ExitCode:3", 0)),
        (pod("p", container(ended={"exitCode": 137, "signal": 9}), phase="Failed"), (0, "Signal:9", 0)),
        (pod("p", container("a", ended=DONE), container("b", ready=True), ready=True), (1, "Running", 0)),
        (pod("p", container("a", ended=DONE), container("b", ready=True), ready=False), (1, "NotReady", 0)),
        (pod("p", container(), phase="Failed", reason="Evicted"), (0, "Evicted", 0)),
        (deleted(pod("p")), (1, "Terminating", 0)),
        (deleted(pod("p", reason="NodeLost")), (1, "Unknown", 0)),
        (deleted(pod("p", container(ended=DONE), phase="Succeeded")), (0, "Completed", 0)),
        (with_init(container("a", ended=DONE), container("b", running=3)), (0, "Init:1/2", 0)),
        (with_init(container("a", waiting="CrashLoopBackOff", restarts=2)), (0, "Init:CrashLoopBackOff", 2)),
        (with_init(container("a", waiting="PodInitializing")), (0, "Init:0/1", 0)),
        (with_init(container("a", ended={"exitCode": 1})), (0, "Init:ExitCode:1", 0)),
        (with_init(container("a", ended={"exitCode": 1, "reason": "Error"})), (0, "Init:Error", 0)),
        (with_init(container("a", ended=DONE, restarts=1)), (0, "PodInitializing", 0)),
        (with_init(container("s", ready=True, restarts=1), sidecar="s"), (1, "PodInitializing", 1)),
        (
            pod("p", container(), phase="Pending",
                conditions=[{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]),
            (0, "SchedulingGated", 0),
        ),
    ],
)  # fmt: skip
def test_columns(given: dict[str, Any], shown: tuple[int, str, int]) -> None:
    assert columns(pod_from(given)) == shown


def test_the_table_is_in_order_and_counts_sidecars() -> None:
    made = pod("b", container(ready=True), namespace="x", age=125)
    made["spec"]["initContainers"] = [{"name": "s", "restartPolicy": "Always"}]
    made["status"]["initContainerStatuses"] = [container("s", ready=True)]
    rows = pods_table([pod_from(made), pod_from(pod("a", namespace="x")), pod_from(pod("z", namespace="a"))], NOW)
    assert [(row["namespace"], row["name"]) for row in rows] == [("a", "z"), ("x", "a"), ("x", "b")]
    assert rows[2] == {
        "namespace": "x",
        "name": "b",
        "ready": "2/2",
        "status": "Running",
        "restarts": 0,
        "age_seconds": 125,
        "ip": "10.233.64.9",
        "node": "worker1",
    }
