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

    class Meta:
        model = Backup
        fields = ["store", "host", "directory", "name", "size", "sha256", "revision", "keys"]
        fields += ["etcd_version", "kubernetes_version", "members", "taken_at"]
        read_only_fields = fields
        extra_kwargs = {"size": {"help_text": "Bytes."}, "keys": {"help_text": "How many keys it holds."}}


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
