"""What can go wrong between the service and a host, as types.

Two families, because the engine treats them differently:

* :class:`Unreachable` - the host did not answer; nothing is known about the command. Wait and come back.
* every other :class:`RemoteError` - the host answered, and said no. Coming back changes nothing by itself.

Every error says which host, what is wrong, and how to fix it; none holds a secret.
"""

from __future__ import annotations


class RemoteError(Exception):
    """``kind`` is a stable word for programs, ``message`` and ``fix`` are sentences for people."""

    kind = "remote"

    def __init__(self, message: str, fix: str = "", *, host: str = "", kind: str = "") -> None:
        super().__init__(message, fix)
        self.message = message
        self.fix = fix
        self.host = host
        if kind:
            self.kind = kind

    def __str__(self) -> str:
        where = f"{self.host}: " if self.host else ""
        return f"{where}{self.message}" + (f" Fix: {self.fix}" if self.fix else "")

    def as_dict(self) -> dict[str, str]:
        """The error as the engine stores it: type, kind, host, message, fix."""
        return {
            "type": type(self).__name__,
            "kind": self.kind,
            "host": self.host,
            "message": self.message,
            "fix": self.fix,
        }


class Unreachable(RemoteError):
    """The host does not answer. ``kind``: refused, timeout, dns, no-route, no-banner, dropped (the connection
    broke), no-answer (half-open: established, but the peer went silent), busy (see :class:`PoolBusy`).
    """

    kind = "unreachable"


class PoolBusy(Unreachable):
    """Every connection this process may have is in use; the host was not even asked."""

    kind = "busy"


class AuthFailed(RemoteError):
    """The host refused the credential."""

    kind = "auth"


class CredentialInvalid(RemoteError):
    """The private key cannot be read (not a key, wrong or missing passphrase); the host was not asked."""

    kind = "credential"


class HostKeyUnknown(RemoteError):
    """No host key is pinned: nothing, least of all a credential, is sent to an unknown host."""

    kind = "host-key-unknown"


class HostKeyChanged(RemoteError):
    """The host showed another key than the pinned one. ``expected`` and ``found`` are SHA256 fingerprints."""

    kind = "host-key-changed"

    def __init__(self, expected: str, found: str, *, host: str = "") -> None:
        super().__init__(
            f"the host key has changed: pinned {expected}, shown {found}.",
            "compare the fingerprint on the host's console (ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub);"
            " if the host was reinstalled, pin the new key, otherwise treat it as an attack.",
            host=host,
        )
        self.expected = expected
        self.found = found


class Incompatible(RemoteError):
    """Client and server share no algorithm, or the other side does not speak SSH 2."""

    kind = "incompatible"


class SessionRefused(RemoteError):
    """Logged in, but the host grants no session (``MaxSessions 0``, a forced subsystem, a forwarding-only
    account)."""

    kind = "session-refused"


class ShellFailed(RemoteError):
    """The login shell did not start ``sh`` (nologin, expired password, forced command)."""

    kind = "shell"


class SudoFailed(RemoteError):
    """``kind``: sudo-wrong-password, sudo-password-required, sudo-not-allowed, sudo-requiretty,
    sudo-failed."""

    kind = "sudo-failed"


class MissingTool(RemoteError):
    """A program the service needs is not on the host. ``tool`` names it."""

    kind = "missing-tool"

    def __init__(self, tool: str, message: str = "", fix: str = "", *, host: str = "") -> None:
        super().__init__(
            message or f"{tool} is missing.",
            fix or f"install the package that holds {tool}, or put it on the PATH.",
            host=host,
        )
        self.tool = tool


class CommandFailed(RemoteError):
    """The command ran and ended with a code other than 0."""

    kind = "command-failed"

    def __init__(self, exit_code: int, stderr: str, *, host: str = "") -> None:
        tail = stderr.strip()[-2000:]
        super().__init__(f"the command ended with exit code {exit_code}" + (f": {tail}" if tail else "."), host=host)
        self.exit_code = exit_code
        self.stderr = tail


class CommandKilled(RemoteError):
    """The command ended without an exit code: a signal killed its shell."""

    kind = "command-killed"


class RemoteTimeout(RemoteError):
    """The host answers, the command did not end in time. It may still be running there."""

    kind = "command-timeout"


class OutputTooLarge(RemoteError):
    """The command wrote more than the caller is willing to hold in memory."""

    kind = "output-too-large"


class PathError(RemoteError):
    """Something about a file on the host; ``path`` names it."""

    kind = "path"

    def __init__(self, path: str, message: str, fix: str = "", *, host: str = "", kind: str = "") -> None:
        super().__init__(message, fix, host=host, kind=kind)
        self.path = path


class DiskFull(PathError):
    """No space, no inodes, or a quota is used up."""

    kind = "disk-full"


class ReadOnly(PathError):
    """The file system is mounted read-only."""

    kind = "read-only"


class NotPermitted(PathError):
    """The user may not write or read there."""

    kind = "not-permitted"


class NoSuchFile(PathError):
    """The file to read does not exist."""

    kind = "no-such-file"


class ChecksumMismatch(PathError):
    """What arrived is not what was sent; the target was left as it was."""

    kind = "checksum"


class JobGone(RemoteError):
    """The job's directory is gone, or the job cannot be what the caller takes it for."""

    kind = "job-gone"


class JobRunning(RemoteError):
    """The job is still running, so its directory is not touched."""

    kind = "job-running"


ReadOnlyFilesystem = ReadOnly


def of_errno_text(path: str, text: str, *, host: str = "") -> PathError:
    """The typed error for what a coreutils program (in the C locale) said about ``path``."""
    said = " ".join(text.split())[-500:]
    if "No space left on device" in text or "Disk quota exceeded" in text:
        what = "the quota is used up" if "quota" in text else "the disk is full, or out of inodes"
        return DiskFull(
            path,
            f"cannot write {path}: {what} ({said}).",
            f"free space below {path} (df -h {path}; df -i {path}), then retry.",
            host=host,
        )
    if "Read-only file system" in text:
        return ReadOnly(
            path,
            f"cannot write {path}: its file system is mounted read-only ({said}).",
            f"find out why (dmesg shows disk errors), then remount it writable: mount -o remount,rw for {path}.",
            host=host,
        )
    if "Permission denied" in text or "Operation not permitted" in text:
        return NotPermitted(
            path,
            f"no permission for {path} ({said}).",
            "use root, or a user with sudo.",
            host=host,
        )
    if "No such file or directory" in text:
        return NoSuchFile(path, f"{path} does not exist ({said}).", host=host)
    return PathError(path, f"cannot use {path}: {said or 'no reason given'}.", host=host)
