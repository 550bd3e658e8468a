"""The install plan's shape: what is in it, in which order, and that its scripts are sound."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tasks.plan import Action, Plan, PlanError, Script, StepSpec
from tasks.plans import PLANS, make
from tasks.plans.install import PHASES, steps_by_phase
from tasks.plans.scripting import FILES
from tests.tasks.plans.sites import cluster

ARTIFACT = {"artifact": {"file": "3k-artifact.tar.gz"}}
FROM_URL = {"artifact": {"url": "https://files.example.org/3k.tar.gz?a=b", "sha256": "0" * 64}}


def plan(**params: Any) -> Plan:
    return make("install", cluster(), {**ARTIFACT, **params})


def before(made: Plan, key: str) -> set[str]:
    after = {step.key: step.after for step in made.steps}
    found: set[str] = set()
    todo = [key]
    while todo:
        for name in after[todo.pop()]:
            if name not in found:
                found.add(name)
                todo.append(name)
    return found


def scripts(made: Plan) -> dict[str, Script]:
    return {step.key: step.do for step in made.steps if isinstance(step.do, Script)}


def test_every_phase_has_steps_and_all_wait_for_the_preflight() -> None:
    made = plan()
    assert {phase for _, phase in steps_by_phase(made.steps)} == set(PHASES)
    for step in made.steps[1:]:
        assert "preflight" in before(made, step.key), step.key
    assert made.steps[-1].key == "verify"
    assert {step.key for step in made.steps} - {"verify"} == before(made, "verify")


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("artifact-upload", "artifact-unpack"),
        ("ssh-trust", "configuration"),
        ("artifact-unpack", "packages"),
        ("packages", "registry"),
        ("registry-project", "images"),
        ("images", "kubernetes"),
        ("kubernetes", "platform-info"),
        ("charts", "component-loki-stack"),
        ("package-source-config", "component-gpu-operator"),
        ("gpu-driver", "component-gpu-operator"),
        ("component-node-feature-discovery", "component-network-operator"),
        ("component-cert-manager", "component-kserve"),
        ("component-ingress-nginx", "component-kserve"),
    ],
)
def test_order(first: str, then: str) -> None:
    assert first in before(plan(), then)


def test_independent_components_do_not_wait_for_each_other() -> None:
    made = plan()
    assert not {key for key in before(made, "component-volcano") if key.startswith("component-")}


def test_a_phase_alone_keeps_the_order_across_what_is_left_out() -> None:
    made = plan(phases=["registry", "kubernetes"])
    after = {step.key: step.after for step in made.steps}
    assert after == {
        "registry": (),
        "registry-project": ("registry",),
        "kubernetes": ("registry-project",),
        "nodes": ("kubernetes",),
        "kubeconfig": ("kubernetes",),
    }


@pytest.mark.parametrize("phase", PHASES)
def test_each_phase_can_run_alone(phase: str) -> None:
    made = plan(phases=[phase])
    assert made.steps
    assert {name for _, name in steps_by_phase(made.steps)} == {phase}


def test_the_cluster_changes_state_only_where_kubernetes_is_installed() -> None:
    assert (plan().during, plan().success, plan().failure) == ("installing", "ready", "failed")
    assert plan(phases=["charts"]).during == ""


def test_steps_by_key() -> None:
    assert [step.key for step in plan(steps=["coredns", "platform-info"]).steps] == ["platform-info", "coredns"]
    with pytest.raises(PlanError, match="no step 'corends'") as caught:
        plan(steps=["corends"])
    assert caught.value.field == "steps[0]"


def test_choosing_components_adds_what_they_need() -> None:
    made = plan(components=["gpu-operator"])
    assert [s.key for s in made.steps if s.key.startswith("component-")] == [
        "component-node-feature-discovery",
        "component-gpu-operator",
    ]
    verify = made.steps[-1].do
    assert isinstance(verify, Action)
    assert verify.args["components"] == ["node-feature-discovery", "gpu-operator"]


def test_a_need_that_is_switched_off_is_refused_in_words() -> None:
    with pytest.raises(PlanError, match="gpu-operator needs node-feature-discovery, which is switched off") as caught:
        plan(without=["node-feature-discovery"])
    assert caught.value.field == "without"
    keys = {s.key for s in plan(without=["node-feature-discovery", "gpu-operator", "network-operator"]).steps}
    assert not {"component-gpu-operator", "gpu-driver", "package-source"} & keys


@pytest.mark.parametrize(
    ("params", "field", "words"),
    [
        ({"components": ["gpu-opertor"]}, "components", "gpu-opertor"),
        ({"components": ["rook-ceph-cluster"]}, "components", "which disks"),
        ({"without": ["nothing"]}, "without", "nothing"),
        ({"phases": ["imags"]}, "phases[0]", "imags"),
        ({"fases": []}, "fases", "no parameter"),
        ({"artifact": None}, "artifact", "not said"),
        ({"artifact": {"url": "https://x.example/a", "file": "a"}}, "artifact", "one place"),
        ({"artifact": {"url": "https://x.example/a"}}, "artifact.sha256", "checksum"),
        ({"artifact": {"url": "https://u:p@x.example/a", "sha256": "0" * 64}}, "artifact.url", "not usable"),
        ({"artifact": {"url": "file:///etc/passwd", "sha256": "0" * 64}}, "artifact.url", "not usable"),
        ({"artifact": {"file": "../secrets"}}, "artifact.file", "not usable"),
        ({"artifact": {"file": "a/../../b"}}, "artifact.file", "not usable"),
        ({"artifact": {"file": "/etc/passwd"}}, "artifact.file", "not usable"),
        ({"artifact": {"path": "/"}}, "artifact.path", "not usable"),
        ({"artifact": {"path": "/etc"}}, "artifact.path", "not usable"),
        ({"artifact": {"path": "/root/../etc"}}, "artifact.path", "not usable"),
        ({"artifact_directory": "/root/a b"}, "artifact_directory", "not usable"),
        ({"artifact_directory": "/root/$(reboot)"}, "artifact_directory", "not usable"),
        ({"component_timeout": True}, "component_timeout", "type integer"),
        ({"component_timeout": 1}, "component_timeout", "between"),
        ({"ignore_preflight": "swap"}, "ignore_preflight", "type array"),
    ],
)
def test_refused_parameters_name_the_field(params: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(PlanError, match=words) as caught:
        make("install", cluster(), {**ARTIFACT, **params})
    assert caught.value.field == field


def test_unknown_kind_names_the_nearest() -> None:
    with pytest.raises(PlanError, match="instal") as caught:
        make("instal", cluster(), {})
    assert "Did you mean 'install'?" in caught.value.fix


def test_a_cluster_without_control_plane_is_refused() -> None:
    with pytest.raises(PlanError, match="no control-plane host"):
        make("install", cluster({"worker1": ("worker",)}), ARTIFACT)


def test_no_registry_means_charts_from_the_artifact() -> None:
    made = make("install", cluster(private_registry=""), ARTIFACT)
    keys = {step.key for step in made.steps}
    assert not {"registry", "images", "charts", "package-source"} & keys
    assert scripts(made)["component-loki-stack"].env["CHART_SOURCE"] == "file"


def test_a_registry_outside_of_the_cluster_is_checked_and_not_installed() -> None:
    roles = {"master1": ("etcd", "control-plane"), "worker1": ("worker",)}
    made = make("install", cluster(roles), ARTIFACT)
    assert "kk init" not in scripts(made)["registry"].apply
    assert "package-source" not in {step.key for step in made.steps}


def test_the_package_source_is_copied_to_a_registry_elsewhere() -> None:
    roles = {"master1": ("etcd", "control-plane"), "store1": ("registry",), "worker1": ("worker",)}
    made = make("install", cluster(roles), ARTIFACT)
    steps = {step.key: step for step in made.steps}
    assert steps["package-source"].hosts == ("store1",)
    assert "package-source-copy" in steps["package-source"].after


@pytest.mark.parametrize("name", ["reg;reboot", "$(reboot)", "a b", "reg\nx", "-reg"])
def test_a_registry_that_is_no_host_name_is_refused(name: str) -> None:
    with pytest.raises(PlanError) as caught:
        make("install", cluster(private_registry=name), ARTIFACT)
    assert caught.value.field == "private_registry"


def test_settings_never_stand_in_a_script() -> None:
    hostile = "x'; touch /tmp/hostile; echo \"$(id)\" '"
    made = make("install", cluster(storage_class=hostile, object_store_bucket=hostile), ARTIFACT)
    info = scripts(made)["platform-info"]
    assert info.env["STORAGE_CLASS"] == hostile
    assert all(hostile not in phase for phase in (info.probe, info.apply, info.verify))
    with pytest.raises(PlanError, match="control characters"):
        make("install", cluster(storage_class="a\nb=c"), ARTIFACT)


def test_secrets_are_only_named() -> None:
    made = plan()
    named = {name for do in scripts(made).values() for name in do.secrets.values()}
    assert named == {"access-key", "registry-password"}
    for step in made.steps:
        assert StepSpec.from_json(json.loads(json.dumps(step.to_json()))) == step
    # A secret in a program's arguments could be read by anyone on the host.
    for do in scripts(made).values():
        for phase in (do.probe, do.apply, do.verify):
            for line in phase.splitlines():
                if "$REGISTRY_PASSWORD" in line or "$ACCESS_KEY" in line:
                    assert "printf" in line or "[ " in line, line


def test_every_script_can_tell_whether_it_is_needed() -> None:
    """But for those that wait or that the tool itself makes cheap to repeat."""
    blind = {key for key, do in scripts(plan()).items() if not do.probe}
    assert blind == {"nodes"}


def test_every_plan_kind_describes_its_parameters() -> None:
    for kind in PLANS.values():
        assert kind.title and kind.description
        for name, rule in kind.params.items():
            assert rule["type"] in ("string", "array", "object", "integer", "boolean"), name
            assert rule["description"], name


def test_preflight_and_check_change_nothing() -> None:
    assert not make("preflight", cluster(), {}).mutating
    assert not make("check", cluster(), {}).mutating
    assert make("preflight", cluster(), {"components": ["volcano"]}).steps[0].key == "preflight"


def every_script() -> dict[str, str]:
    roles = {"master1": ("etcd", "control-plane"), "store1": ("registry",), "worker1": ("worker",)}
    found = {f"file {name}": text for name, text in FILES.items()}
    for made in (
        plan(),
        make("install", cluster(roles), FROM_URL),
        make("install", cluster(private_registry=""), {"artifact": {"path": "/root/3k/artifact"}}),
    ):
        for key, do in scripts(made).items():
            for phase in ("probe", "apply", "verify"):
                if text := getattr(do, phase):
                    found[f"{key} {phase}"] = text
    return found


@pytest.mark.parametrize("shell", ["sh", "dash", "bash"])
def test_every_script_is_sound_shell(shell: str, tmp_path: Path) -> None:
    if not shutil.which(shell):
        pytest.skip(f"no {shell} here")
    for name, text in every_script().items():
        file = tmp_path / "script"
        file.write_text(text)
        checked = subprocess.run([shell, "-n", str(file)], capture_output=True, text=True)
        assert checked.returncode == 0, f"{name}: {checked.stderr}"
        assert not checked.stderr, f"{name}: {checked.stderr}"
