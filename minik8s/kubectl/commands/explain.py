"""`kubectl explain`."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from minik8s.errors import ApiError
from minik8s.kubectl.call import Call
from minik8s.kubectl.explaining import Explainer
from minik8s.kubectl.failures import Exit, Failure, NoSuchResource
from minik8s.kubectl.resources import kind_named
from minik8s.model.registry import Kind

PLAIN = "plaintext"
PLAIN_V2 = "plaintext-openapiv2"

_WORD = re.compile(r"[\w/-]*")


def run(call: Call) -> None:
    """Explain a kind or one of its fields."""
    recursive, depth = call.flags.on("recursive"), call.flags.number("max-depth")
    _validate(call, recursive, depth)
    wanted = call.flags.text("api-version")
    kind, path = _named(call, call.arguments[0], grouped=not wanted)
    output = call.flags.text("output")
    if output == PLAIN_V2:
        raise Failure(f"couldn't find resource for {_quoted(kind, 'Kind', kind.kind)}")
    group, _, version = (wanted or kind.api_version).rpartition("/")
    target = Kind(group, version, kind.kind, kind.plural, namespaced=kind.namespaced)
    document = _document(call, target)
    if output != PLAIN:
        raise Failure(f"unrecognized format: {output}")
    _print(call, document, target, path, recursive, depth)


def _validate(call: Call, recursive: bool, depth: int) -> None:
    if not call.arguments:
        raise Failure(
            'You must specify the type of resource to explain. Use "kubectl api-resources" for a '
            "complete list of supported resources.\n"
        )
    if len(call.arguments) > 1:
        raise Failure("We accept only this format: explain RESOURCE\n")
    if depth > 0 and not recursive:
        raise Failure("--max-depth requires --recursive")
    if depth < 0:
        raise Failure("--max-depth must be non-negative")


def _named(call: Call, typed: str, *, grouped: bool) -> tuple[Kind, list[str]]:
    """The kind and the field that were typed: `pods.spec`, `deployments.apps.spec.replicas`."""
    names = _names(typed)
    try:
        kind = kind_named(call.client, names[0])
    except NoSuchResource as missing:
        raise Exit(1, str(missing)) from None
    if grouped:
        for each in [kind, *call.client.kinds()]:
            if each.plural == kind.plural and typed.startswith(each.resource):
                return each, _names(typed[len(each.resource) :])[1:]
    return kind, names[1:]


def _names(typed: str) -> list[str]:
    """A path as its names; raises Failure for a character that no path has."""
    names = []
    for name in typed.removesuffix(".").split("."):
        rest = name[len(_WORD.match(name).group()) :]  # type: ignore[union-attr]
        if rest:
            raise Failure(f"unrecognized character in action: U+{ord(rest[0]):04X} '{rest[0]}'")
        names.append(name)
    return [names[0], *(name for name in names[1:] if name)]


def _quoted(kind: Kind, what: str, name: str) -> str:
    return f'"{kind.group}/{kind.version}, {what}={name}"'


def _document(call: Call, kind: Kind) -> Any:
    """The OpenAPI document of the kind's group-version."""
    index = call.client.request("GET", "/openapi/v3").body
    place = kind.path().rpartition("/")[0].lstrip("/")
    entry = index["paths"].get(place) if isinstance(index, dict) else None
    if entry is None:
        raise Failure(f"couldn't find resource for {_quoted(kind, 'Resource', kind.plural)}")
    path, _, query = entry["serverRelativeURL"].partition("?")
    try:
        body = call.client.request("GET", path, query={"hash": [query.removeprefix("hash=")]}).body
    except ApiError as error:
        raise Failure(f"failed to fetch openapi schema for {place}: {error.message}") from None
    return json.loads(body) if isinstance(body, (bytes, str)) else body


def _print(
    call: Call, document: Any, kind: Kind, path: Sequence[str], recursive: bool, depth: int
) -> None:
    explained = Explainer(document, recursive=recursive, depth=depth).explain(kind, path)
    if explained is None:
        raise Failure(f"GVR ({_quoted(kind, 'Resource', kind.plural)}) not found in OpenAPI schema")
    call.out(explained.head + explained.text)
    if explained.missing:
        raise Failure(f'field "{explained.missing}" does not exist')
