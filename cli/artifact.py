"""The offline artifact as a parameter of an operation."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from cli.errors import CliError
from cli.language import tr

ARCHIVES = (".tar.gz", ".tgz", ".tar", ".zip")


def artifact_parameter(given: str, sha256: str = "") -> dict[str, str] | None:
    """`url`, `file` or `path` from one word, with its checksum. None where nothing is given. Raises `CliError`."""
    checksum = sha256.strip().lower()
    if checksum and not re.fullmatch(r"[0-9a-f]{64}", checksum):
        raise CliError(
            tr("--sha256 is no SHA-256: it has 64 hexadecimal digits."), hint=tr("Print it with `sha256sum FILE`.")
        )
    if not given:
        if checksum:
            raise CliError(tr("--sha256 is given without --artifact."), hint=tr("Name the artifact it belongs to."))
        return None
    if "://" in given:
        return _url(given, checksum)
    if given.startswith("/"):
        return _directory(given, checksum)
    return _file(given, checksum)


def _url(given: str, checksum: str) -> dict[str, str]:
    parts = urlsplit(given)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise CliError(
            tr("--artifact {given}: only http:// and https:// can be fetched.", given=given),
            hint=tr("Or put the file into the service's SANQIAN_ARTIFACT_DIR and give its name."),
        )
    if not checksum:
        raise CliError(
            tr("An artifact from a URL needs its checksum: --sha256 is missing."),
            hint=tr("Print it with `sha256sum FILE`."),
        )
    return {"url": given, "sha256": checksum}


def _directory(given: str, checksum: str) -> dict[str, str]:
    if given.endswith(ARCHIVES):
        raise CliError(
            tr(
                "--artifact {given} looks like an archive, but a path names a directory unpacked on the first "
                "control-plane host.",
                given=given,
            ),
            hint=tr("Put the archive into the service's SANQIAN_ARTIFACT_DIR and give its name, or give a URL."),
        )
    if checksum:
        raise CliError(
            tr("--sha256 does not go with a directory."), hint=tr("Leave it out, or give a URL or a file name.")
        )
    return {"path": given}


def _file(given: str, checksum: str) -> dict[str, str]:
    if given.startswith("~") or ".." in PurePosixPath(given).parts:
        raise CliError(
            tr("--artifact {given} is no name below the service's SANQIAN_ARTIFACT_DIR.", given=given),
            hint=tr("Give a file name, a URL, or /DIRECTORY for one unpacked on the first control-plane host."),
        )
    return {"file": given.removeprefix("./"), **({"sha256": checksum} if checksum else {})}
