"""The paths of a group-version as /openapi/v3 lists them: every operation on every kind.

An operation carries `x-kubernetes-action` and `x-kubernetes-group-version-kind`, by which
kubectl finds what it looks for, and the parameters that the verb takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from minik8s.apiserver import openapiparameters as parameters
from minik8s.apiserver.discovery import SUBRESOURCES, subresource_type
from minik8s.apiserver.messages import (
    APPLY_PATCH,
    JSON,
    JSON_PATCH,
    MERGE_PATCH,
    STRATEGIC_MERGE_PATCH,
)
from minik8s.apiserver.openapischemas import (
    DELETE_OPTIONS,
    PATCH,
    RESOURCE_LIST,
    STATUS,
    WATCH_EVENT,
    definition_of,
    gvk_of,
    reference,
)
from minik8s.apiserver.routing import PROXY
from minik8s.model.metadata import Document
from minik8s.model.registry import Kind

_YAML = "application/yaml"
_PROTOBUF = "application/vnd.kubernetes.protobuf"
_WATCH = "application/json;stream=watch"


@dataclass(frozen=True, slots=True)
class Served:
    """A kind, and the names under which its types stand in the document."""

    kind: Kind
    schema: str
    builtin: bool = True

    @property
    def list_schema(self) -> str:
        """The type of a list of its objects."""
        return f"{self.schema}List"

    @property
    def patches(self) -> tuple[str, ...]:
        """The content types of patches that it takes."""
        types = (APPLY_PATCH, JSON_PATCH, MERGE_PATCH)
        return (*types, STRATEGIC_MERGE_PATCH) if self.builtin else types


@dataclass(frozen=True, slots=True)
class Operation:
    """One verb on one path."""

    method: str
    action: str
    verb: str
    """What it is called in the operation's id and description."""
    answer: str
    """The type of the answer; empty for a text or a stream."""
    query: Sequence[Document] = ()
    body: str = ""
    body_types: tuple[str, ...] = (JSON, _YAML, _PROTOBUF)
    code: str = "200"
    watched: bool = False


def paths(kinds: Iterable[Served], group: str, version: str) -> Document:
    """Every path of a group-version, with its operations."""
    served = list(kinds)
    base = f"/apis/{group}/{version}" if group else f"/api/{version}"
    tag = f"{(group or 'core').split('.')[0]}_{version}"
    found: Document = {f"{base}/": _root(group, version, tag)}
    for each in served:
        found.update(_paths_of(each, base, tag))
    return found


def _root(group: str, version: str, tag: str) -> Document:
    return {
        "get": {
            "tags": [tag],
            "description": "get available resources",
            "operationId": f"get{_words(group or 'core')}{version.capitalize()}APIResources",
            "responses": _responses(reference(RESOURCE_LIST), "200"),
        }
    }


def _paths_of(served: Served, base: str, tag: str) -> Document:
    kind = served.kind
    scope = "/namespaces/{namespace}" if kind.namespaced else ""
    common = [parameters.NAMESPACE] if kind.namespaced else []
    collection = f"{base}{scope}/{kind.plural}"
    found: Document = {}
    if operations := _collection(served):
        found[collection] = _item(served, operations, common, tag)
    if kind.namespaced and "list" in kind.verbs:
        everywhere = [_list(served)]
        found[f"{base}/{kind.plural}"] = _item(served, everywhere, [], tag, "ForAllNamespaces")
    named = [parameters.NAME, *common]
    if operations := _object(served):
        found[f"{collection}/{{name}}"] = _item(served, operations, named, tag)
    for name in kind.subresources:
        operations = _subresource(served, name)
        path = f"{collection}/{{name}}/{name}"
        found[path] = _item(served, operations, named, tag, name.capitalize(), name)
    return found


def _item(
    served: Served,
    operations: Sequence[Operation],
    common: Sequence[Document],
    tag: str,
    suffix: str = "",
    subresource: str = "",
) -> Document:
    """One entry of `paths`."""
    item: Document = {
        each.method: _operation(served, each, tag, suffix, subresource) for each in operations
    }
    if common:
        item["parameters"] = list(common)
    return item


def _operation(
    served: Served, operation: Operation, tag: str, suffix: str, subresource: str
) -> Document:
    kind = served.kind
    group_words = f"{_words(kind.group or 'core')}{kind.version.capitalize()}"
    scope = "Namespaced" if kind.namespaced and suffix != "ForAllNamespaces" else ""
    what = f"{subresource} of a {kind.kind}" if subresource else kind.kind
    document: Document = {
        "tags": [tag],
        "description": f"{operation.verb} {what}",
        "operationId": f"{operation.verb}{group_words}{scope}{kind.kind}{suffix}",
        "parameters": list(operation.query),
        "responses": _responses(_answer(operation), operation.code, operation.watched),
        "x-kubernetes-action": operation.action,
        "x-kubernetes-group-version-kind": _gvk(served, subresource),
    }
    if operation.body:
        schema = reference(operation.body)
        document["requestBody"] = {
            "required": operation.method != "delete",
            "content": {media: {"schema": schema} for media in operation.body_types},
        }
    return document


def _gvk(served: Served, subresource: str) -> Document:
    if not subresource:
        return gvk_of(served.kind)
    group, version, word, _ = subresource_type(served.kind, subresource)
    return {"group": group, "version": version, "kind": word}


def _answer(operation: Operation) -> Document:
    return reference(operation.answer) if operation.answer else {"type": "string"}


def _responses(schema: Document, code: str, watched: bool = False) -> Document:
    content = {JSON: {"schema": schema}}
    if watched:
        content[_WATCH] = {"schema": reference(WATCH_EVENT)}
    refused = {"content": {JSON: {"schema": reference(STATUS)}}}
    return {
        code: {"description": "OK" if code == "200" else "Created", "content": content},
        "401": {"description": "Unauthorized", **refused},
        "default": {"description": "A Status that says what went wrong", **refused},
    }


def _collection(served: Served) -> list[Operation]:
    verbs, found = served.kind.verbs, []
    if "list" in verbs:
        found.append(_list(served))
    if "create" in verbs:
        found.append(
            Operation(
                "post",
                "post",
                "create",
                served.schema,
                parameters.CREATE,
                served.schema,
                code="201",
            )
        )
    if "deletecollection" in verbs:
        query = parameters.DELETE_COLLECTION
        found.append(
            Operation(
                "delete", "deletecollection", "deletecollection", STATUS, query, DELETE_OPTIONS
            )
        )
    return found


def _list(served: Served) -> Operation:
    return Operation("get", "list", "list", served.list_schema, parameters.LIST, watched=True)


def _object(served: Served) -> list[Operation]:
    verbs, found = served.kind.verbs, []
    if "get" in verbs:
        found.append(_read(served.schema))
    if "update" in verbs:
        found.append(_replace(served.schema))
    if "delete" in verbs:
        found.append(
            Operation("delete", "delete", "delete", STATUS, parameters.DELETE, DELETE_OPTIONS)
        )
    if "patch" in verbs:
        found.append(_patch(served, served.schema))
    return found


def _read(schema: str) -> Operation:
    return Operation("get", "get", "read", schema, (parameters.PRETTY,))


def _replace(schema: str) -> Operation:
    return Operation("put", "put", "replace", schema, parameters.UPDATE, schema)


def _patch(served: Served, schema: str) -> Operation:
    return Operation(
        "patch", "patch", "patch", schema, parameters.PATCH, PATCH, body_types=served.patches
    )


_STREAMS: dict[str, tuple[Document, ...]] = {
    "attach": parameters.STREAM,
    "exec": parameters.EXEC,
    "portforward": parameters.PORT_FORWARD,
}
_POSTED = ("binding", "eviction", "token")


def _subresource(served: Served, name: str) -> list[Operation]:
    if name in _STREAMS:
        query = _STREAMS[name]
        return [
            Operation("get", "connect", "connectGet", "", query),
            Operation("post", "connect", "connectPost", "", query),
        ]
    if name == PROXY:
        return [
            Operation(method, "connect", f"connect{method.capitalize()}", "", parameters.PROXY)
            for method in ("get", "post", "put", "patch", "delete")
        ]
    if name == "log":
        return [Operation("get", "get", "read", "", parameters.LOG)]
    schema = subresource_schema(served, name)
    if name in _POSTED:
        query = parameters.CREATE
        return [Operation("post", "post", "create", schema, query, schema, code="201")]
    if name == "finalize":
        return [_replace(schema)]
    return [_read(schema), _replace(schema), _patch(served, schema)]


def subresource_schema(served: Served, name: str) -> str:
    """The type that a subresource takes and gives."""
    if name in SUBRESOURCES:
        return definition_of(*SUBRESOURCES[name][:3]) or served.schema
    return served.schema


def _words(group: str) -> str:
    return "".join(part.capitalize() for part in group.removesuffix(".k8s.io").split("."))
