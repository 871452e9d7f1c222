"""Field selectors: `--field-selector` and the `fieldSelector` of a query.

Only some fields of each kind can be asked for (`pkg/apis/core/v1/conversion.go`); every kind
knows `metadata.name` and, if namespaced, `metadata.namespace`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from minik8s.model.formats import SelectorError
from minik8s.model.registry import Kind

_OBJECT = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
"""The fields of the object that an event is about."""

_SUPPORTED: dict[str, tuple[str, ...]] = {
    "Event": (
        *(f"involvedObject.{each}" for each in _OBJECT),
        "reason",
        "reportingComponent",
        "source",
        "type",
        "metadata.namespace",
        "metadata.name",
    ),
    "Event.events.k8s.io": ("reason", "type", "metadata.namespace", "metadata.name"),
    "Job": ("metadata.name", "metadata.namespace", "status.successful"),
    "Namespace": ("status.phase", "metadata.name"),
    "Node": ("metadata.name", "spec.unschedulable"),
    "Pod": (
        "metadata.name",
        "metadata.namespace",
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.podIPs",
        "status.nominatedNodeName",
    ),
    "ReplicationController": ("metadata.name", "metadata.namespace", "status.replicas"),
    "Secret": ("type", "metadata.namespace", "metadata.name"),
    "Service": ("metadata.namespace", "metadata.name", "spec.clusterIP", "spec.type"),
}
_ALIASES = {
    "pods": {"spec.host": "spec.nodeName"},
    "events.events.k8s.io": {
        "reportingController": "reportingComponent",
        **{f"regarding.{each}": f"involvedObject.{each}" for each in _OBJECT},
    },
}
"""Fields that can be asked for under another name than that under which they are kept."""
_DEFAULTS = {"spec.hostNetwork": "false", "spec.unschedulable": "false"}
_OPERATORS = ("!=", "==", "=")


@dataclass(frozen=True, slots=True)
class FieldTerm:
    """One comparison of a field with a text."""

    path: str
    value: str
    negated: bool

    def matches(self, document: Mapping[str, Any]) -> bool:
        """Whether the document's field is (or, negated, is not) the value; absent means ''."""
        return (_field(document, self.path) == self.value) is not self.negated

    def __str__(self) -> str:
        return f"{self.path}{'!=' if self.negated else '='}{_escape(self.value)}"


@dataclass(frozen=True, slots=True)
class FieldSelector:
    """Terms that must all hold; without any, everything is selected."""

    terms: tuple[FieldTerm, ...] = ()

    def matches(self, document: Mapping[str, Any]) -> bool:
        """Whether a document meets every term."""
        return all(term.matches(document) for term in self.terms)

    @property
    def empty(self) -> bool:
        """Whether it selects everything."""
        return not self.terms

    def exact(self, path: str) -> str | None:
        """The value that one field must have, if the selector pins it."""
        for term in self.terms:
            if term.path == path and not term.negated:
                return term.value
        return None

    def __str__(self) -> str:
        return ",".join(map(str, self.terms))


def parse_field_selector(text: str, kind: Kind | None = None) -> FieldSelector:
    """The field selector that a query's text means; raises SelectorError.

    With a kind, a field that the API cannot select by is an error too.
    """
    parts = [part for part in sorted(_split(text)) if part]
    return FieldSelector(tuple(_term(text, part, kind) for part in parts))


def _split(text: str) -> list[str]:
    """The parts between commas that no backslash escapes."""
    parts, start, position = [], 0, 0
    while position < len(text):
        if text[position] == "\\":
            position += 1
        elif text[position] == ",":
            parts.append(text[start:position])
            start = position + 1
        position += 1
    return [*parts, text[start:]]


def _term(text: str, part: str, kind: Kind | None) -> FieldTerm:
    for position in range(len(part)):
        for operator in _OPERATORS:
            if part.startswith(operator, position):
                path = _supported(part[:position], kind)
                value = _unescape(part[position + len(operator) :])
                return FieldTerm(path, value, operator == "!=")
    raise SelectorError(f"invalid selector: '{text}'; can't understand '{part}'")


def _supported(path: str, kind: Kind | None) -> str:
    if kind is None:
        return path
    if path in (aliases := _ALIASES.get(kind.resource, {})):
        return aliases[path]
    known = _SUPPORTED.get(f"{kind.kind}.{kind.group}") or _SUPPORTED.get(kind.kind)
    if known is None and path not in ("metadata.name", "metadata.namespace"):
        raise SelectorError(
            f'"{path}" is not a known field selector: only "metadata.name", "metadata.namespace"'
        )
    if known is not None and path not in known:
        raise SelectorError(f"field label not supported: {path}")
    return path


def _unescape(value: str) -> str:
    """The value without its backslashes, which may stand before \\ , and = only."""
    plain, position = [], 0
    while position < len(value):
        char = value[position]
        if char == "\\":
            position += 1
            escaped = value[position : position + 1]
            if escaped not in ("\\", ",", "="):
                raise SelectorError(f"invalid field selector: invalid escape sequence: \\{escaped}")
            char = escaped
        elif char in ",=":
            raise SelectorError(f"invalid field selector: unescaped character in value: {char}")
        plain.append(char)
        position += 1
    return "".join(plain)


def _escape(value: str) -> str:
    return "".join(f"\\{char}" if char in "\\,=" else char for char in value)


def _field(document: Mapping[str, Any], path: str) -> str:
    if path == "source":
        source = document.get("source") or {}
        return str(source.get("component") or document.get("reportingComponent", ""))
    if path == "status.podIPs":
        ips = (document.get("status") or {}).get("podIPs") or ()
        return ",".join(entry.get("ip", "") for entry in ips)
    value: Any = document
    for step in path.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    if value is None:
        return _DEFAULTS.get(path, "")
    return str(value).lower() if isinstance(value, bool) else str(value)
