"""SIMULATED container images in one OCI image layout (opencontainers/image-spec 1.0)."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterable
from typing import Any

from lab.packing import File, Tree, tar_gz

LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def layout(names: Iterable[str]) -> Tree:
    """The layout of images ``name:tag``, each with one small layer that says what it stands for."""
    tree: Tree = {"oci-layout": File.text('{"imageLayoutVersion":"1.0.0"}')}
    entries = []

    def blob(data: bytes) -> dict[str, Any]:
        digest = hashlib.sha256(data).hexdigest()
        tree[f"blobs/sha256/{digest}"] = File(data)
        return {"digest": f"sha256:{digest}", "size": len(data)}

    for name in sorted(set(names)):
        data = tar_gz({"SIMULATED": File.text(f"SIMULATED image {name} of the lab\n")})
        layer = blob(data)
        config = {"architecture": "amd64", "os": "linux", "config": {"Labels": {"SIMULATED": name}}}
        inside = hashlib.sha256(gzip.decompress(data)).hexdigest()
        config["rootfs"] = {"type": "layers", "diff_ids": [f"sha256:{inside}"]}
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, **blob(_json(config))},
            "layers": [{"mediaType": LAYER, **layer}],
        }
        annotations = {"org.opencontainers.image.ref.name": name}
        entries.append({"mediaType": MANIFEST, **blob(_json(manifest)), "annotations": annotations})
    tree["index.json"] = File(_json({"schemaVersion": 2, "manifests": entries}))
    return tree


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
