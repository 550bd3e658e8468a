"""Which cluster, which operation: from a name, an id, the beginning of an id, or nothing at all."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

from cli.api.client import Api
from cli.errors import CliError, Code, Problem
from cli.language import tr

if TYPE_CHECKING:
    from cli.api import types

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_BEGINNING = re.compile(r"[0-9a-f][0-9a-f-]{5,34}")


def find_cluster(client: Api, given: str = "") -> types.ClusterWithOperation:
    """The cluster of this name or id; the only one, where nothing is given. Raises `CliError`."""
    if _ID.fullmatch(given.lower()):
        return client.get_cluster(given.lower())
    clusters = list(client.get_clusters(name=given))
    named = [one for one in clusters if one["name"] == given] if given else clusters
    present = [one for one in named if one["state"] != "removed"] or named
    if len(present) == 1:
        return present[0]
    if given:
        raise _no_such(client, given)
    if present:
        raise CliError(
            tr(
                "You have {present} clusters: {names}.",
                present=len(present),
                names=", ".join(one["name"] for one in present),
            ),
            hint=tr("Name one of them, by its name or id."),
        )
    raise CliError(
        tr("You have no cluster yet."),
        hint=tr("Install one with `3kctl deploy all -f FILE`, or adopt one that exists with `3kctl import`."),
        code=Code.NOT_FOUND,
    )


def _no_such(client: Api, given: str) -> CliError:
    names = [one["name"] for one in client.get_clusters()]
    near = get_close_matches(given, names, n=1)
    hint = (
        tr("Did you mean {value}?", value=near[0])
        if near
        else tr("You have: {names}.", names=", ".join(names) or tr("none"))
    )
    return CliError(tr("You have no cluster {given}.", given=given), hint=hint, code=Code.NOT_FOUND)


def find_operation(client: Api, given: str = "") -> types.Operation:
    """The operation of this id, or the newest of a cluster: of the only one, where nothing is given."""
    word = given.lower()
    if _ID.fullmatch(word):
        try:
            return client.get_operation(word)
        except Problem as error:
            if error.code is not Code.NOT_FOUND:
                raise
    elif _BEGINNING.fullmatch(word):
        begun = [one for one in client.get_operations(limit=100) if one["id"].startswith(word)]
        if len(begun) == 1:
            return begun[0]
        if begun:
            raise CliError(
                tr("{begun} operations begin with {given}.", begun=len(begun), given=given),
                hint=tr("Give more of the id."),
            )
    cluster = find_cluster(client, given)
    newest = next(client.get_cluster_operations(cluster["id"], limit=1), None)
    if newest:
        return newest
    raise CliError(
        tr("Nothing has been done on {name} yet.", name=cluster["name"]),
        hint=tr("Install it with `3kctl deploy install kubernetes {name}`.", name=cluster["name"]),
        code=Code.NOT_FOUND,
    )


def find_webhook(client: Api, given: str = "") -> types.Webhook:
    """The webhook of this id, beginning of an id, or URL; the only one, where nothing is given. Raises `CliError`."""
    rows = list(client.get_webhooks())
    chosen = [row for row in rows if row["url"] == given or row["id"].startswith(given.lower())] if given else rows
    if len(chosen) == 1:
        return chosen[0]
    if not rows:
        raise CliError(
            tr("You have no webhook yet."), hint=tr("Add one with `3kctl webhooks add URL`."), code=Code.NOT_FOUND
        )
    listed = ", ".join(f"{row['id'][:8]} ({row['url']})" for row in rows)
    if not chosen:
        raise CliError(
            tr("You have no webhook {given}.", given=given),
            hint=tr("You have: {names}.", names=listed),
            code=Code.NOT_FOUND,
        )
    raise CliError(
        tr("{count} webhooks are meant.", count=len(chosen)), hint=tr("Give an id: {listed}.", listed=listed)
    )
