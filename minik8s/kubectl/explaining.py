"""What `kubectl explain` says of a field: read from a document of /openapi/v3.

A schema is *resolved* when its `$ref` has been followed. A description is that of the field
and of all types behind it; a list of fields goes through lists, maps and `allOf` alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from minik8s.kubectl.wordwrap import indent, wrap
from minik8s.model.registry import Kind

Schema: TypeAlias = Mapping[str, Any]

WIDTH = 76
_METHODS = ("get", "post", "put", "patch", "delete")
_SHOWN_VALUES = 4
_GVK = "x-kubernetes-group-version-kind"


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is printed, and the field that was not found (then nothing else is)."""

    head: str
    text: str
    missing: str = ""


class Explainer:
    """Explains the fields of one document; `depth` limits a recursive list (0: no limit)."""

    def __init__(
        self, document: Mapping[str, Any], *, recursive: bool = False, depth: int = 0
    ) -> None:
        self._document = document
        self._recursive = recursive
        self._depth = depth

    def explain(self, kind: Kind, path: Sequence[str]) -> Explanation | None:
        """A kind, or a field of it; None if the document does not have the kind."""
        gvk = self._gvk(kind)
        if gvk is None:
            return None
        group = f"GROUP:      {gvk['group']}\n" if gvk.get("group") else ""
        head = f"{group}KIND:       {gvk['kind']}\nVERSION:    {gvk['version']}\n\n"
        for _, schema in sorted(self._document["components"]["schemas"].items()):
            if gvk in schema.get(_GVK, ()):
                text = self._follow(schema, list(path), frozenset())
                return Explanation(head, text + "\n") if text else Explanation(head, "", path[-1])
        return None

    def _gvk(self, kind: Kind) -> Mapping[str, Any] | None:
        """What the operations on the kind's paths say they are about."""
        base = kind.path()
        spaced = kind.path("{namespace}") if kind.namespaced else base
        for place in (base, f"{base}/{{name}}", spaced, f"{spaced}/{{name}}"):
            operations = self._document["paths"].get(place) or {}
            for method in _METHODS:
                found = (operations.get(method) or {}).get(_GVK)
                if found:
                    gvk: Mapping[str, Any] = found
                    return gvk
        return None

    def _resolved(self, schema: Schema) -> Schema:
        reference = schema.get("$ref")
        if not isinstance(reference, str):
            return schema
        found: Any = self._document
        for name in reference.lstrip("#").split("/"):
            found = found.get(name) if name and isinstance(found, dict) else found
        return found if isinstance(found, dict) else schema

    # -- one field

    def _follow(self, schema: Schema, path: list[str], seen: frozenset[str]) -> str:
        """The text about the field that a path leads to; empty if it leads nowhere."""
        resolved = self._resolved(schema)
        if not path:
            return self._about(resolved)
        reference = schema.get("$ref", "")
        if reference and reference in seen:
            return ""
        seen = seen | {reference}
        field = (resolved.get("properties") or {}).get(path[0])
        if field:
            title = self._title(path[0], field) if len(path) == 1 else ""
            return title + self._follow(field, path[1:], frozenset())
        for inner in (resolved.get("items"), resolved.get("additionalProperties")):
            if isinstance(inner, dict) and inner:
                return self._follow(inner, path, seen)
        for choice in resolved.get("allOf") or ():
            if text := self._follow(choice, path, seen):
                return text
        return ""

    def _title(self, name: str, field: Schema) -> str:
        values = field.get("enum") or []
        shown = "ENUM:" + "".join(f"\n    {_value(each)}" for each in values) if values else ""
        return f"FIELD: {name} <{self._type(field)}>\n{shown}\n\n"

    def _about(self, schema: Schema) -> str:
        description = "".join(f"{text}\n" for text in self._descriptions(schema)) or "<empty>"
        text = f"DESCRIPTION:\n{indent(wrap(description, WIDTH), 4)}\n"
        fields = "".join(self._fields(schema, 1, frozenset()))
        return text + (f"FIELDS:\n{fields}" if fields else "")

    def _descriptions(self, schema: Schema) -> Iterator[str]:
        resolved = self._resolved(schema)
        if resolved.get("description"):
            yield resolved["description"]
        for inner in _inside(resolved):
            yield from self._descriptions(inner)

    # -- lists of fields

    def _fields(self, schema: Schema, level: int, seen: frozenset[str]) -> Iterator[str]:
        reference = schema.get("$ref", "")
        if reference and reference in seen:
            return
        seen = seen | {reference}
        resolved = self._resolved(schema)
        for name, field in sorted((resolved.get("properties") or {}).items()):
            yield self._line(name, field, name in (resolved.get("required") or ()), level)
            if self._recursive and (not self._depth or level < self._depth):
                yield from self._fields(field, level + 1, seen)
        for inner in _inside(resolved):
            yield from self._fields(inner, level, seen)

    def _line(self, name: str, field: Schema, required: bool, level: int) -> str:
        margin = level * 2
        text = f"{indent(name, margin)}\t<{self._type(field)}>"
        text += (" -required-" if required else "") + _values(field, margin) + "\n"
        if self._recursive:
            return text
        description = wrap(field.get("description") or "<no description>", WIDTH + 2 - margin)
        return f"{text}{indent(description, margin + 2)}\n\n"

    def _type(self, schema: Schema) -> str:
        if schema.get("items"):
            return f"[]{self._type(schema['items'])}"
        if isinstance(more := schema.get("additionalProperties"), dict) and more:
            return f"map[string]{self._type(more)}"
        choices = list(schema.get("allOf") or ())
        if len(choices) == 1 and not schema.get("properties"):
            return self._type(choices[0])
        if "$ref" not in schema:
            kind = str(schema.get("type") or "Object")
            return "Object" if kind == "object" else kind
        target = self._resolved(schema)
        kind = str(target.get("type") or "object") if target is not schema else "object"
        return schema["$ref"].rpartition("/")[2].rpartition(".")[2] if kind == "object" else kind


def _inside(schema: Schema) -> Iterator[Schema]:
    """The types behind a type: alternatives, entries, values."""
    yield from schema.get("allOf") or ()
    for inner in (schema.get("items"), schema.get("additionalProperties")):
        if isinstance(inner, dict) and inner:
            yield inner


def _values(field: Schema, margin: int) -> str:
    values = [_value(each) for each in field.get("enum") or ()]
    if not values:
        return ""
    shown = values[:_SHOWN_VALUES] + (["...."] if len(values) > _SHOWN_VALUES else [])
    return f"\n{' ' * margin}enum: {', '.join(shown)}"


def _value(each: Any) -> str:
    return '""' if each == "" else str(each)
