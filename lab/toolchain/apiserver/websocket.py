"""The server's side of a WebSocket (RFC 6455), as far as `kubectl exec` and its likes need it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from io import BufferedIOBase

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA
NORMAL = (1000).to_bytes(2, "big")
_MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # given by the RFC
_PIECE = 32 << 10


def accept(key: str) -> str:
    """The answer to a client's ``Sec-WebSocket-Key``."""
    return base64.b64encode(hashlib.sha1(f"{key}{_MAGIC}".encode(), usedforsecurity=False).digest()).decode()


def frame(kind: int, payload: bytes) -> bytes:
    """One whole message, unmasked as servers send it."""
    size = len(payload)
    if size < 126:
        head = bytes([size])
    elif size < 1 << 16:
        head = bytes([126]) + size.to_bytes(2, "big")
    else:
        head = bytes([127]) + size.to_bytes(8, "big")
    return bytes([0x80 | kind]) + head + payload


def frames(stream: BufferedIOBase) -> Iterator[tuple[int, bytes]]:
    """(kind, payload) of the frames that a client sends, until it closes or hangs up."""
    while len(head := stream.read(2)) == 2:
        size = head[1] & 0x7F
        if size > 125:
            size = int.from_bytes(stream.read(2 if size == 126 else 8), "big")
        mask = stream.read(4) if head[1] & 0x80 else bytes(4)
        payload = bytes(byte ^ mask[index % 4] for index, byte in enumerate(stream.read(size)))
        yield head[0] & 0x0F, payload
        if head[0] & 0x0F == CLOSE:
            return


def on_channel(channel: int, data: bytes) -> Iterator[bytes]:
    """`data` as frames of Kubernetes' channel protocol, whose first byte says which stream it belongs to."""
    for start in range(0, len(data), _PIECE):
        yield frame(BINARY, bytes([channel]) + data[start : start + _PIECE])
