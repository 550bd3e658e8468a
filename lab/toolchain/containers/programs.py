"""Which program answers in which pod."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lab.toolchain.apiserver.store import Store
from lab.toolchain.common.objects import Obj, labels
from lab.toolchain.containers import ceph_client, toolbox
from lab.toolchain.containers.ended import Ended

Program = Callable[[Store, Obj, Sequence[str]], Ended]
# {value of the pod's label ``app``: {name of the program: what it does}}
PROGRAMS: dict[str, dict[str, Program]] = {
    "rook-ceph-tools": {"ceph": toolbox.ceph},
    "sanqian-ceph-identity": {"ceph": ceph_client.ceph},
}


def run(store: Store, pod: Obj, argv: Sequence[str]) -> Ended:
    """Run a program in a pod to its end."""
    if argv[:1] == ["timeout"]:
        argv = argv[2:]  # nothing here takes long
    name = argv[0] if argv else ""
    program = PROGRAMS.get(labels(pod).get("app", ""), {}).get(name)
    if program is None:
        said = f'OCI runtime exec failed: exec failed: unable to start container process: exec: "{name}": '
        return Ended("", f"{said}executable file not found in $PATH (SIMULATED)\n", 126)
    return program(store, pod, list(argv[1:]))
