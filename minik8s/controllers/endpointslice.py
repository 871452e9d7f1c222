"""EndpointSlices (and the older Endpoints) of Services that have a selector.

Two loops of the real controller manager in one: both follow the same pods.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from minik8s.clock import rfc3339
from minik8s.controllers import endpoints
from minik8s.controllers.base import NOTHING, Context, Controller, Key, controlled, key_of
from minik8s.controllers.endpointmembers import Members
from minik8s.controllers.endpointrolls import AddressRoll, Member, Slice, SliceRoll
from minik8s.controllers.endpoints import Ports
from minik8s.model.metadata import (
    Document,
    annotations_of,
    labels_of,
    name_of,
    namespace_of,
    owner_reference,
)
from minik8s.model.registry import ENDPOINT_SLICE, ENDPOINTS, POD, SERVICE, Kind
from minik8s.store import StoreEvent

SERVICE_NAME = "kubernetes.io/service-name"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
CONTROLLER = "endpointslice-controller.k8s.io"
TRIGGER_TIME = "endpoints.kubernetes.io/last-change-trigger-time"
HEADLESS = "service.kubernetes.io/headless"

CAPACITY = "endpoints.kubernetes.io/over-capacity"


@dataclass(slots=True)
class _Roll:
    """What was written for one Service, and the state of the Service that it was written for."""

    service: Document
    slices: dict[str, SliceRoll]
    addresses: AddressRoll = field(default_factory=AddressRoll)

    def names(self) -> list[str]:
        """The pods that its slices speak of."""
        return [name for slices in self.slices.values() for name in slices.names]


class EndpointSliceController(Controller):
    """Writes the slices and the Endpoints of Services that have a selector."""

    name = "endpointslice-controller"
    watches = (SERVICE, POD, ENDPOINT_SLICE)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._members = Members()
        self._rolls: dict[Key, _Roll] = {}
        self._news: dict[Key, dict[str, None]] = {}
        self._writing = False

    def observe(self, event: StoreEvent) -> Iterable[Key]:
        """A Service, the Services of a pod, or the Service of a slice that somebody touched."""
        if event.kind == POD:
            keys = self._members.pod_changed(event)
            for key in keys:
                self._news.setdefault(key, {})[name_of(event.object)] = None
            return keys
        if event.kind == ENDPOINT_SLICE:
            return NOTHING if self._writing else self._touched(event)
        key = key_of(event.object)
        if event.type == "DELETED":
            self._members.service_gone(key)
            return (key,)
        if event.previous is None or _selector(event.previous) != _selector(event.object):
            self._members.service_changed(event.object, self.store.list(POD, key[0]))
        return (key,)

    def _touched(self, event: StoreEvent) -> Iterable[Key]:
        """A slice of ours that is gone, or was written by somebody else, is made anew."""
        documents = (event.object, event.previous or event.object)
        namespace = namespace_of(event.object)
        keys = [
            (namespace, labels.get(SERVICE_NAME, ""))
            for labels in map(labels_of, documents)
            if labels.get(MANAGED_BY) == CONTROLLER
        ]
        for key in keys:
            self._rolls.pop(key, None)
        return NOTHING if event.type == "ADDED" else keys

    def reconcile(self, namespace: str, name: str) -> None:
        """Bring the slices and the Endpoints of one Service up to date."""
        key = (namespace, name)
        news = self._news.pop(key, {})
        service = self.store.get(SERVICE, namespace, name)
        roll = self._rolls.pop(key, None)
        if service is None:
            self._drop_endpoints(namespace, name)
            return
        if not service["spec"].get("selector") or service["spec"].get("type") == "ExternalName":
            return
        if roll is None or roll.service is not service:
            roll = self._new_roll(service)
            news = dict.fromkeys([*self._members.of_service.get(key, ()), *roll.names()])
        self._writing = True
        try:
            self._follow(roll, namespace, news)
        finally:
            self._writing = False
        self._rolls[key] = roll  # not after an error: then what is stored is not what it says

    def _new_roll(self, service: Document) -> _Roll:
        """What the slices of a Service say now."""
        found: dict[str, list[Slice]] = {family: [] for family in endpoints.families(service)}
        for each in controlled(self.store, service, ENDPOINT_SLICE):
            family = each.get("addressType", "")
            if labels_of(each).get(MANAGED_BY) == CONTROLLER and family in found:
                found[family].append(_slice_of(each))
        return _Roll(service, {family: SliceRoll(slices) for family, slices in found.items()})

    def _follow(self, roll: _Roll, namespace: str, names: Iterable[str]) -> None:
        """Write what has become of some pods."""
        service = roll.service
        members = self._members.of_service.get(key_of(service), {})
        pods: dict[str, Document | None] = {}
        for name in names:
            pod = self.store.get(POD, namespace, name) if name in members else None
            pods[name] = pod if pod is not None and endpoints.may_serve(pod) else None
        for family, slices in roll.slices.items():
            found = {name: _endpoint(service, pod, family) for name, pod in pods.items()}
            plan = slices.place(found)
            for each in plan.renewed:
                self._renew(service, each)
            for each in plan.useless:
                self.store.delete(ENDPOINT_SLICE, namespace, each.name)
            for each in plan.created:
                self._create(service, family, each)
        family = next(iter(roll.slices))
        roll.addresses.place({name: _member(service, pod, family) for name, pod in pods.items()})
        self._write_endpoints(service, *roll.addresses.subsets())

    # -- slices

    def _renew(self, service: Document, each: Slice) -> None:
        old = self.store.get(ENDPOINT_SLICE, namespace_of(service), each.name)
        if old is None:
            return
        content = list(each.entries.values())
        labels = {**labels_of(old), **_slice_labels(service)}
        metadata = {**old["metadata"], "labels": labels}
        ports = endpoints.slice_ports(each.ports)
        new = {**old, "metadata": metadata, "endpoints": content, "ports": ports}
        if new != old:
            if content != old.get("endpoints"):
                new["metadata"] = _triggered(metadata, self._now())
            self.store.update(ENDPOINT_SLICE, new)

    def _create(self, service: Document, family: str, each: Slice) -> None:
        stem = f"{name_of(service)}-"
        content = list(each.entries.values())
        metadata: Document = {
            "name": free_name(self.context, ENDPOINT_SLICE, namespace_of(service), stem),
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
            "ports": endpoints.slice_ports(each.ports),
        }
        each.name = name_of(self.store.create(ENDPOINT_SLICE, document))

    # -- Endpoints

    def _write_endpoints(self, service: Document, subsets: list[Document], truncated: bool) -> None:
        old = self.store.get(ENDPOINTS, *key_of(service))
        if old is not None and (old.get("subsets") or []) == subsets:
            return
        labels = {**labels_of(service), "endpoints.kubernetes.io/managed-by": "endpoint-controller"}
        if service["spec"].get("clusterIP") == "None":
            labels[HEADLESS] = ""
        metadata: Document = {"name": name_of(service), "namespace": namespace_of(service)}
        metadata = {**(old["metadata"] if old else metadata), "labels": labels}
        metadata = _capacity_told(metadata, truncated)
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


def _selector(service: Document) -> object:
    spec = service["spec"]
    return spec.get("selector"), spec.get("type") == "ExternalName"


def _slice_of(document: Document) -> Slice:
    """A stored slice, as a roll has it."""
    ports = tuple(
        (each.get("name", ""), each.get("port"), each.get("protocol"), each.get("appProtocol", ""))
        for each in document.get("ports") or ()
    )
    entries = {_target_name(each): each for each in document.get("endpoints") or ()}
    return Slice(name_of(document), ports, entries)


def _endpoint(
    service: Document, pod: Document | None, family: str
) -> tuple[Ports, Document] | None:
    """A pod's ports and its entry in a slice."""
    if pod is None or not endpoints.address_in(pod, family):
        return None
    return endpoints.resolve_ports(service, pod), endpoints.endpoint(service, pod, family)


def _member(service: Document, pod: Document | None, family: str) -> Member | None:
    """A pod's part in the Endpoints."""
    if pod is None or not endpoints.address_in(pod, family):
        return None
    if not endpoints.is_listed(service, pod):
        return None
    return Member(
        endpoints.resolve_ports(service, pod),
        endpoints.counts_as_ready(service, pod),
        endpoints.subset_address(service, pod, family),
    )


def _slice_labels(service: Document) -> dict[str, str]:
    labels = {
        **labels_of(service),
        MANAGED_BY: CONTROLLER,
        SERVICE_NAME: name_of(service),
    }
    if service["spec"].get("clusterIP") == "None":
        labels[HEADLESS] = ""
    return labels


def _capacity_told(metadata: Document, truncated: bool) -> Document:
    """Metadata that tells whether all addresses found room."""
    annotations = {k: v for k, v in annotations_of({"metadata": metadata}).items() if k != CAPACITY}
    if truncated:
        annotations[CAPACITY] = "truncated"
    elif "annotations" not in metadata:
        return metadata
    return {**metadata, "annotations": annotations}


def _triggered(metadata: Document, now: str) -> Document:
    annotations = {**(metadata.get("annotations") or {}), TRIGGER_TIME: now}
    return {**metadata, "annotations": annotations}


def _target_name(entry: Document) -> str:
    return str((entry.get("targetRef") or {}).get("name", ""))


def free_name(context: Context, kind: Kind, namespace: str, stem: str) -> str:
    """A name for a new slice that no other has."""
    while True:
        name = stem[:58] + context.ids.suffix("endpointslices")
        if context.store.get(kind, namespace, name) is None:
            return name
