"""JSON bodies, of bounded size and depth, holding only text that PostgreSQL can keep."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from clusters.api.problems import Problem

LARGEST = 2 * 1024 * 1024
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


class StrictJSON(BaseParser):
    """UTF-8 JSON without NUL characters, lone surrogates, NaN or Infinity."""

    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: Any = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        raw = stream.read(LARGEST + 1)
        if len(raw) > LARGEST:
            raise Problem("too-large", "A request may have 2 MiB.", hint="Send less at once.")
        try:
            data = json.loads(raw.decode("utf-8-sig"), parse_constant=_refuse, parse_float=_number)
            shown = json.dumps(data, ensure_ascii=False)
            shown.encode()
        except UnicodeDecodeError as error:
            raise ParseError(f"The body is not UTF-8 at byte {error.start}.") from error
        except UnicodeEncodeError as error:
            raise ParseError("The body has half of a surrogate pair, which is no character.") from error
        except RecursionError as error:
            raise ParseError("The body is nested too deeply.") from error
        except json.JSONDecodeError as error:
            raise ParseError(f"The body is not JSON: {error.msg}, line {error.lineno} column {error.colno}.") from error
        except ValueError as error:
            raise ParseError("The body has a number of too many digits.") from error
        if _NUL.search(shown):
            raise ParseError("The body has a NUL character; leave it out.")
        return data


def _number(text: str) -> float:
    if math.isinf(value := float(text)):
        raise ParseError(f"{text[:20]} is too large a number.")
    return value


def _refuse(word: str) -> None:
    raise ParseError(f"{word} is no JSON.")
