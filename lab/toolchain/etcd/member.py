"""Members of the SIMULATED etcd as others see them: a little HTTP on the clients' port, without TLS."""

from __future__ import annotations

import hashlib
import http.client
import json
from collections.abc import Mapping, Sequence
from typing import Any

PORT = 2379
SECONDS = 2.0
Member = Mapping[str, str]


class Unavailable(Exception):
    """A member does not answer, or too few of them do; the text is etcdctl's."""


def member(name: str, address: str) -> dict[str, str]:
    """A member called `name` whose host has this internal address."""
    return {"id": hashlib.sha256(name.encode()).hexdigest()[:16], "name": name, "address": address}


def ask(address: str, method: str = "GET", path: str = "/members", body: Any = None) -> Any:
    """The answer of the member at an address. Raises `Unavailable`."""
    connection = http.client.HTTPConnection(address, PORT, timeout=SECONDS)
    try:
        connection.request(method, path, json.dumps(body) if body is not None else None)
        answer = connection.getresponse()
        return json.loads(answer.read() or b"null")
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unavailable(f"{address}:{PORT}: context deadline exceeded") from error
    finally:
        connection.close()


def journal(address: str) -> bytes:
    """The cluster's data as that member has them; empty where no API server keeps any there. Raises `Unavailable`."""
    connection = http.client.HTTPConnection(address, PORT, timeout=SECONDS)
    try:
        connection.request("GET", "/journal")
        return connection.getresponse().read()
    except (OSError, http.client.HTTPException) as error:
        raise Unavailable(f"{address}:{PORT}: context deadline exceeded") from error
    finally:
        connection.close()


def answers(address: str) -> bool:
    """Whether that member is in good health."""
    try:
        ask(address)
    except Unavailable:
        return False
    return True


def members(addresses: Sequence[str]) -> list[dict[str, str]]:
    """The members as the first that answers knows them. Raises `Unavailable`."""
    for address in addresses:
        if answers(address):
            return list(ask(address))
    raise Unavailable("etcdserver: request timed out")


def change(before: Sequence[Member], after: Sequence[Member]) -> None:
    """Have the members be those of `after`. Raises `Unavailable` where no quorum of those before answers."""
    alive = [one for one in before if answers(one["address"])]
    if len(alive) < len(before) // 2 + 1:
        raise Unavailable("etcdserver: request timed out, possibly due to connection lost")
    kept = {one["id"] for one in after}
    for one in alive:
        if one["id"] in kept:
            ask(one["address"], "PUT", body=list(after))
        else:
            ask(one["address"], "DELETE")
