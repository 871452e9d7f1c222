"""The kinds that the API serves, one row each.

*Kind* is `Pod`, *resource* is `pods`, *object* is one stored document. A name that a person
types (`po`, `deploy`, `netpol.networking.k8s.io`) is looked up with `Registry.find`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any

VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
CREATE_ONLY = ("create",)
"""The verbs of a review: a question that is posted, answered and kept nowhere."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One resource type of the API (apidiscovery.k8s.io APIResourceDiscovery)."""

    group: str
    version: str
    kind: str
    plural: str
    short_names: tuple[str, ...] = ()
    namespaced: bool = True
    categories: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    verbs: tuple[str, ...] = VERBS
    singular: str = field(default="")
    stored_as: str = field(default="", compare=False, repr=False)
    """The apiVersion in which its objects are kept, if not its own; of the same kind."""

    def __post_init__(self) -> None:
        if not self.singular:
            object.__setattr__(self, "singular", self.kind.lower())

    def __eq__(self, other: object) -> bool:
        # Each write asks this some eighty times, mostly of kinds that differ in the first field.
        if self is other:
            return True
        if not isinstance(other, Kind):
            return NotImplemented
        return self.plural == other.plural and _row(self) == _row(other)

    @property
    def api_version(self) -> str:
        """`v1` for the core group, `apps/v1` for others."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> str:
        """The qualified resource, as messages name it: `pods`, `deployments.apps`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def path(self, namespace: str | None = None, name: str | None = None) -> str:
        """The REST path of the collection, or of one object."""
        parts = [f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"]
        if self.namespaced and namespace:
            parts.append(f"namespaces/{namespace}")
        parts.append(self.plural)
        if name:
            parts.append(name)
        return "/".join(parts)


_row: Callable[[Kind], tuple[Any, ...]] = attrgetter(
    *(each.name for each in fields(Kind) if each.compare)
)
"""What makes two kinds the same; how their objects are kept does not."""

_ALL = ("all",)

KINDS: tuple[Kind, ...] = (
    Kind("", "v1", "ConfigMap", "configmaps", ("cm",)),
    Kind("", "v1", "Endpoints", "endpoints", ("ep",), singular="endpoints"),
    Kind("", "v1", "Event", "events", ("ev",)),
    Kind("", "v1", "LimitRange", "limitranges", ("limits",)),
    Kind("", "v1", "Namespace", "namespaces", ("ns",), False, subresources=("status", "finalize")),
    Kind("", "v1", "Node", "nodes", ("no",), False, subresources=("status",)),
    Kind("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", ("pvc",)),
    Kind("", "v1", "PersistentVolume", "persistentvolumes", ("pv",), False),
    Kind(
        "",
        "v1",
        "Pod",
        "pods",
        ("po",),
        categories=_ALL,
        subresources=(
            "status",
            "log",
            "exec",
            "attach",
            "portforward",
            "proxy",
            "eviction",
            "binding",
            "ephemeralcontainers",
        ),
    ),
    Kind("", "v1", "PodTemplate", "podtemplates"),
    Kind(
        "",
        "v1",
        "ReplicationController",
        "replicationcontrollers",
        ("rc",),
        categories=_ALL,
        subresources=("status", "scale"),
    ),
    Kind("", "v1", "ResourceQuota", "resourcequotas", ("quota",), subresources=("status",)),
    Kind("", "v1", "Secret", "secrets"),
    Kind("", "v1", "ServiceAccount", "serviceaccounts", ("sa",), subresources=("token",)),
    Kind(
        "", "v1", "Service", "services", ("svc",), categories=_ALL, subresources=("status", "proxy")
    ),
    Kind(
        "apiextensions.k8s.io",
        "v1",
        "CustomResourceDefinition",
        "customresourcedefinitions",
        ("crd", "crds"),
        False,
        ("api-extensions",),
        ("status",),
    ),
    Kind(
        "apiregistration.k8s.io",
        "v1",
        "APIService",
        "apiservices",
        (),
        False,
        ("api-extensions",),
        ("status",),
    ),
    Kind("apps", "v1", "ControllerRevision", "controllerrevisions"),
    Kind(
        "apps", "v1", "DaemonSet", "daemonsets", ("ds",), categories=_ALL, subresources=("status",)
    ),
    Kind(
        "apps",
        "v1",
        "Deployment",
        "deployments",
        ("deploy",),
        categories=_ALL,
        subresources=("status", "scale"),
    ),
    Kind(
        "apps",
        "v1",
        "ReplicaSet",
        "replicasets",
        ("rs",),
        categories=_ALL,
        subresources=("status", "scale"),
    ),
    Kind(
        "apps",
        "v1",
        "StatefulSet",
        "statefulsets",
        ("sts",),
        categories=_ALL,
        subresources=("status", "scale"),
    ),
    Kind(
        "authentication.k8s.io",
        "v1",
        "SelfSubjectReview",
        "selfsubjectreviews",
        (),
        False,
        verbs=CREATE_ONLY,
    ),
    Kind(
        "authentication.k8s.io", "v1", "TokenReview", "tokenreviews", (), False, verbs=CREATE_ONLY
    ),
    Kind(
        "authorization.k8s.io",
        "v1",
        "LocalSubjectAccessReview",
        "localsubjectaccessreviews",
        verbs=CREATE_ONLY,
    ),
    Kind(
        "authorization.k8s.io",
        "v1",
        "SelfSubjectAccessReview",
        "selfsubjectaccessreviews",
        (),
        False,
        verbs=CREATE_ONLY,
    ),
    Kind(
        "authorization.k8s.io",
        "v1",
        "SelfSubjectRulesReview",
        "selfsubjectrulesreviews",
        (),
        False,
        verbs=CREATE_ONLY,
    ),
    Kind(
        "authorization.k8s.io",
        "v1",
        "SubjectAccessReview",
        "subjectaccessreviews",
        (),
        False,
        verbs=CREATE_ONLY,
    ),
    Kind(
        "autoscaling",
        "v2",
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        ("hpa",),
        categories=_ALL,
        subresources=("status",),
    ),
    Kind(
        "autoscaling",
        "v1",
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        ("hpa",),
        categories=_ALL,
        subresources=("status",),
        stored_as="autoscaling/v2",
    ),
    Kind("batch", "v1", "CronJob", "cronjobs", ("cj",), categories=_ALL, subresources=("status",)),
    Kind("batch", "v1", "Job", "jobs", categories=_ALL, subresources=("status",)),
    Kind(
        "certificates.k8s.io",
        "v1",
        "CertificateSigningRequest",
        "certificatesigningrequests",
        ("csr",),
        False,
        subresources=("status", "approval"),
    ),
    Kind("coordination.k8s.io", "v1", "Lease", "leases"),
    Kind("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices"),
    Kind("events.k8s.io", "v1", "Event", "events", ("ev",), stored_as="v1"),
    Kind("networking.k8s.io", "v1", "IngressClass", "ingressclasses", (), False),
    Kind("networking.k8s.io", "v1", "Ingress", "ingresses", ("ing",), subresources=("status",)),
    Kind("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", ("netpol",)),
    Kind("node.k8s.io", "v1", "RuntimeClass", "runtimeclasses", (), False),
    Kind(
        "policy",
        "v1",
        "PodDisruptionBudget",
        "poddisruptionbudgets",
        ("pdb",),
        subresources=("status",),
    ),
    Kind(
        "policy.networking.k8s.io",
        "v1alpha2",
        "ClusterNetworkPolicy",
        "clusternetworkpolicies",
        ("cnp",),
        False,
        subresources=("status",),
    ),
    Kind(
        "policy.networking.k8s.io",
        "v1alpha1",
        "AdminNetworkPolicy",
        "adminnetworkpolicies",
        ("anp",),
        False,
        subresources=("status",),
    ),
    Kind(
        "policy.networking.k8s.io",
        "v1alpha1",
        "BaselineAdminNetworkPolicy",
        "baselineadminnetworkpolicies",
        ("banp",),
        False,
        subresources=("status",),
    ),
    Kind("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", "clusterrolebindings", (), False),
    Kind("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", (), False),
    Kind("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings"),
    Kind("rbac.authorization.k8s.io", "v1", "Role", "roles"),
    Kind("scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses", ("pc",), False),
    Kind("storage.k8s.io", "v1", "CSIDriver", "csidrivers", (), False),
    Kind("storage.k8s.io", "v1", "CSINode", "csinodes", (), False),
    Kind("storage.k8s.io", "v1", "CSIStorageCapacity", "csistoragecapacities"),
    Kind("storage.k8s.io", "v1", "StorageClass", "storageclasses", ("sc",), False),
    Kind(
        "storage.k8s.io",
        "v1",
        "VolumeAttachment",
        "volumeattachments",
        (),
        False,
        subresources=("status",),
    ),
)


class Registry:
    """The kinds of one cluster; a CustomResourceDefinition can add to them."""

    __slots__ = ("_by_kind", "_by_plural", "_kinds")

    def __init__(self, kinds: Iterable[Kind] = KINDS) -> None:
        self._kinds: list[Kind] = []
        self._by_kind: dict[tuple[str, str], Kind] = {}
        self._by_plural: dict[tuple[str, str, str], Kind] = {}
        for kind in kinds:
            self.add(kind)

    def __iter__(self) -> Iterator[Kind]:
        return iter(self._kinds)

    def add(self, kind: Kind) -> None:
        """Serve one more kind; one with the same group, version and plural is replaced."""
        self.remove(kind)
        self._kinds.append(kind)
        self._by_kind[kind.api_version, kind.kind] = kind
        self._by_plural[kind.group, kind.version, kind.plural] = kind

    def remove(self, kind: Kind) -> None:
        """Stop serving a kind."""
        old = self._by_plural.pop((kind.group, kind.version, kind.plural), None)
        if old is not None:
            self._kinds.remove(old)
            self._by_kind.pop((old.api_version, old.kind), None)

    def by_kind(self, api_version: str, kind: str) -> Kind | None:
        """The kind that a manifest's `apiVersion` and `kind` name."""
        return self._by_kind.get((api_version, kind))

    def by_plural(self, group: str, version: str, plural: str) -> Kind | None:
        """The kind that a REST path names."""
        return self._by_plural.get((group, version, plural))

    def of(self, document: Any) -> Kind | None:
        """The kind of a document."""
        return self.by_kind(document.get("apiVersion", ""), document.get("kind", ""))

    def stored(self, kind: Kind) -> Kind:
        """The kind under which the objects of a kind are kept."""
        return self._by_kind[kind.stored_as, kind.kind] if kind.stored_as else kind

    def shelves(self) -> Iterator[Kind]:
        """One kind for all versions of each: what to go through to see every object once."""
        seen = set()
        for kind in self._kinds:
            if not kind.stored_as and (kind.group, kind.plural) not in seen:
                seen.add((kind.group, kind.plural))
                yield kind

    def find(self, typed: str) -> Kind | None:
        """The kind that a person means: `po`, `pod`, `Pods`, `deploy.apps`, `pods.v1.`."""
        name, _, group = typed.lower().partition(".")
        for kind in self._kinds:
            if name in (kind.plural, kind.singular, *kind.short_names) and _in_group(kind, group):
                return kind
        return None


def _in_group(kind: Kind, typed: str) -> bool:
    return typed in ("", kind.group, f"{kind.version}.{kind.group}")


def _named(kind: str) -> Kind:
    return next(row for row in KINDS if row.kind == kind)


ADMIN_NETWORK_POLICY = _named("AdminNetworkPolicy")
BASELINE_ADMIN_NETWORK_POLICY = _named("BaselineAdminNetworkPolicy")
CLUSTER_NETWORK_POLICY = _named("ClusterNetworkPolicy")
CLUSTER_ROLE = _named("ClusterRole")
CLUSTER_ROLE_BINDING = _named("ClusterRoleBinding")
CONFIG_MAP = _named("ConfigMap")
CONTROLLER_REVISION = _named("ControllerRevision")
CUSTOM_RESOURCE_DEFINITION = _named("CustomResourceDefinition")
DAEMON_SET = _named("DaemonSet")
DEPLOYMENT = _named("Deployment")
ENDPOINTS = _named("Endpoints")
ENDPOINT_SLICE = _named("EndpointSlice")
EVENT = _named("Event")
JOB = _named("Job")
LEASE = _named("Lease")
NAMESPACE = _named("Namespace")
NETWORK_POLICY = _named("NetworkPolicy")
NODE = _named("Node")
PERSISTENT_VOLUME_CLAIM = _named("PersistentVolumeClaim")
POD = _named("Pod")
POD_DISRUPTION_BUDGET = _named("PodDisruptionBudget")
REPLICATION_CONTROLLER = _named("ReplicationController")
REPLICA_SET = _named("ReplicaSet")
ROLE = _named("Role")
ROLE_BINDING = _named("RoleBinding")
SECRET = _named("Secret")
SERVICE = _named("Service")
SERVICE_ACCOUNT = _named("ServiceAccount")
STATEFUL_SET = _named("StatefulSet")
