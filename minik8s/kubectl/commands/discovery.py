"""`kubectl api-resources` and `kubectl api-versions`: what the server serves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from minik8s.kubectl.call import Call
from minik8s.kubectl.failures import Failure
from minik8s.kubectl.output import NoPrinter, object_printer
from minik8s.kubectl.structs import Typed
from minik8s.kubectl.tabwriter import table_writer
from minik8s.model.metadata import Document
from minik8s.model.registry import Kind

_COLUMNS = ("NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND")
_WIDE = ("VERBS", "CATEGORIES")
_ORDERS: Mapping[str, Callable[[Kind], tuple[Any, ...]]] = {
    "": lambda kind: (kind.group, kind.plural),
    "name": lambda kind: (kind.plural,),
    "kind": lambda kind: (kind.kind,),
}


def versions(call: Call) -> None:
    """List the API versions, one a line."""
    _no_arguments(call)
    call.out("".join(f"{name}\n" for name in sorted({k.api_version for k in _kinds(call)})))


def resources(call: Call) -> None:
    """List the kinds: their names, short names, versions and scopes."""
    _no_arguments(call)
    order = call.flags.text("sort-by")
    if order not in _ORDERS:
        raise Failure("--sort-by accepts only name or kind")
    output = call.flags.text("output")
    if output not in ("", "wide", "name", "json", "yaml", "kyaml"):
        raise NoPrinter(output, ("json", "kyaml", "name", "wide", "yaml"))
    kinds = sorted(filter(lambda kind: _wanted(call, kind), _preferred(call)), key=_ORDERS[order])
    if output == "name":
        call.out("".join(f"{kind.resource}\n" for kind in kinds))
    elif output in ("", "wide"):
        _table(call, kinds, wide=output == "wide")
    else:
        object_printer(call)(_document(kinds))


def _kinds(call: Call) -> list[Kind]:
    return call.client.kinds(refresh=True)


def _preferred(call: Call) -> list[Kind]:
    """Each resource once, in the version that its group prefers."""
    found: dict[str, Kind] = {}
    for kind in _kinds(call):
        found.setdefault(kind.resource, kind)
    return list(found.values())


def _wanted(call: Call, kind: Kind) -> bool:
    """Whether the flags ask for a kind; `api-group` matches the whole name."""
    flags = call.flags
    return (
        (not flags.given("api-group") or kind.group == flags.text("api-group"))
        and (not flags.given("namespaced") or kind.namespaced == flags.on("namespaced"))
        and set(flags.items("verbs")) <= set(kind.verbs)
        and set(flags.items("categories")) <= set(kind.categories)
    )


def _table(call: Call, kinds: list[Kind], *, wide: bool) -> None:
    out = table_writer(call.out)
    if not call.flags.on("no-headers"):
        out.write("\t".join(_COLUMNS + (_WIDE if wide else ())) + "\n")
    for kind in kinds:
        cells = [
            kind.plural,
            ",".join(kind.short_names),
            kind.api_version,
            str(kind.namespaced).lower(),
            kind.kind,
        ]
        if wide:
            cells += [",".join(kind.verbs), ",".join(kind.categories)]
        out.write("\t".join(cells) + "\n")
    out.flush()


def _document(kinds: list[Kind]) -> Document:
    """What `-o json` shows: one metav1.APIResourceList of everything."""
    return Typed(
        kind="APIResourceList",
        apiVersion="v1",
        groupVersion="",
        resources=[_resource(kind) for kind in kinds],
    )


def _resource(kind: Kind) -> Document:
    fields: Document = {
        "name": kind.plural,
        "singularName": kind.singular,
        "namespaced": kind.namespaced,
        "group": kind.group,
        "version": kind.version,
        "kind": kind.kind,
        "verbs": list(kind.verbs),
        "shortNames": list(kind.short_names),
        "categories": list(kind.categories),
    }
    return {key: value for key, value in fields.items() if value not in ("", [])}


def _no_arguments(call: Call) -> None:
    if call.arguments:
        raise call.usage(f"unexpected arguments: [{' '.join(call.arguments)}]")
