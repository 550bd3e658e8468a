"""A key pair on the first control-plane host that opens all hosts, with their host keys known."""

from __future__ import annotations

from clusters.models import Node
from tasks.actions.base import Action, ActionFailed, Context, Done, Wait, errors_of, register
from tasks.actions.nodes import first_host
from tasks.remote import Remote, RemoteError

OWNER_FILE = "/var/lib/sanqian/cluster"

# Prints the public key; the pair is made where it is missing. ssh-keygen writes the private file first.
MAKE_KEY = """umask 077
mkdir -p "${KEY%/*}"
[ -s "$KEY" ] && ssh-keygen -y -P '' -f "$KEY" >/dev/null 2>&1 || {
  rm -f "$KEY" "$KEY.pub"
  ssh-keygen -q -t ed25519 -N '' -C "sanqian $CLUSTER" -f "$KEY" || exit
}
ssh-keygen -y -P '' -f "$KEY" >"$KEY.pub.new" && mv "$KEY.pub.new" "$KEY.pub" && cat "$KEY.pub"
"""

# As the login user: the line that ends in our comment is replaced, all others are kept.
AUTHORISE = """umask 077
mkdir -p "$HOME/.ssh" && cd "$HOME/.ssh" || exit
touch authorized_keys
grep -qxF "$LINE" authorized_keys && exit 0
{ grep -vF " $MARK" authorized_keys; printf '%s\\n' "$LINE"; } >authorized_keys.sanqian
chmod 600 authorized_keys.sanqian && mv authorized_keys.sanqian authorized_keys
"""

KNOW_HOSTS = """umask 077
file=${KEY%/*}/known_hosts
touch "$file"
{ grep -v " $MARK\\$" "$file"; printf '%s\\n' "$LINES"; } >"$file.sanqian" && mv "$file.sanqian" "$file"
"""

# Prints the names of hosts that the key does not open; all are tried at once.
TRY = """printf '%s\\n' "$HOSTS" | { while read -r name port who; do
  [ -n "$name" ] || continue
  ssh -i "$KEY" -p "$port" -o BatchMode=yes -o IdentitiesOnly=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=8 \
    "$who" true </dev/null >/dev/null 2>&1 || printf '%s\\n' "$name" &
done; wait; }
"""

CLAIM = """umask 022
mkdir -p "${FILE%/*}" && printf '%s\\n' "$CLUSTER" >"$FILE.new" && mv "$FILE.new" "$FILE"
"""


@register("ssh-trust")
class SSHTrust(Action):
    """Args: ``key`` (path of the private key on the first control-plane host)."""

    def probe(self, ctx: Context) -> bool | None:
        with ctx.remote(first_host(ctx)) as remote:
            if not remote.run('[ -s "$KEY" ]', env={"KEY": ctx.args["key"]}, sudo=True).ok:
                return False
            closed = self._closed(ctx, remote)
        return not closed and not self._unclaimed(ctx)

    def run(self, ctx: Context) -> Done | Wait:
        mark = f"sanqian {ctx.cluster.pk}"
        self._demand(ctx.on_hosts(lambda remote, node: self._claim(ctx, remote)))
        with ctx.remote(first_host(ctx)) as remote:
            made = remote.run(
                MAKE_KEY, env={"KEY": ctx.args["key"], "CLUSTER": str(ctx.cluster.pk)}, sudo=True, check=True
            )
        words = made.text.split()
        line = f"{words[0]} {words[1]} {mark}"
        ctx.log(f"public key on {first_host(ctx).name}: {line}")

        def authorise(remote: Remote, node: Node) -> None:
            remote.run(AUTHORISE, env={"LINE": line, "MARK": mark}, check=True)

        self._demand(ctx.on_hosts(authorise))
        nodes = Node.objects.filter(cluster=ctx.cluster).order_by("position", "name")
        lines = "\n".join(f"{_names(node)} {node.host_key} {mark}" for node in nodes if node.host_key)
        with ctx.remote(first_host(ctx)) as remote:
            env = {"KEY": ctx.args["key"], "MARK": mark, "LINES": lines}
            remote.run(KNOW_HOSTS, env=env, sudo=True, check=True)
            closed = self._closed(ctx, remote)
        if closed:
            raise ActionFailed(
                f"{first_host(ctx).name} cannot log in to {', '.join(closed)} with the key made for it.",
                "sshd there must allow public keys (PubkeyAuthentication, AuthorizedKeysFile, AllowUsers), "
                "and its internal address must answer with the pinned host key.",
                host=closed[0],
                kind="ssh-trust",
            )
        return Done({"public_key": line, "hosts": len(ctx.nodes)})

    def _claim(self, ctx: Context, remote: Remote) -> None:
        remote.run(CLAIM, env={"FILE": OWNER_FILE, "CLUSTER": str(ctx.cluster.pk)}, sudo=True, check=True)

    def _unclaimed(self, ctx: Context) -> list[str]:
        def owner(remote: Remote, node: Node) -> str:
            return remote.run(f"cat {OWNER_FILE}", sudo=True).text

        owners = ctx.on_hosts(owner)
        return [name for name, text in owners.items() if text != str(ctx.cluster.pk)]

    def _closed(self, ctx: Context, remote: Remote) -> list[str]:
        hosts = "\n".join(f"{node.name} {node.port} {node.user}@{node.internal_address}" for node in ctx.nodes)
        return remote.run(TRY, env={"KEY": ctx.args["key"], "HOSTS": hosts}, sudo=True, timeout=40).text.split()

    def _demand(self, results: dict[str, RemoteError | None]) -> None:
        for error in errors_of(results.items()).values():
            raise error


def _names(node: Node) -> str:
    """How known_hosts calls a host: all its names, with the port where it is not 22."""
    names = dict.fromkeys((node.name, node.address, node.internal_address))
    return ",".join(name if node.port == 22 else f"[{name}]:{node.port}" for name in names)
