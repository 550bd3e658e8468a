"""A SIMULATED service: a real HTTP server that plays the API's contract from what a test puts into it."""

from __future__ import annotations

import json
import threading
import uuid
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY = "sq_played_key"
OPERATOR = ("op", "played-password")
PAGE = 3


@dataclass
class Request:
    """One request as it came in."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass
class PlayedService:
    """What the server answers with. Set the fields before the command runs."""

    clusters: list[dict[str, Any]] = field(default_factory=list)
    nodes: list[dict[str, Any]] = field(default_factory=list)
    added: list[dict[str, Any]] = field(default_factory=list)
    operations: list[dict[str, Any]] = field(default_factory=list)
    components: list[dict[str, Any]] = field(default_factory=list)
    # Events of the stream, numbered from 1 by their place; the detail that holds once `end` was sent.
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    final: dict[str, Any] = field(default_factory=dict)
    # How many events each connection carries before it breaks; afterwards none breaks.
    cuts: list[int] = field(default_factory=list)
    # Answers given once, before everything else, to `METHOD path`.
    once: dict[str, list[tuple[int, dict[str, str], Any]]] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    # Addresses beside the API, which need no key: status and document.
    beside: dict[str, tuple[int, Any]] = field(default_factory=dict)
    log: list[dict[str, Any]] = field(default_factory=list)
    keys: set[str] = field(default_factory=lambda: {KEY})
    replaced: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    # A stream whose events hold no `end` stays open until the test lets it go.
    sent_all: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def add_cluster(self, name: str, **fields: Any) -> dict[str, Any]:
        cluster = {
            "id": str(uuid.uuid5(uuid.NAMESPACE_DNS, name)),
            "name": name,
            "state": "ready",
            "state_reason": "",
            "hosts": 2,
            "checked_at": "2026-01-01T00:00:00Z",
            "created_at": "2026-01-01T00:00:00Z",
            "active_operation": None,
            "components": {"healthy": 1, "total": 2},
            **fields,
        }
        self.clusters.append(cluster)
        return cluster

    def add_operation(self, cluster: dict[str, Any], kind: str = "install", **fields: Any) -> dict[str, Any]:
        operation = {
            "id": str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{cluster['name']}-{kind}-{len(self.operations)}")),
            "cluster": {"id": cluster["id"], "name": cluster["name"]},
            "kind": kind,
            "params": {},
            "dry_run": False,
            "state": "running",
            "attempt": 1,
            "progress": 0,
            "error": {},
            "requested_by": "test",
            "notes": [],
            "created_at": "2026-01-01T00:00:00Z",
            "started_at": "2026-01-01T00:00:00Z",
            "finished_at": None,
            "event_seq": 0,
            "steps": [],
            **fields,
        }
        self.operations.insert(0, operation)
        return operation

    def bodies(self, method: str, ending: str) -> list[Any]:
        """The bodies of the requests to paths with this ending."""
        return [one.body for one in self.requests if one.method == method and one.path.endswith(ending)]


class _Handler(BaseHTTPRequestHandler):
    played: PlayedService
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the test's output is not the server's log."""

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PATCH = do_DELETE = do_GET

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        path = parts.path.removeprefix("/api/v1/")
        self.played.requests.append(Request(self.command, path, query, dict(self.headers.items()), body))
        if outside := self.played.beside.get(path.removeprefix("/")):
            self._json(outside[1], outside[0])
            return
        login = "Basic " + b64encode(":".join(OPERATOR).encode()).decode()
        if self.headers.get("Authorization") not in (
            {login} if path == "fleet" else {f"Bearer {key}" for key in self.played.keys}
        ):
            self._problem(401, "not-authenticated", "The access key is not known.", hint="Copy it again.")
        elif planned := self.played.once.get(f"{self.command} {path}"):
            status, headers, answer = planned.pop(0)
            if status == 0:
                self.close_connection = True
            else:
                self._json(answer, status, headers)
        elif path.endswith(("/events", "/stream")):
            self._events()
        else:
            self._route(path, query, body)

    def _route(self, path: str, query: dict[str, str], body: Any) -> None:
        played, words = self.played, path.split("/")
        if f"{self.command} {path}" in played.answers:
            answer = played.answers[f"{self.command} {path}"]
            self._text(answer) if isinstance(answer, str) else self._json(answer)
        elif path == "clusters" and self.command == "POST":
            created = played.add_cluster(body["name"], state="registered")
            self._json({**created, "findings": played.findings}, 201)
        elif path == "clusters/validate":
            hosts = [{key: node[key] for key in ("name", "address", "port", "user")} for node in played.nodes]
            self._json({"valid": True, "findings": played.findings, "hosts": hosts, "role_groups": {}})
        elif path == "clusters":
            self._page([one for one in played.clusters if query.get("name") in (None, one["name"])], query)
        elif words[0] == "clusters" and (cluster := self._of(played.clusters, words[1])):
            self._cluster(cluster, words[2:], query, body)
        elif path == "operations":
            self._page([one for one in played.operations if query.get("state") in (None, one["state"])], query)
        elif words[0] == "operations" and (operation := self._of(played.operations, words[1])):
            self._operation(operation, words[2:], query)
        else:
            self._problem(404, "not-found", "There is nothing of this name.")

    def _cluster(self, cluster: dict[str, Any], rest: list[str], query: dict[str, str], body: Any) -> None:
        played = self.played
        if not rest and self.command == "DELETE":
            played.clusters.remove(cluster)
            self._json(None, 204)
        elif not rest:
            cluster.update(body or {})
            self._json(cluster)
        elif rest == ["operations"] and self.command == "POST":
            operation = played.add_operation(
                cluster, body["kind"], params=body.get("params", {}), dry_run=body.get("dry_run", False)
            )
            self._json(operation, 202)
        elif rest == ["operations"]:
            self._page([one for one in played.operations if one["cluster"]["id"] == cluster["id"]], query)
        elif rest == ["credentials"]:
            self._json({"changed": played.replaced, "kept": played.kept})
        elif rest == ["nodes"]:
            self._page(played.nodes, query)
        elif rest == ["new-nodes"] and self.command == "POST":
            self._json({"added": played.added, "findings": played.findings}, 201)
        elif rest == ["components"]:
            self._page(played.components, query)
        elif rest == ["health"]:
            report = {"state": cluster["state"], "reason": "", "checked_at": cluster["checked_at"]}
            self._json({**report, "reachable": True, "error": "", "nodes": [], "components": played.components})
        else:
            self._problem(404, "not-found", "There is nothing of this name.", hint="Install it first.")

    def _operation(self, operation: dict[str, Any], rest: list[str], query: dict[str, str]) -> None:
        if rest == ["log"]:
            after = int(query.get("after", 0))
            rows = [one for one in self.played.log if one["seq"] > after]
            rows = [one for one in rows if query.get("step") in (None, one["step"])]
            rows = rows[-int(query["tail"]) :] if "tail" in query else rows[:2]
            self._json({"results": rows, "next_after": rows[-1]["seq"] if rows else after, "ended": True})
        elif rest in (["cancel"], ["retry"]):
            operation["state"] = "cancelling" if rest == ["cancel"] else "queued"
            self._json(operation, 202)
        else:
            self._json(operation)

    def _events(self) -> None:
        played = self.played
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        begin = int(self.headers.get("Last-Event-ID") or 0)
        cut = played.cuts.pop(0) if played.cuts else None
        self.wfile.write(b": hello\n\n")
        for seq, (event, data) in enumerate(played.events, 1):
            if seq <= begin:
                continue
            if cut is not None and seq - begin > cut:
                return
            if event == "end":
                played.operations[0].update(played.final)
            self.wfile.write(f"id: {seq}\nevent: {event}\ndata: {json.dumps(data)}\n\n".encode())
            self.wfile.flush()
        if not any(event == "end" for event, _ in played.events):
            played.sent_all.set()
            played.let_go.wait(60)

    def _of(self, rows: list[dict[str, Any]], ident: str) -> dict[str, Any] | None:
        return next((row for row in rows if row["id"] == ident), None)

    def _page(self, rows: list[dict[str, Any]], query: dict[str, str]) -> None:
        start, size = int(query.get("cursor", 0)), int(query.get("limit", PAGE))
        more = {**query, "cursor": str(start + size)}
        link = "http://elsewhere.invalid/list?" + "&".join(f"{key}={value}" for key, value in more.items())
        following = link if start + size < len(rows) else None
        self._json({"next": following, "previous": None, "results": rows[start : start + size]})

    def _problem(self, status: int, slug: str, title: str, **more: Any) -> None:
        self._json({"type": f"/problems/{slug}", "title": title, "status": status, "detail": "", **more}, status)

    def _text(self, text: str) -> None:
        self._send(200, text.encode(), {"Content-Type": "text/yaml"})

    def _json(self, data: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        body = b"" if status == 204 else json.dumps(data).encode()
        self._send(status, body, {"Content-Type": "application/json", **(headers or {})})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def serving(played: PlayedService) -> Iterator[PlayedService]:
    """The server, answering on a free port of the loopback."""
    handler = type("Handler", (_Handler,), {"played": played})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    played.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield played
    finally:
        played.let_go.set()
        server.shutdown()
        server.server_close()
        thread.join()
