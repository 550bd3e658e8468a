"""`deploy uninstall`: the whole platform, or Ceph alone."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from cli.errors import CliError
from cli.language import N_, tr
from cli.lookup import find_cluster
from cli.operate import ClusterArgument, ConfirmOption, Waiting, What, confirmed, operate
from cli.verb import Session, verb


class Removable(StrEnum):
    """What `deploy uninstall` takes."""

    PLATFORM = "platform"
    CEPH = "ceph"
    CEPH_CSI_CEPHFS = "ceph-csi-cephfs"


class _Kind:
    """Of each part: the operation, the options that it takes, and what confirming it means."""

    OPERATION = {
        Removable.PLATFORM: "uninstall",
        Removable.CEPH: "ceph-uninstall",
        Removable.CEPH_CSI_CEPHFS: "ceph-csi-cephfs-uninstall",
    }
    OPTIONS = {
        Removable.PLATFORM: ("remove_ceph_data", "keep_artifact"),
        Removable.CEPH: ("force",),
        Removable.CEPH_CSI_CEPHFS: ("force",),
    }
    LOST = {
        Removable.PLATFORM: N_("Everything on the hosts of {} will be removed."),
        Removable.CEPH: N_("All that Ceph holds in {} will be lost."),
        Removable.CEPH_CSI_CEPHFS: N_("The pods of {} will lose the external Ceph's storage."),
    }


def add_to(deploy: typer.Typer) -> None:
    """Register the verb."""
    verb(deploy, "uninstall")(uninstall)


def uninstall(
    session: Session,
    part: Annotated[Removable, typer.Argument(help="What to remove.")],
    what: What,
    waiting: Waiting,
    cluster: ClusterArgument = "",
    confirm: ConfirmOption = "",
    remove_ceph_data: Annotated[
        bool, typer.Option("--remove-ceph-data", help="platform: data of Ceph go too, its disks are wiped.")
    ] = False,
    keep_artifact: Annotated[
        bool, typer.Option("--keep-artifact", help="platform: leave the unpacked artifact where it is.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="ceph, ceph-csi-cephfs: also while volumes or buckets are there.")
    ] = False,
) -> None:
    """Remove the platform, Ceph with all that it holds, or the driver of an external Ceph, whose data stay; verified.

    The hosts stay registered.
    """
    given = {"remove_ceph_data": remove_ceph_data, "keep_artifact": keep_artifact, "force": force}
    for name, value in given.items():
        if value and name not in _Kind.OPTIONS[part]:
            raise CliError(
                tr("--{name} is not for {part}.", name=name.replace("_", "-"), part=part),
                hint=tr("3kctl deploy uninstall --help"),
            )
    row = find_cluster(session.client, cluster)
    name = row["name"]
    typed = name if what.dry_run else confirmed(session, name, confirm, tr(_Kind.LOST[part]).format(name))
    params = what.params(confirm=typed, **{option: given[option] for option in _Kind.OPTIONS[part]})
    operate(session, row, _Kind.OPERATION[part], params, waiting, dry_run=what.dry_run)
