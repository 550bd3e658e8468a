"""Another key for logging in to the hosts: proven on all of them before the stored one is given up. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clusters.access import key_fault
from tasks.plan import JSON, Action, ClusterFact, Plan, PlanError, StepSpec
from tasks.plans.members import named

SECRETS: Mapping[str, str] = {
    "private_key": "The new private key, PEM or OpenSSH; an Ed25519 key is made where it is missing.",
    "passphrase": "Its passphrase, where it has one.",
}
PARAMS: Mapping[str, Mapping[str, JSON]] = {
    "hosts": {
        "type": "array",
        "examples": [["worker1"]],
        "items": {"type": "string"},
        "description": "Hosts that get the new key; all where it is missing.",
    },
    "keep_old": {
        "type": "boolean",
        "default": False,
        "description": "Leave the old key in authorized_keys, for whoever else logs in with it.",
    },
}


def check(secrets: Mapping[str, str]) -> None:
    """Raises `PlanError` for a key that cannot be used."""
    key, passphrase = secrets.get("private_key", ""), secrets.get("passphrase", "")
    if passphrase and not key:
        raise PlanError("A passphrase came without its key.", field="secrets.private_key", fix="Send both.")
    if key and (fault := key_fault(key, passphrase)):
        raise PlanError(fault[0], field="secrets.private_key", fix=fault[1])


def make(cluster: ClusterFact, params: Mapping[str, JSON]) -> Plan:
    """The plan. Raises `PlanError` for hosts that the cluster does not have."""
    hosts = [host.name for host in named(cluster, params.get("hosts") or cluster.names, "hosts")]
    keys: list[StepSpec] = []

    def then(key: str, title: str, action: str, expected: float = 3, **args: Any) -> None:
        after = (keys[-1].key,) if keys else ()
        do = Action(action, {"hosts": hosts, **args})
        keys.append(StepSpec(key, title, do, after=after, expected=expected, timeout=900, unreachable=0))

    then("hosts-answer", "Log in to all hosts as before", "hosts-answer")
    then("new-key", "Take the new key, or make one", "new-ssh-key", expected=1)
    then("authorise", "Add the new key to authorized_keys", "authorise-login")
    then("prove", "Log in anew to all hosts with the new key", "prove-login")
    then("store", "Store the new key in the place of the old one", "store-login", expected=1)
    if not params["keep_old"]:
        then("retire", "Take the old key out of authorized_keys", "retire-login")
    notes = ["Afterwards the hosts' old key opens them no more, for nobody."]
    if params["keep_old"]:
        notes = ["The old key stays in authorized_keys and goes on opening the hosts."]
    notes.append("Passwords of users on the hosts stay as they are; only sudo's goes on being used.")
    return Plan("rotate-ssh-key", tuple(keys), notes=tuple(notes)).validate(cluster.names)
