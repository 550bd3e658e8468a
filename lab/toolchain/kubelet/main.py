"""``kubelet``: posts the node's real facts and renews its lease; pods themselves are played by the controllers."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from lab.toolchain.common.client import ApiFailure, Client, Unreachable, access_of, path_of
from lab.toolchain.common.objects import Obj, now
from lab.toolchain.kubelet import ceph, control_plane, static_pods

HEARTBEAT = 2.0  # seconds, whatever the speed: the API's patience does not shrink below it
PCI = "lab.sanqian.dev/pci"
_PCI_LINE = re.compile(r"\[(?P<class>[0-9a-f]{4})\]: (?P<name>.*) \[(?P<vendor>[0-9a-f]{4}):(?P<device>[0-9a-f]{4})\]")


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser("kubelet", description="SIMULATED kubelet")
    parser.add_argument("--kubeconfig", type=Path, default=Path("/etc/kubernetes/kubelet.conf"))
    parser.add_argument("--hostname-override", default=socket.gethostname())
    parser.add_argument("--node-ip", default="")
    parser.add_argument("--node-labels", default="")
    parser.add_argument("--kubernetes-version", default="v1.24.3")
    parser.add_argument("--port", type=int, default=10250)
    parser.add_argument("--tls-cert-file", type=Path)
    parser.add_argument("--tls-private-key-file", type=Path)
    parser.add_argument("--pid-file", type=Path)
    options = parser.parse_args(argv)
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    health = _health_server(options)
    if options.pid_file:
        options.pid_file.write_text(f"{os.getpid()}\n")
    client = Client(access_of(options.kubeconfig), timeout=5)
    said = ""
    while not ending.is_set():
        control_plane.follow()
        try:
            _register(client, options)
            node = _heartbeat(client, options)
            static_pods.reconcile(client, node)
            ceph.reconcile(client, node)
            said = ""
        except (ApiFailure, Unreachable, OSError) as error:
            if str(error) != said:
                said = str(error)
                print(f"{now()} SIMULATED kubelet: {said}", flush=True)
        ending.wait(HEARTBEAT)
    if health is not None:
        health.shutdown()
    return 0


def _health_server(options: argparse.Namespace) -> ThreadingHTTPServer | None:
    """Port 10250 answers, as preflight checks expect of a host that has a kubelet."""
    if not options.port:
        return None
    server = ThreadingHTTPServer(("", options.port), _Health)
    if options.tls_cert_file:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.tls_cert_file, options.tls_private_key_file)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class _Health(BaseHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not logged."""

    def do_GET(self) -> None:
        data = b"ok" if self.path == "/healthz" else b"Unauthorized"
        self.send_response(200 if self.path == "/healthz" else 401)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _register(client: Client, options: argparse.Namespace) -> None:
    name = options.hostname_override
    if client.find(path_of("", "v1", "nodes", name=name)) is not None:
        return
    arch = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    labels = {
        "beta.kubernetes.io/arch": arch,
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": arch,
        "kubernetes.io/os": "linux",
        "kubernetes.io/hostname": name,
    }
    labels.update(pair.split("=", 1) for pair in options.node_labels.split(",") if "=" in pair)
    node: Obj = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}, "spec": {}}
    try:
        client.post("/api/v1/nodes", node)
    except ApiFailure as error:
        if error.code != 409:
            raise


def _heartbeat(client: Client, options: argparse.Namespace) -> Obj:
    """Post the node's status; returns the node."""
    name = options.hostname_override
    node = client.get(path_of("", "v1", "nodes", name=name))
    status = node_status(options)
    old = node.get("status") or {}
    keep = {k: v for k, v in (old.get("capacity") or {}).items() if "/" in k}  # what device plugins have added
    status["capacity"] |= keep
    status["allocatable"] |= keep
    before = {c["type"]: c for c in old.get("conditions", [])}
    for condition in status["conditions"]:
        same = before.get(condition["type"], {})
        if same.get("status") == condition["status"]:
            condition["lastTransitionTime"] = same["lastTransitionTime"]
            condition["lastHeartbeatTime"] = same["lastHeartbeatTime"]
    if status != old:
        client.patch(path_of("", "v1", "nodes", name=name, sub="status"), {"status": status})
    devices = json.dumps(pci_devices())
    if (node["metadata"].get("annotations") or {}).get(PCI) != devices:
        client.patch(path_of("", "v1", "nodes", name=name), {"metadata": {"annotations": {PCI: devices}}})
    _renew(client, name)
    return node


def _renew(client: Client, name: str) -> None:
    stamp = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    spec = {"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": stamp}
    where = ("coordination.k8s.io", "v1", "leases", "kube-node-lease")
    try:
        client.patch(path_of(*where, name), {"spec": spec})
    except ApiFailure as error:
        if error.code != 404:
            raise
        client.post(path_of(*where), {"metadata": {"name": name}, "spec": spec})


def node_status(options: argparse.Namespace) -> Obj:
    """Addresses, capacity, conditions and versions as they are on this host."""
    cpus = Path("/proc/cpuinfo").read_text().count("\nprocessor") + 1
    memory = re.search(r"MemTotal:\s+(\d+) kB", Path("/proc/meminfo").read_text())
    disk = shutil.disk_usage("/")
    capacity = {
        "cpu": str(cpus),
        "memory": f"{memory[1] if memory else 0}Ki",
        "ephemeral-storage": f"{disk.total // 1024}Ki",
        "pods": "110",
    }
    good = [
        ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
    ]
    stamp = now()
    return {
        "addresses": [
            {"type": "InternalIP", "address": options.node_ip},
            {"type": "Hostname", "address": options.hostname_override},
        ],
        "capacity": dict(capacity),
        "allocatable": dict(capacity),
        "conditions": [
            {
                "type": t,
                "status": s,
                "reason": r,
                "message": m,
                "lastHeartbeatTime": stamp,
                "lastTransitionTime": stamp,
            }
            for t, s, r, m in good
        ],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": options.port}},
        "nodeInfo": {
            "architecture": {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine()),
            "bootID": _first_line("/proc/sys/kernel/random/boot_id"),
            "machineID": _first_line("/etc/machine-id"),
            "systemUUID": _first_line("/etc/machine-id"),
            "kernelVersion": platform.release(),
            "osImage": platform.freedesktop_os_release().get("PRETTY_NAME", "Linux"),
            "operatingSystem": "linux",
            "containerRuntimeVersion": "containerd://1.6.4",
            "kubeletVersion": options.kubernetes_version,
            "kubeProxyVersion": options.kubernetes_version,
        },
    }


def _first_line(path: str) -> str:
    file = Path(path)
    return file.read_text().strip() if file.is_file() else ""


def pci_devices() -> list[Obj]:
    """The PCI devices that lspci shows, as class, vendor, device and name; none where there is no lspci."""
    if not shutil.which("lspci"):
        return []
    listing = subprocess.run(["lspci", "-nn"], capture_output=True, text=True, check=False).stdout
    return [match.groupdict() for match in map(_PCI_LINE.search, listing.splitlines()) if match]
