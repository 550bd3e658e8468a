"""What changes releases: install, upgrade, rollback, uninstall. Each stores its state before it acts, as helm does."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass, replace

from lab.toolchain.common import faults
from lab.toolchain.common.client import ApiFailure, Client, path_of
from lab.toolchain.common.faults import FaultStruck
from lab.toolchain.common.objects import Obj
from lab.toolchain.common.pace import pause
from lab.toolchain.helm import chart as charts
from lab.toolchain.helm import cluster, releases
from lab.toolchain.helm.chart import Chart, Rendered
from lab.toolchain.helm.cluster import Objects
from lab.toolchain.helm.errors import HelmError

BUSY = "another operation (install/upgrade/rollback) is in progress"
DEFINITION_SECONDS, MOMENT = 60.0, 5.0
_NAME = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")


class NotStored(HelmError):
    """The release could not even be begun."""


@dataclass(frozen=True)
class Options:
    """How to act; `timeout` in seconds."""

    create_namespace: bool = False
    wait: bool = False
    atomic: bool = False
    timeout: float = 300.0
    skip_crds: bool = False
    history_max: int = 10
    description: str = ""


class Actions:
    """One release. Every method raises `HelmError`, `ApiFailure` or `Unreachable`; the latter leaves it pending."""

    def __init__(self, client: Client, name: str, namespace: str, options: Options) -> None:
        if not _NAME.match(name) or len(name) > 53:
            raise HelmError(
                f'release name "{name}": invalid release name, must match regex {_NAME.pattern} and the length '
                "must not be longer than 53"
            )
        self.client, self.name, self.namespace, self.options = client, name, namespace, options
        self.objects = Objects(client, namespace)

    # -- install and upgrade ------------------------------------------------------------------------------

    def install(self, chart: Chart, config: Obj, verb: str) -> Obj:
        """:param verb: what the user called, for the faults: install or upgrade"""
        history = releases.history(self.client, self.name, self.namespace)
        if history and history[-1]["info"]["status"] != "uninstalled":
            raise HelmError("cannot re-use a name that is still in use")
        number = history[-1]["version"] + 1 if history else 1
        rendered = charts.render(chart, self.name, self.namespace, number, config)
        if not self.options.skip_crds:
            self._definitions(chart)
        cluster.refuse_foreign(self.objects, rendered.objects, self.name)
        self._namespace()
        release = self._new(chart, config, rendered, number, "pending-install", "Initial install underway")
        try:
            self._store_first(release)
            self._act(rendered.objects, [], verb)
        except NotStored:
            raise
        except (HelmError, ApiFailure, FaultStruck) as error:
            self._failed(release, f'Release "{self.name}" failed: {error}')
            if self.options.atomic:
                self.uninstall()
                raise HelmError(
                    f"release {self.name} failed, and has been uninstalled due to atomic being set: {error}"
                ) from error
            raise HelmError(str(error)) from error
        return self._done(release, self.options.description or "Install complete")

    def upgrade(self, chart: Chart, config: Obj, verb: str) -> Obj:
        history = releases.history(self.client, self.name, self.namespace)
        if not history:
            raise HelmError(f'"{self.name}" has no deployed releases')
        newest = history[-1]
        if newest["info"]["status"] in releases.PENDING:
            raise HelmError(BUSY)
        deployed = [r for r in history if r["info"]["status"] == "deployed"]
        if not deployed and newest["info"]["status"] not in ("failed", "superseded"):
            raise HelmError(f'"{self.name}" has no deployed releases')
        current = deployed[-1] if deployed else newest
        number = newest["version"] + 1
        rendered = charts.render(chart, self.name, self.namespace, number, config, install=False)
        before = charts.objects(current["manifest"])
        known = {_identity(obj) for obj in before}
        cluster.refuse_foreign(self.objects, [o for o in rendered.objects if _identity(o) not in known], self.name)
        release = self._new(chart, config, rendered, number, "pending-upgrade", "Preparing upgrade")
        release["info"]["first_deployed"] = newest["info"]["first_deployed"]
        try:
            releases.store(self.client, release)
            self._act(rendered.objects, before, verb)
        except (HelmError, ApiFailure, FaultStruck) as error:
            self._failed(release, f'Upgrade "{self.name}" failed: {error}')
            if self.options.atomic and deployed:
                # Helm gives it the same time; here the controllers get a moment even where that was none.
                self.options = replace(self.options, timeout=max(self.options.timeout, MOMENT))
                self.rollback(current["version"])
                raise HelmError(
                    f"release {self.name} failed, and has been rolled back due to atomic being set: {error}"
                ) from error
            raise HelmError(str(error)) from error
        self._supersede(release)
        releases.prune(self.client, self.name, self.namespace, self.options.history_max)
        return self._done(release, self.options.description or "Upgrade complete")

    def rollback(self, number: int) -> Obj:
        """:param number: the revision to return to; 0 is the one before the newest"""
        newest = releases.last(self.client, self.name, self.namespace)
        number = number or newest["version"] - 1
        if number < 1:
            raise HelmError(f"release has no {number} version")
        target = releases.revision(self.client, self.name, self.namespace, number)
        kept = {key: target[key] for key in ("chart", "config", "manifest")}
        words = f"Rollback to {number}"
        release = releases.new(self.name, self.namespace, newest["version"] + 1, "pending-rollback", words, **kept)
        release["info"] |= {"first_deployed": newest["info"]["first_deployed"], "notes": target["info"]["notes"]}
        try:
            releases.store(self.client, release)
            self._act(charts.objects(release["manifest"]), charts.objects(newest["manifest"]), "rollback")
        except (HelmError, ApiFailure, FaultStruck) as error:
            self._failed(release, f'Rollback "{self.name}" failed: {error}')
            raise HelmError(str(error)) from error
        self._supersede(release)
        return self._done(release, words)

    def uninstall(self, keep: bool = False) -> list[Obj]:
        """Returns the objects that were kept because their resource policy says so."""
        history = releases.history(self.client, self.name, self.namespace)
        if not history:
            raise HelmError(f"uninstall: Release not loaded: {self.name}: release: not found")
        release = history[-1]
        if release["info"]["status"] == "uninstalled":
            if keep:
                raise HelmError(f'the release named "{self.name}" is already deleted')
            self._forget(history)
            return []
        release["info"] |= {"status": "uninstalling", "deleted": releases.stamp()}
        release["info"]["description"] = "Deletion in progress (or silently failed)"
        releases.store(self.client, release)
        self._strike("uninstall")
        wanted = charts.objects(release["manifest"])
        kept = [obj for obj in reversed(wanted) if not self.objects.remove(obj)]
        if self.options.wait:
            cluster.wait_gone(self.objects, [obj for obj in wanted if obj not in kept], self.options.timeout)
        release["info"] |= {"status": "uninstalled", "description": "Uninstallation complete"}
        if keep:
            releases.store(self.client, release)
        else:
            self._forget(history)
        return kept

    # -- parts --------------------------------------------------------------------------------------------

    def _new(self, chart: Chart, config: Obj, rendered: Rendered, version: int, status: str, words: str) -> Obj:
        kept = {"metadata": dict(chart.metadata), "values": chart.values}
        fields = {"chart": kept, "config": config, "manifest": rendered.manifest}
        release = releases.new(self.name, self.namespace, version, status, words, **fields)
        release["info"]["notes"] = rendered.notes
        return release

    def _definitions(self, chart: Chart) -> None:
        """Create the chart's definitions; those that are there are left as they are."""
        wanted = charts.crds(chart)
        for definition in wanted:
            try:
                self.objects.create(definition)
            except ApiFailure as error:
                if error.code != 409:
                    raise HelmError(f"failed to install CRD {definition['metadata']['name']}: {error}") from error
        cluster.wait_ready(self.objects, wanted, DEFINITION_SECONDS)

    def _namespace(self) -> None:
        if not self.options.create_namespace:
            return
        metadata = {"name": self.namespace, "labels": {"name": self.namespace}}
        try:
            self.client.post(path_of("", "v1", "namespaces"), {"metadata": metadata})
        except ApiFailure as error:
            if error.code != 409:
                raise

    def _store_first(self, release: Obj) -> None:
        try:
            releases.store(self.client, release)
        except ApiFailure as error:
            raise NotStored(f"create: failed to create: {error}") from error

    def _act(self, wanted: list[Obj], before: list[Obj], verb: str) -> None:
        """Put the release's objects, drop those that it has no more, wait where asked."""
        half = self._strike(verb)
        old = {_identity(obj): obj for obj in before}
        for obj in wanted[: len(wanted) // 2] if half else wanted:
            self.objects.put(cluster.owned(obj, self.name, self.namespace), old.get(_identity(obj)))
        if half:
            faults.die()
        kept = {_identity(obj) for obj in wanted}
        for identity, obj in old.items():
            if identity not in kept:
                self.objects.remove(obj)
        pause(0.3)
        if self.options.wait or self.options.atomic:
            cluster.wait_ready(self.objects, wanted, self.options.timeout)

    def _strike(self, verb: str) -> bool:
        """Let a fault strike; True when only half of the work shall be done."""
        struck = faults.strike(f"helm:{verb}", self.name, socket.gethostname())
        if struck is not None and struck.do == "kill":
            faults.die()
        return struck is not None and struck.do == "half"

    def _failed(self, release: Obj, words: str) -> None:
        release["info"] |= {"status": "failed", "description": words}
        releases.store(self.client, release)

    def _done(self, release: Obj, words: str) -> Obj:
        release["info"] |= {"status": "deployed", "description": words}
        releases.store(self.client, release)
        return release

    def _supersede(self, newest: Obj) -> None:
        for old in releases.history(self.client, self.name, self.namespace):
            if old["version"] != newest["version"] and old["info"]["status"] in ("deployed", *releases.PENDING):
                old["info"]["status"] = "superseded"
                releases.store(self.client, old)

    def _forget(self, history: list[Obj]) -> None:
        for release in history:
            releases.forget(self.client, release)


def _identity(obj: Obj) -> tuple[str, str, str, str]:
    metadata = obj["metadata"]
    return obj["apiVersion"], obj["kind"], metadata.get("namespace", ""), metadata["name"]
