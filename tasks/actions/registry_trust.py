"""The step that gives every host the registry's new certificates to trust."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from clusters.models import Node
from tasks.actions.base import Action, Context, Done, Wait, errors_of, register
from tasks.models import Outcome
from tasks.remote import Remote
from tasks.remote.files import download, upload

SOURCE = "/etc/ssl/registry/ssl"


@register("spread-registry-certificate")
class SpreadRegistryCertificate(Action):
    """Args: ``host`` (the registry's), ``registry`` (its name). Certificates alone are carried, no key.

    kk puts them on every host as ``ca.crt`` and ``NAME.cert``, below /etc/docker/certs.d, which containerd reads, too,
    and below /etc/ssl/registry/ssl. They are read at each pull, so nothing has to start again.
    """

    def probe(self, ctx: Context) -> bool | None:
        wanted = self._wanted(ctx)
        if not wanted:
            return True
        sums = {path: hashlib.sha256(data).hexdigest() for path, data in wanted.items()}

        def same(remote: Remote, _node: Node) -> bool:
            said = remote.run(f"sha256sum {' '.join(self._present(remote, sums))}", sudo=True, check=True).text
            return all(sums[line.split()[1]] == line.split()[0] for line in said.splitlines())

        answers = ctx.on_hosts(same)
        return all(answer is True for answer in answers.values())

    def run(self, ctx: Context) -> Done | Wait:
        wanted = self._wanted(ctx)

        def put(remote: Remote, _node: Node) -> int:
            there = self._present(remote, wanted)
            return sum(not upload(remote, wanted[path], path, mode=0o644).skipped for path in there)

        answers = ctx.on_hosts(put)
        for error in errors_of(answers.items()).values():
            raise error
        changed = [host for host, count in answers.items() if count]
        for host in changed:
            ctx.log(f"{host}: has the registry's new certificates")
        note = f"{len(changed)} of {len(answers)} hosts got new ones"
        return Done({"hosts": changed}, Outcome.CHANGED if changed else Outcome.ALREADY, note)

    def _wanted(self, ctx: Context) -> dict[str, bytes]:
        """{path: certificate} for every host; nothing where the registry's certificates are not kk's."""
        name = str(ctx.args["registry"])
        with ctx.remote(ctx.node(ctx.args["host"])) as remote:
            if not remote.run(f"[ -r {SOURCE}/ca.pem ]", sudo=True).ok:
                return {}
            authority = download(remote, f"{SOURCE}/ca.pem")
            own = download(remote, f"{SOURCE}/{name}.pem")
        places = (f"/etc/docker/certs.d/{name}", SOURCE)
        return {
            f"{place}/{file}": data for place in places for file, data in (("ca.crt", authority), (f"{name}.cert", own))
        }

    def _present(self, remote: Remote, paths: Mapping[str, object]) -> list[str]:
        """Those that a host has to have, or has: what docker and containerd read always."""
        listed = " ".join(paths)
        script = (
            f"for file in {listed}; do "
            'case $file in /etc/docker/*) echo "$file" ;; *) [ ! -e "$file" ] || echo "$file" ;; esac; done'
        )
        return remote.run(script, sudo=True, check=True).text.split()
