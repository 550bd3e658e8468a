"""``pods/exec`` over a WebSocket (``v5.channel.k8s.io`` and ``v4``). The programs in the pods are SIMULATED."""

from __future__ import annotations

import contextlib
import json
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

from lab.toolchain.apiserver import websocket
from lab.toolchain.apiserver.access import User
from lab.toolchain.apiserver.errors import ApiError, bad_request
from lab.toolchain.apiserver.logs import container_of
from lab.toolchain.apiserver.rest import Rest, Target
from lab.toolchain.common.objects import Obj, dig
from lab.toolchain.containers import programs

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")  # the newest that the client offers is spoken
STDOUT, STDERR, ERROR = 1, 2, 3
CLOSING = 2.0  # seconds for the client to close as well


def serve(handler: BaseHTTPRequestHandler, rest: Rest, target: Target, user: User | None) -> None:
    """Answer one exec request. Raises `ApiError` before the connection has become a WebSocket."""
    if user is None or not user.may_write:
        name = user.name if user else "system:anonymous"
        raise ApiError(403, "Forbidden", f'User "{name}" cannot create resource "pods/exec"')
    query = parse_qs(urlsplit(handler.path).query)
    pod = rest.get(target)
    container = container_of(pod, query.get("container", [""])[0])
    _must_run(pod, container)
    if handler.headers.get("Upgrade", "").lower() != "websocket":
        raise bad_request("SIMULATED kube-apiserver: exec needs a WebSocket; use kubectl 1.31 or later")
    offered = [word.strip() for word in handler.headers.get("Sec-WebSocket-Protocol", "").split(",")]
    chosen = next((name for name in PROTOCOLS if name in offered), "")
    if not chosen:
        raise bad_request(f"no protocol in common: the client offers {offered}, the server {list(PROTOCOLS)}")
    ended = programs.run(rest.store, pod, query.get("command", []))
    handler.close_connection = True
    handler.send_response(101)
    handler.send_header("Upgrade", "websocket")
    handler.send_header("Connection", "Upgrade")
    handler.send_header("Sec-WebSocket-Accept", websocket.accept(handler.headers.get("Sec-WebSocket-Key", "")))
    handler.send_header("Sec-WebSocket-Protocol", chosen)
    handler.end_headers()
    wanted = {STDOUT: "stdout", STDERR: "stderr"}
    for channel, data in ((STDOUT, ended.stdout), (STDERR, ended.stderr)):
        if query.get(wanted[channel], ["false"])[0] in ("true", "1"):
            for part in websocket.on_channel(channel, data.encode()):
                handler.wfile.write(part)
    for part in websocket.on_channel(ERROR, json.dumps(_status(ended.code)).encode()):
        handler.wfile.write(part)
    handler.wfile.write(websocket.frame(websocket.CLOSE, websocket.NORMAL))
    handler.wfile.flush()
    handler.connection.settimeout(CLOSING)
    # What the client still sends is its standard input, which no program here reads.
    with contextlib.suppress(OSError):
        for _ in websocket.frames(handler.rfile):
            pass


def _must_run(pod: Obj, container: Obj) -> None:
    phase = dig(pod, "status", "phase", default="Pending")
    if phase in ("Succeeded", "Failed"):
        raise bad_request(f"cannot exec into a container in a completed pod; current phase is {phase}")
    statuses = dig(pod, "status", "containerStatuses", default=[])
    status: Obj = next((one for one in statuses if one["name"] == container["name"]), {})
    if dig(status, "state", "running") is None:
        raise ApiError(
            500, "InternalError", f'unable to upgrade connection: container not found ("{container["name"]}")'
        )


def _status(code: int) -> Obj:
    """How the program ended, as kubelet tells it."""
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }
