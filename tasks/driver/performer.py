"""An action's part in a slice: probe it once, run it, pass on its log, tell what came of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from clusters.models import Cluster, Node
from tasks import actions
from tasks.actions.base import ActionFailed, Context, Done, Wait
from tasks.database import release
from tasks.engine import JobUpdate, Lease
from tasks.models import HostJob, Outcome
from tasks.plan import Action
from tasks.redaction import Redactor
from tasks.remote import RemoteError, Unreachable

PROBED = "_probed"


@dataclass
class Failed:
    """The try has failed. `away` says that a host did not answer, which is not counted as a failure at once."""

    error: dict[str, Any]
    again: bool = True
    away: bool = False
    result: dict[str, Any] | None = None


@dataclass
class Performer:
    """`outcome` is there when `perform` has returned."""

    lease: Lease
    job: HostJob
    redact: Redactor
    deadline: float
    emit: Callable[[JobUpdate], None]
    outcome: Done | Wait | Failed | None = None
    memory: dict[str, Any] = field(default_factory=dict)
    _offset: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def perform(self) -> None:
        """Never raises for what an action or a host does: that is an outcome."""
        try:
            self._offset = self.job.offset
            self.outcome = self._perform()
        except ActionFailed as error:
            told = {"kind": error.kind, "host": error.host, "message": error.message, "fix": error.fix}
            self.outcome = Failed(self.redact.data(told), error.again, result=error.result or None)
        except RemoteError as error:
            self.outcome = Failed(self.redact.data(error.as_dict()), away=isinstance(error, Unreachable))
        finally:
            release()

    def _perform(self) -> Done | Wait:
        do = self.lease.spec.do
        if not isinstance(do, Action):
            raise TypeError(f"step {self.lease.step.key} is no action")
        action = actions.find(do.name)
        context = self._context(do)
        self.memory = context.memory
        if not self.memory.get(PROBED):
            self._phase("probe")
            true = action.probe(context)
            if true:
                return Done(dict(self.lease.step.result), Outcome.ALREADY)
            if context.dry_run and not action.only_looks:
                return Done(outcome=Outcome.UNKNOWN if true is None else Outcome.WOULD_CHANGE)
            self.memory[PROBED] = True
        self._phase("apply")
        return action.run(context)

    def _context(self, do: Action) -> Context:
        operation = self.lease.operation
        cluster = Cluster.objects.select_related("access_key").get(pk=operation.cluster_id)
        nodes = Node.objects.filter(cluster=cluster).select_related("credential", "jump__credential")
        return Context(
            cluster=cluster,
            operation=operation,
            step=self.lease.step,
            args=dict(do.args),
            dry_run=operation.dry_run,
            nodes=list(nodes),
            memory=dict(self.lease.step.memory),
            log=self.log,
            progress=self._progress,
            deadline=self.deadline,
        )

    def log(self, line: str) -> None:
        """One line for the operation's log."""
        text = self.redact(line.rstrip("\n").replace("\0", "\ufffd") + "\n")
        with self._lock:
            size = len(text.encode())
            self.emit(JobUpdate(self.job, chunks=[(self._offset, size, text)]))
            self._offset += size

    def _phase(self, phase: str) -> None:
        """Say what the action is at."""
        if self.job.phase != phase:
            self.job.phase = phase
            self.emit(JobUpdate(self.job, phase=phase))

    def _progress(self, percent: float, note: str) -> None:
        self.emit(JobUpdate(self.job, progress=max(0.0, min(100.0, percent)), note=self.redact(note)))
