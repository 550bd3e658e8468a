"""helm, a process of its own, against the lab's API and Harbor, which are real servers on the loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab.packing import File, tar_gz
from lab.toolchain import catalogue
from lab.toolchain.apiserver.kinds import BUILT_IN
from lab.toolchain.apiserver.main import bootstrap
from lab.toolchain.apiserver.rest import Rest, Target
from lab.toolchain.apiserver.server import ApiServer
from lab.toolchain.apiserver.store import Key, Store
from lab.toolchain.controllers.loop import Loop
from lab.toolchain.harbor.server import Harbor
from lab.toolchain.harbor.storage import Storage

ADDRESS, PASSWORD = "127.0.2.3", "lab-harbor"
RUN = "import sys; from lab.toolchain.helm.main import main; sys.exit(main(sys.argv[1:]))"
UPGRADE = ("upgrade", "--install", "demo", "demo", "-n", "demo", "--create-namespace")


@dataclass
class Helm:
    """helm with files of its own below `home`."""

    home: Path
    store: Store

    def __call__(self, *argv: str, faults: Any = None, stdin: str = "", code: int = 0) -> str:
        done = self.run(argv, faults, stdin)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code == 0 else done.stderr

    def run(self, argv: tuple[str, ...], faults: Any = None, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.argv(argv),
            env=self.env(faults),
            cwd=self.home,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def argv(self, argv: tuple[str, ...]) -> list[str]:
        return [str(self.home / "helm"), *argv]

    def env(self, faults: Any = None) -> dict[str, str]:
        struck = str(self.home / "struck.json")
        return {
            "HOME": str(self.home),
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(Path(__file__).parents[3]),
            "KUBECONFIG": str(self.home / "config"),
            "LAB_SPEED": "100",
            "LAB_FAULTS": json.dumps({"faults": faults}) if faults else "",
            "LAB_FAULTS_FILE": "/nonexistent",
            "LAB_FAULTS_STRUCK": struck,
        }

    def status(self) -> str:
        found: str = json.loads(self("status", "demo", "-n", "demo", "-o", "json"))["info"]["status"]
        return found

    def revisions(self) -> list[tuple[int, str]]:
        return [(r["revision"], r["status"]) for r in json.loads(self("history", "demo", "-n", "demo", "-o", "json"))]

    def stored(self, group: str, plural: str, name: str) -> dict[str, Any] | None:
        return self.store.find(Key(group, plural, "demo", name))


DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata: {name: demo, namespace: "{{ .Release.Namespace }}"}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: demo}}
  template:
    metadata: {labels: {app: demo}}
    spec: {containers: [{name: main, image: "demo:{{ .Values.tag }}"}]}
"""
SETTINGS = """{{- if .Values.settings }}
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {tag: {{ .Values.tag | quote }}}
{{- end }}
"""


def chart(home: Path) -> None:
    files = {
        "Chart.yaml": "apiVersion: v2\nname: demo\nversion: 1.0.0\nappVersion: v1\n",
        "values.yaml": "replicas: 1\ntag: one\nsettings: true\n",
        "templates/deployment.yaml": DEPLOYMENT,
        "templates/settings.yaml": SETTINGS,
        "templates/NOTES.txt": "Made {{ .Release.Revision }}\n",
    }
    for name, text in files.items():
        path = home / "demo" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (home / "demo-1.0.0.tgz").write_bytes(tar_gz({f"demo/{name}": File.text(text) for name, text in files.items()}))


def node(store: Store) -> None:
    """One node that is ready, for the controllers' pods."""
    (kind,) = (k for k in BUILT_IN if k.plural == "nodes")
    rest = Rest(store)
    rest.create(Target(kind), {"metadata": {"name": "node1"}, "spec": {}}, {})
    status = {"conditions": [{"type": "Ready", "status": "True"}], "allocatable": {}, "capacity": {}}
    rest.patch(Target(kind, "", "node1", "status"), "application/merge-patch+json", {"status": status}, {})


@pytest.fixture
def helm(tmp_path: Path) -> Iterator[Helm]:
    store = Store()
    bootstrap(store)
    node(store)
    server = ApiServer((ADDRESS, 0), store, None)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    loop = Loop(store)
    loop.start()
    url = f"http://{ADDRESS}:{server.server_address[1]}"
    (tmp_path / "config").write_text(
        f"current-context: a\nclusters: [{{name: a, cluster: {{server: '{url}'}}}}]\n"
        "users: [{name: a, user: {}}]\ncontexts: [{name: a, context: {cluster: a, user: a}}]\n"
    )
    program = tmp_path / "helm"
    program.write_text(f"#!{sys.executable}\n{RUN}\n")
    program.chmod(0o755)
    chart(tmp_path)
    try:
        yield Helm(tmp_path, store)
    finally:
        loop.stop()
        loop.join(5)
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def harbor(tmp_path: Path) -> Iterator[str]:
    storage = Storage(tmp_path / "registry")
    storage.add_project("project", public=False)
    server = Harbor((ADDRESS, 0), storage, ADDRESS, PASSWORD, None)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://{ADDRESS}:{server.server_address[1]}/chartrepo/project"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_install_upgrade_and_rollback(helm: Helm) -> None:
    said = helm(*UPGRADE, "--wait", "--timeout", "20s")
    assert said.startswith('Release "demo" does not exist. Installing it now.\nNAME: demo\n')
    assert "STATUS: deployed\nREVISION: 1\n" in said
    deployment = helm.stored("apps", "deployments", "demo")
    assert deployment is not None
    assert deployment["status"]["readyReplicas"] == 1
    assert deployment["metadata"]["annotations"]["meta.helm.sh/release-name"] == "demo"
    assert deployment["metadata"]["annotations"]["meta.helm.sh/release-namespace"] == "demo"
    secret = helm.stored("", "secrets", "sh.helm.release.v1.demo.v1")
    assert secret is not None
    assert secret["type"] == "helm.sh/release.v1"
    labels = secret["metadata"]["labels"]
    assert int(labels.pop("modifiedAt")) > 0
    assert labels == {"name": "demo", "owner": "helm", "status": "deployed", "version": "1"}

    said = helm(*UPGRADE, "--set", "replicas=2,settings=false")
    assert said.startswith('Release "demo" has been upgraded. Happy Helming!\n')
    assert helm.stored("", "configmaps", "settings") is None
    assert helm("get", "values", "demo", "-n", "demo", "-o", "json") == '{"replicas":2,"settings":false}\n'
    assert helm("rollback", "demo", "-n", "demo", "--wait") == "Rollback was a success! Happy Helming!\n"
    assert helm.stored("", "configmaps", "settings") is not None
    assert helm.revisions() == [(1, "superseded"), (2, "superseded"), (3, "deployed")]
    (row,) = json.loads(helm("list", "-A", "-o", "json"))
    assert (row["name"], row["revision"], row["chart"], row["app_version"]) == ("demo", "3", "demo-1.0.0", "v1")
    assert helm("-n", "demo", "list", "-q") == "demo\n"


def test_every_call_says_that_it_is_simulated(helm: Helm) -> None:
    assert helm.run(("version", "--short")).stderr.startswith("SIMULATED")
    assert "SIMULATED" in helm("version")


def test_a_killed_installation_is_left_pending(helm: Helm) -> None:
    fault = [{"at": "helm:upgrade", "match": "demo", "do": "kill", "times": 1}]
    helm(*UPGRADE, faults=fault, code=-9)
    assert helm.status() == "pending-install"
    assert helm("list", "-A", "-q") == ""
    assert helm("list", "-A", "-q", "-a") == "demo\n"
    assert "another operation (install/upgrade/rollback) is in progress" in helm(*UPGRADE, code=1)
    assert helm("uninstall", "demo", "-n", "demo", "--wait") == 'release "demo" uninstalled\n'
    helm(*UPGRADE, faults=fault)
    assert helm.status() == "deployed"


def test_a_killed_upgrade_is_rolled_back(helm: Helm) -> None:
    helm(*UPGRADE)
    helm(*UPGRADE, "--set", "tag=two", faults=[{"at": "helm:upgrade", "do": "half"}], code=-9)
    assert helm.status() == "pending-upgrade"
    helm("rollback", "demo", "-n", "demo", "--wait")
    assert helm.status() == "deployed"
    assert json.loads(helm("status", "demo", "-n", "demo", "-o", "json"))["version"] == 3


def test_a_failed_run_is_marked_and_mended_by_the_next(helm: Helm) -> None:
    fault = [{"at": "helm:upgrade", "do": "fail", "message": "no space left", "times": 1}]
    assert "Error: no space left" in helm(*UPGRADE, faults=fault, code=1)
    assert helm.status() == "failed"
    helm(*UPGRADE)
    assert helm.revisions() == [(1, "failed"), (2, "deployed")]
    assert "Error: UPGRADE FAILED: again" in helm(*UPGRADE, faults=[{**fault[0], "message": "again"}], code=1)


def test_waiting_ends_and_atomic_takes_back(helm: Helm) -> None:
    stuck = [*UPGRADE, "--timeout", "1ms"]
    assert "Error: timed out waiting for the condition" in helm(*stuck, "--wait", "--set", "replicas=40", code=1)
    assert helm.status() == "failed"
    helm(*UPGRADE, "--wait", "--set", "replicas=1")
    said = helm(*stuck, "--atomic", "--set", "replicas=40", code=1)
    assert "has been rolled back due to atomic being set: timed out waiting for the condition" in said
    assert helm.status() == "deployed"
    deployment = helm.stored("apps", "deployments", "demo")
    assert deployment is not None
    assert deployment["spec"]["replicas"] == 1


def test_a_polite_end_is_told_and_fails_the_release(helm: Helm) -> None:
    process = subprocess.Popen(
        helm.argv(UPGRADE),
        env=helm.env([{"at": "helm:upgrade", "do": "hang"}]),
        cwd=helm.home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with helm.store.changed:
        key = Key("", "secrets", "demo", "sh.helm.release.v1.demo.v1")
        assert helm.store.changed.wait_for(lambda: helm.store.find(key) is not None, 30)
    process.terminate()
    out, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "Release demo has been cancelled." in out
    assert "context canceled" in err
    assert helm.status() == "failed"


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("status", "nobody"), "Error: release: not found"),
        (("uninstall", "nobody"), "Error: uninstall: Release not loaded: nobody: release: not found"),
        (("upgrade", "nobody", "demo"), 'Error: UPGRADE FAILED: "nobody" has no deployed releases'),
        (("install", "demo", "demo", "-n", "absent"), 'namespaces "absent" not found'),
        (("install", "demo", "./absent"), 'Error: INSTALLATION FAILED: path "./absent" not found'),
        (("install", "demo", "harbor/demo"), "Error: INSTALLATION FAILED: repo harbor not found"),
        (("install", "Demo", "demo"), "invalid release name"),
        (("install", "demo", "demo", "-f", "absent.yaml"), "open absent.yaml: no such file or directory"),
        (("install", "demo"), '"helm install" requires 2 arguments'),
        (("cm-push", "x", "harbor"), 'unknown command "cm-push" for "helm"'),
        (("repo", "list"), "Error: no repositories to show"),
        (("list", "--kubeconfig", "/nonexistent"), "Error: Kubernetes cluster unreachable"),
    ],
)
def test_errors_are_helms(helm: Helm, argv: tuple[str, ...], words: str) -> None:
    assert words in helm(*argv, code=1)


def test_what_belongs_to_another_is_not_taken(helm: Helm) -> None:
    helm(*UPGRADE)
    said = helm("install", "other", "demo", "-n", "demo", code=1)
    assert "exists and cannot be imported into the current release: invalid ownership metadata" in said
    assert 'must equal "other": current value is "demo"' in said


def test_charts_go_to_harbor_and_come_from_it(helm: Helm, harbor: str) -> None:
    plugins = Path(helm("env", "HELM_PLUGINS").strip()) / "helm-push"
    plugins.mkdir(parents=True)
    (helm.home / "plugin.tgz").write_bytes(catalogue.files()["helm-plugins/helm-push_0.10.4_linux_amd64.tar.gz"].data)
    subprocess.run(["tar", "-xf", "plugin.tgz", "-C", str(plugins)], cwd=helm.home, check=True)
    assert helm("plugin", "list").splitlines()[1].startswith("cm-push")

    login = ("--username", "admin", "--password-stdin")
    assert "401" in helm("repo", "add", "harbor", harbor, *login, stdin="wrong", code=1)
    said = helm("repo", "add", "harbor", harbor, *login, stdin=PASSWORD)
    assert said == '"harbor" has been added to your repositories\n'
    assert (helm.home / ".config/helm/repositories.yaml").stat().st_mode & 0o777 == 0o600
    assert helm("cm-push", "demo-1.0.0.tgz", "harbor").splitlines()[-1] == "Done."
    assert "409" in helm("cm-push", "demo-1.0.0.tgz", "harbor", code=1)
    helm("cm-push", "demo-1.0.0.tgz", "harbor", "--force")
    assert "Successfully got an update" in helm("repo", "update", "harbor")
    (row,) = json.loads(helm("search", "repo", "harbor", "--versions", "--devel", "-o", "json"))
    assert (row["name"], row["version"]) == ("harbor/demo", "1.0.0")
    helm("install", "demo", "harbor/demo", "-n", "demo", "--create-namespace", "--version", "1.0.0")
    assert helm.status() == "deployed"
    assert "no chart name found" in helm("install", "x", "harbor/other", code=1)
    assert "REVISION" in helm("history", "demo", "-n", "demo")
    assert "replicas: 1" in helm("show", "values", "harbor/demo")


def every_chart() -> list[str]:
    """In the order of the table: what needs another comes after it."""
    return [name for name in catalogue.files() if name.endswith(".tgz")]


def test_the_components_charts_install(helm: Helm) -> None:
    catalogue.write(helm.home)
    for path in every_chart():
        name = Path(path).name.rsplit("-", 1)[0]
        namespace = "rook-ceph" if name.startswith("rook") else name
        values = f"deploy/values/{name}.yaml"
        helm("upgrade", "--install", name, path, "-n", namespace, "--create-namespace", "-f", values)
    found = json.loads(helm("list", "-A", "-o", "json"))
    assert {row["status"] for row in found} == {"deployed"}
    assert len(found) == len(every_chart())
