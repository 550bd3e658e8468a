"""Components upgraded by chart version, on hosts with the SIMULATED toolchain."""

from __future__ import annotations

import json

import pytest

from tasks import services
from tasks.models import OperationState, Outcome
from tests.ceph.conftest import Site
from tests.installed import stored
from tests.tasks.test_driving import finish
from tests.workers import Fleet, until

pytestmark = [pytest.mark.integration, pytest.mark.lab]
# A newer chart of NAME: a default more and another one, and a further definition where it has some.
NEWER = r"""set -e
file=$(ls helm-charts/NAME-[0-9]*.tgz); mkdir /tmp/chart; tar -xzf "$file" -C /tmp/chart; cd /tmp/chart/NAME
sed -i 's/^version: .*/version: VERSION/; s/^appVersion: .*/appVersion: vVERSION/' Chart.yaml
grep -q fresh values.yaml || printf 'fresh: {enabled: true}\n' >>values.yaml
sed -i 's/replicas: 2/replicas: 3/' values.yaml
old=crds/clonesets.apps.kruise.io.yaml
[ ! -e $old ] || sed 's/clonesets/clonesetnews/g; s/CloneSet/CloneSetNew/g; s/- clone$/- cln/' $old >crds/new.yaml
cd - && rm "$file" && tar -czf helm-charts/NAME-VERSION.tgz -C /tmp/chart NAME && rm -r /tmp/chart
"""
# Its image is one that the registry does not have; then one that it has.
CHANGED = r"""set -e
mkdir /tmp/chart; tar -xzf helm-charts/kruise-1.5.0.tgz -C /tmp/chart
sed -i 's/kruise-manager:OLD/kruise-manager:NEW/' /tmp/chart/kruise/templates/*
tar -czf helm-charts/kruise-1.5.0.tgz -C /tmp/chart kruise; rm -r /tmp/chart
"""
BROKEN = CHANGED.replace("OLD", "v1.4.0").replace("NEW", "v1.5.0")
MENDED = CHANGED.replace("OLD", "v1.5.0").replace("NEW", "v1.4.0")
HISTORY = "helm history kruise -n kruise -o json"


def newer(site: Site, name: str, version: str) -> None:
    site.sh(NEWER.replace("NAME", name).replace("VERSION", version))


@pytest.mark.timeout(900)
def test_components_are_upgraded(site: Site, fleet: Fleet) -> None:
    nothing = site.start("upgrade-components")
    assert finish(nothing, fleet, 120) == OperationState.SUCCEEDED, str(nothing.error)
    assert nothing.steps.get(key="upgrade-kruise").outcome == Outcome.ALREADY
    newer(site, "kruise", "1.5.0")
    newer(site, "node-feature-discovery", "0.13.0")
    site.sh(BROKEN)
    site.sh("printf 'manager: {password: hunter2, log: debug}\\n' >>deploy/values/kruise.yaml")
    the_plan_shows_what_would_change(site, fleet)
    a_failed_upgrade_goes_back_and_says_why(site, fleet)
    a_killed_helm_is_mended_by_the_retry(site, fleet)
    a_cancelled_upgrade_goes_on(site, fleet)
    what_is_older_is_refused(site, fleet)


def revisions(site: Site) -> list[tuple[int, str, str]]:
    return [(row["revision"], row["status"], row["chart"]) for row in json.loads(site.sh(HISTORY))]


def the_plan_shows_what_would_change(site: Site, fleet: Fleet) -> None:
    looked = site.start("upgrade-components", dry_run=True)
    assert finish(looked, fleet, 60) == OperationState.SUCCEEDED, str(looked.error)
    rows = {row["component"]: row for row in looked.steps.get(key="compare").result["components"]}
    assert {name: row["action"] for name, row in rows.items()} == dict.fromkeys(rows, "upgrade")
    kruise = rows["kruise"]
    assert kruise["chart"] == {"now": "1.4.0", "then": "1.5.0"}
    assert kruise["app"] == {"now": "1.4.0", "then": "v1.5.0"}
    assert kruise["values"] == [
        {"path": "manager.log", "now": None, "then": "debug"},
        {"path": "manager.password", "now": None, "then": "[redacted]"},
    ]
    assert {"path": "fresh.enabled", "now": None, "then": "true"} in kruise["defaults"]
    assert {"path": "manager.replicas", "now": "2", "then": "3"} in kruise["defaults"]
    assert "hunter2" not in stored(looked, "compare")
    assert looked.steps.get(key="upgrade-kruise").outcome == Outcome.WOULD_CHANGE
    assert [status for _, status, _ in revisions(site)] == ["deployed"]


def a_failed_upgrade_goes_back_and_says_why(site: Site, fleet: Fleet) -> None:
    broken = site.start("upgrade-components", components=["kruise"], component_timeout=10)
    assert finish(broken, fleet, 120) == OperationState.FAILED
    assert "kruise was not upgraded to 1.5.0: timed out" in str(broken.error), str(broken.error)
    assert "It is back at chart 1.4.0" in str(broken.error)
    assert "ImagePullBackOff" in stored(broken, "upgrade-kruise")
    # The definitions come first, because helm does not change them.
    assert site.sh("kubectl get crd clonesetnews.apps.kruise.io -o name")
    assert [status for _, status, _ in revisions(site)] == ["superseded", "failed", "deployed"]
    # Left as it is where that is asked for; what the last revision was that worked is known nevertheless.
    kept = site.start("upgrade-components", components=["kruise"], component_timeout=10, on_failure="keep")
    assert finish(kept, fleet, 120) == OperationState.FAILED
    assert "deploy rollback kruise --revision 3" in str(kept.error), str(kept.error)
    assert [status for _, status, _ in revisions(site)][2:] == ["deployed", "failed"]
    site.sh(MENDED)


def a_killed_helm_is_mended_by_the_retry(site: Site, fleet: Fleet) -> None:
    site.fault({"at": "helm:upgrade", "match": "kruise", "do": "half", "times": 1})
    operation = site.start("upgrade-components", on_failure="keep")
    assert finish(operation, fleet, 120) == OperationState.FAILED
    assert "as when it is killed" in str(operation.error), str(operation.error)
    assert operation.steps.get(key="upgrade-node-feature-discovery").outcome == Outcome.CHANGED
    assert revisions(site)[-1][1:] == ("pending-upgrade", "kruise-1.5.0")
    services.request_retry(operation, actor="test")
    assert finish(operation, fleet, 120) == OperationState.SUCCEEDED, str(operation.error)
    assert "was left pending-upgrade" in stored(operation, "upgrade-kruise")
    assert operation.steps.get(key="upgrade-node-feature-discovery").outcome == Outcome.ALREADY
    assert revisions(site)[-1][1:] == ("deployed", "kruise-1.5.0")
    assert json.loads(site.sh("helm get values kruise -n kruise -o json"))["manager"]["log"] == "debug"


def a_cancelled_upgrade_goes_on(site: Site, fleet: Fleet) -> None:
    newer(site, "kruise", "1.6.0")
    site.fault({"at": "helm:upgrade", "match": "kruise", "do": "hang", "times": 1})
    operation = site.start("upgrade-components")
    until(lambda: revisions(site)[-1][1] == "pending-upgrade", 60)
    services.request_cancel(operation, actor="test")
    assert finish(operation, fleet, 60) == OperationState.CANCELLED
    services.request_retry(operation, actor="test")
    assert finish(operation, fleet, 120) == OperationState.SUCCEEDED, str(operation.error)
    assert revisions(site)[-1][1:] == ("deployed", "kruise-1.6.0")


def what_is_older_is_refused(site: Site, fleet: Fleet) -> None:
    newer(site, "kruise", "1.5.9")
    alone = site.start("upgrade-components")
    assert finish(alone, fleet, 60) == OperationState.SUCCEEDED
    assert alone.steps.get(key="upgrade-kruise").outcome == Outcome.ALREADY
    refused = site.start("upgrade-components", components=["kruise"])
    assert finish(refused, fleet, 60) == OperationState.FAILED
    assert "the artifact's 1.5.9 is older" in str(refused.error)
    asked = site.start("upgrade-components", components=["kruise"], downgrade=True)
    assert finish(asked, fleet, 60) == OperationState.SUCCEEDED, str(asked.error)
    assert revisions(site)[-1][1:] == ("deployed", "kruise-1.5.9")
