"""Another password of the users that the hosts are logged in to as: proven on every host before it is stored. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from tasks.plan import JSON, Action, ClusterFact, Plan, PlanError, Retry, StepSpec
from tasks.plans import install
from tasks.plans.members import named
from tasks.plans.site import KEY, Site

SHORTEST, LONGEST = 12, 128
SECRETS: Mapping[str, str] = {
    "host_password": f"The new password, {SHORTEST} to {LONGEST} printable ASCII characters; made where it is missing.",
}
PARAMS: Mapping[str, Mapping[str, JSON]] = {
    "hosts": {
        "type": "array",
        "examples": [["worker1"]],
        "items": {"type": "string"},
        "description": "Hosts that get the new password; all where it is missing.",
    },
    "artifact_directory": install.PARAMS["artifact_directory"],
}


def check(secrets: Mapping[str, str]) -> None:
    """Raises `PlanError` for a password that is too short, or that cannot be set everywhere."""
    if (word := secrets.get("host_password")) is None:
        return
    if not (SHORTEST <= len(word) <= LONGEST and word.isascii() and word.isprintable()):
        raise PlanError(
            "This password cannot be used.",
            field="secrets.host_password",
            fix=f"Use {SHORTEST} to {LONGEST} printable ASCII characters.",
        )


def make(cluster: ClusterFact, params: Mapping[str, JSON]) -> Plan:
    """The plan. Raises `PlanError` for hosts that the cluster does not have."""
    hosts = [host.name for host in named(cluster, params.get("hosts") or cluster.names, "hosts")]
    steps: list[StepSpec] = []

    def then(key: str, title: str, action: str, expected: float = 3) -> None:
        after = (steps[-1].key,) if steps else ()
        do = Action(action, {"hosts": hosts})
        steps.append(StepSpec(key, title, do, after=after, expected=expected, timeout=900, unreachable=0))

    then("hosts-answer", "Log in to all hosts as before, and see what asks for the password", "look-at-host-passwords")
    then("new-password", "Take the new password, or make one", "new-host-password", expected=1)
    then("change", "Change the password on the hosts, one of them first", "change-host-password", expected=5)
    then("prove", "Log in anew to all hosts with the new password", "prove-host-password")
    then("store", "Store the new password in the place of the old one", "store-host-password", expected=1)
    if cluster.group("control-plane"):
        site = Site(cluster, {**params, "components": [], "without": []})
        steps.append(
            StepSpec(
                "configuration",
                "Write the configuration of kk anew, where there is one",
                Action("write-configuration", {"path": site.config, "key": KEY, "if_there": True}),
                after=("store",),
                expected=2,
                timeout=600,
                retry=Retry(3),
            )
        )
    notes = (
        "Afterwards the old password lets nobody in any more, also on the hosts' consoles.",
        "Hosts where neither the login nor sudo uses a password are left as they are, and named.",
    )
    return Plan("rotate-host-password", tuple(steps), notes=notes).validate(cluster.names)
