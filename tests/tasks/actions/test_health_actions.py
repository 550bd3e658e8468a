"""The steps that read health, against a real HTTPS server (SIMULATED Kubernetes) and PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from clusters.models import AccessKey, Cluster, ClusterState, Component
from tasks import actions
from tasks.actions import health
from tasks.actions.base import ActionFailed, Context, Done, Wait
from tasks.models import Operation, Step
from tests.clusters.api_objects import container, pod, warning, workload
from tests.clusters.api_server import Api
from tests.clusters.conftest import api  # noqa: F401 - a fixture

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

Make = Callable[..., Context]


@pytest.fixture
def context(access_key: AccessKey, api: Api) -> Make:  # noqa: F811
    """Makes the context of a step; what it logs is in ``ctx.memory["test-log"]``."""
    cluster = Cluster.objects.create(
        access_key=access_key, name="c", state=ClusterState.INSTALLING, kubeconfig=api.kubeconfig()
    )
    operation = Operation.objects.create(cluster=cluster, kind="install")
    step = Step.objects.create(operation=operation, key="verify", position=0, title="Verify", spec={})

    def make(**args: Any) -> Context:
        memory: dict[str, Any] = {"test-log": []}
        return Context(
            cluster=cluster,
            operation=operation,
            step=step,
            args=args,
            dry_run=False,
            nodes=[],
            memory=memory,
            log=memory["test-log"].append,
            progress=lambda percent, note: memory.update(progress=(percent, note)),
            deadline=time.monotonic() + 15,
        )

    return make


def install(api: Api, name: str, *containers: dict[str, Any], ready: int = 1, age: float = 3600) -> None:  # noqa: F811
    api.put("deployments", workload("deployment", name, namespace=name, app=name, ready=ready, age=age))
    api.put("pods", pod(f"{name}-1", *containers, namespace=name, app=name, age=age))


def verify(ctx: Context) -> Done | Wait:
    return actions.find("verify-components").run(ctx)


def test_healthy_components_end_the_step(context: Make, api: Api) -> None:  # noqa: F811
    install(api, "opencost")
    ctx = context(components=["opencost"])
    done = verify(ctx)
    assert isinstance(done, Done)
    assert done.result["components"]["opencost"]["state"] == "healthy"
    assert ctx.memory["progress"] == (100, "1 of 1 components are healthy")
    assert ctx.memory["test-log"] == ["opencost: healthy 1/1"]
    assert ctx.cluster.components.get(name="opencost").state == "healthy"
    assert ctx.cluster.observation.reachable


def test_what_is_on_its_way_is_waited_for(context: Make, api: Api) -> None:  # noqa: F811
    install(api, "opencost", container(waiting="ContainerCreating"), ready=0, age=20)
    ctx = context(components=["opencost"])
    found = verify(ctx)
    assert isinstance(found, Wait)
    assert "0 of 1 are healthy; opencost: deployment opencost 0/1" in found.note
    install(api, "opencost")
    assert isinstance(verify(ctx), Done)


def test_a_lasting_fault_fails_the_step_with_cause_and_log(
    context: Make,
    api: Api,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    last = {"reason": "Error", "exitCode": 1, "message": "no licence"}
    install(api, "opencost", container(waiting="CrashLoopBackOff", restarts=4, last=last), ready=0)
    api.put("events", warning("Pod", "opencost-1", "BackOff", "restarting", namespace="opencost"))
    ctx = context(components=["opencost"])
    assert isinstance(verify(ctx), Wait)
    monkeypatch.setattr(health, "PATIENCE", 0.0)
    with pytest.raises(ActionFailed) as caught:
        verify(ctx)
    assert caught.value.message.startswith(
        "1 of 1 components are not healthy. opencost is unhealthy: deployment opencost 0/1: "
        "pod opencost-1: container main: CrashLoopBackOff; last exit code 1: no licence (log: "
    )
    assert caught.value.kind == "unhealthy"
    assert caught.value.result["components"]["opencost"]["log"]
    assert "--- opencost: last lines of its log" in ctx.memory["test-log"]
    assert Component.objects.get(name="opencost").state == "unhealthy"


def test_a_fault_that_passes_is_forgotten(context: Make, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    install(api, "opencost", container(waiting="ErrImagePull"), ready=0)
    ctx = context(components=["opencost"])
    verify(ctx)
    assert list(ctx.memory["at_fault"]) == ["opencost"]
    install(api, "opencost")
    verify(ctx)
    assert ctx.memory["at_fault"] == {}


def test_time_is_up(context: Make) -> None:
    ctx = context(components=["opencost", "kruise"], timeout=0.001)
    ctx.memory["began"] = time.time() - 1
    with pytest.raises(ActionFailed, match=r"2 of 2 .*opencost is absent: not installed \| kruise is absent"):
        verify(ctx)


def test_an_api_that_does_not_answer(context: Make, api: Api) -> None:  # noqa: F811
    api.stop()
    ctx = context(components=["opencost"])
    assert isinstance(verify(ctx), Wait)
    ctx.memory["began"] -= 10_000
    with pytest.raises(ActionFailed) as caught:
        verify(ctx)
    assert caught.value.kind == "unreachable"


def test_an_unknown_component(context: Make) -> None:
    with pytest.raises(ActionFailed, match="'opencosts'") as caught:
        verify(context(components=["opencosts"]))
    assert not caught.value.again
    assert "'opencost'" in caught.value.fix


def test_check_health_tells_what_it_read(context: Make, api: Api) -> None:  # noqa: F811
    install(api, "opencost")
    ctx = context()
    done = actions.find("check-health").run(ctx)
    assert isinstance(done, Done)
    assert done.result["components"]["opencost"] == {"state": "healthy", "reason": ""}
    assert "opencost: healthy 1/1" in ctx.memory["test-log"]


def test_check_health_of_a_cluster_that_does_not_answer(context: Make, api: Api) -> None:  # noqa: F811
    api.stop()
    with pytest.raises(ActionFailed) as caught:
        actions.find("check-health").run(context())
    assert caught.value.kind == "unreachable"


def test_check_health_without_a_kubeconfig(context: Make) -> None:
    ctx = context()
    ctx.cluster.kubeconfig = ""
    with pytest.raises(ActionFailed, match="no kubeconfig yet") as caught:
        actions.find("check-health").run(ctx)
    assert not caught.value.again
