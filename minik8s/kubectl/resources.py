"""Which kind a person means by `po`, `deployments.apps` or `Pods`; and what `all` stands for."""

from __future__ import annotations

from collections.abc import Iterable

from minik8s.client import Client
from minik8s.kubectl.failures import NoSuchResource
from minik8s.model.registry import Kind


def kind_named(client: Client, typed: str) -> Kind:
    """The kind of a typed name, after a second look at the server; raises NoSuchResource."""
    kind = _find(client.kinds(), typed) or _find(client.kinds(refresh=True), typed)
    if kind is not None:
        return kind
    resource, _, group = typed.partition(".")
    raise NoSuchResource(resource, group)


def _find(kinds: Iterable[Kind], typed: str) -> Kind | None:
    known = list(kinds)
    parts = typed.split(".", 2)
    if len(parts) == 3:
        name, version, group = parts
        for kind in known:
            if kind.group == group and kind.version == version and _is_named(kind, name):
                return kind
    name, _, group = typed.partition(".")
    named = [kind for kind in known if _is_named(kind, name)]
    if not named:
        named = [kind for kind in known if kind.kind == name]
    if not group:
        return named[0] if named else None
    exact = [kind for kind in named if kind.group == group]
    close = [kind for kind in named if kind.group.startswith(group)]
    return next(iter(exact + close), None)


def _is_named(kind: Kind, name: str) -> bool:
    return name.lower() in (kind.plural, kind.singular) or name in kind.short_names


def expand_categories(client: Client, typed: str) -> str:
    """Comma-separated names, with a category such as `all` replaced by its resources."""
    names: list[str] = []
    for name in typed.split(","):
        members = [kind.resource for kind in client.kinds() if name in kind.categories]
        names += members or [name]
    return ",".join(names)


def kind_of_manifest(client: Client, api_version: str, name: str) -> Kind | None:
    """The kind that a manifest names, after a second look at the server."""
    for refresh in (False, True):
        for kind in client.kinds(refresh=refresh):
            if kind.api_version == api_version and kind.kind == name:
                return kind
    return None
