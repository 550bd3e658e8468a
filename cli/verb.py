"""How a function becomes a verb: shared options are injected, errors become exit codes."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from functools import cached_property, wraps
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Any, get_type_hints

import typer

from cli.api.client import Api
from cli.client import is_loopback
from cli.complete import contexts
from cli.config import Config, config_path, load
from cli.errors import CliError
from cli.language import tr
from cli.output import Format, Output
from cli.target import DEFAULT_SERVER, Target, resolve

ServerOption = Annotated[
    str, typer.Option(metavar="URL", help=f"Address of the service [env: SANQIAN_SERVER; default: {DEFAULT_SERVER}].")
]
KeyOption = Annotated[
    str,
    typer.Option(
        metavar="KEY", help="Your access key [env: SANQIAN_ACCESS_KEY]; `3kctl login` hides it from other users."
    ),
]
ContextOption = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="Service and access key as stored by `3kctl login` [env: SANQIAN_CONTEXT; default: the one in use].",
        autocompletion=contexts,
    ),
]
OutputOption = Annotated[
    Format | None, typer.Option("--output", "-o", help="How to print [default: table].", show_default=False)
]


@dataclass(frozen=True)
class Connection:
    """The options of every verb: which service, as whom, how to print. Empty means: look further."""

    server: ServerOption = ""
    access_key: KeyOption = ""
    context: ContextOption = ""
    output: OutputOption = None


class Session:
    """What a verb works with. File and service are opened at their first use: not every verb needs them."""

    def __init__(self, connection: Connection) -> None:
        self.given = connection
        self.output = Output(connection.output or Format.TABLE)
        self.environment: Mapping[str, str] = os.environ
        self._client: Api | None = None

    @cached_property
    def config(self) -> Config:
        """The contexts of this user. Raises `CliError`."""
        config = load(config_path(self.environment))
        if config.mended:
            self.output.warn(
                tr(
                    "warning: {path} could be read by others; it is yours alone now. Replace its access keys if "
                    "others use this machine.",
                    path=config.path,
                )
            )
        return config

    @cached_property
    def target(self) -> Target:
        """Which service, and as whom. Raises `CliError`."""
        given = self.given
        return resolve(
            self.config, self.environment, server=given.server, access_key=given.access_key, context=given.context
        )

    @property
    def server(self) -> str:
        """The service's address."""
        return self.target.server

    @property
    def access_key(self) -> str:
        """Who you are; empty where nobody said."""
        return self.target.access_key

    @property
    def client(self) -> Api:
        """The service. Raises `CliError` without an access key."""
        if self._client is None and not self.access_key:
            raise _no_key(self.target, self.config)
        return self.open()

    def open(self) -> Api:
        """The service, also where nobody said who you are."""
        if self._client is None:
            self._warn_of_readers()
            self._client = Api(self.server, self.access_key, agent=f"3kctl/{own_version()}")
        return self._client

    def aim(self, server: str, access_key: str, context: str = "") -> None:
        """Go on with another service or another access key."""
        self.close()
        self.target, self._client = Target(server, access_key, context), None

    @contextmanager
    def operator(self, user: str, password: str) -> Iterator[Api]:
        """The service as an operator sees it."""
        self._warn_of_readers()
        client = Api(self.server, "", login=(user, password), agent=f"3kctl/{own_version()}")
        try:
            yield client
        finally:
            client.close()

    def _warn_of_readers(self) -> None:
        if self.server.startswith("http:") and not is_loopback(self.server):
            self.output.warn(
                tr("warning: {server} is not encrypted; others can read what you send.", server=self.server)
            )

    def close(self) -> None:
        """Give the connections back."""
        if self._client is not None:
            self._client.close()


def _no_key(target: Target, config: Config) -> CliError:
    if target.context and not target.key_from:
        stored = config.named(target.context).server
        return CliError(
            tr(
                "The access key of context {name} is for {stored}, and not sent to {server}.",
                name=target.context,
                stored=stored,
                server=target.server,
            ),
            hint=tr("Log in there: 3kctl login --server {server}", server=target.server),
        )
    return CliError(
        tr("No access key is given."),
        hint=tr(
            "Log in with `3kctl login`, or set SANQIAN_ACCESS_KEY. An operator makes a key with `manage.py "
            "create_access_key CUSTOMER`, or where `3kctl up` runs with `3kctl up --manage create_access_key CUSTOMER`."
        ),
    )


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
    def run(ctx: typer.Context, **values: Any) -> None:
        built = {
            name: group(**{field.name: values.pop(field.name) for field in fields(group)})
            for name, group in groups.items()
        }
        connection = _merged(built.pop("connection"), ctx.find_root().obj)
        if ctx.invoked_subcommand is not None:
            ctx.find_root().obj = connection
            return
        session = Session(connection)
        try:
            function(session, **built, **values)
        except CliError as error:
            session.output.error(error)
            raise typer.Exit(error.code) from error
        finally:
            session.close()

    context = _option("ctx", typer.Context, inspect.Parameter.empty)
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
    return Connection(*(getattr(given, one.name) or getattr(before, one.name) for one in fields(Connection)))
