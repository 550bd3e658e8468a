"""What a kubelet does to a pod: pull, start, ready, crash, end."""

from __future__ import annotations

import base64
import ssl
import time
import tomllib
import urllib.error
import urllib.request
from pathlib import Path

from lab.toolchain.common import faults
from lab.toolchain.common.objects import Obj, clone, condition_true, dig, now, set_condition
from lab.toolchain.common.pace import speed
from lab.toolchain.controllers.world import World

FAULT = "lab.sanqian.dev/fault"
STAGE_SINCE = "lab.sanqian.dev/since"  # seconds since the epoch at which the present stage began
PULL, START, JOB, BACKOFF = 0.5, 0.6, 1.0, 2.0  # seconds at speed 1
UNREACHABLE_AGAIN = 5.0


class Images:
    """Asks the private registry whether an image is there; images of other registries are taken as present."""

    def __init__(self) -> None:
        self.present: set[str] = set()
        self.absent: dict[str, tuple[float, str]] = {}

    def problem(self, registry: str, image: str) -> str:
        """Empty, or why the image cannot be pulled."""
        for fault in faults.matching("image", image):
            if fault.do == "missing":
                return f'rpc error: code = NotFound desc = failed to pull and unpack image "{image}": not found'
        host, _, rest = image.partition("/")
        if not registry or host != registry or image in self.present:
            return ""
        at, why = self.absent.get(image, (0.0, ""))
        if why and time.monotonic() - at < UNREACHABLE_AGAIN / speed():
            return why
        why = self._ask(host, rest, image)
        if why:
            self.absent[image] = (time.monotonic(), why)
        else:
            self.present.add(image)
        return why

    def _ask(self, host: str, rest: str, image: str) -> str:
        name, _, tag = rest.partition("@") if "@" in rest else rest.rpartition(":")
        authority = Path(f"/etc/docker/certs.d/{host}/ca.crt")
        context = ssl.create_default_context(cafile=str(authority) if authority.is_file() else None)
        request = urllib.request.Request(f"https://{host}/v2/{name}/manifests/{tag}", method="HEAD")
        if login := _login(host):
            request.add_header("Authorization", f"Basic {login}")
        try:
            with urllib.request.urlopen(request, timeout=2, context=context):  # noqa: S310
                return ""
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return f'rpc error: code = NotFound desc = failed to pull and unpack image "{image}": not found'
            return f'failed to pull image "{image}": unexpected status from HEAD request: {error.code} {error.reason}'
        except OSError as error:
            return f'failed to pull image "{image}": failed to do request: Head "https://{host}/v2/": {error}'


def _login(registry: str) -> str:
    """Of containerd's configuration, as HTTP writes it; empty where it has none."""
    path = Path("/etc/containerd/config.toml")
    plugins = tomllib.loads(path.read_text()).get("plugins", {}) if path.is_file() else {}
    configs = plugins.get("io.containerd.grpc.v1.cri", {}).get("registry", {}).get("configs", {})
    auth = configs.get(registry, {}).get("auth", {})
    return base64.b64encode(f"{auth['username']}:{auth['password']}".encode()).decode() if auth else ""


IMAGES = Images()


def reconcile(world: World) -> None:
    ready_nodes = {n["metadata"]["name"]: condition_true(n, "Ready") for n in world.store.all("", "nodes")}
    for pod in world.store.all("", "pods"):
        node = dig(pod, "spec", "nodeName")
        if pod["metadata"].get("deletionTimestamp"):
            _end(world, pod, ready_nodes)
        elif not node:
            continue
        elif node not in ready_nodes:
            world.delete("", "pods", pod)
        elif not ready_nodes[node]:
            _node_lost(world, pod)
        else:
            _step(world, pod)


def _end(world: World, pod: Obj, ready_nodes: dict[str, bool]) -> None:
    """The kubelet has ended the pod; a node that does not answer cannot say so."""
    node = dig(pod, "spec", "nodeName")
    if node and node in ready_nodes and not ready_nodes[node]:
        return
    kept = [f for f in pod["metadata"].get("finalizers", []) if f != "lab.sanqian.dev/kubelet"]
    if kept != pod["metadata"].get("finalizers", []):
        world.store.modify(world.key("", "pods", pod), lambda o: o["metadata"].update(finalizers=kept))


def _node_lost(world: World, pod: Obj) -> None:
    if condition_true(pod, "Ready"):

        def put(obj: Obj) -> None:
            set_condition(obj, "Ready", "False")

        world.store.modify(world.key("", "pods", pod), put)
        world.event(pod, "Warning", "NodeNotReady", "Node is not ready", "node-controller")


def _waiting(pod: Obj) -> str:
    """The stage the pod is in: a container's waiting reason, ``running``, ``ended`` or empty at the very start."""
    phase = dig(pod, "status", "phase", default="Pending")
    if phase in ("Succeeded", "Failed"):
        return "ended"
    for status in dig(pod, "status", "containerStatuses", default=[]):
        reason = dig(status, "state", "waiting", "reason")
        if reason:
            return str(reason)
    return "running" if dig(pod, "status", "containerStatuses") else ""


def _wanted_fault(pod: Obj) -> faults.Fault | None:
    where = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
    return next((f for f in faults.matching("pod", where) if f.do in ("crashloop", "pending", "notready")), None)


def _step(world: World, pod: Obj) -> None:
    stage = _waiting(pod)
    if stage == "ended":
        return
    fault = _wanted_fault(pod)
    since = (pod["metadata"].get("annotations") or {}).get(STAGE_SINCE)
    spent = world.since(since) if since else 0.0
    if stage == "":
        if not fault or fault.do != "pending":
            _enter(world, pod, "ContainerCreating")
            world.later(PULL)
        return
    if stage in ("ContainerCreating", "ErrImagePull", "ImagePullBackOff"):
        wait = PULL if stage == "ContainerCreating" else BACKOFF
        if spent < wait:
            world.later(wait - spent)
            return
        for container in pod["spec"]["containers"] + (pod["spec"].get("initContainers") or []):
            problem = IMAGES.problem(world.registry, container.get("image", ""))
            if problem:
                _enter(world, pod, "ImagePullBackOff" if stage == "ErrImagePull" else "ErrImagePull", problem)
                world.event(pod, "Warning", "Failed", f"Failed to pull image: {problem}")
                world.later(BACKOFF)
                return
        _enter(world, pod, "running")
        world.later(START)
        return
    if stage == "CrashLoopBackOff":
        if spent < BACKOFF:
            world.later(BACKOFF - spent)
        else:
            _enter(world, pod, "running")
            world.later(START)
        return
    _run(world, pod, fault, spent)


def _run(world: World, pod: Obj, fault: faults.Fault | None, spent: float) -> None:
    if fault and fault.do == "crashloop":
        if spent >= START / 2:
            _enter(world, pod, "CrashLoopBackOff", fault.message)
            world.event(pod, "Warning", "BackOff", "Back-off restarting failed container")
            world.later(BACKOFF)
        else:
            world.later(START / 2 - spent)
        return
    ends = pod["spec"].get("restartPolicy", "Always") != "Always"
    wait = JOB if ends else START
    if spent < wait and not condition_true(pod, "Ready"):
        world.later(wait - spent)
        return
    if ends:
        _enter(world, pod, "ended")
    elif fault and fault.do == "notready":
        if condition_true(pod, "Ready"):
            _enter(world, pod, "running")
    elif not condition_true(pod, "Ready"):
        _enter(world, pod, "ready")


def _enter(world: World, pod: Obj, stage: str, message: str = "") -> None:
    """Move the pod to a stage and write the status that a kubelet would."""
    old = {s["name"]: s for s in dig(pod, "status", "containerStatuses", default=[])}

    def put(obj: Obj) -> None:
        annotations = obj["metadata"].get("annotations") or {}
        if stage not in ("ready", "ended"):
            annotations[STAGE_SINCE] = f"{time.time():.3f}"
        if stage == "CrashLoopBackOff":
            annotations[FAULT] = message
        obj["metadata"]["annotations"] = annotations
        status = obj.setdefault("status", {})
        status.setdefault("startTime", now())
        status["phase"] = {"running": "Running", "ready": "Running", "ended": "Succeeded"}.get(stage, status["phase"])
        if stage == "CrashLoopBackOff":
            status["phase"] = "Running"
        if stage in ("running", "ready"):
            status.setdefault("hostIP", _host_address(world, obj))
            status.setdefault("podIP", status["hostIP"] if obj["spec"].get("hostNetwork") else _address(obj))
            status["podIPs"] = [{"ip": status["podIP"]}]
        set_condition(obj, "Initialized", "True")
        good = "True" if stage == "ready" else "False"
        reason = {"ready": "", "ended": "PodCompleted"}.get(stage, "ContainersNotReady")
        set_condition(obj, "ContainersReady", good, reason)
        set_condition(obj, "Ready", good, reason)
        set_condition(obj, "PodScheduled", "True")
        status["containerStatuses"] = [
            _container(container, old.get(container["name"], {}), stage, message)
            for container in obj["spec"]["containers"]
        ]

    world.store.modify(world.key("", "pods", pod), put)
    names = {
        "running": ("Pulled", "Container image already present on machine"),
        "ready": ("Started", "Started containers of the pod"),
    }
    if stage in names:
        world.event(pod, "Normal", *names[stage])


def _container(container: Obj, before: Obj, stage: str, message: str) -> Obj:
    restarts = int(before.get("restartCount", 0))
    state: Obj
    if stage in ("running", "ready"):
        state = {"running": {"startedAt": dig(before, "state", "running", "startedAt") or now()}}
    elif stage == "ended":
        state = {"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": now(), "finishedAt": now()}}
    else:
        state = {"waiting": {"reason": stage, **({"message": message} if message else {})}}
    out: Obj = {
        "name": container["name"],
        "image": container.get("image", ""),
        "imageID": "",
        "ready": stage == "ready",
        "started": stage in ("running", "ready"),
        "restartCount": restarts + (1 if stage == "CrashLoopBackOff" else 0),
        "state": state,
        "lastState": clone(before.get("lastState") or {}),
    }
    if stage == "CrashLoopBackOff":
        ended = {"exitCode": 1, "reason": "Error", "message": message, "finishedAt": now()}
        out["lastState"] = {"terminated": ended}
    return out


def _address(pod: Obj) -> str:
    """An address of the pod network that follows from the pod's uid."""
    number = int(pod["metadata"]["uid"].replace("-", "")[:8], 16)
    return f"10.233.{64 + number % 64}.{2 + (number >> 8) % 250}"


def _host_address(world: World, pod: Obj) -> str:
    for node in world.store.all("", "nodes"):
        if node["metadata"]["name"] == pod["spec"]["nodeName"]:
            for address in dig(node, "status", "addresses", default=[]):
                if address["type"] == "InternalIP":
                    return str(address["address"])
    return ""
