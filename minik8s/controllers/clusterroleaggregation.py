"""ClusterRoles that gather the rules of others (pkg/controller/clusterroleaggregation)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from minik8s.controllers.base import Controller, Key, key_of
from minik8s.model.metadata import Document, labels_of, name_of
from minik8s.model.registry import CLUSTER_ROLE
from minik8s.model.selectors import label_selector
from minik8s.store import StoreEvent


class ClusterRoleAggregation(Controller):
    """Keeps the rules of a role with an `aggregationRule` those of the roles that it selects."""

    name = "clusterrole-aggregation-controller"
    watches = (CLUSTER_ROLE,)

    def observe(self, event: StoreEvent) -> Iterable[Key]:
        """Every role that gathers may be concerned by a change of any role."""
        if event.type != "ADDED" or labels_of(event.object):
            return [key_of(role) for role in self._gathering()]
        return [key_of(event.object)] if "aggregationRule" in event.object else []

    def _gathering(self) -> Iterator[Document]:
        return (role for role in self.store.list(CLUSTER_ROLE) if role.get("aggregationRule"))

    def reconcile(self, namespace: str, name: str) -> None:
        """Bring the rules of one role up to date."""
        role = self.store.get(CLUSTER_ROLE, namespace, name)
        if role is None or not role.get("aggregationRule"):
            return
        rules = self._rules(role)
        if rules != (role.get("rules") or []):
            self.store.update(CLUSTER_ROLE, {**role, "rules": rules})

    def _rules(self, role: Document) -> list[Document]:
        """The rules of the selected roles, by selector and by name, each rule once."""
        rules: list[Document] = []
        for written in role["aggregationRule"].get("clusterRoleSelectors") or ():
            selector = label_selector(written)
            for other in self.store.list(CLUSTER_ROLE):
                if name_of(other) == name_of(role) or not selector.matches(labels_of(other)):
                    continue
                for rule in other.get("rules") or ():
                    if rule not in rules:
                        rules.append(rule)
        return rules
