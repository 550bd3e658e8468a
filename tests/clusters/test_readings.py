from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusters import readings
from clusters.snapshot import selects
from tests.clusters.api_objects import node


@pytest.mark.parametrize(
    ("text", "value"),
    [("3920m", 3.92), ("16Gi", 16 * 2**30), ("1e3", 1000), ("5k", 5000), ("2", 2), (8, 8), (None, 0), ("x", 0)],
)
def test_quantities(text: str | int | None, value: float) -> None:
    assert readings.quantity(text) == pytest.approx(value)


@given(st.text(max_size=20))
def test_any_quantity_is_a_number(text: str) -> None:
    assert isinstance(readings.quantity(text), float)


@given(st.text(max_size=40))
def test_any_time_stamp_is_aware_or_nothing(text: str) -> None:
    found = readings.moment(text)
    assert found is None or found.tzinfo is not None


def test_a_gpu_node() -> None:
    labels = {
        "node-role.kubernetes.io/control-plane": "",
        "node-role.kubernetes.io/worker": "",
        "nvidia.com/gpu.product": "NVIDIA-A100-SXM4-80GB",
        "nvidia.com/gpu.count": "8",
    }
    found = readings.node_from(
        node(
            "worker1",
            labels=labels,
            capacity={"cpu": "96", "memory": "1056458348Ki", "nvidia.com/gpu": "7"},
            allocatable={"nvidia.com/gpu": "6"},
            nodeInfo={"kubeletVersion": "v1.24.3"},
            addresses=[{"type": "Hostname", "address": "worker1"}, {"type": "InternalIP", "address": "10.0.0.4"}],
        )
    )
    assert (found.roles, found.cpu, found.memory) == (("control-plane", "worker"), 96, 1056458348 * 1024)
    assert found.to_json()["gpus"] == {"product": "NVIDIA-A100-SXM4-80GB", "count": 8, "allocatable": 6}
    assert (found.kubelet_version, found.internal_ip) == ("v1.24.3", "10.0.0.4")


def test_without_the_label_the_capacity_counts() -> None:
    assert readings.node_from(node("w", capacity={"nvidia.com/gpu": "4"})).gpus == 4


def test_the_latest_revision_of_a_release() -> None:
    def secret(version: int, status: str) -> dict[str, Any]:
        return {"metadata": {"namespace": "n", "labels": {"name": "r", "version": str(version), "status": status}}}

    (found,) = readings.releases_from([secret(9, "superseded"), secret(10, "deployed"), secret(2, "failed")])
    assert (found.name, found.revision, found.status) == ("r", 10, "deployed")


@pytest.mark.parametrize("read", [readings.node_from, readings.pod_from, readings.event_from, readings.endpoints_from])
def test_an_empty_object_is_read(read: Any) -> None:
    assert read({})
    assert read({"metadata": None, "spec": None, "status": None})


@pytest.mark.parametrize(
    ("expression", "fits"),
    [
        ({"key": "a", "operator": "In", "values": ["1", "2"]}, True),
        ({"key": "a", "operator": "NotIn", "values": ["1"]}, False),
        ({"key": "a", "operator": "Exists"}, True),
        ({"key": "b", "operator": "DoesNotExist"}, True),
        ({"key": "a", "operator": "Gt", "values": ["0"]}, False),
    ],
)
def test_selectors(expression: dict[str, Any], fits: bool) -> None:
    assert selects({"matchExpressions": [expression]}, {"a": "1"}) is fits
    assert not selects({"matchLabels": {"a": "2"}, "matchExpressions": [expression]}, {"a": "1"})
