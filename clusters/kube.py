"""One live cluster seen through its kubeconfig, read only. The only user of the kubernetes package.

The package's transport is used with raw JSON: turning thousands of pods into its model objects costs more than
reading them. The API server is a stranger: answers are bounded in size and time, redirects are not followed.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import ssl
import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import urllib3
from kubernetes.client import ApiClient, Configuration
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ReadTimeoutError,
    SSLError,
)

from clusters import kubeconfig, reach, readings
from clusters.catalog import Catalog, ObjectRule
from clusters.kubeconfig import Access, KubeconfigError, KubeError
from clusters.snapshot import ClusterSnapshot

JSON = Any
T = TypeVar("T")
PAGE = 500  # objects a request
LARGEST_ANSWER = 64 * 1024 * 1024  # bytes of one page
LARGEST_LIST = 50_000  # objects of one kind
EVENTS = 2_000
_METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
_WORKLOADS = {"deployment": "deployments", "statefulset": "statefulsets", "daemonset": "daemonsets"}


class KubeUnreachable(KubeError):
    """The API server does not answer. `kind`: dns, refused, timeout, tls, dropped, no-route, refused-address."""


class KubeUnauthorized(KubeError):
    """The API server refuses the kubeconfig's user."""


class Kube:
    """A cluster's API, for one thread at a time. Close it, or use it as a context manager.

    `server` is another URL of the same API server, such as a tunnel's end; its certificate is checked for
    `tls_server_name`, or else for the name in the kubeconfig. Times are in seconds: `connect` and `read` for each
    answer, `whole` for a snapshot.
    """

    def __init__(
        self,
        config: str | Access,
        *,
        server: str = "",
        tls_server_name: str = "",
        connect: float = 5,
        read: float = 20,
        whole: float = 60,
    ) -> None:
        """Raises `KubeconfigError`. Connects to nothing yet."""
        access = kubeconfig.parse(config) if isinstance(config, str) else config
        self.access = access.at(server) if server else access
        self._timeout, self._whole = (connect, read), whole
        self._clock: datetime | None = None
        settings = Configuration()
        settings.host = self.access.server
        self._api = ApiClient(settings)
        # Its own pool would read the environment's proxy and take certificates from files only.
        self._api.rest_client.pool_manager = urllib3.PoolManager(
            num_pools=1,
            retries=False,
            ssl_context=_tls(self.access),
            server_hostname=tls_server_name or self.access.tls_server_name or self.access.host,
        )
        if not server:  # one that is given is the service's own choice
            pools = self._api.rest_client.pool_manager
            pools.pool_classes_by_scheme = reach.guarded(pools.pool_classes_by_scheme)

    def __enter__(self) -> Kube:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close its connections."""
        self._api.rest_client.pool_manager.clear()

    # What it tells

    def version(self) -> str:
        """Kubernetes' version, such as ``v1.24.3``. Raises `KubeError`."""
        return str(self._get("/version").get("gitVersion", ""))

    def snapshot(self, catalog: Catalog) -> ClusterSnapshot:
        """What the cluster looks like now, as far as `catalog` asks.

        Nodes, pods and workloads must be readable, else `KubeError` is raised; what else is refused or missing
        stands in the snapshot's `unread`.
        """
        try:
            return self._snapshot(catalog, time.monotonic() + self._whole)
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
            raise KubeError(
                f"{self._where}: an object is not as Kubernetes describes it ({type(error).__name__}: {error}).",
                "Check that cluster.server in the kubeconfig is a Kubernetes API server.",
                kind="protocol",
            ) from error

    def pod_log_tail(
        self, namespace: str, pod: str, *, container: str = "", lines: int = 20, previous: bool = False
    ) -> str:
        """The last lines of a container's log, at most 64 KiB. Raises `KubeError`."""
        query = {"tailLines": str(lines), "limitBytes": str(64 * 1024)}
        if container:
            query["container"] = container
        if previous:
            query["previous"] = "true"
        path = f"/api/v1/namespaces/{quote(namespace, safe='')}/pods/{quote(pod, safe='')}/log"
        return self._raw(path, query, "*/*").decode(errors="replace")

    def read(self, path: str) -> dict[str, JSON] | None:
        """One object; None where there is none. Raises `KubeError`."""
        try:
            return self._get(path)
        except KubeError as error:
            if error.status == 404:
                return None
            raise

    def items(self, path: str, **query: str) -> list[JSON]:
        """All items of a list, within the time of a snapshot. Raises `KubeError`."""
        return self._list(path, time.monotonic() + self._whole, query=query)

    # How it asks

    def _snapshot(self, catalog: Catalog, until: float) -> ClusterSnapshot:
        unread: dict[str, str] = {}

        def optional(resource: str, read: Callable[[], T]) -> T | None:
            try:
                return read()
            except KubeUnreachable:
                raise
            except KubeError as error:
                unread[resource] = error.message
                return None

        taken_at = datetime.now(UTC)
        workloads = tuple(
            readings.workload_from(kind, item)
            for kind, plural in _WORKLOADS.items()
            for item in self._list(f"/apis/apps/v1/{plural}", until)
        )
        pods = tuple(map(readings.pod_from, self._list("/api/v1/pods", until)))
        nodes = tuple(map(readings.node_from, self._list("/api/v1/nodes", until)))
        warnings = {"fieldSelector": "type=Warning"}
        events = optional("events", lambda: self._list("/api/v1/events", until, most=EVENTS, query=warnings))
        helm = {"labelSelector": "owner=helm"}
        secrets = optional("secrets", lambda: self._list("/api/v1/secrets", until, names_only=True, query=helm))
        crds = optional("customresourcedefinitions", lambda: self._served(catalog.crds, until))
        endpoints = optional("endpoints", lambda: self._endpoints(catalog.webhooks))
        objects = {rule.key: optional(rule.key, partial(self._objects, rule, until)) for rule in catalog.objects}
        return ClusterSnapshot(
            taken_at=taken_at,
            clock=self._clock,
            version=self.version(),
            nodes=nodes,
            pods=pods,
            workloads=workloads,
            crds=crds or {},
            endpoints=endpoints or {},
            objects={key: items or () for key, items in objects.items()},
            events=tuple(map(readings.event_from, events or ())),
            releases=readings.releases_from(secrets or ()),
            unread=unread,
        )

    def _objects(self, rule: ObjectRule, until: float) -> list[JSON]:
        """The objects that `rule` is about; none where the cluster does not know their kind."""
        path = f"/{'api' if rule.api == 'v1' else 'apis'}/{rule.api}/{rule.resource}"
        try:
            return self._list(path, until, names_only=rule.names_only)
        except KubeError as error:
            if error.status == 404:
                return []
            raise

    def _served(self, crds: Collection[str], until: float) -> dict[str, bool]:
        """Which of the definitions are served. Discovery tells it in few bytes; the definitions are megabytes."""
        versions: dict[str, list[str]] = {}
        for group in self._get("/apis").get("groups") or ():
            versions[group.get("name", "")] = [v.get("groupVersion", "") for v in group.get("versions") or ()]
        plurals: dict[str, set[str]] = {}
        for group in {name.partition(".")[2] for name in crds}:
            found = plurals.setdefault(group, set())
            for version in versions.get(group, ()):
                self._in_time(until)
                found |= {r.get("name", "") for r in self._get(f"/apis/{version}").get("resources") or ()}
        return {name: name.partition(".")[0] in plurals[name.partition(".")[2]] for name in crds}

    def _endpoints(self, services: Iterable[tuple[str, str]]) -> dict[str, int]:
        found = {}
        for namespace, service in services:
            try:
                data = self._get(f"/api/v1/namespaces/{namespace}/endpoints/{service}")
            except KubeError as error:
                if error.status != 404:
                    raise
            else:
                name, ready = readings.endpoints_from(data)
                found[name] = ready
        return found

    def _list(
        self,
        path: str,
        until: float,
        *,
        query: Mapping[str, str] | None = None,
        most: int = LARGEST_LIST,
        names_only: bool = False,
    ) -> list[JSON]:
        """All items of a list, page by page; from the start once more when the pages' version has expired."""
        for limit in (PAGE, 0):
            items: list[JSON] = []
            page: Mapping[str, JSON] = {}
            while True:
                self._in_time(until)
                more = (page.get("metadata") or {}).get("continue") or ""
                asked = {
                    **(query or {}),
                    **({"limit": str(limit)} if limit else {}),
                    **({"continue": more} if more else {}),
                }
                try:
                    page = self._get(path, asked, _METADATA if names_only else "application/json")
                except KubeError as error:
                    if error.status == 410 and limit:
                        break
                    raise
                items += page.get("items") or ()
                if not (page.get("metadata") or {}).get("continue") or len(items) >= most:
                    return items[:most]
        raise KubeError(f"GET {path}: the list's version expired again and again.", kind="expired", status=410)

    def _in_time(self, until: float) -> None:
        if time.monotonic() > until:
            raise KubeUnreachable(
                f"{self._where}: reading the cluster took longer than {self._whole:g} s.",
                "Check the load of the API server and of the path to it.",
                kind="timeout",
            )

    def _get(
        self, path: str, query: Mapping[str, str] | None = None, accept: str = "application/json"
    ) -> dict[str, JSON]:
        raw = self._raw(path, query or {}, accept)
        try:
            data = json.loads(raw)
        except ValueError:
            data = None
        if not isinstance(data, dict):
            raise KubeError(
                f"{self._where}: GET {path} gave no JSON object.",
                "Check that cluster.server in the kubeconfig is a Kubernetes API server.",
                kind="protocol",
            )
        return data

    def _raw(self, path: str, query: Mapping[str, str], accept: str) -> bytes:
        url = f"{self.access.server}{path}{f'?{urlencode(query)}' if query else ''}"
        headers = {"Accept": accept, "User-Agent": "sanqian-service"}
        if self.access.token:
            headers["Authorization"] = f"Bearer {self.access.token}"
        try:
            answer = self._api.rest_client.request("GET", url, headers=headers, _request_timeout=self._timeout).response
            data: bytes = answer.read(LARGEST_ANSWER + 1)
            if len(data) > LARGEST_ANSWER:
                answer.close()
                raise KubeError(
                    f"{self._where}: GET {path} gave more than {LARGEST_ANSWER >> 20} MiB.", kind="too-large"
                )
            answer.release_conn()
        except reach.Refused as error:
            raise KubeUnreachable(f"{self._where}: {error.message}", error.fix, kind="refused-address") from error
        except (HTTPError, ApiException, OSError) as error:
            raise self._unreachable(error) from error
        with contextlib.suppress(ValueError, TypeError):  # a server without a clock
            self._clock = parsedate_to_datetime(answer.headers.get("Date", "")).replace(tzinfo=UTC)
        if answer.status == 200:
            return data
        raise self._refused(path, answer.status, data)

    @property
    def _where(self) -> str:
        return f"API server {self.access.server}"

    def _refused(self, path: str, status: int, data: bytes) -> KubeError:
        said = ""
        with contextlib.suppress(ValueError, AttributeError):  # not every refusal is a Status object
            said = str(json.loads(data).get("message", ""))[:300]
        text = f"{self._where}: GET {path} was answered with {status}{f': {said}' if said else ''}."
        if status in (401, 403):
            fix = (
                "Store a kubeconfig of a user who may read the whole cluster; this one's certificate may have expired."
            )
            return KubeUnauthorized(text, fix, kind="unauthorized", status=status)
        return KubeError(text, kind="http", status=status)

    def _unreachable(self, error: Exception) -> KubeUnreachable:
        """The typed error for what urllib3, ssl and sockets raise."""
        match error:
            case NameResolutionError() | socket.gaierror():
                kind, said = "dns", f"the name {self.access.host} cannot be resolved"
            case NewConnectionError() if "refused" in str(error):
                kind, said = "refused", "the connection is refused"
            case NewConnectionError():
                kind, said = "no-route", _cause(error)
            # After NewConnectionError, which urllib3 derives from it.
            case ConnectTimeoutError() | ReadTimeoutError() | TimeoutError():
                kind, said = "timeout", "no answer in time"
            case SSLError() | ssl.SSLError():
                kind, said = "tls", f"TLS failed ({_cause(error)})"
            case ApiException() if error.status in (0, None):
                kind, said = "tls", f"TLS failed ({' '.join(str(error.reason).split())[:200]})"
            case _:
                kind, said = "dropped", f"the connection broke off ({_cause(error)})"
        fixes = {
            "tls": "Check certificate-authority-data, and that the certificate is valid for that name and not expired.",
            "dns": "Correct cluster.server, or let the service tunnel through a control-plane host.",
        }
        fix = fixes.get(kind, "Check that the API server runs and that the way to it is open.")
        return KubeUnreachable(f"{self._where}: {said}.", fix, kind=kind)


def _cause(error: BaseException) -> str:
    return " ".join(str(error.args[-1] if error.args else error).split())[-200:] or type(error).__name__


def _tls(access: Access) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cadata=access.authority or None)
    except (ssl.SSLError, ValueError):
        raise KubeconfigError(
            "certificate-authority-data holds no certificate.", "Copy the kubeconfig again."
        ) from None
    # Private authorities made by older tools lack fields that RFC 5280 asks for.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if access.certificate:
        with _as_file(f"{access.certificate}\n{access.key}\n") as path:
            try:
                # A key with a passphrase must fail, not ask on the terminal.
                context.load_cert_chain(path, password=lambda: b"")
            except (ssl.SSLError, ValueError):
                raise KubeconfigError(
                    "client-certificate-data and client-key-data are no certificate and its key.",
                    "Copy the kubeconfig again; the key must have no passphrase.",
                ) from None
    return context


@contextlib.contextmanager
def _as_file(text: str) -> Iterator[str]:
    """A path to read `text` from, as ssl takes no text; in memory where the system can."""
    if hasattr(os, "memfd_create"):
        number = os.memfd_create("pem")
        with os.fdopen(number, "w") as file:
            file.write(text)
            file.flush()
            yield f"/proc/self/fd/{number}"
    else:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "pem"
            path.touch(mode=0o600)
            path.write_text(text)
            yield str(path)
