"""The private keys that a configuration names, read from this machine.

The file may be YAML, or nearly so (the installation guide's own sample is not), so the paths are found in its text.
"""

from __future__ import annotations

import getpass
import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

from cli.errors import CliError
from cli.language import tr

LARGEST_KEY = 64 * 1024
TRIES = 3
_PATH = re.compile(
    r"""(?<![\w-])["']?privateKeyPath["']?\s*:\s*(?:"(?P<double>[^"\n]*)"|'(?P<single>[^'\n]*)'|(?P<bare>[^\s"',}\]#][^,}\]\n]*))"""
)

Ask = Callable[[str], str]


@dataclass
class Keys:
    """Private keys and passphrases by the path as the configuration writes it."""

    private_keys: dict[str, str] = field(default_factory=dict)
    passphrases: dict[str, str] = field(default_factory=dict)


def paths_in(text: str) -> dict[str, int]:
    """Every `privateKeyPath` of a configuration, as written, with the line (from 1) where it is first seen."""
    found: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#"):
            continue
        for match in _PATH.finditer(line):
            bare = re.split(r"\s#", match["bare"] or "", maxsplit=1)[0].strip()
            if path := match["double"] or match["single"] or bare:
                found.setdefault(path, number)
    return found


def one_key(text: str, pem: str, passphrase: str) -> Keys:
    """One key in the place of every path in the configuration `text`."""
    paths = paths_in(text)
    return Keys(dict.fromkeys(paths, pem), dict.fromkeys(paths, passphrase) if passphrase else {})


def read_keys(text: str, source: str, *, ask: Ask | None = None) -> Keys:
    """The keys of all paths in the configuration `text` of the file `source`.

    A passphrase is asked for with `ask` where a key is encrypted. Raises `CliError` naming every path that cannot
    be used.
    """
    keys = Keys()
    faults: list[str] = []
    known: dict[Path, tuple[str, str]] = {}
    for written, line in paths_in(text).items():
        path = Path(written).expanduser()
        try:
            if path not in known:
                known[path] = read_key(path, ask=ask)
        except CliError as error:
            faults.append(
                tr(
                    "{source}, line {line}: privateKeyPath {written}: {message}",
                    source=source,
                    line=line,
                    written=written,
                    message=error.message,
                )
            )
            continue
        keys.private_keys[written], passphrase = known[path]
        if passphrase:
            keys.passphrases[written] = passphrase
    if faults:
        raise CliError(
            "\n".join(faults),
            hint=tr("Correct the path, copy the key here, or give one key for all hosts with --private-key FILE."),
        )
    return keys


def read_key(path: Path, *, ask: Ask | None = None) -> tuple[str, str]:
    """One private key and its passphrase, empty where the key has none. Raises `CliError`."""
    try:
        if path.stat().st_size > LARGEST_KEY:
            raise CliError(tr("{path} is too large for a private key.", path=path))
        text = path.read_text("ascii")
    except FileNotFoundError:
        raise CliError(tr("there is no file {path} on this machine.", path=path)) from None
    except IsADirectoryError:
        raise CliError(tr("{path} is a directory.", path=path)) from None
    except PermissionError:
        raise CliError(tr("{path} may not be read by you.", path=path)) from None
    except UnicodeDecodeError:
        raise CliError(tr("{path} is no private key in text form (PEM or OpenSSH).", path=path)) from None
    except OSError as error:
        raise CliError(tr("{path} cannot be read: {strerror}.", path=path, strerror=error.strerror)) from error
    if text.startswith("ssh-"):
        raise CliError(tr("{path} is a public key; name the private one beside it, without .pub.", path=path))
    if "PRIVATE KEY-----" not in text:
        raise CliError(tr("{path} is no private key in PEM or OpenSSH form.", path=path))
    return text, _passphrase(path, text, ask or ask_on_terminal)


def ask_on_terminal(question: str) -> str:
    """An answer typed without being shown. Raises `CliError` where there is no terminal."""
    if not sys.stdin.isatty():
        raise CliError(tr("{question} cannot be asked for without a terminal.", question=question))
    return getpass.getpass(f"{question}: ")


def _passphrase(path: Path, text: str, ask: Ask) -> str:
    if not _locked(path, text, None):
        return ""
    if given := os.environ.get("SANQIAN_KEY_PASSPHRASE", ""):
        if _locked(path, text, given):
            raise CliError(tr("{path}: the passphrase in SANQIAN_KEY_PASSPHRASE is wrong.", path=path))
        return given
    for _ in range(TRIES):
        try:
            answer = ask(tr("Passphrase of {path}", path=path))
        except CliError:
            raise CliError(
                tr("{path} has a passphrase: set SANQIAN_KEY_PASSPHRASE, or run on a terminal.", path=path)
            ) from None
        if answer and not _locked(path, text, answer):
            return answer
    raise CliError(tr("{path}: {TRIES} wrong passphrases.", path=path, TRIES=TRIES))


def _locked(path: Path, text: str, passphrase: str | None) -> bool:
    """Whether the key stays closed with this passphrase. Raises `CliError` for a key that is broken."""
    load = load_ssh_private_key if "BEGIN OPENSSH" in text else load_pem_private_key
    try:
        load(text.encode(), passphrase.encode() if passphrase is not None else None)
    except TypeError:
        return True
    except ValueError as error:
        if passphrase is not None or "password" in str(error).lower():
            return True
        raise CliError(tr("{path} is a broken private key: {error}.", path=path, error=error)) from error
    except UnsupportedAlgorithm as error:
        raise CliError(tr("{path} is of a kind that is not supported: {error}.", path=path, error=error)) from error
    return False
