"""What the service takes from the fresh cluster: its kubeconfig, its id, and which hosts bring GPU drivers."""

from __future__ import annotations

import hashlib
import io
from typing import Any
from urllib.parse import urlsplit

from django.utils import timezone
from ruamel.yaml import YAML

from clusters import bounded_yaml
from clusters.bounded_yaml import BadYAML
from clusters.catalog import load
from clusters.models import Cluster, Component, Node
from tasks.actions.base import Action, ActionFailed, Context, Done, Wait, errors_of, register
from tasks.actions.preflight import read_facts
from tasks.models import Outcome
from tasks.remote import Remote
from tasks.remote.files import download, upload

ADMIN_CONF = "/etc/kubernetes/admin.conf"
KUBECTL = f"PATH=/usr/local/bin:$PATH; export KUBECONFIG={ADMIN_CONF}\n"


def outward(kubeconfig: str, address: str) -> tuple[str, str]:
    """(`kubeconfig` with its server at `address`, the server's URL).

    The certificate is still checked against the name that was there before. Raises ValueError for what is no
    kubeconfig.
    """
    try:
        config: Any = bounded_yaml.load(kubeconfig)
        cluster = config["clusters"][0]["cluster"]
        server = urlsplit(cluster["server"])
    except (BadYAML, KeyError, IndexError, TypeError) as error:
        raise ValueError(f"no kubeconfig: {type(error).__name__}") from error
    host = f"[{address}]" if ":" in address else address
    cluster["server"] = f"https://{host}:{server.port or 443}"
    if server.hostname and server.hostname != address:
        cluster["tls-server-name"] = server.hostname
    stream, yaml = io.StringIO(), YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.dump(config, stream)
    return stream.getvalue(), cluster["server"]


@register("fetch-kubeconfig")
class FetchKubeconfig(Action):
    """Args: ``host``. Stores the kubeconfig and the cpod id. Result: ``server``, ``cpod_id``."""

    def probe(self, ctx: Context) -> bool | None:
        node = ctx.node(ctx.args["host"])
        with ctx.remote(node) as remote:
            if not remote.run(f"[ -r {ADMIN_CONF} ]", sudo=True).ok:
                return False
            text, _ = self._read(remote, node)
            return text == ctx.cluster.kubeconfig and self._cpod_id(remote) == ctx.cluster.cpod_id

    def run(self, ctx: Context) -> Done | Wait:
        node = ctx.node(ctx.args["host"])
        with ctx.remote(node) as remote:
            text, server = self._read(remote, node)
            cpod_id = self._cpod_id(remote)
        same = (text, cpod_id) == (ctx.cluster.kubeconfig, ctx.cluster.cpod_id)
        Cluster.objects.filter(pk=ctx.cluster.pk).update(kubeconfig=text, cpod_id=cpod_id)
        return Done({"server": server, "cpod_id": cpod_id}, Outcome.ALREADY if same else Outcome.CHANGED, server)

    def _read(self, remote: Remote, node: Node) -> tuple[str, str]:
        try:
            return outward(download(remote, ADMIN_CONF).decode(), node.address)
        except ValueError as error:
            raise ActionFailed(
                f"{ADMIN_CONF} cannot be used: {error}",
                "Run the phase kubernetes again.",
                host=node.name,
                kind="kubeconfig",
            ) from error

    def _cpod_id(self, remote: Remote) -> str:
        """MD5 of the uid of kube-system, hex, as the platform's other parts compute it."""
        said = remote.run(
            f"{KUBECTL}kubectl get namespace kube-system -o 'jsonpath={{.metadata.uid}}'",
            sudo=True,
            timeout=12,
            check=True,
        )
        return hashlib.md5(said.text.encode(), usedforsecurity=False).hexdigest()


@register("probe-gpu-driver")
class ProbeGPUDriver(Action):
    """Args: ``host`` (where helm runs), ``settings`` (file with further helm settings for the GPU operator).

    A driver container cannot take a card from a driver of the host: where all GPU hosts have one, the operator
    brings none; where some have, these are labelled so that it leaves them alone. Result: ``hosts`` {name: version}.
    """

    def run(self, ctx: Context) -> Done | Wait:
        workers = [node for node in ctx.nodes if {"worker", "control-plane"} & set(node.role_groups)]
        answers = ctx.on_hosts(lambda remote, node: read_facts(remote, node, ""), workers)
        for error in errors_of(answers.items()).values():
            raise error
        drivers: dict[str, str] = {}
        for node in workers:
            facts = answers[node.name]
            if isinstance(facts, dict) and facts["gpus"]:
                drivers[node.name] = facts["gpu_driver"]
                kept = {**node.facts, "gpus": facts["gpus"], "gpu_driver": facts["gpu_driver"]}
                Node.objects.filter(pk=node.pk).update(facts=kept, facts_at=timezone.now())
        with_driver = [name for name, version in drivers.items() if version]
        everywhere = bool(with_driver) and len(with_driver) == len(drivers)
        with ctx.remote(ctx.node(ctx.args["host"])) as remote:
            if everywhere:
                changed = not upload(remote, b"driver.enabled=false\n", ctx.args["settings"]).skipped
            else:
                away = '[ ! -e "$FILE" ] || { rm "$FILE" && printf removed; }'
                said = remote.run(away, env={"FILE": ctx.args["settings"]}, sudo=True, check=True).text
                changed = said == "removed" or bool(with_driver)
                for name in with_driver:
                    self._label(remote, name)
        for name, version in drivers.items():
            ctx.log(f"{name}: {f'driver {version} on the host' if version else 'no driver on the host'}")
        note = "the hosts' own drivers" if everywhere else "drivers by the operator"
        outcome = Outcome.CHANGED if changed else Outcome.CHECKED
        return Done({"hosts": drivers}, outcome, note if drivers else "no GPU found")

    def _label(self, remote: Remote, name: str) -> None:
        remote.run(
            f'{KUBECTL}kubectl label node "$NODE" nvidia.com/gpu.deploy.driver=false --overwrite',
            env={"NODE": name},
            sudo=True,
            check=True,
        )


@register("record-components")
class RecordComponents(Action):
    """Args: ``components`` (names). From now on their absence is a fault."""

    def probe(self, ctx: Context) -> bool | None:
        chosen = set(ctx.cluster.components.filter(chosen=True).values_list("name", flat=True))
        return chosen >= set(ctx.args["components"])

    def run(self, ctx: Context) -> Done | Wait:
        catalog = load()
        for name in ctx.args["components"]:
            entry = catalog[name]
            Component.objects.update_or_create(
                cluster=ctx.cluster,
                name=entry.name,
                defaults={"kind": entry.kind, "namespace": entry.namespace, "chosen": True},
            )
        return Done({"components": ctx.args["components"]})


@register("record-version")
class RecordVersion(Action):
    """Args: ``version``. From now on the cluster's setting."""

    def probe(self, ctx: Context) -> bool | None:
        return bool(ctx.cluster.kubernetes_version == ctx.args["version"])

    def run(self, ctx: Context) -> Done | Wait:
        Cluster.objects.filter(pk=ctx.cluster.pk).update(kubernetes_version=ctx.args["version"])
        return Done({"version": ctx.args["version"]})
