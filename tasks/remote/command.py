"""Small commands on one host: a POSIX shell script in, exit code and output out.

The script and its environment travel over standard input, never in an argument, so ``ps`` on the host shows
nothing. A marker printed by the started shell separates the output from what login scripts print.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import paramiko

from tasks.remote.errors import (
    CommandFailed,
    MissingTool,
    RemoteError,
    ShellFailed,
    SudoFailed,
)
from tasks.remote.exchange import Exchange
from tasks.remote.link import Link
from tasks.remote.quote import exports
from tasks.remote.target import Target

OUTPUT_LIMIT = 16 << 20  # bytes a command may write to standard output

# Reads the script from standard input up to the end mark, byte by byte as POSIX asks of `read`, so that what
# follows is left for the script's own commands. No quote characters but double ones: it is wrapped in single
# ones.
_LOADER = (
    'printf %s {mark}; printf %s {mark} >&2; n=$(printf "\\n_"); n=${{n%_}}; s=; '
    'while IFS= read -r l; do [ "$l" = {mark} ] && break; s=$s$l$n; done; eval "$s"'
)
# The last line of a command that is talked with.
TALKING = "} 3<&0 </dev/null"
_SETTINGS = "LC_ALL=C PATH=${PATH:-/usr/bin:/bin}:/usr/local/sbin:/usr/sbin:/sbin; export LC_ALL PATH\n"


@dataclass(frozen=True)
class Result:
    """What a command left behind. Output is bytes: nothing says that it is UTF-8."""

    exit_code: int
    stdout: bytes = field(repr=False)
    stderr: bytes = field(repr=False)

    @property
    def ok(self) -> bool:
        return self.exit_code == 0

    @property
    def text(self) -> str:
        """Standard output as text, undecodable bytes replaced, without the last line's end."""
        return self.stdout.decode(errors="replace").rstrip("\n")

    @property
    def error_text(self) -> str:
        return self.stderr.decode(errors="replace").strip()


class Lease(Protocol):
    """A session slot on some link of the pool."""

    link: Link

    def move(self) -> bool:
        """The server grants this link no further session: go to another. False when there is no other way."""


class Remote:
    """A host that can be asked to do things; from :meth:`tasks.remote.pool.Pool.connection`.

    One thread uses it at a time, one command at a time.
    """

    def __init__(self, lease: Lease, open_timeout: float) -> None:
        self._lease = lease
        self._open_timeout = open_timeout

    @property
    def target(self) -> Target:
        return self._lease.link.target

    @property
    def name(self) -> str:
        return self.target.name

    @property
    def link(self) -> Link:
        return self._lease.link

    def run(
        self,
        script: str,
        *,
        env: Mapping[str, str] | None = None,
        stdin: bytes | Iterable[bytes] = b"",
        sudo: bool = False,
        timeout: float = 30.0,
        idle: bool = False,
        check: bool = False,
        limit: int = OUTPUT_LIMIT,
        on_sent: Callable[[int], None] | None = None,
    ) -> Result:
        """Run a POSIX shell script and wait for its end.

        ``env`` may hold secrets. ``timeout`` is in seconds, of silence when ``idle`` is true, else in all.
        ``sudo`` does nothing for root. ``on_sent`` gets the number of input bytes of each write.
        The script sees LC_ALL=C, a PATH with the sbin directories, and /dev/null as input when ``stdin`` is
        empty.

        Raises :class:`CommandFailed` with ``check`` when the exit code is not 0; :class:`Unreachable`,
        :class:`RemoteTimeout`, :class:`SudoFailed`, :class:`ShellFailed`, :class:`OutputTooLarge`.
        """
        body = f"{exports(env or {})}{script}\n"
        if stdin == b"":
            body = "{ :\n" + body + "} </dev/null\n"
        exchange, ready = self._start(_SETTINGS + body, stdin, sudo, on_sent, timeout=timeout, idle=idle, limit=limit)
        try:
            exchange.end_input()
            code = exchange.finish()
        except BaseException:
            exchange.close()
            raise
        started, stdout = _after(bytes(exchange.out), ready)
        _, stderr = _after(bytes(exchange.err).replace(ready + b"?", b""), ready)
        if not started:
            raise self._not_started(code, stdout + stderr, sudo)
        result = Result(code, stdout, stderr)
        if check and code != 0:
            said = self._redact(result.error_text or result.text, env or {})
            raise CommandFailed(code, said, host=self.name)
        return result

    def begin(
        self, script: str, *, sudo: bool = False, silence: float, limit: int, on_news: Callable[[], None]
    ) -> Running:
        """Start a POSIX shell script and do not wait for it.

        Its standard input, descriptor 3, stays open for :meth:`Running.say`. ``on_news`` is called from the
        connection's thread whenever there may be something to take; ``silence`` is how many seconds it may write
        nothing. Raises as :meth:`run`.
        """
        body = f"{_SETTINGS}{{ :\n{script}\nexit\n{TALKING}\n"
        exchange, ready = self._start(body, b"", sudo, timeout=silence, idle=True, limit=limit, tell=on_news)
        return Running(self, exchange, ready, sudo)

    def _start(
        self,
        body: str,
        stdin: bytes | Iterable[bytes],
        sudo: bool,
        on_sent: Callable[[int], None] | None = None,
        **bounds: Any,
    ) -> tuple[Exchange, bytes]:
        """The command with all of its input sent, and the mark that its output begins with."""
        mark = f"sq{secrets.token_hex(8)}"
        elevate = sudo and self.target.user != "root"
        password = self.target.credential.for_sudo() if elevate else None
        direct = stdin == b"" and password is None
        shell = "sh" if direct else f"sh -c '{_LOADER.format(mark=mark)}'"
        if elevate:
            how = f"-S -p {mark}?" if password is not None else "-n"
            shell = f"env LC_ALL=C sudo -H {how} -- {shell}"
        exchange = self._open(f"exec {shell}", bounds)
        ready = mark.encode()
        try:
            if password is not None:
                self._authorise(exchange, ready, password)
            if direct:
                exchange.send_all([f"printf %s {mark}; printf %s {mark} >&2\n{body}".encode(errors="surrogateescape")])
            else:
                exchange.send_all(_feed(body, mark, stdin), _only_payload(on_sent, len(_head(body, mark))))
        except BaseException:
            exchange.close()
            raise
        return exchange, ready

    def _open(self, command: str, bounds: dict[str, Any]) -> Exchange:
        while True:
            link = self._lease.link
            try:
                channel = link.open_session(min(self._open_timeout, max(bounds["timeout"], 1.0)))
            except paramiko.ChannelException:
                if self._lease.move():
                    continue
                raise
            return Exchange(link, channel, command, **bounds)

    def _authorise(self, exchange: Exchange, ready: bytes, password: str) -> None:
        """Answer sudo's question, once; a second question means that the first answer was wrong."""
        prompt = ready + b"?"

        def started() -> bool:
            return ready in bytes(exchange.err).replace(prompt, b"")

        exchange.until(lambda: prompt in exchange.err or started())
        if prompt in exchange.err and not started():
            exchange.send(password.encode() + b"\n")
            exchange.until(lambda: exchange.err.count(prompt) > 1 or started())
            if not started() and exchange.err.count(prompt) > 1:
                raise SudoFailed(
                    f"sudo refuses the password of user {self.target.user}.",
                    "correct the node's sudo password.",
                    host=self.name,
                    kind="sudo-wrong-password",
                )

    def _not_started(self, code: int, said: bytes, sudo: bool) -> RemoteError:
        elevate = sudo and self.target.user != "root"
        text = self._redact(" ".join(said.decode(errors="replace").split())[-500:], {})
        if not elevate:
            return ShellFailed(
                f"the login shell of {self.target.user} did not run sh (exit code {code}): {text or 'no message'}",
                "give the account a shell such as /bin/bash; remove ForceCommand for it.",
                host=self.name,
            )
        user = self.target.user
        if code in (126, 127):  # not found, or not executable
            return MissingTool("sudo", "sudo is missing.", "install sudo, or connect as root.", host=self.name)
        for words, kind, message, fix in (
            (
                ("must have a tty",),
                "sudo-requiretty",
                "sudo wants a terminal",
                f"add 'Defaults:{user} !requiretty' to a file in /etc/sudoers.d.",
            ),
            (
                ("password is required", "interactive authentication is required"),
                "sudo-password-required",
                f"sudo asks user {user} for a password and the node has none",
                f"give the node's sudo password, or allow '{user} ALL=(ALL) NOPASSWD:ALL' in /etc/sudoers.d.",
            ),
            (
                ("not in the sudoers", "not allowed to execute", "may not run", "not allowed to run"),
                "sudo-not-allowed",
                f"sudo does not allow user {user} to run a shell",
                f"allow '{user} ALL=(ALL) ALL' in /etc/sudoers.d.",
            ),
            (
                ("incorrect password", "Authentication failed"),
                "sudo-wrong-password",
                f"sudo refuses the password of user {user}",
                "correct the node's sudo password.",
            ),
        ):
            if any(word in text for word in words):
                return SudoFailed(f"{message} ({text}).", fix, host=self.name, kind=kind)
        return SudoFailed(f"sudo ended with exit code {code}: {text or 'no message'}", host=self.name)

    def _redact(self, text: str, env: Mapping[str, str]) -> str:
        for value in (*self.target.credential.secrets(), *env.values()):
            if len(value) >= 4:
                text = text.replace(value, "[hidden]")
        return text


class Running:
    """A command that has been started and is not waited for; from :meth:`Remote.begin`.

    One thread uses it at a time.
    """

    def __init__(self, remote: Remote, exchange: Exchange, ready: bytes, sudo: bool) -> None:
        self._remote = remote
        self._exchange = exchange
        self._ready = ready
        self._sudo = sudo
        self._started = False
        self.ended = False
        self.exit_code = -1

    def take(self) -> bytes:
        """What it has written to standard output since the last call, without waiting.

        Raises, where it has ended without an exit code, what :meth:`Remote.run` does.
        """
        exchange = self._exchange
        ended = exchange.poll()
        data = b""
        if not self._started:
            self._started, data = _after(bytes(exchange.out), self._ready)
        else:
            data = bytes(exchange.out)
        if self._started:
            exchange.out.clear()
        if ended and not self.ended:
            self.ended = True
            self.exit_code = exchange.finish()
            if not self._started:
                raise self._remote._not_started(self.exit_code, bytes(exchange.out + exchange.err), self._sudo)
        return data

    @property
    def error_text(self) -> str:
        """What it has written to standard error."""
        return _after(bytes(self._exchange.err), self._ready)[1].decode(errors="replace").strip()

    @property
    def late(self) -> bool:
        """Whether it has written nothing for too long: then :meth:`doubt`."""
        return self._exchange.late

    def doubt(self) -> RemoteError:
        """Ask the host, for up to five seconds, whether it lives: what is to be raised. The command is given up."""
        return self._exchange.doubt()

    def say(self, data: bytes) -> None:
        """Write to its input, and end that."""
        self._exchange.send_all([data])
        self._exchange.end_input()

    def close(self) -> None:
        """Hear no more of it. It notices when it next writes or reads."""
        self._exchange.close()


def _head(body: str, mark: str) -> bytes:
    return f"{body}{mark}\n".encode(errors="surrogateescape")


def _feed(body: str, mark: str, stdin: bytes | Iterable[bytes]) -> Iterator[bytes]:
    yield _head(body, mark)
    if isinstance(stdin, bytes):
        yield stdin
    else:
        yield from stdin


def _only_payload(on_sent: Callable[[int], None] | None, head: int) -> Callable[[int], None] | None:
    """Hide the script's own bytes from the caller's progress."""
    if on_sent is None:
        return None
    left = head

    def progress(sent: int) -> None:
        nonlocal left
        hidden = min(left, sent)
        left -= hidden
        if sent > hidden:
            on_sent(sent - hidden)

    return progress


def _after(data: bytes, mark: bytes) -> tuple[bool, bytes]:
    before, found, after = data.partition(mark)
    return (True, after) if found else (False, before)
