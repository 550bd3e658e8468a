"""The components' scripts, run by a real shell; helm and kubectl are SIMULATED by small programs that keep notes."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from clusters import releases
from tasks.plan import Script
from tasks.plans.scripting import FILES, script

# Keeps "status revision" in $NOTES/release; says what it was asked to do in $NOTES/asked.
HELM = """#!/bin/sh
[ "$1" = status ] || echo "$*" >>"$NOTES/asked"
read -r status revision <"$NOTES/release" 2>/dev/null || status=
case $1 in
  status) [ -n "$status" ] || { echo "Error: release: not found" >&2; exit 1; }
    printf '{"name":"x","info":{"status": "%s","notes":"a"},"version": %s}' "$status" "$revision" ;;
  upgrade) [ -z "$status" ] || [ "$status" = deployed ] || { echo "Error: operation in progress" >&2; exit 1; }
    echo "deployed $((revision + 1))" >"$NOTES/release" ;;
  uninstall) rm "$NOTES/release" ;;
  rollback) echo "deployed $((revision + 1))" >"$NOTES/release" ;;
esac
"""
# Answers each call with the next line of $NOTES/answers: "exit code, text"; with nothing left, 0.
KUBECTL = """#!/bin/sh
echo "$*" >>"$NOTES/asked"
line=$(head -n 1 "$NOTES/answers" 2>/dev/null)
[ -n "$line" ] || exit 0
sed -i 1d "$NOTES/answers"
echo "${line#* }"
exit "${line%% *}"
"""


@dataclass
class Place:
    path: Path

    def run(self, do: Script, phase: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-eu", "-c", getattr(do, phase)],
            env={"PATH": os.environ["PATH"], "NOTES": str(self.path), "SANQIAN_HOST": "master1", **do.env, **env},
            capture_output=True,
            text=True,
            timeout=60,
        )

    @property
    def asked(self) -> list[str]:
        file = self.path / "asked"
        return file.read_text().splitlines() if file.exists() else []

    def env(self, name: str, **more: str) -> dict[str, str]:
        common = {"ARTIFACT": str(self.path / "artifact"), "STATE": str(self.path / "state"), "NAME": name}
        return {**common, "NEEDS": "", "WAIT": "1", **more}

    def helm(self, name: str = "loki", sets: str = "", source: str = "harbor") -> Script:
        values = f"deploy/values/{name}.yaml"
        env = self.env(name, NAMESPACE=name, CHART=name, VALUES=values, SETS=sets, CHART_SOURCE=source, MORE_VALUES="")
        return script("component-helm", "component-needs", env=env)

    def manifest(self, create: bool = False) -> Script:
        env = self.env("volcano", NAMESPACES="volcano-system", MANIFEST="deploy/volcano.yaml")
        return script("component-manifest", "component-needs", env={**env, "CREATE": "yes" if create else "no"})


@pytest.fixture
def place(tmp_path: Path) -> Place:
    for directory in ("artifact/bin", "artifact/helm-charts", "artifact/deploy/values"):
        (tmp_path / directory).mkdir(parents=True)
    for name, text in (("helm", HELM), ("kubectl", KUBECTL)):
        program = tmp_path / "artifact/bin" / name
        program.write_text(text)
        program.chmod(0o755)
    (tmp_path / "artifact/helm-charts/loki-2.9.1.tgz").write_text("chart")
    (tmp_path / "artifact/helm-charts/loki-canary-1.0.0.tgz").write_text("another chart")
    (tmp_path / "artifact/deploy/values/loki.yaml").write_text("a: b\n")
    (tmp_path / "artifact/deploy/volcano.yaml").write_text("kind: x\n")
    return Place(tmp_path)


def test_a_release_is_installed_once(place: Place) -> None:
    do = place.helm(sets="a.b=c d\ne=$(id)")
    assert place.run(do, "probe").returncode != 0
    assert place.run(do, "apply").returncode == 0
    assert place.asked == [
        "upgrade --install loki harbor/loki -n loki --create-namespace --timeout 1s -f deploy/values/loki.yaml "
        "--set a.b=c d --set e=$(id)"
    ]
    assert place.run(do, "verify").returncode == 0
    assert place.run(do, "probe").returncode == 0


@pytest.mark.parametrize("what", ["artifact/helm-charts/loki-2.9.1.tgz", "artifact/deploy/values/loki.yaml"])
def test_another_chart_or_other_values_are_installed_again(place: Place, what: str) -> None:
    do = place.helm()
    place.run(do, "apply")
    assert place.run(do, "probe").returncode == 0
    (place.path / what).write_text("changed")
    assert place.run(do, "probe").returncode != 0


def test_what_was_found_on_the_hosts_is_set(place: Place) -> None:
    do = place.helm()
    place.run(do, "apply")
    (place.path / "state/components/loki.set").write_text("driver.enabled=false\n")
    assert place.run(do, "probe").returncode != 0
    assert place.run(do, "apply").returncode == 0
    assert place.asked[-1].endswith("--set driver.enabled=false")


@pytest.mark.parametrize(
    ("left", "mended"),
    [
        ("pending-install 1", "uninstall loki -n loki --wait"),
        ("pending-upgrade 3", "rollback loki -n loki --wait"),
        ("pending-rollback 4", "rollback loki -n loki --wait"),
    ],
)
def test_a_release_left_pending_is_mended_first(place: Place, left: str, mended: str) -> None:
    (place.path / "release").write_text(f"{left}\n")
    do = place.helm()
    done = place.run(do, "apply")
    assert done.returncode == 0, done.stderr
    assert place.asked[0] == mended
    assert place.asked[1].startswith("upgrade --install loki")
    assert f"was left {left.split()[0]} at revision {left.split()[1]}" in done.stdout


def test_without_a_repository_the_artifacts_chart_is_taken(place: Place) -> None:
    place.run(place.helm(source="file"), "apply")
    assert "loki helm-charts/loki-2.9.1.tgz -n loki" in place.asked[0]


def test_a_release_that_is_not_deployed_fails_the_verification(place: Place) -> None:
    (place.path / "release").write_text("failed 2\n")
    done = place.run(place.helm(), "verify")
    assert done.returncode == 1
    assert "release loki is failed, not deployed" in done.stderr


def test_needs_that_do_not_come_are_named(place: Place) -> None:
    env = {"NEEDS": "cert-manager|cert-manager|deployment|cert-manager-*\ncert-manager|cert-manager|webhook|hook"}
    answers = "0 cert-manager-webhook|2|1||\n1 none\n" * 9
    (place.path / "answers").write_text(answers)
    done = place.run(place.manifest(), "apply", **env)
    assert done.returncode == 1
    assert "cert-manager-webhook has 1 of 2 ready" in done.stderr
    assert not any(line.startswith("apply") for line in place.asked)


def test_a_webhook_that_is_not_ready_yet_is_waited_for(place: Place) -> None:
    answers = '0 Active\n1 Error: failed calling webhook "v": no endpoints available\n0 applied\n'
    (place.path / "answers").write_text(answers)
    done = place.run(place.manifest(), "apply", WAIT="30")
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in place.asked] == ["get", "apply", "apply"]
    assert place.run(place.manifest(), "probe").returncode == 0


def test_a_manifest_that_is_wrong_is_not_tried_for_ever(place: Place) -> None:
    (place.path / "answers").write_text("0 Active\n1 error: unknown field spec.nonsense\n")
    done = place.run(place.manifest(), "apply", WAIT="30")
    assert done.returncode == 1
    assert "unknown field" in done.stdout
    assert "kubectl did not take deploy/volcano.yaml" in done.stderr


def test_large_definitions_are_created_then_merged(place: Place) -> None:
    (place.path / "answers").write_text("0 Active\n1 Error (AlreadyExists): crd exists\n0 merged\n")
    done = place.run(place.manifest(create=True), "apply")
    assert done.returncode == 0, done.stderr
    assert place.asked[1:] == [
        "create -f deploy/volcano.yaml",
        "apply --server-side --force-conflicts -f deploy/volcano.yaml",
    ]


@pytest.mark.parametrize(
    ("one", "other", "newer"),
    [
        ("1.10.0", "1.4.0", True),
        ("1.4.0", "1.10.0", False),
        ("v1.4.0", "1.4.0", False),
        ("1.5.0", "1.5.0-rc.1", True),
        ("1.5.0-rc.10", "1.5.0-rc.2", True),
        ("1.5.0-rc.1", "1.5.0", False),
        ("1.5.0+b", "1.5.0+a", False),
    ],
)
def test_the_shell_orders_versions_as_the_service_does(one: str, other: str, newer: bool) -> None:
    text = f'{FILES["component-upgrade.functions"]}\nnewer "$1" "$2"'
    done = subprocess.run(["sh", "-eu", "-c", text, "sh", one, other], check=False, capture_output=True)
    assert (done.returncode == 0) is newer
    assert (releases.order(one) > releases.order(other)) is newer


def test_what_never_worked_is_not_upgraded(place: Place) -> None:
    (place.path / "release").write_text("pending-install 1\n")
    env = {**place.helm().env, "NAMED": "yes", "DOWNGRADE": "no", "ON_FAILURE": "rollback"}
    do = script("component-upgrade", "component-needs", "component-helm.functions", env=env)
    assert place.run(do, "probe").returncode != 0
    done = place.run(do, "apply")
    assert done.returncode == 1
    assert "ever worked (status: pending-install)" in done.stderr
    assert not [line for line in place.asked if line.startswith(("upgrade", "rollback", "uninstall"))]
