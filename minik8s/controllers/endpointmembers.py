"""Which pods each Service selects."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from minik8s.controllers.base import NOTHING, Key, key_of
from minik8s.model.metadata import Document, labels_of, name_of
from minik8s.model.selectors import Selector, map_selector
from minik8s.model.workloads import pod_addresses
from minik8s.store import StoreEvent

_NONE: frozenset[str] = frozenset()


class Members:
    """Which pods each Service selects, kept current by events."""

    def __init__(self) -> None:
        self.services: dict[str, dict[str, Selector]] = {}
        self.of_service: dict[Key, dict[str, None]] = {}
        self.of_pod: dict[Key, AbstractSet[str]] = {}

    def pod_changed(self, event: StoreEvent) -> Iterable[Key]:
        """The Services that a pod's event concerns: none while it has no address."""
        key = key_of(event.object)
        namespace = key[0]
        before = now = self.of_pod.get(key, _NONE)
        labels = labels_of(event.object)
        if event.type == "DELETED":
            now = _NONE
        elif event.previous is None or labels_of(event.previous) is not labels:
            selectors = self.services.get(namespace, {})
            now = {service for service, selector in selectors.items() if selector.matches(labels)}
        if now is not before:
            self._set(key, now)
        if not before and not now:
            return NOTHING
        states = (event.object, event.previous or event.object)
        if not any(map(pod_addresses, states)):
            return NOTHING
        return [(namespace, service) for service in sorted({*before, *now})]

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
                self.of_pod[key_of(pod)] = self.of_pod.get(key_of(pod), _NONE) | {name}

    def service_gone(self, key: Key) -> None:
        """A Service selects nothing any more."""
        namespace, name = key
        self.services.get(namespace, {}).pop(name, None)
        for pod in self.of_service.pop(key, ()):
            self._leave((namespace, pod), name)

    def _leave(self, pod: Key, service: str) -> None:
        rest = self.of_pod.get(pod, _NONE) - {service}
        if rest:
            self.of_pod[pod] = rest
        else:
            self.of_pod.pop(pod, None)

    def _set(self, pod: Key, services: AbstractSet[str]) -> None:
        namespace, name = pod
        before = self.of_pod.get(pod, _NONE)
        for service in before - services:
            self.of_service.get((namespace, service), {}).pop(name, None)
        for service in services - before:
            self.of_service.setdefault((namespace, service), {})[name] = None
        if services:
            self.of_pod[pod] = services
        else:
            self.of_pod.pop(pod, None)
