"""docker on a lab host: the package source is a real HTTP server that outlives a reboot."""

from __future__ import annotations

import json
import subprocess

import pytest

from lab import artifact, packing
from lab.hosts import Lab

pytestmark = pytest.mark.lab
HOST = "worker1"
IMAGE = "dockerhub.kubekey.local/kubesphereio/alpine-nginx:main"
RUN = f"docker run -d --restart=always --name apt-source -p 8080:80 -v /srv/apt:/usr/share/nginx/html:ro {IMAGE}"
SETUP = """cat >/usr/local/lib/toolchain && chmod 755 /usr/local/lib/toolchain
for name in docker apt-source; do ln -sfn /usr/local/lib/toolchain /usr/local/bin/$name; done
mkdir -p /srv/apt /var/lib/docker && echo packages >/srv/apt/Release
cat >/var/lib/docker/images.json <<'END'
%s
END
"""
CLEAN = "docker rm -f apt-source other; rm -rf /usr/local/bin/docker /usr/local/bin/apt-source /var/lib/docker /srv/apt"


@pytest.fixture
def host(breakable_lab: Lab) -> Lab:
    program = packing.application(artifact.toolchain())
    breakable_lab.exec(HOST, ["sh", "-eu", "-c", SETUP % json.dumps([IMAGE])], stdin=program, check=True)
    return breakable_lab


def sh(lab: Lab, script: str) -> subprocess.CompletedProcess[bytes]:
    return lab.exec(HOST, ["sh", "-c", script], env={"LAB_SPEED": "100"})


def fetched(lab: Lab) -> str:
    """What another host gets."""
    get = "import sys, urllib.request as u; print(u.urlopen(sys.argv[1], timeout=5).read().decode(), end='')"
    done = lab.exec("master1", ["python3", "-c", get, f"http://{HOST}:8080/Release"], check=True)
    return done.stdout.decode()


def test_the_package_source_outlives_a_reboot(host: Lab) -> None:
    try:
        done = sh(host, RUN)
        assert done.returncode == 0, done.stderr
        assert len(done.stdout.strip()) == 64
        assert fetched(host) == "packages\n"
        running = "docker ps --filter name=apt-source --filter status=running -q"
        assert sh(host, running).stdout.strip() == done.stdout[:12]

        again = sh(host, RUN)
        assert again.returncode == 125
        assert b'The container name "/apt-source" is already in use' in again.stderr
        other = sh(host, RUN.replace("apt-source", "other", 1))
        assert other.returncode == 125
        assert b"port is already allocated" in other.stderr

        host.reboot(HOST)
        listens = "for i in $(seq 100); do ss -Hltn 'sport = :8080' | grep -q . && exit 0; sleep 0.1; done; exit 1"
        assert sh(host, listens).returncode == 0
        assert fetched(host) == "packages\n"
        assert sh(host, "docker rm -f apt-source").stdout == b"apt-source\n"
        assert sh(host, running).stdout == b""
        assert sh(host, "ss -Hltn 'sport = :8080'").stdout == b""
    finally:
        sh(host, CLEAN)


def test_an_image_that_cannot_be_had_is_named(host: Lab) -> None:
    try:
        done = sh(host, RUN.replace("alpine-nginx:main", "absent:1"))
        assert done.returncode == 125
        assert b"absent:1" in done.stderr
        assert done.stderr.startswith(b"SIMULATED")
    finally:
        sh(host, CLEAN)
