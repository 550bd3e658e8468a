"""`deploy`: everything that is done to a cluster."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from cli import complete
from cli.commands import hosts, uninstall
from cli.commands.observe import components_table
from cli.disks import DiskOptions
from cli.errors import CliError
from cli.external_ceph import ExternalCeph
from cli.language import tr
from cli.lookup import find_cluster
from cli.operate import ClusterArgument, Waiting, What, confirmed, names, operate
from cli.register import Credentials, FileOption, ensure_registered, registration
from cli.verb import Session, verb

# Phases find out themselves what is done already, so each verb names those that it rests on, too.
BASE = ["ssh-trust", "artifact", "configuration"]
REGISTRY = [*BASE, "packages", "registry"]
KUBERNETES = ["preflight", *REGISTRY, "images", "kubernetes", "platform-info", "coredns"]
OPERATORS = ["artifact", "configuration", "platform-info", "charts", "package-source", "components", "verify"]

ComponentsOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="A,B",
        help="Components, with what they need [default: the catalog's].",
        show_default=False,
        autocompletion=complete.components,
    ),
]


class Installable(StrEnum):
    """What `deploy install` takes."""

    KUBERNETES = "kubernetes"
    OPERATORS = "operators"
    CEPH = "ceph"
    CEPH_CSI_CEPHFS = "ceph-csi-cephfs"


class Storage(StrEnum):
    """What `deploy expand` takes."""

    CEPH = "ceph"


class Initial(StrEnum):
    """What `deploy init` takes."""

    REGISTRY = "registry"
    CPODINFO = "cpodinfo"


class Pushable(StrEnum):
    """What `deploy push` takes."""

    IMAGES = "images"
    CHARTS = "charts"


class Upgradable(StrEnum):
    """What `deploy upgrade` takes."""

    KUBERNETES = "kubernetes"
    COMPONENTS = "components"


class OnFailure(StrEnum):
    """What becomes of a component whose upgrade fails."""

    ROLLBACK = "rollback"
    KEEP = "keep"


class Renewable(StrEnum):
    """What `deploy renew` takes."""

    CERTIFICATES = "certificates"


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    deploy = typer.Typer(help="Install a platform, whole or in parts.", no_args_is_help=True, rich_markup_mode=None)
    app.add_typer(deploy, name="deploy")
    verb(deploy, "all")(deploy_all)
    verb(deploy, "install")(install)
    verb(deploy, "expand")(expand)
    verb(deploy, "remove-osd")(remove_osd)
    verb(deploy, "init")(init)
    verb(deploy, "push")(push)
    verb(deploy, "preflight")(preflight)
    verb(deploy, "renew")(renew)
    verb(deploy, "upgrade")(upgrade)
    verb(deploy, "rollback")(rollback)
    hosts.add_to(deploy)
    uninstall.add_to(deploy)
    verb(app, "plan")(plan)


def deploy_all(
    session: Session,
    file: FileOption,
    what: What,
    waiting: Waiting,
    credentials: Credentials,
    name: Annotated[str, typer.Option(help="Name of the cluster [default: metadata.name, or the file's name].")] = "",
    api_address: Annotated[str, typer.Option(metavar="URL", help="API address of the cloud.")] = "",
    storage_class: Annotated[str, typer.Option(help="Default storage class of the platform.")] = "",
    components: ComponentsOption = None,
) -> None:
    """Register the hosts of a configuration and install the whole platform on them.

    A cluster of that name that is registered already is taken, and what is installed already is left alone. With
    --dry-run the cluster is registered, and nothing is changed on its hosts.
    """
    params = what.params(components=names(components))
    body = registration(file, name, credentials, {"api_address": api_address, "storage_class": storage_class})
    cluster = ensure_registered(session, body)
    detail = operate(session, cluster, "install", params, waiting, dry_run=what.dry_run)
    if detail and not what.dry_run and session.output.form.tables:
        try:
            health = session.client.get_cluster_health(cluster["id"])
        except CliError as error:
            session.output.warn(tr("The components could not be read: {message}", message=error.message))
        else:
            session.output.result.print(components_table(session.output, health.get("components") or []))
        session.output.say(tr("See more with:  3kctl status {name}", name=cluster["name"]))


def install(
    session: Session,
    part: Annotated[Installable, typer.Argument(help="What to install.")],
    what: What,
    disks: DiskOptions,
    external: ExternalCeph,
    waiting: Waiting,
    cluster: ClusterArgument = "",
    software: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Only these components, with what they need.",
            show_default=False,
            autocompletion=complete.components,
        ),
    ] = None,
) -> None:
    """Install one part: kubernetes (with registry and images), operators (the components), or a storage.

    ceph takes every disk of the storage hosts that is empty, and no other; --plan shows which, and why not the others.
    ceph-csi-cephfs uses the file system of a Ceph that is run elsewhere. Its user's key is taken from SANQIAN_CEPH_KEY
    or --key-file and stored, also with --plan; without either the stored one is used.
    """
    chosen = names(software)
    if chosen and part is not Installable.OPERATORS:
        raise CliError(tr("--software goes with `deploy install operators`."), hint=tr("Leave it out."))
    if disks.given and part is not Installable.CEPH:
        raise CliError(
            tr("--disk, --wipe and --single-node go with `deploy install ceph`."), hint=tr("Leave them out.")
        )
    if external.given and part is not Installable.CEPH_CSI_CEPHFS:
        raise CliError(
            tr("{given} goes with `deploy install ceph-csi-cephfs`.", given=external.given), hint=tr("Leave it out.")
        )
    if part is Installable.CEPH_CSI_CEPHFS:
        row = find_cluster(session.client, cluster)
        external.store_key(session, row)
        operate(session, row, part.value, external.params() | what.params(), waiting, dry_run=what.dry_run)
        return
    if part is Installable.CEPH:
        kind, params = "ceph", what.params(**disks.params())
    else:
        phases = KUBERNETES if part is Installable.KUBERNETES else OPERATORS
        kind, params = "install", what.params(phases=phases, components=chosen)
    operate(session, find_cluster(session.client, cluster), kind, params, waiting, dry_run=what.dry_run)


def expand(
    session: Session,
    part: Annotated[Storage, typer.Argument(help="What to make larger.")],
    what: What,
    disks: DiskOptions,
    waiting: Waiting,
    cluster: ClusterArgument = "",
) -> None:
    """Give Ceph more disks: all that are empty now, or those named; --plan shows which."""
    params = what.params(**disks.params())
    operate(session, find_cluster(session.client, cluster), f"{part}-expand", params, waiting, dry_run=what.dry_run)


def remove_osd(
    session: Session,
    what: What,
    waiting: Waiting,
    cluster: ClusterArgument = "",
    osd: Annotated[
        list[int] | None, typer.Option(metavar="ID", help="Number of the OSD; repeatable.", show_default=False)
    ] = None,
) -> None:
    """Take OSDs out of Ceph when their data has moved; refused where that would break redundancy."""
    params = what.params(osds=osd)
    operate(session, find_cluster(session.client, cluster), "ceph-remove-osd", params, waiting, dry_run=what.dry_run)


def init(
    session: Session,
    part: Annotated[Initial, typer.Argument(help="What to set up.")],
    what: What,
    waiting: Waiting,
    cluster: ClusterArgument = "",
) -> None:
    """Set up the private registry, or the platform's information in the cluster (cpod-info)."""
    phases = REGISTRY if part is Initial.REGISTRY else ["platform-info"]
    params = what.params(phases=phases)
    operate(session, find_cluster(session.client, cluster), "install", params, waiting, dry_run=what.dry_run)


def push(
    session: Session,
    part: Annotated[Pushable, typer.Argument(help="What to push.")],
    what: What,
    waiting: Waiting,
    cluster: ClusterArgument = "",
) -> None:
    """Push the artifact's images or charts to the private registry."""
    params = what.params(phases=["artifact", "configuration", part.value])
    operate(session, find_cluster(session.client, cluster), "install", params, waiting, dry_run=what.dry_run)


def preflight(
    session: Session,
    waiting: Waiting,
    cluster: ClusterArgument = "",
    ignore_preflight: Annotated[
        list[str] | None,
        typer.Option(metavar="CODE", help="Finding to take as a warning; repeatable.", show_default=False),
    ] = None,
) -> None:
    """Check the hosts and change nothing: resources, ports, clocks, disks, GPUs, leftovers."""
    params = What(ignore_preflight=ignore_preflight).params()
    operate(session, find_cluster(session.client, cluster), "preflight", params, waiting)


def renew(
    session: Session,
    part: Annotated[Renewable, typer.Argument(help="What to renew.")],
    what: What,
    waiting: Waiting,
    cluster: ClusterArgument = "",
    days: Annotated[int, typer.Option(min=0, max=360, help="Leave those that last so long [default: 180].")] = 0,
) -> None:
    """Renew the certificates of etcd, the control plane and the registry, one host after another.

    On each, etcd and the API server restart; the registry's proxy does, and every host trusts what it shows.
    """
    params = what.params(days=days)
    kind = f"renew-{part.value}"
    operate(session, find_cluster(session.client, cluster), kind, params, waiting, dry_run=what.dry_run)


def upgrade(
    session: Session,
    part: Annotated[Upgradable, typer.Argument(help="What to upgrade.")],
    what: What,
    waiting: Waiting,
    cluster: ClusterArgument = "",
    version: Annotated[str, typer.Option(metavar="V1.2.3", help="kubernetes: the version to have afterwards.")] = "",
    confirm: Annotated[str, typer.Option(metavar="NAME", help="kubernetes: the cluster's name.")] = "",
    software: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="components: only these [default: those whose chart in the artifact is newer].",
            show_default=False,
            autocompletion=complete.components,
        ),
    ] = None,
    on_failure: Annotated[
        OnFailure | None,
        typer.Option(help="components: what becomes of one that fails [default: rollback].", show_default=False),
    ] = None,
    downgrade: Annotated[
        bool, typer.Option("--downgrade", help="components: let those named go to an older chart.")
    ] = False,
) -> None:
    """Upgrade Kubernetes, node by node, after a snapshot of etcd; or components to the artifact's charts.

    Nothing leads back from an upgrade of Kubernetes. --plan changes nothing; for components it shows which charts and
    values would change, and how.
    """
    row = find_cluster(session.client, cluster)
    if part is Upgradable.COMPONENTS:
        if version or confirm:
            raise CliError(
                tr("--version and --confirm go with `deploy upgrade kubernetes`."), hint=tr("Leave them out.")
            )
        failing = on_failure.value if on_failure else None
        params = what.params(components=names(software), on_failure=failing, downgrade=downgrade)
        operate(session, row, "upgrade-components", params, waiting, dry_run=what.dry_run)
        return
    if software or on_failure or downgrade:
        raise CliError(
            tr("--software, --on-failure and --downgrade go with `deploy upgrade components`."),
            hint=tr("Leave them out."),
        )
    if not version:
        raise CliError(tr("It is not said to which version."), hint=tr("Give one: --version v1.25.3."))
    asked = tr("Nothing leads back from an upgrade of {value}.", value=part.value)
    name = row["name"] if what.dry_run else confirmed(session, row["name"], confirm, asked)
    operate(session, row, "upgrade", what.params(version=version, confirm=name), waiting, dry_run=what.dry_run)


def rollback(
    session: Session,
    component: Annotated[
        str, typer.Argument(help="Component that is installed with Helm.", autocompletion=complete.components)
    ],
    revision: Annotated[int, typer.Option(min=1, help="Revision of its release to go back to.")],
    what: What,
    waiting: Waiting,
    cluster: ClusterArgument = "",
    confirm: Annotated[str, typer.Option(metavar="NAME", help="The cluster's name, instead of typing it.")] = "",
) -> None:
    """Roll a component's Helm release back to an earlier revision; --plan changes nothing."""
    row = find_cluster(session.client, cluster)
    asked = tr(
        "{component} gets the chart and settings of revision {revision}.", component=component, revision=revision
    )
    name = row["name"] if what.dry_run else confirmed(session, row["name"], confirm, asked)
    params = what.params(component=component, revision=revision, confirm=name)
    operate(session, row, "rollback", params, waiting, dry_run=what.dry_run)


def plan(
    session: Session,
    what: What,
    waiting: Waiting,
    cluster: ClusterArgument = "",
    kind: Annotated[
        str, typer.Option(metavar="KIND", help="Kind of operation.", autocompletion=complete.kinds)
    ] = "install",
    components: ComponentsOption = None,
) -> None:
    """What an operation would do: each step, and whether it is as wanted already. Changes nothing."""
    params = what.params(components=names(components))
    operate(session, find_cluster(session.client, cluster), kind, params, waiting, dry_run=True)
