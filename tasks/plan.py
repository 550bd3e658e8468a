"""A plan: the ordered steps an operation will take. Pure: dataclasses in, dataclasses out.

A plan is made by a function of `tasks.plans`, checked by `Plan.validate`, and stored as Step rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any

JSON = Any


class PlanError(ValueError):
    """A plan that cannot be carried out, or parameters that make none; `field` names the parameter at fault."""

    def __init__(self, message: str, *, field: str = "", fix: str = "") -> None:
        super().__init__(message)
        self.field, self.fix = field, fix


@dataclass(frozen=True)
class Script:
    """What is done on each host, as POSIX shell run with ``-eu``.

    The phases run in this order, in one detached job per host: `probe` (exit 0: already true, nothing more is
    done; any other code: needed), `apply`, `verify` (must exit 0). Each phase is a shell of its own.
    `env` is plain; `secrets` maps an environment variable to the name of a secret (see `tasks.secret_values`),
    whose value reaches the host by standard input only. Every phase also gets ``SANQIAN_HOST``,
    ``SANQIAN_ADDRESS``, ``SANQIAN_CLUSTER`` and ``SANQIAN_ROLES`` (space separated).
    A line ``::progress 40 pushing image 4 of 10`` on standard output reports per cent and a note.
    """

    apply: str
    probe: str = ""
    verify: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    sudo: bool = True


@dataclass(frozen=True)
class Action:
    """What is done by the service itself: the name of a class of `tasks.actions` and its arguments (JSON)."""

    name: str
    args: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True)
class Retry:
    """Which failures are tried again, and when: `delay * factor**n` seconds, at most `cap`, with jitter.

    `exit_codes` limits it to those codes of a script; None means any.
    """

    attempts: int = 1
    delay: float = 5
    factor: float = 2
    cap: float = 120
    exit_codes: tuple[int, ...] | None = None


@dataclass(frozen=True)
class StepSpec:
    """A node of the plan. Times are in seconds.

    `expected` weighs the step in the operation's progress. `quiet` is how long it may stay without output,
    `timeout` how long one attempt may take in all, `unreachable` how long a host may stay away.
    `hosts` is empty for an `Action`, which runs once in the service.
    """

    key: str
    title: str
    do: Script | Action
    hosts: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    expected: float = 3
    parallel: int = 20
    retry: Retry = Retry()
    quiet: float = 900
    timeout: float = 7200
    unreachable: float = 600

    def to_json(self) -> dict[str, JSON]:
        """The step as JSON; `from_json` is its inverse."""
        data = asdict(self)
        data["do"] = {"type": "script" if isinstance(self.do, Script) else "action", **data["do"]}
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, JSON]) -> StepSpec:
        """The step that `to_json` made `data` from."""
        do = dict(data["do"])
        kind: type[Script] | type[Action] = Script if do.pop("type") == "script" else Action
        retry = dict(data["retry"])
        if retry["exit_codes"] is not None:
            retry["exit_codes"] = tuple(retry["exit_codes"])
        return cls(
            **{
                **data,
                "do": kind(**do),
                "hosts": tuple(data["hosts"]),
                "after": tuple(data["after"]),
                "retry": Retry(**retry),
            }
        )


@dataclass(frozen=True)
class Plan:
    """The steps of one operation.

    `mutating` plans exclude one another on a cluster, and so do those that `holds_etcd`: they read all of etcd's data,
    replace it, or stop its members. `during`, `success` and `failure` are the cluster's
    states while it runs and after it; empty leaves the state alone. The steps of a `probes_only` plan are asked
    and never applied: it can only be a dry run.
    """

    kind: str
    steps: tuple[StepSpec, ...]
    mutating: bool = True
    holds_etcd: bool = False
    probes_only: bool = False
    during: str = ""
    success: str = ""
    failure: str = ""
    notes: tuple[str, ...] = ()

    def validate(self, hosts: Iterable[str]) -> Plan:
        """The plan itself, its steps in dependency order.

        Raises `PlanError` on a repeated key, an unknown dependency or host, a cycle, or a script without hosts.
        """
        known, keys = set(hosts), [step.key for step in self.steps]
        for key in keys:
            if keys.count(key) > 1:
                raise PlanError(f"Two steps are called {key!r}.")
        for step in self.steps:
            if missing := sorted(set(step.after) - set(keys)):
                raise PlanError(f"Step {step.key!r} waits for {missing[0]!r}, which is no step of the plan.")
            if missing := sorted(set(step.hosts) - known):
                raise PlanError(f"Step {step.key!r} names the host {missing[0]!r}, which the cluster does not have.")
            if isinstance(step.do, Script) != bool(step.hosts):
                raise PlanError(f"Step {step.key!r}: a script needs hosts, an action takes none.")
        return Plan(**{**self.__dict__, "steps": self.ordered()})

    def ordered(self) -> tuple[StepSpec, ...]:
        """The steps, each behind all it waits for; otherwise in the order written. Raises `PlanError` on a cycle."""
        by_key = {step.key: step for step in self.steps}
        place = {step.key: n for n, step in enumerate(self.steps)}
        sorter = TopologicalSorter({step.key: step.after for step in self.steps})
        try:
            sorter.prepare()
        except CycleError as error:
            raise PlanError(f"Steps wait for each other: {' -> '.join(error.args[1])}.") from error
        ready, result = list(sorter.get_ready()), []
        while ready:
            key = min(ready, key=place.__getitem__)
            ready.remove(key)
            result.append(by_key[key])
            sorter.done(key)
            ready.extend(sorter.get_ready())
        return tuple(result)

    def staged(self) -> list[tuple[int, list[StepSpec]]]:
        """The steps by their stage, in order."""
        stage = stages((step.key, step.after) for step in self.ordered())
        return [(n, [step for step in self.steps if stage[step.key] == n]) for n in sorted(set(stage.values()))]

    def only(self, keys: Sequence[str]) -> Plan:
        """The named steps alone, without waiting for steps that are not among them.

        Raises `PlanError` on a name that is no step.
        """
        names = [step.key for step in self.steps]
        for key in keys:
            if key not in names:
                raise PlanError(
                    f"There is no step {key!r} in {self.kind}.", field="steps", fix=f"Choose from: {', '.join(names)}."
                )
        chosen = tuple(
            StepSpec(**{**step.__dict__, "after": tuple(k for k in step.after if k in keys)})
            for step in self.steps
            if step.key in keys
        )
        return Plan(**{**self.__dict__, "steps": chosen})


def stages(waits: Iterable[tuple[str, Iterable[str]]]) -> dict[str, int]:
    """The stage of each step, from 1, out of (key, what it waits for) in dependency order.

    The steps of a stage wait for none of each other: they run side by side.
    """
    found: dict[str, int] = {}
    for key, after in waits:
        found[key] = 1 + max((found.get(one, 0) for one in after), default=0)
    return found


@dataclass(frozen=True)
class HostFact:
    """What a plan may know of one host. `facts` is as the preflight read it, empty before the first reading."""

    name: str
    address: str
    internal_address: str
    user: str
    port: int
    roles: frozenset[str]
    facts: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True)
class ClusterFact:
    """What a plan may know of the cluster: settings and hosts, no secrets.

    `settings` holds the Cluster row's plain fields by name; `installed` the components chosen by earlier operations;
    `secrets` the names of those secret fields that are not empty.
    """

    id: str
    name: str
    hosts: tuple[HostFact, ...]
    settings: Mapping[str, JSON] = field(default_factory=dict)
    installed: frozenset[str] = frozenset()
    secrets: frozenset[str] = frozenset()

    def group(self, *roles: str) -> tuple[HostFact, ...]:
        """The hosts that have any of `roles`, in the customer's order."""
        return tuple(host for host in self.hosts if host.roles & set(roles))

    @property
    def first(self) -> HostFact:
        """The first control-plane host, where cluster-wide commands run. Raises `PlanError` without one."""
        for host in self.group("control-plane"):
            return host
        raise PlanError("The cluster has no control-plane host.", fix="Name one in the role group control-plane.")

    @property
    def names(self) -> tuple[str, ...]:
        """All hosts' names."""
        return tuple(host.name for host in self.hosts)
