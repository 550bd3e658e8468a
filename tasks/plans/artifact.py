"""The steps that have the offline artifact unpacked on the first control-plane host. The last is `UNPACKED`. Pure."""

from __future__ import annotations

from tasks.plan import Action, Retry, StepSpec
from tasks.plans.scripting import script
from tasks.plans.site import Site

HOUR = 3600.0
UNPACKED = "artifact-unpack"
MEMBERS = 1_000_000  # files an artifact may have


def steps(site: Site, *, after: tuple[str, ...] = ()) -> list[StepSpec]:
    """Bring it where it is said where it comes from, and unpack it; else only look whether it is there."""
    first = (site.first.name,)
    env = {**site.env, "ARCHIVE": site.archive, "SHA256": site.source.get("sha256", ""), "MEMBERS": str(MEMBERS)}
    if "url" in site.source:
        fetch = script("artifact-fetch", "artifact-layout", env={**env, "URL": site.source["url"]})
        bring = StepSpec(
            "artifact-fetch",
            "Download the artifact",
            fetch,
            hosts=first,
            after=after,
            expected=90,
            timeout=24 * HOUR,
            quiet=1800,
            retry=Retry(5, delay=10),
        )
    elif "file" in site.source:
        args = {
            "file": site.source["file"],
            "archive": site.archive,
            "marker": f"{site.artifact}/.sanqian-artifact",
            "sha256": site.source.get("sha256", ""),
        }
        bring = StepSpec(
            "artifact-upload",
            "Upload the artifact",
            Action("upload-artifact", args),
            after=after,
            expected=60,
            timeout=24 * HOUR,
            retry=Retry(3),
        )
    else:
        layout = script("artifact-check", "artifact-layout", env=env)
        check = StepSpec(UNPACKED, "Check the artifact", layout, hosts=first, after=after, expected=2)
        return [check]
    unpack = StepSpec(
        UNPACKED,
        "Unpack the artifact and check it",
        script("artifact-unpack", "artifact-layout", env=env),
        hosts=first,
        after=(bring.key,),
        expected=40,
        timeout=6 * HOUR,
        quiet=HOUR,
    )
    return [bring, unpack]
