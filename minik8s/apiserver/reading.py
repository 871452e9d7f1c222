"""Reading: get, list in pages or as of a version, and watch, as objects or as tables.

Lists are answered from the newest state or, page by page, from the state that the first page
was cut from: the store can undo its log that far (else 410 Expired).
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TypeVar

from minik8s.apiserver.call import Call, refuse
from minik8s.apiserver.customresources import is_custom
from minik8s.apiserver.customtable import custom_printer
from minik8s.apiserver.messages import Request, Response
from minik8s.apiserver.selection import Filter, list_document, narrow, read_filter, select
from minik8s.apiserver.table import META, TableForm, include_of, metadata_only
from minik8s.apiserver.watch import WatchOptions, WatchStream
from minik8s.errors import ApiError, BadRequest, Cause, Expired, Invalid
from minik8s.model.metadata import Document
from minik8s.model.registry import Kind
from minik8s.model.versions import as_version

T = TypeVar("T")

CONTINUE_EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. You can "
    "start a new list without the continue parameter."
)

_DEPRECATED = {
    "endpoints": "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
}
"""Kinds whose use the real server warns about."""


@lru_cache(maxsize=256)
def shape_of(accept: str) -> str:
    """What an Accept header asks for first: `Table`, `PartialObjectMetadata` or `` (objects)."""
    for choice in accept.split(","):
        parts = [part.strip() for part in choice.split(";")]
        wanted = dict(part.split("=", 1) for part in parts[1:] if "=" in part)
        shape = wanted.get("as", "")
        if shape in ("Table", "PartialObjectMetadata", "PartialObjectMetadataList"):
            return f"{shape.removesuffix('List')}/{wanted.get('v', 'v1')}"
        if parts[0] in ("application/json", "application/*", "*/*") and not shape:
            return ""
    return ""


def get(call: Call) -> Response:
    """GET of one object."""
    document = call.existing()
    shape = shape_of(call.request.headers.get("accept", ""))
    if shape:
        document = _shaped_one(call, document, shape)
    return Response(200, document, warnings=_warned(call))


def _shaped_one(call: Call, document: Document, shape: str) -> Document:
    if shape.startswith("Partial"):
        return metadata_only(document)
    form = _table_form(call, shape)
    version = {"resourceVersion": document["metadata"]["resourceVersion"]}
    return form.of([as_version(document, call.stored)], version, call.store.clock.now)


def _table_form(call: Call, shape: str) -> TableForm:
    include = include_of(call.request.parameter("includeObject"))
    if call.kind.stored_as:
        include = _in_version(include, call.kind)
    printer = custom_printer(call.store, call.kind) if is_custom(call.kind) else None
    return TableForm(call.stored, include, shape.partition("/")[2], printer)


def _in_version(show: Callable[[Document], T], kind: Kind) -> Callable[[Document], T]:
    """What shows an object, for objects that are kept in another version."""
    return lambda document: show(as_version(document, kind))


def _warned(call: Call) -> list[str]:
    warning = _DEPRECATED.get(call.kind.resource)
    return [warning] if warning else call.warnings


def list_or_watch(call: Call) -> Response:
    """GET of a collection."""
    if call.request.query and call.request.flag("watch"):
        return watch(call)
    return list_objects(call)


# -- list


@dataclass(frozen=True, slots=True)
class Page:
    """The part of a list that one answer holds."""

    items: list[Document]
    version: int
    rest: int
    token: str


def list_objects(call: Call) -> Response:
    """The objects of a collection, or the next page of them."""
    chosen = read_filter(call)
    page = _page(call, chosen)
    metadata: Document = {"resourceVersion": str(page.version)}
    if page.token:
        metadata["continue"] = page.token
        if chosen.unrestricted:
            metadata["remainingItemCount"] = page.rest
    shape = shape_of(call.request.headers.get("accept", ""))
    return Response(200, _shaped_list(call, page, metadata, shape), warnings=_warned(call))


def _shaped_list(call: Call, page: Page, metadata: Document, shape: str) -> Document:
    if shape.startswith("Table"):
        return _table_form(call, shape).of(page.items, metadata, call.store.clock.now)
    kind, items = call.kind, page.items
    if is_custom(kind) or kind.stored_as:
        items = [as_version(item, kind) for item in items]
    if shape:
        items = [metadata_only(item) for item in items]
        return {
            "kind": "PartialObjectMetadataList",
            "apiVersion": META,
            "metadata": metadata,
            "items": items,
        }
    return {**list_document(kind, items, page.version), "metadata": metadata}


def _page(call: Call, chosen: Filter) -> Page:
    request, store = call.request, call.store
    limit, token = _number(request, "limit"), request.parameter("continue")
    version = _version(request, call.kind)
    match = request.parameter("resourceVersionMatch")
    _check_list(request, version, match, token)
    if token:
        at, after = _read_token(token)
        documents = _past(call, chosen, at, CONTINUE_EXPIRED)
        documents = [document for document in documents if _key(document) > after]
    elif version and (match == "Exact" or (limit and not match)):
        _check_reached(call, version)
        at, documents = version, _past(call, chosen, version, "")
    else:
        _check_reached(call, version or 0)
        at, documents = store.resource_version, select(store, chosen)
    if not limit or len(documents) <= limit:
        return Page(documents, at, 0, "")
    items = documents[:limit]
    return Page(items, at, len(documents) - limit, _make_token(at, _key(items[-1])))


def _past(call: Call, chosen: Filter, version: int, expired: str) -> list[Document]:
    if version == call.store.resource_version:
        return select(call.store, chosen)
    try:
        documents = call.store.list_at(chosen.kind, chosen.namespace, version)
    except Expired as error:
        raise Expired(expired or error.message) from None
    return narrow(documents, chosen)


def _key(document: Document) -> tuple[str, str]:
    metadata = document["metadata"]
    return f"{metadata.get('namespace', '')}/", metadata["name"]


def _make_token(version: int, after: tuple[str, str]) -> str:
    text = json.dumps({"v": "meta.k8s.io/v1", "rv": version, "start": after})
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_token(token: str) -> tuple[int, tuple[str, str]]:
    try:
        padded = token + "=" * (-len(token) % 4)
        parts = json.loads(urlsafe_b64decode(padded))
        namespace, name = parts["start"]
        version = int(parts["rv"])
        if version < 0:
            raise ValueError(version)
        return version, (str(namespace), str(name))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        raise BadRequest("continue key is not valid: encoding error") from None


def _number(request: Request, name: str) -> int:
    text = request.parameter(name)
    if not text:
        return 0
    try:
        number = int(text)
    except ValueError:
        raise BadRequest(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None
    return max(number, 0)


def _version(request: Request, kind: Kind) -> int | None:
    """The `resourceVersion` parameter; None if it is absent."""
    text = request.parameter("resourceVersion")
    if not text:
        return None
    if text.isascii() and text.isdigit() and len(text) <= 20 and int(text) < 2**64:
        return int(text)
    why = f'strconv.ParseUint: parsing "{text}": invalid syntax'
    cause = Cause("FieldValueInvalid", f'Invalid value: "{text}": {why}', "resourceVersion")
    raise Invalid.object(kind.plural, kind.group, "", [cause])


def _check_list(request: Request, version: int | None, match: str, token: str) -> None:
    """What validation.ValidateListOptions finds for a list."""
    causes = []
    if match:
        causes += _match_causes(version, match, token)
    if token and version:
        raise BadRequest("specifying resource version is not allowed when using continue")
    if request.parameter("sendInitialEvents"):
        text = "Forbidden: sendInitialEvents is forbidden for list"
        causes.append(Cause("FieldValueForbidden", text, "sendInitialEvents"))
    refuse("ListOptions", causes)


def _match_causes(version: int | None, match: str, token: str) -> list[Cause]:
    field = "resourceVersionMatch"
    causes = []
    if version is None:
        text = f"Forbidden: {field} is forbidden unless resourceVersion is provided"
        causes.append(Cause("FieldValueForbidden", text, field))
    if token:
        text = f"Forbidden: {field} is forbidden when continue is provided"
        causes.append(Cause("FieldValueForbidden", text, field))
    if match not in ("Exact", "NotOlderThan"):
        text = f'Unsupported value: "{match}": supported values: "Exact", "NotOlderThan", ""'
        causes.append(Cause("FieldValueNotSupported", text, field))
    if match == "Exact" and version == 0:
        text = f'Forbidden: {field} "exact" is forbidden for resourceVersion "0"'
        causes.append(Cause("FieldValueForbidden", text, field))
    return causes


def _check_reached(call: Call, version: int) -> None:
    """Raise the 504 of a server that has not seen that version yet."""
    current = call.store.resource_version
    if version <= current:
        return
    text = f"Too large resource version: {version}, current: {current}"
    error = ApiError(
        f"Timeout: {text}",
        causes=[Cause("ResourceVersionTooLarge", "Too large resource version")],
        retry_after=1,
    )
    error.code, error.reason = 504, "Timeout"
    raise error


# -- watch


def watch(call: Call) -> Response:
    """A stream of the changes of a collection."""
    request, store = call.request, call.store
    chosen = read_filter(call)
    version = _version(request, call.kind)
    _check_watch(request)
    initial_events = request.parameter("sendInitialEvents")
    bookmarks = request.flag("allowWatchBookmarks")
    streaming = request.flag("sendInitialEvents")
    from_state = streaming or (not initial_events and not version)
    if streaming and version:
        _check_reached(call, version)
    seconds = _number(request, "timeoutSeconds")
    options = WatchOptions(
        start=version if version and not from_state else store.resource_version,
        initial=tuple(select(store, chosen)) if from_state else (),
        initial_bookmark=streaming and bookmarks,
        bookmarks=bookmarks,
        timeout=float(seconds) if seconds else None,
    )
    stream = WatchStream(store, chosen, _presenter(call), options)
    return Response(200, stream=stream, warnings=_warned(call))


def _check_watch(request: Request) -> None:
    """What validation.ValidateListOptions finds for a watch."""
    match, initial = (
        request.parameter("resourceVersionMatch"),
        request.parameter("sendInitialEvents"),
    )
    causes = []
    if match and not initial:
        text = (
            "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents "
            "is provided"
        )
        causes.append(Cause("FieldValueForbidden", text, "resourceVersionMatch"))
    if initial and match != "NotOlderThan":
        text = "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        causes.append(Cause("FieldValueForbidden", text, "resourceVersionMatch"))
    refuse("ListOptions", causes)


def _presenter(call: Call) -> Callable[[Document], Document]:
    """How objects are shown in the events of a watch."""
    shape = shape_of(call.request.headers.get("accept", ""))
    if not shape:
        return partial(as_version, kind=call.kind)
    if shape.startswith("Partial"):
        return _in_version(metadata_only, call.kind) if call.kind.stored_as else metadata_only
    form, clock = _table_form(call, shape), call.store.clock
    first = True

    def as_table(document: Document) -> Document:
        nonlocal first
        definitions, first = first, False
        version = {"resourceVersion": document["metadata"].get("resourceVersion", "")}
        return form.of([document], version, clock.now, definitions=definitions)

    return as_table
