"""Another access key in the cluster: the agent starts anew with it, and a retry goes on behind any failure."""

from __future__ import annotations

import json
from typing import Any

import pytest

from clusters import registry
from clusters.models import AccessKey
from tasks import services
from tasks.models import OperationState, Outcome, StepState
from tests.rotate.conftest import Site, stored
from tests.tasks.driven import finish
from tests.workers import until

pytestmark = [pytest.mark.integration, pytest.mark.lab]
# Deployments as the platform's agent has them; the second one does not read the key, but comes with it.
AGENT = """apiVersion: apps/v1
kind: Deployment
metadata: {name: %s, namespace: cpod-system}
spec:
  selector: {matchLabels: {app: %s}}
  template:
    metadata: {labels: {app: %s}}
    spec: {containers: [{name: manager, image: example.test/manager:v1}]}"""
NAMES = ("cpodmanager", "cpodoperator")


def get(site: Site, *words: str) -> Any:
    return json.loads(site.sh(f"kubectl get {' '.join(words)} -n cpod-system -o json"))


def pods(site: Site) -> set[str]:
    return {one["metadata"]["uid"] for one in get(site, "pods")["items"]}


def test_the_agent_starts_anew_with_the_key_that_the_cluster_belongs_to(site: Site) -> None:
    first = site.cluster.access_key
    started = site.run("rotate-access-key")
    assert started.state == OperationState.SUCCEEDED, started.error
    assert get(site, "configmap", "cpod-info")["data"]["access_key"] == first.value
    for name in NAMES:
        site.sh(f"kubectl apply -f - <<'END'\n{AGENT % (name, name, name)}\nEND")
        site.sh(f"kubectl rollout status deployment/{name} -n cpod-system --timeout=60s")
    before = pods(site)

    second, value = AccessKey.objects.issue(first.customer)
    registry.hand_over(site.cluster, second)
    # A pod of the agent does not come up: the key is in the cluster, and it is said what does not run.
    site.fault({"at": "pod", "match": "cpod-system/cpodoperator-*", "do": "crashloop", "message": "no such bucket"})
    operation = site.run("rotate-access-key", component_timeout=10)
    assert operation.state == OperationState.FAILED
    assert operation.error["step"] == "restart"
    assert "cpodoperator in cpod-system did not come up" in operation.error["message"]
    assert get(site, "configmap", "cpod-info")["data"]["access_key"] == value
    # It is tried again and cancelled while it waits.
    services.request_retry(operation, actor="test")
    until(lambda: operation.steps.get(key="restart").state == StepState.RUNNING)
    services.request_cancel(operation, actor="test")
    assert finish(operation, site.fleet) == OperationState.CANCELLED
    site.fault()

    assert site.retry(operation) == OperationState.SUCCEEDED, operation.error
    assert operation.steps.get(key="platform-info").outcome == Outcome.ALREADY
    for one in get(site, "deployments")["items"]:
        assert one["spec"]["template"]["metadata"]["annotations"] == {"sanqian.dev/access-key": second.prefix}
        assert one["status"]["readyReplicas"] == 1
    assert not before & pods(site)
    assert value not in stored(operation) and first.value not in stored(operation)
    again = site.run("rotate-access-key")
    assert {step.outcome for step in again.steps.all()} == {Outcome.ALREADY}
