"""`kubectl api-resources` and `kubectl api-versions`."""

from __future__ import annotations

from minik8s.kubectl.call import Call
from minik8s.kubectl.failures import Failure
from minik8s.kubectl.output import object_printer
from minik8s.kubectl.structs import typed
from minik8s.kubectl.tabwriter import table_writer
from minik8s.model.metadata import Document
from minik8s.model.registry import Kind

_SORTS = ("", "name", "kind")
_TABLES = ("", "wide")


def resources(call: Call) -> None:
    """List the kinds that the server serves."""
    flags = call.flags
    if call.arguments:
        raise call.usage(f"unexpected arguments: [{' '.join(call.arguments)}]")
    output, order = flags.text("output"), flags.text("sort-by")
    if order not in _SORTS:
        raise Failure("--sort-by accepts only name or kind")
    printer = None if output in (*_TABLES, "name") else object_printer(call)
    kinds = [kind for kind in call.client.kinds(refresh=True) if _is_wanted(call, kind)]
    kinds.sort(key=lambda kind: (_key(kind, order), kind.plural))
    if printer is not None:
        printer(typed(_document(kinds)))
        return
    out = table_writer(call.out)
    wide = output == "wide"
    if output in _TABLES and not flags.on("no-headers"):
        headers = ["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND"]
        out.write("\t".join(headers + (["VERBS", "CATEGORIES"] if wide else [])) + "\n")
    for kind in kinds:
        out.write(f"{kind.resource}\n" if output == "name" else _row(kind, wide=wide))
    out.flush()


def _is_wanted(call: Call, kind: Kind) -> bool:
    flags = call.flags
    return not (
        (flags.given("api-group") and flags.text("api-group") != kind.group)
        or (flags.given("namespaced") and flags.on("namespaced") != kind.namespaced)
        or not set(flags.items("verbs")) <= set(kind.verbs)
        or not set(flags.items("categories")) <= set(kind.categories)
    )


def _key(kind: Kind, order: str) -> str:
    return {"name": kind.plural, "kind": kind.kind}.get(order, kind.group)


def _row(kind: Kind, *, wide: bool) -> str:
    cells = [
        kind.plural,
        ",".join(kind.short_names),
        kind.api_version,
        "true" if kind.namespaced else "false",
        kind.kind,
    ]
    if wide:
        cells += [",".join(kind.verbs), ",".join(kind.categories)]
    return "\t".join(cells) + "\n"


def _document(kinds: list[Kind]) -> Document:
    """The kinds as an APIResourceList."""
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": "",
        "resources": [_entry(kind) for kind in kinds],
    }


def _entry(kind: Kind) -> Document:
    entry: Document = {
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
    optional = ("group", "shortNames", "categories")
    return {key: value for key, value in entry.items() if value or key not in optional}


def versions(call: Call) -> None:
    """List the versions of API groups that the server serves."""
    if call.arguments:
        raise call.usage(f"unexpected arguments: [{' '.join(call.arguments)}]")
    legacy = call.client.request("GET", "/api").body
    groups = call.client.request("GET", "/apis").body
    assert isinstance(legacy, dict)
    assert isinstance(groups, dict)
    found = list(legacy.get("versions") or ())
    for group in groups.get("groups") or ():
        found += [version["groupVersion"] for version in group.get("versions") or ()]
    call.out("".join(f"{version}\n" for version in sorted(found)))
