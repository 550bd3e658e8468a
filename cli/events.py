"""Events as they come, an operation's or those of all clusters, over as many connections as it takes."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import httpx

from cli.client import Client, reason
from cli.errors import Problem
from cli.language import tr
from cli.sse import Parser, ServerEvent

FIRST_DELAY, LONGEST_DELAY = 0.5, 15.0
# How long the service may stay away before following is given up (seconds).
PATIENCE = 300.0


@dataclass(frozen=True)
class Tick:
    """Nothing has come for a moment: a chance to redraw, or to look at the clock."""


@dataclass(frozen=True)
class Lost:
    """The connection is gone; the next try is in `delay` seconds."""

    reason: str
    delay: float


@dataclass(frozen=True)
class Resumed:
    """The connection is back; events go on where they stopped."""


@dataclass(frozen=True)
class _Opened:
    pass


@dataclass(frozen=True)
class _Closed:
    reason: str
    error: Problem | httpx.HTTPError | None = None
    retry: float | None = None


Item = ServerEvent | Tick | Lost | Resumed


class EventStream:
    """Iterates over the events after the id `after`, with a `Tick` at least every `tick` seconds.

    The bytes are read by a thread of their own, so that neither a clock nor Ctrl-C waits for the network.
    Ends after the event `end`. Raises `Problem` for a refusal, `Unreachable` when the service stays away.
    """

    def __init__(
        self,
        client: Client,
        path: str,
        after: int | str = 0,
        *,
        tick: float = 1.0,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.client, self.path, self.last_id = client, path, str(after or "")
        self.tick, self.patience, self.clock = tick, patience, clock
        self._delay = FIRST_DELAY
        self._alive = self.clock()

    def __iter__(self) -> Iterator[Item]:
        lost = False
        while True:
            closed: _Closed | None = None
            for item in self._connection():
                if isinstance(item, _Closed):
                    closed = item
                elif isinstance(item, _Opened):
                    self._alive, self._delay = self.clock(), FIRST_DELAY
                    if lost:
                        yield Resumed()
                    lost = False
                else:
                    yield item
                    if isinstance(item, ServerEvent) and item.event == "end":
                        return
            assert closed is not None  # noqa: S101  a connection ends with its closing
            if isinstance(closed.error, Problem) and not _passing(closed.error):
                raise closed.error
            delay = max(self._delay, closed.retry or 0)
            if self.clock() - self._alive + delay > self.patience:
                raise self.client.unreachable(closed.error or RuntimeError(closed.reason))
            yield Lost(closed.reason, delay)
            lost, self._delay = True, min(self._delay * 2, LONGEST_DELAY)
            until = self.clock() + delay
            while (left := until - self.clock()) > 0:
                time.sleep(min(left, self.tick))
                yield Tick()

    def _connection(self) -> Iterator[ServerEvent | Tick | _Opened | _Closed]:
        items: queue.Queue[ServerEvent | _Opened | _Closed] = queue.Queue(maxsize=1000)
        gone = threading.Event()
        threading.Thread(target=self._read, args=(self.last_id, items, gone), daemon=True).start()
        try:
            while True:
                try:
                    item = items.get(timeout=self.tick)
                except queue.Empty:
                    yield Tick()
                    continue
                if isinstance(item, ServerEvent):
                    self.last_id, self._alive = item.id or self.last_id, self.clock()
                yield item
                if isinstance(item, _Closed):
                    return
        finally:
            gone.set()

    def _read(self, last_id: str, items: queue.Queue[ServerEvent | _Opened | _Closed], gone: threading.Event) -> None:
        parser = Parser(last_id)

        def put(item: ServerEvent | _Opened | _Closed) -> None:
            while not gone.is_set():
                try:
                    items.put(item, timeout=1)
                except queue.Full:
                    continue
                return

        try:
            with self.client.stream(self.path, last_id) as response:
                put(_Opened())
                for chunk in response.iter_bytes():
                    for event in parser.feed(chunk):
                        put(event)
                    if gone.is_set():
                        return
            put(_Closed(tr("the service closed it"), retry=parser.retry))
        except Problem as error:
            put(_Closed(error.message, error))
        except httpx.HTTPError as error:
            put(_Closed(reason(error), error, parser.retry))
        except RuntimeError as error:
            # httpx raises it where the client was closed meanwhile: nobody listens then.
            put(_Closed(str(error)))


def within(stream: Iterable[Item], timeout: float | None) -> Iterator[Item]:
    """What comes in the next `timeout` seconds, for ever without one. Raises `TimeoutError` when they are over."""
    deadline = time.monotonic() + timeout if timeout else None
    for item in stream:
        if deadline and time.monotonic() >= deadline:
            raise TimeoutError
        yield item


def _passing(error: Problem) -> bool:
    return error.status in (429, 500, 502, 503, 504)
