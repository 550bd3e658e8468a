"""Clears hosts of ended jobs: what could not be reached or removed when they ended."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from clusters.models import Node
from tasks import engine, hosts
from tasks.database import release, with_own_connection
from tasks.models import HostJob
from tasks.plan import Script, StepSpec
from tasks.remote import RemoteError
from tasks.remote import job as detached

log = logging.getLogger(__name__)
AT_ONCE = 20  # hosts


def clear(ids: Iterable[UUID]) -> None:
    """End these jobs' processes and delete their directories; hosts that do not answer are left for later."""
    of_host: dict[Node, list[HostJob]] = defaultdict(list)
    related = ("step", "node__credential", "node__jump__credential")
    for job in HostJob.objects.filter(pk__in=list(ids)).select_related(*related):
        if job.node is not None:
            of_host[job.node].append(job)
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="clear") as pool:
        for _ in pool.map(with_own_connection(_clear_host), of_host.items()):
            pass


def _clear_host(of_host: tuple[Node, Sequence[HostJob]]) -> None:
    node, jobs = of_host
    done = []
    try:
        with hosts.connection(node) as remote:
            release()
            for job in jobs:
                do = StepSpec.from_json(job.step.spec).do
                sudo = do.sudo if isinstance(do, Script) else True
                if detached.kill(remote, str(job.pk), grace=2, sudo=sudo):
                    detached.remove(remote, str(job.pk), sudo=sudo)
                    done.append(job.pk)
    except RemoteError as error:
        log.info("%d ended jobs may be left on %s: %s", len(jobs) - len(done), node.name, error.message)
    engine.removed(done)
