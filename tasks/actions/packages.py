"""The dependent packages: from the artifact on the first control-plane host to all hosts."""

from __future__ import annotations

from clusters.models import Node
from tasks.actions.base import Action, ActionFailed, Context, Done, Wait, errors_of, register
from tasks.actions.nodes import first_host
from tasks.remote import Remote
from tasks.remote.files import download, upload

LARGEST = 64 << 20  # bytes of one package
MARGIN = 5.0
INSTALLED = """for package in $PACKAGES; do
  dpkg-query -W -f '${Status}\\n' "$package" 2>/dev/null | grep -q ' installed$' || exit 1
done"""
# Packages of another artifact would be installed along.
TIDY = """cd "$DIRECTORY" 2>/dev/null || exit 0
for file in *.deb; do case " $KEEP " in *" $file "*) ;; *) rm -f "$file" ;; esac; done"""


@register("copy-packages")
class CopyPackages(Action):
    """Args: ``from`` (directory on the first control-plane host), ``to`` (directory), ``packages`` (names)."""

    def probe(self, ctx: Context) -> bool | None:
        """True where every host has the packages installed."""
        env = {"PACKAGES": " ".join(ctx.args["packages"])}
        answers = ctx.on_hosts(lambda remote, node: remote.run(INSTALLED, env=env).ok)
        return all(answer is True for answer in answers.values())

    def run(self, ctx: Context) -> Done | Wait:
        done: list[str] = ctx.memory.setdefault("done", [])
        packages, before = self._packages(ctx), len(done)
        while waiting := [node for node in ctx.nodes if node.name not in done][:20]:
            if len(done) > before and ctx.time_left() < MARGIN:
                return Wait(0, f"{len(done)} of {len(ctx.nodes)} hosts")
            answers = ctx.on_hosts(lambda remote, node: self._put(ctx, remote, node, packages), waiting)
            for error in errors_of(answers.items()).values():
                raise error
            done.extend(answers)
            ctx.progress(100 * len(done) / len(ctx.nodes), f"{len(done)} of {len(ctx.nodes)} hosts")
        return Done({"packages": sorted(packages)})

    def _packages(self, ctx: Context) -> dict[str, bytes]:
        """Name and content of every package of the artifact."""
        source, first = ctx.args["from"], first_host(ctx)
        with ctx.remote(first) as remote:
            listed = remote.run(
                'cd "$FROM" && for file in *.deb; do [ ! -f "$file" ] || printf "%s\\n" "$file"; done',
                env={"FROM": source},
                sudo=True,
            ).text.splitlines()
            if not listed:
                raise ActionFailed(
                    f"There are no packages in {source} on {first.name}.",
                    f"Give a complete artifact, or install the packages by hand: {' '.join(ctx.args['packages'])}.",
                    host=first.name,
                    again=False,
                )
            return {name: download(remote, f"{source}/{name}", LARGEST) for name in listed}

    def _put(self, ctx: Context, remote: Remote, node: Node, packages: dict[str, bytes]) -> int:
        fitting = [name for name in packages if name.endswith((f"_{node.arch}.deb", "_all.deb"))]
        for name in fitting:
            upload(remote, packages[name], f"{ctx.args['to']}/{name}", mode=0o644)
        env = {"DIRECTORY": ctx.args["to"], "KEEP": " ".join(fitting)}
        remote.run(TIDY, env=env, sudo=True, check=True)
        return len(fitting)
