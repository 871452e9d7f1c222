"""What each namespace has from the start: the ServiceAccount `default` and the cluster's CA."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minik8s.controllers.base import NOTHING, Context, Controller, Key, key_of
from minik8s.model.metadata import is_terminating, name_of, namespace_of
from minik8s.model.registry import CONFIG_MAP, NAMESPACE, SERVICE_ACCOUNT
from minik8s.store import StoreEvent

ROOT_CA = "kube-root-ca.crt"
ACCOUNT = "default"

_DESCRIPTION = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal "
    "endpoints such as the internal service IP or kubernetes.default.svc. No other usage is "
    "guaranteed across distributions of Kubernetes clusters."
)


class NamespaceFurnisher(Controller):
    """serviceaccount-controller and root-ca-certificate-publisher in one.

    Both make the object anew when somebody deletes it.
    """

    name = "serviceaccount-controller"
    watches = (NAMESPACE, SERVICE_ACCOUNT, CONFIG_MAP)

    def __init__(self, context: Context, root_ca: str) -> None:
        super().__init__(context)
        self._data: dict[str, Any] = {"ca.crt": root_ca}
        self._annotations = {"kubernetes.io/description": _DESCRIPTION}

    def observe(self, event: StoreEvent) -> Iterable[Key]:
        """A new namespace, or one that has lost its furniture."""
        if event.kind == NAMESPACE:
            return (key_of(event.object),) if event.type == "ADDED" else NOTHING
        if event.type == "DELETED" and name_of(event.object) in (ROOT_CA, ACCOUNT):
            return (("", namespace_of(event.object)),)
        return NOTHING

    def reconcile(self, namespace: str, name: str) -> None:
        """Make what is missing in one namespace."""
        del namespace
        document = self.store.get(NAMESPACE, "", name)
        if document is None or is_terminating(document):
            return
        if self.store.get(SERVICE_ACCOUNT, name, ACCOUNT) is None:
            account = {"name": ACCOUNT, "namespace": name}
            self.store.create(
                SERVICE_ACCOUNT, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account}
            )
        if self.store.get(CONFIG_MAP, name, ROOT_CA) is None:
            metadata = {"name": ROOT_CA, "namespace": name, "annotations": self._annotations}
            bundle = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
            self.store.create(CONFIG_MAP, {**bundle, "data": self._data})
