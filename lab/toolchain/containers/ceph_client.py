"""``ceph`` in a pod with a user's key, SIMULATED: it asks the monitors that it is given."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence

from lab.toolchain import external_ceph
from lab.toolchain.apiserver.store import Key, Store
from lab.toolchain.common.objects import Obj
from lab.toolchain.containers.ended import Ended

_WITH_WORD = ("-m", "--id", "--keyfile", "--connect-timeout", "-f")


def ceph(store: Store, pod: Obj, argv: Sequence[str]) -> Ended:
    words, options, rest = [], {}, list(argv)
    while rest:
        word = rest.pop(0)
        if word in _WITH_WORD and rest:
            options[word] = rest.pop(0)
        else:
            words.append(word)
    try:
        key = _file(store, pod, options.get("--keyfile", ""))
        told = external_ceph.ask(options.get("-m", "").split(","), options.get("--id", "admin"), key)
    except external_ceph.Refused as refused:
        return Ended("", f"[errno 13] {refused}\n", 1)
    except (external_ceph.Unreachable, LookupError) as error:
        return Ended("", f"[errno 110] RADOS timed out (error connecting to the cluster; SIMULATED: {error})\n", 1)
    if words == ["fsid"]:
        return Ended(f"{told['fsid']}\n")
    if words == ["fs", "ls"]:
        return Ended(f"\n{json.dumps(told['filesystems'])}\n")
    return Ended("", f"no valid command found: {' '.join(words)} (SIMULATED: it knows fsid, fs ls)\n", 22)


def _file(store: Store, pod: Obj, path: str) -> str:
    """A file of the Secret that the pod mounts. Raises LookupError."""
    name = next(v["secret"]["secretName"] for v in pod["spec"]["volumes"] if "secret" in v)
    secret = store.find(Key("", "secrets", pod["metadata"]["namespace"], name))
    if secret is None:
        raise LookupError(f"no secret {name}")
    return base64.b64decode(secret["data"][path.rpartition("/")[2]]).decode()
