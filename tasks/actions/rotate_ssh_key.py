"""Another key for logging in to the hosts. The stored one opens every host until it is replaced, then the new one does.

A line that a rotation has put into authorized_keys ends in its mark, so that one whose rotation was given up is found.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.db import transaction

from clusters import registry, secrets
from clusters.access import Login, public_key_of
from clusters.models import Node
from tasks import hosts
from tasks.actions.base import Action, ActionFailed, Context, Done, Wait, demand, register
from tasks.models import OperationSecret, Outcome
from tasks.remote import Remote, RemoteError, fingerprint

T = TypeVar("T")
PRIVATE_KEY, PASSPHRASE = "private_key", "passphrase"

# As the login user. BLOB is the key's base64.
HELD = """grep -v '^[[:space:]]*#' "$HOME/.ssh/authorized_keys" 2>/dev/null | grep -qF " $BLOB" """
AUTHORISE = f"""umask 077
mkdir -p "$HOME/.ssh" && cd "$HOME/.ssh" || exit
touch authorized_keys
{HELD} && exit 0
cat authorized_keys >authorized_keys.sanqian || exit
[ -z "$(tail -c 1 authorized_keys)" ] || echo >>authorized_keys.sanqian
printf '%s\\n' "$LINE" >>authorized_keys.sanqian
chmod 600 authorized_keys.sanqian && mv authorized_keys.sanqian authorized_keys
"""
# Lines of the old key go, and those that earlier rotations have left; all others stay. Prints how many went.
RETIRE = """umask 077
cd "$HOME/.ssh" || exit
export NEW OLD MARK
gone=0
for file in authorized_keys authorized_keys2; do
  [ -f "$file" ] || continue
  awk '{
    old = new = 0
    for (i = 1; i <= NF; i++) { if ($i == ENVIRON["NEW"]) new = 1; else if ($i == ENVIRON["OLD"]) old = 1 }
    ours = " " ENVIRON["MARK"]
    if (substr($0, length($0) - length(ours) + 1) == ours && !new) old = 1
    if (!old || $1 ~ /^#/) print
  }' "$file" >"$file.sanqian" || exit
  if [ "$file" = authorized_keys ] && ! grep -qF " $NEW" "$file.sanqian"; then
    rm -f "$file.sanqian"
    echo 'the new key is not in authorized_keys any more' >&2
    exit 1
  fi
  less=$(($(wc -l <"$file") - $(wc -l <"$file.sanqian")))
  if [ "$less" -gt 0 ]; then
    chmod 600 "$file.sanqian" && mv "$file.sanqian" "$file" || exit
    gone=$((gone + less))
  else
    rm -f "$file.sanqian"
  fi
done
echo "$gone"
"""


@register("hosts-answer")
class HostsAnswer(Action):
    """Args: ``hosts``. Fails naming every host that the stored credentials do not open now."""

    only_looks = True

    def run(self, ctx: Context) -> Done | Wait:
        with_errors = _freshly(ctx, lambda remote, node: None)
        demand(with_errors, "cannot be logged in to", "Bring it back, or leave it out: name the others in hosts.")
        return Done({"hosts": len(with_errors)}, Outcome.CHECKED)


@register("new-ssh-key")
class NewKey(Action):
    """Args: ``hosts``. Result: ``public_key`` and ``fingerprint`` of the new key, ``old``: the old ones by host."""

    def probe(self, ctx: Context) -> bool | None:
        public = ctx.step.result.get("public_key")
        return bool(public and (_given(ctx) is not None or _stored(ctx, public)))

    def run(self, ctx: Context) -> Done | Wait:
        if ctx.step.result:
            raise ActionFailed(
                "The key of this operation is gone: another rotation was done since.",
                "Start a new rotation.",
                again=False,
            )
        with transaction.atomic():
            given = _given(ctx)
            if given is None:
                given = Login(secrets.new_ssh_key())
                OperationSecret.objects.create(operation=ctx.operation, name=PRIVATE_KEY, value=given.private_key)
        public = public_key_of(given.private_key, given.passphrase)
        old = {node.name: _public_key(node) for node in _chosen(ctx)}
        if same := [name for name, key in old.items() if key == public]:
            raise ActionFailed(
                f"{', '.join(same)} is logged in to with this very key already.",
                "Give another key, or none to have one made.",
                host=same[0],
                again=False,
            )
        shown = fingerprint(public)
        ctx.log(f"new key {shown}")
        return Done({"public_key": public, "fingerprint": shown, "old": old}, note=shown)


@register("authorise-login")
class Authorise(Action):
    """Args: ``hosts``. The new key is in authorized_keys of the login user on every host."""

    def probe(self, ctx: Context) -> bool | None:
        public = _new(ctx).get("public_key")
        if not public:
            return False
        held = ctx.on_hosts(lambda remote, node: remote.run(HELD, env=_env(ctx, public)).ok, _chosen(ctx))
        return all(answer is True for answer in held.values())

    def run(self, ctx: Context) -> Done | Wait:
        public = _new(ctx)["public_key"]

        def authorise(remote: Remote, node: Node) -> None:
            remote.run(AUTHORISE, env=_env(ctx, public), check=True)

        demand(ctx.on_hosts(authorise, _chosen(ctx)), "did not take the new key", "Mend it, then retry.")
        return Done({})


@register("prove-login")
class Prove(Action):
    """Args: ``hosts``. Every host lets a new connection in with the new key alone, and sudo works there."""

    def run(self, ctx: Context) -> Done | Wait:
        given = _given(ctx)

        def prove(remote: Remote, node: Node) -> None:
            remote.run("true", sudo=True, check=True)

        demand(
            _freshly(ctx, prove, given),
            "does not let the new key in",
            "See its sshd: PubkeyAuthentication, PubkeyAcceptedAlgorithms, AuthorizedKeysFile, AllowUsers. "
            "The stored key is still the old one.",
        )
        return Done({}, Outcome.CHECKED, f"{len(_chosen(ctx))} hosts let the new key in")


@register("store-login")
class Store(Action):
    """Args: ``hosts``. From now on the service logs in with the new key; all hosts change at once."""

    def probe(self, ctx: Context) -> bool | None:
        public = _new(ctx).get("public_key")
        return bool(public and _stored(ctx, public))

    @transaction.atomic
    def run(self, ctx: Context) -> Done | Wait:
        given = _given(ctx)
        if given is None:
            raise ActionFailed("The new key is gone.", "Start a new rotation.", again=False)
        registry.store_rotated(ctx.cluster, {node.name: _renewed(node, given) for node in _chosen(ctx)})
        names = (PRIVATE_KEY, PASSPHRASE)
        OperationSecret.objects.filter(operation__cluster=ctx.cluster, name__in=names).delete()
        return Done({})


@register("retire-login")
class Retire(Action):
    """Args: ``hosts``. Result: ``elsewhere``, hosts whose old key was in no file that is looked into."""

    def run(self, ctx: Context) -> Done | Wait:
        new = _new(ctx)

        def retire(remote: Remote, node: Node) -> int:
            old = _blob(new["old"].get(node.name, ""))
            done = remote.run(RETIRE, env={**_env(ctx, new["public_key"]), "OLD": old or "-"}, check=True)
            return int(done.text)

        gone = demand(_freshly(ctx, retire), "keeps the old key", "Bring it back, then retry; the new key is stored.")
        demand(_freshly(ctx, lambda remote, node: None), "does not let the new key in any more", "See its sshd.")
        before = ctx.step.result.get("gone", {})
        total = {name: before.get(name, 0) + count for name, count in gone.items()}
        elsewhere = sorted(name for name, count in total.items() if not count and new["old"].get(name))
        for name in elsewhere:
            ctx.log(f"{name}: no authorized_keys of the login user had the old key; see AuthorizedKeysFile of its sshd")
        note = f"the old key may still open {', '.join(elsewhere)}" if elsewhere else ""
        return Done({"gone": total, "elsewhere": elsewhere}, note=note)


def _chosen(ctx: Context) -> list[Node]:
    return [ctx.node(name) for name in ctx.args["hosts"]]


def _new(ctx: Context) -> dict[str, Any]:
    return ctx.result_of("new-key")


def _given(ctx: Context) -> Login | None:
    """The operation's own key, until it is stored with the hosts."""
    found = dict(OperationSecret.objects.filter(operation=ctx.operation).values_list("name", "value"))
    return Login(found[PRIVATE_KEY], found.get(PASSPHRASE, "")) if PRIVATE_KEY in found else None


def _renewed(node: Node, given: Login) -> Login:
    """What the host is logged in with then: the key alone, and for sudo the password that it had."""
    old = registry.login_of(node)
    sudo = "" if node.user == "root" else old.sudo_password or old.password
    return Login(given.private_key, given.passphrase, sudo_password=sudo)


def _public_key(node: Node) -> str:
    """Of the stored key; empty for a password."""
    login = registry.login_of(node)
    return public_key_of(login.private_key, login.passphrase) if login.private_key else ""


def _stored(ctx: Context, public: str) -> bool:
    return all(_public_key(node) == public for node in _chosen(ctx))


def _blob(public: str) -> str:
    return public.split()[1] if public else ""


def _env(ctx: Context, public: str) -> dict[str, str]:
    mark = f"sanqian-login {ctx.cluster.pk}"
    return {"LINE": f"{public} {mark}", "BLOB": _blob(public), "NEW": _blob(public), "MARK": mark}


def _freshly(ctx: Context, do: Callable[[Remote, Node], T], given: Login | None = None) -> dict[str, T | RemoteError]:
    """`do` on each host over a connection made for it alone, with `given` in the place of what is stored."""

    def one(node: Node) -> T:
        with hosts.fresh_connection(node, _renewed(node, given) if given else None) as remote:
            return do(remote, node)

    return ctx.for_each(one, _chosen(ctx))
