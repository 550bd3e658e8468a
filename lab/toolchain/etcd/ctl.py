"""``etcdctl``: members, their health and snapshots, with the options and lines of the real one."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from urllib.parse import urlsplit

from lab.toolchain.etcd import snapshot
from lab.toolchain.etcd.member import Unavailable, answers, change, members


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser("etcdctl", description="SIMULATED etcdctl")
    parser.add_argument("--endpoints", default="127.0.0.1:2379")
    for name in ("cacert", "cert", "key"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--command-timeout")
    parser.add_argument("-w", "--write-out")
    parser.add_argument("--name", default="default")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--initial-cluster", default="")
    parser.add_argument("--initial-cluster-token", default="etcd-cluster")
    parser.add_argument("--initial-advertise-peer-urls", default="")
    parser.add_argument("--bump-revision", type=int, default=0)
    parser.add_argument("--mark-compacted", action="store_true")
    parser.add_argument("words", nargs="+")
    options = parser.parse_args(argv)
    if options.words[:2] == ["snapshot", "status"] and len(options.words) == 3:
        return snapshot.status(Path(options.words[2]))
    if options.words[:2] == ["snapshot", "restore"] and len(options.words) == 3:
        return snapshot.restore(Path(options.words[2]), options)
    if options.words == ["version"]:
        print("etcdctl version: 3.4.13 (SIMULATED)\nAPI version: 3.4")
        return 0
    for path in (options.cacert, options.cert, options.key):
        if path is None or not path.is_file():
            print(f"Error: open {path}: no such file or directory", file=sys.stderr)
            return 1
    addresses = [urlsplit(url if "//" in url else f"//{url}").hostname or "" for url in options.endpoints.split(",")]
    try:
        return _run(options.words, addresses)
    except Unavailable as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1


def _run(words: list[str], addresses: list[str]) -> int:
    if words[:2] == ["endpoint", "health"]:
        good = [answers(address) for address in addresses]
        for address, well in zip(addresses, good, strict=True):
            said = "is healthy: successfully committed proposal" if well else "is unhealthy: context deadline exceeded"
            print(f"https://{address}:2379 {said} (SIMULATED)", file=sys.stdout if well else sys.stderr)
        return 0 if all(good) else 1
    if words[:2] == ["snapshot", "save"] and len(words) == 3:
        return snapshot.save(Path(words[2]), members(addresses))
    listed = members(addresses)
    if words == ["member", "list"]:
        for one in listed:
            at = one["address"]
            print(f"{one['id']}, started, {one['name']}, https://{at}:2380, https://{at}:2379, false")
        return 0
    if words[:2] == ["member", "remove"] and len(words) == 3:
        kept = [one for one in listed if one["id"] != words[2]]
        if kept == listed:
            raise Unavailable("etcdserver: member not found")
        change(listed, kept)
        print(f"Member {words[2]} removed from cluster (SIMULATED)")
        return 0
    print(f"Error: unknown command {' '.join(words)!r} for the SIMULATED etcdctl", file=sys.stderr)
    return 1
