"""The artifact: its layout, that its bytes follow from its content, and that hosts take its packages."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from clusters import catalog
from lab import artifact, images, packages, packing
from lab.errors import LabError
from lab.hosts import Lab
from lab.packing import File
from lab.toolchain import programs
from lab.toolchain.kk import system

LAYOUT = Path(__file__).parents[3] / "tasks/plans/scripts/artifact-layout.sh"
# What the service's own scripts refuse: paths and links that lead out of the archive, devices.
OUTSIDE = ("/", "../")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return artifact.build(tmp_path_factory.mktemp("artifact"), kubectl=False)


@pytest.fixture(scope="module")
def unpacked(made: Path) -> Path:
    directory = made.parent / "unpacked"
    with tarfile.open(made) as archive:
        archive.extractall(directory, filter="data")
    return directory


def test_the_same_input_gives_the_same_bytes(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    program = "import sys; from pathlib import Path; from lab import artifact; "
    program += "artifact.build(Path(sys.argv[1]), kubectl=False)"
    tree = Path(__file__).parents[3]
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], cwd=tree, check=True, timeout=60)
    assert artifact.checksum(tmp_path / artifact.NAME) == artifact.checksum(made)
    assert artifact.checksum(made) == hashlib.sha256(made.read_bytes()).hexdigest()
    assert [path.name for path in tmp_path.iterdir()] == ["3k-artifact.tar.gz"]


def test_the_service_finds_its_layout(unpacked: Path) -> None:
    script = f'{LAYOUT.read_text()}\nlayout "$1"'
    done = subprocess.run(["sh", "-c", script, "sh", str(unpacked)], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    for name in ("conf/config-sample.yaml", "conf/softwares.yaml", "packages/3k.tar.gz", "packages/sources.list"):
        assert (unpacked / name).is_file()
    assert "http://master_ip:8080" in (unpacked / "packages/sources.list").read_text()
    assert (unpacked / "helm-plugins/helm-push_0.10.4_linux_amd64.tar.gz").is_file()
    assert not (unpacked / "bin/kubectl").exists()


def test_nothing_in_it_leads_outside(made: Path) -> None:
    with tarfile.open(made) as archive:
        for member in archive:
            assert member.isdir() or member.isfile()
            assert not member.name.startswith(OUTSIDE)
            assert (member.mtime, member.uid, member.uname) == (0, 0, "")


def test_kubectl_is_the_real_one(tmp_path: Path) -> None:
    path = artifact.build(tmp_path)
    assert path.stat().st_size < 60 << 20
    with tarfile.open(path) as archive:
        member = archive.getmember("bin/kubectl")
        file = archive.extractfile(member)
        assert file is not None
        assert file.read(4) == b"\x7fELF"
        assert member.mode == 0o755


def test_a_missing_kubectl_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LabError, match=r"needs kubectl\n  fix: uv sync --group lab"):
        artifact.build(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_programs_bring_all_they_import(unpacked: Path) -> None:
    with zipfile.ZipFile(unpacked / "bin/kk") as program:
        names = set(program.namelist())
    assert {"__main__.py", "DIGEST", "lab/toolchain/programs.py", "yaml/loader.py", "yaml/LICENSE"} <= names
    assert not any("site-packages" in name or name.endswith((".so", ".pyc")) for name in names)
    assert (unpacked / "bin/kk").read_bytes() == (unpacked / "bin/helm").read_bytes()
    assert os.access(unpacked / "bin/kk", os.X_OK)


@pytest.mark.parametrize("name", programs.PROGRAMS)
def test_a_program_needs_the_standard_library_alone(unpacked: Path, name: str) -> None:
    script = "import importlib, sys; sys.path.insert(0, sys.argv[1]); importlib.import_module(sys.argv[2]).main"
    argv = [sys.executable, "-I", "-S", "-c", script, str(unpacked / "bin/kk"), programs.PROGRAMS[name]]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_an_applications_digest_follows_its_content() -> None:
    def digest(tree: packing.Tree) -> bytes:
        return zipfile.ZipFile(io.BytesIO(packing.application(tree))).read("DIGEST")

    assert digest({"a": File.text("1"), "b": File.text("2")}) == digest({"b": File.text("2"), "a": File.text("1")})
    assert digest({"a": File.text("12"), "b": File.text("")}) != digest({"a": File.text("1"), "b": File.text("2")})


def test_it_brings_every_component_of_the_catalog(unpacked: Path) -> None:
    for entry in catalog.load().installable:
        if entry.kind == "helm":
            assert list(unpacked.glob(f"helm-charts/{entry.chart}-[v0-9]*.tgz")), entry.name
            assert (unpacked / entry.values_file).is_file()
        else:
            assert (unpacked / entry.manifest_file).is_file()


# -- images ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def offline(unpacked: Path) -> Iterator[tarfile.TarFile]:
    with tarfile.open(unpacked / "packages/3k.tar.gz") as archive:
        yield archive


def read(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    assert file is not None
    return file.read()


def test_kk_finds_every_image_and_blob(offline: tarfile.TarFile) -> None:
    index = json.loads(read(offline, "images/index.json"))
    assert json.loads(read(offline, "images/oci-layout")) == {"imageLayoutVersion": "1.0.0"}
    names = [entry["annotations"]["org.opencontainers.image.ref.name"] for entry in index["manifests"]]
    assert names == sorted(set(names))
    assert {f"{name}:{tag}" for name, tag in system.IMAGES.items()} <= set(names)
    assert artifact.SERVES_PACKAGES in names
    for entry in index["manifests"]:
        manifest = json.loads(blob(offline, entry))
        assert entry["mediaType"] == manifest["mediaType"] == images.MANIFEST
        config = json.loads(blob(offline, manifest["config"]))
        layers = [gzip.decompress(blob(offline, layer)) for layer in manifest["layers"]]
        assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]


def test_the_images_of_manifests_are_there(offline: tarfile.TarFile, unpacked: Path) -> None:
    index = json.loads(read(offline, "images/index.json"))
    names = {entry["annotations"]["org.opencontainers.image.ref.name"] for entry in index["manifests"]}
    wanted = set()
    for path in (unpacked / "deploy/yaml_apps").iterdir():
        wanted |= set(re.findall(r"dockerhub\.kubekey\.local/kubesphereio/([^\s\"']+)", path.read_text()))
    assert wanted
    assert wanted <= names


def blob(archive: tarfile.TarFile, descriptor: dict[str, object]) -> bytes:
    """A blob whose digest and size are as its descriptor says."""
    data = read(archive, f"images/blobs/{str(descriptor['digest']).replace(':', '/')}")
    assert descriptor["digest"] == f"sha256:{hashlib.sha256(data).hexdigest()}"
    assert descriptor["size"] == len(data)
    return data


def test_kk_finds_the_packages_too(offline: tarfile.TarFile, unpacked: Path) -> None:
    for path in (unpacked / "packages").glob("*.deb"):
        assert read(offline, f"repository/amd64/{path.name}") == path.read_bytes()


# -- packages -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", packages.PACKAGES)
def test_dpkg_reads_a_package(unpacked: Path, name: str) -> None:
    (path,) = (unpacked / "packages").glob(f"{name}_*_amd64.deb")
    fields = ["Package", "Architecture", "Version", "Depends"]
    done = subprocess.run(["dpkg-deb", "-f", path, *fields], capture_output=True, text=True, check=True)
    version = packages.PACKAGES[name][0]
    assert done.stdout == f"Package: {name}\nArchitecture: amd64\nVersion: {version}\n"
    assert done.stderr == ""
    listed = subprocess.run(["dpkg-deb", "--info", path], capture_output=True, text=True, check=True)
    assert "SIMULATED" in listed.stdout


def test_the_package_index_has_the_sum_of_what_it_lists() -> None:
    tree = packages.apt_source()
    index = tree["dists/stable/main/binary-amd64/Packages"].data.decode()
    fields = dict(line.split(": ", 1) for line in index.splitlines())
    data = tree[fields["Filename"]].data
    assert fields["SHA256"] == hashlib.sha256(data).hexdigest()
    assert int(fields["Size"]) == len(data)


@pytest.mark.lab
def test_hosts_install_the_packages(lab: Lab, unpacked: Path) -> None:
    names = list(packages.PACKAGES)
    sent = packing.tar_gz({path.name: File(path.read_bytes()) for path in (unpacked / "packages").glob("*.deb")})
    script = "set -e; d=$(mktemp -d); tar -xzf - -C $d; dpkg -i $d/*.deb >/dev/null; rm -r $d"
    try:
        done = lab.exec("worker3", ["sh", "-c", script], stdin=sent)
        assert (done.returncode, done.stderr) == (0, b"")
        said = lab.exec("worker3", ["dpkg-query", "-W", "-f", "${Package} ${Version} ${Status}\n", *names], check=True)
        wanted = {f"{name} {version} install ok installed" for name, (version, _) in packages.PACKAGES.items()}
        assert set(said.stdout.decode().splitlines()) == wanted
        for name, (version, _path) in packages.PACKAGES.items():
            done = lab.exec("worker3", ["sudo", name, "--version"], check=True)
            assert done.stdout.decode() == f"SIMULATED {name} {version}\n"
        assert lab.exec("worker3", ["dpkg", "--verify"], check=True).stdout.decode().count("socat") == 0
        refused = lab.exec("worker3", ["socat", "-", "TCP:127.0.0.1:22"])
        assert (refused.returncode, refused.stderr) == (1, b"socat: SIMULATED, it answers --version only\n")
    finally:
        lab.exec("worker3", ["dpkg", "--purge", *names], check=True)


@pytest.mark.lab
def test_apt_takes_the_package_source(lab: Lab, unpacked: Path) -> None:
    source = unpacked / "packages"
    sent = packing.tar_gz(
        {str(path.relative_to(source)): File(path.read_bytes()) for path in source.rglob("*") if path.is_file()}
    )
    script = r"""set -e
d=$(mktemp -d); tar -xzf - -C $d; chmod 755 $d
cd $d/apt-source; python3 -m http.server 8080 >/dev/null 2>&1 & server=$!
trap 'kill $server; rm -r $d' EXIT
tries=0
until curl -sf -o /dev/null http://127.0.0.1:8080/; do tries=$((tries + 1)); [ $tries -lt 100 ]; sleep 0.05; done
sed 's/master_ip/127.0.0.1/' $d/sources.list >$d/list
mkdir -p $d/lists/partial $d/cache/archives/partial
options="-o Dir::Etc::SourceList=$d/list -o Dir::Etc::SourceParts=/dev/null -o Dir::State::Lists=$d/lists"
options="$options -o Dir::Cache=$d/cache -o APT::Sandbox::User=root"
apt-get $options update >&2
cd $d
apt-get $options download linux-headers-generic >&2
dpkg-deb -f linux-headers-generic_*.deb Version
"""
    done = lab.exec("worker3", ["bash", "-c", script], stdin=sent)
    assert (done.returncode, done.stdout.decode()) == (0, f"{packages.HEADERS[1]}\n"), done.stderr.decode()
