"""What the server publishes of its types: /openapi/v2 and /openapi/v3.

The index of /openapi/v3 names one document for each group-version, with a hash: a client that
has the document of that hash need not ask again. The documents of the built-in kinds are made
when they are first asked for and kept as text for the life of the process; clusters share them.

/openapi/v2 is a protobuf document without content, which is all that kubectl needs of it: it
looks there only for kinds that /openapi/v3 does not know.
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache

from minik8s.apiserver.backend import Backend
from minik8s.apiserver.customschemas import custom_types, definition_of_kind
from minik8s.apiserver.discovery import VERSION, groups_of, kinds_of
from minik8s.apiserver.messages import JSON, Request, Response
from minik8s.apiserver.openapipaths import Served, paths, subresource_schema
from minik8s.apiserver.openapischemas import (
    DELETE_OPTIONS,
    OBJECT_META,
    PATCH,
    RESOURCE_LIST,
    STATUS,
    WATCH_EVENT,
    closure,
    definition_of,
)
from minik8s.errors import MethodNotAllowed, NotFound
from minik8s.model.metadata import Document
from minik8s.model.registry import Kind, Registry

V2_PROTOBUF = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
V2_EMPTY = b"\n\x032.0"
"""A gnostic Document whose only field is `swagger: "2.0"`."""

_EVERYWHERE = (DELETE_OPTIONS, OBJECT_META, PATCH, RESOURCE_LIST, STATUS, WATCH_EVENT)


def describe(backend: Backend, request: Request) -> Response | None:
    """The answer to a path below /openapi, or None for any other path."""
    path = request.path.rstrip("/")
    if not path.startswith("/openapi/"):
        return None
    if request.method not in ("GET", "HEAD"):
        raise MethodNotAllowed("the server does not allow this method on the requested resource")
    if path == "/openapi/v2":
        return Response(200, V2_EMPTY, content_type=V2_PROTOBUF)
    if path == "/openapi/v3":
        return Response(200, _index(backend))
    if not path.startswith("/openapi/v3/"):
        return None
    return _document_response(backend, path.removeprefix("/openapi/v3/"), request)


def _document_response(backend: Backend, place: str, request: Request) -> Response:
    kinds = _kinds_at(backend.registry, place)
    text = _text(backend, kinds)
    etag = _hash(backend, kinds)
    headers = {"etag": f'"{etag}"', "cache-control": "no-cache, private"}
    if request.parameter("hash") == etag:
        headers["cache-control"] = "public, immutable"
    return Response(200, text, content_type=JSON, headers=headers)


def _kinds_at(registry: Registry, place: str) -> tuple[Kind, ...]:
    """The kinds of `api/v1` or `apis/apps/v1`; raises NotFound."""
    match place.split("/"):
        case ["api", version]:
            found = tuple(kinds_of(registry, "", version))
        case ["apis", group, version] if group:
            found = tuple(kinds_of(registry, group, version))
        case _:
            found = ()
    if not found:
        raise NotFound.path()
    return found


def _index(backend: Backend) -> Document:
    registry, entries = backend.registry, {}
    for group, versions in groups_of(registry).items():
        for version in versions:
            place = f"apis/{group}/{version}" if group else f"api/{version}"
            digest = _hash(backend, tuple(kinds_of(registry, group, version)))
            entries[place] = {"serverRelativeURL": f"/openapi/v3/{place}?hash={digest}"}
    return {"paths": dict(sorted(entries.items()))}


def _builtin(kinds: tuple[Kind, ...]) -> bool:
    return all(definition_of(kind.group, kind.version, kind.kind) for kind in kinds)


def _hash(backend: Backend, kinds: tuple[Kind, ...]) -> str:
    """The hash of a document; it is made from what the document is made from."""
    if _builtin(kinds):
        return _digest(kinds)
    sources = [definition_of_kind(backend.store, kind) for kind in kinds]
    text = json.dumps([source and source.get("spec") for source in sources], sort_keys=True)
    return _digest(kinds, text)


@lru_cache(maxsize=256)
def _digest(kinds: tuple[Kind, ...], text: str = "") -> str:
    content = f"{VERSION['gitVersion']} {kinds!r} {text}"
    return hashlib.sha256(content.encode()).hexdigest().upper()


def _text(backend: Backend, kinds: tuple[Kind, ...]) -> bytes:
    if _builtin(kinds):
        return _builtin_text(kinds)
    return _json(document(backend, kinds))


@lru_cache(maxsize=64)
def _builtin_text(kinds: tuple[Kind, ...]) -> bytes:
    served = [_served(kind) for kind in kinds]
    return _json(_assemble(served, {}))


def _json(value: Document) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def document(backend: Backend, kinds: tuple[Kind, ...]) -> Document:
    """The OpenAPI document of some kinds, those of CustomResourceDefinitions among them."""
    served, own = [], {}
    for kind in kinds:
        if definition_of(kind.group, kind.version, kind.kind):
            served.append(_served(kind))
            continue
        name, types = custom_types(backend.store, kind)
        own.update(types)
        served.append(Served(kind, name, builtin=False))
    return _assemble(served, own)


def _served(kind: Kind) -> Served:
    name = definition_of(kind.group, kind.version, kind.kind)
    assert name is not None
    return Served(kind, name)


def _assemble(served: list[Served], own: dict[str, Document]) -> Document:
    roots = [*_EVERYWHERE]
    found: Document = {}
    for group, version in dict.fromkeys((each.kind.group, each.kind.version) for each in served):
        mine = [s for s in served if (s.kind.group, s.kind.version) == (group, version)]
        found.update(paths(mine, group, version))
    for each in served:
        roots.append(each.schema)
        if "list" in each.kind.verbs:
            roots.append(each.list_schema)
        roots += [subresource_schema(each, name) for name in each.kind.subresources]
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": VERSION["gitVersion"]},
        "paths": dict(sorted(found.items())),
        "components": {
            "schemas": closure(roots, own),
            "securitySchemes": {
                "BearerToken": {"type": "apiKey", "in": "header", "name": "authorization"}
            },
        },
    }
