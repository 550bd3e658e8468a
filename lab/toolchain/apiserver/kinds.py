"""The resource types that are served: the built-in ones, and those that CustomResourceDefinitions add."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from lab.toolchain.apiserver.store import Store
from lab.toolchain.common.objects import Obj

ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    path: str
    priority: int = 0


@dataclass(frozen=True)
class Kind:
    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool
    short: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ALL_VERBS
    singular: str = ""
    custom: bool = False
    columns: tuple[Column, ...] = field(default=(), compare=False)

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def one(self) -> str:
        return self.singular or self.kind.lower()


# group/version | plural | kind | n(amespaced) or c(luster) | short names | subresources | categories
_BUILT_IN = """
v1|bindings|Binding|n|||
v1|componentstatuses|ComponentStatus|c|cs||
v1|configmaps|ConfigMap|n|cm||
v1|endpoints|Endpoints|n|ep||
v1|events|Event|n|ev||
v1|limitranges|LimitRange|n|limits||
v1|namespaces|Namespace|c|ns|status,finalize|
v1|nodes|Node|c|no|status,proxy|
v1|persistentvolumeclaims|PersistentVolumeClaim|n|pvc|status|
v1|persistentvolumes|PersistentVolume|c|pv|status|
v1|pods|Pod|n|po|status,log,eviction,binding,exec,ephemeralcontainers|all
v1|podtemplates|PodTemplate|n|||
v1|replicationcontrollers|ReplicationController|n|rc|status,scale|all
v1|resourcequotas|ResourceQuota|n|quota|status|
v1|secrets|Secret|n|||
v1|serviceaccounts|ServiceAccount|n|sa|token|
v1|services|Service|n|svc|status|all
apps/v1|controllerrevisions|ControllerRevision|n|||
apps/v1|daemonsets|DaemonSet|n|ds|status|all
apps/v1|deployments|Deployment|n|deploy|status,scale|all
apps/v1|replicasets|ReplicaSet|n|rs|status,scale|all
apps/v1|statefulsets|StatefulSet|n|sts|status,scale|all
batch/v1|cronjobs|CronJob|n|cj|status|all
batch/v1|jobs|Job|n||status|all
autoscaling/v2|horizontalpodautoscalers|HorizontalPodAutoscaler|n|hpa|status|all
policy/v1|poddisruptionbudgets|PodDisruptionBudget|n|pdb|status|
policy/v1beta1|podsecuritypolicies|PodSecurityPolicy|c|psp||
networking.k8s.io/v1|ingresses|Ingress|n|ing|status|
networking.k8s.io/v1|ingressclasses|IngressClass|c|||
networking.k8s.io/v1|networkpolicies|NetworkPolicy|n|netpol||
rbac.authorization.k8s.io/v1|clusterroles|ClusterRole|c|||
rbac.authorization.k8s.io/v1|clusterrolebindings|ClusterRoleBinding|c|||
rbac.authorization.k8s.io/v1|roles|Role|n|||
rbac.authorization.k8s.io/v1|rolebindings|RoleBinding|n|||
storage.k8s.io/v1|storageclasses|StorageClass|c|sc||
storage.k8s.io/v1|csidrivers|CSIDriver|c|||
storage.k8s.io/v1|csinodes|CSINode|c|||
storage.k8s.io/v1|volumeattachments|VolumeAttachment|c||status|
scheduling.k8s.io/v1|priorityclasses|PriorityClass|c|pc||
coordination.k8s.io/v1|leases|Lease|n|||
discovery.k8s.io/v1|endpointslices|EndpointSlice|n|||
node.k8s.io/v1|runtimeclasses|RuntimeClass|c|||
certificates.k8s.io/v1|certificatesigningrequests|CertificateSigningRequest|c|csr|status,approval|
admissionregistration.k8s.io/v1|mutatingwebhookconfigurations|MutatingWebhookConfiguration|c|||
admissionregistration.k8s.io/v1|validatingwebhookconfigurations|ValidatingWebhookConfiguration|c|||
apiextensions.k8s.io/v1|customresourcedefinitions|CustomResourceDefinition|c|crd,crds|status|api-extensions
apiregistration.k8s.io/v1|apiservices|APIService|c||status|api-extensions
"""

REVIEWS = (
    Kind(
        "authorization.k8s.io",
        "v1",
        "selfsubjectaccessreviews",
        "SelfSubjectAccessReview",
        False,
        verbs=("create",),
    ),
    Kind(
        "authorization.k8s.io",
        "v1",
        "selfsubjectrulesreviews",
        "SelfSubjectRulesReview",
        False,
        verbs=("create",),
    ),
    Kind("authorization.k8s.io", "v1", "subjectaccessreviews", "SubjectAccessReview", False, verbs=("create",)),
    Kind("authentication.k8s.io", "v1", "tokenreviews", "TokenReview", False, verbs=("create",)),
)


def _split(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split(",") if part)


def _built_in() -> Iterable[Kind]:
    for row in _BUILT_IN.strip().splitlines():
        version, plural, kind, scope, short, sub, categories = row.split("|")
        group, _, version = version.rpartition("/")
        yield Kind(group, version, plural, kind, scope == "n", _split(short), _split(sub), _split(categories))
    yield from REVIEWS


BUILT_IN: tuple[Kind, ...] = tuple(_built_in())


def of_definition(crd: Obj) -> list[Kind]:
    """The kinds that a CustomResourceDefinition serves, the storage version first."""
    spec = crd["spec"]
    names = spec["names"]
    kinds: list[Kind] = []
    for version in sorted(spec.get("versions", []), key=lambda v: not v.get("storage")):
        if not version.get("served"):
            continue
        columns = tuple(
            Column(c["name"], c.get("type", "string"), c["jsonPath"], c.get("priority", 0))
            for c in version.get("additionalPrinterColumns", [])
        )
        kinds.append(
            Kind(
                spec["group"],
                version["name"],
                names["plural"],
                names["kind"],
                spec.get("scope") == "Namespaced",
                tuple(names.get("shortNames", [])),
                tuple(sorted(version.get("subresources") or {})),
                tuple(names.get("categories", [])),
                singular=names.get("singular", ""),
                custom=True,
                columns=columns,
            )
        )
    return kinds


class Kinds:
    """All kinds at this moment; definitions count from the moment they are stored."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def all(self) -> list[Kind]:
        found = list(BUILT_IN)
        for crd in self.store.all("apiextensions.k8s.io", "customresourcedefinitions"):
            if not crd["metadata"].get("deletionTimestamp"):
                found += of_definition(crd)
        return found

    def find(self, group: str, version: str, plural: str) -> Kind | None:
        for kind in BUILT_IN:
            if (kind.group, kind.version, kind.plural) == (group, version, plural):
                return kind
        for kind in self.all()[len(BUILT_IN) :]:
            if (kind.group, kind.version, kind.plural) == (group, version, plural):
                return kind
        return None

    def by_kind(self, api_version: str, name: str) -> Kind | None:
        return next((k for k in self.all() if k.api_version == api_version and k.kind == name), None)
