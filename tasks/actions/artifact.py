"""Bring the offline artifact from the service to the first control-plane host, a slice at a time."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from tasks.actions.base import Action, ActionFailed, Context, Done, Wait, register
from tasks.actions.nodes import first_host
from tasks.models import Outcome
from tasks.remote import Remote
from tasks.remote.errors import of_errno_text

BLOCK = 1 << 18
TELL_EVERY = 4 << 20  # bytes between two reports
MARGIN = 2.0  # seconds of a slice that are kept for the last block and the bookkeeping
STALL = 60.0  # seconds without progress

# Prints: the marker's checksum, the finished archive's source, the bytes of the part that are there.
LOOK = """mark= source= have=0
[ ! -r "$MARKER" ] || read -r mark _ <"$MARKER"
[ ! -f "$ARCHIVE" ] || [ ! -r "$ARCHIVE.source" ] || read -r source <"$ARCHIVE.source"
[ ! -f "$PART" ] || have=$(stat -c %s "$PART")
printf '%s|%s|%s\\n' "$mark" "$source" "$have"
"""
# Written at its place, not appended: what two senders send twice is the same.
RECEIVE = """umask 077
mkdir -p "${PART%/*}" && dd of="$PART" bs=256k iflag=fullblock oflag=seek_bytes seek="$OFFSET" conv=notrunc status=none
"""
FINISH = """umask 077
for other in "$ARCHIVE".*.part; do [ "$other" = "$PART" ] || rm -f "$other"; done
printf '%s\\n' "$SUM" >"$ARCHIVE.sha256" && mv "$PART" "$ARCHIVE" && printf '%s\\n' "$SOURCE" >"$ARCHIVE.source"
"""

_digests: dict[tuple[str, str], Future[str]] = {}
_guard = threading.Lock()


def digest_of(path: Path, identity: str) -> Future[str]:
    """SHA-256 of a local file in hex, computed once a process beside the slices: gigabytes take a minute."""
    with _guard:
        future = _digests.get((str(path), identity))
        if future is None or (future.done() and future.exception()):
            future = _digests[str(path), identity] = Future()
            threading.Thread(target=_sum, args=(path, future), name="artifact-digest", daemon=True).start()
        return future


def _sum(path: Path, future: Future[str]) -> None:
    try:
        with path.open("rb") as file:
            future.set_result(hashlib.file_digest(file, "sha256").hexdigest())
    except OSError as error:
        future.set_exception(error)


@register("upload-artifact")
class UploadArtifact(Action):
    """Args: ``file`` (below ARTIFACT_DIR), ``archive`` (where to), ``marker`` (tells what was unpacked), ``sha256``.

    The content is verified on the host by the step that unpacks it, against ``<archive>.sha256``.
    """

    def probe(self, ctx: Context) -> bool | None:
        path, identity = _local(ctx)
        with ctx.remote(first_host(ctx)) as remote:
            mark, source, _ = self._look(ctx, remote, identity)
        if source == identity:
            return True
        if wanted := ctx.args["sha256"]:
            return mark == wanted
        known = digest_of(path, identity)
        return mark == known.result() if known.done() and mark else None

    def run(self, ctx: Context) -> Done | Wait:
        path, identity = _local(ctx)
        total = path.stat().st_size
        digest = digest_of(path, identity)
        with ctx.remote(first_host(ctx)) as remote:
            mark, source, have = self._look(ctx, remote, identity)
            if source == identity:
                return Done({"bytes": total, "sent": 0}, Outcome.ALREADY)
            if digest.done() and mark == digest.result():
                return Done({"bytes": total, "sent": 0}, Outcome.ALREADY, "this artifact is unpacked there")
            if have < total:
                with path.open("rb") as file:
                    have = self._send(ctx, remote, file, identity, have, total)
            ctx.memory["sent"] = have
            if have < total:
                return Wait(0, f"{have >> 20} of {total >> 20} MiB")
            if not digest.done():
                return Wait(1, "computing SHA-256")
            self._check(ctx, digest.result())
            env = {**self._places(ctx, identity), "SUM": digest.result(), "SOURCE": identity}
            remote.run(FINISH, env=env, sudo=True, check=True)
        return Done({"bytes": total, "sha256": digest.result()}, note=f"{total >> 20} MiB")

    def _look(self, ctx: Context, remote: Remote, identity: str) -> tuple[str, str, int]:
        said = remote.run(LOOK, env=self._places(ctx, identity), sudo=True, check=True).text
        mark, source, have = said.split("|")
        return mark, source, int(have)

    def _send(self, ctx: Context, remote: Remote, file: BinaryIO, identity: str, have: int, total: int) -> int:
        """Send until the slice ends. The number of bytes that are there now."""
        start = have
        file.seek(start)

        def blocks() -> Iterator[bytes]:
            nonlocal have
            while (have == start or ctx.time_left() > MARGIN) and (block := file.read(BLOCK)):
                yield block
                have += len(block)
                if have // TELL_EVERY != (have - len(block)) // TELL_EVERY:
                    ctx.progress(95 * have / total, f"{have >> 20} of {total >> 20} MiB")

        env = {**self._places(ctx, identity), "OFFSET": str(start)}
        result = remote.run(RECEIVE, env=env, stdin=blocks(), sudo=True, timeout=STALL, idle=True)
        if not result.ok:
            raise of_errno_text(ctx.args["archive"], result.error_text, host=remote.name)
        return have

    def _places(self, ctx: Context, identity: str) -> dict[str, str]:
        archive = ctx.args["archive"]
        part = f"{archive}.{hashlib.sha256(identity.encode()).hexdigest()[:12]}.part"
        return {"ARCHIVE": archive, "MARKER": ctx.args["marker"], "PART": part}

    def _check(self, ctx: Context, digest: str) -> None:
        if (wanted := ctx.args["sha256"]) and wanted != digest:
            raise ActionFailed(
                f"The service's file {ctx.args['file']} has SHA-256 {digest}, expected {wanted}.",
                "Correct the checksum, or put the right file into the artifact directory.",
                kind="artifact",
                again=False,
            )


def _local(ctx: Context) -> tuple[Path, str]:
    """The file and what tells its content from another's. Raises `ActionFailed` where it is none."""
    directory = Path(settings.ARTIFACT_DIR).resolve()
    path = (directory / ctx.args["file"]).resolve()
    if not path.is_relative_to(directory) or not path.is_file():
        raise ActionFailed(
            f"The service has no artifact file {ctx.args['file']!r}.",
            "Put it below the directory that SANQIAN_ARTIFACT_DIR names.",
            kind="artifact",
            again=False,
        )
    seen = path.stat()
    return path, f"{path.name} {seen.st_size} {seen.st_mtime_ns}"
