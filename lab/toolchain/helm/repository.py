"""Chart repositories: helm's list of them, their indices, and ChartMuseum over HTTPS."""

from __future__ import annotations

import base64
import os
import re
import secrets
import ssl
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import yaml

from lab.toolchain.common.objects import Obj, now
from lab.toolchain.helm.chart import Chart, load, unpack
from lab.toolchain.helm.errors import HelmError
from lab.toolchain.helm.paths import place

# The lab's hosts reach each other directly, whatever proxy the environment names.
_DIRECT = urllib.request.ProxyHandler({})


def repositories() -> list[Obj]:
    path = place("HELM_REPOSITORY_CONFIG")
    return (yaml.safe_load(path.read_text()) or {}).get("repositories") or [] if path.is_file() else []


def repository(name: str) -> Obj:
    for entry in repositories():
        if entry["name"] == name:
            return entry
    raise HelmError(f"no repository named {name!r} found")


def keep(entries: list[Obj]) -> None:
    """Write the list; it holds passwords."""
    text = yaml.safe_dump({"apiVersion": "", "generated": now(), "repositories": entries}, sort_keys=False)
    _write(place("HELM_REPOSITORY_CONFIG"), text.encode(), 0o600)


def _write(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Several helms may run at once: a file is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.touch(mode=mode)
    fresh.write_bytes(data)
    fresh.replace(path)


def add(entry: Obj, force: bool) -> str:
    """Raises `HelmError` where it is no repository, or the name is taken by another."""
    same = next((known for known in repositories() if known["name"] == entry["name"]), None)
    if same is not None and not force:
        if same != entry:
            raise HelmError(f"repository name ({entry['name']}) already exists, please specify a different name")
        return f'"{entry["name"]}" already exists with the same configuration, skipping'
    fetch_index(entry)
    keep([*(known for known in repositories() if known["name"] != entry["name"]), entry])
    return f'"{entry["name"]}" has been added to your repositories'


def fetch(entry: Obj, url: str, data: bytes | None = None, headers: dict[str, str] | None = None) -> bytes:
    """Raises `HelmError`."""
    request = urllib.request.Request(url, data, headers or {})  # noqa: S310  the URL is the user's own
    if entry.get("username"):
        login = f"{entry['username']}:{entry.get('password', '')}".encode()
        request.add_header("Authorization", f"Basic {base64.b64encode(login).decode()}")
    opener = urllib.request.build_opener(_DIRECT, urllib.request.HTTPSHandler(context=_tls(entry)))
    try:
        with opener.open(request, timeout=60) as answer:
            content: bytes = answer.read()
            return content
    except urllib.error.HTTPError as error:
        raise HelmError(f"failed to fetch {url} : {error.code} {error.reason}") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, ssl.SSLCertVerificationError):
            reason = f"x509: {reason.verify_message}"
        verb = "Post" if data else "Get"
        raise HelmError(f'{verb} "{url}": {reason}') from error


def _tls(entry: Obj) -> ssl.SSLContext:
    authority = entry.get("caFile") or None
    if authority and not Path(authority).is_file():
        raise HelmError(f"can't create TLS config for client: open {authority}: no such file or directory")
    context = ssl.create_default_context(cafile=authority)
    if entry.get("certFile"):
        context.load_cert_chain(entry["certFile"], entry.get("keyFile") or None)
    if entry.get("insecure_skip_tls_verify"):
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def fetch_index(entry: Obj) -> Obj:
    """Download index.yaml into the cache. Raises `HelmError`."""
    try:
        data = fetch(entry, f"{entry['url'].rstrip('/')}/index.yaml")
        found: Obj = yaml.safe_load(data)
        if not isinstance(found, dict) or "entries" not in found:
            raise HelmError("no API version specified")
    except (HelmError, yaml.YAMLError) as error:
        raise HelmError(
            f'looks like "{entry["url"]}" is not a valid chart repository or cannot be reached: {error}'
        ) from error
    _write(_cached(entry["name"]), data)
    return found


def _cached(name: str) -> Path:
    return place("HELM_REPOSITORY_CACHE") / f"{name}-index.yaml"


def index(name: str) -> Obj:
    """The cached index. Raises `HelmError` where there is none."""
    path = _cached(name)
    if not path.is_file():
        raise HelmError(f"no cached repo found. (try 'helm repo update'): open {path}: no such file or directory")
    found: Obj = yaml.safe_load(path.read_text())
    return found


def version_key(version: str) -> tuple[Any, ...]:
    """Newer versions compare greater; a pre-release is older than its release."""
    plain, _, before = version.lstrip("v").partition("+")[0].partition("-")
    numbers = tuple(int(part) if part.isdigit() else 0 for part in plain.split("."))
    return numbers, not before, before


def _candidates(charts: list[Obj], *, devel: bool) -> list[Obj]:
    """The newest first; pre-releases only where they are asked for."""
    stable = [chart for chart in charts if devel or "-" not in chart["version"]]
    return sorted(stable, key=lambda chart: version_key(chart["version"]), reverse=True)


def search(word: str, *, versions: bool, devel: bool) -> list[dict[str, str]]:
    """The charts whose name or description has the word, as rows."""
    entries = repositories()
    if not entries:
        raise HelmError("no repositories configured")
    rows = []
    for entry in entries:
        for name, charts in sorted(index(entry["name"])["entries"].items()):
            found = _candidates(charts, devel=devel)
            about = f"{entry['name']}/{name} {found[0].get('description', '') if found else ''}".lower()
            if word.lower() not in about:
                continue
            rows += [_row(f"{entry['name']}/{name}", chart) for chart in (found if versions else found[:1])]
    return rows


def _row(name: str, chart: Obj) -> dict[str, str]:
    app, about = str(chart.get("appVersion", "")), chart.get("description", "")
    return {"name": name, "version": chart["version"], "app_version": app, "description": about}


def locate(reference: str, version: str = "", *, devel: bool = False) -> Chart:
    """``repository/chart``, or a path. Raises `HelmError`."""
    path = Path(reference)
    if path.exists():
        return load(path)
    if reference.startswith((".", "/")) or reference.endswith(".tgz"):
        raise HelmError(f'path "{reference}" not found')
    repo, slash, name = reference.partition("/")
    if not slash:
        raise HelmError(f"non-absolute URLs should be in form of repo_name/path_to_chart, got: {reference}")
    entry = next((known for known in repositories() if known["name"] == repo), None)
    if entry is None:
        raise HelmError(f"repo {repo} not found")
    charts = index(repo)["entries"].get(name) or []
    found = [c for c in _candidates(charts, devel=devel or bool(version)) if _is(c["version"], version)]
    if not found:
        reason = "no chart version found for" if charts else "no chart name found"
        wanted = f" {name}-{version}" if charts else ""
        raise HelmError(
            f"chart \"{name}\" matching {version} not found in {repo} index. (try 'helm repo update'): {reason}{wanted}"
        )
    return unpack(fetch(entry, urljoin(f"{entry['url'].rstrip('/')}/", found[0]["urls"][0])))


def _is(version: str, wanted: str) -> bool:
    return not wanted or re.sub("^v", "", version) == re.sub("^v", "", wanted)


def push(archive: Path, entry: Obj, *, force: bool) -> None:
    """Send a packaged chart to ChartMuseum's API. Raises `HelmError`."""
    meta = load(archive).metadata
    url = urlsplit(entry["url"])
    context, _, project = url.path.strip("/").rpartition("/")
    if not force:
        known = fetch_index(entry)["entries"].get(meta["name"], [])
        if any(chart["version"] == meta["version"] for chart in known):
            raise HelmError(f"409: {meta['name']}-{meta['version']}.tgz already exists")
    boundary = secrets.token_hex(16)
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="chart"; filename="{archive.name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    body = head.encode() + archive.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
    where = f"{url.scheme}://{url.netloc}/api/{context}/{project}/charts"
    fetch(entry, where, body, {"Content-Type": f"multipart/form-data; boundary={boundary}"})
