"""Strategic merge patch: a merge patch that knows how the API's lists are keyed.

Vocabulary (k8s.io/apimachinery/pkg/util/strategicpatch): a list with the patch strategy
*merge* is merged entry by entry; entries that are objects are matched by the list's *merge
key*. *Directives* are keys that begin with `$`:

    $patch: replace | delete          on an object, or as an entry of a list
    $retainKeys: [...]                the keys of an object that stay
    $setElementOrder/LIST: [...]      the order that a merged list is to have
    $deleteFromPrimitiveList/LIST     values to take out of a list of scalars

Nothing is changed in place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from minik8s.admission import PatchMeta, Schema
from minik8s.apiserver.jsonpatch import PatchError
from minik8s.model.metadata import Document

PATCH = "$patch"
RETAIN_KEYS = "$retainKeys"
ORDER_PREFIX = "$setElementOrder/"
DELETE_PREFIX = "$deleteFromPrimitiveList/"

NO_META = PatchMeta()


def strategic_merge(original: Document, patch: Document, schema: Schema | None) -> Document:
    """The object with a patch applied; raises PatchError for a patch that makes no sense.

    >>> strategic_merge({"a": 1, "b": 2}, {"b": None}, None)
    {'a': 1}
    """
    directive = patch.get(PATCH)
    if directive is not None:
        return _directed(directive, patch)
    merged = _retained(original, patch)
    handled = _merge_ordered(merged, patch, schema)
    for key, value in patch.items():
        if key == RETAIN_KEYS or key.startswith(ORDER_PREFIX) or key in handled:
            continue
        if key.startswith(DELETE_PREFIX):
            _delete_from_scalars(merged, key[len(DELETE_PREFIX) :], value)
        elif value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merge_value(merged.get(key), value, schema, key)
    return merged


def _directed(directive: Any, patch: Document) -> Document:
    if directive == "replace":
        return {key: value for key, value in patch.items() if key != PATCH}
    if directive == "delete":
        return {}
    raise PatchError(f"unknown patch type: {go_text(directive)} in map: {go_text(patch)}")


def _retained(original: Document, patch: Document) -> Document:
    """The original with only the keys that `$retainKeys` names, if it is there."""
    if RETAIN_KEYS not in patch:
        return dict(original)
    retained = patch[RETAIN_KEYS]
    if not isinstance(retained, list):
        raise PatchError("invalid patch format of retainKeys")
    for key, value in patch.items():
        if not key.startswith("$") and value is not None and key not in retained:
            raise PatchError("invalid patch format of retainKeys")
    return {key: value for key, value in original.items() if key in retained}


def _merge_value(original: Any, value: Any, schema: Schema | None, key: str) -> Any:
    field, meta = _field(schema, key)
    if isinstance(original, dict) and isinstance(value, dict):
        if "replace" in meta.strategies:
            return value
        return strategic_merge(original, value, field)
    if isinstance(original, list) and isinstance(value, list):
        if not meta.merges:
            return value
        return _merge_lists(original, value, meta.key, _item(field))
    return without_directives(value)


def _field(schema: Schema | None, key: str) -> tuple[Schema | None, PatchMeta]:
    if schema is None:
        return None, NO_META
    step = schema.at([key])
    return step, schema.meta(key) if schema.name else NO_META


def _item(schema: Schema | None) -> Schema | None:
    return schema.at([0]) if schema is not None else None


def without_directives(value: Any) -> Any:
    """A value that has nothing to merge with: directives and nulls of a patch mean nothing."""
    if isinstance(value, dict):
        if value.get(PATCH) == "delete":
            return {}
        return {
            key: without_directives(item)
            for key, item in value.items()
            if item is not None and not key.startswith("$")
        }
    if isinstance(value, list):
        return [
            without_directives(item)
            for item in value
            if not (isinstance(item, dict) and PATCH in item)
        ]
    return value


# -- lists


def _merge_lists(
    original: Sequence[Any], patch: Sequence[Any], key: str, schema: Schema | None
) -> list[Any]:
    """A merged list: entries of the patch in its order, the others where they stood."""
    if not original and not patch:
        return list(original)
    if not _are_objects(original, patch):
        merged = list(dict.fromkeys([*original, *patch]))
        return _ordered(merged, patch, original, _identity(""))
    if not key:
        raise PatchError("cannot merge lists without merge key")
    kept, plain = _special_entries(original, patch, key)
    merged = list(kept)
    for entry in plain:
        if key not in entry:
            raise PatchError(_no_key(entry, key))
        place = next((i for i, old in enumerate(merged) if old.get(key) == entry[key]), None)
        if place is None:
            merged.append(without_directives(entry))
        else:
            merged[place] = strategic_merge(merged[place], entry, schema)
    return _ordered(merged, plain, kept, _identity(key))


def _are_objects(*lists: Sequence[Any]) -> bool:
    """Whether lists hold objects; raises PatchError for lists that hold this and that."""
    kinds = {isinstance(entry, dict) for entries in lists for entry in entries}
    if len(kinds) > 1 or any(isinstance(e, list) for entries in lists for e in entries):
        raise PatchError("list element types are not identical")
    return True in kinds


def _special_entries(
    original: Sequence[Document], patch: Sequence[Document], key: str
) -> tuple[list[Document], list[Document]]:
    """The original after entries with `$patch` have done their work, and the plain entries."""
    kept, plain, replace = list(original), [], False
    for entry in patch:
        directive = entry.get(PATCH)
        if directive is None:
            plain.append(entry)
        elif directive == "replace":
            replace = True
        elif directive == "delete":
            if key not in entry:
                raise PatchError(_no_key(entry, key))
            kept = [old for old in kept if old.get(key) != entry[key]]
        else:
            raise PatchError(f"unknown patch type: {go_text(directive)} in map: {go_text(entry)}")
    return ([], plain) if replace else (kept, plain)


def _no_key(entry: Document, key: str) -> str:
    return f"map: {go_text(entry)} does not contain declared merge key: {key}"


def _merge_ordered(merged: Document, patch: Document, schema: Schema | None) -> set[str]:
    """Merge the lists that `$setElementOrder` orders; gives the fields that are done."""
    done = set()
    for directive, order in patch.items():
        if not directive.startswith(ORDER_PREFIX):
            continue
        name = directive[len(ORDER_PREFIX) :]
        original, entries = merged.get(name), patch.get(name)
        if not isinstance(order, list):
            raise PatchError(f"{directive} is not a list")
        if isinstance(entries, list) or (entries is None and isinstance(original, list)):
            done.add(name)
            field, meta = _field(schema, name)
            identity = _identity(meta.key)
            _check_order(entries or [], order, identity)
            old = original if isinstance(original, list) else []
            if entries and meta.merges:
                lists = _merge_lists(old, entries, meta.key, _item(field))
            else:
                lists = without_directives(entries) if entries else list(old)
            merged[name] = _ordered(lists, order, old, identity)
    return done


def _identity(key: str) -> Callable[[Any], Any]:
    """What makes entries the same: the value at their key, or without a key all of them."""
    if not key:
        return _hashable
    return lambda entry: _hashable(entry.get(key)) if isinstance(entry, dict) else None


def _hashable(value: Any) -> Any:
    """A value that can be looked up; only a malformed patch has maps or lists here."""
    return go_text(value) if isinstance(value, (dict, list)) else value


def _check_order(
    entries: Sequence[Any], order: Sequence[Any], identity: Callable[[Any], Any]
) -> None:
    """Raise PatchError unless the patch's entries come in the order that it asks for."""
    wanted = [identity(entry) for entry in order]
    given = [identity(e) for e in entries if not (isinstance(e, dict) and PATCH in e)]
    if not given:
        return
    places = [wanted.index(each) if each in wanted else -1 for each in given]
    if -1 in places or places != sorted(places):
        raise PatchError(
            f"The order in patch list:\n{go_text(list(entries))}\n doesn't match "
            f"$setElementOrder list:\n{go_text(list(order))}\n"
        )


def _ordered(
    merged: Sequence[Any],
    order: Sequence[Any],
    before: Sequence[Any],
    identity: Callable[[Any], Any],
) -> list[Any]:
    """The merged entries: those in `order` as it says, the others as they stood `before`."""
    wanted = {identity(entry): place for place, entry in reversed(list(enumerate(order)))}
    stood = {identity(entry): place for place, entry in reversed(list(enumerate(before)))}
    ranked = sorted((e for e in merged if identity(e) in wanted), key=lambda e: wanted[identity(e)])
    others = [entry for entry in merged if identity(entry) not in wanted]
    others.sort(key=lambda e: stood.get(identity(e), len(stood)))
    result: list[Any] = []
    for entry in others:
        place = stood.get(identity(entry))
        while ranked and not _precedes(place, stood.get(identity(ranked[0]))):
            result.append(ranked.pop(0))
        result.append(entry)
    return result + ranked


def _precedes(place: int | None, other: int | None) -> bool:
    """Whether an entry stood before another; one that is new comes before the old ones."""
    return place is not None and other is not None and place < other


def _delete_from_scalars(merged: Document, name: str, values: Any) -> None:
    if not isinstance(values, list):
        raise PatchError(f"{DELETE_PREFIX}{name} is not a list")
    present = merged.get(name)
    if isinstance(present, list):
        merged[name] = [entry for entry in present if entry not in values]


def go_text(value: Any) -> str:
    """A JSON value as Go's `%+v` prints it.

    >>> go_text({"spec": {"bogus": 1, "a": [True, None]}})
    'map[spec:map[a:[true <nil>] bogus:1]]'
    """
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        inside = " ".join(f"{key}:{go_text(value[key])}" for key in sorted(value))
        return f"map[{inside}]"
    if isinstance(value, list):
        return f"[{' '.join(map(go_text, value))}]"
    return str(value)
