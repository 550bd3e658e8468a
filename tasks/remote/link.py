"""One SSH connection: opened with a pinned host key, shared by several threads, dropped when it breaks."""

from __future__ import annotations

import contextlib
import errno
import logging
import socket
import time
from dataclasses import dataclass
from typing import Any

import paramiko
from fabric import Config, Connection
from paramiko.common import cMSG_GLOBAL_REQUEST
from paramiko.config import SSHConfig
from paramiko.ssh_exception import IncompatiblePeer

from tasks.remote import target as targets
from tasks.remote import wire
from tasks.remote.errors import (
    AuthFailed,
    HostKeyChanged,
    HostKeyUnknown,
    Incompatible,
    RemoteError,
    SessionRefused,
    Unreachable,
)
from tasks.remote.handshake import Transport
from tasks.remote.target import Target

# OpenSSH grants 10 sessions a connection by default (sshd_config, MaxSessions); two are left for people.
SESSIONS_PER_LINK = 8

# Kept out of every handshake although paramiko still knows them.
WEAK = {
    "ciphers": ["3des-cbc", "aes128-cbc", "aes192-cbc", "aes256-cbc"],
    "macs": ["hmac-md5", "hmac-md5-96", "hmac-sha1-96"],
}

# What paramiko would log here is in the typed errors already, with the host's name.
_LOG = "tasks.remote.paramiko"
logging.getLogger(_LOG).setLevel(logging.CRITICAL)


@dataclass(frozen=True)
class Timing:
    """Seconds. A dead peer of an open connection is noticed within ``silence`` + ``keepalive``/2 + 1."""

    connect: float = 15.0
    auth: float = 30.0
    open_channel: float = 15.0
    keepalive: float = wire.KEEPALIVE
    silence: float = wire.SILENCE


class _Connection(Connection):
    """Fabric's connection; through a jump host its channel is watched like any other socket."""

    def open_gateway(self) -> Any:
        sock = wire.WatchedSocket(super().open_gateway())
        self.connect_kwargs["sock"] = sock
        return sock


class Link:
    """An open connection. ``in_use``, ``capacity`` and ``riders`` belong to the pool and its lock."""

    def __init__(self, target: Target, connection: Connection, sock: wire.WatchedSocket, carrier: Link | None) -> None:
        self.target = target
        self.connection = connection
        self.transport: Any = connection.transport  # the stubs know only half of paramiko's Transport
        self.sock = sock
        self.carrier = carrier
        self.capacity = SESSIONS_PER_LINK
        self.in_use = 0
        self.riders = 0
        self.retired = False
        self.last_used = time.monotonic()

    @property
    def alive(self) -> bool:
        return self.transport.is_active() and not self.sock.went_silent

    def open_session(self, timeout: float) -> paramiko.Channel:
        """Raises Unreachable, and paramiko.ChannelException when the server grants no further session."""
        return self._open_channel("session", None, timeout)

    def open_tcp(self, host: str, port: int, timeout: float) -> paramiko.Channel:
        """A channel to ``host:port`` as seen from this host. Raises Unreachable."""
        try:
            return self._open_channel("direct-tcpip", (host, port), timeout)
        except paramiko.ChannelException as error:
            raise _explain(error, self.target, f"{host}:{port} seen from this host") from error

    def _open_channel(self, kind: str, address: tuple[str, int] | None, timeout: float) -> paramiko.Channel:
        try:
            return self.transport.open_channel(kind, address, address and ("", 0), timeout=timeout)
        except paramiko.ChannelException:
            raise
        except (paramiko.SSHException, EOFError, OSError) as error:
            # Paramiko keeps one reason per connection: of two refusals at once, the second has lost its own.
            if self.alive and "Unable to open channel" in str(error):
                raise paramiko.ChannelException(2, "refused") from error
            if self.answers(timeout):
                raise _unreachable(
                    "timeout",
                    f"the host opened no session within {timeout:g} s.",
                    "check its load; it answers, but does not keep up.",
                    self.target,
                ) from error
            self.give_up()
            raise self.failure(error) from error

    def answers(self, within: float) -> bool:
        """True when the server says anything within so many seconds of being asked."""
        return self.alive and self.sock.answers(within)

    def give_up(self) -> None:
        """Nothing is heard any more: end the connection for everybody who waits on it."""
        if self.alive:
            self.sock.went_silent = True
        self.close()

    def failure(self, cause: BaseException | None = None) -> Unreachable:
        """Why a command on this connection has no result."""
        if self.sock.went_silent or self.alive:
            return Unreachable(
                "the host stopped answering; the connection is half-open.",
                "check the network path and that the host is up; the command may still be running there.",
                host=self.target.name,
                kind="no-answer",
            )
        cause = self.transport.saved_exception or cause
        why = f" ({type(cause).__name__}: {cause})" if cause is not None and str(cause) else ""
        return Unreachable(
            f"the connection broke off{why}.",
            "the command may still be running on the host; it is asked again once the host answers.",
            host=self.target.name,
            kind="dropped",
        )

    def close(self) -> None:
        with contextlib.suppress(EOFError, OSError, paramiko.SSHException):  # a broken one cannot say goodbye
            self.connection.close()
        self.connection.client.close()
        self.sock.close()

    def abandon(self) -> None:
        """After a fork, in the child: forget the connection without touching the parent's session."""
        self.transport.active = False
        for channel in self.transport._channels.values():
            channel.closed = True
        self.sock.abandon()


def connect(target: Target, timing: Timing, carrier: Link | None = None) -> Link:
    """Open a connection, check the pinned host key, then authenticate.

    Never reads the user's ~/.ssh, agent or known_hosts. Raises :class:`RemoteError` subclasses only.
    """
    if not target.host_key:
        raise HostKeyUnknown(
            "no host key is pinned for this host.",
            "make the first contact, compare the fingerprint, then pin the key.",
            host=target.name,
        )
    try:
        pinned = targets.public_key(target.host_key)
    except ValueError as error:
        raise HostKeyUnknown(
            f"the pinned host key cannot be read: {error}.", "pin it again.", host=target.name
        ) from error
    credential = target.credential
    kwargs: dict[str, Any] = {
        "pkey": targets.private_key(credential, host=target.name),
        "password": credential.password or None,
        "allow_agent": False,
        "look_for_keys": False,
        "banner_timeout": timing.connect,
        "auth_timeout": timing.auth,
        "channel_timeout": timing.connect,
        "disabled_algorithms": WEAK,
        "transport_factory": Transport,
    }
    connection: Connection | None = None
    try:
        if carrier is None:
            kwargs["sock"] = wire.dial(target.host, target.port, timing.connect)
        connection = _Connection(
            target.host,
            user=target.user,
            port=target.port,
            # Of its own, although that takes half a millisecond: Fabric writes into it, the credential too.
            config=Config(ssh_config=SSHConfig(), lazy=True),
            gateway=carrier.connection if carrier else None,
            # The connection is made already: this is for the key exchange, which begins with waiting for the banner.
            connect_timeout=int(2 * timing.connect + 0.999),
            connect_kwargs=kwargs,
        )
        client: paramiko.SSHClient = connection.client
        client.set_log_channel(_LOG)
        client.set_missing_host_key_policy(paramiko.RejectPolicy())
        name = target.host if target.port == 22 else f"[{target.host}]:{target.port}"
        client.get_host_keys().add(name, pinned.get_name(), pinned)
        connection.open()
        link = Link(target, connection, kwargs["sock"], carrier)
        link.sock.watch(lambda: _ask(link.transport), keepalive=timing.keepalive, silence=timing.silence)
    except Exception as error:
        if connection is not None:
            connection.client.close()
        if "sock" in kwargs:
            kwargs["sock"].close()
        if carrier is not None and not carrier.alive:
            raise carrier.failure(error) from error
        raise _explain(error, target, _where(target)) from error
    return link


def first_contact(target: Target, timing: Timing, carrier: Link | None = None) -> str:
    """The host's public key (``ssh-ed25519 AAAA...``), read without sending a user name or a credential."""
    sock: Any = None
    transport: paramiko.Transport | None = None
    try:
        if carrier is None:
            sock = wire.dial(target.host, target.port, timing.connect)
        else:
            sock = wire.WatchedSocket(carrier.open_tcp(target.host, target.port, timing.connect))
        transport = Transport(sock, disabled_algorithms=WEAK)
        transport.set_log_channel(_LOG)
        transport.banner_timeout = timing.connect
        transport.start_client(timeout=2 * timing.connect)
        key = transport.get_remote_server_key()
        return f"{key.get_name()} {key.get_base64()}"
    except Exception as error:
        raise _explain(error, target, _where(target)) from error
    finally:
        if transport is not None:
            transport.close()
        if sock is not None:
            sock.close()


def _ask(transport: Any) -> None:
    """Send a question that any server answers. Skipped while another thread is writing or keys are exchanged:
    its bytes provoke an answer as well, and the transport's thread must never wait for that lock."""
    if not transport.clear_to_send_lock.acquire(blocking=False):
        return
    try:
        if transport.clear_to_send.is_set() and transport.active:
            message = paramiko.Message()
            message.add_byte(cMSG_GLOBAL_REQUEST)
            message.add_string("keepalive@openssh.com")
            message.add_boolean(True)
            transport._send_message(message)
    except EOFError:
        return  # the connection is closed already; the reader reports it
    finally:
        transport.clear_to_send_lock.release()


def _where(target: Target) -> str:
    where = f"{target.host} port {target.port}"
    return f"{where} through {target.jump.name}" if target.jump else where


def _unreachable(kind: str, message: str, fix: str, target: Target) -> Unreachable:
    return Unreachable(message, fix, host=target.name, kind=kind)


def _explain(error: Exception, target: Target, where: str) -> RemoteError:
    """The typed error for what socket, paramiko or Fabric raised while connecting to ``where``."""
    match error:
        case RemoteError():
            return error
        case socket.gaierror():
            return _unreachable(
                "dns",
                f"the name {target.host} cannot be resolved.",
                "correct the address, or the resolver.",
                target,
            )
        case paramiko.BadHostKeyException():
            expected, found = (
                targets.fingerprint(f"{key.get_name()} {key.get_base64()}") for key in (error.expected_key, error.key)
            )
            return HostKeyChanged(expected, found, host=target.name)
        case paramiko.BadAuthenticationType():
            return _refused_credential(target, f" It takes: {', '.join(error.allowed_types)}.")
        case paramiko.AuthenticationException() if "EOF" in str(error):
            return _unreachable(
                "dropped",
                f"{where} closed the connection during login.",
                "see the SSH server's log there.",
                target,
            )
        case paramiko.AuthenticationException() if "timeout" in str(error).lower():
            return _unreachable(
                "timeout",
                f"{where} did not finish the login in time.",
                "see the SSH server's log there.",
                target,
            )
        case paramiko.AuthenticationException():
            return _refused_credential(target, "")
        case IncompatiblePeer():
            return Incompatible(f"{where}: {error}.", "update the SSH server there.", host=target.name)
        case paramiko.ChannelException() if error.code == 1:
            return SessionRefused(
                f"no way to {where}: forwarding is switched off on the way.",
                "allow it on the jump host: AllowTcpForwarding yes in sshd_config.",
                host=target.name,
            )
        case paramiko.ChannelException() | ConnectionRefusedError():
            return _unreachable(
                "refused",
                f"{where} refuses the connection.",
                "start the SSH server there, or correct the port.",
                target,
            )
        case paramiko.SSHException() if "banner" in str(error).lower():
            return _unreachable(
                "no-banner",
                f"{where} accepts connections but does not greet as an SSH server.",
                "check the port; an overloaded server (MaxStartups) does the same: then it passes.",
                target,
            )
        case TimeoutError():
            return _unreachable(
                "timeout",
                f"{where} does not answer.",
                "check address, port, firewall, and that it is up.",
                target,
            )
        case OSError() if error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
            return _unreachable("no-route", f"there is no route to {where}.", "check address and network.", target)
        case paramiko.SSHException() if "No existing session" in str(error):
            return _unreachable(
                "timeout",
                f"{where} did not finish the key exchange in time.",
                "check its load and the network.",
                target,
            )
        case paramiko.SSHException() | EOFError() | OSError():
            return _unreachable(
                "dropped",
                f"the connection to {where} broke off while it was being set up ({type(error).__name__}: {error}).",
                "check the network and the SSH server's log there.",
                target,
            )
    return RemoteError(f"connecting to {where} failed: {type(error).__name__}: {error}", host=target.name)


def _refused_credential(target: Target, detail: str) -> AuthFailed:
    given = [
        name
        for name, value in (
            ("private key", target.credential.private_key),
            ("password", target.credential.password),
        )
        if value
    ]
    return AuthFailed(
        f"the host refuses user {target.user} with {' and '.join(given) or 'no credential at all'}.{detail}",
        "authorise the key there (~/.ssh/authorized_keys, mode 600), or correct user and credential.",
        host=target.name,
    )
