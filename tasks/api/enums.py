"""What each value of each enum of the API means. The schema names the enums by `SPECTACULAR_SETTINGS`."""

from __future__ import annotations

from collections.abc import Mapping

from tasks.plans import PLANS
from tasks.webhooks.events import ABOUT, PING

EVENT_TYPES = {str(kind): about for kind, about in ABOUT.items()}
MEANINGS: Mapping[str, Mapping[str, str]] = {
    "ClusterState": {
        "registered": "It is known; nothing was done on its hosts.",
        "installing": "An operation installs it.",
        "ready": "It is installed and healthy.",
        "degraded": "It is installed, and a part of it is not healthy.",
        "failed": "The operation that was to install or to remove it failed.",
        "uninstalling": "An operation removes it from its hosts.",
        "removed": "It was removed from its hosts.",
    },
    "HealthState": {
        "healthy": "It does what it is there for.",
        "progressing": "It is on its way, and not late.",
        "degraded": "It works, with less than it ought to have.",
        "unhealthy": "It does not work.",
        "unknown": "It was not read, or too long ago.",
        "absent": "It is not installed.",
    },
    "OperationState": {
        "queued": "It is stored and will begin.",
        "running": "Its steps are being done.",
        "cancelling": "It was cancelled; what runs on hosts is being ended.",
        "succeeded": "All steps are done.",
        "failed": "A step failed; `error` says which and why. It may be retried.",
        "cancelled": "It was cancelled and nothing of it runs any more. It may be retried.",
    },
    "StepState": {
        "pending": "It waits for other steps.",
        "ready": "It may begin.",
        "running": "It is being done.",
        "succeeded": "It is done.",
        "failed": "It failed.",
        "skipped": "An operator left it out.",
        "cancelled": "It was cancelled.",
    },
    "JobState": {
        "pending": "The host has not started it.",
        "running": "It runs on the host.",
        "succeeded": "It ended with exit code 0.",
        "failed": "It ended otherwise, or could not be started, or took too long.",
        "lost": "The host no longer knows of it.",
        "cancelled": "It was cancelled.",
    },
    "Outcome": {
        "changed": "It has changed something.",
        "already": "All was true before.",
        "would-change": "A dry run: it would change something.",
        "checked": "It only looks.",
        "unknown": "A dry run could not tell.",
    },
    "JobPhase": {
        "probe": "It asks whether all is true already.",
        "apply": "It makes it true.",
        "verify": "It proves that it is true.",
    },
    "StreamedState": {
        "succeeded": "All steps are done.",
        "failed": "A step failed.",
        "cancelled": "It was cancelled.",
        "deleted": "The cluster was taken out of the registry, and the operation with it.",
    },
    "LogLevel": {
        "debug": "Everything, for finding a fault.",
        "info": "What happens.",
        "warn": "What may become a fault.",
        "error": "Faults alone.",
    },
    "BackupStore": {
        "directory": "A directory of the service.",
        "s3": "A bucket of an S3-compatible store.",
    },
    "BackupPlace": {
        "host": "The etcd host that took it.",
        "directory": "A directory of the service.",
        "s3": "A bucket of an S3-compatible store.",
    },
    "LoadBalancer": {
        "haproxy": "HAProxy on each worker.",
        "kube-vip": "A virtual address of the control plane's hosts.",
    },
    "CredentialKind": {"key": "A private key.", "password": "A password."},
    "ComponentKind": {"helm": "Installed by Helm from a chart.", "manifest": "Installed from manifests."},
    "InstalledKind": {
        "helm": "Installed by Helm from a chart.",
        "manifest": "Installed from manifests.",
        "builtin": "A part of Kubernetes, or of what watches over it.",
    },
    "FindingLevel": {
        "error": "It forbids the configuration.",
        "warning": "It may be meant so.",
        "repair": "It was put right; look whether it is what you meant.",
    },
    "CephSeverity": {"HEALTH_WARN": "Ceph works.", "HEALTH_ERR": "Data or writing is in danger."},
    "CephOrigin": {
        "toolbox": "Ceph's own answers, through Rook's toolbox.",
        "resource": "Rook's resource, which knows no OSDs, monitors, pools and placement groups.",
    },
    "HealthSubject": {
        "component": "A component of the platform.",
        "node": "A node of Kubernetes.",
        "cluster": "The whole cluster.",
        "ceph": "A health check of Ceph.",
    },
    "Scope": {
        "read": "It looks.",
        "operate": "It also registers clusters, changes them and starts operations.",
        "admin": "It also does what hands out power over the hosts, or cannot be undone.",
    },
    "QueueName": {
        "control": "Operations move on.",
        "provision": "Steps are done on hosts.",
        "health": "Clusters are looked at.",
        "webhooks": "Webhooks are told of events.",
    },
    "EventTypeName": EVENT_TYPES,
    "DeliveredEventType": {**EVENT_TYPES, PING: "A test that somebody asked for."},
    "WebhookDeliveryState": {
        "pending": "It will be sent, for the first time or again.",
        "succeeded": "It was taken.",
        "failed": "It was given up.",
    },
    "OperationKind": {kind: plan.title + "." for kind, plan in PLANS.items()},
    "InstallPhase": {
        "preflight": "Check the hosts.",
        "ssh-trust": "Let the hosts reach each other.",
        "artifact": "Bring the offline artifact.",
        "configuration": "Write the configuration that kk takes.",
        "packages": "Install the systems' packages.",
        "registry": "Install the registry.",
        "images": "Push the images.",
        "kubernetes": "Install Kubernetes.",
        "platform-info": "Write what the platform knows itself by.",
        "coredns": "Let the cluster find the registry.",
        "charts": "Push the charts.",
        "package-source": "Serve the packages that nodes need later.",
        "components": "Install the components.",
        "verify": "Prove that all is healthy.",
    },
    "FailedUpgrade": {
        "rollback": "Back to the revision before.",
        "keep": "Left as it is.",
    },
    "CephStorageClass": {
        "ceph-block": "Volumes of blocks, each for one pod.",
        "ceph-filesystem": "Volumes in a file system, for many pods at once.",
    },
}


def described(name: str) -> str:
    """The description of an enum, as a list of its values."""
    return "\n".join(f"* `{value}` - {meaning}" for value, meaning in MEANINGS.get(name, {}).items())
