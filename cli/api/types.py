"""The documents of the REST API.

Made from the OpenAPI schema by `make client`; changes go into the schema.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypeAlias, TypedDict


class Artifact(TypedDict):
    """
    The offline artifact: {url, sha256}, {file, sha256?} of the service, or {path} on the first control-plane host, where it lies unpacked.
    """

    url: NotRequired[str]
    """
    Give an http or https address without user name and password.
    """
    file: NotRequired[str]
    """
    Give a name below the service's artifact directory.
    """
    path: NotRequired[str]
    """
    Give an absolute path of letters, digits, '.', '_' and '-', two levels deep at least.
    """
    sha256: NotRequired[str]
    """
    Give 64 hex digits in lower case.
    """


class Attempt(TypedDict):
    """
    One request.
    """

    number: int
    """
    Number of the attempt, from 1.
    """
    started_at: str
    """
    When it began.
    """
    finished_at: str | None
    """
    When it ended; null while it is under way.
    """
    seconds: float | None
    """
    How long it took, in seconds; null while it is under way.
    """
    status: int | None
    """
    HTTP status (a number); null where there was no answer.
    """
    error: str
    """
    Why it does not count as taken.
    """
    answer: str
    """
    The first 1024 bytes of the answer.
    """


class BackupOperationParams(TypedDict):
    """
    Parameters of `backup`. Null counts as left out.
    """

    hosts: NotRequired[list[str] | None]
    """
    Etcd hosts that take and keep a snapshot; all where it is missing.
    """
    directory: NotRequired[str | None]
    """
    Where each of them keeps it. Give an absolute path of letters, digits, '.', '_' and '-', two levels deep at least.
    """
    keep: NotRequired[int | None]
    """
    How many snapshots stay on each host, and in the store; older ones are deleted once the new one is verified.
    """
    store: NotRequired[bool | None]
    """
    Copy it to the cluster's backup store too, where it has one.
    """


class BackupOperationRequest(TypedDict):
    """
    A snapshot of etcd on each etcd host, verified by reading it back; the oldest ones go.
    """

    kind: Literal["backup"]
    """
    Back up etcd.
    """
    params: NotRequired[BackupOperationParams]
    """
    Parameters; stored with the operation and shown.
    """
    dry_run: NotRequired[bool]
    """
    Only ask what is true already; change nothing.
    """
    secrets: NotRequired[dict[str, Any]]
    """
    It takes none.
    """


BackupPlace: TypeAlias = Literal["host", "directory", "s3"]
"""
* `host` - The etcd host that took it.
* `directory` - A directory of the service.
* `s3` - A bucket of an S3-compatible store.
"""


BackupStore: TypeAlias = Literal["directory", "s3"]
"""
* `directory` - A directory of the service.
* `s3` - A bucket of an S3-compatible store.
"""


Blank: TypeAlias = Literal[""]
"""
Empty: there is nothing to say yet.
"""


class CephCapacity(TypedDict):
    """
    Raw capacity of the OSDs that are in: three replicas of a byte take three bytes.
    """

    total_bytes: int
    """
    All of it, in bytes.
    """
    used_bytes: int
    """
    What is used, in bytes.
    """
    free_bytes: int
    """
    What is left, in bytes.
    """
    used_percent: float
    """
    What is used, in per cent; 0 where the total is not known.
    """
    nearfull_percent: float
    """
    Per cent. An OSD that is fuller raises a warning.
    """
    full_percent: float
    """
    Per cent. An OSD that is fuller stops all writing.
    """


class CephCsiCephfsOperationParams(TypedDict):
    """
    Parameters of `ceph-csi-cephfs`. Null counts as left out.
    """

    cluster_id: NotRequired[str | None]
    """
    The Ceph cluster's id (fsid), as `ceph fsid` prints it.
    """
    monitors: NotRequired[list[str] | None]
    """
    Addresses of all its monitors, as `ceph mon dump` lists them: 10.0.0.1 or 10.0.0.1:6789.
    """
    filesystem: NotRequired[str | None]
    """
    Name of the file system, as `ceph fs ls` lists it.
    """
    user: NotRequired[str | None]
    """
    Name of the Ceph user, without `client.`; its key is the cluster's setting ceph_key.
    """
    pool: NotRequired[str | None]
    """
    Data pool of the volumes; the file system's own where it is missing.
    """
    subvolume_group: NotRequired[str | None]
    """
    Subvolume group of the volumes; the driver's own (csi) where it is missing.
    """
    storage_class: NotRequired[str | None]
    """
    Name of the StorageClass: lower-case letters, digits, '-' and '.'.
    """
    make_default: NotRequired[bool | None]
    """
    Make it the one StorageClass that claims get which name none.
    """
    artifact: NotRequired[Artifact | None]
    """
    The offline artifact: {url, sha256}, {file, sha256?} of the service, or {path} on the first control-plane host, where it lies unpacked.
    """
    artifact_directory: NotRequired[str | None]
    """
    Where the artifact is unpacked on the first control-plane host. Give an absolute path of letters, digits, '.', '_' and '-', two levels deep at least.
    """
    component_timeout: NotRequired[int | None]
    """
    Seconds a component may take to become healthy; the catalogue's own where it is missing.
    """


class CephCsiCephfsOperationRequest(TypedDict):
    """
    The file system of a Ceph that is run elsewhere, by its CSI driver: checked and proven by use.
    """

    kind: Literal["ceph-csi-cephfs"]
    """
    Use an external Ceph.
    """
    params: NotRequired[CephCsiCephfsOperationParams]
    """
    Parameters; stored with the operation and shown.
    """
    dry_run: NotRequired[bool]
    """
    Only ask what is true already; change nothing.
    """
    secrets: NotRequired[dict[str, Any]]
    """
    It takes none.
    """


class CephCsiCephfsUninstallOperationParams(TypedDict):
    """
    Parameters of `ceph-csi-cephfs-uninstall`. Null counts as left out.
    """

    confirm: NotRequired[str | None]
    """
    The cluster's name, typed: its pods lose this storage.
    """
    force: NotRequired[bool | None]
    """
    Also while volumes use it. They and their data stay, and cannot be mounted meanwhile.
    """
    patience: NotRequired[int | None]
    """
    Seconds that each kind of object may take to go.
    """
    artifact: NotRequired[Artifact | None]
    """
    The offline artifact: {url, sha256}, {file, sha256?} of the service, or {path} on the first control-plane host, where it lies unpacked.
    """
    artifact_directory: NotRequired[str | None]
    """
    Where the artifact is unpacked on the first control-plane host. Give an absolute path of letters, digits, '.', '_' and '-', two levels deep at least.
    """


class CephCsiCephfsUninstallOperationRequest(TypedDict):
    """
    The CSI driver, its StorageClass and the key go; refused while volumes use it. Ceph is not touched.
    """

    kind: Literal["ceph-csi-cephfs-uninstall"]
    """
    Stop using an external Ceph.
    """
    params: NotRequired[CephCsiCephfsUninstallOperationParams]
    """
    Parameters; stored with the operation and shown.
    """
    dry_run: NotRequired[bool]
    """
    Only ask what is true already; change nothing.
    """
    secrets: NotRequired[dict[str, Any]]
    """
    It takes none.
    """


class CephGroups(TypedDict):
    """
    Placement groups: the pieces in which Ceph keeps data.
    """

    total: int
    """
    How many there are.
    """
    clean: int
    """
    How many are active+clean: all copies are where they belong.
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
    """
    Its name.
    """
    in_quorum: bool
    """
    Whether it agrees with the others.
    """


CephOrigin: TypeAlias = Literal["toolbox", "resource"]
"""
* `toolbox` - Ceph's own answers, through Rook's toolbox.
* `resource` - Rook's resource, which knows no OSDs, monitors, pools and placement groups.
"""


class CephOsd(TypedDict):
    """
    A disk's daemon.
    """

    id: int
    """
    Its number.
    """
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
    Its size in bytes; 0 while it is out.
    """
    used_bytes: int
    """
    What is used, in bytes.
    """
    free_bytes: int
    """
    What is left, in bytes.
    """
    placement_groups: int
    """
    How many placement groups it holds a copy of.
    """


class CephPool(TypedDict):
    """
    A pool.
    """

    name: str
    """
    Its name.
    """
    size: int
    """
    How many copies (or chunks) of each object it keeps.
    """
    min_size: int
    """
    How many of them there must be at least, or nothing can be written.
    """
    failure_domain: str
    """
    Each copy is on one of its own: host, osd, rack.
    """
    erasure_coded: bool
    """
    Whether it keeps chunks instead of copies.
    """
    stored_bytes: int
    """
    The users' data, in bytes.
    """
    used_bytes: int
    """
    Raw, with all copies, in bytes.
    """
    available_bytes: int
    """
    Data that can still be stored, in bytes.
    """


class CephRemoveOsdOperationParams(TypedDict):
    """
    Parameters of `ceph-remove-osd`. Null counts as left out.
    """

    osds: NotRequired[list[int] | None]
    """
    Numbers of the OSDs to be removed; `ceph osd tree` lists them.
    """
    patience: NotRequired[int | None]
    """
    Seconds that the data may take to move.
    """
    artifact: NotRequired[Artifact | None]
    """
    The offline artifact: {url, sha256}, {file, sha256?} of the service, or {path} on the first control-plane host, where it lies unpacked.
    """
    artifact_directory: NotRequired[str | None]
    """
    Where the artifact is unpacked on the first control-plane host. Give an absolute path of letters, digits, '.', '_' and '-', two levels deep at least.
    """
    component_timeout: NotRequired[int | None]
    """
    Seconds a component may take to become healthy; the catalogue's own where it is missing.
    """


class CephRemoveOsdOperationRequest(TypedDict):
    """
    Lets the data of OSDs move away, then purges them; refused where that would break redundancy.
    """

    kind: Literal["ceph-remove-osd"]
    """
    Remove OSDs from Ceph.
    """
    params: NotRequired[CephRemoveOsdOperationParams]
    """
    Parameters; stored with the operation and shown.
    """
    dry_run: NotRequired[bool]
    """
    Only ask what is true already; change nothing.
    """
    secrets: NotRequired[dict[str, Any]]
    """
    It takes none.
    """


CephSeverity: TypeAlias = Literal["HEALTH_WARN", "HEALTH_ERR"]
"""
* `HEALTH_WARN` - Ceph works.
* `HEALTH_ERR` - Data or writing is in danger.
"""


class CephStatusOperationParams(TypedDict):
    """
    Parameters of `ceph-status`. Null counts as left out.
    """


class CephStatusOperationRequest(TypedDict):
    """
    Asks Ceph for its health, capacity, OSDs, monitors and placement groups now. Changes nothing.
    """

    kind: Literal["ceph-status"]
    """
    Read how Ceph is.
    """
    params: NotRequired[CephStatusOperationParams]
    """
    Parameters; stored with the operation and shown.
    """
    dry_run: NotRequired[bool]
    """
    Only ask what is true already; change nothing.
    """
    secrets: NotRequired[dict[str, Any]]
    """
    It takes none.
    """


CephStorageClass: TypeAlias = Literal["ceph-block", "ceph-filesystem"]
"""
* `ceph-block` - Volumes of blocks, each for one pod.
* `ceph-filesystem` - Volumes in a file system, for many pods at once.
"""


class CephUninstallOperationParams(TypedDict):
    """
    Parameters of `ceph-uninstall`. Null counts as left out.
    """

    confirm: NotRequired[str | None]
    """
    The cluster's name, typed: all data in its Ceph is lost.
    """
    force: NotRequired[bool | None]
    """
    Also while volumes and buckets hold data in it; they are deleted.
    """
    patience: NotRequired[int | None]
    """
    Seconds that each kind of object may take to go.
    """
    artifact: NotRequired[Artifact | None]
    """
    The offline artifact: {url, sha256}, {file, sha256?} of the service, or {path} on the first control-plane host, where it lies unpacked.
    """
    artifact_directory: NotRequired[str | None]
    """
    Where the artifact is unpacked on the first control-plane host. Give an absolute path of letters, digits, '.', '_' and '-', two levels deep at least.
    """


class CephUninstallOperationRequest(TypedDict):
    """
    Ceph, its data and Rook go, in the order that Rook documents; the hosts and disks are clean afterwards.
    """

    kind: Literal["ceph-uninstall"]
    """
    Remove Ceph.
    """
    params: NotRequired[CephUninstallOperationParams]
    """
    Parameters; stored with the operation and shown.
    """
    dry_run: NotRequired[bool]
    """
    Only ask what is true already; change nothing.
    """
    secrets: NotRequired[dict[str, Any]]
    """
    It takes none.
    """


class Certificate(TypedDict):
    """
    A certificate on a host.
    """

    host: str
    """
    The host's name.
    """
    path: str
    """
    The file on the host.
    """
    ends_at: str | None
    """
    When it ends; null for what is no certificate.
    """
    days: int | None
    """
    Whole days left, as of now; negative once it has ended.
    """


class CheckOperationParams(TypedDict):
    """
    Parameters of `check`. Null counts as left out.
    """


class CheckOperationRequest(TypedDict):
    """
    Reads the cluster's health now.
    """

    kind: Literal["check"]
    """
    Read the health.
    """
    params: NotRequired[CheckOperationParams]
    """
    Parameters; stored with the operation and shown.
    """
    dry_run: NotRequired[bool]
    """
    Only ask what is true already; change nothing.
    """
    secrets: NotRequired[dict[str, Any]]
    """
    It takes none.
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
    """
    Key of the step.
    """
    host: str
    """
    The host's name; `service` for what the service does itself.
    """
    attempt: int
    """
    Number of the attempt, from 1.
    """
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
    """
    The output, with its line ends.
    """


class ClusterName(TypedDict):
    """
    Which cluster.
    """

    id: str
    """
    The cluster's id.
    """
    name: str
    """
    The cluster's name.
    """


ClusterState: TypeAlias = Literal["registered", "installing", "ready", "degraded", "failed", "uninstalling", "removed"]
"""
* `registered` - It is known; nothing was done on its hosts.
* `installing` - An operation installs it.
* `ready` - It is installed and healthy.
* `degraded` - It is installed, and a part of it is not healthy.
* `failed` - The operation that was to install or to remove it failed.
* `uninstalling` - An operation removes it from its hosts.
* `removed` - It was removed from its hosts.
"""


class ComponentCounts(TypedDict):
    """
    How many components are healthy, of those that are there or ought to be.
    """

    healthy: int
    """
    How many are healthy.
    """
    total: int
    """
    How many there are.
    """


ComponentKind: TypeAlias = Literal["helm", "manifest"]
"""
* `helm` - Installed by Helm from a chart.
* `manifest` - Installed from manifests.
"""


class ComponentStates(TypedDict):
    """
    Components that are there or ought to be.
    """

    total: int
    """
    How many there are.
    """
    healthy: int
    """
    How many of them are healthy.
    """
    troubled: list[str]
    """
    Names of those that are degraded, unhealthy or missing.
    """


CredentialKind: TypeAlias = Literal["key", "password"]
"""
* `key` - A private key.
* `password` - A password.
"""


class CredentialShown(TypedDict):
    """
    How the host is logged in to, without what is secret.
    """

    kind: CredentialKind
    """
    What the host is shown.
    """
    sudo_password: bool
    """
    Whether one is stored.
    """


class CustomerShown(TypedDict):
    """
    Whose key it is.
    """

    name: str
    """
    The customer's name.
    """


DeliveredEventType: TypeAlias = Literal[
    "operation.created",
    "operation.started",
    "operation.succeeded",
    "operation.failed",
    "operation.cancelled",
    "cluster.state_changed",
    "component.health_changed",
    "node.health_changed",
    "ceph.health_changed",
    "webhook.ping",
]
"""
* `operation.created` - An operation was asked for.
* `operation.started` - It runs; a retry starts it again, with the next attempt.
* `operation.succeeded` - It ended, and all its steps are done.
* `operation.failed` - It ended because a step failed.
* `operation.cancelled` - It was cancelled, and what it had started has ended.
* `cluster.state_changed` - A cluster has another state, or (with the same one) cannot be read any more.
* `component.health_changed` - A component's health changed; certificates, backups and drift are components.
* `node.health_changed` - A node's health changed.
* `ceph.health_changed` - Ceph raised or cleared a health check, or changed its severity.
* `webhook.ping` - A test that somebody asked for.
"""


class DiskToUse(TypedDict):
    """
    A disk of a host.
    """

    host: str
    """
    A host of the cluster.
    """
    disk: str
    """
    Give the stable path: /dev/disk/by-id/...
    """


class DiskToWipe(TypedDict):
    """
    A disk of a host.
    """

    host: str
    """
    A host of the cluster.
    """
    disk: str
    """
    Give the stable path: /dev/disk/by-id/...
    """
    serial: str
    """
    Give the serial number as the plan lists it.
    """


class DriftOperationParams(TypedDict):
    """
    Parameters of `drift`. Null counts as left out.
    """

    artifact: NotRequired[Artifact | None]
    """
    The offline artifact: {url, sha256}, {file, sha256?} of the service, or {path} on the first control-plane host, where it lies unpacked.
    """
    artifact_directory: NotRequired[str | None]
    """
    Where the artifact is unpacked on the first control-plane host. Give an absolute path of letters, digits, '.', '_' and '-', two levels deep at least.
    """


class DriftOperationRequest(TypedDict):
    """
    Asks what the installation made whether it is still as installed. Changes nothing.
    """

    kind: Literal["drift"]
    """
    Look for drift.
    """
    params: NotRequired[DriftOperationParams]
    """
    Parameters; stored with the operation and shown.
    """
    dry_run: NotRequired[bool]
    """
    Only ask what is true already; change nothing.
    """
    secrets: NotRequired[dict[str, Any]]
    """
    It takes none.
    """


class Entry(TypedDict):
    """
    A component that can be chosen.
    """

    name: str
    """
    What operations call it.
    """
    title: str
    """
    What people call it.
    """
    kind: ComponentKind
    """
    How it is installed.
    """
    namespace: str
    """
    Its namespace; empty where it has none.
    """
    needs: list[str]
    """
    Components that are installed with it.
    """
    default: bool
    """
    Installed when a request chooses none.
    """


EventTypeName: TypeAlias = Literal[
    "operation.created",
    "operation.started",
    "operation.succeeded",
    "operation.failed",
    "operation.cancelled",
    "cluster.state_changed",
    "component.health_changed",
    "node.health_changed",
    "ceph.health_changed",
]
"""
* `operation.created` - An operation was asked for.
* `operation.started` - It runs; a retry starts it again, with the next attempt.
* `operation.succeeded` - It ended, and all its steps are done.
* `operation.failed` - It ended because a step failed.
* `operation.cancelled` - It was cancelled, and what it had started has ended.
* `cluster.state_changed` - A cluster has another state, or (with the same one) cannot be read any more.
* `component.health_changed` - A component's health changed; certificates, backups and drift are components.
* `node.health_changed` - A node's health changed.
* `ceph.health_changed` - Ceph raised or cleared a health check, or changed its severity.
"""


FailedUpgrade: TypeAlias = Literal["rollback", "keep"]
"""
* `rollback` - Back to the revision before.
* `keep` - Left as it is.
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
    """
    The host where it failed, where there is one.
    """
    kind: NotRequired[str]
    """
    Stable name of the failure.
    """
    message: NotRequired[str]
    """
    What went wrong.
    """
    fix: NotRequired[str]
    """
    What to do.
    """


class FieldError(TypedDict):
    """
    What is wrong with one field.
    """

    field: str
    """
    Path of the field; empty for the whole.
    """
    message: str
    """
    What is wrong.
    """
    hint: str
    """
    What to write instead; may be empty.
    """
    line: NotRequired[int]
    """
    Number of the line in the configuration file, from 1; missing where there is no file.
    """
    column: NotRequired[int]
    """
    Number of the column in that line, from 1; missing where there is no file.
    """


FindingLevel: TypeAlias = Literal["error", "warning", "repair"]
"""
* `error` - It forbids the configuration.
* `warning` - It may be meant so.
* `repair` - It was put right; look whether it is what you meant.
"""


class GPUs(TypedDict):
    """
    The GPUs of a node, all of one product.
    """

    product: str
    """
    What they are; empty where there are none.
    """
    count: int
    """
    How many there are.
    """


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
* `healthy` - It does what it is there for.
* `progressing` - It is on its way, and not late.
* `degraded` - It works, with less than it ought to have.
* `unhealthy` - It does not work.
* `unknown` - It was not read, or too long ago.
* `absent` - It is not installed.
"""


HealthSubject: TypeAlias = Literal["component", "node", "cluster", "ceph"]
"""
* `component` - A component of the platform.
* `node` - A node of Kubernetes.
* `cluster` - The whole cluster.
* `ceph` - A health check of Ceph.
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
    Number of its SSH port, 22 by default.
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
    """
    Its name.
    """
    address: str
    """
    Where SSH goes.
    """
    internal_address: str
    """
    The address that the cluster's hosts use.
    """
    port: int
    """
    Number of its SSH port.
    """
    user: str
    """
    The user that is logged in.
    """
    role_groups: list[str]
    """
    The role groups that it is in.
    """


class ImportOperationParams(TypedDict):
    """
    Parameters of `import`. Null counts as left out.
    """


class ImportOperationRequest(TypedDict):
    """
    Reads a Kubernetes that was installed otherwise, and its hosts, and records them. Changes nothing there.
    """

    kind: Literal["import"]
    """
    Adopt a cluster that exists.
    """
    params: NotRequired[ImportOperationParams]
    """
    Parameters; stored with the operation and shown.
    """
    dry_run: NotRequired[bool]
    """
    Only ask what is true already; change nothing.
    """
    secrets: NotRequired[dict[str, Any]]
    """
    It takes none.
    """


InstallPhase: TypeAlias = Literal[
    "preflight",
    "ssh-trust",
    "artifact",
    "configuration",
    "packages",
    "registry",
    "images",
    "kubernetes",
    "platform-info",
    "coredns",
    "charts",
    "package-source",
    "components",
    "verify",
]
"""
* `preflight` - Check the hosts.
* `ssh-trust` - Let the hosts reach each other.
* `artifact` - Bring the offline artifact.
* `configuration` - Write the configuration that kk takes.
* `packages` - Install the systems' packages.
* `registry` - Install the registry.
* `images` - Push the images.
* `kubernetes` - Install Kubernetes.
* `platform-info` - Write what the platform knows itself by.
* `coredns` - Let the cluster find the registry.
* `charts` - Push the charts.
* `package-source` - Serve the packages that nodes need later.
* `components` - Install the components.
* `verify` - Prove that all is healthy.
"""


InstalledKind: TypeAlias = Literal["helm", "manifest", "builtin"]
"""
* `helm` - Installed by Helm from a chart.
* `manifest` - Installed from manifests.
* `builtin` - A part of Kubernetes, or of what watches over it.
"""


JobPhase: TypeAlias = Literal["probe", "apply", "verify"]
"""
* `probe` - It asks whether all is true already.
* `apply` - It makes it true.
* `verify` - It proves that it is true.
"""


JobState: TypeAlias = Literal["pending", "running", "succeeded", "failed", "lost", "cancelled"]
"""
* `pending` - The host has not started it.
* `running` - It runs on the host.
* `succeeded` - It ended with exit code 0.
* `failed` - It ended otherwise, or could not be started, or took too long.
* `lost` - The host no longer knows of it.
* `cancelled` - It was cancelled.
"""


class Limits(TypedDict):
    """
    What the customer may have by this key.
    """

    clusters: int
    """
    How many clusters.
    """
    hosts_per_cluster: int
    """
    How many hosts in one cluster.
    """
    operations: int
    """
    How many operations under way at once.
    """


class ListedHostRequest(TypedDict):
    """
    A host of a cluster, as JSON. Fields that are not known are warned of.
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
    Number of its SSH port, 22 by default.
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


class Load(TypedDict):
    """
    What one access key has under way.
    """

    access_key: str
    """
    The public part of the key.
    """
    customer: str
    """
    The customer's name.
    """
    operations: int
    """
    How many operations.
    """
    driven: int
    """
    How many steps are ready or running.
    """


LoadBalancer: TypeAlias = Literal["haproxy", "kube-vip"]
"""
* `haproxy` - HAProxy on each worker.
* `kube-vip` - A virtual address of the control plane's hosts.
"""


class Log(TypedDict):
    """
    A stretch of an operation's output.
    """

    results: list[Chunk]
    """
    The output, in the order of its numbers.
    """
    next_after: int
    """
    Number to send as `after` with the next request.
    """
    ended: bool
    """
    Whether no more will come.
    """


LogLevel: TypeAlias = Literal["debug", "info", "warn", "error"]
"""
* `debug` - Everything, for finding a fault.
* `info` - What happens.
* `warn` - What may become a fault.
* `error` - Faults alone.
"""


class NewSecret(TypedDict):
    """
    The new secret.
    """

    id: str
    """
    Of the webhook.
    """
    secret: str
    """
    whsec_... Shown this once.
    """
    old_secret_until: str | None
    """
    Until when the one before signs, too.
    """


class NewWebhookRequest(TypedDict):
    """
    Where to send what.
    """

    url: str
    """
    https://... (or http), to a public address.
    """
    description: NotRequired[str]
    """
    For you.
    """
    event_types: NotRequired[list[EventTypeName]]
    """
    Only these; empty for all, also those to come.
    """
    active: NotRequired[bool]
    """
    false: nothing is sent.
    """


class NodeStatus(TypedDict):
    """
    A node of Kubernetes as last read.
    """

    ready: bool
    """
    Whether Kubernetes calls it ready.
    """
    roles: list[str]
    """
    Its roles in Kubernetes.
    """
    kubelet_version: str
    """
    Version of its kubelet.
    """
    cpu: float
    """
    Number of its cores.
    """
    memory: int
    """
    Its memory in bytes.
    """
    gpus: GPUs
    """
    Its GPUs.
    """


Null: TypeAlias = None
"""
Null: there is nothing to say yet.
"""


class ObservedNode(TypedDict):
    """
    A node of Kubernetes as last read.
    """

    name: str
    """
    Its name, which is the host's.
    """
    ready: bool
    """
    Whether Kubernetes calls it ready.
    """
    state: HealthState
    """
    How it is.
    """
    reason: str
    """
    Why it is not healthy; empty while it is.
    """
    roles: list[str]
    """
    Its roles in Kubernetes.
    """
    schedulable: bool
    """
    Whether pods may come to it.
    """
    kubelet_version: str
    """
    Version of its kubelet.
    """
    os_image: str
    """
    Its operating system.
    """
    kernel: str
    """
    Version of its kernel.
    """
    container_runtime: str
    """
    Its container runtime, with the version.
    """
    arch: str
    """
    Its architecture.
    """
    internal_ip: str
    """
    Its address within the cluster.
    """
    created: str | None
    """
    When it joined; null where that is not known.
    """
    cpu: float
    """
    Number of its cores.
    """
    memory: int
    """
    Its memory in bytes.
    """
    gpus: dict[str, Any]
    """
    Its GPUs: product, count and how many pods can be given (allocatable).
    """


OperationKind: TypeAlias = Literal[
    "preflight",
    "install",
    "import",
    "renew-certificates",
    "rotate-ssh-key",
    "rotate-access-key",
    "rotate-host-password",
    "rotate-registry-password",
    "upgrade",
    "upgrade-components",
    "rollback",
    "backup",
    "restore",
    "drift",
    "add-nodes",
    "remove-node",
    "uninstall",
    "ceph",
    "ceph-expand",
    "ceph-remove-osd",
    "ceph-uninstall",
    "ceph-csi-cephfs",
    "ceph-csi-cephfs-uninstall",
    "check",
    "ceph-status",
]
"""
* `preflight` - Check the hosts.
* `install` - Install the platform.
* `import` - Adopt a cluster that exists.
* `renew-certificates` - Renew the certificates.
* `rotate-ssh-key` - Rotate the SSH key.
* `rotate-access-key` - Rotate the access key.
* `rotate-host-password` - Rotate the hosts' password.
* `rotate-registry-password` - Rotate the registry's password.
* `upgrade` - Upgrade Kubernetes.
* `upgrade-components` - Upgrade components.
* `rollback` - Roll a component back.
* `backup` - Back up etcd.
* `restore` - Restore etcd.
* `drift` - Look for drift.
* `add-nodes` - Add hosts.
* `remove-node` - Remove a host.
* `uninstall` - Uninstall the platform.
* `ceph` - Install Ceph.
* `ceph-expand` - Add disks to Ceph.
* `ceph-remove-osd` - Remove OSDs from Ceph.
* `ceph-uninstall` - Remove Ceph.
* `ceph-csi-cephfs` - Use an external Ceph.
* `ceph-csi-cephfs-uninstall` - Stop using an external Ceph.
* `check` - Read the health.
* `ceph-status` - Read how Ceph is.
"""


OperationState: TypeAlias = Literal["queued", "running", "cancelling", "succeeded", "failed", "cancelled"]
"""
* `queued` - It is stored and will begin.
* `running` - Its steps are being done.
* `cancelling` - It was cancelled; what runs on hosts is being ended.
* `succeeded` - All steps are done.
* `failed` - A step failed; `error` says which and why. It may be retried.
* `cancelled` - It was cancelled and nothing of it runs any more. It may be retried.
"""


Outcome: TypeAlias = Literal["changed", "already", "would-change", "checked", "unknown"]
"""
* `changed` - It has changed something.
* `already` - All was true before.
* `would-change` - A dry run: it would change something.
* `checked` - It only looks.
* `unknown` - A dry run could not tell.
"""


class PatchedChangeRequest(TypedDict):
    """
    Changes of a cluster; what is left out stays.
    """

    name: NotRequired[str]
    """
    Its name, which no other of your clusters has.
    """
    description: NotRequired[str]
    """
    For people.
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
    Number of its port.
    """
    internal_load_balancer: NotRequired[LoadBalancer | Blank]
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
    backup_store: NotRequired[BackupStore | Blank]
    """
    Where backups of etcd are copied to: `directory` of the service, `s3`, or empty for nowhere.
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
    Number of its SSH port, 22 by default.
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
    Number of its port.
    """
    internal_load_balancer: NotRequired[LoadBalancer | Blank]
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
    backup_store: NotRequired[BackupStore | Blank]
    """
    Where backups of etcd are copied to: `directory` of the service, `s3`, or empty for nowhere.
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


class PatchedWebhookChangeRequest(TypedDict):
    """
    What is to be another.
    """

    url: NotRequired[str]
    """
    https://... (or http), to a public address.
    """
    description: NotRequired[str]
    """
    For you.
    """
    event_types: NotRequired[list[EventTypeName]]
    """
    Only these; empty for all, also those to come.
    """
    active: NotRequired[bool]
    """
    false: nothing is sent.
    """


class Pod(TypedDict):
    """
    A row of ``kubectl get pods -A -o wide``.
    """

    namespace: str
    """
    Its namespace.
    """
    name: str
    """
    Its name.
    """
    ready: str
    """
    Ready containers of all: 1/1.
    """
    status: str
    """
    As `kubectl get pods` shows it.
    """
    restarts: int
    """
    How many times its containers were started again.
    """
    age_seconds: int | None
    """
    Its age in seconds, as of taken_at.
    """
    ip: str
    """
    Its address; empty while it has none.
    """
    node: str
    """
    Where it runs; empty while it waits for a node.
    """


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
    """
    The pods.
    """


class PreflightOperationParams(TypedDict):
    """
    Parameters of `preflight`. Null counts as left out.
    """

    components: NotRequired[list[str] | None]
    """
    Names of the components to be installed; the catalogue's defaults where it is missing.
    """
    without: NotRequired[list[str] | None]
    """
    Names of default components to be left out.
    """
    ignore_preflight: NotRequired[list[str] | None]
    """
    Codes of findings that shall be warnings, not errors.
    """


class PreflightOperationRequest(TypedDict):
    """
    Reads every host and lists what speaks against an installation. Changes nothing.
    """

    kind: Literal["preflight"]
    """
    Check the hosts.
    """
    params: NotRequired[PreflightOperationParams]
    """
    Parameters; stored with the operation and shown.
    """
    dry_run: NotRequired[bool]
    """
    Only ask what is true already; change nothing.
    """
    secrets: NotRequired[dict[str, Any]]
    """
    It takes none.
    """


ProblemType: TypeAlias = Literal[
    "/problems/invalid",
    "/problems/invalid-configuration",
    "/problems/not-authenticated",
    "/problems/access-key-expired",
    "/problems/insufficient-scope",
    "/problems/limit-reached",
    "/problems/forbidden",
    "/problems/not-allowed",
    "/problems/not-found",
    "/problems/method-not-allowed",
    "/problems/too-slow",
    "/problems/busy",
    "/problems/name-taken",
    "/problems/last-admin-key",
    "/problems/conflict",
    "/problems/idempotency-conflict",
    "/problems/precondition-failed",
    "/problems/too-large",
    "/problems/unsupported-media-type",
    "/problems/idempotency-mismatch",
    "/problems/throttled",
    "/problems/internal",
    "/problems/unavailable",
]
"""
* `/problems/invalid` - 400: Fields of the body or of the query are not right; `errors` names each.
* `/problems/invalid-configuration` - 400: The hosts and settings do not make a cluster; `errors` has line and column where there is a file.
* `/problems/not-authenticated` - 401: There is no login in the request, or it is not known, or it is switched off.
* `/problems/access-key-expired` - 401: The access key was good until some time ago.
* `/problems/insufficient-scope` - 403: The access key's scope is too little for this; `scope` names the one that is needed.
* `/problems/limit-reached` - 403: The access key has as many of this as it may have.
* `/problems/forbidden` - 403: The service does not let this be done.
* `/problems/not-allowed` - 403: Only operators may, and an access key is a customer's.
* `/problems/not-found` - 404: What the address names is not there, or is another customer's.
* `/problems/method-not-allowed` - 405: The address does not take this method; `Allow` names those that it takes.
* `/problems/too-slow` - 408: The request did not arrive within the time that the service gives it.
* `/problems/busy` - 409: An operation of the cluster is under way, beside which this cannot be done.
* `/problems/name-taken` - 409: Another of your clusters has the name.
* `/problems/last-admin-key` - 409: The customer would have no access key of scope admin any more.
* `/problems/conflict` - 409: The request contradicts what there is; `detail` says how.
* `/problems/idempotency-conflict` - 409: The first request with this `Idempotency-Key` is still under way.
* `/problems/precondition-failed` - 412: What `If-Match` names is not what there is any more; nothing was done.
* `/problems/too-large` - 413: The body is larger than 2 MiB.
* `/problems/unsupported-media-type` - 415: The body is not sent as JSON.
* `/problems/idempotency-mismatch` - 422: The `Idempotency-Key` came with another path or body before.
* `/problems/throttled` - 429: The access key has sent more requests a minute than it may.
* `/problems/internal` - 500: The service made a mistake; its log holds it.
* `/problems/unavailable` - 503: The database does not answer.
"""


class Queue(TypedDict):
    """
    Messages that wait for a worker.
    """

    name: str
    """
    The queue's name.
    """
    depth: int | None
    """
    How many messages; null where the broker does not answer.
    """
    oldest_seconds: float | None
    """
    Age of the oldest message in seconds; null where there is none.
    """


QueueName: TypeAlias = Literal["control", "provision", "health", "webhooks"]
"""
* `control` - Operations move on.
* `provision` - Steps are done on hosts.
* `health` - Clusters are looked at.
* `webhooks` - Webhooks are told of events.
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
    hosts: NotRequired[list[ListedHostRequest]]
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


class RemoveNodeOperationParams(TypedDict):
    """
    Parameters of `remove-node`. Null counts as left out.
    """

    node: NotRequired[str | None]
    """
    Name of the host that leaves.
    """
    drain_timeout: NotRequired[int | None]
    """
    Seconds that the node's pods may take to leave it; budgets (PodDisruptionBudget) are kept.
    """
    delete_emptydir_data: NotRequired[bool | None]
    """
    Pods with an emptyDir volume may go too: what they keep there is lost.
    """
    force: NotRequired[bool | None]
    """
    The host is dead: what does not leave it is given up, and what cannot be cleaned is listed.
    """
    osds: NotRequired[list[int] | None]
    """
    Numbers of all OSDs of Ceph that the host has: their data is moved, then they are removed.
    """
    patience: NotRequired[int | None]
    """
    Seconds that the data may take to move.
    """
    component_timeout: NotRequired[int | None]
    """
    Seconds a component may take to become healthy; the catalogue's own where it is missing.
    """
    artifact: NotRequired[Artifact | None]
    """
    The offline artifact: {url, sha256}, {file, sha256?} of the service, or {path} on the first control-plane host, where it lies unpacked.
    """
    artifact_directory: NotRequired[str | None]
    """
    Where the artifact is unpacked on the first control-plane host. Give an absolute path of letters, digits, '.', '_' and '-', two levels deep at least.
    """


class RemoveNodeOperationRequest(TypedDict):
    """
    One host leaves the cluster: drained, deleted, cleaned. Refused where the cluster cannot do without it.
    """

    kind: Literal["remove-node"]
    """
    Remove a host.
    """
    params: NotRequired[RemoveNodeOperationParams]
    """
    Parameters; stored with the operation and shown.
    """
    dry_run: NotRequired[bool]
    """
    Only ask what is true already; change nothing.
    """
    secrets: NotRequired[dict[str, Any]]
    """
    It takes none.
    """


class RenewCertificatesOperationParams(TypedDict):
    """
    Parameters of `renew-certificates`. Null counts as left out.
    """

    artifact: NotRequired[Artifact | None]
    """
    The offline artifact: {url, sha256}, {file, sha256?} of the service, or {path} on the first control-plane host, where it lies unpacked.
    """
    artifact_directory: NotRequired[str | None]
    """
    Where the artifact is unpacked on the first control-plane host. Give an absolute path of letters, digits, '.', '_' and '-', two levels deep at least.
    """
    days: NotRequired[int | None]
    """
    Certificates that last for so many days are left alone. New ones last for 365, etcd's 3650.
    """


class RenewCertificatesOperationRequest(TypedDict):
    """
    New certificates for etcd, the control plane and the registry, host after host, each verified.
    """

    kind: Literal["renew-certificates"]
    """
    Renew the certificates.
    """
    params: NotRequired[RenewCertificatesOperationParams]
    """
    Parameters; stored with the operation and shown.
    """
    dry_run: NotRequired[bool]
    """
    Only ask what is true already; change nothing.
    """
    secrets: NotRequired[dict[str, Any]]
    """
    It takes none.
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


class ReplacedKey(TypedDict):
    """
    The key that was rotated.
    """

    id: str
    """
    Its id.
    """
    prefix: str
    """
    The public part of the key.
    """
    expires_at: str
    """
    When it ends by itself.
    """


class ReplayRequest(TypedDict):
    """
    What to send again.
    """

    since: str
    """
    What happened from then on, and was given up.
    """


class Replayed(TypedDict):
    """
    How much is sent again.
    """

    replayed: int
    """
    How many deliveries.
    """


class RestoreOperationParams(TypedDict):
    """
    Parameters of `restore`. Null counts as left out.
    """

    confirm: NotRequired[str | None]
    """
    The cluster's name, because what was written after the snapshot is lost.
    """
    backup: NotRequired[str | None]
    """
    Name of the snapshot, as the backups are listed; the newest where it is missing.
    """
    source: NotRequired[str | None]
    """
    Take it from this etcd host, or from `store`; from wherever it is where it is missing.
    """


class RestoreOperationRequest(TypedDict):
    """
    Etcd's data on all members as a snapshot holds them; what was written after it is lost. Proven by health.
    """

    kind: Literal["restore"]
    """
    Restore etcd.
    """
    params: NotRequired[RestoreOperationParams]
    """
    Parameters; stored with the operation and shown.
    """
    dry_run: NotRequired[bool]
    """
    Only ask what is true already; change nothing.
    """
    secrets: NotRequired[dict[str, Any]]
    """
    It takes none.
    """


class RetryRequest(TypedDict):
    """
    How to go on.
    """

    from_step: NotRequired[str]
    """
    Key of a step that is to run again, with all behind it; the first that failed when left out.
    """


class RevokeRequest(TypedDict):
    """
    How to revoke.
    """

    force: NotRequired[bool]
    """
    Also where it is the last one of scope admin.
    """


class RollbackOperationParams(TypedDict):
    """
    Parameters of `rollback`. Null counts as left out.
    """

    component: NotRequired[str | None]
    """
    Name of a component that is installed with Helm.
    """
    revision: NotRequired[int | None]
    """
    Number of the revision to go back to; helm history lists them.
    """
    confirm: NotRequired[str | None]
    """
    The cluster's name, because the component's settings are replaced.
    """
    artifact: NotRequired[Artifact | None]
    """
    The offline artifact: {url, sha256}, {file, sha256?} of the service, or {path} on the first control-plane host, where it lies unpacked.
    """
    artifact_directory: NotRequired[str | None]
    """
    Where the artifact is unpacked on the first control-plane host. Give an absolute path of letters, digits, '.', '_' and '-', two levels deep at least.
    """


class RollbackOperationRequest(TypedDict):
    """
    A component's Helm release back to an earlier revision, verified.
    """

    kind: Literal["rollback"]
    """
    Roll a component back.
    """
    params: NotRequired[RollbackOperationParams]
    """
    Parameters; stored with the operation and shown.
    """
    dry_run: NotRequired[bool]
    """
    Only ask what is true already; change nothing.
    """
    secrets: NotRequired[dict[str, Any]]
    """
    It takes none.
    """


class RotateAccessKeyOperationParams(TypedDict):
    """
    Parameters of `rotate-access-key`. Null counts as left out.
    """

    artifact_directory: NotRequired[str | None]
    """
    Where the artifact is unpacked on the first control-plane host. Give an absolute path of letters, digits, '.', '_' and '-', two levels deep at least.
    """
    component_timeout: NotRequired[int | None]
    """
    Seconds a component may take to become healthy; the catalogue's own where it is missing.
    """


class RotateAccessKeyOperationRequest(TypedDict):
    """
    The cluster gets the access key that it belongs to; what reads it starts anew and is healthy.
    """

    kind: Literal["rotate-access-key"]
    """
    Rotate the access key.
    """
    params: NotRequired[RotateAccessKeyOperationParams]
    """
    Parameters; stored with the operation and shown.
    """
    dry_run: NotRequired[bool]
    """
    Only ask what is true already; change nothing.
    """
    secrets: NotRequired[dict[str, Any]]
    """
    It takes none.
    """


class RotateHostPasswordOperationParams(TypedDict):
    """
    Parameters of `rotate-host-password`. Null counts as left out.
    """

    hosts: NotRequired[list[str] | None]
    """
    Hosts that get the new password; all where it is missing.
    """
    artifact_directory: NotRequired[str | None]
    """
    Where the artifact is unpacked on the first control-plane host. Give an absolute path of letters, digits, '.', '_' and '-', two levels deep at least.
    """


class Secrets(TypedDict):
    """
    Kept encrypted until they are in their place, and never shown.
    """

    host_password: NotRequired[str]
    """
    The new password, 12 to 128 printable ASCII characters; made where it is missing.
    """


class RotateHostPasswordOperationRequest(TypedDict):
    """
    A new password of the users that the hosts are logged in to as, proven on every host before it is stored.
    """

    kind: Literal["rotate-host-password"]
    """
    Rotate the hosts' password.
    """
    params: NotRequired[RotateHostPasswordOperationParams]
    """
    Parameters; stored with the operation and shown.
    """
    dry_run: NotRequired[bool]
    """
    Only ask what is true already; change nothing.
    """
    secrets: NotRequired[Secrets]
    """
    Kept encrypted until they are in their place, and never shown.
    """


class RotateRegistryPasswordOperationParams(TypedDict):
    """
    Parameters of `rotate-registry-password`. Null counts as left out.
    """

    artifact_directory: NotRequired[str | None]
    """
    Where the artifact is unpacked on the first control-plane host. Give an absolute path of letters, digits, '.', '_' and '-', two levels deep at least.
    """


class Secrets1(TypedDict):
    """
    Kept encrypted until they are in their place, and never shown.
    """

    password: NotRequired[str]
    """
    The new password, 8 to 128 letters with a capital, a small one and a digit; made where it is missing.
    """


class RotateRegistryPasswordOperationRequest(TypedDict):
    """
    A new password of Harbor's administrator, in Harbor and where the hosts, kk and helm log in with it.
    """

    kind: Literal["rotate-registry-password"]
    """
    Rotate the registry's password.
    """
    params: NotRequired[RotateRegistryPasswordOperationParams]
    """
    Parameters; stored with the operation and shown.
    """
    dry_run: NotRequired[bool]
    """
    Only ask what is true already; change nothing.
    """
    secrets: NotRequired[Secrets1]
    """
    Kept encrypted until they are in their place, and never shown.
    """


class RotateRequest(TypedDict):
    """
    How to rotate.
    """

    overlap_hours: NotRequired[int]
    """
    Hours for which the old key still works.
    """
    expires_at: NotRequired[str | None]
    """
    When the successor ends; as the old key would have where left out.
    """
    force: NotRequired[bool]
    """
    Let it end sooner also where it is the last one of scope admin.
    """


class RotateSshKeyOperationParams(TypedDict):
    """
    Parameters of `rotate-ssh-key`. Null counts as left out.
    """

    hosts: NotRequired[list[str] | None]
    """
    Hosts that get the new key; all where it is missing.
    """
    keep_old: NotRequired[bool | None]
    """
    Leave the old key in authorized_keys, for whoever else logs in with it.
    """


class Secrets2(TypedDict):
    """
    Kept encrypted until they are in their place, and never shown.
    """

    private_key: NotRequired[str]
    """
    The new private key, PEM or OpenSSH; an Ed25519 key is made where it is missing.
    """
    passphrase: NotRequired[str]
    """
    Its passphrase, where it has one.
    """


class RotateSshKeyOperationRequest(TypedDict):
    """
    A new key for the hosts, proven on all of them before the old one is given up and taken away.
    """

    kind: Literal["rotate-ssh-key"]
    """
    Rotate the SSH key.
    """
    params: NotRequired[RotateSshKeyOperationParams]
    """
    Parameters; stored with the operation and shown.
    """
    dry_run: NotRequired[bool]
    """
    Only ask what is true already; change nothing.
    """
    secrets: NotRequired[Secrets2]
    """
    Kept encrypted until they are in their place, and never shown.
    """


class RotationRequest(TypedDict):
    """
    How long the secret before goes on signing.
    """

    overlap_seconds: NotRequired[int]
    """
    Seconds; 0 where the old secret has become known.
    """


Scope: TypeAlias = Literal["read", "operate", "admin"]
"""
* `read` - It looks.
* `operate` - It also registers clusters, changes them and starts operations.
* `admin` - It also does what hands out power over the hosts, or cannot be undone.
"""


class Served(TypedDict):
    """
    A queue, by what is done through it.
    """

    name: QueueName
    """
    What is done through it.
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
    """
    Who works on what.
    """
    waiting: int
    """
    How many steps of yours could be worked on and are not.
    """
    oldest_seconds: float | None
    """
    How long the oldest of them has waited (seconds); null without one.
    """


StepState: TypeAlias = Literal["pending", "ready", "running", "succeeded", "failed", "skipped", "cancelled"]
"""
* `pending` - It waits for other steps.
* `ready` - It may begin.
* `running` - It is being done.
* `succeeded` - It is done.
* `failed` - It failed.
* `skipped` - An operator left it out.
* `cancelled` - It was cancelled.
"""


class StreamedJob(TypedDict):
    """
    The data of an event `job`: a step changed on one host.
    """

    step: str
    """
    The step's key.
    """
    host: str
    """
    The host's name; `service` for what the service does itself.
    """
    state: JobState
    """
    Its state now.
    """
    phase: JobPhase | Blank
    """
    Where in the script it is; empty at first.
    """
    outcome: Outcome | Blank
    """
    What came of it; empty until then.
    """
    exit_code: int | None
    """
    Exit code, a number; null until it has ended.
    """
    progress: float
    """
    How much is done, in per cent.
    """
    note: str
    """
    What it is doing or waiting for; may be empty.
    """
    error: Failure
    """
    Why it failed; empty otherwise.
    """


class StreamedLog(TypedDict):
    """
    The data of an event `log`: output of one host, as it came. Secrets are replaced.
    """

    step: str
    """
    The step's key.
    """
    host: str
    """
    The host's name; `service` for what the service does itself.
    """
    attempt: int
    """
    Number of the attempt, from 1.
    """
    text: str
    """
    The output, with its line ends.
    """


class StreamedNow(TypedDict):
    """
    The data of the event `now`: the stream lives, and its `id` is how far it has come.
    """

    now: str
    """
    The service's time.
    """


class StreamedOperation(TypedDict):
    """
    The data of an event `operation`: it changed.
    """

    state: OperationState
    """
    Its state now.
    """
    progress: float
    """
    How much is done, in per cent.
    """
    attempt: int
    """
    Number of the attempt, from 1.
    """
    error: Failure
    """
    Why it failed; empty otherwise.
    """


StreamedState: TypeAlias = Literal["succeeded", "failed", "cancelled", "deleted"]
"""
* `succeeded` - All steps are done.
* `failed` - A step failed.
* `cancelled` - It was cancelled.
* `deleted` - The cluster was taken out of the registry, and the operation with it.
"""


class StreamedStep(TypedDict):
    """
    The data of an event `step`: it changed.
    """

    key: str
    """
    The step's name, the same in every run.
    """
    title: str
    """
    The step in words.
    """
    state: StepState
    """
    Its state now.
    """
    progress: float
    """
    How much is done, in per cent.
    """
    note: str
    """
    What it is doing or waiting for; may be empty.
    """
    outcome: Outcome | Blank
    """
    What came of it; empty until then.
    """
    attempt: int
    """
    Number of the attempt, from 1.
    """
    error: Failure
    """
    Why it failed; empty otherwise.
    """


class Successor(TypedDict):
    """
    The successor of an access key.
    """

    id: str
    """
    The key's id.
    """
    prefix: str
    """
    The public part of the key.
    """
    name: str
    """
    What the key is for.
    """
    scope: Scope
    """
    What it may do.
    """
    active: bool
    """
    False once it was revoked.
    """
    expires_at: str | None
    """
    When it ends; null for never.
    """
    last_used_at: str | None
    """
    When it was last used; noted once a minute, null before.
    """
    created_at: str
    """
    When it was issued.
    """
    successor: str | None
    """
    Prefix of the key that it was rotated to; null before.
    """
    clusters: int
    """
    How many clusters hold it.
    """
    current: bool
    """
    Whether it is the key of this request.
    """
    value: str
    """
    The whole key. It is shown this once.
    """
    replaces: ReplacedKey
    """
    The key that was rotated.
    """
    taken_over: list[ClusterName]
    """
    Clusters that are the successor's now; rotate-access-key for each.
    """


class UninstallOperationParams(TypedDict):
    """
    Parameters of `uninstall`. Null counts as left out.
    """

    confirm: NotRequired[str | None]
    """
    The cluster's name, as proof that this very cluster is meant.
    """
    remove_ceph_data: NotRequired[bool | None]
    """
    Ceph's data go too, and its disks are wiped; without it, nothing is done where there are any.
    """
    keep_artifact: NotRequired[bool | None]
    """
    Leave the unpacked artifact on the first control-plane host.
    """
    artifact: NotRequired[Artifact | None]
    """
    The offline artifact: {url, sha256}, {file, sha256?} of the service, or {path} on the first control-plane host, where it lies unpacked.
    """
    artifact_directory: NotRequired[str | None]
    """
    Where the artifact is unpacked on the first control-plane host. Give an absolute path of letters, digits, '.', '_' and '-', two levels deep at least.
    """


class UninstallOperationRequest(TypedDict):
    """
    Everything leaves the hosts, which are clean afterwards, verified. The cluster stays registered.
    """

    kind: Literal["uninstall"]
    """
    Uninstall the platform.
    """
    params: NotRequired[UninstallOperationParams]
    """
    Parameters; stored with the operation and shown.
    """
    dry_run: NotRequired[bool]
    """
    Only ask what is true already; change nothing.
    """
    secrets: NotRequired[dict[str, Any]]
    """
    It takes none.
    """


class UpgradeComponentsOperationParams(TypedDict):
    """
    Parameters of `upgrade-components`. Null counts as left out.
    """

    components: NotRequired[list[str] | None]
    """
    Only these components; all installed ones whose chart in the artifact is newer without it.
    """
    on_failure: NotRequired[FailedUpgrade | None]
    """
    What becomes of a release whose upgrade fails: back to the revision before, or left as it is.
    """
    downgrade: NotRequired[bool | None]
    """
    Let the named components go to an older chart.
    """
    artifact: NotRequired[Artifact | None]
    """
    The offline artifact: {url, sha256}, {file, sha256?} of the service, or {path} on the first control-plane host, where it lies unpacked.
    """
    artifact_directory: NotRequired[str | None]
    """
    Where the artifact is unpacked on the first control-plane host. Give an absolute path of letters, digits, '.', '_' and '-', two levels deep at least.
    """
    component_timeout: NotRequired[int | None]
    """
    Seconds a component may take to become healthy; the catalogue's own where it is missing.
    """


class UpgradeComponentsOperationRequest(TypedDict):
    """
    Components to the artifact's charts, compared first, then one by one, each healthy before the next.
    """

    kind: Literal["upgrade-components"]
    """
    Upgrade components.
    """
    params: NotRequired[UpgradeComponentsOperationParams]
    """
    Parameters; stored with the operation and shown.
    """
    dry_run: NotRequired[bool]
    """
    Only ask what is true already; change nothing.
    """
    secrets: NotRequired[dict[str, Any]]
    """
    It takes none.
    """


class UpgradeOperationParams(TypedDict):
    """
    Parameters of `upgrade`. Null counts as left out.
    """

    version: NotRequired[str | None]
    """
    The version to have afterwards, such as v1.25.3.
    """
    confirm: NotRequired[str | None]
    """
    The cluster's name, because nothing leads back from an upgrade.
    """
    artifact: NotRequired[Artifact | None]
    """
    The offline artifact: {url, sha256}, {file, sha256?} of the service, or {path} on the first control-plane host, where it lies unpacked.
    """
    artifact_directory: NotRequired[str | None]
    """
    Where the artifact is unpacked on the first control-plane host. Give an absolute path of letters, digits, '.', '_' and '-', two levels deep at least.
    """


class UpgradeOperationRequest(TypedDict):
    """
    A snapshot of etcd, then Kubernetes to a newer version that the artifact carries, node by node.
    """

    kind: Literal["upgrade"]
    """
    Upgrade Kubernetes.
    """
    params: NotRequired[UpgradeOperationParams]
    """
    Parameters; stored with the operation and shown.
    """
    dry_run: NotRequired[bool]
    """
    Only ask what is true already; change nothing.
    """
    secrets: NotRequired[dict[str, Any]]
    """
    It takes none.
    """


class Usage(TypedDict):
    """
    What the customer has.
    """

    clusters: int
    """
    How many clusters, without those that were removed.
    """
    operations: int
    """
    How many operations under way now.
    """


class Webhook(TypedDict):
    """
    An endpoint, without its secret.
    """

    id: str
    """
    The webhook's id.
    """
    url: str
    """
    Where requests go.
    """
    description: str
    """
    What its maker wrote of it.
    """
    event_types: list[EventTypeName]
    """
    Only these; empty for all.
    """
    active: bool
    """
    false: nothing is sent.
    """
    access_key: str
    """
    The key that made or changed it last; it ends with that.
    """
    note: str
    """
    Why the service has switched it off; empty otherwise.
    """
    failures: int
    """
    How many attempts in a row it did not take.
    """
    failing_since: str | None
    """
    When the first of them was; null while all is well.
    """
    delivered_at: str | None
    """
    When it last took something; null before.
    """
    old_secret_until: str | None
    """
    Until when the secret before the last rotation signs, too; else null.
    """
    created_at: str
    """
    When it was added.
    """


WebhookDeliveryState: TypeAlias = Literal["pending", "succeeded", "failed"]
"""
* `pending` - It will be sent, for the first time or again.
* `succeeded` - It was taken.
* `failed` - It was given up.
"""


class WebhookWithSecret(TypedDict):
    """
    An endpoint as its creation answers.
    """

    id: str
    """
    The webhook's id.
    """
    url: str
    """
    Where requests go.
    """
    description: str
    """
    What its maker wrote of it.
    """
    event_types: list[EventTypeName]
    """
    Only these; empty for all.
    """
    active: bool
    """
    false: nothing is sent.
    """
    access_key: str
    """
    The key that made or changed it last; it ends with that.
    """
    note: str
    """
    Why the service has switched it off; empty otherwise.
    """
    failures: int
    """
    How many attempts in a row it did not take.
    """
    failing_since: str | None
    """
    When the first of them was; null while all is well.
    """
    delivered_at: str | None
    """
    When it last took something; null before.
    """
    old_secret_until: str | None
    """
    Until when the secret before the last rotation signs, too; else null.
    """
    created_at: str
    """
    When it was added.
    """
    secret: str
    """
    whsec_... Shown this once.
    """


class Worker(TypedDict):
    """
    A worker process, or one that does not answer and still holds leases.
    """

    name: str
    """
    The worker's name.
    """
    alive: bool | None
    """
    Whether it answers; null where it could not be asked.
    """
    pid: int | None
    """
    Number of its process; null where it does not answer.
    """
    concurrency: int | None
    """
    How many tasks it runs at once.
    """
    active: int | None
    """
    How many tasks it runs now.
    """
    steps: int
    """
    How many steps it drives.
    """
    operations: int
    """
    How many operations these belong to.
    """


class AccessKey(TypedDict):
    """
    An access key, without its value.
    """

    id: str
    """
    The key's id.
    """
    prefix: str
    """
    The public part of the key.
    """
    name: str
    """
    What the key is for.
    """
    scope: Scope
    """
    What it may do.
    """
    active: bool
    """
    False once it was revoked.
    """
    expires_at: str | None
    """
    When it ends; null for never.
    """
    last_used_at: str | None
    """
    When it was last used; noted once a minute, null before.
    """
    created_at: str
    """
    When it was issued.
    """
    successor: str | None
    """
    Prefix of the key that it was rotated to; null before.
    """
    clusters: int
    """
    How many clusters hold it.
    """
    current: bool
    """
    Whether it is the key of this request.
    """


class ActiveOperation(TypedDict):
    """
    The operation under way.
    """

    id: str
    """
    Its id.
    """
    kind: OperationKind
    """
    What is done.
    """
    state: OperationState
    """
    How far it is.
    """
    progress: float
    """
    How much is done, in per cent.
    """


class AddNodesOperationParams(TypedDict):
    """
    Parameters of `add-nodes`. Null counts as left out.
    """

    nodes: NotRequired[list[str] | None]
    """
    Names of the hosts that join; they are registered before.
    """
    ignore_preflight: NotRequired[list[str] | None]
    """
    Codes of findings that shall be warnings, not errors.
    """
    artifact: NotRequired[Artifact | None]
    """
    The offline artifact: {url, sha256}, {file, sha256?} of the service, or {path} on the first control-plane host, where it lies unpacked.
    """
    artifact_directory: NotRequired[str | None]
    """
    Where the artifact is unpacked on the first control-plane host. Give an absolute path of letters, digits, '.', '_' and '-', two levels deep at least.
    """
    component_timeout: NotRequired[int | None]
    """
    Seconds a component may take to become healthy; the catalogue's own where it is missing.
    """


class AddNodesOperationRequest(TypedDict):
    """
    Registered hosts join the cluster: workers at once, members of the control plane and of etcd one by one.
    """

    kind: Literal["add-nodes"]
    """
    Add hosts.
    """
    params: NotRequired[AddNodesOperationParams]
    """
    Parameters; stored with the operation and shown.
    """
    dry_run: NotRequired[bool]
    """
    Only ask what is true already; change nothing.
    """
    secrets: NotRequired[dict[str, Any]]
    """
    It takes none.
    """


class Backup(TypedDict):
    """
    A snapshot of etcd on a host, or its copy in a store.
    """

    store: BackupPlace
    """
    Where it lies: on the host, in a directory of the service, or in an S3-compatible store.
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
    """
    Its name; the operation `restore` takes it as `backup`.
    """
    size: int
    """
    Its size in bytes.
    """
    sha256: str
    """
    SHA-256 of the file, 64 hex digits.
    """
    revision: int
    """
    Number of etcd's revision when it was taken.
    """
    keys: int
    """
    How many keys it holds.
    """
    etcd_version: str
    """
    Version of etcd of then.
    """
    kubernetes_version: str
    """
    Version of Kubernetes of then.
    """
    members: list[str]
    """
    Peer addresses of etcd's members of then.
    """
    taken_at: str
    """
    When it was taken.
    """


class BackupPart(TypedDict):
    """
    The fields that the request asked for.
    """

    store: NotRequired[BackupPlace]
    """
    Where it lies: on the host, in a directory of the service, or in an S3-compatible store.
    """
    host: NotRequired[str]
    """
    The etcd host that took it.
    """
    directory: NotRequired[str]
    """
    The directory, or what stands for it in the store.
    """
    name: NotRequired[str]
    """
    Its name; the operation `restore` takes it as `backup`.
    """
    size: NotRequired[int]
    """
    Its size in bytes.
    """
    sha256: NotRequired[str]
    """
    SHA-256 of the file, 64 hex digits.
    """
    revision: NotRequired[int]
    """
    Number of etcd's revision when it was taken.
    """
    keys: NotRequired[int]
    """
    How many keys it holds.
    """
    etcd_version: NotRequired[str]
    """
    Version of etcd of then.
    """
    kubernetes_version: NotRequired[str]
    """
    Version of Kubernetes of then.
    """
    members: NotRequired[list[str]]
    """
    Peer addresses of etcd's members of then.
    """
    taken_at: NotRequired[str]
    """
    When it was taken.
    """


class CephCheck(TypedDict):
    """
    A health check that Ceph raises.
    """

    code: str
    """
    Ceph's name of it, for example OSD_DOWN.
    """
    severity: CephSeverity
    """
    How bad it is.
    """
    message: str
    """
    What is wrong, in Ceph's words.
    """
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
    What to do; empty for checks that are not known.
    """


class CephExpandOperationParams(TypedDict):
    """
    Parameters of `ceph-expand`. Null counts as left out.
    """

    disks: NotRequired[list[DiskToUse] | None]
    """
    Only these disks, [{host, disk}]; all eligible disks of the storage hosts where it is missing.
    """
    wipe: NotRequired[list[DiskToWipe] | None]
    """
    Disks that are used although they carry data, [{host, disk, serial}]. Their content is lost.
    """
    single_node: NotRequired[bool | None]
    """
    One copy of everything on fewer than three hosts: no disk and no host may fail.
    """
    default_storage_class: NotRequired[CephStorageClass | None]
    """
    The one StorageClass that claims get which name none.
    """
    artifact: NotRequired[Artifact | None]
    """
    The offline artifact: {url, sha256}, {file, sha256?} of the service, or {path} on the first control-plane host, where it lies unpacked.
    """
    artifact_directory: NotRequired[str | None]
    """
    Where the artifact is unpacked on the first control-plane host. Give an absolute path of letters, digits, '.', '_' and '-', two levels deep at least.
    """
    component_timeout: NotRequired[int | None]
    """
    Seconds a component may take to become healthy; the catalogue's own where it is missing.
    """


class CephExpandOperationRequest(TypedDict):
    """
    Further disks and hosts for the Ceph that is there; a dry run shows which, and why not others.
    """

    kind: Literal["ceph-expand"]
    """
    Add disks to Ceph.
    """
    params: NotRequired[CephExpandOperationParams]
    """
    Parameters; stored with the operation and shown.
    """
    dry_run: NotRequired[bool]
    """
    Only ask what is true already; change nothing.
    """
    secrets: NotRequired[dict[str, Any]]
    """
    It takes none.
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
    How many of its OSDs run.
    """
    inside: int
    """
    How many of its OSDs are given data.
    """
    osds: list[CephOsd]
    """
    The daemons of its disks.
    """


class CephOperationParams(TypedDict):
    """
    Parameters of `ceph`. Null counts as left out.
    """

    disks: NotRequired[list[DiskToUse] | None]
    """
    Only these disks, [{host, disk}]; all eligible disks of the storage hosts where it is missing.
    """
    wipe: NotRequired[list[DiskToWipe] | None]
    """
    Disks that are used although they carry data, [{host, disk, serial}]. Their content is lost.
    """
    single_node: NotRequired[bool | None]
    """
    One copy of everything on fewer than three hosts: no disk and no host may fail.
    """
    default_storage_class: NotRequired[CephStorageClass | None]
    """
    The one StorageClass that claims get which name none.
    """
    artifact: NotRequired[Artifact | None]
    """
    The offline artifact: {url, sha256}, {file, sha256?} of the service, or {path} on the first control-plane host, where it lies unpacked.
    """
    artifact_directory: NotRequired[str | None]
    """
    Where the artifact is unpacked on the first control-plane host. Give an absolute path of letters, digits, '.', '_' and '-', two levels deep at least.
    """
    component_timeout: NotRequired[int | None]
    """
    Seconds a component may take to become healthy; the catalogue's own where it is missing.
    """


class CephOperationRequest(TypedDict):
    """
    Ceph by Rook on the hosts' raw disks, proven by use. A dry run shows which disks, and why not others.
    """

    kind: Literal["ceph"]
    """
    Install Ceph.
    """
    params: NotRequired[CephOperationParams]
    """
    Parameters; stored with the operation and shown.
    """
    dry_run: NotRequired[bool]
    """
    Only ask what is true already; change nothing.
    """
    secrets: NotRequired[dict[str, Any]]
    """
    It takes none.
    """


class Certificates(TypedDict):
    """
    When a cluster's certificates end.
    """

    state: HealthState | Null
    """
    How they are; null before the first reading.
    """
    reason: str
    """
    Why they are not healthy; empty while they are.
    """
    checked_at: str | None
    """
    When they were last read.
    """
    results: list[Certificate]
    """
    The certificates, those that end first first.
    """


class ChangeOfState(TypedDict):
    """
    A change: of health, or of an operation's state.
    """

    id: str
    """
    The same in every answer, to know it again by.
    """
    at: str
    """
    When it changed.
    """
    cluster: ClusterName
    """
    The cluster that it belongs to.
    """
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
    """
    A state of health, or of an operation.
    """
    reason: str
    """
    Why, in words.
    """
    operation: str | None
    """
    Which operation; null for health.
    """


class ClusterGlance(TypedDict):
    """
    A cluster at a glance.
    """

    id: str
    """
    Its id.
    """
    name: str
    """
    Its name.
    """
    state: ClusterState
    """
    Its state.
    """
    state_reason: str
    """
    Why it is in this state, where that needs saying.
    """
    checked_at: str | None
    """
    When its health was last read.
    """
    reachable: bool | None
    """
    Whether the last attempt to read it did.
    """
    hosts: int
    """
    How many hosts it has.
    """
    components: ComponentStates
    """
    How its components are.
    """
    active_operation: ActiveOperation | None
    """
    What is under way; null where nothing is.
    """


class ClusterWithOperation(TypedDict):
    """
    A cluster. Its settings are flat fields.
    """

    id: str
    """
    Its id.
    """
    name: str
    """
    Its name, which no other of your clusters has.
    """
    description: str
    """
    For people.
    """
    state: ClusterState
    """
    Follows operations and health.
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
    Number of its port.
    """
    internal_load_balancer: LoadBalancer | Blank
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
    """
    drift_hours: int
    """
    Hours between two looks for what is no longer as installed; 0 for never.
    """
    backup_hours: int
    """
    Hours between two backups of etcd on the etcd hosts; 0 for never.
    """
    backup_store: BackupStore | Blank
    """
    Where backups of etcd are copied to: `directory` of the service, `s3`, or empty for nowhere.
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
    """
    How many of its components are healthy.
    """
    cpod_id: str
    """
    The platform's id of this cluster, known after the installation.
    """
    kubernetes_uid: str
    """
    The uid of its namespace kube-system, of an imported cluster.
    """
    imported: dict[str, Any]
    """
    What an import found besides: releases, nodes, Ceph; empty for others.
    """
    checked_at: str | None
    """
    When it was last read; null before.
    """
    created_at: str
    """
    When it was registered.
    """
    updated_at: str
    """
    When it was last changed.
    """
    active_operation: ActiveOperation | None
    """
    What is under way; null where nothing is.
    """


class ClusterWithOperationPart(TypedDict):
    """
    The fields that the request asked for.
    """

    id: NotRequired[str]
    """
    Its id.
    """
    name: NotRequired[str]
    """
    Its name, which no other of your clusters has.
    """
    description: NotRequired[str]
    """
    For people.
    """
    state: NotRequired[ClusterState]
    """
    Follows operations and health.
    """
    state_reason: NotRequired[str]
    """
    Why it is in this state, where that needs saying.
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
    Number of its port.
    """
    internal_load_balancer: NotRequired[LoadBalancer | Blank]
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
    """
    drift_hours: NotRequired[int]
    """
    Hours between two looks for what is no longer as installed; 0 for never.
    """
    backup_hours: NotRequired[int]
    """
    Hours between two backups of etcd on the etcd hosts; 0 for never.
    """
    backup_store: NotRequired[BackupStore | Blank]
    """
    Where backups of etcd are copied to: `directory` of the service, `s3`, or empty for nowhere.
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
    hosts: NotRequired[int]
    """
    How many hosts it has.
    """
    components: NotRequired[ComponentCounts]
    """
    How many of its components are healthy.
    """
    cpod_id: NotRequired[str]
    """
    The platform's id of this cluster, known after the installation.
    """
    kubernetes_uid: NotRequired[str]
    """
    The uid of its namespace kube-system, of an imported cluster.
    """
    imported: NotRequired[dict[str, Any]]
    """
    What an import found besides: releases, nodes, Ceph; empty for others.
    """
    checked_at: NotRequired[str | None]
    """
    When it was last read; null before.
    """
    created_at: NotRequired[str]
    """
    When it was registered.
    """
    updated_at: NotRequired[str]
    """
    When it was last changed.
    """
    active_operation: NotRequired[ActiveOperation | None]
    """
    What is under way; null where nothing is.
    """


class Component(TypedDict):
    """
    A part of the platform on this cluster.
    """

    name: str
    """
    Its name in the catalogue.
    """
    kind: InstalledKind
    """
    How it comes to the cluster.
    """
    namespace: str
    """
    Its namespace; empty where it has none.
    """
    chosen: bool
    """
    Installed by an operation, so its absence is a fault.
    """
    state: HealthState
    """
    How it is.
    """
    desired: int
    """
    How many pods there ought to be.
    """
    ready: int
    """
    How many pods are ready.
    """
    version: str
    """
    Version of what runs; empty where that is not known.
    """
    reason: str
    """
    Why it is not healthy; empty while it is.
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


class ComponentPart(TypedDict):
    """
    The fields that the request asked for.
    """

    name: NotRequired[str]
    """
    Its name in the catalogue.
    """
    kind: NotRequired[InstalledKind]
    """
    How it comes to the cluster.
    """
    namespace: NotRequired[str]
    """
    Its namespace; empty where it has none.
    """
    chosen: NotRequired[bool]
    """
    Installed by an operation, so its absence is a fault.
    """
    state: NotRequired[HealthState]
    """
    How it is.
    """
    desired: NotRequired[int]
    """
    How many pods there ought to be.
    """
    ready: NotRequired[int]
    """
    How many pods are ready.
    """
    version: NotRequired[str]
    """
    Version of what runs; empty where that is not known.
    """
    reason: NotRequired[str]
    """
    Why it is not healthy; empty while it is.
    """
    details: NotRequired[dict[str, Any]]
    """
    Parts, objects and numbers behind the state.
    """
    chart_version: NotRequired[str]
    """
    Of its Helm release, as an import saw it.
    """
    checked_at: NotRequired[str | None]
    """
    When it was last read.
    """
    changed_at: NotRequired[str | None]
    """
    Since when it is in this state.
    """


class Delivery(TypedDict):
    """
    One event on its way to one endpoint.
    """

    id: int
    """
    Number of the delivery; later ones have greater ones.
    """
    message_id: str
    """
    The webhook-id.
    """
    type: DeliveredEventType
    """
    Type of the event.
    """
    happened_at: str
    """
    When it happened.
    """
    state: WebhookDeliveryState
    """
    How far it is.
    """
    attempts_made: int
    """
    How many times it was sent.
    """
    next_attempt_at: str | None
    """
    Null where none will follow.
    """
    status: int | None
    """
    HTTP status (a number) of the last answer; null where there was none.
    """
    error: str
    """
    Why it was not taken; empty once it was.
    """
    finished_at: str | None
    """
    When it was taken or given up; null before.
    """


class DeliveryDetail(TypedDict):
    """
    A delivery with its body and attempts.
    """

    id: int
    """
    Number of the delivery; later ones have greater ones.
    """
    message_id: str
    """
    The webhook-id.
    """
    type: DeliveredEventType
    """
    Type of the event.
    """
    happened_at: str
    """
    When it happened.
    """
    state: WebhookDeliveryState
    """
    How far it is.
    """
    attempts_made: int
    """
    How many times it was sent.
    """
    next_attempt_at: str | None
    """
    Null where none will follow.
    """
    status: int | None
    """
    HTTP status (a number) of the last answer; null where there was none.
    """
    error: str
    """
    Why it was not taken; empty once it was.
    """
    finished_at: str | None
    """
    When it was taken or given up; null before.
    """
    body: dict[str, Any]
    """
    What is sent: type, timestamp, data.
    """
    attempts: list[Attempt]
    """
    Each request, the first one first.
    """


class EventType(TypedDict):
    """
    A type of event.
    """

    type: EventTypeName
    """
    As in event_types and in bodies.
    """
    description: str
    """
    When such an event is sent.
    """


class Feed(TypedDict):
    """
    The last changes, the oldest first.
    """

    now: str
    """
    The service's time, to ask from there on.
    """
    position: str
    """
    Where the feed ends: `events/stream?position=` goes on from there.
    """
    results: list[ChangeOfState]
    """
    The changes, the oldest first.
    """


class Finding(TypedDict):
    """
    What was found while reading a configuration.
    """

    level: FindingLevel
    """
    Only errors forbid the configuration.
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
    Number of the line, from 1; 0 where there is no file.
    """
    column: int
    """
    Number of the column, from 1; 0 where there is no file.
    """
    message: str
    """
    What is wrong, or what was repaired.
    """
    fix: str
    """
    What to do.
    """


class FirstImportRequest(TypedDict):
    """
    A cluster that is not registered yet.
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
    hosts: NotRequired[list[ListedHostRequest]]
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


class Fleet(TypedDict):
    """
    The fleet at one moment.
    """

    at: str
    """
    Which moment.
    """
    broker: bool
    """
    Whether the broker answers.
    """
    queues: list[Queue]
    """
    The queues.
    """
    workers: list[Worker]
    """
    The workers.
    """
    operations: dict[str, int]
    """
    How many in each state: queued, running, cancelling, succeeded, failed, cancelled.
    """
    waiting: int
    """
    How many steps could be driven and are not.
    """
    overdue: int
    """
    How many of them have a message that is taken for lost.
    """
    oldest_seconds: float | None
    """
    How many seconds the oldest of them waits; null where there is none.
    """
    access_keys: list[Load]
    """
    The access keys that have something under way.
    """


class Health(TypedDict):
    """
    A cluster's health.
    """

    state: ClusterState
    """
    How the cluster is.
    """
    reason: str
    """
    Why, where that needs saying.
    """
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
    """
    The nodes of Kubernetes.
    """
    components: list[Component]
    """
    The platform's components.
    """


class HealthEvent(TypedDict):
    """
    A change of health.
    """

    id: int
    """
    Its number; later ones are higher.
    """
    at: str
    """
    When it was seen.
    """
    subject: HealthSubject
    """
    What kind of thing changed.
    """
    name: str
    """
    Name of the component, node, cluster or health check.
    """
    old_state: str
    """
    Its state before; empty when it was seen for the first time.
    """
    new_state: str
    """
    Its state since then.
    """
    reason: str
    """
    Why; may be empty.
    """


class HealthEventPart(TypedDict):
    """
    The fields that the request asked for.
    """

    id: NotRequired[int]
    """
    Its number; later ones are higher.
    """
    at: NotRequired[str]
    """
    When it was seen.
    """
    subject: NotRequired[HealthSubject]
    """
    What kind of thing changed.
    """
    name: NotRequired[str]
    """
    Name of the component, node, cluster or health check.
    """
    old_state: NotRequired[str]
    """
    Its state before; empty when it was seen for the first time.
    """
    new_state: NotRequired[str]
    """
    Its state since then.
    """
    reason: NotRequired[str]
    """
    Why; may be empty.
    """


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
    hosts: NotRequired[list[ListedHostRequest]]
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


class InstallOperationParams(TypedDict):
    """
    Parameters of `install`. Null counts as left out.
    """

    phases: NotRequired[list[InstallPhase] | None]
    """
    Only these phases; all where it is missing.
    """
    steps: NotRequired[list[str] | None]
    """
    Only these steps, by key.
    """
    components: NotRequired[list[str] | None]
    """
    Names of the components to be installed; the catalogue's defaults where it is missing.
    """
    without: NotRequired[list[str] | None]
    """
    Names of default components to be left out.
    """
    ignore_preflight: NotRequired[list[str] | None]
    """
    Codes of findings that shall be warnings, not errors.
    """
    artifact: NotRequired[Artifact | None]
    """
    The offline artifact: {url, sha256}, {file, sha256?} of the service, or {path} on the first control-plane host, where it lies unpacked.
    """
    artifact_directory: NotRequired[str | None]
    """
    Where the artifact is unpacked on the first control-plane host. Give an absolute path of letters, digits, '.', '_' and '-', two levels deep at least.
    """
    component_timeout: NotRequired[int | None]
    """
    Seconds a component may take to become healthy; the catalogue's own where it is missing.
    """


class InstallOperationRequest(TypedDict):
    """
    From bare hosts to Kubernetes with the platform's components, verified. What is true is kept.
    """

    kind: Literal["install"]
    """
    Install the platform.
    """
    params: NotRequired[InstallOperationParams]
    """
    Parameters; stored with the operation and shown.
    """
    dry_run: NotRequired[bool]
    """
    Only ask what is true already; change nothing.
    """
    secrets: NotRequired[dict[str, Any]]
    """
    It takes none.
    """


class Issued(TypedDict):
    """
    A new access key.
    """

    id: str
    """
    The key's id.
    """
    prefix: str
    """
    The public part of the key.
    """
    name: str
    """
    What the key is for.
    """
    scope: Scope
    """
    What it may do.
    """
    active: bool
    """
    False once it was revoked.
    """
    expires_at: str | None
    """
    When it ends; null for never.
    """
    last_used_at: str | None
    """
    When it was last used; noted once a minute, null before.
    """
    created_at: str
    """
    When it was issued.
    """
    successor: str | None
    """
    Prefix of the key that it was rotated to; null before.
    """
    clusters: int
    """
    How many clusters hold it.
    """
    current: bool
    """
    Whether it is the key of this request.
    """
    value: str
    """
    The whole key. It is shown this once.
    """


class Job(TypedDict):
    """
    A step on one host, in its last attempt. A step of the service itself has one host, named ``service``.
    """

    host: str
    """
    The host's name; `service` for what the service does itself.
    """
    state: JobState
    """
    How far it is.
    """
    outcome: Outcome | Blank
    """
    What came of it; empty until then.
    """
    phase: JobPhase | Blank
    """
    Where in the step's script it is; empty at first.
    """
    progress: float
    """
    How much is done, in per cent.
    """
    note: str
    """
    What it is doing or waiting for; may be empty.
    """
    exit_code: int | None
    """
    Exit code, a number; null until it has ended.
    """
    attempt: int
    """
    Number of the attempt, from 1; each retry counts one up.
    """
    bytes: int
    """
    Output stored so far, in bytes.
    """
    started_at: str | None
    """
    When it began; null before.
    """
    finished_at: str | None
    """
    When it ended; null before.
    """
    last_output_at: str | None
    """
    When the host last wrote something; null before.
    """
    unreachable_since: str | None
    """
    Since when the host does not answer; null while it does.
    """
    error: Failure
    """
    Why it failed; empty otherwise.
    """


class Judgement(TypedDict):
    """
    A configuration, judged without being stored.
    """

    valid: bool
    """
    Whether it could be registered.
    """
    findings: list[Finding]
    """
    What is wrong, doubtful, or was repaired.
    """
    hosts: list[HostShown]
    """
    The hosts as they were read.
    """
    role_groups: dict[str, list[str]]
    """
    Names of hosts by role group; ranges are written out.
    """


class KeyShown(TypedDict):
    """
    An access key without its secret.
    """

    id: str
    """
    Its id.
    """
    prefix: str
    """
    The public part of the key.
    """
    name: str
    """
    What the key is for.
    """
    scope: Scope
    """
    What it may do: read, operate, or admin.
    """
    expires_at: str | None
    """
    When it expires; null for never.
    """
    last_used_at: str | None
    """
    When it was last used; noted once a minute, null before.
    """


class Kind(TypedDict):
    """
    A kind of operation.
    """

    kind: OperationKind
    """
    What a request calls it.
    """
    title: str
    """
    What people call it.
    """
    description: str
    """
    What it does.
    """
    params: dict[str, dict[str, Any]]
    """
    Each parameter as JSON Schema.
    """
    secrets: dict[str, str]
    """
    Each secret that may come with it, and what it is.
    """


class NewKeyRequest(TypedDict):
    """
    A key to be issued.
    """

    name: NotRequired[str]
    """
    What it is for.
    """
    scope: Scope
    """
    What it may do: read, operate, or admin.
    """
    expires_at: NotRequired[str | None]
    """
    When it ends; as the key of the request where left out.
    """


NewOperationRequest: TypeAlias = (
    PreflightOperationRequest
    | InstallOperationRequest
    | ImportOperationRequest
    | RenewCertificatesOperationRequest
    | RotateSshKeyOperationRequest
    | RotateAccessKeyOperationRequest
    | RotateHostPasswordOperationRequest
    | RotateRegistryPasswordOperationRequest
    | UpgradeOperationRequest
    | UpgradeComponentsOperationRequest
    | RollbackOperationRequest
    | BackupOperationRequest
    | RestoreOperationRequest
    | DriftOperationRequest
    | AddNodesOperationRequest
    | RemoveNodeOperationRequest
    | UninstallOperationRequest
    | CephOperationRequest
    | CephExpandOperationRequest
    | CephRemoveOsdOperationRequest
    | CephUninstallOperationRequest
    | CephCsiCephfsOperationRequest
    | CephCsiCephfsUninstallOperationRequest
    | CheckOperationRequest
    | CephStatusOperationRequest
)
"""
What to do. `kind` says which parameters and secrets it takes.
"""


class Node(TypedDict):
    """
    A host.
    """

    name: str
    """
    Its name, also in Kubernetes.
    """
    address: str
    """
    Where SSH goes.
    """
    internal_address: str
    """
    The address that the cluster's hosts use.
    """
    port: int
    """
    Number of its SSH port.
    """
    user: str
    """
    The user that is logged in.
    """
    role_groups: list[str]
    """
    etcd, control-plane, worker, registry, storage.
    """
    arch: str
    """
    Its architecture, amd64 or arm64.
    """
    labels: dict[str, str]
    """
    Labels that its Kubernetes node is given.
    """
    host_key_fingerprint: str | None
    """
    SHA256:... of the pinned key, or null.
    """
    jump: str | None
    """
    The host that it is reached through; null where it is reached directly.
    """
    facts: dict[str, Any]
    """
    What the last preflight read: CPUs, memory, system, GPUs, disks; empty before.
    """
    facts_at: str | None
    """
    When it did; null before.
    """
    credential: CredentialShown
    """
    How the host is logged in to.
    """
    status: NodeStatus | None
    """
    What the last reading of Kubernetes saw; null where it did not see it.
    """


class NodePart(TypedDict):
    """
    The fields that the request asked for.
    """

    name: NotRequired[str]
    """
    Its name, also in Kubernetes.
    """
    address: NotRequired[str]
    """
    Where SSH goes.
    """
    internal_address: NotRequired[str]
    """
    The address that the cluster's hosts use.
    """
    port: NotRequired[int]
    """
    Number of its SSH port.
    """
    user: NotRequired[str]
    """
    The user that is logged in.
    """
    role_groups: NotRequired[list[str]]
    """
    etcd, control-plane, worker, registry, storage.
    """
    arch: NotRequired[str]
    """
    Its architecture, amd64 or arm64.
    """
    labels: NotRequired[dict[str, str]]
    """
    Labels that its Kubernetes node is given.
    """
    host_key_fingerprint: NotRequired[str | None]
    """
    SHA256:... of the pinned key, or null.
    """
    jump: NotRequired[str | None]
    """
    The host that it is reached through; null where it is reached directly.
    """
    facts: NotRequired[dict[str, Any]]
    """
    What the last preflight read: CPUs, memory, system, GPUs, disks; empty before.
    """
    facts_at: NotRequired[str | None]
    """
    When it did; null before.
    """
    credential: NotRequired[CredentialShown]
    """
    How the host is logged in to.
    """
    status: NotRequired[NodeStatus | None]
    """
    What the last reading of Kubernetes saw; null where it did not see it.
    """


class Operation(TypedDict):
    """
    An operation.
    """

    id: str
    """
    Its id.
    """
    cluster: ClusterName
    """
    The cluster that it is done to.
    """
    kind: OperationKind
    """
    What is done.
    """
    params: dict[str, Any]
    """
    Its parameters, as they were asked for.
    """
    dry_run: bool
    """
    Whether it only asks what is true already.
    """
    state: OperationState
    """
    How far it is.
    """
    attempt: int
    """
    Number of the attempt, from 1; each retry counts one up.
    """
    progress: float
    """
    How much is done, in per cent.
    """
    error: Failure
    """
    The first failure; empty while there is none.
    """
    requested_by: str
    """
    The customer and the prefix of the access key, or the operator.
    """
    notes: list[str]
    """
    Sentences about its plan, for people.
    """
    created_at: str
    """
    When it was asked for.
    """
    started_at: str | None
    """
    When it began; null before.
    """
    finished_at: str | None
    """
    When it ended; null before.
    """
    event_seq: int
    """
    The number of the last event; a stream may begin after it.
    """


class OperationPart(TypedDict):
    """
    The fields that the request asked for.
    """

    id: NotRequired[str]
    """
    Its id.
    """
    cluster: NotRequired[ClusterName]
    """
    The cluster that it is done to.
    """
    kind: NotRequired[OperationKind]
    """
    What is done.
    """
    params: NotRequired[dict[str, Any]]
    """
    Its parameters, as they were asked for.
    """
    dry_run: NotRequired[bool]
    """
    Whether it only asks what is true already.
    """
    state: NotRequired[OperationState]
    """
    How far it is.
    """
    attempt: NotRequired[int]
    """
    Number of the attempt, from 1; each retry counts one up.
    """
    progress: NotRequired[float]
    """
    How much is done, in per cent.
    """
    error: NotRequired[Failure]
    """
    The first failure; empty while there is none.
    """
    requested_by: NotRequired[str]
    """
    The customer and the prefix of the access key, or the operator.
    """
    notes: NotRequired[list[str]]
    """
    Sentences about its plan, for people.
    """
    created_at: NotRequired[str]
    """
    When it was asked for.
    """
    started_at: NotRequired[str | None]
    """
    When it began; null before.
    """
    finished_at: NotRequired[str | None]
    """
    When it ended; null before.
    """
    event_seq: NotRequired[int]
    """
    The number of the last event; a stream may begin after it.
    """


class Overview(TypedDict):
    """
    All clusters of a customer.
    """

    states: dict[str, int]
    """
    How many clusters are in each state; states without any are left out.
    """
    hosts: int
    """
    How many hosts all clusters have.
    """
    active_operations: int
    """
    How many operations are under way.
    """
    results: list[ClusterGlance]
    """
    Every cluster, by name.
    """


class PaginatedAccessKeyList(TypedDict):
    """
    A page of a list.
    """

    next: str | None
    """
    Address of the next page; null on the last.
    """
    previous: str | None
    """
    Address of the page before; null on the first.
    """
    results: list[AccessKey]
    """
    The rows of this page, in the list's order.
    """


class PaginatedBackupList(TypedDict):
    """
    A page of a list.
    """

    next: str | None
    """
    Address of the next page; null on the last.
    """
    previous: str | None
    """
    Address of the page before; null on the first.
    """
    results: list[Backup | BackupPart]
    """
    The rows of this page, in the list's order.
    """


class PaginatedClusterWithOperationList(TypedDict):
    """
    A page of a list.
    """

    next: str | None
    """
    Address of the next page; null on the last.
    """
    previous: str | None
    """
    Address of the page before; null on the first.
    """
    results: list[ClusterWithOperation | ClusterWithOperationPart]
    """
    The rows of this page, in the list's order.
    """


class PaginatedComponentList(TypedDict):
    """
    A page of a list.
    """

    next: str | None
    """
    Address of the next page; null on the last.
    """
    previous: str | None
    """
    Address of the page before; null on the first.
    """
    results: list[Component | ComponentPart]
    """
    The rows of this page, in the list's order.
    """


class PaginatedDeliveryList(TypedDict):
    """
    A page of a list.
    """

    next: str | None
    """
    Address of the next page; null on the last.
    """
    previous: str | None
    """
    Address of the page before; null on the first.
    """
    results: list[Delivery]
    """
    The rows of this page, in the list's order.
    """


class PaginatedHealthEventList(TypedDict):
    """
    A page of a list.
    """

    next: str | None
    """
    Address of the next page; null on the last.
    """
    previous: str | None
    """
    Address of the page before; null on the first.
    """
    results: list[HealthEvent | HealthEventPart]
    """
    The rows of this page, in the list's order.
    """


class PaginatedNodeList(TypedDict):
    """
    A page of a list.
    """

    next: str | None
    """
    Address of the next page; null on the last.
    """
    previous: str | None
    """
    Address of the page before; null on the first.
    """
    results: list[Node | NodePart]
    """
    The rows of this page, in the list's order.
    """


class PaginatedOperationList(TypedDict):
    """
    A page of a list.
    """

    next: str | None
    """
    Address of the next page; null on the last.
    """
    previous: str | None
    """
    Address of the page before; null on the first.
    """
    results: list[Operation | OperationPart]
    """
    The rows of this page, in the list's order.
    """


class PaginatedWebhookList(TypedDict):
    """
    A page of a list.
    """

    next: str | None
    """
    Address of the next page; null on the last.
    """
    previous: str | None
    """
    Address of the page before; null on the first.
    """
    results: list[Webhook]
    """
    The rows of this page, in the list's order.
    """


class PatchedKeyChangeRequest(TypedDict):
    """
    Changes of a key; what is left out stays.
    """

    name: NotRequired[str]
    """
    What it is for.
    """
    scope: NotRequired[Scope]
    """
    What it may do.
    """
    expires_at: NotRequired[str | None]
    """
    When it ends; null for never.
    """
    force: NotRequired[bool]
    """
    Also where it is the last one of scope admin.
    """


class Problem(TypedDict):
    """
    What went wrong (RFC 9457). Decide by `type`; show `detail` and `hint`.
    """

    type: ProblemType
    """
    Stable name of the kind of problem.
    """
    title: str
    """
    The kind of problem in words.
    """
    status: int
    """
    The HTTP status, a number.
    """
    detail: str
    """
    What is wrong this time; may be empty.
    """
    instance: str
    """
    The path of the request.
    """
    hint: str
    """
    What to do; may be empty.
    """
    errors: list[FieldError]
    """
    What is wrong with each field; empty where no field is to blame.
    """


class RegisteredCluster(TypedDict):
    """
    A cluster that was registered.
    """

    id: str
    """
    Its id.
    """
    name: str
    """
    Its name, which no other of your clusters has.
    """
    description: str
    """
    For people.
    """
    state: ClusterState
    """
    Follows operations and health.
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
    Number of its port.
    """
    internal_load_balancer: LoadBalancer | Blank
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
    """
    drift_hours: int
    """
    Hours between two looks for what is no longer as installed; 0 for never.
    """
    backup_hours: int
    """
    Hours between two backups of etcd on the etcd hosts; 0 for never.
    """
    backup_store: BackupStore | Blank
    """
    Where backups of etcd are copied to: `directory` of the service, `s3`, or empty for nowhere.
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
    """
    How many of its components are healthy.
    """
    cpod_id: str
    """
    The platform's id of this cluster, known after the installation.
    """
    kubernetes_uid: str
    """
    The uid of its namespace kube-system, of an imported cluster.
    """
    imported: dict[str, Any]
    """
    What an import found besides: releases, nodes, Ceph; empty for others.
    """
    checked_at: str | None
    """
    When it was last read; null before.
    """
    created_at: str
    """
    When it was registered.
    """
    updated_at: str
    """
    When it was last changed.
    """
    active_operation: ActiveOperation | None
    """
    What is under way; null where nothing is.
    """
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
    """
    Number of its place in the plan, from 0.
    """
    title: str
    """
    The step in words.
    """
    after: list[str]
    """
    Keys of the steps that it waits for.
    """
    state: StepState
    """
    How far it is.
    """
    outcome: Outcome | Blank
    """
    What came of it; empty until then.
    """
    attempt: int
    """
    Number of the attempt, from 1; each retry counts one up.
    """
    tries: int
    """
    How many tries have failed since it was last asked for.
    """
    progress: float
    """
    How much is done, in per cent.
    """
    note: str
    """
    What it is doing or waiting for; may be empty.
    """
    weight: float
    """
    How long it is expected to take, in seconds.
    """
    started_at: str | None
    """
    When it began; null before.
    """
    finished_at: str | None
    """
    When it ended; null before.
    """
    last_output_at: str | None
    """
    When a host last wrote something; null before.
    """
    error: Failure
    """
    Why it failed; empty otherwise.
    """
    result: dict[str, Any]
    """
    What it found out; which fields, depends on the step.
    """
    hosts: list[Job]
    """
    The step on each of its hosts.
    """


class StreamedEnd(TypedDict):
    """
    The data of the event `end`: there will be no more. Do not connect again.
    """

    state: StreamedState
    """
    How the operation ended.
    """


StreamedFeed: TypeAlias = ChangeOfState | StreamedNow
"""
The data of any event of the stream of changes.
"""


class WhoAmI(TypedDict):
    """
    The caller.
    """

    access_key: KeyShown
    """
    The key of this request.
    """
    customer: CustomerShown
    """
    Whose it is.
    """
    limits: Limits
    """
    What it may have.
    """
    usage: Usage
    """
    What it has.
    """
    version: str
    """
    The service's version.
    """


class AddedNode(TypedDict):
    """
    A host that was added.
    """

    name: str
    """
    Its name, also in Kubernetes.
    """
    address: str
    """
    Where SSH goes.
    """
    internal_address: str
    """
    The address that the cluster's hosts use.
    """
    port: int
    """
    Number of its SSH port.
    """
    user: str
    """
    The user that is logged in.
    """
    role_groups: list[str]
    """
    etcd, control-plane, worker, registry, storage.
    """
    arch: str
    """
    Its architecture, amd64 or arm64.
    """
    labels: dict[str, str]
    """
    Labels that its Kubernetes node is given.
    """
    host_key_fingerprint: str | None
    """
    SHA256:... of the pinned key, or null.
    """
    jump: str | None
    """
    The host that it is reached through; null where it is reached directly.
    """
    facts: dict[str, Any]
    """
    What the last preflight read: CPUs, memory, system, GPUs, disks; empty before.
    """
    facts_at: str | None
    """
    When it did; null before.
    """
    credential: CredentialShown
    """
    How the host is logged in to.
    """
    status: NodeStatus | None
    """
    What the last reading of Kubernetes saw; null where it did not see it.
    """
    findings: list[Finding]
    """
    What was repaired, and warnings.
    """


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
    How long ago, in seconds.
    """
    origin: CephOrigin
    """
    Ceph's toolbox, or Rook's resource alone.
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
    """
    Health checks that Ceph raises.
    """
    slow_ops: int
    """
    How many requests have waited too long.
    """
    capacity: CephCapacity
    """
    Raw capacity.
    """
    hosts: list[CephHost]
    """
    The storage hosts with their disks.
    """
    mons: list[CephMonitor]
    """
    The monitors.
    """
    manager: str
    """
    The active one; empty where none is.
    """
    standbys: int
    """
    How many managers would take over.
    """
    placement_groups: CephGroups
    """
    The pieces in which Ceph keeps data.
    """
    pools: list[CephPool]
    """
    The pools.
    """
    versions: dict[str, dict[str, int]]
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
    """
    The hosts that were added; empty where all were there.
    """
    findings: list[Finding]
    """
    What was repaired in the configuration, and warnings.
    """


class OperationDetail(TypedDict):
    """
    An operation with its steps.
    """

    id: str
    """
    Its id.
    """
    cluster: ClusterName
    """
    The cluster that it is done to.
    """
    kind: OperationKind
    """
    What is done.
    """
    params: dict[str, Any]
    """
    Its parameters, as they were asked for.
    """
    dry_run: bool
    """
    Whether it only asks what is true already.
    """
    state: OperationState
    """
    How far it is.
    """
    attempt: int
    """
    Number of the attempt, from 1; each retry counts one up.
    """
    progress: float
    """
    How much is done, in per cent.
    """
    error: Failure
    """
    The first failure; empty while there is none.
    """
    requested_by: str
    """
    The customer and the prefix of the access key, or the operator.
    """
    notes: list[str]
    """
    Sentences about its plan, for people.
    """
    created_at: str
    """
    When it was asked for.
    """
    started_at: str | None
    """
    When it began; null before.
    """
    finished_at: str | None
    """
    When it ended; null before.
    """
    event_seq: int
    """
    The number of the last event; a stream may begin after it.
    """
    steps: list[Step]
    """
    Its steps, in the order of the plan.
    """


class OperationDetailPart(TypedDict):
    """
    The fields that the request asked for.
    """

    id: NotRequired[str]
    """
    Its id.
    """
    cluster: NotRequired[ClusterName]
    """
    The cluster that it is done to.
    """
    kind: NotRequired[OperationKind]
    """
    What is done.
    """
    params: NotRequired[dict[str, Any]]
    """
    Its parameters, as they were asked for.
    """
    dry_run: NotRequired[bool]
    """
    Whether it only asks what is true already.
    """
    state: NotRequired[OperationState]
    """
    How far it is.
    """
    attempt: NotRequired[int]
    """
    Number of the attempt, from 1; each retry counts one up.
    """
    progress: NotRequired[float]
    """
    How much is done, in per cent.
    """
    error: NotRequired[Failure]
    """
    The first failure; empty while there is none.
    """
    requested_by: NotRequired[str]
    """
    The customer and the prefix of the access key, or the operator.
    """
    notes: NotRequired[list[str]]
    """
    Sentences about its plan, for people.
    """
    created_at: NotRequired[str]
    """
    When it was asked for.
    """
    started_at: NotRequired[str | None]
    """
    When it began; null before.
    """
    finished_at: NotRequired[str | None]
    """
    When it ended; null before.
    """
    event_seq: NotRequired[int]
    """
    The number of the last event; a stream may begin after it.
    """
    steps: NotRequired[list[Step]]
    """
    Its steps, in the order of the plan.
    """


Streamed: TypeAlias = StreamedOperation | StreamedStep | StreamedJob | StreamedLog | StreamedEnd
"""
The data of any event of an operation's stream.
"""
