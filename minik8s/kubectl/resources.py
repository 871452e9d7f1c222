"""Which kind a person means by `po`, `deployments.apps` or `Pods`; and what `all` stands for."""

from __future__ import annotations

from minik8s.client import Client
from minik8s.kubectl.failures import NoSuchResource
from minik8s.model.registry import Kind


def kind_named(client: Client, typed: str) -> Kind:
    """The kind of a typed name, after a second look at the server; raises NoSuchResource."""
    kind = _find(client, typed) or _find(client, typed, refresh=True)
    if kind is not None:
        return kind
    resource, _, group = typed.partition(".")
    raise NoSuchResource(resource, group)


def _by_short_name(client: Client, known: list[Kind], name: str, group: str) -> Kind | None:
    """The first kind that a short name means; a warning tells of the others."""
    found = [kind for kind in known if name in kind.short_names and group in ("", kind.group)]
    if not found:
        return None
    for other in dict.fromkeys(kind.resource for kind in found):
        if other != found[0].resource and client.warn is not None:
            client.warn(f'short name "{name}" could also match lower priority resource {other}')
    return found[0]


def _find(client: Client, typed: str, *, refresh: bool = False) -> Kind | None:
    known = client.kinds(refresh=refresh)
    parts = typed.split(".", 2)
    if len(parts) == 3:
        name, version, group = parts
        short = _by_short_name(client, known, name, group)
        if short is not None:
            return short
        for kind in known:
            if kind.group == group and kind.version == version and _is_named(kind, name):
                return kind
    name, _, group = typed.partition(".")
    short = _by_short_name(client, known, name, group)
    if short is not None:
        return short
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
        members = dict.fromkeys(k.resource for k in client.kinds() if name in k.categories)
        names += members or [name]
    return ",".join(names)


def kind_of_manifest(client: Client, api_version: str, name: str) -> Kind | None:
    """The kind that a manifest names, after a second look at the server."""
    for refresh in (False, True):
        for kind in client.kinds(refresh=refresh):
            if kind.api_version == api_version and kind.kind == name:
                return kind
    return None
