"""Another password of the hosts' login users. A user has one at a time, so which one a host takes is found out first.

A host that does not let the new one in gets its old one back at once. Where an earlier try has left some hosts with
the new one and some with the old one, all that is known of the cluster is tried.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial

from django.db import transaction

from clusters import registry, secrets
from clusters.access import Login
from clusters.models import Node
from tasks import hosts
from tasks.actions.base import Action, ActionFailed, Context, Done, Wait, demand, register
from tasks.models import OperationSecret, Outcome
from tasks.remote import Remote, RemoteError
from tasks.remote.errors import AuthFailed, SudoFailed, Unreachable

PASSWORD = "host_password"  # noqa: S105  the name of the secret
LOGIN, SUDO = "login", "sudo"
# Between two groups of hosts: long enough for a cancel to be seen.
BREATH = 0.2


@dataclass(frozen=True)
class Found:
    """How a host is logged in to now, the `word` in it that is rotated, and what asks for that: login, sudo."""

    login: Login
    word: str
    uses: tuple[str, ...]


@register("look-at-host-passwords")
class LookAtPasswords(Action):
    """Args: ``hosts``. Fails naming every host that cannot be logged in to now. Result: ``uses``: what asks for the
    password (login, sudo) by host, ``skipped``: hosts where nothing does.
    """

    only_looks = True

    def run(self, ctx: Context) -> Done | Wait:
        found = _look(ctx)
        uses = {name: list(one.uses) for name, one in found.items() if one.uses}
        skipped = [name for name in ctx.args["hosts"] if name not in uses]
        for name, what in uses.items():
            ctx.log(f"{name}: the password is asked for by {' and '.join(what)}")
        for name in skipped:
            ctx.log(f"{name}: skipped, neither the login nor sudo uses a password")
        if not uses:
            raise ActionFailed(
                f"No password is used on {', '.join(skipped)}: neither by the login nor by sudo.",
                "Nothing is to be done here; another SSH key: 3kctl rotate ssh-key.",
                host=skipped[0],
                again=False,
            )
        note = f"skipped, no password is used: {', '.join(skipped)}" if skipped else ""
        return Done({"uses": uses, "skipped": skipped}, Outcome.CHECKED, note)


@register("new-host-password")
class NewPassword(Action):
    """The operation has a password to put in place: the one that came with it, or one that is made."""

    def probe(self, ctx: Context) -> bool | None:
        return bool(ctx.step.result) and (_own(ctx) is not None or _stored(ctx))

    def run(self, ctx: Context) -> Done | Wait:
        if ctx.step.result:
            raise ActionFailed(
                "The password of this operation is gone: another rotation was done since.",
                "Start a new rotation.",
                again=False,
            )
        made = _own(ctx) is None
        if made:
            OperationSecret.objects.create(operation=ctx.operation, name=PASSWORD, value=secrets.new_password())
        return Done({"made": made})


@register("change-host-password")
class ChangePassword(Action):
    """Args: ``hosts``. Each of them that uses a password has the new one. One host goes first, so that what is wrong
    everywhere is found there; then hosts behind others, because these are the way to them.
    """

    def probe(self, ctx: Context) -> bool | None:
        return _stored(ctx)

    def run(self, ctx: Context) -> Done | Wait:
        new, found = _needed(ctx), {name: one for name, one in _look(ctx).items() if one.uses}
        logins = {name: one.login for name, one in found.items()}
        left = [ctx.node(name) for name, one in found.items() if one.word != new]
        if not left:
            return Done({"hosts": len(found)})
        deepest = max(map(_depth, left))
        group = [node for node in left if _depth(node) == deepest]
        if len(left) == len(found):
            group = group[:1]
        done = ctx.for_each(lambda node: _change(ctx, node, found[node.name], new, logins), group)
        already = len(found) - len(left) + sum(not isinstance(one, RemoteError) for one in done.values())
        having = f" {already} of {len(found)} hosts have the new password." if already else ""
        demand(done, "did not take the new password", f"Mend it, then retry.{having} The stored one is still the old.")
        return Wait(BREATH, note=f"{already} of {len(found)} hosts have it")


@register("prove-host-password")
class Prove(Action):
    """Args: ``hosts``. Every host lets a new connection in with the new password, and sudo takes it."""

    def probe(self, ctx: Context) -> bool | None:
        return _stored(ctx) or None

    def run(self, ctx: Context) -> Done | Wait:
        new, uses = _needed(ctx), ctx.result_of("hosts-answer")["uses"]
        nodes = [ctx.node(name) for name in uses]
        logins = {node.name: _with(registry.login_of(node), new) for node in nodes}
        proven = ctx.for_each(lambda node: _prove(node, logins[node.name], uses[node.name], logins), nodes)
        demand(proven, "does not take the new password any more", "Retry: what every host takes is found out again.")
        return Done({}, Outcome.CHECKED, f"{len(nodes)} hosts take the new password")


@register("store-host-password")
class Store(Action):
    """Args: ``hosts``. From now on the service logs in with the new password; all hosts change at once."""

    def probe(self, ctx: Context) -> bool | None:
        return _stored(ctx)

    @transaction.atomic
    def run(self, ctx: Context) -> Done | Wait:
        new, names = _needed(ctx), list(ctx.result_of("hosts-answer")["uses"])
        logins = {name: _with(registry.login_of(ctx.node(name)), new) for name in names}
        registry.store_rotated(ctx.cluster, logins, password=True)
        gone = OperationSecret.objects.filter(operation__cluster=ctx.cluster, name=PASSWORD)
        if {node.name for node in ctx.nodes} - set(ctx.args["hosts"]):
            # Hosts that are left out may have the password of a rotation that was given up.
            gone = gone.filter(operation=ctx.operation)
        gone.delete()
        return Done({"hosts": names})


def _own(ctx: Context) -> str | None:
    """The operation's password, until it is stored with the hosts."""
    found = OperationSecret.objects.filter(operation=ctx.operation, name=PASSWORD).first()
    return found.value if found else None


def _needed(ctx: Context) -> str:
    if (word := _own(ctx)) is None:
        raise ActionFailed("The new password is gone.", "Start a new rotation.", again=False)
    return word


def _stored(ctx: Context) -> bool:
    return bool(ctx.result_of("store")) and _own(ctx) is None


def _look(ctx: Context) -> dict[str, Found]:
    """Hosts with a stored password: how they are logged in to now. Raises `ActionFailed` naming all that are not."""
    waiting = OperationSecret.objects.filter(operation__cluster=ctx.cluster, name=PASSWORD).order_by("-pk")
    words = [one.value for one in sorted(waiting, key=lambda one: one.operation_id != ctx.operation.pk)]
    nodes = [node for node in map(ctx.node, ctx.args["hosts"]) if _word(node)]
    told: dict[str, Found | RemoteError] = {}
    # A host on the way to others may have the new password already.
    for depth in sorted({_depth(node) for node in nodes}):
        logins = {name: one.login for name, one in told.items() if isinstance(one, Found)}
        level = [node for node in nodes if _depth(node) == depth]
        told |= ctx.for_each(partial(_found, words=words, logins=logins), level)
    return demand(
        {node.name: told[node.name] for node in nodes},
        "cannot be logged in to",
        "Bring it back, or leave it out: name the others in hosts.",
    )


def _found(node: Node, words: Iterable[str], logins: dict[str, Login]) -> Found:
    """The first of the stored password and `words` that the host takes. Raises `RemoteError`: that of the stored."""
    refused: RemoteError | None = None
    by_key: Found | None = None
    for word in dict.fromkeys((_word(node), *words)):
        login = _with(registry.login_of(node), word)
        try:
            found = _taken(node, login, word, logins)
        except (AuthFailed, SudoFailed) as error:
            refused = refused or error
            continue
        if LOGIN in found.uses or not login.password:
            return found
        by_key = by_key or found
    if by_key:
        return by_key
    raise refused or AssertionError("there is always the stored password")


def _taken(node: Node, login: Login, word: str, logins: dict[str, Login]) -> Found:
    asks = False
    with hosts.fresh_connection(node, login, logins) as remote:
        if node.user != "root":
            asks = not remote.run("sudo -k; sudo -n -- sh -c :").ok
        remote.run("true", sudo=True, check=True)
    # Where two passwords are stored, and both are right, sudo asks for that of somebody else.
    own = asks and word == (login.sudo_password or login.password)
    by_password = bool(login.password) and (not login.private_key or _opens(node, login.password, logins))
    return Found(login, word, (*([LOGIN] if by_password else []), *([SUDO] if own else [])))


def _opens(node: Node, password: str, logins: dict[str, Login]) -> bool:
    """Whether the host, which a key opens, can be logged in to with the password alone."""
    try:
        with hosts.fresh_connection(node, Login(password=password), logins):
            return True
    except AuthFailed:
        return False


def _change(ctx: Context, node: Node, found: Found, new: str, logins: dict[str, Login]) -> None:
    """The host's user has the new password, proven; or the old one, as before. Raises `RemoteError`."""
    with hosts.fresh_connection(node, found.login, logins) as remote:
        remote.run("chpasswd", stdin=_line(node, new), sudo=True, check=True)
        try:
            _prove(node, _with(found.login, new), found.uses, logins)
        except Unreachable:
            raise  # which one it has is found out when it is back
        except RemoteError:
            _put_back(remote, node, found, new)
            ctx.log(f"{node.name}: the new password did not work, so the old one was set again")
            raise
    ctx.log(f"{node.name}: {node.user} has the new password")


def _put_back(remote: Remote, node: Node, found: Found, new: str) -> None:
    old = _line(node, found.word)
    # Sudo asks for the new password by now, which this connection does not know; or it never asked for this one.
    by_new = "sudo -k; sudo -S -p '' -- chpasswd"
    if SUDO in found.uses and remote.run(by_new, stdin=f"{new}\n".encode() + old).ok:
        return
    remote.run("chpasswd", stdin=old, sudo=True, check=True)


def _prove(node: Node, login: Login, uses: Iterable[str], logins: dict[str, Login]) -> None:
    """Raises `RemoteError` unless the password of `login` does what it is used for."""
    alone = replace(login, private_key="", passphrase="") if LOGIN in uses else login
    with hosts.fresh_connection(node, alone, logins) as remote:
        if node.user != "root":
            remote.run("sudo -k")
        remote.run("true", sudo=True, check=True)


def _line(node: Node, word: str) -> bytes:
    """What chpasswd reads."""
    return f"{node.user}:{word}\n".encode()


def _word(node: Node) -> str:
    """The stored password of the host's user; empty where there is none."""
    login = registry.login_of(node)
    if login.private_key and login.sudo_password and node.user != "root":
        return login.sudo_password
    return login.password


def _with(login: Login, word: str) -> Login:
    """`login` with another password of its user. Sudo's stays where it is somebody else's."""
    own = login.sudo_password and (login.private_key or login.sudo_password == login.password)
    return replace(
        login,
        password=word if login.password else "",
        sudo_password=word if own else login.sudo_password,
    )


def _depth(node: Node) -> int:
    """How many hosts are on the way to it."""
    return 1 + _depth(node.jump) if node.jump else 0
