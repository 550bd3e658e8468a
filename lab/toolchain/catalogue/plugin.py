"""The archive of helm's push plugin. Its program calls helm back, which has all that pushing needs."""

from __future__ import annotations

from lab import packing
from lab.packing import File

VERSION = "0.10.4"
NAME = f"helm-push_{VERSION}_linux_amd64.tar.gz"
_MANIFEST = f"""name: "cm-push"
version: "{VERSION}"
usage: "Push chart package to ChartMuseum"
description: "Push chart package to ChartMuseum (SIMULATED)"
command: "$HELM_PLUGIN_DIR/bin/helm-cm-push"
downloaders:
- command: "bin/helm-cm-push"
  protocols:
  - "cm"
"""
_PROGRAM = """#!/bin/sh
# SIMULATED helm-cm-push: helm itself sends the chart
exec "$HELM_BIN" chartmuseum-push "$@"
"""


def archive() -> File:
    tree = {"plugin.yaml": File.text(_MANIFEST), "bin/helm-cm-push": File.text(_PROGRAM, 0o755)}
    return File(packing.tar_gz(tree))
