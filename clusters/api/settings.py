"""The platform's settings as fields of a cluster, flat."""

from __future__ import annotations

import re
from typing import Any

from rest_framework import serializers

from clusters import reach
from clusters.api.fields import Strict
from clusters.ceph.external import key_fault
from clusters.inventory import LOAD_BALANCERS
from clusters.inventory.mapping import OTHER_SETTINGS, SETTINGS
from clusters.models import Cluster

CONTROL = re.compile(r"[\x00-\x1f\x7f]")
SECRET_SETTINGS = ("registry_password", "ceph_key", "backup_access_key", "backup_secret_key")
SHOWN_SETTINGS = tuple(name for name in (*SETTINGS, *OTHER_SETTINGS) if name not in SECRET_SETTINGS)
HELP = {
    "kubernetes_version": "Version of Kubernetes, with its v.",
    "container_manager": "containerd, docker, crio or isula.",
    "network_plugin": "calico, flannel, cilium, kubeovn, hybridnet or none.",
    "pod_cidr": "Addresses of the pods; IPv4 and IPv6 with a comma between.",
    "service_cidr": "Addresses of the services.",
    "control_plane_domain": "Name under which the hosts know the API server.",
    "control_plane_address": "Its address; empty for the first control-plane host or the internal load balancer.",
    "control_plane_port": "Number of its port.",
    "internal_load_balancer": "haproxy, kube-vip or empty.",
    "private_registry": "Host of the private registry.",
    "registry_namespace": "Project in the registry.",
    "registry_type": "harbor or registry.",
    "registry_user": "Login of the registry; empty for the platform's own.",
    "registry_password": "Its password. Never shown.",
    "api_address": "API address of the cloud that the platform reports to.",
    "storage_class": "The platform's default storage class.",
    "object_store_bucket": "Bucket of the platform's object store.",
    "log_level": "How much the platform's agents log.",
    "backup_hours": "Hours between two backups of etcd on the etcd hosts; 0 for never.",
    "ceph_key": "Key of the external Ceph's user, as `ceph auth get-key` prints it. Never shown.",
    "backup_store": "Where backups of etcd are copied to: `directory` of the service, `s3`, or empty for nowhere.",
    "backup_endpoint": "URL of the S3-compatible store.",
    "backup_region": "Its region; empty for us-east-1, which most other than Amazon's take.",
    "backup_bucket": "Bucket in it.",
    "backup_prefix": "What the names of objects begin with, before the cluster's id.",
    "backup_access_key": "Access key of the store. Never shown.",
    "backup_secret_key": "Secret key of the store. Never shown.",
    "drift_hours": "Hours between two looks for what is no longer as installed; 0 for never.",
}
SETTINGS_EXAMPLES: dict[str, Any] = {
    "kubernetes_version": "v1.24.3",
    "container_manager": "containerd",
    "network_plugin": "calico",
    "pod_cidr": "10.233.64.0/18",
    "service_cidr": "10.233.0.0/18",
    "control_plane_domain": "lb.kubesphere.local",
    "control_plane_address": "192.168.2.1",
    "control_plane_port": 6443,
    "internal_load_balancer": "haproxy",
    "private_registry": "dockerhub.kubekey.local",
    "registry_namespace": "kubesphereio",
    "registry_type": "harbor",
    "registry_user": "admin",
    "registry_password": "***",
    "api_address": "https://cloud.example.com",
    "storage_class": "ceph-filesystem",
    "object_store_bucket": "models",
    "log_level": "info",
    "backup_hours": 24,
    "ceph_key": "AQBhV7xlAAAAABAAq0Y1d2lOZ1ZtVGJ6ZWtSdA==",
    "backup_store": "s3",
    "backup_endpoint": "https://s3.example.com",
    "backup_region": "us-east-1",
    "backup_bucket": "etcd-backups",
    "backup_prefix": "sanqian/",
    "backup_access_key": "***",
    "backup_secret_key": "***",
    "drift_hours": 24,
}
# Closed sets alone: of the other settings, values that are not known are warned of and taken.
SETTINGS_CHOICES = {"internal_load_balancer": ("", *LOAD_BALANCERS)}
EXTRA: dict[str, dict[str, Any]] = {name: {"help_text": text} for name, text in HELP.items()}
for _name in SECRET_SETTINGS:
    EXTRA[_name] = {**EXTRA[_name], "required": False, "write_only": True}


def _secret(name: str) -> serializers.CharField:
    return serializers.CharField(
        required=False, allow_blank=True, write_only=True, max_length=500, help_text=HELP[name]
    )


class SettingsSerializer(Strict, serializers.ModelSerializer[Cluster]):
    """Settings, each optional."""

    EXAMPLES = SETTINGS_EXAMPLES
    CHOICES = SETTINGS_CHOICES

    registry_password = _secret("registry_password")
    backup_access_key = _secret("backup_access_key")
    backup_secret_key = _secret("backup_secret_key")
    ceph_key = _secret("ceph_key")

    def validate_ceph_key(self, value: str) -> str:
        """Only its form: whose key it is the monitors tell."""
        if value and (fault := key_fault(value)):
            raise serializers.ValidationError(f"{fault} Send what `ceph auth get-key client.NAME` prints.")
        return value

    def validate_backup_endpoint(self, value: str) -> str:
        """An address of HTTP that the service may connect to, as far as it can be told without asking a resolver."""
        if value and not value.lower().startswith(("https://", "http://")):
            raise serializers.ValidationError("Write it as https://s3.example.com.")
        try:
            reach.check_url(value)
        except reach.Refused as error:
            raise serializers.ValidationError(str(error)) from error
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """One line each: they go into files and requests whose lines mean something."""
        broken = [name for name, value in attrs.items() if isinstance(value, str) and CONTROL.search(value)]
        if broken:
            raise serializers.ValidationError(dict.fromkeys(broken, "It holds control characters. Write one line."))
        return super().validate(attrs)

    class Meta:
        model = Cluster
        fields = [*SETTINGS, *OTHER_SETTINGS]
        extra_kwargs = {name: EXTRA[name] for name in SHOWN_SETTINGS}
