"""Which services you use, and with which access keys: a file of its owner alone."""

from __future__ import annotations

import json
import os
import re
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import platformdirs

from cli.errors import CliError, Code
from cli.language import tr

VARIABLE = "SANQIAN_CONFIG"
PRIVATE = 0o600
LARGEST = 256 * 1024
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,62}")


@dataclass(frozen=True)
class Context:
    """A service and who you are there."""

    server: str
    access_key: str

    @property
    def shown_key(self) -> str:
        """The public part of the access key."""
        return shown(self.access_key)


@dataclass
class Config:
    """The file: contexts by name, and the one that holds where none is named."""

    path: Path
    current: str = ""
    contexts: dict[str, Context] = field(default_factory=dict)
    # Whether others could read the file before it was opened.
    mended: bool = False

    def named(self, name: str) -> Context:
        """The context of this name. Raises `CliError`."""
        if name not in self.contexts:
            known = ", ".join(self.contexts)
            hint = tr("You have: {known}.", known=known) if known else tr("Make one with `3kctl login`.")
            message = tr("There is no context {name} in {path}.", name=name, path=self.path)
            raise CliError(message, hint=hint, code=Code.NOT_FOUND)
        return self.contexts[name]

    def put(self, name: str, context: Context) -> None:
        """Add or replace a context. Raises `CliError` for a name that cannot be typed easily."""
        if not _NAME.fullmatch(name):
            raise CliError(
                tr("{name} is no name of a context.", name=repr(name)),
                hint=tr("Take letters, digits, '.', '_', ':' and '-', at most 63."),
            )
        self.contexts[name] = context

    def rename(self, old: str, new: str) -> None:
        """Give a context another name. Raises `CliError`."""
        context = self.named(old)
        if new in self.contexts:
            raise CliError(
                tr("There is a context {name} already.", name=new),
                hint=tr("Delete it: 3kctl context delete {name}", name=new),
            )
        self.put(new, context)
        del self.contexts[old]
        self.current = new if self.current == old else self.current

    def save(self) -> None:
        """Write the file whole or not at all, for its owner alone. Raises `CliError`."""
        lines = [f"current = {_quoted(self.current)}"]
        for name, context in self.contexts.items():
            lines += ["", f"[contexts.{_quoted(name)}]", f"server = {_quoted(context.server)}"]
            lines.append(f"access_key = {_quoted(context.access_key)}")
        beside = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write("\n".join([*lines, ""]))
            beside.replace(self.path)
        except OSError as error:
            beside.unlink(missing_ok=True)
            raise CliError(
                tr("{path} cannot be written: {reason}.", path=self.path, reason=error.strerror),
                hint=tr("Let {variable} name another file.", variable=VARIABLE),
            ) from error


def shown(access_key: str) -> str:
    """The public part of an access key; nothing of what has another form."""
    scheme, _, rest = access_key.partition("_")
    prefix, divider, _ = rest.partition("_")
    return f"{scheme}_{prefix}" if divider and scheme == "sq" else "(hidden)"


def config_path(environment: Mapping[str, str] = os.environ) -> Path:
    """Where the file is."""
    given = environment.get(VARIABLE, "")
    return Path(given).expanduser() if given else platformdirs.user_config_path("3kctl") / "config.toml"


def load(path: Path) -> Config:
    """The file, an empty one where there is none. Raises `CliError`.

    One that others can read is closed to them first; one of another user is refused.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return Config(path)
    except OSError as error:
        raise CliError(tr("{path} cannot be read: {reason}.", path=path, reason=error.strerror)) from error
    with os.fdopen(descriptor, "rb") as stream:
        mended = _closed_to_others(path, stream.fileno())
        try:
            text = stream.read(LARGEST).decode()
            document = tomllib.loads(text)
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise CliError(
                tr("{path} is no configuration of 3kctl: {reason}.", path=path, reason=error),
                hint=tr("Correct it, or move it away."),
            ) from error
    return _read(path, document, mended)


def _closed_to_others(path: Path, descriptor: int) -> bool:
    """Make sure that others cannot read the file; whether they could. Raises `CliError`."""
    found = os.fstat(descriptor)
    if found.st_uid != os.geteuid():
        raise CliError(
            tr("{path} belongs to another user, and holds access keys.", path=path),
            hint=tr("Own it, or let {variable} name your own file.", variable=VARIABLE),
        )
    if not stat.S_IMODE(found.st_mode) & 0o077:
        return False
    try:
        os.fchmod(descriptor, PRIVATE)
    except OSError as error:
        raise CliError(
            tr("{path} can be read by others: {reason}.", path=path, reason=error.strerror), hint=f"chmod 600 {path}"
        ) from error
    return True


def _read(path: Path, document: Mapping[str, Any], mended: bool) -> Config:
    contexts = document.get("contexts", {})
    current = document.get("current", "")
    if not isinstance(contexts, dict) or not isinstance(current, str):
        raise CliError(
            tr("{path}: `contexts` is no table, or `current` no name.", path=path),
            hint=tr("Correct it, or move it away."),
        )
    config = Config(path, current, mended=mended)
    for name, found in contexts.items():
        if not isinstance(found, dict) or not all(isinstance(found.get(key), str) for key in ("server", "access_key")):
            raise CliError(
                tr("{path}: context {name} lacks `server` or `access_key`.", path=path, name=name),
                hint=tr("Make it anew: 3kctl login {name} --server URL", name=name),
            )
        config.contexts[name] = Context(found["server"], found["access_key"])
    return config


def _quoted(text: str) -> str:
    """A basic string of TOML, which is one of JSON but for the letter that JSON leaves as it is."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
