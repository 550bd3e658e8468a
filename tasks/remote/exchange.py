"""One command on one SSH channel: bytes in, bytes out, an exit code; no waiting loop that sleeps.

The command's first request and its input are sent without waiting for the server's confirmation, so a small
command costs two round trips (open, result). Input and output are moved by one thread; it is woken by data,
by room in the send window, by the exit status and by the end of the connection.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable

import paramiko
from paramiko.common import cMSG_CHANNEL_REQUEST

from tasks.remote.errors import CommandKilled, OutputTooLarge, RemoteTimeout, ShellFailed, Unreachable
from tasks.remote.link import Link

# A background process may keep the output open after the command has ended: silence ends the wait (seconds).
QUIET = 2.0
# How long a host may take to say anything when a command is late (seconds).
PROOF_OF_LIFE = 5.0
_BLOCK = 1 << 16


class _Wake(threading.Event):
    """Set by every source; only its owner clears it, because a buffer that runs empty must not hide
    another. ``tell`` hears of it too."""

    def __init__(self, tell: Callable[[], None] | None) -> None:
        super().__init__()
        self._tell = tell

    def set(self) -> None:
        super().set()
        if self._tell is not None:
            self._tell()

    def set_quietly(self) -> None:
        super().set()

    def clear(self) -> None:
        """Paramiko's buffers call this; it does nothing."""

    def take(self) -> None:
        super().clear()


class _Quiet(threading.Event):
    """For a source of which nobody is told."""

    def __init__(self, wake: _Wake) -> None:
        super().__init__()
        self._wake = wake

    def set(self) -> None:
        self._wake.set_quietly()

    def clear(self) -> None:
        """As the wake's."""


class _Room(threading.Condition):
    """The channel's send window; growing it wakes the owner too."""

    def __init__(self, lock: threading.Lock, wake: _Wake) -> None:
        super().__init__(lock)
        self._wake = wake

    def notify_all(self) -> None:
        super().notify_all()
        self._wake.set_quietly()


class Exchange:
    """A running command. ``timeout`` counts from the start, or from the last progress when ``idle`` is
    true. ``tell`` is called, from the connection's thread, when there may be something to take; then
    ``limit`` is how much is taken at once."""

    def __init__(
        self,
        link: Link,
        channel: paramiko.Channel,
        command: str,
        *,
        timeout: float,
        idle: bool,
        limit: int,
        tell: Callable[[], None] | None = None,
    ) -> None:
        self.link = link
        self.channel = channel
        self.out = bytearray()
        self.err = bytearray()
        self._limit = limit
        self._tell = tell
        self._timeout = timeout
        self._idle = idle
        self._deadline = time.monotonic() + timeout
        self._last_data = time.monotonic()
        self._ended = False
        self._wake = _Wake(tell)
        channel.in_buffer.set_event(self._wake)
        # Nobody need be told of what only an error's text is made of; who waits for sudo's question hears of it.
        channel.in_stderr_buffer.set_event(_Quiet(self._wake))
        channel.status_event = self._wake
        channel.out_buffer_cv = _Room(channel.lock, self._wake)
        channel.settimeout(0.0)
        self._request(command)

    def _request(self, command: str) -> None:
        message = paramiko.Message()
        message.add_byte(cMSG_CHANNEL_REQUEST)
        message.add_int(self.channel.remote_chanid)
        message.add_string("exec")
        message.add_boolean(True)
        message.add_string(command)
        try:
            self.link.transport._send_user_message(message)
        except (EOFError, OSError, paramiko.SSHException) as error:
            raise self.link.failure(error) from error

    def send(self, data: bytes, progress: Callable[[int], None] | None = None) -> bool:
        """Write all of ``data`` while reading what comes back; False when the command ended before it took
        all."""
        view = memoryview(data)
        while view:
            if self._ended or self.channel.closed:
                return False
            if self.channel.out_window_size == 0:
                self._step()
                continue
            try:
                sent = self.channel.send(bytes(view[:_BLOCK]))
            except TimeoutError:
                continue
            except (EOFError, OSError, paramiko.SSHException):
                return False
            view = view[sent:]
            if self._idle:
                self._deadline = time.monotonic() + self._timeout
            if progress is not None:
                progress(sent)
        return True

    def send_all(self, blocks: Iterable[bytes], progress: Callable[[int], None] | None = None) -> None:
        """Write the blocks, as far as the command takes them."""
        for block in blocks:
            if not self.send(block, progress):
                break

    def end_input(self) -> None:
        """Nothing more will be written."""
        try:
            self.channel.shutdown_write()
        except (EOFError, OSError, paramiko.SSHException):
            return  # the command or the connection has ended; finish() says which

    def until(self, condition: Callable[[], bool]) -> bool:
        """Read until the condition holds; False when the command ended without it."""
        while not condition():
            if self._ended:
                return False
            self._step()
        return True

    def finish(self) -> int:
        """Read to the end; the exit code. Raises CommandKilled, ShellFailed, and what a step raises."""
        while not self._ended:
            self._step()
        code = self.channel.exit_status
        self.close()
        if code >= 0:
            return int(code)
        # A broken connection closes its channels a moment before it calls itself closed.
        self.link.transport.join(1.0)
        if not self.link.alive:
            raise self.link.failure()
        if not self.out and not self.err:
            raise ShellFailed(
                "the host closed the session without running anything.",
                "check the account's shell and ForceCommand in sshd_config.",
                host=self.link.target.name,
            )
        raise CommandKilled(
            "the command's shell was killed by a signal.",
            "look for an out-of-memory kill (dmesg) or somebody's kill on the host.",
            host=self.link.target.name,
        )

    def poll(self) -> bool:
        """Take what is there, without waiting: whether the command has ended. Raises OutputTooLarge."""
        if not self._ended:
            self._take()
        return self._ended

    @property
    def late(self) -> bool:
        """Whether it says nothing for too long; then :meth:`doubt` tells why."""
        return not self._ended and time.monotonic() > self._deadline

    def doubt(self) -> RemoteTimeout | Unreachable:
        """Ask whether the host lives, for some seconds: what is to be raised of a late command, which is given up."""
        if not self.link.answers(PROOF_OF_LIFE):
            self.link.give_up()
            return self.link.failure()
        self.channel.close()
        return RemoteTimeout(
            f"the command did not end within {self._timeout:g} s; the host itself answers.",
            "run long work as a job, or allow it more time.",
            host=self.link.target.name,
        )

    def close(self) -> None:
        with contextlib.suppress(EOFError, OSError, paramiko.SSHException):  # the connection may be gone
            self.channel.close()

    def _step(self) -> None:
        """Take what is there, or wait for something to happen."""
        if self._take() or self._ended:
            return
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise self.doubt()
        exited = self.channel.exit_status >= 0
        self._wake.wait(min(left, QUIET) if exited and self.channel.out_window_size else left)

    def _take(self) -> bool:
        """Whether there was something to take."""
        self._wake.take()
        done = self.channel.closed or (self.channel.eof_received and self.channel.exit_status >= 0)
        took = self._drain()
        done = done and not self.channel.in_buffer.read_ready()
        now = time.monotonic()
        if took:
            self._last_data = now
            if self._idle:
                self._deadline = now + self._timeout
        self._ended = done or (not took and self.channel.exit_status >= 0 and now - self._last_data > QUIET)
        return took

    def _drain(self) -> bool:
        took = False
        while self.channel.in_buffer.read_ready():
            self.out += self.channel.recv(_BLOCK * 4)
            took = True
            if self._tell is not None and len(self.out) >= self._limit:
                self._tell()  # the rest is taken later, and the host waits so long
                break
            if len(self.out) > self._limit:
                self.channel.close()
                raise OutputTooLarge(
                    f"the command wrote more than {self._limit} bytes.",
                    "ask for less, or run it as a job and follow its log.",
                    host=self.link.target.name,
                )
        while self.channel.in_stderr_buffer.read_ready():
            self.err += self.channel.recv_stderr(_BLOCK * 4)
            took = True
            if len(self.err) > self._limit:
                del self.err[: -self._limit // 2]
        return took
