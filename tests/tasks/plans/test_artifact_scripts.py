"""The scripts that bring the artifact, run by a real shell with real archives and a real HTTP server."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import re
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tasks.plan import Script
from tasks.plans.scripting import script

PARTS = ("bin/kk", "bin/helm", "conf/a", "packages/a.deb", "helm-charts/a.tgz", "deploy/values/a", "deploy/yaml_apps/a")


def run(do: Script, phase: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "SANQIAN_HOST": "master1", **do.env}
    return subprocess.run(["sh", "-eu", "-c", getattr(do, phase)], env=env, capture_output=True, text=True, timeout=60)


def archive(
    path: Path, *parts: str, extra: tarfile.TarInfo | None = None, text: bytes = b"#!/bin/sh\n", mode: int = 0o755
) -> str:
    with tarfile.open(path, "w:gz") as tar:
        for name in parts or PARTS:
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(text), mode
            tar.addfile(member, io.BytesIO(text))
        if extra is not None:
            tar.addfile(extra)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def unpack(tmp_path: Path, sha256: str = "") -> Script:
    env = {
        "ARTIFACT": str(tmp_path / "artifact"),
        "ARCHIVE": str(tmp_path / "a.archive"),
        "SHA256": sha256,
        "MEMBERS": "50",
    }
    return script("artifact-unpack", "artifact-layout", env=env)


def test_unpack_once_and_keep_what_kk_made(tmp_path: Path) -> None:
    do = unpack(tmp_path, archive(tmp_path / "a.archive"))
    assert run(do, "probe").returncode != 0
    assert run(do, "apply").returncode == 0
    assert run(do, "probe").returncode == 0
    kept = tmp_path / "artifact/kubekey/pki"
    kept.mkdir(parents=True)
    do = unpack(tmp_path, archive(tmp_path / "a.archive", *PARTS, "bin/new"))
    assert run(do, "probe").returncode != 0
    assert run(do, "apply").returncode == 0
    assert kept.is_dir()
    assert (tmp_path / "artifact/bin/new").exists()
    assert not (tmp_path / "artifact.new").exists()


def test_unpack_without_a_checksum_notices_another_archive(tmp_path: Path) -> None:
    do = unpack(tmp_path)
    archive(tmp_path / "a.archive")
    assert run(do, "apply").returncode == 0
    assert run(do, "probe").returncode == 0
    archive(tmp_path / "a.archive", text=b"another, longer text\n" * 5)
    assert run(do, "probe").returncode != 0
    (tmp_path / "a.archive").unlink()
    assert run(do, "probe").returncode == 0


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (tarfile.TarInfo("../outside"), "names ../outside"),
        (tarfile.TarInfo("/etc/outside"), "names /etc/outside"),
        (tarfile.TarInfo("conf/../../outside"), "names conf/../../outside"),
        (link("conf/out", "/etc"), "link out of it"),
        (link("conf/out", "../../etc"), "link out of it"),
        (link("conf/out", "/etc/passwd", tarfile.LNKTYPE), "link out of it"),
        (link("conf/dev", "", tarfile.CHRTYPE), "link out of it or a device"),
        (link("conf/pipe", "", tarfile.FIFOTYPE), "link out of it or a device"),
        (link("conf/a -> /../../outside", "kk"), "link out of it"),
        (tarfile.TarInfo("conf/a -> /../../outside"), "names conf/a -> /../../outside"),
    ],
)
def test_an_archive_that_reaches_out_is_refused(tmp_path: Path, extra: tarfile.TarInfo, words: str) -> None:
    do = unpack(tmp_path, archive(tmp_path / "a.archive", extra=extra))
    done = run(do, "apply")
    assert done.returncode == 1
    assert words in done.stderr
    assert "Fix:" in done.stderr
    assert not (tmp_path / "artifact").exists()
    assert not (tmp_path / "outside").exists()


def test_more_than_the_disk_holds_is_not_unpacked(tmp_path: Path) -> None:
    """The sizes are those that the members name: of a petabyte of zeros a few kilobytes are left."""
    bomb = tarfile.TarInfo("packages/zeros")
    bomb.size = 1 << 50
    with gzip.open(tmp_path / "a.archive", "wb", compresslevel=1) as packed:
        packed.write(bomb.tobuf() + bytes(8 << 20))
    done = run(unpack(tmp_path), "apply")
    assert done.returncode == 1
    assert "needs more than the" in done.stderr and "Fix:" in done.stderr
    assert not (tmp_path / "artifact.new").exists()


def test_more_files_than_an_artifact_has_are_not_unpacked(tmp_path: Path) -> None:
    do = unpack(tmp_path, archive(tmp_path / "a.archive", *PARTS, *(f"conf/{number}" for number in range(60))))
    done = run(do, "apply")
    assert "has more than 50 files" in done.stderr
    assert not (tmp_path / "artifact").exists()


def test_no_file_is_unpacked_with_the_rights_of_its_owner(tmp_path: Path) -> None:
    do = unpack(tmp_path, archive(tmp_path / "a.archive", mode=0o6777))
    assert run(do, "apply").returncode == 0
    assert (tmp_path / "artifact/bin/kk").stat().st_mode & 0o7777 == 0o755


def test_links_inside_are_fine(tmp_path: Path) -> None:
    do = unpack(tmp_path, archive(tmp_path / "a.archive", extra=link("bin/kk2", "kk")))
    assert run(do, "apply").returncode == 0


def test_an_incomplete_artifact_is_named(tmp_path: Path) -> None:
    do = unpack(tmp_path, archive(tmp_path / "a.archive", *PARTS[1:4]))
    done = run(do, "apply")
    assert "lacks: bin/kk helm-charts deploy/values deploy/yaml_apps" in done.stderr
    assert not (tmp_path / "artifact").exists()


def test_a_wrong_checksum_removes_the_archive(tmp_path: Path) -> None:
    archive(tmp_path / "a.archive")
    done = run(unpack(tmp_path, "0" * 64), "apply")
    assert "expected 0000" in done.stderr
    assert not (tmp_path / "a.archive").exists()


def test_no_archive_says_which_step_brings_it(tmp_path: Path) -> None:
    assert "Run the step that brings the artifact first" in run(unpack(tmp_path), "apply").stderr


class Server(ThreadingHTTPServer):
    """Serves one content; with `breaks`, the first answers end after so many bytes."""

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.breaks = content, 0
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/3k.tar.gz?token=a%22b"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.content)))
        self.end_headers()

    def do_GET(self) -> None:
        content, wanted = self.server.content, self.headers.get("Range", "")
        self.server.asked.append(wanted)
        first = int(re.sub(r"\D", "", wanted) or 0)
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(content) - first))
        if wanted:
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        part = content[first:]
        if self.server.breaks:
            self.server.breaks -= 1
            part = part[: len(part) // 2]
        self.wfile.write(part)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server(os.urandom(1 << 20))
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


def fetch(tmp_path: Path, url: str, sha256: str) -> Script:
    env = {
        "ARTIFACT": str(tmp_path / "d/artifact"),
        "ARCHIVE": str(tmp_path / "d/a.archive"),
        "SHA256": sha256,
        "URL": url,
    }
    return script("artifact-fetch", "artifact-layout", env=env)


def test_a_broken_download_goes_on_where_it_stopped(tmp_path: Path, server: Server) -> None:
    digest = hashlib.sha256(server.content).hexdigest()
    do = fetch(tmp_path, server.url, digest)
    assert run(do, "probe").returncode != 0
    server.breaks = 1
    done = run(do, "apply")
    assert done.returncode == 1
    assert "a retry goes on where it stopped" in done.stderr
    assert run(do, "apply").returncode == 0
    assert server.asked == ["", f"bytes={1 << 19}-"]
    assert (tmp_path / "d/a.archive").read_bytes() == server.content
    assert run(do, "probe").returncode == 0


def test_a_download_with_another_checksum_is_thrown_away(tmp_path: Path, server: Server) -> None:
    done = run(fetch(tmp_path, server.url, "0" * 64), "apply")
    assert "expected 0000" in done.stderr
    assert not list((tmp_path / "d").iterdir())


def test_no_server_says_so(tmp_path: Path) -> None:
    done = run(fetch(tmp_path, "http://127.0.0.1:1/a", "0" * 64), "apply")
    assert done.returncode == 1
    assert "exit code 7" in done.stderr
