"""The HTTP face: /api/v2.0 (goharbor.io API), /v2 (OCI distribution specification 1.0) and /chartrepo (ChartMuseum)."""

from __future__ import annotations

import base64
import email.parser
import email.policy
import hashlib
import hmac
import json
import re
import secrets
import socket
import ssl
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from lab.toolchain.harbor.storage import Storage

VERSION = "v2.4.1-SIMULATED"
ADMIN = 1
_BLOB = re.compile(r"^/v2/(?P<name>.+)/blobs/(?P<digest>sha256:[0-9a-f]{64})$")
_UPLOADS = re.compile(r"^/v2/(?P<name>.+)/blobs/uploads/(?P<id>[0-9a-f]*)$")
_MANIFEST = re.compile(r"^/v2/(?P<name>.+)/manifests/(?P<reference>[^/]+)$")
_TAGS = re.compile(r"^/v2/(?P<name>.+)/tags/list$")
_CHARTS = re.compile(r"^/chartrepo/(?P<project>[^/]+)/(?P<rest>index\.yaml|charts/[^/]+)$")
_CHART_PUSH = re.compile(r"^/api/chartrepo/(?P<project>[^/]+)/charts$")


class Harbor(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(
        self,
        address: tuple[str, int],
        storage: Storage,
        hostname: str,
        password: str,
        tls: ssl.SSLContext | None,
    ) -> None:
        self.storage = storage
        self.hostname = hostname
        self.password = password
        self.tls = tls
        self.token_key = secrets.token_bytes(32)
        self.uploads: dict[str, bytearray] = {}
        super().__init__(address, Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        connection.settimeout(120)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.tls is not None:
            connection = self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def handle_error(self, request: Any, client_address: Any) -> None:
        import sys

        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def token(self) -> str:
        return hmac.new(self.token_key, b"admin", hashlib.sha256).hexdigest()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "SIMULATED-Harbor"
    server: Harbor
    wbufsize = 1 << 16

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not logged."""

    def _handle(self) -> None:
        url = urlsplit(self.path)
        self.query = dict(parse_qsl(url.query, keep_blank_values=True))
        self.path_only = unquote(url.path)
        length = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(length)
        self.admin = self._authenticate()
        if self.path_only.startswith("/api/v2.0/"):
            self._api(self.path_only.removeprefix("/api/v2.0"))
        elif self.path_only.startswith("/v2"):
            self._registry()
        elif self.path_only == "/service/token":
            self._service_token()
        elif _CHARTS.match(self.path_only) or _CHART_PUSH.match(self.path_only):
            self._charts()
        elif self.path_only == "/":
            self._send(200, b"<h1>Harbor (SIMULATED)</h1>", "text/html")
        else:
            self._error(404, "NOT_FOUND", "the requested resource was not found")
        self.wfile.flush()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _handle

    # -- who ----------------------------------------------------------------------------------------------

    def _authenticate(self) -> bool | None:
        """True: administrator; None: nobody; False: wrong credentials."""
        scheme, _, value = self.headers.get("Authorization", "").partition(" ")
        if not scheme:
            return None
        if scheme == "Basic":
            try:
                given = base64.b64decode(value).decode()
            except ValueError:
                return False
            user, _, word = given.partition(":")
            return user == "admin" and self.server.storage.is_password(word, self.server.password)
        return hmac.compare_digest(value, self.server.token())

    def _service_token(self) -> None:
        if self.admin is False:
            return self._error(401, "UNAUTHORIZED", "unauthorized: authentication required")
        token = self.server.token() if self.admin else "anonymous"
        return self._json(200, {"token": token, "expires_in": 1800})

    def _refuse(self) -> None:
        scheme = "https" if self.server.tls else "http"
        port = self.server.server_address[1]
        where = self.server.hostname if port in (443, 80) else f"{self.server.hostname}:{port}"
        challenge = f'Bearer realm="{scheme}://{where}/service/token",service="harbor-registry"'
        self._error(401, "UNAUTHORIZED", "unauthorized to access repository", {"Www-Authenticate": challenge})

    # -- projects -----------------------------------------------------------------------------------------

    def _api(self, path: str) -> None:
        storage = self.server.storage
        if path == "/ping":
            return self._send(200, b"Pong", "text/plain")
        if path == "/health":
            names = (
                "core",
                "database",
                "jobservice",
                "portal",
                "redis",
                "registry",
                "registryctl",
                "chartmuseum",
            )
            return self._json(
                200, {"status": "healthy", "components": [{"name": n, "status": "healthy"} for n in names]}
            )
        if path == "/systeminfo":
            return self._json(200, {"harbor_version": VERSION, "with_chartmuseum": True, "auth_mode": "db_auth"})
        if self.admin is False or (self.admin is None and self.command not in ("GET", "HEAD")):
            return self._error(401, "UNAUTHORIZED", "unauthorized")
        if path == "/users/current":
            if not self.admin:
                return self._error(401, "UNAUTHORIZED", "unauthorized")
            return self._json(200, {"user_id": ADMIN, "username": "admin", "sysadmin_flag": True})
        if path == f"/users/{ADMIN}/password" and self.command == "PUT":
            return self._password()
        if path == "/projects":
            return self._projects()
        name, _, rest = path.removeprefix("/projects/").partition("/")
        project = storage.projects().get(name)
        if not path.startswith("/projects/") or project is None:
            return self._error(404, "NOT_FOUND", f"project {name} not found")
        if rest == "repositories":
            held = [r for r in storage.repositories() if r.startswith(f"{name}/")]
            return self._json(200, [{"name": r, "artifact_count": len(storage.tags(r))} for r in held])
        if self.command == "DELETE":
            storage.remove_project(name)
            return self._json(200, {})
        return self._json(200, self._project(name, project))

    def _project(self, name: str, project: dict[str, Any]) -> dict[str, Any]:
        count = sum(1 for r in self.server.storage.repositories() if r.startswith(f"{name}/"))
        public = str(bool(project["public"])).lower()
        created = project["created"]
        return {"name": name, "repo_count": count, "metadata": {"public": public}, "creation_time": created}

    def _password(self) -> None:
        """As Harbor judges it: who changes his own password gives the old one, and not the same again."""
        try:
            wanted = json.loads(self.body)
            old, new = str(wanted["old_password"]), str(wanted["new_password"])
        except (ValueError, KeyError, TypeError):
            return self._error(400, "BAD_REQUEST", "the body is not JSON with old_password and new_password")
        storage = self.server.storage
        if not storage.is_password(old, self.server.password):
            return self._error(403, "FORBIDDEN", "Current password is incorrect")
        if not re.fullmatch(r"(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9]).{8,128}", new):
            rule = "the password length must be 8 to 128 characters with a capital letter, a small one and a digit"
            return self._error(400, "BAD_REQUEST", rule)
        if storage.is_password(new, self.server.password):
            return self._error(400, "BAD_REQUEST", "the new password can not be same with the old one")
        storage.set_password(new)
        return self._send(200, b"")

    def _projects(self) -> None:
        storage = self.server.storage
        if self.command == "POST":
            try:
                wanted = json.loads(self.body)
            except ValueError:
                return self._error(400, "BAD_REQUEST", "the body is not JSON")
            name = wanted.get("project_name", "")
            if not re.fullmatch(r"[a-z0-9]+(?:[._-][a-z0-9]+)*", name):
                return self._error(400, "BAD_REQUEST", f"project name {name!r} is not in lower case or too short")
            public = wanted.get("public") or (wanted.get("metadata") or {}).get("public") == "true"
            if not storage.add_project(name, bool(public)):
                return self._error(409, "CONFLICT", f"The project named {name} already exists")
            return self._send(201, b"", headers={"Location": f"/api/v2.0/projects/{name}"})
        if self.command == "HEAD":
            return self._send(200 if self.query.get("project_name", "") in storage.projects() else 404, b"")
        wanted = self.query.get("name", "")
        found = [self._project(n, p) for n, p in storage.projects().items() if wanted in n]
        return self._json(200, found)

    # -- images -------------------------------------------------------------------------------------------

    def _registry(self) -> None:
        path = self.path_only
        if path in ("/v2", "/v2/"):
            return self._json(200, {}) if self.admin else self._refuse()
        if path == "/v2/_catalog":
            return self._json(200, {"repositories": self.server.storage.repositories()})
        match = _BLOB.match(path) or _UPLOADS.match(path) or _MANIFEST.match(path) or _TAGS.match(path)
        if match is None:
            return self._error(404, "NAME_UNKNOWN", "repository name not known to registry")
        project = self.server.storage.projects().get(match["name"].partition("/")[0])
        if project is None:
            return self._error(401, "UNAUTHORIZED", f"project {match['name'].partition('/')[0]} not found")
        reading = self.command in ("GET", "HEAD")
        if not self.admin and not (reading and project["public"] and self.admin is not False):
            return self._refuse()
        if match.re is _BLOB:
            return self._blob(match["digest"])
        if match.re is _UPLOADS:
            return self._upload(match["name"], match["id"])
        if match.re is _MANIFEST:
            return self._manifest(match["name"], match["reference"])
        tags = sorted(self.server.storage.tags(match["name"]))
        return self._json(200, {"name": match["name"], "tags": tags})

    def _blob(self, digest: str) -> None:
        path = self.server.storage.blob(digest)
        if not path.is_file():
            return self._error(404, "BLOB_UNKNOWN", "blob unknown to registry")
        return self._send(200, path.read_bytes(), "application/octet-stream", {"Docker-Content-Digest": digest})

    def _upload(self, name: str, upload: str) -> None:
        uploads = self.server.uploads
        if self.command == "POST":
            upload = secrets.token_hex(16)
            uploads[upload] = bytearray()
            if "digest" not in self.query:
                return self._send(202, b"", headers={"Location": f"/v2/{name}/blobs/uploads/{upload}", "Range": "0-0"})
        if upload not in uploads:
            return self._error(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
        uploads[upload] += self.body
        if self.command == "PATCH":
            headers = {
                "Location": f"/v2/{name}/blobs/uploads/{upload}",
                "Range": f"0-{len(uploads[upload]) - 1}",
            }
            return self._send(202, b"", headers=headers)
        digest = self.query.get("digest", "")
        if not self.server.storage.put_blob(bytes(uploads.pop(upload)), digest):
            return self._error(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
        return self._send(201, b"", headers={"Location": f"/v2/{name}/blobs/{digest}", "Docker-Content-Digest": digest})

    def _manifest(self, name: str, reference: str) -> None:
        storage = self.server.storage
        if self.command == "PUT":
            try:
                manifest = json.loads(self.body)
            except ValueError:
                return self._error(400, "MANIFEST_INVALID", "the manifest is not JSON")
            needed = [manifest[k]["digest"] for k in ("config",) if k in manifest]
            needed += [layer["digest"] for layer in manifest.get("layers", []) + manifest.get("manifests", [])]
            missing = [digest for digest in needed if not storage.blob(digest).is_file()]
            if missing:
                return self._error(400, "MANIFEST_BLOB_UNKNOWN", f"blob unknown to registry: {missing[0]}")
            media_type = self.headers.get("Content-Type", manifest.get("mediaType", ""))
            digest = storage.put_manifest(name, reference, self.body, media_type)
            where = f"/v2/{name}/manifests/{digest}"
            return self._send(201, b"", headers={"Location": where, "Docker-Content-Digest": digest})
        found = storage.manifest(name, reference)
        if found is None:
            return self._error(404, "MANIFEST_UNKNOWN", f"manifest unknown: {name}:{reference}")
        data, digest, media_type = found
        return self._send(200, data, media_type, {"Docker-Content-Digest": digest})

    # -- charts -------------------------------------------------------------------------------------------

    def _charts(self) -> None:
        push = _CHART_PUSH.match(self.path_only)
        match = push or _CHARTS.match(self.path_only)
        if match is None:
            return self._error(404, "NOT_FOUND", "no such chart address")
        storage, project = self.server.storage, match["project"]
        if project not in storage.projects():
            return self._json(404, {"error": f"project {project} not found"})
        if push:
            return self._push_chart(project)
        if self.admin is False or not (self.admin or storage.projects()[project]["public"]):
            return self._json(401, {"error": "unauthorized"})
        if match["rest"] == "index.yaml":
            import yaml

            return self._send(200, yaml.safe_dump(storage.index(project)).encode(), "application/x-yaml")
        data = storage.chart(project, match["rest"].removeprefix("charts/"))
        if data is None:
            return self._json(404, {"error": "no such chart"})
        return self._send(200, data, "application/x-tar")

    def _push_chart(self, project: str) -> None:
        if not self.admin:
            return self._json(401, {"error": "unauthorized"})
        data = self.body
        content_type = self.headers.get("Content-Type", "")
        if content_type.startswith("multipart/form-data"):
            parser = email.parser.BytesParser(policy=email.policy.HTTP)
            message = parser.parsebytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + self.body)
            parts = [p for p in message.iter_parts() if p.get_param("name", header="content-disposition") == "chart"]
            data = parts[0].get_payload(decode=True) if parts else b""  # type: ignore[assignment]
        try:
            self.server.storage.put_chart(project, data)
        except ValueError as error:
            return self._json(400, {"error": str(error)})
        return self._json(201, {"saved": True})

    # -- answers ------------------------------------------------------------------------------------------

    def _json(self, code: int, value: Any) -> None:
        self._send(code, json.dumps(value).encode(), "application/json")

    def _error(self, code: int, name: str, message: str, headers: dict[str, str] | None = None) -> None:
        body = json.dumps({"errors": [{"code": name, "message": message}]}).encode()
        self._send(code, body, "application/json", headers)

    def _send(
        self, code: int, data: bytes, content_type: str = "text/plain", headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(code)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        if self.path_only.startswith("/v2"):
            self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)
