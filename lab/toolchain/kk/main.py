"""``kk``: the command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from lab.toolchain.common.faults import BadFaults
from lab.toolchain.kk import certs, create, nodes, registry, upgrade, work
from lab.toolchain.kk import config as configuration
from lab.toolchain.kk.pipeline import BANNER, Module, Pipeline, PipelineFailed
from lab.toolchain.kk.work import Job

VERSION = 'kk version: &version.Info{Major:"3", Minor:"1", GitVersion:"v3.1.0", SIMULATED}'
Modules = Callable[[Job, argparse.Namespace], Sequence[Module]]


class Command:
    """A verb of kk: its pipeline's name, its modules, and what it says in the end."""

    def __init__(self, pipeline: str, modules: Modules, said: Callable[[Job], str] = lambda _job: "") -> None:
        self.pipeline, self.modules, self.said = pipeline, modules, said


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("kk", description="SIMULATED KubeKey of the lab")
    verbs = parser.add_subparsers(dest="verb", required=True)

    def leaf(
        group: argparse._SubParsersAction[argparse.ArgumentParser], name: str, command: Command | None
    ) -> argparse.ArgumentParser:
        found = group.add_parser(name)
        found.set_defaults(command=command)
        found.add_argument("-f", "--filename", type=Path, required=command is not None)
        found.add_argument("-a", "--artifact", type=Path)
        found.add_argument("-y", "--yes", action="store_true")
        found.add_argument("--debug", "--verbose", action="store_true")
        return found

    def group(name: str, *aliases: str) -> argparse._SubParsersAction[argparse.ArgumentParser]:
        return verbs.add_parser(name, aliases=aliases).add_subparsers(dest="noun", required=True)

    verbs.add_parser("version").set_defaults(command=None)
    initialise = Command("InitRegistryPipeline", lambda job, _options: registry.init_modules(job), registry.created)
    leaf(group("init"), "registry", initialise)
    images = group("artifact").add_parser("images", aliases=["image"]).add_subparsers(dest="what", required=True)
    leaf(images, "push", Command("ArtifactImagesPushPipeline", lambda job, _options: registry.push_modules(job)))
    creates = Command("CreateClusterPipeline", lambda job, options: create.modules(job, options), create.created)
    cluster = leaf(group("create"), "cluster", creates)
    adds = leaf(
        group("add"), "nodes", Command("AddNodesPipeline", lambda job, options: nodes.add_modules(job, options))
    )
    for parser_ in (cluster, adds):
        parser_.add_argument("--with-packages", action="store_true")
        parser_.add_argument("--skip-push-images", "--skip-pull-images", action="store_true")
        parser_.add_argument("--ignore-err", action="store_true")
    cluster.add_argument("--with-kubernetes", default="")
    deletes = group("delete")
    node = leaf(deletes, "node", Command("DeleteNodePipeline", lambda job, o: nodes.delete_modules(job, o.name)))
    node.add_argument("name")
    whole = leaf(deletes, "cluster", Command("DeleteClusterPipeline", lambda job, o: nodes.reset_modules(job, o.all)))
    whole.add_argument("--all", "-A", action="store_true")
    certificates = group("certs")
    leaf(certificates, "check-expiration", Command("CheckCertsPipeline", lambda job, _o: certs.check_modules(job)))
    leaf(certificates, "renew", Command("RenewCertsPipeline", lambda job, _o: certs.renew_modules(job)))
    upgrades = Command("UpgradeClusterPipeline", lambda job, _options: upgrade.modules(job))
    newer = leaf(verbs, "upgrade", upgrades)
    newer.add_argument("--with-kubernetes", default="")
    newer.add_argument("--skip-pull-images", action="store_true")
    return parser


def main(argv: list[str]) -> int:
    options = _parser().parse_args(argv)
    if options.verb == "version":
        print(VERSION)
        return 0
    print(BANNER, flush=True)
    try:
        settings = configuration.load(options.filename)
        if wanted := getattr(options, "with_kubernetes", ""):
            settings = replace(settings, version=wanted)
        job = Job(settings, Pipeline(options.command.pipeline, settings), options.artifact, yes=options.yes)
        job.with_packages = getattr(options, "with_packages", False)
        work.need_artifact(job)
        job.pipeline.run(options.command.modules(job, options))
    except (PipelineFailed, configuration.ConfigError, BadFaults) as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return 1
    said = options.command.said(job)
    if said:
        print(said)
    return 0
