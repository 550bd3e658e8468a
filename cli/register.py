"""From a configuration file to a registered cluster."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import RenderableType

from cli.client import Client
from cli.errors import CliError
from cli.keys import ask_on_terminal, one_key, read_key, read_keys
from cli.output import place, table
from cli.verb import Session

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
) -> dict[str, Any]:
    """The body of a registration: the file, the keys it names, the passwords asked for. Raises `CliError`."""
    text = read_configuration(path)
    source = "the configuration" if str(path) == "-" else str(path)
    body: dict[str, Any] = {"name": name or default_name(text, path), "configuration": text}
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
        body["password"] = ask_on_terminal("SSH password of the hosts")
    if credentials.ask_sudo_password:
        body["sudo_password"] = ask_on_terminal("sudo password of the hosts")
    if given := {key: value for key, value in (settings or {}).items() if value}:
        body["settings"] = given
    return body


def read_configuration(path: Path) -> str:
    """The file's text; `-` is standard input. Raises `CliError`."""
    try:
        data = sys.stdin.buffer.read(LARGEST_FILE + 1) if str(path) == "-" else path.expanduser().read_bytes()
    except FileNotFoundError:
        raise CliError(f"There is no file {path}.", hint="Name your configuration with -f FILE.") from None
    except OSError as error:
        raise CliError(f"{path} cannot be read: {error.strerror}.") from error
    if len(data) > LARGEST_FILE:
        raise CliError(f"{path} is larger than 1 MiB; it is no configuration of hosts.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise CliError(f"{path}, line {line}: not UTF-8.", hint="Save the file as UTF-8.") from None


def default_name(text: str, path: Path) -> str:
    """`metadata.name` of the file, else the file's own name, as a name that the service takes."""
    match = _METADATA_NAME.search(text)
    word = match[1] if match else path.stem
    name = re.sub(r"[^a-z0-9]+", "-", word.lower())[:63].strip("-")
    if not name:
        raise CliError(f"{path} gives the cluster no name.", hint="Name it with --name NAME.")
    return name


def ensure_registered(session: Session, body: Mapping[str, Any]) -> dict[str, Any]:
    """The cluster of that name: registered now, or already there with the same hosts. Raises `CliError`."""
    client, output = session.client, session.output
    same = [one for one in client.pages("clusters", name=body["name"]) if one["name"] == body["name"]]
    present = [one for one in same if one["state"] != "removed"]
    if not present:
        cluster: dict[str, Any] = client.post("clusters", body)
        show_findings(session, cluster.get("findings") or [])
        output.say(f"Registered {cluster['name']} with {cluster.get('hosts', '?')} hosts ({cluster['id']}).")
        return cluster
    cluster = present[0]
    _refuse_other_hosts(client, cluster, body)
    changed = {key: value for key, value in (body.get("settings") or {}).items() if cluster.get(key) != value}
    if changed:
        cluster = client.patch(f"clusters/{cluster['id']}", changed)
        output.say(f"Changed {', '.join(changed)} of {cluster['name']}.")
    output.say(f"{cluster['name']} is registered already ({cluster['id']}).")
    answer = client.post(f"clusters/{cluster['id']}/credentials", body)
    rotate = f"3kctl rotate ssh-key {cluster['name']}"
    if replaced := answer["changed"]:
        output.say(
            f"Replaced the stored credentials of {', '.join(replaced)} by those given; the hosts themselves were not "
            f"changed. To give them another key:  {rotate}"
        )
    if kept := answer["kept"]:
        output.warn(
            f"Kept the credentials of {', '.join(kept)}, which a rotation has put in place; those given were not "
            f"stored. To change them:  {rotate} --private-key FILE"
        )
    return cluster


def add_hosts(session: Session, cluster: Mapping[str, Any], body: Mapping[str, Any]) -> list[str]:
    """Register the hosts of a configuration that the cluster does not have: their names. Raises `CliError`."""
    sent = {key: value for key, value in body.items() if key not in ("name", "settings")}
    answer = session.client.post(f"clusters/{cluster['id']}/new-nodes", sent)
    show_findings(session, answer["findings"])
    added = [host["name"] for host in answer["added"]]
    if added:
        session.output.say(f"Registered {', '.join(added)} for {cluster['name']}.")
    return added


def _refuse_other_hosts(client: Client, cluster: Mapping[str, Any], body: Mapping[str, Any]) -> None:
    answer = client.post("clusters/validate", body)
    if not answer["valid"]:
        raise invalid(answer["findings"])
    stored = {node["name"]: node for node in client.pages(f"clusters/{cluster['id']}/nodes")}
    given = {host["name"]: host for host in answer["hosts"]}
    differences = [f"{name} is only in the file" for name in given.keys() - stored.keys()]
    differences += [f"{name} is only registered" for name in stored.keys() - given.keys()]
    for name in given.keys() & stored.keys():
        for key in ("address", "port", "user"):
            new, old = given[name].get(key), stored[name].get(key)
            if new not in (None, "") and new != old:
                differences.append(f"{name} has {key} {new} in the file, {old} as registered")
    if differences:
        raise CliError(
            f"{cluster['name']} is registered with other hosts: {'; '.join(sorted(differences))}.",
            hint="Give this one another --name, or take the old one out with "
            f"`3kctl clusters delete {cluster['name']}`.",
        )


def invalid(findings: Iterable[Mapping[str, Any]]) -> CliError:
    """The error of a configuration that the service would refuse."""
    lines = [
        f"  {place(one.get('path'), dict(one))}: {one.get('message')} {one.get('fix') or ''}".rstrip()
        for one in findings
        if one.get("level") == "error"
    ]
    return CliError("\n".join(["The configuration is not valid.", *lines]), hint="Correct the file and try again.")


def show_findings(session: Session, findings: list[dict[str, Any]]) -> None:
    """Repairs and warnings about the configuration, for people."""
    if findings:
        session.output.people.print(findings_of_file(findings))


def findings_of_file(findings: list[dict[str, Any]]) -> RenderableType:
    """Findings about a configuration as a table."""
    rows = ((one.get("level"), place(one.get("path"), one), one.get("message"), one.get("fix")) for one in findings)
    return table(("level", "where", "finding", "fix"), rows)
