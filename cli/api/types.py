"""The documents of the REST API.

Made from the OpenAPI schema by `make client`; changes go into the schema.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypeAlias, TypedDict

BackupStoreEnum: TypeAlias = Literal["directory", "s3"]
"""
* `directory` - Directory
* `s3` - S3
"""


BlankEnum: TypeAlias = Literal[""]


class CephCapacity(TypedDict):
    """
    Raw capacity of the OSDs that are in: three replicas of a byte take three bytes.
    """

    total_bytes: int
    used_bytes: int
    free_bytes: int
    used_percent: float
    """
    0 to 100; 0 where the total is not known.
    """
    nearfull_percent: float
    """
    An OSD that is fuller raises a warning.
    """
    full_percent: float
    """
    An OSD that is fuller stops all writing.
    """


class CephGroups(TypedDict):
    """
    Placement groups: the pieces in which Ceph keeps data.
    """

    total: int
    clean: int
    """
    active+clean: all copies are where they belong.
    """
    states: dict[str, int]
    """
    How many are in each state.
    """


class CephMonitor(TypedDict):
    """
    A monitor. More than half of them must agree, or all storage stands still.
    """

    name: str
    in_quorum: bool


class CephOsd(TypedDict):
    """
    A disk's daemon.
    """

    id: int
    up: bool
    """
    Its daemon runs.
    """
    inside: bool
    """
    It is given data. One that is out is being emptied.
    """
    device_class: str
    """
    hdd, ssd or nvme.
    """
    size_bytes: int
    """
    0 while it is out.
    """
    used_bytes: int
    free_bytes: int
    placement_groups: int


class CephPool(TypedDict):
    """
    A pool.
    """

    name: str
    size: int
    """
    Copies (or chunks) of each object.
    """
    min_size: int
    """
    With fewer of them nothing can be written.
    """
    failure_domain: str
    """
    Each copy is on one of its own: host, osd, rack.
    """
    erasure_coded: bool
    stored_bytes: int
    """
    The users' data.
    """
    used_bytes: int
    """
    Raw.
    """
    available_bytes: int
    """
    Data that can still be stored.
    """


class Certificate(TypedDict):
    """
    A certificate on a host.
    """

    host: str
    path: str
    ends_at: str | None
    """
    Null for what is no certificate.
    """
    days: int | None
    """
    Whole days left, as of now; negative once it has ended.
    """


class Chunk(TypedDict):
    """
    Output of one host, as it came. Secrets are replaced.
    """

    seq: int
    """
    Its number among the operation's events and output.
    """
    step: str
    host: str
    attempt: int
    at: str
    """
    When it was stored.
    """
    offset: int
    """
    Where it begins in the host's output, in bytes.
    """
    size: int
    """
    Bytes of the host's output that it stands for.
    """
    text: str


class ClusterName(TypedDict):
    """
    Which cluster.
    """

    id: str
    name: str


ClusterState: TypeAlias = Literal["registered", "installing", "ready", "degraded", "failed", "uninstalling", "removed"]
"""
* `registered` - Registered
* `installing` - Installing
* `ready` - Ready
* `degraded` - Degraded
* `failed` - Failed
* `uninstalling` - Uninstalling
* `removed` - Removed
"""


class ComponentCounts(TypedDict):
    """
    How many components are healthy, of those that are there or ought to be.
    """

    healthy: int
    total: int


CredentialShownKindEnum: TypeAlias = Literal["key", "password"]
"""
* `key` - key
* `password` - password
"""


class CustomerShown(TypedDict):
    """
    Whose key it is.
    """

    name: str


EntryKindEnum: TypeAlias = Literal["helm", "manifest"]
"""
* `helm` - helm
* `manifest` - manifest
"""


class Failure(TypedDict):
    """
    Why something failed; empty while nothing did.
    """

    step: NotRequired[str]
    """
    Key of the step.
    """
    host: NotRequired[str]
    kind: NotRequired[str]
    """
    Stable name of the failure.
    """
    message: NotRequired[str]
    fix: NotRequired[str]
    """
    What to do.
    """


class GPUs(TypedDict):
    """
    The GPUs of a node, all of one product.
    """

    product: str
    count: int


class HandOverRequest(TypedDict):
    """
    Another access key of the same customer.
    """

    access_key: str
    """
    The whole key, as proof that you have it.
    """


class HandedOver(TypedDict):
    """
    Whose the cluster is now.
    """

    access_key: str
    """
    The key's prefix.
    """


HealthState: TypeAlias = Literal["healthy", "progressing", "degraded", "unhealthy", "unknown", "absent"]
"""
* `healthy` - Healthy
* `progressing` - Progressing
* `degraded` - Degraded
* `unhealthy` - Unhealthy
* `unknown` - Unknown
* `absent` - Absent
"""


class HostRequest(TypedDict):
    """
    A host, as JSON.
    """

    name: str
    """
    Its name: lower-case letters, digits and '-'.
    """
    address: NotRequired[str]
    """
    Where SSH goes; the internal address when left out.
    """
    internal_address: NotRequired[str]
    """
    The address that the cluster's hosts use.
    """
    port: NotRequired[int]
    """
    SSH port, 22 by default.
    """
    user: NotRequired[str]
    """
    SSH user, root by default.
    """
    roles: NotRequired[list[str]]
    """
    Role groups: etcd, control-plane, worker, registry, storage.
    """
    arch: NotRequired[str]
    """
    amd64 (default) or arm64.
    """
    labels: NotRequired[dict[str, str]]
    """
    Labels of the Kubernetes node.
    """
    password: NotRequired[str]
    """
    SSH password.
    """
    private_key: NotRequired[str]
    """
    Text of the private key.
    """
    passphrase: NotRequired[str]
    """
    The key's passphrase.
    """
    sudo_password: NotRequired[str]
    """
    Where the user is not root.
    """
    host_key: NotRequired[str]
    """
    The host's public key; pinned on first contact when left out.
    """
    jump: NotRequired[str]
    """
    Name of the host that this one is reached through.
    """


class HostShown(TypedDict):
    """
    A host as it was read.
    """

    name: str
    address: str
    internal_address: str
    port: int
    user: str
    role_groups: list[str]


JobState: TypeAlias = Literal["pending", "running", "succeeded", "failed", "lost", "cancelled"]
"""
* `pending` - Pending
* `running` - Running
* `succeeded` - Succeeded
* `failed` - Failed
* `lost` - Lost
* `cancelled` - Cancelled
"""


class KeyShown(TypedDict):
    """
    An access key without its secret.
    """

    id: str
    prefix: str
    """
    The public part of the key.
    """
    name: str
    expires_at: str | None
    last_used_at: str | None
    """
    Noted once a minute.
    """


class Kind(TypedDict):
    """
    A kind of operation.
    """

    kind: str
    title: str
    description: str
    params: dict[str, Any]
    """
    Each parameter as JSON Schema.
    """
    secrets: dict[str, Any]
    """
    Each secret that may come with it, and what it is.
    """


LevelEnum: TypeAlias = Literal["error", "warning", "repair"]
"""
* `error` - error
* `warning` - warning
* `repair` - repair
"""


class Limits(TypedDict):
    """
    What the key may have.
    """

    clusters: int
    hosts_per_cluster: int
    operations: int
    """
    Under way at once.
    """


class Load(TypedDict):
    """
    What one access key has under way.
    """

    access_key: str
    """
    The public part of the key.
    """
    customer: str
    operations: int
    driven: int
    """
    Steps that are ready or running.
    """


class Log(TypedDict):
    """
    A stretch of an operation's output.
    """

    results: list[Chunk]
    next_after: int
    """
    The `after` of the next request.
    """
    ended: bool
    """
    Whether no more will come.
    """


LogLevel: TypeAlias = Literal["debug", "info", "warn", "error"]
"""
* `debug` - Debug
* `info` - Info
* `warn` - Warn
* `error` - Error
"""


NameEnum: TypeAlias = Literal["control", "provision", "health"]
"""
* `control` - control
* `provision` - provision
* `health` - health
"""


class NewOperationRequest(TypedDict):
    """
    What to do.
    """

    kind: str
    """
    One of operation-kinds.
    """
    params: NotRequired[dict[str, Any]]
    """
    Parameters of that kind; see operation-kinds.
    """
    secrets: NotRequired[dict[str, str]]
    """
    Secrets of that kind; see operation-kinds. They are kept encrypted and never shown.
    """
    dry_run: NotRequired[bool]
    """
    Only ask what is true already; change nothing.
    """


class NodeStatus(TypedDict):
    """
    A node of Kubernetes as last read.
    """

    ready: bool
    roles: list[str]
    kubelet_version: str
    cpu: float
    """
    Cores.
    """
    memory: int
    """
    Bytes.
    """
    gpus: GPUs


NullEnum: TypeAlias = None


class ObservedNode(TypedDict):
    """
    A node of Kubernetes as last read.
    """

    name: str
    ready: bool
    state: str
    """
    healthy, degraded, unhealthy or unknown.
    """
    reason: str
    roles: list[str]
    kubelet_version: str
    cpu: float
    """
    Cores.
    """
    memory: int
    """
    Bytes.
    """
    gpus: dict[str, Any]
    """
    product, count and allocatable.
    """


OperationState: TypeAlias = Literal["queued", "running", "cancelling", "succeeded", "failed", "cancelled"]
"""
* `queued` - Queued
* `running` - Running
* `cancelling` - Cancelling
* `succeeded` - Succeeded
* `failed` - Failed
* `cancelled` - Cancelled
"""


OriginEnum: TypeAlias = Literal["toolbox", "resource"]
"""
* `toolbox` - Toolbox
* `resource` - Resource
"""


Outcome: TypeAlias = Literal["changed", "already", "would-change", "checked", "unknown"]
"""
* `changed` - Changed
* `already` - already true
* `would-change` - would change
* `checked` - Checked
* `unknown` - Unknown
"""


class PatchedChangeRequest(TypedDict):
    """
    Changes of a cluster; what is left out stays.
    """

    name: NotRequired[str]
    description: NotRequired[str]
    kubernetes_version: NotRequired[str]
    """
    Version of Kubernetes, with its v.
    """
    container_manager: NotRequired[str]
    """
    containerd, docker, crio or isula.
    """
    network_plugin: NotRequired[str]
    """
    calico, flannel, cilium, kubeovn, hybridnet or none.
    """
    pod_cidr: NotRequired[str]
    """
    Addresses of the pods; IPv4 and IPv6 with a comma between.
    """
    service_cidr: NotRequired[str]
    """
    Addresses of the services.
    """
    control_plane_domain: NotRequired[str]
    """
    Name under which the hosts know the API server.
    """
    control_plane_address: NotRequired[str]
    """
    Its address; empty for the first control-plane host or the internal load balancer.
    """
    control_plane_port: NotRequired[int]
    """
    Its port.
    """
    internal_load_balancer: NotRequired[str]
    """
    haproxy, kube-vip or empty.
    """
    private_registry: NotRequired[str]
    """
    Host of the private registry.
    """
    registry_namespace: NotRequired[str]
    """
    Project in the registry.
    """
    registry_type: NotRequired[str]
    """
    harbor or registry.
    """
    registry_user: NotRequired[str]
    """
    Login of the registry; empty for the platform's own.
    """
    registry_password: NotRequired[str]
    """
    Its password. Never shown.
    """
    api_address: NotRequired[str]
    """
    API address of the cloud that the platform reports to.
    """
    storage_class: NotRequired[str]
    """
    The platform's default storage class.
    """
    object_store_bucket: NotRequired[str]
    """
    Bucket of the platform's object store.
    """
    log_level: NotRequired[LogLevel]
    """
    How much the platform's agents log.

    * `debug` - Debug
    * `info` - Info
    * `warn` - Warn
    * `error` - Error
    """
    drift_hours: NotRequired[int]
    """
    Hours between two looks for what is no longer as installed; 0 for never.
    """
    backup_hours: NotRequired[int]
    """
    Hours between two backups of etcd on the etcd hosts; 0 for never.
    """
    ceph_key: NotRequired[str]
    """
    Key of the external Ceph's user, as `ceph auth get-key` prints it. Never shown.
    """
    backup_store: NotRequired[BackupStoreEnum | BlankEnum]
    """
    Where backups of etcd are copied to: `directory` of the service, `s3`, or empty for nowhere.

    * `directory` - Directory
    * `s3` - S3
    """
    backup_endpoint: NotRequired[str]
    """
    URL of the S3-compatible store.
    """
    backup_region: NotRequired[str]
    """
    Its region; empty for us-east-1, which most other than Amazon's take.
    """
    backup_bucket: NotRequired[str]
    """
    Bucket in it.
    """
    backup_prefix: NotRequired[str]
    """
    What the names of objects begin with, before the cluster's id.
    """
    backup_access_key: NotRequired[str]
    """
    Access key of the store. Never shown.
    """
    backup_secret_key: NotRequired[str]
    """
    Secret key of the store. Never shown.
    """


class PatchedHostRequest(TypedDict):
    """
    A host, as JSON.
    """

    name: NotRequired[str]
    """
    Its name: lower-case letters, digits and '-'.
    """
    address: NotRequired[str]
    """
    Where SSH goes; the internal address when left out.
    """
    internal_address: NotRequired[str]
    """
    The address that the cluster's hosts use.
    """
    port: NotRequired[int]
    """
    SSH port, 22 by default.
    """
    user: NotRequired[str]
    """
    SSH user, root by default.
    """
    roles: NotRequired[list[str]]
    """
    Role groups: etcd, control-plane, worker, registry, storage.
    """
    arch: NotRequired[str]
    """
    amd64 (default) or arm64.
    """
    labels: NotRequired[dict[str, str]]
    """
    Labels of the Kubernetes node.
    """
    password: NotRequired[str]
    """
    SSH password.
    """
    private_key: NotRequired[str]
    """
    Text of the private key.
    """
    passphrase: NotRequired[str]
    """
    The key's passphrase.
    """
    sudo_password: NotRequired[str]
    """
    Where the user is not root.
    """
    host_key: NotRequired[str]
    """
    The host's public key; pinned on first contact when left out.
    """
    jump: NotRequired[str]
    """
    Name of the host that this one is reached through.
    """


class PatchedSettingsRequest(TypedDict):
    """
    Settings, each optional.
    """

    kubernetes_version: NotRequired[str]
    """
    Version of Kubernetes, with its v.
    """
    container_manager: NotRequired[str]
    """
    containerd, docker, crio or isula.
    """
    network_plugin: NotRequired[str]
    """
    calico, flannel, cilium, kubeovn, hybridnet or none.
    """
    pod_cidr: NotRequired[str]
    """
    Addresses of the pods; IPv4 and IPv6 with a comma between.
    """
    service_cidr: NotRequired[str]
    """
    Addresses of the services.
    """
    control_plane_domain: NotRequired[str]
    """
    Name under which the hosts know the API server.
    """
    control_plane_address: NotRequired[str]
    """
    Its address; empty for the first control-plane host or the internal load balancer.
    """
    control_plane_port: NotRequired[int]
    """
    Its port.
    """
    internal_load_balancer: NotRequired[str]
    """
    haproxy, kube-vip or empty.
    """
    private_registry: NotRequired[str]
    """
    Host of the private registry.
    """
    registry_namespace: NotRequired[str]
    """
    Project in the registry.
    """
    registry_type: NotRequired[str]
    """
    harbor or registry.
    """
    registry_user: NotRequired[str]
    """
    Login of the registry; empty for the platform's own.
    """
    registry_password: NotRequired[str]
    """
    Its password. Never shown.
    """
    api_address: NotRequired[str]
    """
    API address of the cloud that the platform reports to.
    """
    storage_class: NotRequired[str]
    """
    The platform's default storage class.
    """
    object_store_bucket: NotRequired[str]
    """
    Bucket of the platform's object store.
    """
    log_level: NotRequired[LogLevel]
    """
    How much the platform's agents log.

    * `debug` - Debug
    * `info` - Info
    * `warn` - Warn
    * `error` - Error
    """
    drift_hours: NotRequired[int]
    """
    Hours between two looks for what is no longer as installed; 0 for never.
    """
    backup_hours: NotRequired[int]
    """
    Hours between two backups of etcd on the etcd hosts; 0 for never.
    """
    ceph_key: NotRequired[str]
    """
    Key of the external Ceph's user, as `ceph auth get-key` prints it. Never shown.
    """
    backup_store: NotRequired[BackupStoreEnum | BlankEnum]
    """
    Where backups of etcd are copied to: `directory` of the service, `s3`, or empty for nowhere.

    * `directory` - Directory
    * `s3` - S3
    """
    backup_endpoint: NotRequired[str]
    """
    URL of the S3-compatible store.
    """
    backup_region: NotRequired[str]
    """
    Its region; empty for us-east-1, which most other than Amazon's take.
    """
    backup_bucket: NotRequired[str]
    """
    Bucket in it.
    """
    backup_prefix: NotRequired[str]
    """
    What the names of objects begin with, before the cluster's id.
    """
    backup_access_key: NotRequired[str]
    """
    Access key of the store. Never shown.
    """
    backup_secret_key: NotRequired[str]
    """
    Secret key of the store. Never shown.
    """


class Pod(TypedDict):
    """
    A row of ``kubectl get pods -A -o wide``.
    """

    namespace: str
    name: str
    ready: str
    """
    Ready containers of all: 1/1.
    """
    status: str
    restarts: int
    age_seconds: int | None
    """
    As of taken_at.
    """
    ip: str
    node: str


class Pods(TypedDict):
    """
    The pods that the last reading saw.
    """

    taken_at: str | None
    """
    When; null before the first reading.
    """
    reachable: bool | None
    """
    Whether the last attempt reached the cluster.
    """
    via: str
    """
    The host tunnelled through; empty when direct.
    """
    error: str
    """
    Why it could not be read.
    """
    results: list[Pod]


class Queue(TypedDict):
    """
    Messages that wait for a worker.
    """

    name: str
    depth: int | None
    """
    Null where the broker does not answer.
    """
    oldest_seconds: float | None
    """
    Age of the oldest message.
    """


class RegistrationRequest(TypedDict):
    """
    A cluster to be registered: `configuration` or `hosts`.
    """

    name: NotRequired[str]
    """
    The cluster's name, yours alone; metadata.name of the configuration when left out.
    """
    description: NotRequired[str]
    """
    For people.
    """
    configuration: NotRequired[str]
    """
    Text of a kk configuration, or of bare hosts and roleGroups.
    """
    private_keys: NotRequired[dict[str, str]]
    """
    Text of each private key, by its privateKeyPath as written in the configuration.
    """
    passphrases: NotRequired[dict[str, str]]
    """
    Passphrases by the same paths.
    """
    private_key: NotRequired[str]
    """
    A private key for every host that has none of its own.
    """
    passphrase: NotRequired[str]
    """
    Its passphrase.
    """
    password: NotRequired[str]
    """
    SSH password for every host that has none of its own.
    """
    sudo_password: NotRequired[str]
    """
    sudo password for every host that has none of its own.
    """
    hosts: NotRequired[list[HostRequest]]
    """
    The hosts, instead of a configuration.
    """
    role_groups: NotRequired[dict[str, list[str]]]
    """
    Names of hosts by role group; ranges such as worker[1:3] are allowed.
    """
    settings: NotRequired[PatchedSettingsRequest]
    """
    Settings; they outdo the configuration's.
    """


class Replaced(TypedDict):
    """
    Hosts whose credentials were replaced.
    """

    changed: list[str]
    """
    Names of hosts that had others before.
    """
    kept: list[str]
    """
    Names of hosts whose other credentials a rotation has put in place.
    """


class RetryRequest(TypedDict):
    """
    How to go on.
    """

    from_step: NotRequired[str]
    """
    Key of a step that is to run again, with all behind it; the first that failed when left out.
    """


class Served(TypedDict):
    """
    A queue, by what is done through it.
    """

    name: NameEnum
    """
    control: operations move on; provision: steps; health.

    * `control` - control
    * `provision` - provision
    * `health` - health
    """
    served: bool | None
    """
    Whether a worker serves it; null: it is not known.
    """


class Service(TypedDict):
    """
    The service at one moment.
    """

    at: str
    """
    The service's time.
    """
    version: str
    """
    The service's version.
    """
    broker: bool
    """
    Whether the broker answers; nothing new is begun while it does not.
    """
    queues: list[Served]
    waiting: int
    """
    Steps of yours that could be worked on and are not.
    """
    oldest_seconds: float | None
    """
    How long the oldest of them has waited (seconds); null without one.
    """


SeverityEnum: TypeAlias = Literal["HEALTH_WARN", "HEALTH_ERR"]
"""
* `HEALTH_WARN` - HEALTH_WARN
* `HEALTH_ERR` - HEALTH_ERR
"""


StepState: TypeAlias = Literal["pending", "ready", "running", "succeeded", "failed", "skipped", "cancelled"]
"""
* `pending` - Pending
* `ready` - Ready
* `running` - Running
* `succeeded` - Succeeded
* `failed` - Failed
* `skipped` - Skipped
* `cancelled` - Cancelled
"""


StoreEnum: TypeAlias = Literal["host", "directory", "s3"]
"""
* `host` - Host
* `directory` - Directory
* `s3` - S3
"""


SubjectEnum: TypeAlias = Literal["component", "node", "cluster", "ceph"]
"""
* `component` - Component
* `node` - Node
* `cluster` - Cluster
* `ceph` - Ceph
"""


class Usage(TypedDict):
    """
    What it has.
    """

    clusters: int
    operations: int
    """
    Under way now.
    """


class WhoAmI(TypedDict):
    """
    The caller.
    """

    access_key: KeyShown
    customer: CustomerShown
    limits: Limits
    usage: Usage
    version: str
    """
    The service's version.
    """


class Worker(TypedDict):
    """
    A worker process, or one that does not answer and still holds leases.
    """

    name: str
    alive: bool | None
    """
    Null where it could not be asked.
    """
    pid: int | None
    concurrency: int | None
    """
    Tasks that it runs at once.
    """
    active: int | None
    """
    Tasks that it runs now.
    """
    steps: int
    """
    Steps that it drives.
    """
    operations: int
    """
    Operations that these belong to.
    """


class Error(TypedDict):
    field: str
    """
    For example hosts[2].address.
    """
    message: str
    hint: NotRequired[str]
    line: NotRequired[int]
    """
    In the configuration, from 1.
    """
    column: NotRequired[int]


class ActiveOperation(TypedDict):
    """
    The operation under way.
    """

    id: str
    kind: str
    state: OperationState
    progress: float
    """
    Per cent.
    """


class Backup(TypedDict):
    """
    A snapshot of etcd on a host, or its copy in a store.
    """

    store: StoreEnum
    """
    Where it lies: on the host, in a directory of the service, or in an S3-compatible store.

    * `host` - Host
    * `directory` - Directory
    * `s3` - S3
    """
    host: str
    """
    The etcd host that took it.
    """
    directory: str
    """
    The directory, or what stands for it in the store.
    """
    name: str
    size: int
    """
    Bytes.
    """
    sha256: str
    revision: int
    """
    Of etcd, when it was taken.
    """
    keys: int
    """
    How many keys it holds.
    """
    etcd_version: str
    kubernetes_version: str
    members: Any
    """
    Peer addresses of etcd's members of then.
    """
    taken_at: str


class CephCheck(TypedDict):
    """
    A health check that Ceph raises.
    """

    code: str
    """
    Ceph's name of it, for example OSD_DOWN.
    """
    severity: SeverityEnum
    message: str
    details: list[str]
    """
    A line for each thing; at most 20.
    """
    muted: bool
    """
    Somebody has muted it, so it does not count in the health.
    """
    advice: str
    """
    What to do.
    """


class CephHost(TypedDict):
    """
    A host's disks.
    """

    name: str
    """
    Empty for OSDs that have no place yet.
    """
    up: int
    """
    OSDs whose daemons run.
    """
    inside: int
    """
    OSDs that are given data.
    """
    osds: list[CephOsd]


class Certificates(TypedDict):
    """
    When a cluster's certificates end.
    """

    state: HealthState | NullEnum
    """
    Null before the first reading.

    * `healthy` - Healthy
    * `progressing` - Progressing
    * `degraded` - Degraded
    * `unhealthy` - Unhealthy
    * `unknown` - Unknown
    * `absent` - Absent
    """
    reason: str
    checked_at: str | None
    results: list[Certificate]


class ChangeOfState(TypedDict):
    """
    A change: of health, or of an operation's state.
    """

    id: str
    """
    The same in every answer, to know it again by.
    """
    at: str
    cluster: ClusterName
    subject: str
    """
    component, node, cluster, ceph or operation.
    """
    name: str
    """
    Which one; of an operation its kind.
    """
    old_state: str
    """
    Empty when it was seen for the first time.
    """
    new_state: str
    reason: str
    """
    Why, in words.
    """
    operation: str | None
    """
    Which operation; null for health.
    """


class ClusterWithOperation(TypedDict):
    """
    A cluster. Its settings are flat fields.
    """

    id: str
    name: str
    description: str
    """
    For people.
    """
    state: ClusterState
    """
    Follows operations and health.

    * `registered` - Registered
    * `installing` - Installing
    * `ready` - Ready
    * `degraded` - Degraded
    * `failed` - Failed
    * `uninstalling` - Uninstalling
    * `removed` - Removed
    """
    state_reason: str
    """
    Why it is in this state, where that needs saying.
    """
    kubernetes_version: str
    """
    Version of Kubernetes, with its v.
    """
    container_manager: str
    """
    containerd, docker, crio or isula.
    """
    network_plugin: str
    """
    calico, flannel, cilium, kubeovn, hybridnet or none.
    """
    pod_cidr: str
    """
    Addresses of the pods; IPv4 and IPv6 with a comma between.
    """
    service_cidr: str
    """
    Addresses of the services.
    """
    control_plane_domain: str
    """
    Name under which the hosts know the API server.
    """
    control_plane_address: str
    """
    Its address; empty for the first control-plane host or the internal load balancer.
    """
    control_plane_port: int
    """
    Its port.
    """
    internal_load_balancer: str
    """
    haproxy, kube-vip or empty.
    """
    private_registry: str
    """
    Host of the private registry.
    """
    registry_namespace: str
    """
    Project in the registry.
    """
    registry_type: str
    """
    harbor or registry.
    """
    registry_user: str
    """
    Login of the registry; empty for the platform's own.
    """
    api_address: str
    """
    API address of the cloud that the platform reports to.
    """
    storage_class: str
    """
    The platform's default storage class.
    """
    object_store_bucket: str
    """
    Bucket of the platform's object store.
    """
    log_level: LogLevel
    """
    How much the platform's agents log.

    * `debug` - Debug
    * `info` - Info
    * `warn` - Warn
    * `error` - Error
    """
    drift_hours: int
    """
    Hours between two looks for what is no longer as installed; 0 for never.
    """
    backup_hours: int
    """
    Hours between two backups of etcd on the etcd hosts; 0 for never.
    """
    backup_store: BackupStoreEnum
    """
    Where backups of etcd are copied to: `directory` of the service, `s3`, or empty for nowhere.

    * `directory` - Directory
    * `s3` - S3
    """
    backup_endpoint: str
    """
    URL of the S3-compatible store.
    """
    backup_region: str
    """
    Its region; empty for us-east-1, which most other than Amazon's take.
    """
    backup_bucket: str
    """
    Bucket in it.
    """
    backup_prefix: str
    """
    What the names of objects begin with, before the cluster's id.
    """
    hosts: int
    """
    How many hosts it has.
    """
    components: ComponentCounts
    cpod_id: str
    """
    The platform's id of this cluster, known after the installation.
    """
    kubernetes_uid: str
    """
    The uid of its namespace kube-system, of an imported cluster.
    """
    imported: Any
    """
    What an import found besides: releases, nodes, Ceph; empty for others.
    """
    checked_at: str | None
    """
    When the cluster was last read.
    """
    created_at: str
    updated_at: str
    active_operation: ActiveOperation | None


class Component(TypedDict):
    """
    A part of the platform on this cluster.
    """

    name: str
    kind: str
    """
    helm, manifest or builtin.
    """
    namespace: str
    chosen: bool
    """
    Installed by an operation, so its absence is a fault.
    """
    state: HealthState
    """
    healthy, progressing, degraded, unhealthy, unknown or absent.

    * `healthy` - Healthy
    * `progressing` - Progressing
    * `degraded` - Degraded
    * `unhealthy` - Unhealthy
    * `unknown` - Unknown
    * `absent` - Absent
    """
    desired: int
    """
    Pods wanted.
    """
    ready: int
    """
    Pods ready.
    """
    version: str
    reason: str
    """
    Why it is not healthy.
    """
    details: dict[str, Any]
    """
    Parts, objects and numbers behind the state.
    """
    chart_version: str
    """
    Of its Helm release, as an import saw it.
    """
    checked_at: str | None
    """
    When it was last read.
    """
    changed_at: str | None
    """
    Since when it is in this state.
    """


class CredentialShown(TypedDict):
    """
    How the host is logged in to, without what is secret.
    """

    kind: CredentialShownKindEnum
    sudo_password: bool
    """
    Whether one is stored.
    """


class Entry(TypedDict):
    """
    A component that can be chosen.
    """

    name: str
    title: str
    kind: EntryKindEnum
    namespace: str
    needs: list[str]
    """
    Components that are installed with it.
    """
    default: bool
    """
    Installed when a request chooses none.
    """


class Feed(TypedDict):
    """
    The last changes, the oldest first.
    """

    now: str
    """
    The service's time, to ask from there on.
    """
    results: list[ChangeOfState]


class Finding(TypedDict):
    """
    What was found while reading a configuration.
    """

    level: LevelEnum
    """
    Only errors forbid the configuration.

    * `error` - error
    * `warning` - warning
    * `repair` - repair
    """
    code: str
    """
    Stable name of the finding.
    """
    path: str
    """
    The field as it was written.
    """
    line: int
    """
    From 1; 0 where there is no file.
    """
    column: int
    """
    From 1; 0 where there is no file.
    """
    message: str
    """
    What is wrong, or what was repaired.
    """
    fix: str
    """
    What to do.
    """


class Fleet(TypedDict):
    """
    The fleet at one moment.
    """

    at: str
    broker: bool
    """
    Whether the broker answers.
    """
    queues: list[Queue]
    workers: list[Worker]
    operations: dict[str, int]
    """
    By state: queued, running, cancelling, succeeded, failed, cancelled.
    """
    waiting: int
    """
    Steps that could be driven and are not.
    """
    overdue: int
    """
    Those of them whose message is taken for lost.
    """
    oldest_seconds: float | None
    """
    Since when the oldest of them waits.
    """
    access_keys: list[Load]


class Health(TypedDict):
    """
    A cluster's health.
    """

    state: ClusterState
    reason: str
    checked_at: str | None
    """
    When the cluster was last read.
    """
    reachable: bool | None
    """
    Whether the last attempt reached it.
    """
    error: str
    """
    Why it did not.
    """
    nodes: list[ObservedNode]
    components: list[Component]


class HealthEvent(TypedDict):
    """
    A change of health.
    """

    id: int
    at: str
    subject: SubjectEnum
    name: str
    old_state: str
    """
    Empty when it was seen for the first time.
    """
    new_state: str
    reason: str


class ImportRequest(TypedDict):
    """
    A cluster to be imported: `configuration` or `hosts` as for registering, `kubeconfig`, or both.
    """

    name: NotRequired[str]
    """
    The cluster's name, yours alone; metadata.name of the configuration when left out.
    """
    description: NotRequired[str]
    """
    For people.
    """
    configuration: NotRequired[str]
    """
    Text of a kk configuration, or of bare hosts and roleGroups.
    """
    private_keys: NotRequired[dict[str, str]]
    """
    Text of each private key, by its privateKeyPath as written in the configuration.
    """
    passphrases: NotRequired[dict[str, str]]
    """
    Passphrases by the same paths.
    """
    private_key: NotRequired[str]
    """
    A private key for every host that has none of its own.
    """
    passphrase: NotRequired[str]
    """
    Its passphrase.
    """
    password: NotRequired[str]
    """
    SSH password for every host that has none of its own.
    """
    sudo_password: NotRequired[str]
    """
    sudo password for every host that has none of its own.
    """
    hosts: NotRequired[list[HostRequest]]
    """
    The hosts, instead of a configuration.
    """
    role_groups: NotRequired[dict[str, list[str]]]
    """
    Names of hosts by role group; ranges such as worker[1:3] are allowed.
    """
    settings: NotRequired[PatchedSettingsRequest]
    """
    Settings; they outdo the configuration's.
    """
    kubeconfig: NotRequired[str]
    """
    Text of an administrator's kubeconfig; taken from a control-plane host when left out.
    """
    dry_run: NotRequired[bool]
    """
    Only say what would be recorded. The cluster is registered all the same.
    """


class Job(TypedDict):
    """
    A step on one host, in its last attempt. A step of the service itself has one host, named ``service``.
    """

    host: str
    state: JobState
    outcome: Outcome
    """
    changed, already (true before), would-change, unknown.

    * `changed` - Changed
    * `already` - already true
    * `would-change` - would change
    * `checked` - Checked
    * `unknown` - Unknown
    """
    phase: str
    """
    probe, apply or verify.
    """
    progress: float
    note: str
    exit_code: int | None
    attempt: int
    bytes: int
    """
    Output stored so far.
    """
    started_at: str | None
    finished_at: str | None
    last_output_at: str | None
    unreachable_since: str | None
    """
    Since when the host does not answer; null while it does.
    """
    error: Failure


class Judgement(TypedDict):
    """
    A configuration, judged without being stored.
    """

    valid: bool
    """
    Whether it could be registered.
    """
    findings: list[Finding]
    hosts: list[HostShown]
    role_groups: dict[str, list[str]]
    """
    Ranges are written out.
    """


class Node(TypedDict):
    """
    A host.
    """

    name: str
    address: str
    """
    Where SSH goes.
    """
    internal_address: str
    """
    The address that the cluster's hosts use.
    """
    port: int
    user: str
    role_groups: list[str]
    """
    etcd, control-plane, worker, registry, storage.
    """
    arch: str
    labels: Any
    host_key_fingerprint: str | None
    """
    SHA256:... of the pinned key, or null.
    """
    jump: str
    """
    The host that it is reached through.
    """
    facts: Any
    """
    What the last preflight read: CPUs, memory, system, GPUs, disks ...
    """
    facts_at: str | None
    """
    When it did.
    """
    credential: CredentialShown
    status: NodeStatus | None


class Operation(TypedDict):
    """
    An operation.
    """

    id: str
    cluster: ClusterName
    kind: str
    """
    See operation-kinds.
    """
    params: Any
    dry_run: bool
    state: OperationState
    attempt: int
    """
    From 1; each retry counts one up.
    """
    progress: float
    error: Failure
    requested_by: str
    """
    The customer and the prefix of the access key, or the operator.
    """
    notes: list[str]
    """
    Sentences about its plan, for people.
    """
    created_at: str
    started_at: str | None
    finished_at: str | None
    event_seq: int
    """
    The number of the last event; a stream may begin after it.
    """


class PaginatedBackupList(TypedDict):
    next: NotRequired[str]
    previous: NotRequired[str]
    results: list[Backup]


class PaginatedClusterWithOperationList(TypedDict):
    next: NotRequired[str]
    previous: NotRequired[str]
    results: list[ClusterWithOperation]


class PaginatedComponentList(TypedDict):
    next: NotRequired[str]
    previous: NotRequired[str]
    results: list[Component]


class PaginatedHealthEventList(TypedDict):
    next: NotRequired[str]
    previous: NotRequired[str]
    results: list[HealthEvent]


class PaginatedNodeList(TypedDict):
    next: NotRequired[str]
    previous: NotRequired[str]
    results: list[Node]


class PaginatedOperationList(TypedDict):
    next: NotRequired[str]
    previous: NotRequired[str]
    results: list[Operation]


class RegisteredCluster(TypedDict):
    """
    A cluster that was registered.
    """

    id: str
    name: str
    description: str
    """
    For people.
    """
    state: ClusterState
    """
    Follows operations and health.

    * `registered` - Registered
    * `installing` - Installing
    * `ready` - Ready
    * `degraded` - Degraded
    * `failed` - Failed
    * `uninstalling` - Uninstalling
    * `removed` - Removed
    """
    state_reason: str
    """
    Why it is in this state, where that needs saying.
    """
    kubernetes_version: str
    """
    Version of Kubernetes, with its v.
    """
    container_manager: str
    """
    containerd, docker, crio or isula.
    """
    network_plugin: str
    """
    calico, flannel, cilium, kubeovn, hybridnet or none.
    """
    pod_cidr: str
    """
    Addresses of the pods; IPv4 and IPv6 with a comma between.
    """
    service_cidr: str
    """
    Addresses of the services.
    """
    control_plane_domain: str
    """
    Name under which the hosts know the API server.
    """
    control_plane_address: str
    """
    Its address; empty for the first control-plane host or the internal load balancer.
    """
    control_plane_port: int
    """
    Its port.
    """
    internal_load_balancer: str
    """
    haproxy, kube-vip or empty.
    """
    private_registry: str
    """
    Host of the private registry.
    """
    registry_namespace: str
    """
    Project in the registry.
    """
    registry_type: str
    """
    harbor or registry.
    """
    registry_user: str
    """
    Login of the registry; empty for the platform's own.
    """
    api_address: str
    """
    API address of the cloud that the platform reports to.
    """
    storage_class: str
    """
    The platform's default storage class.
    """
    object_store_bucket: str
    """
    Bucket of the platform's object store.
    """
    log_level: LogLevel
    """
    How much the platform's agents log.

    * `debug` - Debug
    * `info` - Info
    * `warn` - Warn
    * `error` - Error
    """
    drift_hours: int
    """
    Hours between two looks for what is no longer as installed; 0 for never.
    """
    backup_hours: int
    """
    Hours between two backups of etcd on the etcd hosts; 0 for never.
    """
    backup_store: BackupStoreEnum
    """
    Where backups of etcd are copied to: `directory` of the service, `s3`, or empty for nowhere.

    * `directory` - Directory
    * `s3` - S3
    """
    backup_endpoint: str
    """
    URL of the S3-compatible store.
    """
    backup_region: str
    """
    Its region; empty for us-east-1, which most other than Amazon's take.
    """
    backup_bucket: str
    """
    Bucket in it.
    """
    backup_prefix: str
    """
    What the names of objects begin with, before the cluster's id.
    """
    hosts: int
    """
    How many hosts it has.
    """
    components: ComponentCounts
    cpod_id: str
    """
    The platform's id of this cluster, known after the installation.
    """
    kubernetes_uid: str
    """
    The uid of its namespace kube-system, of an imported cluster.
    """
    imported: Any
    """
    What an import found besides: releases, nodes, Ceph; empty for others.
    """
    checked_at: str | None
    """
    When the cluster was last read.
    """
    created_at: str
    updated_at: str
    active_operation: ActiveOperation | None
    findings: list[Finding]
    """
    What was repaired in the configuration, and warnings.
    """


class Step(TypedDict):
    """
    A step of an operation.
    """

    key: str
    """
    Its name, the same in every run.
    """
    position: int
    title: str
    after: list[str]
    """
    Steps that it waits for.
    """
    state: StepState
    outcome: Outcome
    """
    changed, already (true before), would-change, unknown.

    * `changed` - Changed
    * `already` - already true
    * `would-change` - would change
    * `checked` - Checked
    * `unknown` - Unknown
    """
    attempt: int
    tries: int
    """
    Failed tries since it was last asked for.
    """
    progress: float
    note: str
    """
    What it is doing or waiting for.
    """
    weight: float
    started_at: str | None
    finished_at: str | None
    last_output_at: str | None
    """
    When a host last wrote something.
    """
    error: Failure
    result: Any
    """
    What it found out.
    """
    hosts: list[Job]


class Problem(TypedDict):
    """
    What went wrong (RFC 9457). Some types add fields of their own.
    """

    type: Literal[
        "/problems/invalid",
        "/problems/invalid-configuration",
        "/problems/not-authenticated",
        "/problems/access-key-expired",
        "/problems/limit-reached",
        "/problems/forbidden",
        "/problems/not-allowed",
        "/problems/not-found",
        "/problems/method-not-allowed",
        "/problems/busy",
        "/problems/name-taken",
        "/problems/conflict",
        "/problems/idempotency-conflict",
        "/problems/too-large",
        "/problems/idempotency-mismatch",
        "/problems/throttled",
        "/problems/internal",
        "/problems/unavailable",
    ]
    """
    Stable name of the kind of problem.
    """
    title: str
    """
    The kind of problem in words.
    """
    status: int
    """
    The HTTP status.
    """
    detail: NotRequired[str]
    """
    What is wrong this time.
    """
    instance: NotRequired[str]
    """
    The path of the request.
    """
    hint: NotRequired[str]
    """
    What to do.
    """
    errors: NotRequired[list[Error]]
    operation: NotRequired[str | None]
    """
    busy: the operation that is under way.
    """
    limit: NotRequired[int]
    """
    limit-reached: the limit.
    """
    findings: NotRequired[list[Finding]]
    """
    invalid-configuration: all that was found.
    """


class AddedNode(TypedDict):
    """
    A host that was added.
    """

    name: str
    address: str
    """
    Where SSH goes.
    """
    internal_address: str
    """
    The address that the cluster's hosts use.
    """
    port: int
    user: str
    role_groups: list[str]
    """
    etcd, control-plane, worker, registry, storage.
    """
    arch: str
    labels: Any
    host_key_fingerprint: str | None
    """
    SHA256:... of the pinned key, or null.
    """
    jump: str
    """
    The host that it is reached through.
    """
    facts: Any
    """
    What the last preflight read: CPUs, memory, system, GPUs, disks ...
    """
    facts_at: str | None
    """
    When it did.
    """
    credential: CredentialShown
    status: NodeStatus | None
    findings: list[Finding]


class Ceph(TypedDict):
    """
    How Ceph is. Read from Rook's resource alone, it knows no OSDs, monitors, pools and placement groups.
    """

    taken_at: str
    """
    When Ceph said this.
    """
    age_seconds: int
    """
    How long ago.
    """
    origin: OriginEnum
    """
    Ceph's toolbox, or Rook's resource alone.

    * `toolbox` - Toolbox
    * `resource` - Resource
    """
    error: str
    """
    Why the last try did not reach the toolbox.
    """
    fsid: str
    """
    Ceph's id of the cluster.
    """
    health: str
    """
    HEALTH_OK, HEALTH_WARN, HEALTH_ERR; empty at first.
    """
    state: HealthState
    """
    In the words of components; unknown when too old.

    * `healthy` - Healthy
    * `progressing` - Progressing
    * `degraded` - Degraded
    * `unhealthy` - Unhealthy
    * `unknown` - Unknown
    * `absent` - Absent
    """
    reason: str
    """
    Why it is not healthy.
    """
    advice: list[str]
    """
    What to do, the worst first.
    """
    checks: list[CephCheck]
    slow_ops: int
    """
    Requests that have waited too long.
    """
    capacity: CephCapacity
    hosts: list[CephHost]
    mons: list[CephMonitor]
    manager: str
    """
    The active one; empty where none is.
    """
    standbys: int
    """
    Managers that would take over.
    """
    placement_groups: CephGroups
    pools: list[CephPool]
    versions: dict[str, Any]
    """
    {kind of daemon: {version: how many run it}}.
    """
    flags: list[str]
    """
    Flags of the cluster, such as noout.
    """
    unread: dict[str, str]
    """
    {command: why it gave nothing}.
    """


class Extended(TypedDict):
    """
    What a configuration added to a cluster.
    """

    added: list[Node]
    findings: list[Finding]


class OperationDetail(TypedDict):
    """
    An operation with its steps.
    """

    id: str
    cluster: ClusterName
    kind: str
    """
    See operation-kinds.
    """
    params: Any
    dry_run: bool
    state: OperationState
    attempt: int
    """
    From 1; each retry counts one up.
    """
    progress: float
    error: Failure
    requested_by: str
    """
    The customer and the prefix of the access key, or the operator.
    """
    notes: list[str]
    """
    Sentences about its plan, for people.
    """
    created_at: str
    started_at: str | None
    finished_at: str | None
    event_seq: int
    """
    The number of the last event; a stream may begin after it.
    """
    steps: list[Step]


class PaginatedStepList(TypedDict):
    next: NotRequired[str]
    previous: NotRequired[str]
    results: list[Step]
