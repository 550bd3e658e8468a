"""The SSH connections of one process, shared by its threads.

A :class:`Remote` holds one session slot of a :class:`~tasks.remote.link.Link`. Up to eight threads share a
link (OpenSSH's MaxSessions is 10 by default; a smaller one is learnt from the first refusal), then a further
one is opened. Links are bounded in number, closed when idle, dropped when broken, and never used across a
fork.
"""

from __future__ import annotations

import contextlib
import copy
import os
import resource
import threading
import time
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field

from tasks.remote import link as links
from tasks.remote.closing import close_all, sweep
from tasks.remote.command import Remote, Result
from tasks.remote.errors import PoolBusy, RemoteError, SessionRefused
from tasks.remote.link import Link, Timing
from tasks.remote.prompt import PromptLock
from tasks.remote.target import Target

OPEN_FILES = 16384

__all__ = ["Limits", "Pool", "Remote", "Result", "Timing", "get_pool"]


@dataclass(frozen=True)
class Limits:
    """``idle`` and ``wait`` in seconds: a link unused for so long is closed; a caller waits so long for a
    slot."""

    links: int = 256
    links_per_host: int = 8
    idle: float = 45.0
    wait: float = 60.0


class _Opening:
    """A connection being opened by one thread and awaited by others, who share its failure.

    They are woken by its own end alone: hundreds may be opened at once.
    """

    def __init__(self, lock: PromptLock) -> None:
        self.ended = lock.condition()
        self.done = False
        self.error: RemoteError | None = None
        self.waiting = 0


@dataclass
class _Host:
    """What the pool knows of one ``Target.key``."""

    links: list[Link] = field(default_factory=list)
    openings: list[_Opening] = field(default_factory=list)


class _Slot:
    """One session slot; the lease behind a Remote."""

    def __init__(self, pool: Pool, link: Link) -> None:
        self._pool = pool
        self.link = link

    def move(self) -> bool:
        full, target = self.link, self.link.target
        if not self._pool._learn_capacity(full):
            raise SessionRefused(
                "the host grants no session on a fresh connection.",
                "allow sessions in sshd_config there (MaxSessions, PermitTTY, ForceCommand).",
                host=target.name,
            )
        try:
            self.link = self._pool._acquire(target)
        except BaseException:
            self._pool._take_back(full)
            raise
        return True


class Pool:
    """Connections to many hosts. Thread-safe; one per process (:func:`get_pool`)."""

    def __init__(self, limits: Limits | None = None, timing: Timing | None = None) -> None:
        self.limits = limits or Limits()
        self.timing = timing or Timing()
        self._reset()
        _pools.add(self)

    def _reset(self) -> None:
        self._lock = PromptLock()
        self._changed = self._lock.condition()  # for those who wait until a slot is free
        self._hosts: dict[str, _Host] = {}
        self._count = 0
        self._reaper: threading.Thread | None = None
        self._stop = threading.Event()
        self._closed = False

    @contextlib.contextmanager
    def connection(self, target: Target) -> Iterator[Remote]:
        """A Remote for the length of the block. Raises :class:`RemoteError` subclasses."""
        slot = _Slot(self, self._acquire(target))
        try:
            yield Remote(slot, self.timing.open_channel)
        finally:
            self._release(slot.link)

    def first_contact(self, target: Target) -> str:
        """The public key that the host shows, to be compared and pinned. No credential is sent to it."""
        if target.jump is None:
            return links.first_contact(target, self.timing)
        with self._carried(target.jump) as carrier:
            return links.first_contact(target, self.timing, carrier)

    def forget(self, target: Target) -> None:
        """Use no present connection to the target any more; those in use end when their users are done."""
        with self._changed:
            for link in self._hosts.get(target.key, _Host()).links:
                link.retired = True
            dead = self._take_dead(target.key)
        close_all(dead)

    def close(self) -> None:
        """Close every connection; commands that run on them fail as dropped."""
        with self._changed:
            self._closed = True
            self._stop.set()
            found = [link for host in self._hosts.values() for link in host.links]
            for opening in [opening for host in self._hosts.values() for opening in host.openings]:
                opening.ended.notify_all()
            self._hosts.clear()
            self._count -= len(found)
            self._changed.notify_all()
        # A rider says goodbye through its carrier, so it goes first.
        close_all(sorted(found, key=lambda link: link.carrier is None))

    @property
    def size(self) -> int:
        """Connections that are open or being opened."""
        with self._changed:
            return self._count

    # One slot

    def _acquire(self, target: Target, *, rider: bool = False) -> Link:
        deadline = time.monotonic() + self.limits.wait
        while True:
            with self._changed:
                if self._closed:
                    raise PoolBusy("the pool is closed.", "the process is shutting down.", host=target.name)
                dead = self._take_dead(target.key)
                host = self._hosts.setdefault(target.key, _Host())
                link = self._usable(host, target, rider)
                if link is not None:
                    if rider:
                        link.riders += 1
                    else:
                        link.in_use += 1
                    opening = None
                else:
                    opening, dead_too = self._plan(host, target, deadline)
                    dead += dead_too
            close_all(dead)
            if link is not None:
                return link
            if opening is not None:
                self._open(host, target, opening)

    def _usable(self, host: _Host, target: Target, rider: bool) -> Link | None:
        fitting = [link for link in host.links if not link.retired and link.alive and link.target == target]
        if rider:
            return fitting[0] if fitting else None
        free = [link for link in fitting if link.in_use < link.capacity]
        return min(free, key=lambda link: link.in_use, default=None)

    def _plan(self, host: _Host, target: Target, deadline: float) -> tuple[_Opening | None, list[Link]]:
        """Under the lock: open a further link (then the opening is returned), or wait for something to
        change."""
        for link in host.links:
            if link.target != target:  # the node was edited: its old connections are used up, not reused
                link.retired = True
        joinable = next((one for one in host.openings if one.waiting < links.SESSIONS_PER_LINK - 1), None)
        if joinable is not None:
            joinable.waiting += 1
            while not joinable.done and not self._closed:
                joinable.ended.wait()
            if joinable.error is not None:
                raise copy.copy(joinable.error)
            return None, []
        evicted: list[Link] = []
        if len(host.links) + len(host.openings) < self.limits.links_per_host:
            if self._count >= self.limits.links:
                evicted = self._evict()
            if self._count < self.limits.links:
                opening = _Opening(self._lock)
                host.openings.append(opening)
                self._count += 1
                return opening, evicted
        left = deadline - time.monotonic()
        if left <= 0:
            raise PoolBusy(
                f"no free SSH session within {self.limits.wait:.0f} s ({self._count} connections are open).",
                "it passes; if it stays, raise the pool's limits or lower the worker's threads.",
                host=target.name,
            )
        self._changed.wait(left)
        return None, evicted

    def _open(self, host: _Host, target: Target, opening: _Opening) -> None:
        """Outside the lock: connect, then tell those who wait."""
        link: Link | None = None
        try:
            if target.jump is None:
                link = links.connect(target, self.timing)
            else:
                with self._carried(target.jump) as carrier:
                    link = links.connect(target, self.timing, carrier)
                    with self._changed:
                        carrier.riders += 1
        except RemoteError as error:
            opening.error = error
            raise
        except BaseException as error:
            opening.error = RemoteError(f"connecting failed: {type(error).__name__}", host=target.name)
            raise
        finally:
            with self._changed:
                host.openings.remove(opening)
                opening.done = True
                opening.ended.notify_all()
                late = self._closed
                if link is None or late:
                    self._count -= 1
                else:
                    host.links.append(link)
                    self._watch_idle()
                self._changed.notify_all()
            if link is not None and late:
                link.close()

    @contextlib.contextmanager
    def _carried(self, jump: Target) -> Iterator[Link]:
        """A link to the jump host that stays open for the length of the block."""
        carrier = self._acquire(jump, rider=True)
        try:
            yield carrier
        finally:
            with self._changed:
                carrier.riders -= 1
                carrier.last_used = time.monotonic()
                self._changed.notify_all()

    def _release(self, link: Link) -> None:
        with self._changed:
            link.in_use -= 1
            link.last_used = time.monotonic()
            dead = self._take_dead(link.target.key)
            self._changed.notify_all()
        close_all(dead)

    def _learn_capacity(self, link: Link) -> bool:
        """The server refused a session on this link: remember how many it grants, give the slot back."""
        with self._changed:
            link.in_use -= 1
            # The other holders may be between two commands, so this counts channels, not slots.
            granted = len(link.transport._channels) if link.alive else 0
            fresh = granted == 0 and link.in_use == 0
            link.capacity = max(1, min(link.capacity - 1, max(granted, link.in_use)))
            self._changed.notify_all()
        if fresh:
            self._take_back(link)
        return not fresh

    def _take_back(self, link: Link) -> None:
        """A lease that could not move keeps its slot until it is released."""
        with self._changed:
            link.in_use += 1

    # Links that are no longer wanted

    def _take_dead(self, key: str) -> list[Link]:
        """Under the lock: forget the host's links that broke, and retired ones that nobody uses; the caller
        closes them."""
        host = self._hosts.get(key)
        if host is None:
            return []
        dead: list[Link] = []
        for link in list(host.links):
            unused = link.in_use == 0 and link.riders == 0
            if (link.retired and unused) or not link.alive:
                self._drop(host, link)
                dead.append(link)
        if not host.links and not host.openings:
            del self._hosts[key]
        return dead

    def _drop(self, host: _Host, link: Link) -> None:
        host.links.remove(link)
        self._count -= 1
        if link.carrier is not None:
            link.carrier.riders -= 1
            link.carrier.last_used = time.monotonic()
        self._changed.notify_all()

    def _evict(self) -> list[Link]:
        """Under the lock: make room by closing the link that was unused longest."""
        unused = [
            (link.last_used, host, link)
            for host in self._hosts.values()
            for link in host.links
            if link.in_use == 0 and link.riders == 0
        ]
        if not unused:
            return []
        _, host, link = min(unused, key=lambda item: item[0])
        self._drop(host, link)
        return [link]

    def _watch_idle(self) -> None:
        if self._reaper is None:
            self._reaper = threading.Thread(target=self._reap, args=(self._stop,), name="ssh-pool-idle", daemon=True)
            self._reaper.start()

    def _reap(self, stop: threading.Event) -> None:
        while not stop.wait(max(0.05, min(self.limits.idle / 4, 10.0))):
            with self._changed:
                before = time.monotonic() - self.limits.idle
                dead: list[Link] = []
                for key, host in list(self._hosts.items()):
                    for link in host.links:
                        if link.in_use == 0 and link.riders == 0 and link.last_used <= before:
                            link.retired = True
                    dead += self._take_dead(key)
                empty = self._count == 0
                if empty:
                    self._reaper = None  # the next connection starts another
            close_all(dead)
            sweep()
            if empty:
                return

    def _after_fork(self) -> None:
        """In the child: the parent goes on using its connections, the child starts with none."""
        found = [link for host in self._hosts.values() for link in host.links]
        for link in found:
            link.abandon()
        self._abandoned = found  # kept, so that no finaliser talks on the parent's connections
        self._reset()


_pools: weakref.WeakSet[Pool] = weakref.WeakSet()
_own: Pool | None = None
_own_lock = threading.Lock()


def get_pool() -> Pool:
    """The process's own pool, with as many links as its open files allow."""
    global _own
    with _own_lock:
        if _own is None:
            _own = Pool(Limits(links=_most_links()))
        return _own


def _most_links() -> int:
    """A step that waits holds its link, so their number bounds how many steps a worker attends to.

    The usual soft limit of 1024 open files is for programs that use select(); this one may have more.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted // 2


def _after_fork_in_child() -> None:
    global _own_lock
    _own_lock = threading.Lock()
    for pool in list(_pools):
        pool._after_fork()


os.register_at_fork(after_in_child=_after_fork_in_child)
