"""The shell files of this package, read once when the package is imported, and scripts made of them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources

from tasks.plan import Script


def _without_comments(text: str) -> str:
    """Plans are stored and sent for each host; whole-line comments need not be."""
    return "".join(line for line in text.splitlines(keepends=True) if not line.lstrip().startswith("#"))


_FOLDER = resources.files("tasks.plans").joinpath("scripts")
FILES: Mapping[str, str] = {
    entry.name.removesuffix(".sh"): _without_comments(entry.read_text(encoding="utf-8"))
    for entry in sorted(_FOLDER.iterdir(), key=lambda entry: entry.name)
    if entry.name.endswith(".sh")
}


def script(
    name: str,
    *shared: str,
    env: Mapping[str, str],
    secrets: Mapping[str, str] | None = None,
    apply: str = "",
) -> Script:
    """The files ``<name>.probe``, ``<name>`` and ``<name>.verify``, each behind what they share.

    Shared by all three: ``common``, the files named `shared`, and ``<name>.functions``. `env` needs ``ARTIFACT``.
    `apply` names another file for the middle one.
    """
    names = ["common", *shared, *([f"{name}.functions"] if f"{name}.functions" in FILES else [])]
    head = "\n".join(FILES[shared_name] for shared_name in names)

    def phase(file: str) -> str:
        return f"{head}\n{FILES[file]}" if file in FILES else ""

    return Script(
        apply=phase(apply or name),
        probe=phase(f"{name}.probe"),
        verify=phase(f"{name}.verify"),
        env=dict(env),
        secrets=dict(secrets or {}),
    )
