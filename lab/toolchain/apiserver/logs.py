"""Pod logs: invented lines that follow from the pod's state, the same each time they are read."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from lab.toolchain.apiserver.errors import ApiError, bad_request
from lab.toolchain.common.objects import Obj, dig, parse_time


def container_of(pod: Obj, name: str) -> Obj:
    containers = dig(pod, "spec", "containers", default=[])
    if not name:
        if len(containers) > 1:
            names = " ".join(c["name"] for c in containers)
            raise bad_request(
                f"a container name must be specified for pod {pod['metadata']['name']}, choose one of: [{names}]"
            )
        found: Obj = containers[0]
        return found
    for container in containers + dig(pod, "spec", "initContainers", default=[]):
        if container["name"] == name:
            return dict(container)
    raise bad_request(f"container {name} is not valid for pod {pod['metadata']['name']}")


def lines(pod: Obj, query: dict[str, str]) -> list[str]:
    """The log as lines; raises `ApiError` 400 while the container waits to start, as kubelet does."""
    container = container_of(pod, query.get("container", ""))
    statuses = dig(pod, "status", "containerStatuses", default=[])
    status = next((s for s in statuses if s["name"] == container["name"]), None)
    waiting = dig(status or {}, "state", "waiting", "reason") or ("ContainerCreating" if status is None else "")
    crashing = waiting == "CrashLoopBackOff"
    if waiting and not crashing:
        raise bad_request(
            f'container "{container["name"]}" in pod "{pod["metadata"]["name"]}" is waiting to start: '
            f"{'trying and failing to pull image' if 'Image' in waiting else waiting}"
        )
    if query.get("previous") == "true" and not dig(status or {}, "restartCount"):
        raise ApiError(
            400,
            "BadRequest",
            f'previous terminated container "{container["name"]}" in pod "{pod["metadata"]["name"]}" not found',
        )
    started = dig(pod, "status", "startTime") or pod["metadata"]["creationTimestamp"]
    entries = list(_entries(pod, container, crashing))
    stamped = []
    for index, text in enumerate(entries):
        at = parse_time(started) + datetime.timedelta(seconds=index)
        stamp = at.strftime("%Y-%m-%dT%H:%M:%S.000000000Z ") if query.get("timestamps") == "true" else ""
        stamped.append(stamp + text)
    tail = query.get("tailLines", "")
    if tail.isdigit():
        stamped = stamped[-int(tail) :] if int(tail) else []
    return stamped


def _entries(pod: Obj, container: Obj, crashing: bool) -> Iterator[str]:
    annotations = pod["metadata"].get("annotations") or {}
    yield f"SIMULATED: {container['name']} from {container.get('image', '')}"
    yield f'level=info msg="starting" pod={pod["metadata"]["name"]} node={dig(pod, "spec", "nodeName", default="")}'
    if crashing:
        yield f'level=error msg="{annotations.get("lab.sanqian.dev/fault", "exit status 1")}"'
        return
    yield 'level=info msg="configuration loaded"'
    if dig(pod, "status", "phase") == "Succeeded":
        yield 'level=info msg="finished"'
    else:
        yield 'level=info msg="ready"'
