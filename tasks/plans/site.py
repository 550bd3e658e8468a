"""What the install plan's steps share: where things lie, and how the registry is spoken to. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from clusters.catalog import CatalogError, Entry, load
from tasks.plan import JSON, ClusterFact, HostFact, PlanError

STATE = "/var/lib/sanqian"
KEY = "/root/.ssh/id_sanqian"
PACKAGE_DIRECTORY = f"{STATE}/packages"
PACKAGES = ("socat", "conntrack", "ebtables", "ipset", "ipvsadm")
# Components that an operation of their own installs: they need to be told more.
OWN_OPERATION = {"rook-ceph-cluster": "ceph", "ceph-csi-cephfs": "ceph-csi-cephfs"}

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?")


@dataclass(frozen=True)
class Site:
    """A cluster and the parameters of its installation, with what follows from them."""

    cluster: ClusterFact
    params: Mapping[str, JSON]

    @cached_property
    def source(self) -> Mapping[str, str]:
        """Where the artifact comes from: one of url, file, path, and perhaps sha256."""
        return dict(self.params.get("artifact") or {})

    def check_source(self) -> None:
        """Raises `PlanError` where it is not clear which artifact is meant."""
        if self.source and len({"url", "file", "path"} & set(self.source)) != 1:
            raise PlanError(
                "The artifact comes from one place.", field="artifact", fix="Give one of url, file and path."
            )
        if "url" in self.source and "sha256" not in self.source:
            raise PlanError(
                "An artifact from an address needs its checksum.",
                field="artifact.sha256",
                fix="Give the file's SHA-256: sha256sum FILE.",
            )

    @property
    def artifact(self) -> str:
        return str(self.source.get("path") or self.params["artifact_directory"]).rstrip("/")

    @property
    def archive(self) -> str:
        return f"{self.artifact}.archive"

    @property
    def config(self) -> str:
        return f"{self.artifact}/cluster.yaml"

    @property
    def first(self) -> HostFact:
        return self.cluster.first

    @cached_property
    def registry(self) -> str:
        """Name of the private registry, empty where there is none. Raises `PlanError` for what is no host name."""
        name = self._setting("private_registry")
        if name and not _NAME.fullmatch(name):
            raise PlanError(
                f"The cluster's private registry {name!r} is no host name.",
                field="private_registry",
                fix="Give a name such as registry.example.org, with a port where it is not 443.",
            )
        return name

    @property
    def registry_host(self) -> HostFact | None:
        """The host that kk puts the registry on, which also serves the driver containers' packages."""
        return next(iter(self.cluster.group("registry")), None)

    @property
    def harbor(self) -> bool:
        """Whether the registry has projects and a chart repository."""
        return bool(self.registry) and self._setting("registry_type") in ("", "harbor")

    @property
    def project(self) -> str:
        return self._setting("registry_namespace")

    @property
    def env(self) -> dict[str, str]:
        return {"ARTIFACT": self.artifact, "CONFIG": self.config}

    @property
    def registry_env(self) -> dict[str, str]:
        return {
            **self.env,
            "REGISTRY": self.registry,
            "REGISTRY_USER": self._setting("registry_user") or "admin",
            "CERTIFICATE": f"/etc/docker/certs.d/{self.registry}/ca.crt",
            "PROJECT": self.project,
            "REPOSITORY": f"https://{self.registry}/chartrepo/{self.project}",
        }

    @property
    def registry_secrets(self) -> dict[str, str]:
        return {"REGISTRY_PASSWORD": "registry-password"}

    @property
    def kubernetes_nodes(self) -> tuple[str, ...]:
        return tuple(host.name for host in self.cluster.group("control-plane", "worker"))

    @cached_property
    def components(self) -> tuple[Entry, ...]:
        """The chosen components in dependency order.

        Raises `PlanError` on unknown ones, on one whose need is switched off, and on one of `OWN_OPERATION`.
        """
        catalog = load()
        given = self.params.get("components")
        try:
            off = {catalog[name].name for name in self.params["without"]}
            wanted = [
                entry.name
                for entry in (catalog.choose(None) if given is None else map(catalog.__getitem__, given))
                if entry.name not in off
            ]
            chosen = catalog.choose(wanted)
        except CatalogError as error:
            field = "components" if given is not None and set(error.names) & set(given) else "without"
            raise PlanError(str(error), field=field, fix=error.fix) from error
        for entry in chosen:
            for need in entry.needs:
                if need in off:
                    raise PlanError(
                        f"{entry.name} needs {need}, which is switched off.",
                        field="without",
                        fix=f"Leave out {entry.name} too, or keep {need}.",
                    )
            if entry.name in OWN_OPERATION:
                raise PlanError(
                    f"{entry.name} has to be told which disks or monitors, and an installation is not.",
                    field="components",
                    fix=f"Leave {entry.name} out here; the operation `{OWN_OPERATION[entry.name]}` installs it.",
                )
        return chosen

    def _setting(self, name: str) -> str:
        return str(self.cluster.settings.get(name) or "")

    def setting(self, name: str) -> str:
        """A plain field of the cluster; empty where it has none. Raises `PlanError` for one of several lines."""
        value = self._setting(name)
        if any(ord(letter) < 32 for letter in value):
            raise PlanError(f"The cluster's {name} holds control characters.", field=name, fix="Write one line.")
        return value
