"""Namespaces that are going: empty them, then let them go."""

from __future__ import annotations

from collections.abc import Iterable

from minik8s.clock import rfc3339
from minik8s.controllers.base import NOTHING, Context, Controller, Key
from minik8s.controllers.deletion import delete
from minik8s.controllers.namespaceconditions import with_remains
from minik8s.model.metadata import Document, is_terminating, name_of, namespace_of
from minik8s.model.registry import NAMESPACE, POD, Kind, Registry
from minik8s.store import StoreEvent

FINALIZER = "kubernetes"


class NamespaceController(Controller):
    """Deletes what is in a terminating namespace, says what is left, then lets it go."""

    name = "namespace-controller"

    def __init__(self, context: Context, registry: Registry) -> None:
        super().__init__(context)
        self.registry = registry
        self._ending: set[str] = set()

    def observe(self, event: StoreEvent) -> Iterable[Key]:
        """A namespace that is going, or something in one."""
        if event.kind == NAMESPACE:
            name = name_of(event.object)
            if event.type != "DELETED" and is_terminating(event.object):
                self._ending.add(name)
                return (("", name),)
            self._ending.discard(name)
            return NOTHING
        if self._ending:
            namespace = namespace_of(event.object)
            if namespace in self._ending:
                return (("", namespace),)
        return NOTHING

    def reconcile(self, namespace: str, name: str) -> None:
        """Empty one namespace as far as possible."""
        del namespace
        document = self.store.get(NAMESPACE, "", name)
        if document is None or not is_terminating(document):
            return
        left = self._empty(name)
        document = self._tell(document, left)
        if left:
            return
        spec = document.get("spec") or {}
        rest = [each for each in spec.get("finalizers") or () if each != FINALIZER]
        if rest or document["metadata"].get("finalizers"):
            self.store.update(NAMESPACE, {**document, "spec": {**spec, "finalizers": rest}})
        else:
            self.store.delete(NAMESPACE, "", name)

    def _tell(self, namespace: Document, left: dict[str, list[Document]]) -> Document:
        status = {**(namespace.get("status") or {}), "phase": "Terminating"}
        status = with_remains(status, left, rfc3339(self.clock.now))
        return self.store.update(NAMESPACE, {**namespace, "status": status})

    def _empty(self, name: str) -> dict[str, list[Document]]:
        """Ask everything in the namespace to go; what is still there, by resource."""
        kinds = self._kinds()
        for kind in kinds:
            for document in self.store.list(kind, name):
                if not is_terminating(document):
                    delete(self.store, kind, document)
        found = {f"{kind.plural}.{kind.group}": self.store.list(kind, name) for kind in kinds}
        return {resource: documents for resource, documents in found.items() if documents}

    def _kinds(self) -> list[Kind]:
        """The kinds of objects in namespaces; pods come last, so that nobody makes new ones."""
        namespaced = [kind for kind in self.registry.shelves() if kind.namespaced]
        return sorted(namespaced, key=lambda kind: kind == POD)


def namespace_document(name: str, labels: dict[str, str] | None = None) -> Document:
    """A namespace as the API server stores it."""
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": name,
            "labels": {**(labels or {}), "kubernetes.io/metadata.name": name},
        },
        "spec": {"finalizers": [FINALIZER]},
        "status": {"phase": "Active"},
    }
