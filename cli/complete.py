"""What the shell offers for a word that is being typed. Quick, and silent whatever goes wrong."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

import typer

from cli.api.client import Api
from cli.config import config_path, load
from cli.target import resolve
from cli.titles import titled

# A shell waits for the answer: what takes longer is not offered (seconds).
PATIENCE = 2.0
MOST = 200

Offer = tuple[str, str]
Complete = Callable[[typer.Context, str], list[Offer]]


def contexts(ctx: typer.Context, incomplete: str) -> list[Offer]:
    """Names of stored contexts."""
    try:
        config = load(config_path())
    except Exception:
        return []
    return _fitting(((name, context.server) for name, context in config.contexts.items()), incomplete)


def _asking(offers: Callable[[Api, dict[str, Any]], Iterable[Offer]]) -> Complete:
    """A completion that asks the service; `offers` gets the words that were typed before, by their names."""

    def complete(ctx: typer.Context, incomplete: str) -> list[Offer]:
        given = _typed(ctx)
        client = None
        # Whatever is wrong, the line that is being typed must stay as it is.
        try:
            options = {name: str(given.get(name) or "") for name in ("server", "access_key", "context")}
            target = resolve(load(config_path()), os.environ, **options)
            client = Api(target.server, target.access_key, patience=PATIENCE)
            return _fitting(offers(client, given), incomplete)
        except Exception:
            return []
        finally:
            if client is not None:
                client.close()

    return complete


def _typed(ctx: typer.Context) -> dict[str, Any]:
    """What was typed so far, of the verb and of the groups above it."""
    # Where an option still lacks its value, the arguments before it have not got their names yet.
    arguments = (one.name for one in ctx.command.params if one.param_type_name == "argument")
    found: dict[str, Any] = dict(zip(arguments, ctx.args, strict=False))
    step: Any = ctx
    while step is not None:
        found = {**step.params, **{name: value for name, value in found.items() if value}}
        step = step.parent
    return found


def _fitting(offers: Iterable[Offer], incomplete: str) -> list[Offer]:
    return [offer for offer in offers if offer[0].startswith(incomplete)]


def _clusters(client: Api, given: dict[str, Any]) -> Iterator[Offer]:
    for row in islice(client.get_clusters(limit=MOST), MOST):
        if row["state"] != "removed":
            yield row["name"], row["state"]


def _operations(client: Api, given: dict[str, Any]) -> Iterator[Offer]:
    for row in islice(client.get_operations(limit=MOST), MOST):
        yield row["id"], f"{row['kind']} {row['cluster']['name']} {row['state']}"


def _either(client: Api, given: dict[str, Any]) -> Iterator[Offer]:
    yield from _clusters(client, given)
    yield from _operations(client, given)


def _nodes(client: Api, given: dict[str, Any]) -> Iterator[Offer]:
    """Of the cluster that was named, else of the only one."""
    rows = [row for row in islice(client.get_clusters(limit=MOST), MOST) if row["state"] != "removed"]
    if name := given.get("cluster") or given.get("operation"):
        rows = [row for row in rows if name in (row["name"], row["id"])]
    if len(rows) == 1:
        for node in islice(client.get_cluster_nodes(rows[0]["id"], limit=MOST), MOST):
            yield node["name"], ",".join(node["role_groups"])


def _kinds(client: Api, given: dict[str, Any]) -> Iterator[Offer]:
    for row in client.get_operation_kinds():
        yield row["kind"], titled(row["title"])


def _components(client: Api, given: dict[str, Any]) -> Iterator[Offer]:
    for row in client.get_components():
        yield row["name"], row["kind"]


def _words(*words: str) -> Complete:
    return lambda ctx, incomplete: _fitting(((word, "") for word in words), incomplete)


cluster_states = _words("registered", "installing", "ready", "degraded", "failed", "uninstalling", "removed")
operation_states = _words("queued", "running", "cancelling", "succeeded", "failed", "cancelled")
clusters = _asking(_clusters)
operations = _asking(_operations)
operations_or_clusters = _asking(_either)
nodes = _asking(_nodes)
kinds = _asking(_kinds)
components = _asking(_components)
