"""Where copies of snapshots are kept off the etcd hosts: a directory of the service, or an S3-compatible store."""

from __future__ import annotations

from clusters.models import Cluster
from tasks.stores.base import Store, StoreFailed
from tasks.stores.directory import Directory
from tasks.stores.s3 import S3

__all__ = ["Store", "StoreFailed", "of"]


def of(cluster: Cluster) -> Store:
    """The cluster's store. Raises `StoreFailed` where it has none, or one that is not wholly described."""
    if cluster.backup_store == "directory":
        return Directory(cluster)
    if cluster.backup_store == "s3":
        return S3(cluster)
    raise StoreFailed(f"Cluster {cluster.name} has no backup store.", "Set backup_store to `directory` or `s3`.")
