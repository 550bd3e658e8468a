"""An S3-compatible store. An upload in parts is no object before it is completed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from clusters import reach
from clusters.models import Cluster
from tasks.stores.base import PIECE, Store, StoreFailed

CONNECT, READ = 10, 60  # seconds


class S3(Store):
    kind = "s3"

    def __init__(self, cluster: Cluster) -> None:
        needed = ("backup_endpoint", "backup_bucket", "backup_access_key", "backup_secret_key")
        if missing := [name for name in needed if not getattr(cluster, name)]:
            raise StoreFailed(
                f"The S3 store of {cluster.name} is not wholly described.", f"Set {', '.join(missing)} of the cluster."
            )
        self._bucket = cluster.backup_bucket
        self._prefix = "/".join(filter(None, (cluster.backup_prefix.strip("/"), str(cluster.pk), "")))
        self.address = f"s3://{self._bucket}/{self._prefix}".rstrip("/")
        self._endpoint = cluster.backup_endpoint
        self._client = _client(cluster)

    def add(self, name: str, offset: int, data: bytes, memory: dict[str, Any]) -> None:
        key = {"Bucket": self._bucket, "Key": self._prefix + name}
        with self._said(f"does not take {name}"):
            if "upload" not in memory:
                memory["upload"], memory["etags"] = self._client.create_multipart_upload(**key)["UploadId"], []
            number = offset // PIECE + 1
            said = self._client.upload_part(**key, UploadId=memory["upload"], PartNumber=number, Body=data)
            memory["etags"] = [*memory["etags"][: number - 1], said["ETag"]]

    def complete(self, name: str, memory: dict[str, Any]) -> None:
        parts = [{"PartNumber": n, "ETag": etag} for n, etag in enumerate(memory["etags"], 1)]
        with self._said(f"does not complete {name}"):
            self._client.complete_multipart_upload(
                Bucket=self._bucket,
                Key=self._prefix + name,
                UploadId=memory["upload"],
                MultipartUpload={"Parts": parts},
            )
        memory.pop("upload")

    def abandon(self, name: str, memory: dict[str, Any]) -> None:
        if upload := memory.pop("upload", ""):
            with suppress(StoreFailed), self._said(""):
                self._client.abort_multipart_upload(Bucket=self._bucket, Key=self._prefix + name, UploadId=upload)

    def read(self, name: str, offset: int, length: int) -> bytes:
        with self._said(f"does not give {name}"):
            said = self._client.get_object(
                Bucket=self._bucket, Key=self._prefix + name, Range=f"bytes={offset}-{offset + length - 1}"
            )
            return bytes(said["Body"].read())

    def size(self, name: str) -> int:
        with self._said(f"does not have {name}"):
            return int(self._client.head_object(Bucket=self._bucket, Key=self._prefix + name)["ContentLength"])

    def put(self, name: str, data: bytes) -> None:
        with self._said(f"does not take {name}"):
            self._client.put_object(Bucket=self._bucket, Key=self._prefix + name, Body=data)

    def names(self) -> Iterator[str]:
        with self._said("does not list its objects"):
            pages = self._client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix):
                yield from (one["Key"].removeprefix(self._prefix) for one in page.get("Contents", ()))

    def delete(self, name: str) -> None:
        with self._said(f"does not delete {name}"):
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + name)

    @contextmanager
    def _said(self, what: str) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except ClientError as error:
            said = error.response.get("Error", {})
            code = said.get("Code") or "no code"
            raise StoreFailed(
                f"The store at {self._endpoint} {what} in {self._bucket}: {code}.",
                "Check the bucket's name and the key's rights: put, get, list, delete, abort of multipart uploads.",
            ) from error
        except (BotoCoreError, OSError) as error:
            cause = error.kwargs.get("error") if isinstance(error, BotoCoreError) else None
            if isinstance(cause, reach.Refused):
                raise StoreFailed(f"backup_endpoint {self._endpoint}: {cause.message}", cause.fix) from error
            raise StoreFailed(
                f"The store at {self._endpoint} {what}: {type(error).__name__}.",
                "Check the address and that the workers reach it; then retry.",
            ) from error


def _client(cluster: Cluster) -> Any:
    # Imported late: it costs every process some 20 MiB, and few clusters have such a store.
    from boto3.session import Session
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    # Path style and no checksums of its own: what stores other than Amazon's understand.
    config = Config(
        connect_timeout=CONNECT,
        read_timeout=READ,
        retries={"max_attempts": 3, "mode": "standard"},
        s3={"addressing_style": "path"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    try:
        client = Session(cluster.backup_access_key, cluster.backup_secret_key).client(
            "s3",
            region_name=cluster.backup_region or "us-east-1",
            endpoint_url=cluster.backup_endpoint,
            config=config,
        )
    except (BotoCoreError, ValueError) as error:
        raise StoreFailed(f"backup_endpoint {cluster.backup_endpoint} cannot be used.", "Give a URL.") from error
    # A proxy of the operator's, if there is one, has pools of its own.
    pools = client._endpoint.http_session._manager
    pools.pool_classes_by_scheme = reach.guarded(pools.pool_classes_by_scheme)
    return client
