"""The step that reads when certificates end."""

from __future__ import annotations

from django.utils import timezone

from clusters import certificates
from tasks.actions.base import Action, ActionFailed, Context, Done, Wait, register
from tasks.certificates import read_and_store
from tasks.models import Outcome

RENEWED = (
    "/etc/kubernetes/pki/apiserver",
    "/etc/kubernetes/pki/front-proxy-client",
    "/etc/kubernetes/admin.conf",
    "/etc/kubernetes/controller-manager.conf",
    "/etc/kubernetes/scheduler.conf",
    "/etc/ssl/etcd/ssl/",
    "/etc/ssl/registry/ssl/",
)


@register("read-certificates")
class ReadCertificates(Action):
    """Args: ``hosts`` and ``days``: what a renewal makes must last longer on these hosts. Result: ``certificates``."""

    only_looks = True

    def run(self, ctx: Context) -> Done | Wait:
        found, unread = read_and_store(ctx.cluster)
        now = timezone.now()
        for one in found:
            when = f"{one.days(now)} days left" if one.ends else "cannot be read"
            ctx.log(f"{one.host}: {one.path}: {when}")
        for host, why in unread.items():
            ctx.log(f"{host}: was not read: {why}")
        demanded = ctx.args.get("hosts", ())
        if silent := [host for host in demanded if host in unread]:
            host = silent[0]
            raise ActionFailed(
                f"The certificates of {host} cannot be read: {unread[host]}", "Heal it, retry.", host=host
            )
        for one in found:
            late = one.ends is None or one.days(now) < int(ctx.args.get("days", 0))
            if one.host in demanded and one.path.startswith(RENEWED) and late:
                raise ActionFailed(
                    f"{one.path} on {one.host} was not renewed.",
                    "Run the operation again. On the host, kubeadm certs check-expiration tells more.",
                    host=one.host,
                    kind="not-renewed",
                )
        lasting = certificates.judge(found, unread, now)
        return Done(
            {"certificates": [one.to_json() for one in found], "unread": unread},
            Outcome.CHECKED,
            lasting.reason[:300] or f"{len(found)} certificates last longer than {certificates.SOON} days",
        )
