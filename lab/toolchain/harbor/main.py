"""``harbor``: serves the registry that /opt/harbor/harbor.yml describes."""

from __future__ import annotations

import argparse
import os
import signal
import ssl
import threading
from pathlib import Path

from lab.toolchain.harbor.server import Harbor
from lab.toolchain.harbor.storage import Storage


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser("harbor", description="SIMULATED Harbor")
    parser.add_argument("--config", type=Path, default=Path("/opt/harbor/harbor.yml"))
    parser.add_argument("--pid-file", type=Path)
    options = parser.parse_args(argv)
    import yaml

    config = yaml.safe_load(options.config.read_text())
    https = config.get("https") or {}
    tls = None
    port = (config.get("http") or {}).get("port", 80)
    if https:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(https["certificate"], https["private_key"])
        port = https.get("port", 443)
    storage = Storage(Path(config["data_volume"]))
    server = Harbor(("", port), storage, config["hostname"], config["harbor_admin_password"], tls)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    if options.pid_file:
        options.pid_file.write_text(f"{os.getpid()}\n")
    print(f"SIMULATED Harbor {config['hostname']} serving on port {port}", flush=True)
    server.serve_forever(poll_interval=0.2)
    return 0
