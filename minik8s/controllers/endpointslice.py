"""EndpointSlices (and the older Endpoints) of Services, and slices for hand-made Endpoints.

Three loops of the real controller manager. The first two follow Services with a selector; the
third copies Endpoints that a person wrote for a Service without one.
"""

from __future__ import annotations

from collections.abc import Iterable

from minik8s.clock import rfc3339
from minik8s.controllers import endpoints
from minik8s.controllers.base import NOTHING, Context, Controller, Key, controlled, key_of
from minik8s.controllers.endpoints import Ports
from minik8s.model.metadata import (
    Document,
    annotations_of,
    controller_of,
    labels_of,
    name_of,
    namespace_of,
    owner_reference,
)
from minik8s.model.registry import ENDPOINT_SLICE, ENDPOINTS, POD, SERVICE, Kind
from minik8s.model.selectors import Selector, map_selector
from minik8s.store import StoreEvent

SERVICE_NAME = "kubernetes.io/service-name"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
CONTROLLER = "endpointslice-controller.k8s.io"
MIRROR_CONTROLLER = "endpointslicemirroring-controller.k8s.io"
SKIP_MIRROR = "endpointslice.kubernetes.io/skip-mirror"
TRIGGER_TIME = "endpoints.kubernetes.io/last-change-trigger-time"
HEADLESS = "service.kubernetes.io/headless"

PER_SLICE = 100
"""How many endpoints one slice holds at most."""


class _Members:
    """Which pods each Service selects, kept current by events."""

    def __init__(self) -> None:
        self.services: dict[str, dict[str, Selector]] = {}
        self.of_service: dict[Key, dict[str, None]] = {}
        self.of_pod: dict[Key, set[str]] = {}

    def pod_changed(self, event: StoreEvent) -> Iterable[Key]:
        """The Services that a pod's event concerns."""
        key = key_of(event.object)
        namespace = key[0]
        before = self.of_pod.get(key, set())
        if event.type == "DELETED":
            self._set(key, set())
            return [(namespace, service) for service in sorted(before)]
        labels = labels_of(event.object)
        if event.previous is not None and labels_of(event.previous) is labels:
            return [(namespace, service) for service in sorted(before)]
        selectors = self.services.get(namespace, {})
        now = {service for service, selector in selectors.items() if selector.matches(labels)}
        self._set(key, now)
        return [(namespace, service) for service in sorted(before | now)]

    def service_changed(self, service: Document, pods: Iterable[Document]) -> None:
        """A Service selects other pods now."""
        namespace, name = key = key_of(service)
        labels = service["spec"].get("selector")
        self.service_gone(key)
        if not labels or service["spec"].get("type") == "ExternalName":
            return
        selector = map_selector(labels)
        self.services.setdefault(namespace, {})[name] = selector
        for pod in pods:
            if selector.matches(labels_of(pod)):
                self.of_service.setdefault(key, {})[name_of(pod)] = None
                self.of_pod.setdefault(key_of(pod), set()).add(name)

    def service_gone(self, key: Key) -> None:
        """A Service selects nothing any more."""
        namespace, name = key
        self.services.get(namespace, {}).pop(name, None)
        for pod in self.of_service.pop(key, ()):
            self.of_pod.get((namespace, pod), set()).discard(name)

    def _set(self, pod: Key, services: set[str]) -> None:
        namespace, name = pod
        before = self.of_pod.get(pod, set())
        for service in before - services:
            self.of_service.get((namespace, service), {}).pop(name, None)
        for service in services - before:
            self.of_service.setdefault((namespace, service), {})[name] = None
        if services:
            self.of_pod[pod] = services
        else:
            self.of_pod.pop(pod, None)


class EndpointSliceController(Controller):
    """Writes the slices and the Endpoints of Services that have a selector."""

    name = "endpointslice-controller"
    watches = (SERVICE, POD, ENDPOINT_SLICE)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._members = _Members()

    def observe(self, event: StoreEvent) -> Iterable[Key]:
        """A Service, the Services of a pod, or the Service of a slice that somebody touched."""
        if event.kind == POD:
            return self._members.pod_changed(event)
        if event.kind == ENDPOINT_SLICE:
            return self._touched(event)
        key = key_of(event.object)
        if event.type == "DELETED":
            self._members.service_gone(key)
            return (key,)
        if event.previous is None or _selector(event.previous) != _selector(event.object):
            self._members.service_changed(event.object, self.store.list(POD, key[0]))
        return (key,)

    def _touched(self, event: StoreEvent) -> Iterable[Key]:
        """A slice of ours that is gone, or was written by somebody else, is made anew."""
        labels = labels_of(event.object)
        if labels.get(MANAGED_BY) != CONTROLLER or event.type == "ADDED":
            return NOTHING
        return ((namespace_of(event.object), labels.get(SERVICE_NAME, "")),)

    def reconcile(self, namespace: str, name: str) -> None:
        """Bring the slices and the Endpoints of one Service up to date."""
        service = self.store.get(SERVICE, namespace, name)
        if service is None:
            self._drop_endpoints(namespace, name)
            return
        if not service["spec"].get("selector") or service["spec"].get("type") == "ExternalName":
            return
        pods = self._pods(service)
        existing = [
            each
            for each in controlled(self.store, service, ENDPOINT_SLICE)
            if labels_of(each).get(MANAGED_BY) == CONTROLLER
        ]
        for family in endpoints.families(service):
            mine = [each for each in existing if each.get("addressType") == family]
            self._write_slices(service, family, _grouped(service, pods, family), mine)
        self._write_endpoints(service, pods)

    def _pods(self, service: Document) -> list[Document]:
        namespace = namespace_of(service)
        names = self._members.of_service.get(key_of(service), ())
        found = [self.store.get(POD, namespace, name) for name in names]
        return [pod for pod in found if pod is not None and endpoints.may_serve(pod)]

    # -- slices

    def _write_slices(
        self,
        service: Document,
        family: str,
        groups: dict[Ports, list[Document]],
        existing: list[Document],
    ) -> None:
        """Change as few slices as possible; one that has become useless serves as a new one."""
        useless, new = list(existing), []
        for ports, pods in groups.items():
            shape = endpoints.slice_ports(ports)
            wanted = {name_of(p): endpoints.endpoint(service, p, family) for p in pods}
            for each in existing:
                if (each.get("ports") or []) != shape:
                    continue
                if content := _kept(each, wanted):
                    useless = [other for other in useless if other is not each]
                    self._renew(service, each, shape, content)
            rest = list(wanted.values())
            starts = range(0, len(rest), PER_SLICE)
            new += [(shape, rest[start : start + PER_SLICE]) for start in starts]
        if len(useless) == len(existing) and not new:
            new = [([], [])]
        for each, (shape, content) in zip(useless, new, strict=False):
            self._renew(service, each, shape, content)
        for each in useless[len(new) :]:
            self.store.delete(ENDPOINT_SLICE, *key_of(each))
        for shape, content in new[len(useless) :]:
            self._create(service, family, shape, content)

    def _renew(
        self, service: Document, old: Document, ports: list[Document], content: list[Document]
    ) -> None:
        labels = {**labels_of(old), **_slice_labels(service)}
        metadata = {**old["metadata"], "labels": labels}
        new = {**old, "metadata": metadata, "endpoints": content, "ports": ports}
        if new != old:
            if content != old.get("endpoints"):
                new["metadata"] = _triggered(metadata, self._now())
            self.store.update(ENDPOINT_SLICE, new)

    def _create(
        self, service: Document, family: str, ports: list[Document], content: list[Document]
    ) -> None:
        stem = f"{name_of(service)}-"
        metadata: Document = {
            "name": _free_name(self.context, ENDPOINT_SLICE, namespace_of(service), stem),
            "generateName": stem,
            "namespace": namespace_of(service),
            "labels": _slice_labels(service),
            "ownerReferences": [owner_reference(service)],
        }
        if content:
            metadata = _triggered(metadata, self._now())
        document: Document = {
            "apiVersion": ENDPOINT_SLICE.api_version,
            "kind": ENDPOINT_SLICE.kind,
            "metadata": metadata,
            "addressType": family,
            "endpoints": content,
            "ports": ports,
        }
        self.store.create(ENDPOINT_SLICE, document)

    # -- Endpoints

    def _write_endpoints(self, service: Document, pods: list[Document]) -> None:
        family = endpoints.families(service)[0]
        groups: dict[Ports, list[tuple[Document, str]]] = {}
        for ports, members in _grouped(service, pods, family).items():
            if members:
                groups[ports] = [(pod, family) for pod in members]
        subsets = endpoints.subsets(service, groups)
        old = self.store.get(ENDPOINTS, *key_of(service))
        if old is not None and (old.get("subsets") or []) == subsets:
            return
        labels = {**labels_of(service), "endpoints.kubernetes.io/managed-by": "endpoint-controller"}
        if service["spec"].get("clusterIP") == "None":
            labels[HEADLESS] = ""
        metadata: Document = {"name": name_of(service), "namespace": namespace_of(service)}
        metadata = {**(old["metadata"] if old else metadata), "labels": labels}
        document: Document = {
            "apiVersion": "v1",
            "kind": "Endpoints",
            "metadata": _triggered(metadata, self._now()) if subsets else metadata,
        }
        if subsets:
            document["subsets"] = subsets
        if old is None:
            self.store.create(ENDPOINTS, document)
        else:
            self.store.update(ENDPOINTS, document)

    def _drop_endpoints(self, namespace: str, name: str) -> None:
        if self.store.get(ENDPOINTS, namespace, name) is not None:
            self.store.delete(ENDPOINTS, namespace, name)

    def _now(self) -> str:
        return rfc3339(self.clock.now)


class EndpointSliceMirroringController(Controller):
    """Copies Endpoints that a person keeps for a Service without a selector."""

    name = "endpointslice-mirroring-controller"
    watches = (ENDPOINTS, SERVICE)

    def observe(self, event: StoreEvent) -> Iterable[Key]:
        """Endpoints, or the Service of that name."""
        return (key_of(event.object),)

    def reconcile(self, namespace: str, name: str) -> None:
        """Make the slices of one Endpoints object say what it says."""
        source = self.store.get(ENDPOINTS, namespace, name)
        service = self.store.get(SERVICE, namespace, name)
        if source is None:
            return
        existing = [
            each
            for each in controlled(self.store, source, ENDPOINT_SLICE)
            if labels_of(each).get(MANAGED_BY) == MIRROR_CONTROLLER
        ]
        wanted = _mirrored(source) if service is not None and _wants_mirror(source, service) else []
        for old, new in zip(existing, wanted, strict=False):
            self.store.update(ENDPOINT_SLICE, {**old, **new})
        for old in existing[len(wanted) :]:
            self.store.delete(ENDPOINT_SLICE, *key_of(old))
        for new in wanted[len(existing) :]:
            self._create(source, new)

    def _create(self, source: Document, content: Document) -> None:
        stem = f"{name_of(source)}-"
        namespace = namespace_of(source)
        labels = {
            **labels_of(source),
            MANAGED_BY: MIRROR_CONTROLLER,
            SERVICE_NAME: name_of(source),
        }
        metadata = {
            "name": _free_name(self.context, ENDPOINT_SLICE, namespace, stem),
            "generateName": stem,
            "namespace": namespace,
            "labels": labels,
            "ownerReferences": [owner_reference(source)],
        }
        document = {
            "apiVersion": ENDPOINT_SLICE.api_version,
            "kind": ENDPOINT_SLICE.kind,
            "metadata": metadata,
            **content,
        }
        self.store.create(ENDPOINT_SLICE, document)


def _selector(service: Document) -> object:
    spec = service["spec"]
    return spec.get("selector"), spec.get("type") == "ExternalName"


def _grouped(service: Document, pods: list[Document], family: str) -> dict[Ports, list[Document]]:
    """The pods by the numbers of their ports; without any pod one empty group."""
    groups: dict[Ports, list[Document]] = {}
    for pod in pods:
        if endpoints.address_in(pod, family):
            groups.setdefault(endpoints.resolve_ports(service, pod), []).append(pod)
    return groups or {(): []}


def _kept(old: Document, wanted: dict[str, Document]) -> list[Document]:
    """What stays in a slice, and what else fits in; taken out of `wanted`."""
    names = [_target_name(entry) for entry in old.get("endpoints") or ()]
    content = [wanted.pop(name) for name in names if name in wanted]
    if content:
        room = list(wanted)[: PER_SLICE - len(content)]
        content += [wanted.pop(name) for name in room]
    return content


def _slice_labels(service: Document) -> dict[str, str]:
    labels = {
        **labels_of(service),
        MANAGED_BY: CONTROLLER,
        SERVICE_NAME: name_of(service),
    }
    if service["spec"].get("clusterIP") == "None":
        labels[HEADLESS] = ""
    return labels


def _triggered(metadata: Document, now: str) -> Document:
    annotations = {**(metadata.get("annotations") or {}), TRIGGER_TIME: now}
    return {**metadata, "annotations": annotations}


def _target_name(entry: Document) -> str:
    return str((entry.get("targetRef") or {}).get("name", ""))


def _free_name(context: Context, kind: Kind, namespace: str, stem: str) -> str:
    while True:
        name = stem[:58] + context.ids.suffix("endpointslices")
        if context.store.get(kind, namespace, name) is None:
            return name


def _wants_mirror(source: Document, service: Document) -> bool:
    if service["spec"].get("selector") or service["spec"].get("type") == "ExternalName":
        return False
    if labels_of(source).get(SKIP_MIRROR) == "true" or controller_of(source) is not None:
        return False
    return "control-plane.alpha.kubernetes.io/leader" not in annotations_of(source)


def _mirrored(source: Document) -> list[Document]:
    """The address type, endpoints and ports of the slices that copy an Endpoints object."""
    slices = []
    for subset in source.get("subsets") or ():
        entries: dict[str, list[Document]] = {}
        for field, ready in (("addresses", True), ("notReadyAddresses", False)):
            for address in subset.get(field) or ():
                family = "IPv6" if ":" in address["ip"] else "IPv4"
                entry: Document = {"addresses": [address["ip"]], "conditions": {"ready": ready}}
                for name in ("hostname", "nodeName", "targetRef"):
                    if address.get(name):
                        entry[name] = address[name]
                entries.setdefault(family, []).append(entry)
        ports = [{"name": "", "protocol": "TCP", **port} for port in subset.get("ports") or ()]
        slices += [
            {"addressType": family, "endpoints": found, "ports": ports}
            for family, found in entries.items()
        ]
    return slices
