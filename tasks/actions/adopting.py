"""The step that records an imported cluster: its rows, in one transaction."""

from __future__ import annotations

import hashlib
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from clusters import catalog
from clusters.ceph.place import namespaces, of_import
from clusters.existing.model import former_ids
from clusters.models import Cluster, ClusterState, Component, Node
from tasks.actions.base import Action, Context, Done, Wait, register
from tasks.actions.imports import administrator, refuse_second
from tasks.webhooks import outbox

ONE_IMPORT = "one_import_of_a_kubernetes"


@register("import-record")
class ImportRecord(Action):
    """Stores what `import-match` found in its own operation. Result: what was stored, without secrets."""

    def run(self, ctx: Context) -> Done | Wait:
        record = ctx.result_of("match")["record"]
        text = administrator(ctx)
        try:
            _store(ctx.cluster, record, text, str(ctx.operation.pk))
        except IntegrityError as error:
            if ONE_IMPORT not in str(error):
                raise
            # Another import of the same Kubernetes was faster.
            refuse_second(ctx.cluster, record["uid"])
            raise
        return Done(
            {"components": [part["name"] for part in record["parts"]], "hosts": record["hosts"]},
            note=f"{len(record['hosts'])} hosts, {len(record['parts'])} components",
        )


@transaction.atomic
def _store(cluster: Cluster, record: dict[str, Any], text: str, operation: str) -> None:
    row = Cluster.objects.select_for_update(of=("self",)).get(pk=cluster.pk)
    refuse_second(row, record["uid"])
    for name, value in record["settings"].items():
        setattr(row, name, value)
    row.kubeconfig = text
    row.kubernetes_uid = record["uid"]
    row.cpod_id = hashlib.md5(record["uid"].encode(), usedforsecurity=False).hexdigest()
    row.imported = {
        "at": timezone.now().isoformat(),
        "operation": operation,
        "hosts": sorted(record["hosts"]),
        "nodes": record["nodes"],
        "releases": record["charts"],
        "ceph": record["ceph"],
        # Marks of registered clusters are errors; what is left are this one's former registrations.
        "formerly": sorted({*former_ids(row.imported), *record["owners"]} - {str(row.pk)}),
    }
    if row.state == ClusterState.REGISTERED:
        # From here on the state follows the health.
        outbox.health_changed(row.pk, "cluster", timezone.now(), row.name, row.state, ClusterState.READY, "")
        row.state = ClusterState.READY
    row.save()
    for name, roles in record["hosts"].items():
        Node.objects.filter(cluster=row, name=name).update(role_groups=roles)
    entries = catalog.load().placed(namespaces(of_import(row.imported)))
    for part in record["parts"]:
        entry = entries[part["name"]]
        Component.objects.update_or_create(
            cluster=row,
            name=entry.name,
            defaults={
                "kind": entry.kind,
                "namespace": entry.namespace,
                "chosen": True,
                "version": part["version"][:64],
                "chart_version": part["chart_version"][:64],
            },
        )
