"""EndpointSlices that copy the Endpoints that a person wrote for a Service without a selector."""

from __future__ import annotations

from collections.abc import Iterable

from minik8s.controllers.base import Controller, Key, controlled, key_of
from minik8s.controllers.endpointslice import MANAGED_BY, SERVICE_NAME, free_name
from minik8s.model.metadata import (
    Document,
    annotations_of,
    controller_of,
    labels_of,
    name_of,
    namespace_of,
    owner_reference,
)
from minik8s.model.registry import ENDPOINT_SLICE, ENDPOINTS, SERVICE
from minik8s.store import StoreEvent

MIRROR_CONTROLLER = "endpointslicemirroring-controller.k8s.io"
SKIP_MIRROR = "endpointslice.kubernetes.io/skip-mirror"


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
            "name": free_name(self.context, ENDPOINT_SLICE, namespace, stem),
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
