"""Typed walks over documents: which fields they set, where they differ, how they merge.

What a list or a map means comes from the schema (x-kubernetes-list-type, -map-type): *atomic*
values have one owner as a whole; *struct*, *map*, *keyed* and *set* values have an owner for
each part. A kind without a schema is taken as it looks: objects are maps, lists are atomic.
(sigs.k8s.io/structured-merge-diff/typed.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, TypeAlias

from minik8s.admission import PatchMeta, Schema
from minik8s.admission.schema import Shape
from minik8s.apiserver import fieldset
from minik8s.apiserver.fieldset import Node

Form: TypeAlias = Literal["scalar", "atomic", "struct", "map", "keyed", "set"]

ATOMIC_TYPES = frozenset(
    {
        "autoscaling.v1.CrossVersionObjectReference",
        "core.v1.ConfigMapKeySelector",
        "core.v1.EndpointAddress",
        "core.v1.EndpointPort",
        "core.v1.EvictionResponder",
        "core.v1.FileKeySelector",
        "core.v1.LocalObjectReference",
        "core.v1.NodeSelector",
        "core.v1.NodeSelectorTerm",
        "core.v1.ObjectFieldSelector",
        "core.v1.ObjectReference",
        "core.v1.ResourceFieldSelector",
        "core.v1.ScopeSelector",
        "core.v1.SecretKeySelector",
        "core.v1.SecretReference",
        "core.v1.TopologySelectorTerm",
        "core.v1.TypedLocalObjectReference",
        "discovery.v1.EndpointPort",
        "meta.v1.LabelSelector",
        "meta.v1.OwnerReference",
        "networking.v1.ServiceBackendPort",
        "rbac.v1.RoleRef",
        "rbac.v1.Subject",
    }
)
"""Object types that the API declares `+structType=atomic`."""

_KEY_DEFAULTS = {"protocol": "TCP"}
"""What a list key means that is left out; the only defaulted one there is."""

_PLAIN = PatchMeta()
_SHAPES = {Shape.OBJECT, Shape.MAP, Shape.LIST}
_JSON_TYPES: dict[Form | None, type] = {"struct": dict, "map": dict, "keyed": list, "set": list}


class TypedError(ValueError):
    """A document that does not fit its schema; the text names the field."""


class Type:
    """A type with what its parent's field says of it; `meta` tells how lists are keyed."""

    __slots__ = ("_below", "_form", "_item", "_json", "meta", "schema")

    def __init__(self, schema: Schema | None, meta: PatchMeta = _PLAIN) -> None:
        self.schema = schema
        self.meta = meta
        self._form = _form_of(schema, meta)
        self._json = _JSON_TYPES.get(self._form, object)
        self._below: dict[str, Type] = {}
        self._item: Type | None = None

    def form(self, present: Any) -> Form:
        """How values of the type are owned; one of another type than it should be, as a whole."""
        form = self._form
        if form is None:
            return "map" if isinstance(present, dict) else "atomic"
        return form if isinstance(present, self._json) else "atomic"

    def misfits(self, present: Any) -> bool:
        """Whether a value is no map or list where its parts would have owners of their own."""
        return not isinstance(present, self._json)

    @property
    def expected(self) -> str:
        """What a message calls the JSON type of the values."""
        return "list" if self._form in ("keyed", "set") else "map"

    def below(self, name: str) -> Type:
        """The type of a field or of a map's value."""
        found = self._below.get(name)
        if found is not None:
            return found
        schema = self.schema
        if schema is None or schema.shape is Shape.ANY:
            return _UNTYPED
        if schema.shape is Shape.MAP:
            return self.item()
        field = schema.fields.get(name)
        if field is None:
            return _UNTYPED
        found = self._below[name] = Type(field, schema.meta(name))
        return found

    def knows(self, name: str) -> bool:
        """Whether a field is declared."""
        schema = self.schema
        return schema is None or schema.shape is Shape.MAP or name in schema.fields

    def item(self) -> Type:
        """The type of the entries of a list, or of the values of a map."""
        if self.schema is None:
            return _UNTYPED
        if self._item is None:
            self._item = Type(self.schema.item)
        return self._item


def _form_of(schema: Schema | None, meta: PatchMeta) -> Form | None:
    """How values are owned, as far as the schema tells."""
    if schema is None or schema.shape is Shape.ANY:
        return None
    if schema.shape not in _SHAPES:
        return "scalar"
    if meta.structure == "atomic" or schema.name in ATOMIC_TYPES:
        return "atomic"
    if schema.shape is Shape.OBJECT:
        return "struct"
    if schema.shape is Shape.MAP:
        return "map"
    return _LISTS.get(meta.structure, "atomic")


_LISTS: dict[str, Form] = {"map": "keyed", "set": "set"}
_UNTYPED = Type(None)


@lru_cache(maxsize=512)
def type_of(schema: Schema | None) -> Type:
    """The type of a kind's objects; as schemas do, it lives as long as the process."""
    return Type(schema)


def parts(present: Any, kind: Type, form: Form, path: str = "") -> dict[str, tuple[Any, Type]]:
    """The parts of a value that have owners of their own, by path element."""
    if form in ("struct", "map"):
        named = present if isinstance(present, Mapping) else {}
        return {fieldset.field(name): (v, kind.below(name)) for name, v in named.items()}
    entries = present if isinstance(present, list) else []
    if form == "set":
        return {fieldset.value(entry): (entry, kind.item()) for entry in entries}
    return {_key_of(entry, kind, path): (entry, kind.item()) for entry in entries}


def _key_of(entry: Any, kind: Type, path: str) -> str:
    values = {}
    for name in kind.meta.keys:
        found = entry.get(name) if isinstance(entry, Mapping) else None
        found = _KEY_DEFAULTS.get(name) if found is None else found
        if found is None:
            raise TypedError(
                f"{path}: associative list with keys has an element that omits key field "
                f'"{name}" (and doesn\'t have default value)'
            )
        values[name] = found
    return fieldset.key(values)


def fields_of(present: Any, kind: Type, path: str = "") -> Node | None:
    """The fields that an applied document sets; raises TypedError for one that is not declared."""
    if present is not None and kind.misfits(present):
        raise TypedError(f"{path}: expected {kind.expected}, got {present!r}")
    form = kind.form(present)
    if present is None or form in ("scalar", "atomic"):
        return fieldset.LEAF
    if form == "struct":
        _check_declared(present, kind, path)
    below: Node = {}
    for element, (part, part_type) in parts(present, kind, form, path).items():
        node = fields_of(part, part_type, path + fieldset.shown(element))
        if node is None:
            continue
        below[element] = node if form == "struct" else fieldset.marked(node)
    if not below:
        return None if form in ("keyed", "set") else {}
    return below


def _check_declared(present: Any, kind: Type, path: str) -> None:
    for name in present:
        if not kind.knows(name):
            raise TypedError(f"{path}.{name}: field not declared in schema")


def all_fields(present: Any, kind: Type) -> Node:
    """The fields that come with a value: those of its parts, and the maps and lists around."""
    form = kind.form(present)
    if present is None or form == "scalar" or form == "atomic":
        return fieldset.LEAF
    if form == "keyed" or form == "set":
        below = {
            element: fieldset.marked(all_fields(part, part_type))
            for element, (part, part_type) in parts(present, kind, form).items()
        }
    elif isinstance(present, dict):
        below = {fieldset.field(k): all_fields(v, kind.below(k)) for k, v in present.items()}
    else:
        below = {}
    return below if form == "struct" else fieldset.marked(below)


def parts_of(document: Any, kind: Type) -> Node:
    """The fields that come with a whole document, which is none itself."""
    return dict(fieldset.children(all_fields(document, kind)))


@dataclass(slots=True)
class Comparison:
    """Where two states of a document differ."""

    added: Node
    modified: Node
    removed: Node

    @property
    def changed(self) -> Node:
        """The fields with another value, or a first one."""
        return fieldset.union(self.added, self.modified)

    @property
    def empty(self) -> bool:
        """Whether there is no difference."""
        return not (self.added or self.modified or self.removed)


def compare(old: Any, new: Any, kind: Type) -> Comparison:
    """The difference between two states of a composed value."""
    result = Comparison({}, {}, {})
    form = kind.form(new)
    before, after = parts(old, kind, form), parts(new, kind, form)
    for element, (value, value_type) in after.items():
        if element not in before:
            node = all_fields(value, value_type)
            result.added[element] = fieldset.marked(node) if form in ("keyed", "set") else node
        else:
            _compare_part(result, element, before[element][0], value, value_type)
    for element, (value, value_type) in before.items():
        if element not in after:
            result.removed[element] = fieldset.marked(all_fields(value, value_type))
    return result


def _compare_part(result: Comparison, element: str, old: Any, new: Any, kind: Type) -> None:
    if old is new or old == new:
        return
    form = kind.form(new)
    if form in ("scalar", "atomic") or kind.form(old) != form:
        result.modified[element] = {}
        return
    inside = compare(old, new, kind)
    for target, node in (
        (result.added, inside.added),
        (result.modified, inside.modified),
        (result.removed, inside.removed),
    ):
        if node:
            target[element] = node


def merge(live: Any, config: Any, kind: Type) -> Any:
    """The live value with an applied one merged into it; a null of the latter says nothing."""
    if config is None:
        return live
    form = kind.form(config)
    if live is None or form in ("scalar", "atomic") or kind.form(live) != form:
        return config
    if form in ("struct", "map"):
        merged = dict(live)
        for name, value in config.items():
            merged[name] = merge(live.get(name), value, kind.below(name))
        return merged
    return _merge_lists(parts(live, kind, form), parts(config, kind, form))


def _merge_lists(
    live: dict[str, tuple[Any, Type]], config: dict[str, tuple[Any, Type]]
) -> list[Any]:
    """Entries of both lists: those of the applied one in its order, the others where they were."""
    merged: list[Any] = []
    wanted = list(config)
    shared = [element for element in wanted if element in live]
    for element, (value, _) in live.items():
        if element not in config:
            merged.append(value)
        elif shared and element == shared[0]:
            shared.pop(0)
            while wanted:
                next_element = wanted.pop(0)
                merged.append(_merged_entry(live, config, next_element))
                if next_element == element:
                    break
    merged += [_merged_entry(live, config, element) for element in wanted]
    return merged


def _merged_entry(
    live: dict[str, tuple[Any, Type]], config: dict[str, tuple[Any, Type]], element: str
) -> Any:
    value, kind = config[element]
    return merge(live[element][0], value, kind) if element in live else value


def prune(present: Any, last: Node, managed: Node, kind: Type) -> Any:
    """The value without what was applied last time and is nobody's now."""
    form = kind.form(present)
    if form in ("scalar", "atomic") or not last:
        return present
    gone, kept = set(), {}
    for element, (value, value_type) in parts(present, kind, form).items():
        before = last.get(element)
        if before is None:
            continue
        now = managed.get(element)
        if now is not None:
            kept[element] = prune(value, before, now, value_type)
        elif fieldset.is_member(before) or form == "struct":
            gone.add(element)
    if form in ("struct", "map"):
        return {
            name: kept.get(fieldset.field(name), value)
            for name, value in present.items()
            if fieldset.field(name) not in gone
        }
    elements = parts(present, kind, form)
    return [kept.get(e, value) for e, (value, _) in elements.items() if e not in gone]
