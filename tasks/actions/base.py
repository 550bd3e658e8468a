"""What an action is, and what it is given."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from clusters.models import Cluster, Node
from tasks import hosts
from tasks.database import with_own_connection
from tasks.models import Operation, Outcome, Step
from tasks.remote import Remote, RemoteError

T = TypeVar("T")
ACTIONS: dict[str, type[Action]] = {}


class ActionFailed(Exception):
    """The action did not reach its aim. `again` is False where another try could not help."""

    def __init__(
        self,
        message: str,
        fix: str = "",
        *,
        host: str = "",
        kind: str = "",
        result: dict[str, Any] | None = None,
        again: bool = True,
    ) -> None:
        super().__init__(message)
        self.message, self.fix, self.host, self.kind = message, fix, host, kind or "action-failed"
        self.result, self.again = result or {}, again


@dataclass(frozen=True)
class Done:
    """The action's aim is true. `result` (JSON) is kept in the step and readable by later steps."""

    result: dict[str, Any] = field(default_factory=dict)
    outcome: Outcome = Outcome.CHANGED
    note: str = ""


@dataclass(frozen=True)
class Wait:
    """Not yet: `run` is called again after `seconds`, by whichever worker is free."""

    seconds: float = 0
    note: str = ""


@dataclass
class Context:
    """What an action may read and use in one slice.

    `memory` (JSON) is kept between the slices of one attempt. `log` and `progress` may be called from any
    thread.
    """

    cluster: Cluster
    operation: Operation
    step: Step
    args: dict[str, Any]
    dry_run: bool
    nodes: list[Node]
    memory: dict[str, Any]
    log: Callable[[str], None]
    progress: Callable[[float, str], None]
    deadline: float

    def node(self, name: str) -> Node:
        """The cluster's host of this name. Raises `ActionFailed` where it has none."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise ActionFailed(f"The cluster has no host {name!r} any more.", "Start the operation anew.", again=False)

    def remote(self, node: Node) -> AbstractContextManager[Remote]:
        """A connection to `node`. Raises `tasks.remote.RemoteError`."""
        return hosts.connection(node)

    def on_hosts(
        self, do: Callable[[Remote, Node], T], nodes: Sequence[Node] | None = None, parallel: int = 20
    ) -> dict[str, T | RemoteError]:
        """`do` on each of `nodes` (all, where None): what it gave or the error, by host."""

        def one(node: Node) -> T:
            with self.remote(node) as remote:
                return do(remote, node)

        return self.for_each(one, self.nodes if nodes is None else nodes, parallel)

    def for_each(
        self, do: Callable[[Node], T], nodes: Sequence[Node], parallel: int = 20
    ) -> dict[str, T | RemoteError]:
        """`do` for each of `nodes`, several at once: what it gave or the error, by host."""
        if not nodes:
            return {}

        def one(node: Node) -> T | RemoteError:
            try:
                return do(node)
            except RemoteError as error:
                return error

        with ThreadPoolExecutor(min(parallel, len(nodes)), thread_name_prefix="on-hosts") as pool:
            return dict(zip((node.name for node in nodes), pool.map(with_own_connection(one), nodes), strict=True))

    def result_of(self, step_key: str) -> dict[str, Any]:
        """What an earlier step of this operation left; empty where it did not run."""
        step = self.operation.steps.filter(key=step_key).first()
        return dict(step.result) if step else {}

    def time_left(self) -> float:
        """Seconds until this slice should end."""
        return self.deadline - time.monotonic()


class Action(ABC):
    """Something the service does itself. It may be run again at any time, so it looks at what is true now.

    `only_looks` says that `run` changes nothing on the hosts, so that a dry run runs it too.
    """

    only_looks = False

    def probe(self, ctx: Context) -> bool | None:
        """Whether the aim is true already; None where that cannot be told. Changes nothing."""
        return None

    @abstractmethod
    def run(self, ctx: Context) -> Done | Wait:
        """Make the aim true. Raises `ActionFailed` or `tasks.remote.RemoteError`."""


def register(name: str) -> Callable[[type[Action]], type[Action]]:
    """Class decorator: makes the action known under `name`."""

    def keep(cls: type[Action]) -> type[Action]:
        if name in ACTIONS and ACTIONS[name] is not cls:
            raise ValueError(f"two actions are called {name!r}")
        ACTIONS[name] = cls
        return cls

    return keep


def errors_of(results: Iterable[tuple[str, object]]) -> dict[str, RemoteError]:
    """The hosts of `on_hosts` that failed."""
    return {host: value for host, value in results if isinstance(value, RemoteError)}


def demand(results: Mapping[str, T | RemoteError], what: str, fix: str) -> dict[str, T]:
    """What the hosts of `on_hosts` gave. Raises `ActionFailed` that names all which failed; `what` follows the name."""
    errors = errors_of(results.items())
    if errors:
        first = next(iter(errors))
        told = "; ".join(f"{name} {what}: {error.message}" for name, error in errors.items())
        raise ActionFailed(told, fix, host=first, kind=errors[first].kind)
    return {name: value for name, value in results.items() if not isinstance(value, RemoteError)}
