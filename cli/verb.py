"""How a function becomes a verb: shared options are injected, errors become exit codes."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import wraps
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Any, get_type_hints

import typer

from cli.client import Client, is_loopback
from cli.errors import EXIT_CODES, CliError
from cli.output import Format, Output

DEFAULT_SERVER = "http://127.0.0.1:8300"
EPILOG = "\b\nExit codes:\n" + "\n".join(f"  {code:<4} {meaning}" for code, meaning in EXIT_CODES.items())


@dataclass(frozen=True)
class Connection:
    """The options of every verb: which service, as whom, how to print. Empty means: look further."""

    server: Annotated[
        str, typer.Option(help=f"Address of the service [env: SANQIAN_SERVER; default: {DEFAULT_SERVER}].")
    ] = ""
    access_key: Annotated[
        str,
        typer.Option(help="Your access key [env: SANQIAN_ACCESS_KEY]; the environment hides it from other users."),
    ] = ""
    output: Annotated[
        Format | None, typer.Option("--output", "-o", help="How to print [default: table].", show_default=False)
    ] = None


class Session:
    """What a verb works with. `client` is made at its first use, so that verbs without a service need no key."""

    def __init__(self, connection: Connection) -> None:
        self.output = Output(connection.output or Format.TABLE)
        self.server = connection.server or os.environ.get("SANQIAN_SERVER", "") or DEFAULT_SERVER
        self.access_key = (connection.access_key or os.environ.get("SANQIAN_ACCESS_KEY", "")).strip()
        self._client: Client | None = None

    @property
    def client(self) -> Client:
        """The service. Raises `CliError` without an access key."""
        if self._client is None:
            if not self.access_key:
                raise CliError(
                    "No access key is given.",
                    hint="Pass --access-key, or set SANQIAN_ACCESS_KEY. An operator makes one with "
                    "`manage.py create_access_key CUSTOMER`, or where `3kctl up` runs with "
                    "`3kctl up --manage create_access_key CUSTOMER`.",
                )
            self._client = Client(self.server, self.access_key, agent=f"3kctl/{own_version()}")
            self._warn_of_readers("access key")
        return self._client

    def use(self, access_key: str) -> None:
        """Go on with another access key."""
        self.close()
        self.access_key, self._client = access_key, None

    def log_in(self, user: str, password: str) -> Client:
        """The service as an operator sees it."""
        self._client = Client(self.server, "", login=(user, password), agent=f"3kctl/{own_version()}")
        self._warn_of_readers("password")
        return self._client

    def _warn_of_readers(self, secret: str) -> None:
        if self.server.startswith("http:") and not is_loopback(self.server):
            self.output.warn(f"warning: {self.server} is not encrypted; others can read the {secret}.")

    def close(self) -> None:
        """Give the connections back."""
        if self._client is not None:
            self._client.close()


def own_version() -> str:
    """The version of this program, `unknown` where it runs without having been installed."""
    try:
        return version("sanqian-service")
    except PackageNotFoundError:
        return "unknown"


def verb(app: typer.Typer, name: str, **settings: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a function as `name` of `app`.

    Its first parameter is the `Session`. A parameter whose type is a dataclass stands for the options that the
    dataclass's fields are, so that several verbs share them.
    """

    def register(function: Callable[..., None]) -> Callable[..., None]:
        app.command(name, **settings)(_with_session(function))
        return function

    return register


def default_verb(group: typer.Typer) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a function (see `verb`) as what `group` does without a verb of its own."""

    def register(function: Callable[..., None]) -> Callable[..., None]:
        group.callback(invoke_without_command=True)(_with_session(function))
        return function

    return register


def _with_session(function: Callable[..., None]) -> Callable[..., None]:
    hints = get_type_hints(function, include_extras=True)
    groups: dict[str, type] = {}
    options: list[inspect.Parameter] = []
    for parameter in list(inspect.signature(function).parameters.values())[1:]:
        hint = hints[parameter.name]
        if is_dataclass(hint) and isinstance(hint, type):
            groups[parameter.name] = hint
        else:
            options.append(_option(parameter.name, hint, parameter.default))
    groups["connection"] = Connection
    for group in groups.values():
        kinds = get_type_hints(group, include_extras=True)
        options += [_option(field.name, kinds[field.name], field.default) for field in fields(group)]

    @wraps(function)
    def run(context: typer.Context, **values: Any) -> None:
        built = {
            name: group(**{field.name: values.pop(field.name) for field in fields(group)})
            for name, group in groups.items()
        }
        connection = _merged(built.pop("connection"), context.find_root().obj)
        if context.invoked_subcommand is not None:
            context.find_root().obj = connection
            return
        session = Session(connection)
        try:
            function(session, **built, **values)
        except CliError as error:
            session.output.error(error)
            raise typer.Exit(error.code) from error
        finally:
            session.close()

    context = _option("context", typer.Context, inspect.Parameter.empty)
    signature = inspect.Signature([context, *sorted(options, key=lambda one: one.default is not one.empty)])
    annotations = {parameter.name: parameter.annotation for parameter in signature.parameters.values()}
    del run.__wrapped__
    run.__signature__ = signature  # type: ignore[attr-defined]
    run.__annotations__ = annotations
    return run


def _option(name: str, hint: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=hint, default=default)


def _merged(given: Connection, before: Connection | Mapping[str, Any] | None) -> Connection:
    """The verb's own options first, then those written before the verb."""
    if not isinstance(before, Connection):
        return given
    return Connection(
        given.server or before.server, given.access_key or before.access_key, given.output or before.output
    )
