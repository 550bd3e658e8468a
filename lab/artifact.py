"""The SIMULATED offline artifact: the real layout, small content, the same bytes each time it is built."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import sys
from importlib import util
from pathlib import Path

from lab import components, images, packing
from lab.errors import LabError
from lab.packing import File, Tree
from lab.toolchain.kk import system

NAME = "3k-artifact.tar.gz"
PACKAGES = {
    "socat": ("1.7.4.4-2", "usr/bin/socat"),
    "conntrack": ("1:1.4.7-1", "usr/sbin/conntrack"),
    "ebtables": ("2.0.11-5", "usr/sbin/ebtables"),
    "ipset": ("7.17-1", "usr/sbin/ipset"),
    "ipvsadm": ("1:1.31-1", "usr/sbin/ipvsadm"),
}
BINARIES = ("kubeadm", "kubelet", "kubectl")
HELM_PUSH = "0.10.4"
SAMPLE = """apiVersion: kubekey.kubesphere.io/v1alpha2
kind: Cluster
metadata:
  name: sample
spec:
  hosts:
  - {name: master1, address: 192.168.1.1, internalAddress: 192.168.1.1, port: 22, user: root, privateKeyPath: "~/.ssh/id_rsa"}
  - {name: worker1, address: 192.168.1.4, internalAddress: 192.168.1.4, port: 22, user: root, privateKeyPath: "~/.ssh/id_rsa"}
  roleGroups:
    etcd: [master1]
    control-plane: [master1]
    worker: [worker1]
    registry: [master1]
  controlPlaneEndpoint: {domain: lb.kubesphere.local, address: "", port: 6443}
  kubernetes: {version: v1.24.3, clusterName: cluster.local, containerManager: containerd}
  network: {plugin: calico, kubePodsCIDR: 10.233.64.0/18, kubeServiceCIDR: 10.233.0.0/18}
  registry: {type: harbor, privateRegistry: dockerhub.kubekey.local, namespaceOverride: kubesphereio}
"""
PLUGIN = f"""name: "cm-push"
version: "{HELM_PUSH}"
usage: "Push chart package to ChartMuseum"
description: "Push chart package to ChartMuseum (SIMULATED)"
command: "$HELM_PLUGIN_DIR/bin/helm-cm-push"
"""


def build(directory: Path, *, kubectl: bool = True) -> Path:
    """Write the artifact into `directory`; returns its path.

    :param kubectl: whether the real kubectl goes in; without it no control plane can be used by scripts
    Raises LabError when kubectl is wanted and not installed.
    """
    tree = content()
    if kubectl:
        tree["bin/kubectl"] = File(_kubectl().read_bytes(), 0o755)
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / NAME
    fresh = path.with_name(f"{NAME}.new")
    with fresh.open("wb") as raw, gzip.GzipFile("", "wb", 1, raw, mtime=0) as out:
        out.write(packing.tar(tree))
    fresh.replace(path)
    return path


def checksum(path: Path) -> str:
    """SHA-256 in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content() -> Tree:
    """Everything but kubectl."""
    program = packing.application(toolchain())
    tree: Tree = {f"bin/{name}": File(program, 0o755) for name in ("kk", "helm")}
    tree["conf/config-sample.yaml"] = File.text(SAMPLE)
    tree["conf/softwares.yaml"] = File.text(components.softwares())
    debs = {deb_name(name): _package(name) for name in PACKAGES}
    tree |= {f"packages/{name}": File(data) for name, data in debs.items()}
    tree["packages/3k.tar.gz"] = File(packing.tar_gz(_offline(debs)))
    tree |= {f"packages/apt-source/{name}": file for name, file in _apt_source().items()}
    tree["packages/sources.list"] = File.text("deb [trusted=yes] http://master_ip:8080 stable main\n")
    plugin = {"plugin.yaml": File.text(PLUGIN), "bin/helm-cm-push": File.text(_stub("helm-cm-push", HELM_PUSH), 0o755)}
    tree[f"helm-plugins/helm-push_{HELM_PUSH}_linux_amd64.tar.gz"] = File(packing.tar_gz(plugin))
    return tree | components.files()


def toolchain() -> Tree:
    """The SIMULATED programs and the YAML library, as the files of one Python application."""
    package = Path(__file__).parent
    tree: Tree = {"lab/__init__.py": File((package / "__init__.py").read_bytes())}
    for path in (package / "toolchain").rglob("*.py"):
        tree[f"lab/{path.relative_to(package)}"] = File(path.read_bytes())
    spec = util.find_spec("yaml")
    if spec is None or spec.origin is None:
        raise LabError("the lab's programs need PyYAML", "uv sync")
    library = Path(spec.origin).parent
    tree |= {f"yaml/{path.name}": File(path.read_bytes()) for path in library.glob("*.py") if path.name != "cyaml.py"}
    tree["__main__.py"] = tree.pop("lab/toolchain/archive_main.py")
    return tree


def deb_name(name: str) -> str:
    """The file name of a package: an epoch is not part of it."""
    return f"{name}_{PACKAGES[name][0].rpartition(':')[2]}_amd64.deb"


def _package(name: str) -> bytes:
    version, path = PACKAGES[name]
    program = {path: File.text(_stub(name, version), 0o755)}
    return packing.deb(name, version, f"SIMULATED {name}, stands for the real one in the lab", program)


def _stub(name: str, version: str) -> str:
    return f'#!/bin/sh\n# SIMULATED {name}\necho "SIMULATED {name} {version}"\n'


def _offline(debs: dict[str, bytes]) -> Tree:
    """What kk unpacks below ./kubekey."""
    version = system.IMAGES["kube-proxy"]
    names = [f"{name}:{tag}" for name, tag in system.IMAGES.items()] + components.images()
    tree = {f"images/{name}": file for name, file in images.layout(names).items()}
    tree |= {f"kube/{version}/amd64/{name}": File.text(_stub(name, version), 0o755) for name in BINARIES}
    return tree | {f"repository/amd64/{name}": File(data) for name, data in debs.items()}


def _apt_source() -> Tree:
    """A small apt repository with the kernel headers that driver containers ask for."""
    name, version = "linux-headers-generic", "5.4.0.216.213"
    note = {f"usr/share/doc/{name}/SIMULATED": File.text("kernel headers, SIMULATED\n")}
    pool = f"pool/{name}_{version}_amd64.deb"
    package = packing.deb(name, version, "SIMULATED kernel headers for driver containers", note)
    index = packing.packages_index([(pool, package)])
    suite = "dists/stable"
    listed = {
        f"main/binary-amd64/{name}": data
        for name, data in (("Packages", index.encode()), ("Packages.gz", gzip.compress(index.encode(), mtime=0)))
    }
    sums = "".join(f" {hashlib.sha256(data).hexdigest()} {len(data)} {path}\n" for path, data in listed.items())
    release = (
        f"Origin: SIMULATED\nSuite: stable\nCodename: stable\nArchitectures: amd64\nComponents: main\nSHA256:\n{sums}"
    )
    tree = {f"{suite}/{path}": File(data) for path, data in listed.items()}
    return tree | {f"{suite}/Release": File.text(release), pool: File(package)}


def _kubectl() -> Path:
    beside = Path(sys.executable).parent / "kubectl"
    found = beside if beside.is_file() else Path(shutil.which("kubectl") or "")
    if not found.is_file():
        raise LabError("the artifact needs kubectl", "uv sync --group lab, or build(kubectl=False)")
    return found
