"""Which objects a list, a watch or a deletecollection is about."""

from __future__ import annotations

from dataclasses import dataclass

from minik8s.apiserver.call import Call
from minik8s.errors import BadRequest
from minik8s.model.fields import FieldSelector, parse_field_selector
from minik8s.model.metadata import Document, labels_of
from minik8s.model.registry import Kind
from minik8s.model.selectors import EVERYTHING, Selector, SelectorError, parse_selector
from minik8s.store import Store

ANY_FIELDS = FieldSelector()


@dataclass(frozen=True, slots=True)
class Filter:
    """The objects of a kind in one namespace (or all, None) that two selectors pick."""

    kind: Kind
    namespace: str | None
    labels: Selector = EVERYTHING
    fields: FieldSelector = ANY_FIELDS

    def matches(self, document: Document) -> bool:
        """Whether an object is one of them."""
        home = self.namespace
        if home is not None and document["metadata"].get("namespace", "") != home:
            return False
        return self.selects(document)

    def selects(self, document: Document) -> bool:
        """Whether an object of the right namespace meets the selectors."""
        if self.labels.requirements and not self.labels.matches(labels_of(document)):
            return False
        return not self.fields.terms or self.fields.matches(document)

    @property
    def unrestricted(self) -> bool:
        """Whether every object of the namespace is meant."""
        return not self.labels.requirements and not self.fields.terms


def read_filter(call: Call) -> Filter:
    """The filter that a path and a query make; raises BadRequest for a bad selector."""
    request, route = call.request, call.route
    labels = request.parameter("labelSelector")
    fields = request.parameter("fieldSelector")
    try:
        return Filter(
            call.stored,
            route.namespace,
            parse_selector(labels) if labels else EVERYTHING,
            parse_field_selector(fields, route.kind) if fields else ANY_FIELDS,
        )
    except SelectorError as error:
        raise BadRequest(str(error)) from None


def select(store: Store, chosen: Filter) -> list[Document]:
    """The objects that a filter picks, in order."""
    name = chosen.fields.exact("metadata.name")
    if name is not None and chosen.namespace is not None:
        document = store.get(chosen.kind, chosen.namespace, name)
        documents = [document] if document is not None else []
    else:
        documents = store.list(chosen.kind, chosen.namespace)
    return narrow(documents, chosen)


def narrow(documents: list[Document], chosen: Filter) -> list[Document]:
    """Those of the documents (all of the right namespace) that a filter picks."""
    if chosen.unrestricted:
        return documents
    return [document for document in documents if chosen.selects(document)]


def list_document(
    kind: Kind, items: list[Document], resource_version: int, **metadata: object
) -> Document:
    """A list as the API answers it."""
    return {
        "kind": f"{kind.kind}List",
        "apiVersion": kind.api_version,
        "metadata": {"resourceVersion": str(resource_version), **metadata},
        "items": items,
    }
