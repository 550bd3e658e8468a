"""What exists: customers and their access keys, clusters, hosts, components and their health.

This module knows nothing of `tasks`. Constraints live here; behaviour lives in the pure modules beside it.
"""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from clusters import secrets
from clusters.customers import AccessKey, Customer

RFC1123_LABEL = RegexValidator(
    r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$",
    "Use lower-case letters, digits and '-', at most 63, beginning and ending with a letter or digit (RFC 1123).",
)
PORT = [MinValueValidator(1), MaxValueValidator(65535)]


class ClusterState(models.TextChoices):
    REGISTERED = "registered"
    INSTALLING = "installing"
    READY = "ready"
    DEGRADED = "degraded"
    FAILED = "failed"
    UNINSTALLING = "uninstalling"
    REMOVED = "removed"


class Cluster(models.Model):
    """Hosts, role groups and platform settings of one customer.

    `SECRETS` are fields that are never shown, and only read where they are needed. `access_key` is the one that the
    platform's agent in the cluster has; whose it is, the cluster is. A trigger keeps `customer` so.
    """

    SECRETS = ("kubeconfig", "registry_password", "ceph_key", "backup_access_key", "backup_secret_key")

    class LogLevel(models.TextChoices):
        DEBUG = "debug"
        INFO = "info"
        WARN = "warn"
        ERROR = "error"

    class BackupStore(models.TextChoices):
        DIRECTORY = "directory"
        S3 = "s3", "S3"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    access_key = models.ForeignKey(AccessKey, on_delete=models.PROTECT, related_name="clusters")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="clusters", editable=False)
    name = models.CharField(max_length=63, validators=[RFC1123_LABEL])
    description = models.CharField(max_length=500, blank=True)
    state = models.CharField(max_length=16, choices=ClusterState, default=ClusterState.REGISTERED, editable=False)
    state_reason = models.CharField(max_length=500, blank=True, editable=False)

    kubernetes_version = models.CharField(max_length=32, default="v1.24.3")
    container_manager = models.CharField(max_length=32, default="containerd")
    network_plugin = models.CharField(max_length=32, default="calico")
    pod_cidr = models.CharField("pod CIDR", max_length=100, default="10.233.64.0/18")
    service_cidr = models.CharField("service CIDR", max_length=100, default="10.233.0.0/18")
    control_plane_domain = models.CharField(max_length=253, default="lb.kubesphere.local")
    control_plane_address = models.CharField(max_length=253, blank=True)
    control_plane_port = models.PositiveIntegerField(default=6443, validators=PORT)
    internal_load_balancer = models.CharField(max_length=32, blank=True, help_text="haproxy, kube-vip or empty.")
    private_registry = models.CharField(max_length=253, default="dockerhub.kubekey.local")
    registry_namespace = models.CharField("registry project", max_length=63, default="kubesphereio")
    registry_type = models.CharField(max_length=32, default="harbor")
    registry_user = models.CharField(max_length=100, blank=True)
    registry_password = secrets.EncryptedTextField(blank=True, default="", editable=False)
    inventory_extra = models.JSONField(
        default=dict, blank=True, help_text="Keys of the customer's configuration that only kk reads, kept as given."
    )

    api_address = models.URLField("API address of the cloud", max_length=500, blank=True)
    storage_class = models.CharField(max_length=253, default="ceph-filesystem")
    object_store_bucket = models.CharField(max_length=63, blank=True)
    log_level = models.CharField(max_length=8, choices=LogLevel, default=LogLevel.INFO)
    drift_hours = models.PositiveIntegerField(
        "hours between looks for drift", default=24, validators=[MaxValueValidator(8760)], help_text="0: never."
    )
    backup_hours = models.PositiveIntegerField(
        "hours between backups of etcd", default=0, validators=[MaxValueValidator(8760)], help_text="0: never."
    )
    backup_store = models.CharField(
        "store of backups", max_length=16, blank=True, choices=BackupStore, help_text="Empty: the etcd hosts alone."
    )
    backup_endpoint = models.URLField("S3 endpoint", max_length=500, blank=True)
    backup_region = models.CharField("S3 region", max_length=64, blank=True)
    backup_bucket = models.CharField("S3 bucket", max_length=255, blank=True)
    backup_prefix = models.CharField("S3 prefix", max_length=255, blank=True)
    backup_access_key = secrets.EncryptedTextField("S3 access key", blank=True, default="", editable=False)
    backup_secret_key = secrets.EncryptedTextField("S3 secret key", blank=True, default="", editable=False)

    ceph_key = secrets.EncryptedTextField("key of the external Ceph", blank=True, default="", editable=False)
    kubeconfig = secrets.EncryptedTextField(blank=True, default="", editable=False)
    cpod_id = models.CharField("cpod id", max_length=64, blank=True, editable=False)
    kubernetes_uid = models.CharField(
        "uid of kube-system", max_length=64, blank=True, editable=False, help_text="Set by an import."
    )
    imported = models.JSONField(default=dict, blank=True, editable=False, help_text="What its import found.")
    checked_at = models.DateTimeField(null=True, editable=False, help_text="When the cluster was last read.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-created_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "name"],
                condition=~Q(state="removed"),
                name="one_cluster_of_a_name_per_customer",
                violation_error_message="You have a cluster of this name already; choose another name.",
            ),
            models.UniqueConstraint(
                fields=["kubernetes_uid"],
                condition=~Q(kubernetes_uid="") & ~Q(state="removed"),
                name="one_import_of_a_kubernetes",
            ),
            models.CheckConstraint(condition=Q(state__in=ClusterState.values), name="cluster_state_known"),
        ]
        indexes = [models.Index(fields=["state"]), models.Index(fields=["customer", "-created_at", "id"])]

    def __str__(self) -> str:
        return self.name


class SSHCredential(models.Model):
    """How to log in to hosts: a private key with an optional passphrase, or a password."""

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="credentials")
    private_key = secrets.EncryptedTextField(blank=True, default="", editable=False)
    passphrase = secrets.EncryptedTextField(blank=True, default="", editable=False)
    password = secrets.EncryptedTextField(blank=True, default="", editable=False)
    sudo_password = secrets.EncryptedTextField(blank=True, default="", editable=False)
    rotated = models.BooleanField(
        default=False, editable=False, help_text="Put in place by a rotation, so a configuration file may be older."
    )
    password_rotated = models.BooleanField(
        default=False,
        editable=False,
        help_text="Its password was put in place by a rotation, so a configuration file may be older.",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = "SSH credential"

    def __str__(self) -> str:
        return f"SSH {'key' if self.private_key else 'password'} {self.pk}"


class Node(models.Model):
    """One host of a cluster."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="nodes")
    position = models.PositiveIntegerField(default=0, help_text="The host's place in the customer's file.")
    name = models.CharField(max_length=63, validators=[RFC1123_LABEL])
    address = models.CharField(max_length=253)
    internal_address = models.CharField(max_length=253)
    port = models.PositiveIntegerField(default=22, validators=PORT)
    user = models.CharField(max_length=32, default="root")
    role_groups = ArrayField(models.CharField(max_length=32), default=list, blank=True)
    arch = models.CharField(max_length=16, default="amd64")
    labels = models.JSONField(default=dict, blank=True)
    extra = models.JSONField(default=dict, blank=True)
    credential = models.ForeignKey(SSHCredential, on_delete=models.PROTECT, related_name="nodes")
    jump = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="behind")
    host_key = models.TextField(blank=True, help_text="The pinned public key, as in known_hosts: type and base64.")
    facts = models.JSONField(default=dict, blank=True, editable=False)
    facts_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["position", "name"]
        constraints = [
            models.UniqueConstraint(fields=["cluster", "name"], name="one_node_of_a_name_per_cluster"),
            models.UniqueConstraint(fields=["cluster", "address", "port"], name="one_node_of_an_address_per_cluster"),
        ]

    def __str__(self) -> str:
        return self.name


class HealthState(models.TextChoices):
    HEALTHY = "healthy"
    PROGRESSING = "progressing"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"
    UNKNOWN = "unknown"
    ABSENT = "absent"


class Component(models.Model):
    """A part of the platform on one cluster, and its health as last read.

    `there` are those that are seen or ought to be; `THERE` says the same in SQL. `faulty` are those of them with a
    fault. Both take the path to them from another model.
    """

    THERE = f"(chosen OR state <> '{HealthState.ABSENT}')"
    TROUBLE = (HealthState.DEGRADED, HealthState.UNHEALTHY, HealthState.ABSENT)

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="components")
    name = models.CharField(max_length=63)
    kind = models.CharField(max_length=16)
    namespace = models.CharField(max_length=63, blank=True)
    chosen = models.BooleanField(default=False, help_text="Installed by an operation, so its absence is a fault.")
    state = models.CharField(max_length=16, choices=HealthState, default=HealthState.UNKNOWN)
    desired = models.IntegerField(default=0)
    ready = models.IntegerField(default=0)
    version = models.CharField(max_length=64, blank=True)
    chart_version = models.CharField(max_length=64, blank=True, help_text="Of its Helm release, as an import saw it.")
    reason = models.TextField(blank=True)
    details = models.JSONField(default=dict, blank=True)
    checked_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["cluster", "name"], name="one_component_of_a_name_per_cluster")]

    def __str__(self) -> str:
        return self.name

    @staticmethod
    def there(path: str = "") -> Q:
        return Q(**{f"{path}chosen": True}) | ~Q(**{f"{path}state": HealthState.ABSENT})

    @staticmethod
    def faulty(path: str = "") -> Q:
        return Component.there(path) & Q(**{f"{path}state__in": Component.TROUBLE})


class HealthEvent(models.Model):
    """A change of health: of a component, a node, the whole cluster, or a health check of Ceph."""

    class Subject(models.TextChoices):
        COMPONENT = "component"
        NODE = "node"
        CLUSTER = "cluster"
        CEPH = "ceph"

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="health_events")
    at = models.DateTimeField(db_default=Now())
    subject = models.CharField(max_length=16, choices=Subject, default=Subject.COMPONENT)
    name = models.CharField(max_length=253)
    old_state = models.CharField(max_length=16, blank=True)
    new_state = models.CharField(max_length=16)
    reason = models.TextField(blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["cluster", "-id"]), models.Index(fields=["at"])]

    def __str__(self) -> str:
        return f"{self.name}: {self.old_state or 'new'} -> {self.new_state}"


class Backup(models.Model):
    """A snapshot of etcd in a directory of a host, verified when it was taken, or a verified copy in a store."""

    class Store(models.TextChoices):
        HOST = "host"
        DIRECTORY = "directory"
        S3 = "s3", "S3"

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="backups")
    store = models.CharField(
        max_length=16,
        choices=Store,
        default=Store.HOST,
        help_text="Where it lies: on the host, in a directory of the service, or in an S3-compatible store.",
    )
    host = models.CharField(max_length=63, help_text="The etcd host that took it.")
    directory = models.CharField(max_length=500, help_text="The directory, or what stands for it in the store.")
    name = models.CharField(max_length=100)
    size = models.BigIntegerField("bytes")
    sha256 = models.CharField("SHA-256", max_length=64)
    revision = models.BigIntegerField(help_text="Of etcd, when it was taken.")
    keys = models.BigIntegerField()
    etcd_version = models.CharField("version of etcd", max_length=32, blank=True)
    kubernetes_version = models.CharField("version of Kubernetes", max_length=32, blank=True)
    members = models.JSONField(default=list, blank=True, help_text="Peer addresses of etcd's members of then.")
    taken_at = models.DateTimeField()

    class Meta:
        ordering = ["-taken_at", "host"]
        constraints = [
            models.UniqueConstraint(fields=["cluster", "host", "directory", "name"], name="one_backup_of_a_file")
        ]

    def __str__(self) -> str:
        return f"{'' if self.store != self.Store.HOST else f'{self.host}:'}{self.directory}/{self.name}"


class Observation(models.Model):
    """What the last reading of a cluster saw: nodes and pods, or why it could not be read."""

    cluster = models.OneToOneField(Cluster, on_delete=models.CASCADE, related_name="observation", primary_key=True)
    taken_at = models.DateTimeField()
    reachable = models.BooleanField()
    via = models.CharField(max_length=63, blank=True, help_text="The host tunnelled through; empty when direct.")
    error = models.TextField(blank=True)
    nodes = models.JSONField(default=list)
    pods = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"{self.cluster} at {self.taken_at:%H:%M:%S}"


class CephReading(models.Model):
    """What was last read of a cluster's Ceph, and why it could not be read again since, if so."""

    class Source(models.TextChoices):
        TOOLBOX = "toolbox"
        RESOURCE = "resource"

    cluster = models.OneToOneField(Cluster, on_delete=models.CASCADE, related_name="ceph_reading", primary_key=True)
    taken_at = models.DateTimeField(help_text="When Ceph said this.")
    source = models.CharField(
        max_length=16, choices=Source, help_text="Ceph's own toolbox, or Rook's resource, which knows no OSDs."
    )
    health = models.CharField(max_length=16, blank=True, help_text="HEALTH_OK, HEALTH_WARN or HEALTH_ERR.")
    state = models.JSONField(default=dict, help_text="clusters.ceph.CephState as JSON.")
    tried_at = models.DateTimeField(help_text="When it was last tried to read it.")
    error = models.TextField(blank=True, help_text="Why the last try did not reach the toolbox.")

    class Meta:
        verbose_name = "Ceph reading"

    def __str__(self) -> str:
        return f"{self.cluster} {self.health} at {self.taken_at:%H:%M:%S}"


class IdempotentRequest(models.Model):
    """The first answer to a POST with an ``Idempotency-Key``, given again to its repeats."""

    access_key = models.ForeignKey(AccessKey, on_delete=models.CASCADE)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of method, path and body.")
    status = models.PositiveSmallIntegerField(null=True, help_text="Empty while the first request is under way.")
    headers = models.JSONField(default=dict)
    body = models.JSONField(null=True)
    sealed = secrets.EncryptedTextField(blank=True, default="", help_text="The body instead, where it holds a secret.")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["access_key", "key"], name="one_request_per_idempotency_key")]
        indexes = [models.Index(fields=["created_at"])]

    def __str__(self) -> str:
        return self.key
