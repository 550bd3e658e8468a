"""What the registry keeps on disk: projects, blobs, manifests and charts."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import secrets
import tarfile
import threading
from pathlib import Path
from typing import Any

from lab.toolchain.common.objects import now


def _hashed(word: str, salt: str) -> str:
    return hashlib.pbkdf2_hmac("sha256", word.encode(), salt.encode(), 4096).hex()


class Storage:
    """A directory; every write is atomic, so that a crash leaves no half file under a final name."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.lock = threading.RLock()
        for name in ("blobs", "uploads", "repositories", "charts"):
            (directory / name).mkdir(parents=True, exist_ok=True)
        if not self.projects():
            self._write("projects.json", {"library": {"public": True, "created": now()}})

    def _write(self, name: str, value: Any) -> None:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(path.name + ".new")
        fresh.write_text(json.dumps(value))
        fresh.replace(path)

    def _read(self, name: str, default: Any) -> Any:
        path = self.directory / name
        return json.loads(path.read_text()) if path.is_file() else default

    # -- projects -----------------------------------------------------------------------------------------

    def projects(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = self._read("projects.json", {})
        return found

    def is_password(self, word: str, at_first: str) -> bool:
        """Whether the administrator's password is `word`; it is `at_first` until it was changed."""
        kept = self._read("admin.json", None)
        if kept is None:
            return hmac.compare_digest(word.encode(), at_first.encode())
        return hmac.compare_digest(_hashed(word, kept["salt"]), kept["hash"])

    def set_password(self, word: str) -> None:
        salt = secrets.token_hex(16)
        self._write("admin.json", {"salt": salt, "hash": _hashed(word, salt)})

    def add_project(self, name: str, public: bool) -> bool:
        """False when there is one of that name."""
        with self.lock:
            projects = self.projects()
            if name in projects:
                return False
            projects[name] = {"public": public, "created": now()}
            self._write("projects.json", projects)
            return True

    def remove_project(self, name: str) -> None:
        with self.lock:
            self._write("projects.json", {k: v for k, v in self.projects().items() if k != name})

    # -- blobs and manifests ------------------------------------------------------------------------------

    def blob(self, digest: str) -> Path:
        return self.directory / "blobs" / digest.replace(":", "-")

    def put_blob(self, data: bytes, digest: str) -> bool:
        """False when the content does not have that digest."""
        if f"sha256:{hashlib.sha256(data).hexdigest()}" != digest:
            return False
        fresh = self.blob(digest).with_suffix(".new")
        fresh.write_bytes(data)
        fresh.replace(self.blob(digest))
        return True

    def tags(self, repository: str) -> dict[str, str]:
        found: dict[str, str] = self._read(f"repositories/{repository}/tags.json", {})
        return found

    def put_manifest(self, repository: str, reference: str, data: bytes, media_type: str) -> str:
        """Store a manifest under its digest, and under `reference` where that is a tag; returns the digest."""
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        with self.lock:
            self.put_blob(data, digest)
            self._write(f"repositories/{repository}/types/{digest.replace(':', '-')}.json", media_type)
            if not reference.startswith("sha256:"):
                self._write(f"repositories/{repository}/tags.json", {**self.tags(repository), reference: digest})
        return digest

    def manifest(self, repository: str, reference: str) -> tuple[bytes, str, str] | None:
        """(content, digest, media type)."""
        digest = reference if reference.startswith("sha256:") else self.tags(repository).get(reference, "")
        media_type = self._read(f"repositories/{repository}/types/{digest.replace(':', '-')}.json", "")
        if not media_type:
            return None
        return self.blob(digest).read_bytes(), digest, media_type

    def repositories(self) -> list[str]:
        root = self.directory / "repositories"
        return sorted(str(p.parent.relative_to(root)) for p in root.rglob("tags.json"))

    # -- charts -------------------------------------------------------------------------------------------

    def put_chart(self, project: str, data: bytes) -> str:
        """Store a chart archive; returns its file name. Raises ValueError when it is none."""
        chart = chart_metadata(data)
        name = f"{chart['name']}-{chart['version']}.tgz"
        path = self.directory / "charts" / project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.write_bytes(data)
        fresh.replace(path)
        return name

    def chart(self, project: str, name: str) -> bytes | None:
        path = self.directory / "charts" / project / Path(name).name
        return path.read_bytes() if path.is_file() else None

    def index(self, project: str) -> dict[str, Any]:
        """index.yaml of the chart repository (helm.sh/docs/topics/chart_repository)."""
        entries: dict[str, list[dict[str, Any]]] = {}
        for path in sorted((self.directory / "charts" / project).glob("*.tgz")):
            data = path.read_bytes()
            entry = chart_metadata(data) | {
                "urls": [f"charts/{path.name}"],
                "digest": hashlib.sha256(data).hexdigest(),
                "created": now(),
            }
            entries.setdefault(entry["name"], []).append(entry)
        return {"apiVersion": "v1", "entries": entries, "generated": now()}


def chart_metadata(data: bytes) -> dict[str, Any]:
    """Chart.yaml of a packaged chart. Raises ValueError."""
    import yaml

    try:
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            member = next(m for m in archive.getmembers() if m.name.count("/") == 1 and m.name.endswith("/Chart.yaml"))
            file = archive.extractfile(member)
            if file is None:
                raise ValueError("Chart.yaml is no file")
            found: dict[str, Any] = yaml.safe_load(file.read())
            return found
    except (tarfile.TarError, StopIteration, yaml.YAMLError) as error:
        raise ValueError(f"not a chart archive: {error}") from error
