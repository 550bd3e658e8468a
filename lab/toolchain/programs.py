"""Which program the packed toolchain is, by the name it is called by."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

PROGRAMS = {
    "kk": "lab.toolchain.kk.main",
    "helm": "lab.toolchain.helm.main",
    "docker": "lab.toolchain.docker.main",
    "kube-apiserver": "lab.toolchain.apiserver.main",
    "kube-apiserver-relay": "lab.toolchain.relay",
    "kubelet": "lab.toolchain.kubelet.main",
    "harbor": "lab.toolchain.harbor.main",
    "etcd": "lab.toolchain.etcd.main",
    "etcdctl": "lab.toolchain.etcd.ctl",
    "ceph-mon": "lab.toolchain.external_ceph",
    "apt-source": "lab.toolchain.docker.web",
}


def run(program: Path, argv: list[str]) -> int:
    """Run the program that is called `program`; returns its exit code."""
    module = PROGRAMS.get(program.name)
    if module is None:
        print(f"{program.name}: the SIMULATED toolchain has no such program: {', '.join(PROGRAMS)}", file=sys.stderr)
        return 127
    try:
        code: int = importlib.import_module(module).main(argv)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 141
    except KeyboardInterrupt:
        return 130
    return code


def executable() -> Path:
    """The packed toolchain itself, to be copied to other hosts."""
    return Path(os.path.realpath(sys.argv[0]))


def beside(name: str) -> Path:
    """A file in the directory where this program lies (the artifact's ``bin``)."""
    return Path(sys.argv[0]).absolute().parent / name
