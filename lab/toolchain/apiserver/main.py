"""``kube-apiserver``: serves the API and runs the controllers until it is told to end."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from lab.toolchain.apiserver.kinds import BUILT_IN
from lab.toolchain.apiserver.rest import Rest, Target
from lab.toolchain.apiserver.server import ApiServer, server_tls
from lab.toolchain.apiserver.store import Key, Store
from lab.toolchain.controllers.loop import Loop

FIRST_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser("kube-apiserver", description="SIMULATED kube-apiserver with controllers")
    parser.add_argument("--bind-address", default="0.0.0.0")  # noqa: S104  as kubeadm configures the real one
    parser.add_argument("--secure-port", type=int, default=6443)
    parser.add_argument("--data-dir", type=Path, default=Path("/var/lib/etcd/member"))
    parser.add_argument("--tls-cert-file", type=Path)
    parser.add_argument("--tls-private-key-file", type=Path)
    parser.add_argument("--client-ca-file", type=Path)
    parser.add_argument("--registry", default="", help="private registry that pods' images must be in")
    parser.add_argument("--kubernetes-version", default="v1.24.3")
    parser.add_argument("--pid-file", type=Path)
    options = parser.parse_args(argv)
    tls = None
    if options.tls_cert_file:
        tls = server_tls(options.tls_cert_file, options.tls_private_key_file, options.client_ca_file)
    store = Store(options.data_dir)
    bootstrap(store)
    address = (options.bind_address, options.secure_port)
    server = ApiServer(address, store, tls, version=options.kubernetes_version)
    loop = Loop(store, options.registry)
    loop.start()
    if options.pid_file:
        import os

        options.pid_file.write_text(f"{os.getpid()}\n")

    def end(*_: object) -> None:
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    print(
        f"SIMULATED kube-apiserver {options.kubernetes_version} serving on port {options.secure_port}",
        flush=True,
    )
    server.serve_forever(poll_interval=0.2)
    loop.stop()
    loop.join(5)
    sys.stdout.flush()
    return 0


def bootstrap(store: Store) -> None:
    """The objects that every cluster begins with."""
    rest = Rest(store)
    kinds = {(k.group, k.plural): k for k in BUILT_IN}
    for name in FIRST_NAMESPACES:
        if store.find(Key("", "namespaces", "", name)) is None:
            rest.create(Target(kinds["", "namespaces"]), {"metadata": {"name": name}}, {})
    if store.find(Key("", "services", "default", "kubernetes")) is None:
        service = {
            "metadata": {
                "name": "kubernetes",
                "labels": {"component": "apiserver", "provider": "kubernetes"},
            },
            "spec": {
                "clusterIP": "10.233.0.1",
                "ports": [{"name": "https", "port": 443, "targetPort": 6443}],
            },
        }
        rest.create(Target(kinds["", "services"], "default"), service, {})
