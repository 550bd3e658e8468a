"""From a configuration file to a registered cluster."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from rich.console import RenderableType

from cli.api.client import Api
from cli.errors import CliError
from cli.keys import ask_on_terminal, one_key, read_key, read_keys
from cli.language import tr
from cli.output import place, table
from cli.verb import Session

if TYPE_CHECKING:
    from cli.api import types

LARGEST_FILE = 1024 * 1024
_METADATA_NAME = re.compile(r"^metadata:\s*\n(?:[ \t]+.*\n)*?[ \t]+name:[ \t]*[\"']?([A-Za-z0-9._-]+)", re.M)

FileOption = Annotated[
    Path, typer.Option("--file", "-f", metavar="FILE", help="Configuration with hosts and role groups; - reads it in.")
]


@dataclass(frozen=True)
class Credentials:
    """How the service shall log in, besides what the file says."""

    private_key: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="One private key for all hosts, instead of the file's.", show_default=False),
    ] = None
    ask_password: Annotated[bool, typer.Option("--ask-password", help="Ask for one SSH password of all hosts.")] = False
    ask_sudo_password: Annotated[
        bool, typer.Option("--ask-sudo-password", help="Ask for one sudo password of all hosts.")
    ] = False


def registration(
    path: Path, name: str, credentials: Credentials, settings: Mapping[str, str] | None = None
) -> types.RegistrationRequest:
    """The body of a registration: the file, the keys it names, the passwords asked for. Raises `CliError`."""
    text = read_configuration(path)
    source = tr("the configuration") if str(path) == "-" else str(path)
    body: types.RegistrationRequest = {"name": name or default_name(text, path), "configuration": text}
    if credentials.private_key is None:
        keys = read_keys(text, source)
    else:
        body["private_key"], passphrase = read_key(credentials.private_key.expanduser())
        if passphrase:
            body["passphrase"] = passphrase
        keys = one_key(text, body["private_key"], passphrase)
    if keys.private_keys:
        body["private_keys"] = keys.private_keys
    if keys.passphrases:
        body["passphrases"] = keys.passphrases
    if credentials.ask_password:
        body["password"] = ask_on_terminal(tr("SSH password of the hosts"))
    if credentials.ask_sudo_password:
        body["sudo_password"] = ask_on_terminal(tr("sudo password of the hosts"))
    if given := {key: value for key, value in (settings or {}).items() if value}:
        body["settings"] = cast("types.PatchedSettingsRequest", given)
    return body


def read_configuration(path: Path) -> str:
    """The file's text; `-` is standard input. Raises `CliError`."""
    try:
        data = sys.stdin.buffer.read(LARGEST_FILE + 1) if str(path) == "-" else path.expanduser().read_bytes()
    except FileNotFoundError:
        raise CliError(
            tr("There is no file {path}.", path=path), hint=tr("Name your configuration with -f FILE.")
        ) from None
    except OSError as error:
        raise CliError(tr("{path} cannot be read: {strerror}.", path=path, strerror=error.strerror)) from error
    if len(data) > LARGEST_FILE:
        raise CliError(tr("{path} is larger than 1 MiB; it is no configuration of hosts.", path=path))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise CliError(
            tr("{path}, line {line}: not UTF-8.", path=path, line=line), hint=tr("Save the file as UTF-8.")
        ) from None


def default_name(text: str, path: Path) -> str:
    """`metadata.name` of the file, else the file's own name, as a name that the service takes."""
    match = _METADATA_NAME.search(text)
    word = match[1] if match else path.stem
    name = re.sub(r"[^a-z0-9]+", "-", word.lower())[:63].strip("-")
    if not name:
        raise CliError(tr("{path} gives the cluster no name.", path=path), hint=tr("Name it with --name NAME."))
    return name


def ensure_registered(session: Session, body: types.RegistrationRequest) -> types.ClusterWithOperation:
    """The cluster of that name: registered now, or already there with the same hosts. Raises `CliError`."""
    client, output = session.client, session.output
    same = [one for one in client.get_clusters(name=body["name"]) if one["name"] == body["name"]]
    present = [one for one in same if one["state"] != "removed"]
    if not present:
        registered = client.post_clusters(body)
        show_findings(session, registered.get("findings") or [])
        output.say(
            tr(
                "Registered {name} with {cluster} hosts ({id}).",
                name=registered["name"],
                cluster=registered.get("hosts", "?"),
                id=registered["id"],
            )
        )
        return registered
    cluster = present[0]
    _refuse_other_hosts(client, cluster, body)
    changed = {key: value for key, value in body.get("settings", {}).items() if cluster.get(key) != value}
    if changed:
        cluster = client.patch_cluster(cluster["id"], cast("types.PatchedChangeRequest", changed))
        output.say(tr("Changed {changed} of {name}.", changed=", ".join(changed), name=cluster["name"]))
    output.say(tr("{name} is registered already ({id}).", name=cluster["name"], id=cluster["id"]))
    answer = client.post_cluster_credentials(cluster["id"], body)
    rotate = f"3kctl rotate ssh-key {cluster['name']}"
    if replaced := answer["changed"]:
        output.say(
            tr(
                "Replaced the stored credentials of {replaced} by those given; the hosts themselves were not "
                "changed. To give them another key:  {rotate}",
                replaced=", ".join(replaced),
                rotate=rotate,
            )
        )
    if kept := answer["kept"]:
        output.warn(
            tr(
                "Kept the credentials of {kept}, which a rotation has put in place; those given were not "
                "stored. To change them:  {rotate} --private-key FILE",
                kept=", ".join(kept),
                rotate=rotate,
            )
        )
    return cluster


def add_hosts(session: Session, cluster: Mapping[str, Any], body: types.RegistrationRequest) -> list[str]:
    """Register the hosts of a configuration that the cluster does not have: their names. Raises `CliError`."""
    sent = {key: value for key, value in body.items() if key not in ("name", "settings")}
    answer = session.client.post_cluster_new_nodes(cluster["id"], cast("types.RegistrationRequest", sent))
    show_findings(session, answer["findings"])
    added = [host["name"] for host in answer["added"]]
    if added:
        session.output.say(tr("Registered {added} for {name}.", added=", ".join(added), name=cluster["name"]))
    return added


def _refuse_other_hosts(client: Api, cluster: Mapping[str, Any], body: types.RegistrationRequest) -> None:
    answer = client.post_clusters_validate(body)
    if not answer["valid"]:
        raise invalid(answer["findings"])
    stored = {node["name"]: node for node in client.get_cluster_nodes(cluster["id"])}
    given = {host["name"]: host for host in answer["hosts"]}
    differences = [tr("{name} is only in the file", name=name) for name in given.keys() - stored.keys()]
    differences += [tr("{name} is only registered", name=name) for name in stored.keys() - given.keys()]
    for name in given.keys() & stored.keys():
        for key in ("address", "port", "user"):
            new, old = given[name].get(key), stored[name].get(key)
            if new not in (None, "") and new != old:
                differences.append(
                    tr("{name} has {key} {new} in the file, {old} as registered", name=name, key=key, new=new, old=old)
                )
    if differences:
        raise CliError(
            tr(
                "{name} is registered with other hosts: {differences}.",
                name=cluster["name"],
                differences="; ".join(sorted(differences)),
            ),
            hint=tr(
                "Give this one another --name, or take the old one out with `3kctl clusters delete {name}`.",
                name=cluster["name"],
            ),
        )


def invalid(findings: Iterable[Mapping[str, Any]]) -> CliError:
    """The error of a configuration that the service would refuse."""
    lines = [
        f"  {place(one.get('path'), dict(one))}: {one.get('message')} {one.get('fix') or ''}".rstrip()
        for one in findings
        if one.get("level") == "error"
    ]
    return CliError(
        "\n".join([tr("The configuration is not valid."), *lines]), hint=tr("Correct the file and try again.")
    )


def show_findings(session: Session, findings: Sequence[Mapping[str, Any]]) -> None:
    """Repairs and warnings about the configuration, for people."""
    if findings:
        session.output.people.print(findings_of_file(findings))


def findings_of_file(findings: Sequence[Mapping[str, Any]]) -> RenderableType:
    """Findings about a configuration as a table."""
    rows = ((one.get("level"), place(one.get("path"), one), one.get("message"), one.get("fix")) for one in findings)
    return table((tr("level"), tr("where"), tr("finding"), tr("fix")), rows)
