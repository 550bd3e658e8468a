"""The REST API over HTTP: authentication, problem documents, pages, repeats that are safe."""

from __future__ import annotations

import ipaddress
import json
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from cli.errors import CliError, Problem, Unreachable
from cli.language import tr

TIMEOUT = httpx.Timeout(60, connect=10)
# Heartbeats come every 15 s: three missed ones mean that the connection is gone.
STREAM_TIMEOUT = httpx.Timeout(50, connect=10)
ATTEMPTS = 4
LONGEST_WAIT = 30.0


def is_loopback(server: str) -> bool:
    """Whether the address names this machine."""
    host = urlsplit(server).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Client:
    """One service, as a customer with an access key or as an operator with a `login`: name and password.

    Every method raises `Problem` or `Unreachable`.

    Paths are relative to `/api/v1/`, without a leading slash.
    """

    def __init__(
        self,
        server: str,
        access_key: str,
        *,
        login: tuple[str, str] | None = None,
        agent: str = "3kctl",
        patience: float | None = None,
    ) -> None:
        # With a `patience` (seconds) nothing is tried again: the caller has something better to do.
        self.server = server.rstrip("/")
        if urlsplit(self.server).scheme not in ("http", "https") or not urlsplit(self.server).hostname:
            raise CliError(
                tr("--server {server} is no address of a service.", server=repr(server)),
                hint=tr("Write it with its scheme, for example http://127.0.0.1:8300 or https://host."),
            )
        if not access_key.isascii() or any(character.isspace() for character in access_key):
            raise CliError(
                tr("The access key has characters that no key has."), hint=tr("Copy it again, without quotes.")
            )
        self.access_key = access_key
        self._skew = timedelta()
        self._attempts = ATTEMPTS if patience is None else 1
        # A proxy of the environment cannot know this machine's loopback.
        self._http = httpx.Client(
            base_url=f"{self.server}/api/v1/",
            headers={"User-Agent": agent} | ({"Authorization": f"Bearer {access_key}"} if access_key else {}),
            auth=httpx.BasicAuth(*login) if login else None,
            timeout=TIMEOUT if patience is None else patience,
            trust_env=not is_loopback(self.server),
        )

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def now(self) -> datetime:
        """The service's time, so that ages are right where this machine's clock is not."""
        return datetime.now(UTC) + self._skew

    @property
    def skew(self) -> timedelta:
        """How far the service's clock is ahead of this machine's."""
        return self._skew

    def probe(self, path: str) -> tuple[int, Any]:
        """Status and JSON of an address beside the API, such as `readyz`; nothing is tried again."""
        try:
            response = self._http.get(f"{self.server}/{path}")
            self._learn_time(response)
            return response.status_code, response.json()
        except httpx.TransportError as error:
            raise self.unreachable(error) from error
        except (json.JSONDecodeError, UnicodeDecodeError):
            return response.status_code, {}

    def get(self, path: str, **params: Any) -> Any:
        """The JSON at `path`; parameters that are empty are left out."""
        return self._json("GET", path, params=_given(params))

    def text(self, path: str) -> str:
        """The body at `path` as text."""
        return self._send("GET", path, headers={"Accept": "text/yaml, application/yaml, */*"}).text

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """The answer to a POST. An idempotency key makes a repeat after a broken connection harmless."""
        return self._json("POST", path, json=dict(body), headers={"Idempotency-Key": str(uuid.uuid4())})

    def patch(self, path: str, body: Mapping[str, Any]) -> Any:
        """The answer to a PATCH."""
        return self._json("PATCH", path, json=dict(body))

    def delete(self, path: str) -> None:
        """Delete what is at `path`."""
        self._send("DELETE", path)

    def pages(self, path: str, **params: Any) -> Iterator[Any]:
        """All rows of a list, page after page."""
        query: dict[str, Any] = _given(params)
        while True:
            page = self.get(path, **query)
            yield from page["results"]
            if not page.get("next"):
                return
            # Only the query is taken: behind a proxy the link may name another host, which must not get the key.
            query = dict(parse_qsl(urlsplit(page["next"]).query))

    @contextmanager
    def stream(self, path: str, last_id: str) -> Iterator[httpx.Response]:
        """An open event stream that begins after the event `last_id`."""
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-cache"}
        if last_id:
            headers["Last-Event-ID"] = last_id
        with self._http.stream("GET", path, headers=headers, timeout=STREAM_TIMEOUT) as response:
            if response.status_code != 200:
                response.read()
                raise _problem(response)
            yield response

    def _json(self, method: str, path: str, **options: Any) -> Any:
        response = self._send(method, path, **options)
        if not response.content:
            return None
        try:
            return response.json()
        except json.JSONDecodeError:
            raise Unreachable(
                tr("{server} does not speak the API: {path} is no JSON.", server=self.server, path=path),
                hint=tr("Check --server."),
            ) from None

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        for attempt in range(1, self._attempts + 1):
            last = attempt == self._attempts
            try:
                response = self._http.request(method, path, **options)
            except httpx.ConnectError as error:
                raise self.unreachable(error) from error
            except httpx.TransportError as error:
                if last:
                    raise self.unreachable(error) from error
                time.sleep(0.2 * 2**attempt)
                continue
            self._learn_time(response)
            if response.is_success:
                return response
            if response.status_code not in (429, 502, 503, 504) or last or not _waited(response):
                raise _problem(response)
        raise AssertionError("the last attempt returns or raises")

    def unreachable(self, error: Exception) -> Unreachable:
        """`error` of the network, said with what to do."""
        hint = tr(
            "Start it with `3kctl up`, or name another with --server or SANQIAN_SERVER (now {server}).",
            server=self.server,
        )
        return Unreachable(
            tr("The service at {server} is not reachable: {error}.", server=self.server, error=reason(error)), hint=hint
        )

    def _learn_time(self, response: httpx.Response) -> None:
        if sent := response.headers.get("date"):
            skew = parsedate_to_datetime(sent) - datetime.now(UTC)
            # The header counts whole seconds; a smaller difference is no skew.
            self._skew = skew if abs(skew) > timedelta(seconds=2) else timedelta()


def reason(error: Exception) -> str:
    """Why the network failed, in words."""
    if isinstance(error, httpx.ConnectTimeout):
        return tr("no answer to the connection")
    if isinstance(error, httpx.TimeoutException):
        return tr("no answer in time")
    return str(error).strip() or type(error).__name__


def _given(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value not in (None, "")}


def _waited(response: httpx.Response) -> bool:
    """Wait as long as the service asks, and say whether that was worth it: a long ban is shown at once."""
    asked = response.headers.get("retry-after", "")
    if not asked.isdigit() or int(asked) > LONGEST_WAIT:
        return False
    time.sleep(int(asked))
    return True


def _problem(response: httpx.Response) -> Problem:
    try:
        body = response.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        body = {}
    if not isinstance(body, dict):
        body = {}
    if not body and response.status_code >= 300:
        body = {
            "title": tr(
                "The service answered {status_code} {reason_phrase} without an explanation.",
                status_code=response.status_code,
                reason_phrase=response.reason_phrase,
            ),
            "hint": tr("Check --server, and the service's log."),
            "status": response.status_code,
        }
    return Problem(response.status_code, body)
