from __future__ import annotations

import pytest

from clusters import catalog
from clusters.catalog import CatalogError, WorkloadRule

OFF = {
    "infiniband-exporter",
    "image-preload",
    "kubernetes-dashboard",
    "dashboard-admin-sa",
    "rook-ceph",
    "rook-ceph-cluster",
    "ceph-csi-cephfs",
}


def test_the_platform_is_whole() -> None:
    names = {entry.name for entry in catalog.load().installable}
    assert names == OFF | {
        *("node-feature-discovery", "gpu-operator", "network-operator", "training-operator", "mpi-operator"),
        *("kube-prometheus-stack", "cpodoperator", "juicefs-csi-driver", "loki-stack", "kruise", "volcano"),
        *("sxcloud", "downloader-rbac", "shared-pv", "ingress-nginx", "cert-manager", "kserve", "opencost"),
    }


def test_defaults_leave_out_what_is_off() -> None:
    chosen = [entry.name for entry in catalog.load().choose()]
    assert set(chosen) == {entry.name for entry in catalog.load().installable} - OFF


def test_what_is_needed_comes_first_and_is_added() -> None:
    chosen = [entry.name for entry in catalog.load().choose(["kserve", "infiniband-exporter"])]
    assert set(chosen) == {
        *("kserve", "ingress-nginx", "cert-manager"),
        *("infiniband-exporter", "network-operator", "node-feature-discovery"),
    }
    assert chosen.index("kserve") > chosen.index("cert-manager")
    assert chosen.index("infiniband-exporter") > chosen.index("network-operator")
    assert chosen.index("network-operator") > chosen.index("node-feature-discovery")


def test_nothing_chosen_is_nothing() -> None:
    assert catalog.load().choose([]) == ()


def test_what_installing_needs() -> None:
    platform = catalog.load()
    volcano = platform["volcano-development"]
    assert (volcano.name, volcano.create, volcano.namespace) == ("volcano", True, "volcano-system")
    assert volcano.manifest_file == "deploy/yaml_apps/volcano-development.yaml"
    stack = platform["kube-prometheus-stack"]
    assert (stack.chart, stack.values_file) == (
        "kube-prometheus-stack",
        "deploy/values/kube-prometheus-stack.yaml",
    )
    assert list(stack.health.parts) == ["prometheus", "alertmanager", "grafana"]
    assert platform["kruise"].namespaces == ("kruise", "kruise-system")
    assert platform["shared-pv"].namespaces == ()
    assert platform["rook-ceph-cluster"].sets["cephClusterSpec.storage.useAllDevices"] == "false"
    assert platform["cert-manager"].health.webhooks == ("cert-manager-webhook",)


def test_unknown_names_are_answered_with_the_nearest() -> None:
    with pytest.raises(CatalogError, match="'gpu-operater', 'nonsense-xyz'") as caught:
        catalog.load().choose(["gpu-operater", "kruise", "nonsense-xyz"])
    assert "'gpu-operator' instead of 'gpu-operater'" in caught.value.fix
    assert caught.value.names == ("gpu-operater", "nonsense-xyz")


def test_what_comes_with_kubernetes_cannot_be_chosen() -> None:
    with pytest.raises(CatalogError, match="'coredns'"):
        catalog.load().choose(["coredns"])


def test_workload_rules() -> None:
    assert WorkloadRule.parse("deployment|statefulset/a-*?") == WorkloadRule(("deployment", "statefulset"), "a-*", True)
    for wrong in ("a", "job/a", "deployment/"):
        with pytest.raises(CatalogError, match="no workload rule"):
            WorkloadRule.parse(wrong)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{a: {title: A, kind: rpm}}", "'rpm' is not known"),
        ("{a: {title: A}}", "'kind' is missing"),
        ("{a: {title: A, kind: helm, namespce: x}}", "'namespce' is not known"),
        ("{a: {title: A, kind: helm, needs: [b]}}", "needs 'b'"),
        ("{a: {title: A, kind: helm, needs: [b]}, b: {title: B, kind: builtin}}", "needs 'b'"),
        ("{a: {title: A, kind: helm, needs: [b]}, b: {title: B, kind: helm, needs: [a]}}", "need each other"),
        ("{a: {title: A, kind: helm}, b: {title: B, kind: helm, aliases: [a]}}", "called 'a'"),
        (
            "{a: {title: A, kind: helm, health: {objects: [{api: v1, resource: x, states: {X: good}}]}}}",
            "'good' is no state",
        ),
    ],
)
def test_a_catalogue_that_contradicts_itself(text: str, said: str) -> None:
    with pytest.raises(CatalogError, match=said):
        catalog.parse(f"components: {text}")
