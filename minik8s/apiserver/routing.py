"""From a REST path to what it names: a kind, perhaps a namespace, an object, a subresource."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import unquote

from minik8s.model.registry import Kind, Registry

PROXY = "proxy"
"""The one subresource that has paths of its own below it."""


@dataclass(frozen=True, slots=True)
class Route:
    """What a resource path names.

    `namespace` is empty for a cluster-scoped kind and None for all namespaces. `rest` is what
    follows `proxy`, as it was written (`/` and more, or nothing).
    """

    kind: Kind
    namespace: str | None
    name: str = ""
    subresource: str = ""
    rest: str = ""

    @property
    def home(self) -> str:
        """The namespace to look an object up in."""
        return self.namespace or ""


def parse(path: str, registry: Registry) -> Route | None:
    """The route of a path, or None where no resource lies.

    >>> parse("/api/v1/namespaces/default/pods/web/log", Registry()).subresource
    'log'
    """
    parts = [unquote(part) for part in path.split("/")] if "%" in path else path.split("/")
    if len(parts) >= 4 and parts[1] == "api":
        group, version, rest = "", parts[2], parts[3:]
    elif len(parts) >= 5 and parts[1] == "apis":
        group, version, rest = parts[2], parts[3], parts[4:]
    else:
        return None
    if rest[-1] == "" and len(rest) > 1:
        rest.pop()
    route = None
    if rest[0] == "namespaces" and len(rest) > 2:
        route = _inside(registry, group, version, rest)
    if route is None:
        route = _outside(registry, group, version, rest)
    if route is not None and route.subresource == PROXY:
        return replace(route, rest=_after_proxy(path, route))
    return route


def _after_proxy(path: str, route: Route) -> str:
    """What the proxied server is asked for, in the caller's own spelling.

    >>> parse("/api/v1/namespaces/a/pods/web:80/proxy/x%2Fy/", Registry()).rest
    '/x%2Fy/'
    """
    parts = path.split("/", 8 if route.namespace else 6)
    return f"/{parts[-1]}" if len(parts) == (9 if route.namespace else 7) else ""


def _inside(registry: Registry, group: str, version: str, rest: list[str]) -> Route | None:
    """`namespaces/NS/RESOURCE[/NAME[/SUB]]`."""
    kind = registry.by_plural(group, version, rest[2])
    if kind is None or not kind.namespaced or not rest[1]:
        return None
    return _route(kind, rest[1], rest[3:])


def _outside(registry: Registry, group: str, version: str, rest: list[str]) -> Route | None:
    """`RESOURCE[/NAME[/SUB]]`, or a namespaced kind in all namespaces."""
    kind = registry.by_plural(group, version, rest[0])
    if kind is None:
        return None
    if kind.namespaced:
        return Route(kind, None) if len(rest) == 1 else None
    return _route(kind, "", rest[1:])


def _route(kind: Kind, namespace: str, tail: list[str]) -> Route | None:
    match tail:
        case []:
            return Route(kind, namespace)
        case [name] if name:
            return Route(kind, namespace, name)
        case [name, subresource] if name and subresource in kind.subresources:
            return Route(kind, namespace, name, subresource)
        case [name, "proxy", *_] if name and PROXY in kind.subresources:
            return Route(kind, namespace, name, PROXY)
    return None
