"""Backups of a cluster's etcd."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from clusters.api.base import OfCluster
from clusters.api.pagination import Orders, Pages
from clusters.api.showing import sparse
from clusters.models import Backup


class BackupSerializer(serializers.ModelSerializer[Backup]):
    """A snapshot of etcd on a host, or its copy in a store."""

    members = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="Peer addresses of etcd's members of then."
    )
    EXAMPLES = {
        "store": "host",
        "host": "master1",
        "directory": "/var/backups/sanqian",
        "name": "etcd-20261124T031500Z.db",
        "size": 34603040,
        "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "revision": 48213,
        "keys": 1873,
        "etcd_version": "3.5.4",
        "kubernetes_version": "v1.24.3",
        "members": ["https://192.168.2.1:2380"],
        "taken_at": "2026-11-24T03:15:00Z",
    }

    class Meta:
        model = Backup
        fields = ["store", "host", "directory", "name", "size", "sha256", "revision", "keys"]
        fields += ["etcd_version", "kubernetes_version", "members", "taken_at"]
        read_only_fields = fields
        extra_kwargs = {
            "name": {"help_text": "Its name; the operation `restore` takes it as `backup`."},
            "size": {"help_text": "Its size in bytes."},
            "sha256": {"help_text": "SHA-256 of the file, 64 hex digits."},
            "revision": {"help_text": "Number of etcd's revision when it was taken."},
            "keys": {"help_text": "How many keys it holds."},
            "etcd_version": {"help_text": "Version of etcd of then."},
            "kubernetes_version": {"help_text": "Version of Kubernetes of then."},
            "taken_at": {"help_text": "When it was taken."},
        }


class Backups(OfCluster):
    """What was backed up."""

    queryset = Backup.objects.all()
    serializer_class = BackupSerializer
    pagination_class = Pages
    orders = Orders("-taken_at", ("taken_at", "host", "size"))

    @extend_schema(summary="List backups, newest first", parameters=[sparse(BackupSerializer)])
    def list(self, request: Request, **_: str) -> Response:
        """As the last operation `backup` found them on the hosts."""
        return self.page()
