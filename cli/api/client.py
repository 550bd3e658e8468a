"""The addresses of the REST API, one method each.

Made from the OpenAPI schema by `make client`; changes go into the schema.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cli.client import Client

if TYPE_CHECKING:
    from cli.api import types


class Api(Client):
    """One service. Each method raises `Problem` or `Unreachable`; lists go over all pages when read."""

    def get_access_keys(self, *, limit: int | None = None, order: str | None = None) -> Iterator[types.AccessKey]:
        """List access keys."""
        return self.pages("access-keys", limit=limit, order=order)

    def post_access_keys(self, body: types.NewKeyRequest) -> types.Issued:
        """Issue an access key."""
        return self.post("access-keys", body)

    def get_access_key(self, key_id: str) -> types.AccessKey:
        """Read an access key."""
        return self.get(f"access-keys/{key_id}")

    def patch_access_key(self, key_id: str, body: types.PatchedKeyChangeRequest) -> types.AccessKey:
        """Change an access key."""
        return self.patch(f"access-keys/{key_id}", body)

    def post_access_key_revoke(self, key_id: str, body: types.RevokeRequest) -> types.AccessKey:
        """Revoke an access key."""
        return self.post(f"access-keys/{key_id}/revoke", body)

    def post_access_key_rotate(self, key_id: str, body: types.RotateRequest) -> types.Successor:
        """Rotate an access key."""
        return self.post(f"access-keys/{key_id}/rotate", body)

    def get_clusters(
        self,
        *,
        active: bool | None = None,
        created_after: str | None = None,
        created_before: str | None = None,
        fields: str | None = None,
        kubernetes_version: str | None = None,
        limit: int | None = None,
        name: str | None = None,
        order: str | None = None,
        search: str | None = None,
        state: str | None = None,
    ) -> Iterator[types.ClusterWithOperation]:
        """List clusters."""
        return self.pages(
            "clusters",
            active=active,
            created_after=created_after,
            created_before=created_before,
            fields=fields,
            kubernetes_version=kubernetes_version,
            limit=limit,
            name=name,
            order=order,
            search=search,
            state=state,
        )

    def post_clusters(self, body: types.RegistrationRequest) -> types.RegisteredCluster:
        """Register a cluster."""
        return self.post("clusters", body)

    def post_clusters_import(self, body: types.FirstImportRequest) -> types.Operation:
        """Import a cluster."""
        return self.post("clusters/import", body)

    def post_clusters_validate(self, body: types.RegistrationRequest) -> types.Judgement:
        """Judge a configuration."""
        return self.post("clusters/validate", body)

    def get_cluster(self, cluster_id: str, *, fields: str | None = None) -> types.ClusterWithOperation:
        """Read a cluster."""
        return self.get(f"clusters/{cluster_id}", fields=fields)

    def patch_cluster(self, cluster_id: str, body: types.PatchedChangeRequest) -> types.ClusterWithOperation:
        """Change a cluster."""
        return self.patch(f"clusters/{cluster_id}", body)

    def delete_cluster(self, cluster_id: str) -> None:
        """Forget a cluster."""
        self.delete(f"clusters/{cluster_id}")

    def post_cluster_access_key(self, cluster_id: str, body: types.HandOverRequest) -> types.HandedOver:
        """Hand over to another access key."""
        return self.post(f"clusters/{cluster_id}/access-key", body)

    def get_cluster_backups(
        self, cluster_id: str, *, fields: str | None = None, limit: int | None = None, order: str | None = None
    ) -> Iterator[types.Backup]:
        """List backups, newest first."""
        return self.pages(f"clusters/{cluster_id}/backups", fields=fields, limit=limit, order=order)

    def get_cluster_ceph(self, cluster_id: str) -> types.Ceph:
        """Read how Ceph is."""
        return self.get(f"clusters/{cluster_id}/ceph")

    def get_cluster_certificates(self, cluster_id: str) -> types.Certificates:
        """List certificates."""
        return self.get(f"clusters/{cluster_id}/certificates")

    def get_cluster_components(
        self,
        cluster_id: str,
        *,
        chosen: bool | None = None,
        fields: str | None = None,
        limit: int | None = None,
        namespace: str | None = None,
        order: str | None = None,
        search: str | None = None,
        state: str | None = None,
    ) -> Iterator[types.Component]:
        """List components with their health."""
        return self.pages(
            f"clusters/{cluster_id}/components",
            chosen=chosen,
            fields=fields,
            limit=limit,
            namespace=namespace,
            order=order,
            search=search,
            state=state,
        )

    def get_cluster_configuration(self, cluster_id: str) -> str:
        """Export the configuration."""
        return self.text(f"clusters/{cluster_id}/configuration")

    def post_cluster_credentials(self, cluster_id: str, body: types.RegistrationRequest) -> types.Replaced:
        """Replace credentials."""
        return self.post(f"clusters/{cluster_id}/credentials", body)

    def get_cluster_health(self, cluster_id: str) -> types.Health:
        """Read the health."""
        return self.get(f"clusters/{cluster_id}/health")

    def get_cluster_health_events(
        self,
        cluster_id: str,
        *,
        after: str | None = None,
        before: str | None = None,
        fields: str | None = None,
        limit: int | None = None,
        name: str | None = None,
        new_state: str | None = None,
        order: str | None = None,
        search: str | None = None,
        subject: str | None = None,
    ) -> Iterator[types.HealthEvent]:
        """List changes of health, newest first."""
        return self.pages(
            f"clusters/{cluster_id}/health-events",
            after=after,
            before=before,
            fields=fields,
            limit=limit,
            name=name,
            new_state=new_state,
            order=order,
            search=search,
            subject=subject,
        )

    def post_cluster_import(self, cluster_id: str, body: types.ImportRequest) -> types.Operation:
        """Import a cluster again."""
        return self.post(f"clusters/{cluster_id}/import", body)

    def get_cluster_kubeconfig(self, cluster_id: str) -> str:
        """Fetch the kubeconfig."""
        return self.text(f"clusters/{cluster_id}/kubeconfig")

    def post_cluster_new_nodes(self, cluster_id: str, body: types.RegistrationRequest) -> types.Extended:
        """Add the hosts of a configuration."""
        return self.post(f"clusters/{cluster_id}/new-nodes", body)

    def get_cluster_nodes(
        self,
        cluster_id: str,
        *,
        arch: str | None = None,
        fields: str | None = None,
        limit: int | None = None,
        order: str | None = None,
        role_group: str | None = None,
        search: str | None = None,
    ) -> Iterator[types.Node]:
        """List hosts."""
        return self.pages(
            f"clusters/{cluster_id}/nodes",
            arch=arch,
            fields=fields,
            limit=limit,
            order=order,
            role_group=role_group,
            search=search,
        )

    def post_cluster_nodes(self, cluster_id: str, body: types.HostRequest) -> types.AddedNode:
        """Add a host."""
        return self.post(f"clusters/{cluster_id}/nodes", body)

    def get_cluster_node(self, cluster_id: str, name: str, *, fields: str | None = None) -> types.Node:
        """Read a host."""
        return self.get(f"clusters/{cluster_id}/nodes/{name}", fields=fields)

    def patch_cluster_node(self, cluster_id: str, name: str, body: types.PatchedHostRequest) -> types.Node:
        """Change a host."""
        return self.patch(f"clusters/{cluster_id}/nodes/{name}", body)

    def delete_cluster_node(self, cluster_id: str, name: str) -> None:
        """Take a host out of the registry."""
        self.delete(f"clusters/{cluster_id}/nodes/{name}")

    def get_cluster_operations(
        self,
        cluster_id: str,
        *,
        active: bool | None = None,
        cluster: str | None = None,
        created_after: str | None = None,
        created_before: str | None = None,
        dry_run: bool | None = None,
        fields: str | None = None,
        finished_after: str | None = None,
        finished_before: str | None = None,
        kind: str | None = None,
        limit: int | None = None,
        order: str | None = None,
        search: str | None = None,
        state: str | None = None,
    ) -> Iterator[types.Operation]:
        """List a cluster's operations."""
        return self.pages(
            f"clusters/{cluster_id}/operations",
            active=active,
            cluster=cluster,
            created_after=created_after,
            created_before=created_before,
            dry_run=dry_run,
            fields=fields,
            finished_after=finished_after,
            finished_before=finished_before,
            kind=kind,
            limit=limit,
            order=order,
            search=search,
            state=state,
        )

    def post_cluster_operations(self, cluster_id: str, body: types.NewOperationRequest) -> types.Operation:
        """Start an operation."""
        return self.post(f"clusters/{cluster_id}/operations", body)

    def get_cluster_pods(self, cluster_id: str, *, namespace: str | None = None) -> types.Pods:
        """List pods."""
        return self.get(f"clusters/{cluster_id}/pods", namespace=namespace)

    def get_components(self) -> list[types.Entry]:
        """List the platform's components."""
        return self.get("components")

    def get_events(
        self, *, cluster: str | None = None, limit: int | None = None, since: str | None = None
    ) -> types.Feed:
        """List what has changed."""
        return self.get("events", cluster=cluster, limit=limit, since=since)

    def get_events_stream(self) -> str:
        """Follow what changes: the path, for an `EventStream`."""
        return "events/stream"

    def get_fleet(self) -> types.Fleet:
        """See queues and workers."""
        return self.get("fleet")

    def get_operation_kinds(self) -> list[types.Kind]:
        """List the kinds of operations."""
        return self.get("operation-kinds")

    def get_operations(
        self,
        *,
        active: bool | None = None,
        cluster: str | None = None,
        created_after: str | None = None,
        created_before: str | None = None,
        dry_run: bool | None = None,
        fields: str | None = None,
        finished_after: str | None = None,
        finished_before: str | None = None,
        kind: str | None = None,
        limit: int | None = None,
        order: str | None = None,
        search: str | None = None,
        state: str | None = None,
    ) -> Iterator[types.Operation]:
        """List operations."""
        return self.pages(
            "operations",
            active=active,
            cluster=cluster,
            created_after=created_after,
            created_before=created_before,
            dry_run=dry_run,
            fields=fields,
            finished_after=finished_after,
            finished_before=finished_before,
            kind=kind,
            limit=limit,
            order=order,
            search=search,
            state=state,
        )

    def get_operation(
        self, operation_id: str, *, after: int | None = None, fields: str | None = None, wait: int | None = None
    ) -> types.OperationDetail:
        """Read an operation."""
        return self.get(f"operations/{operation_id}", after=after, fields=fields, wait=wait)

    def post_operation_cancel(self, operation_id: str) -> types.Operation:
        """Cancel an operation."""
        return self.post(f"operations/{operation_id}/cancel", {})

    def get_operation_events(self, operation_id: str) -> str:
        """Follow an operation: the path, for an `EventStream`."""
        return f"operations/{operation_id}/events"

    def get_operation_log(
        self,
        operation_id: str,
        *,
        after: int | None = None,
        host: str | None = None,
        limit: int | None = None,
        step: str | None = None,
        tail: int | None = None,
    ) -> types.Log:
        """Read the output."""
        return self.get(f"operations/{operation_id}/log", after=after, host=host, limit=limit, step=step, tail=tail)

    def post_operation_retry(self, operation_id: str, body: types.RetryRequest) -> types.Operation:
        """Retry an operation."""
        return self.post(f"operations/{operation_id}/retry", body)

    def get_operation_steps(self, operation_id: str) -> list[types.Step]:
        """List an operation's steps."""
        return self.get(f"operations/{operation_id}/steps")

    def get_overview(self) -> types.Overview:
        """See all clusters at a glance."""
        return self.get("overview")

    def get_service(self) -> types.Service:
        """See whether the service works."""
        return self.get("service")

    def get_webhook_event_types(self) -> list[types.EventType]:
        """List the types of events."""
        return self.get("webhook-event-types")

    def get_webhooks(self, *, limit: int | None = None, order: str | None = None) -> Iterator[types.Webhook]:
        """List webhooks."""
        return self.pages("webhooks", limit=limit, order=order)

    def post_webhooks(self, body: types.NewWebhookRequest) -> types.WebhookWithSecret:
        """Add a webhook."""
        return self.post("webhooks", body)

    def get_webhook(self, webhook_id: str) -> types.Webhook:
        """Read a webhook."""
        return self.get(f"webhooks/{webhook_id}")

    def patch_webhook(self, webhook_id: str, body: types.PatchedWebhookChangeRequest) -> types.Webhook:
        """Change a webhook."""
        return self.patch(f"webhooks/{webhook_id}", body)

    def delete_webhook(self, webhook_id: str) -> None:
        """Delete a webhook."""
        self.delete(f"webhooks/{webhook_id}")

    def get_webhook_deliveries(
        self,
        webhook_id: str,
        *,
        limit: int | None = None,
        order: str | None = None,
        state: str | None = None,
        type: str | None = None,
    ) -> Iterator[types.Delivery]:
        """List deliveries, newest first."""
        return self.pages(f"webhooks/{webhook_id}/deliveries", limit=limit, order=order, state=state, type=type)

    def get_webhook_delivery(self, webhook_id: str, delivery_id: str) -> types.DeliveryDetail:
        """Read a delivery."""
        return self.get(f"webhooks/{webhook_id}/deliveries/{delivery_id}")

    def post_webhook_delivery_replay(self, webhook_id: str, delivery_id: str) -> types.Delivery:
        """Send a delivery again."""
        return self.post(f"webhooks/{webhook_id}/deliveries/{delivery_id}/replay", {})

    def post_webhook_ping(self, webhook_id: str) -> types.Delivery:
        """Send a test."""
        return self.post(f"webhooks/{webhook_id}/ping", {})

    def post_webhook_replay(self, webhook_id: str, body: types.ReplayRequest) -> types.Replayed:
        """Send what failed again."""
        return self.post(f"webhooks/{webhook_id}/replay", body)

    def post_webhook_rotate_secret(self, webhook_id: str, body: types.RotationRequest) -> types.NewSecret:
        """Rotate the secret."""
        return self.post(f"webhooks/{webhook_id}/rotate-secret", body)

    def get_whoami(self) -> types.WhoAmI:
        """Who am I."""
        return self.get("whoami")
