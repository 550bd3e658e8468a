"""The text of a configuration -> `Inventory`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from clusters.inventory import schema
from clusters.inventory.checks import validate
from clusters.inventory.document import Node, Unreadable, compose
from clusters.inventory.model import Finding, Inventory, Parsed, Place, Places
from clusters.inventory.reading import Reading
from clusters.inventory.repair import decode, explain, outdent

_KK_NAMES = {**schema.HOST_KEYS, "role_groups": "roleGroups"}


def parse(text: str | bytes) -> Parsed:
    """The inventory in a configuration file, judged: syntax, repairs, unknown keys and all of `validate`.

    Accepts a kk document, bare ``hosts`` and ``roleGroups``, and the installation guide's sample as printed.
    Never raises for what the file holds; at most 256 KiB are read.
    """
    places = Places(_KK_NAMES)
    try:
        source = decode(text)
        documents, findings = _compose(source)
    except Unreadable as error:
        return Parsed(None, (error.finding,))
    except _Refused as error:
        return Parsed.of(None, error.findings)
    document = _chosen(documents, findings)
    if document is None:
        message, fix = "The file is empty.", "Send a configuration with 'hosts' and 'roleGroups'."
        return Parsed.of(None, [*findings, Place("", 1, 1).finding("error", "empty", message, fix)])
    reading = Reading(places)
    inventory = reading.inventory(document)
    findings += reading.findings
    if inventory is None:
        return Parsed.of(None, findings, places)
    return Parsed.of(inventory, [*findings, *validate(inventory, places)], places)


class _Refused(Exception):
    def __init__(self, findings: Iterable[Finding]) -> None:
        super().__init__()
        self.findings = tuple(findings)


def _compose(text: str) -> tuple[list[Node], list[Finding]]:
    """The documents of `text`, repaired if it is no YAML as it stands. Raises `_Refused`."""
    try:
        return compose(text)
    except Unreadable as error:
        repaired = outdent(text)
        if repaired is None:
            raise _Refused(explain(text, error, {})) from error
    try:
        documents, findings = compose(repaired.text, repaired.shifts)
    except Unreadable as error:
        raise _Refused([*repaired.findings, *explain(repaired.text, error, repaired.shifts)]) from error
    return documents, [*_named(repaired.findings, documents), *findings]


def _named(repairs: Iterable[Finding], documents: Iterable[Node]) -> list[Finding]:
    """`repairs` with the whole path of the key each is about."""
    paths: dict[int, str] = {}
    for document in documents:
        for node in (document, document.value.get("spec") if isinstance(document.value, dict) else None):
            if node is not None and isinstance(node.value, dict):
                paths |= {place.line: place.path for place in node.keys.values()}
    return [replace(repair, path=paths.get(repair.line, repair.path)) for repair in repairs]


def _chosen(documents: list[Node], findings: list[Finding]) -> Node | None:
    """The document that describes the cluster; a warning for each other one."""
    filled = [node for node in documents if node.value is not None]
    wanted = [node for node in filled if isinstance(node.value, dict) and {"spec", "hosts"} & set(node.value)]
    clusters = [node for node in wanted if "kind" not in node.value or node.value["kind"].text == schema.KIND]
    chosen = next(iter([*clusters, *wanted, *filled]), None)
    for node in filled:
        if node is not chosen:
            message = "This document of the file was not taken over; only the cluster's own is read."
            fix = "Keep it in a file of its own."
            findings.append(node.place.finding("warning", "other-document", message, fix))
    return chosen


def refuse_paths(
    inventory: Inventory, supplied: Iterable[str] = (), *, fallback: bool = False, places: Places | None = None
) -> tuple[Finding, ...]:
    """Errors for hosts that nothing could log in to: a key's path without the key, or no credential at all.

    `supplied` are the paths, as written, whose keys came with the request; `fallback` says that a key or password
    for every host came with it.
    """
    if fallback:
        return ()
    at, known = Places() if places is None else places, set(supplied)
    users: dict[str, list[int]] = {}
    for number, host in enumerate(inventory.hosts):
        if not host.private_key and not host.password and host.private_key_path not in known:
            users.setdefault(host.private_key_path, []).append(number)
    findings = []
    for path, numbers in users.items():
        names = ", ".join(inventory.hosts[number].name for number in numbers[:5])
        names += f" and {len(numbers) - 5} more" if len(numbers) > 5 else ""
        place = at.at(f"hosts[{numbers[0]}].private_key_path")
        if path:
            message = f"The key file {path} ({names}) is on the machine where this was written; it cannot be read here."
            fix = (
                f"Send the key's text in private_keys under '{path}', or as private_key for every host; "
                "3kctl reads the file and does so."
            )
            findings.append(place.finding("error", "missing-key", message, fix))
        else:
            message = f"There is neither a private key nor a password for {names}."
            fix = "Send private_key for every host, or give the host a privateKeyPath or a password."
            findings.append(place.finding("error", "missing-credential", message, fix))
    return tuple(findings)
