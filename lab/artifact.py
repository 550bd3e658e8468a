"""The SIMULATED offline artifact: the real layout, small content, the same bytes each time it is built."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import sys
from importlib import metadata
from pathlib import Path

from lab import images, packages, packing
from lab.errors import LabError
from lab.packing import File, Tree
from lab.toolchain import catalogue
from lab.toolchain.kk import system

NAME = "3k-artifact.tar.gz"
NEWER = "v1.25.3"  # for upgrades
BINARIES = ("kubeadm", "kubelet", "kubectl")
SERVES_PACKAGES = "alpine-nginx:main"
SAMPLE = """apiVersion: kubekey.kubesphere.io/v1alpha2
kind: Cluster
metadata:
  name: sample
spec:
  hosts:
  - {name: master1, address: 192.168.1.1, internalAddress: 192.168.1.1, user: root, privateKeyPath: "~/.ssh/id_rsa"}
  - {name: worker1, address: 192.168.1.4, internalAddress: 192.168.1.4, user: root, privateKeyPath: "~/.ssh/id_rsa"}
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


def build(directory: Path, *, kubectl: bool = True) -> Path:
    """Write the artifact into `directory`, which is made; returns the artifact's path.

    :param kubectl: whether the real kubectl goes in; without it kk installs none on control-plane hosts
    :raises LabError: kubectl is wanted, or PyYAML is needed, and not installed
    """
    tree = content()
    if kubectl:
        tree["bin/kubectl"] = File(_kubectl().read_bytes(), 0o755)
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / NAME
    fresh = path.with_name(f"{NAME}.new")
    # kubectl is most of it, and hardly gets smaller with more effort.
    with fresh.open("wb") as raw, gzip.GzipFile("", "wb", 1, raw, mtime=0) as out:
        packing.write_tar(tree, out)
    fresh.replace(path)
    return path


def checksum(path: Path) -> str:
    """SHA-256 in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content() -> Tree:
    """Everything but kubectl, by its path in the archive."""
    program = packing.application(toolchain())
    tree: Tree = {f"bin/{name}": File(program, 0o755) for name in ("kk", "helm")}
    tree["conf/config-sample.yaml"] = File.text(SAMPLE)
    tree["conf/softwares.yaml"] = File.text(catalogue.softwares())
    debs = packages.files()
    tree |= {f"packages/{name}": file for name, file in debs.items()}
    tree["packages/3k.tar.gz"] = File(packing.tar_gz(_offline(debs)))
    tree |= {f"packages/apt-source/{name}": file for name, file in packages.apt_source().items()}
    tree["packages/sources.list"] = File.text(packages.SOURCES)
    return tree | catalogue.files()


def toolchain() -> Tree:
    """The SIMULATED programs and the YAML library, as the files of one Python application."""
    package = Path(__file__).parent
    tree: Tree = {"lab/__init__.py": File((package / "__init__.py").read_bytes())}
    for path in (package / "toolchain").rglob("*.py"):
        if "catalogue" not in path.parts:  # it is for building only
            tree[f"lab/{path.relative_to(package)}"] = File(path.read_bytes())
    tree["__main__.py"] = tree.pop("lab/toolchain/archive_main.py")
    return tree | _yaml_library()


def _yaml_library() -> Tree:
    """PyYAML without its compiled part, and its licence, which has to go with copies."""
    try:
        files = metadata.files("PyYAML") or []
    except metadata.PackageNotFoundError as error:
        raise LabError("the artifact's programs need PyYAML", "uv sync") from error
    wanted = [f for f in files if f.match("yaml/*.py") or f.name == "LICENSE"]
    return {f"yaml/{f.name}": File(f.read_binary()) for f in wanted}


def _offline(debs: Tree) -> Tree:
    """What kk unpacks below ./kubekey: images, Kubernetes' programs, packages."""
    version = system.IMAGES["kube-proxy"]
    names = {SERVES_PACKAGES, *system.images(), *catalogue.images()}
    tree = {f"images/{name}": file for name, file in images.layout(names).items()}
    for carried in (version, NEWER):
        for name in BINARIES:
            tree[f"kube/{carried}/amd64/{name}"] = File.text(packages.stub(name, carried), 0o755)
    return tree | {f"repository/amd64/{name}": file for name, file in debs.items()}


def _kubectl() -> Path:
    beside = Path(sys.executable).parent / "kubectl"
    found = beside if beside.is_file() else Path(shutil.which("kubectl") or "")
    if not found.is_file():
        raise LabError("the artifact needs kubectl", "uv sync --group lab, or build(kubectl=False)")
    return found
