"""What a command of helm is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lab.toolchain.common.client import Client, access_of, default_kubeconfig
from lab.toolchain.helm.errors import HelmError
from lab.toolchain.helm.flags import Flag, Values

FORMATS = ("table", "json", "yaml")
OUTPUT = Flag("output", short="o", default="table")


class Call:
    """One call of a command: its arguments and flags, and the cluster that it is about."""

    def __init__(self, name: str, arguments: list[str], flags: Values) -> None:
        self.name, self.arguments, self.flags = name, arguments, flags

    def argument(self, index: int) -> str:
        """Empty where it was not given."""
        return self.arguments[index] if index < len(self.arguments) else ""

    @property
    def form(self) -> str:
        """table, json or yaml."""
        form = str(self.flags["output"])
        if form not in FORMATS:
            raise HelmError(f'invalid argument "{form}" for "-o, --output" flag: invalid format type')
        return form

    def connect(self) -> tuple[Client, str]:
        """(the cluster's API, the namespace that is meant). Raises `Unreachable`."""
        given = self.flags["kubeconfig"]
        client = Client(access_of(Path(given) if given else default_kubeconfig(), self.flags["kube-context"]))
        client.get("/version")
        return client, self.flags["namespace"] or client.access.namespace


@dataclass(frozen=True)
class Command:
    """`counts` is (least, most) of its arguments, most None for any; `prefix` begins its errors."""

    run: Callable[[Call], None]
    usage: str = ""
    counts: tuple[int, int | None] = (0, 0)
    flags: tuple[Flag, ...] = ()
    prefix: str = ""
