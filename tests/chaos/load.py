"""What the chaos suite disturbs: operations of plain shell whose output and effects can be checked to the byte."""

from __future__ import annotations

import itertools
import random
import uuid
from dataclasses import dataclass, field

from django.utils import timezone

from clusters.models import AccessKey, Cluster, Node, SSHCredential
from lab.hosts import Lab
from tasks.models import HostJob, Operation, OperationState
from tasks.plan import Plan, Retry, StepSpec
from tests.tasks.conftest import plan, step
from tests.tasks.driven import start

EFFECTS = "/root/chaos"
PAUSE, AT_ONCE = 0.25, 3  # a stream: so many lines at once, then a pause (seconds)
RETRY = Retry(attempts=3, delay=1, cap=3)
_names = itertools.count(1)


def lines_of(tag: str, host: str, rounds: int) -> str:
    """All that a job writes."""
    return "".join(f"{tag} {host} {n}\n" for n in range(rounds * AT_ONCE))


def _stream(key: str, *hosts: str, tag: str, rounds: int, after: tuple[str, ...] = (), once: bool = True) -> StepSpec:
    """A step that writes a numbered stream, and notes its start and its end in files; `once`: with a probe."""
    file = f"{EFFECTS}/{tag}.{key}"
    echoes = "\n".join(f'echo "{tag}.{key} $SANQIAN_HOST $((n + {k}))"' for k in range(AT_ONCE))
    text = f"""mkdir -p {EFFECTS}
echo "$SANQIAN_JOB" >> {file}.starts
n=0
while [ $n -lt {rounds * AT_ONCE} ]; do
{echoes}
n=$((n + {AT_ONCE}))
sleep {PAUSE}
done
echo "$SANQIAN_JOB" >> {file}.ends"""
    more = {"probe": f"test -e {file}.ends"} if once else {}
    return step(key, text, *hosts, after=after, retry=RETRY, unreachable=120, **more)


def diamond(hosts: list[str], tag: str, rounds: int) -> Plan:
    """Four steps on three hosts; the two in the middle have no probe, so they are not asked but remembered."""
    first, second, third = hosts
    return plan(
        _stream("prepare", first, second, third, tag=tag, rounds=rounds),
        _stream("left", first, second, tag=tag, rounds=rounds, after=("prepare",), once=False),
        _stream("right", second, third, tag=tag, rounds=rounds, after=("prepare",), once=False),
        _stream("join", third, tag=tag, rounds=rounds, after=("left", "right")),
    )


@dataclass
class Load:
    """One operation a cluster; the clusters share the lab's hosts. `tags` are by operation.

    A job writes `rounds` times.
    """

    lab: Lab
    key: AccessKey
    dice: random.Random
    rounds: int
    tags: dict[uuid.UUID, str] = field(default_factory=dict)
    clusters: list[Cluster] = field(default_factory=list)

    def begin(self, count: int) -> None:
        """Register `count` clusters and start an operation on each."""
        names = [host.name for host in self.lab.hosts]
        for _ in range(count):
            cluster = self._register(self.dice.sample(names, 3))
            self.clusters.append(cluster)
            self._start(cluster)

    def go_on(self) -> None:
        """Start another operation wherever one has succeeded; what failed or was cancelled is to be retried."""
        busy = set(Operation.objects.exclude(state=OperationState.SUCCEEDED).values_list("cluster", flat=True))
        for cluster in self.clusters:
            if cluster.pk not in busy:
                self._start(cluster)

    def operations(self) -> list[Operation]:
        return list(Operation.objects.filter(pk__in=self.tags).order_by("created_at"))

    def tag_of(self, job: HostJob) -> str:
        return f"{self.tags[job.step.operation_id]}.{job.step.key}"

    def _start(self, cluster: Cluster) -> None:
        tag = f"op{next(_names)}"
        hosts = list(cluster.nodes.values_list("name", flat=True))
        self.tags[start(cluster, diamond(hosts, tag, self.rounds)).pk] = tag

    def _register(self, names: list[str]) -> Cluster:
        cluster = Cluster.objects.create(access_key=self.key, name=f"chaos-{next(_names)}", checked_at=timezone.now())
        key = self.lab.key_path.read_text()
        for position, name in enumerate(names, start=1):
            host = self.lab.host(name)
            Node.objects.create(
                cluster=cluster,
                position=position,
                name=name,
                address=host.address,
                internal_address=host.address,
                port=host.port,
                user=host.user,
                host_key=host.host_key,
                role_groups=["control-plane", "etcd", "worker"],
                credential=SSHCredential.objects.create(cluster=cluster, private_key=key),
            )
        return cluster
