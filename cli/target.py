"""Which service, and as whom: flags come before the environment, the environment before the file. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cli.config import Config, Context
from cli.language import tr

DEFAULT_SERVER = "http://127.0.0.1:8300"
SERVER, ACCESS_KEY, CONTEXT = "SANQIAN_SERVER", "SANQIAN_ACCESS_KEY", "SANQIAN_CONTEXT"


@dataclass(frozen=True)
class Target:
    """A service, an access key that may be missing, and who said so."""

    server: str
    access_key: str
    context: str = ""
    server_from: str = ""
    key_from: str = ""


def resolve(
    config: Config, environment: Mapping[str, str], *, server: str = "", access_key: str = "", context: str = ""
) -> Target:
    """Put together what was said. Raises `CliError` for a context that is named and not there.

    A stored key goes to the server it is stored with, and to no other.
    """
    asked = "" if context else environment.get(CONTEXT, "")
    name = context or asked or config.current
    stored = config.named(name) if name else None
    # A context that is named on the command line is a flag: it comes before the environment.
    variables = {} if context else environment
    address, server_from = _first(
        (server, "--server"),
        (variables.get(SERVER, ""), SERVER),
        (stored.server if stored else "", tr("context {name}", name=name)),
        (DEFAULT_SERVER, tr("default")),
    )
    key, key_from = _first(
        (access_key.strip(), "--access-key"),
        (variables.get(ACCESS_KEY, "").strip(), ACCESS_KEY),
        (_key_for(address, stored), tr("context {name}", name=name)),
    )
    return Target(address, key, name, server_from, key_from)


def same_server(one: str, other: str) -> bool:
    """Whether two addresses are written for one service."""
    return one.rstrip("/") == other.rstrip("/")


def _key_for(address: str, stored: Context | None) -> str:
    return stored.access_key if stored and same_server(address, stored.server) else ""


def _first(*given: tuple[str, str]) -> tuple[str, str]:
    return next((pair for pair in given if pair[0]), ("", ""))
