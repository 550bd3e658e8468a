"""The HTTP face of the API: paths, content types, watches, and TLS with client certificates."""

from __future__ import annotations

import json
import re
import socket
import ssl
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from lab.toolchain.apiserver import access, discovery, execution, logs, protobuf, tables
from lab.toolchain.apiserver.errors import ApiError, bad_request, no_such_path
from lab.toolchain.apiserver.kinds import Kind, Kinds
from lab.toolchain.apiserver.rest import Rest, Target
from lab.toolchain.apiserver.store import Store
from lab.toolchain.apiserver.subresources import Subresources
from lab.toolchain.common.objects import Obj

OPEN_PATHS = ("/healthz", "/livez", "/readyz", "/version")
_PATH = re.compile(
    r"^/(?:api/(?P<core>v1)|apis/(?P<group>[^/]+)/(?P<version>[^/]+))"
    r"(?:/namespaces/(?P<namespace>[^/]+)(?=/[^/]+))?/(?P<plural>[^/]+)(?:/(?P<name>[^/]+)(?:/(?P<sub>.+))?)?$"
)
_NAMESPACE_ITSELF = re.compile(r"^/api/v1/namespaces/(?P<name>[^/]+)(?:/(?P<sub>status|finalize))?$")


class ApiServer(ThreadingHTTPServer):
    """Serves one store. Handshakes happen in the request's own thread, so a silent client holds up nobody."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self, address: tuple[str, int], store: Store, tls: ssl.SSLContext | None, *, version: str = "v1.24.3"
    ) -> None:
        self.store = store
        self.kinds = Kinds(store)
        self.rest = Rest(store)
        self.tokens = access.Tokens(store.directory)
        self.subresources = Subresources(store, self.rest, self.tokens)
        self.tls = tls
        self.version = version
        self.stopping = False
        super().__init__(address, Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        connection.settimeout(600)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.tls is not None:
            connection = self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that breaks off is no error of the server; anything else is printed."""
        import sys

        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def shutdown(self) -> None:
        self.stopping = True
        super().shutdown()


def server_tls(certificate: Path, key: Path, authority: Path) -> ssl.SSLContext:
    """TLS that asks for a client certificate and accepts those of `authority`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(authority)
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "SIMULATED-kube-apiserver"
    server: ApiServer
    wbufsize = 1 << 16

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not logged."""

    # -- one request --------------------------------------------------------------------------------------

    def _handle(self) -> None:
        url = urlsplit(self.path)
        self.query = dict(parse_qsl(url.query, keep_blank_values=True))
        self.started = False
        try:
            body = self._body()
            self._authenticate(url.path)
            self._route(unquote(url.path).rstrip("/") or "/", body)
        except ApiError as error:
            self._send(error.code, error.status())
        except (BrokenPipeError, ConnectionResetError, TimeoutError, ssl.SSLError):
            self.close_connection = True
        self.wfile.flush()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _handle

    def _body(self) -> Any:
        length = int(self.headers.get("Content-Length") or 0)
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            raw = b"".join(iter(self._chunk, b""))
        else:
            raw = self.rfile.read(length)
        if not raw:
            return None
        if raw.startswith(protobuf.MAGIC):
            return protobuf.decode(raw)
        try:
            return json.loads(raw)
        except ValueError:
            content = self.headers.get("Content-Type", "")
            if "yaml" in content:
                import yaml

                return yaml.safe_load(raw)
            raise bad_request(f"the body is not JSON (Content-Type {content!r})") from None

    def _chunk(self) -> bytes:
        size = int(self.rfile.readline().split(b";")[0], 16)
        data = self.rfile.read(size)
        self.rfile.readline()
        return data

    def _authenticate(self, path: str) -> None:
        user: access.User | None = None
        if isinstance(self.connection, ssl.SSLSocket):
            user = access.from_certificate(self.connection.getpeercert())
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        if user is None and scheme == "Bearer":
            user = self.server.tokens.user(token)
        if user is None and self.server.tls is None:
            user = access.User("system:unsecured", ("system:masters",))
        self.user = user
        if path.startswith(OPEN_PATHS):
            return
        if user is None:
            raise ApiError(401, "Unauthorized", "Unauthorized")
        if self.command not in ("GET", "HEAD") and not user.may_write:
            raise ApiError(403, "Forbidden", f'User "{user.name}" cannot {self.command.lower()} {path}')

    def _route(self, path: str, body: Any) -> None:
        kinds = self.server.kinds
        accept = self.headers.get("Accept", "")
        if path in ("/healthz", "/livez", "/readyz") or path.startswith(("/livez/", "/readyz/")):
            return self._text("ok")
        if path == "/version":
            return self._send(200, discovery.version_info(self.server.version))
        if path in ("/api", "/apis"):
            if "as=APIGroupDiscoveryList" in accept and "v=v2;" in accept.replace(" ", "") + ";":
                kind = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
                return self._send(200, discovery.aggregated(kinds.all(), path == "/api"), kind)
            plain = discovery.core_versions() if path == "/api" else discovery.group_list(kinds.all())
            return self._send(200, plain)
        if path == "/openapi/v3":
            return self._send(200, discovery.openapi_index(kinds.all()))
        if path.startswith("/openapi/v3/"):
            return self._found(discovery.openapi_document(kinds.all(), path.removeprefix("/openapi/v3/")))
        if path == "/api/v1":
            return self._found(discovery.resources(kinds.all(), "v1"))
        parts = path.split("/")
        if len(parts) == 3 and parts[1] == "apis":
            return self._found(discovery.group(kinds.all(), parts[2]))
        if len(parts) == 4 and parts[1] == "apis":
            return self._found(discovery.resources(kinds.all(), f"{parts[2]}/{parts[3]}"))
        return self._resource(self._target(path), body)

    def _target(self, path: str) -> Target:
        itself = _NAMESPACE_ITSELF.match(path)
        if itself:
            found = self.server.kinds.find("", "v1", "namespaces")
            if found is None:
                raise bad_request("the API has no namespaces")
            return Target(found, "", itself["name"], itself["sub"] or "")
        match = _PATH.match(path)
        kind: Kind | None = None
        if match:
            kind = self.server.kinds.find(match["group"] or "", match["core"] or match["version"], match["plural"])
        if match is None or kind is None:
            raise no_such_path()
        return Target(kind, match["namespace"] or "", match["name"] or "", match["sub"] or "")

    # -- resources ----------------------------------------------------------------------------------------

    def _resource(self, target: Target, body: Any) -> None:
        rest = self.server.rest
        if target.kind.verbs == ("create",) and self.command == "POST":
            return self._send(201, self.server.subresources.review(target, body, self.user))
        if target.kind.plural == "pods" and target.sub == "log":
            return self._log(target)
        if target.kind.plural == "pods" and target.sub == "exec":
            return execution.serve(self, rest, target, self.user)
        if target.kind.namespaced and not target.namespace and (target.name or self.command == "POST"):
            raise bad_request(f"{target.kind.plural} needs a namespace in the path")
        if target.sub and target.sub not in ("status", "scale"):
            code, answer = self.server.subresources.call(self.command, target, body)
            return self._send(code, answer)
        if self.command in ("GET", "HEAD"):
            if not target.name:
                return self._list(target)
            obj = rest.get(target)
            return self._object(target.kind, rest.scale_of(target, obj) if target.sub == "scale" else obj)
        if self.command == "POST":
            return self._send(201, rest.create(target, self._mapping(body), self.query))
        if self.command == "PUT":
            return self._send(200, rest.update(target, self._mapping(body), self.query))
        if self.command == "PATCH":
            content = self.headers.get("Content-Type", "").split(";")[0].strip()
            obj, created = rest.patch(target, content, body, self.query)
            return self._send(201 if created else 200, obj)
        if self.command == "DELETE":
            self._delete(target, body if isinstance(body, dict) else {})
            return None
        raise ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")

    def _mapping(self, body: Any) -> Obj:
        if not isinstance(body, dict):
            raise bad_request("the body must be an object")
        return body

    def _delete(self, target: Target, options: Obj) -> None:
        rest = self.server.rest
        if target.name:
            obj = rest.delete(target, options, self.query)
            if rest.store.find(target.key()) is not None:
                return self._send(200, obj)
            details = {"name": target.name, "kind": target.kind.plural, "uid": obj["metadata"]["uid"]}
            return self._send(
                200,
                {
                    "kind": "Status",
                    "apiVersion": "v1",
                    "metadata": {},
                    "status": "Success",
                    "details": details,
                },
            )
        items, metadata = rest.list(target, self.query)
        for item in items:
            where = Target(target.kind, item["metadata"].get("namespace", ""), item["metadata"]["name"])
            rest.delete(where, options, self.query)
        self._send(200, self._as_list(target.kind, items, metadata))
        return None

    def _as_list(self, kind: Kind, items: list[Obj], metadata: Obj) -> Obj:
        return {
            "kind": f"{kind.kind}List",
            "apiVersion": kind.api_version,
            "metadata": metadata,
            "items": items,
        }

    def _wants_table(self) -> bool:
        return "as=Table" in self.headers.get("Accept", "")

    def _object(self, kind: Kind, obj: Obj) -> None:
        if self._wants_table() and obj["kind"] == kind.kind:
            metadata = {"resourceVersion": obj["metadata"]["resourceVersion"]}
            obj = tables.table(kind, [obj], metadata, self.query.get("includeObject", "Metadata"))
        self._send(200, obj)

    def _list(self, target: Target) -> None:
        if self.query.get("watch") in ("true", "1"):
            return self._watch(target)
        items, metadata = self.server.rest.list(target, self.query)
        if self._wants_table():
            return self._send(
                200, tables.table(target.kind, items, metadata, self.query.get("includeObject", "Metadata"))
            )
        return self._send(200, self._as_list(target.kind, items, metadata))

    def _watch(self, target: Target) -> None:
        kind, rest = target.kind, self.server.rest
        deadline = time.monotonic() + float(self.query.get("timeoutSeconds") or 1800)
        alive: Callable[[], bool] = lambda: time.monotonic() < deadline and not self.server.stopping  # noqa: E731
        since = self.query.get("resourceVersion", "")
        self._begin(200, "application/json")
        initial = self.query.get("sendInitialEvents") == "true"
        if since in ("", "0") or initial:
            items, metadata = rest.list(target, {**self.query, "limit": "", "continue": ""})
            since = metadata["resourceVersion"]
            if initial or self.query.get("sendInitialEvents") != "false":
                for item in items:
                    self._event("ADDED", kind, item)
            if initial and self.query.get("allowWatchBookmarks") == "true":
                self._bookmark(kind, since)
        try:
            for event in self.server.store.watch(kind.group, kind.plural, target.namespace, int(since), 1.0, alive):
                if event is None:
                    if self._client_gone():
                        break
                    continue
                now_in = rest.matches(event.obj, self.query)
                was_in = event.before is not None and rest.matches(event.before, self.query)
                if not (now_in or was_in):
                    continue
                type_ = event.type
                if type_ == "MODIFIED" and now_in != was_in:
                    type_ = "ADDED" if now_in else "DELETED"
                self._event(type_, kind, rest.shown(kind, event.obj))
        except ApiError as error:
            self._chunked(json.dumps({"type": "ERROR", "object": error.status()}).encode() + b"\n")
        self._chunked(b"")

    def _client_gone(self) -> bool:
        """Whether the client hung up; a watch that is never told would hold its thread until the next event."""
        try:
            self.connection.settimeout(0.001)
            if isinstance(self.connection, ssl.SSLSocket):
                return self.connection.recv(1) == b""
            return self.connection.recv(1, socket.MSG_PEEK) == b""
        except (TimeoutError, ssl.SSLWantReadError, BlockingIOError):
            return False
        except OSError:
            return True
        finally:
            self.connection.settimeout(600)

    def _event(self, type_: str, kind: Kind, obj: Obj) -> None:
        if self._wants_table():
            metadata = {"resourceVersion": obj["metadata"]["resourceVersion"]}
            obj = tables.table(kind, [obj], metadata, self.query.get("includeObject", "Metadata"))
        self._chunked(json.dumps({"type": type_, "object": obj}).encode() + b"\n")

    def _bookmark(self, kind: Kind, version: str) -> None:
        """The end of the initial events (KEP 3157)."""
        ends = {"resourceVersion": version, "annotations": {"k8s.io/initial-events-end": "true"}}
        obj: Obj = {"kind": kind.kind, "apiVersion": kind.api_version, "metadata": ends}
        if self._wants_table():
            obj = tables.table(kind, [], ends, "None")
        self._chunked(json.dumps({"type": "BOOKMARK", "object": obj}).encode() + b"\n")

    def _log(self, target: Target) -> None:
        pod = self.server.rest.get(target)
        text = "".join(line + "\n" for line in logs.lines(pod, self.query))
        if self.query.get("follow") != "true":
            return self._text(text)
        self._begin(200, "text/plain")
        if text:
            self._chunked(text.encode())
        since = int(pod["metadata"]["resourceVersion"])
        alive: Callable[[], bool] = lambda: not self.server.stopping and not self._client_gone()  # noqa: E731
        for event in self.server.store.watch("", "pods", target.namespace, since, 1.0, alive):
            if event and event.key.name == target.name and event.type == "DELETED":
                break
        return self._chunked(b"")

    # -- answers ------------------------------------------------------------------------------------------

    def _found(self, answer: Obj | None) -> None:
        if answer is None:
            raise no_such_path()
        self._send(200, answer)

    def _send(self, code: int, answer: Obj, content_type: str = "application/json") -> None:
        if self.started:
            self.close_connection = True
            return
        data = json.dumps(answer).encode()
        self.send_response(code)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _text(self, text: str) -> None:
        data = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _begin(self, code: int, content_type: str) -> None:
        self.started = True
        self.send_response(code)
        self.send_header("Content-Type", content_type)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()

    def _chunked(self, data: bytes) -> None:
        """One chunk; the empty one ends the answer."""
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()
