"""Bodies of requests: JSON and YAML bytes, or documents that are parsed already.

What comes out belongs to the server alone, so a caller may go on changing what it sent.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from math import isfinite
from typing import Any, NoReturn

from minik8s.apiserver.messages import Request
from minik8s.apiserver.protobuf import MEDIA_TYPE as PROTOBUF
from minik8s.apiserver.protobuf import decode_protobuf
from minik8s.errors import BadRequest, UnsupportedMediaType

MAX_DEPTH = 200
"""How deep a body may be nested; what reads it may then go down as deep without care."""

MAX_NODES = 1_000_000
"""How many values one YAML body may hold, with its aliases spelled out."""

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
"""The escape of half a character; text with halves alone has no UTF-8."""

_JSON_TYPES = frozenset({"", "application/json", "text/json", "*/*"})
_YAML_TYPES = frozenset({"application/yaml", "text/yaml", "application/x-yaml"})


def content_type(request: Request) -> str:
    """The media type of the body, without parameters and in lower case."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def decode(request: Request, accepted: str = "application/json, application/yaml") -> Any:
    """The body as JSON values, or None without a body.

    Raises BadRequest for malformed text and UnsupportedMediaType for another content type.
    """
    body = request.body
    if body is None or isinstance(body, (dict, list)):
        return copy_json(body)
    value = _parse(body, content_type(request), accepted)
    _check_depth(value)
    return value


def _parse(body: bytes, media: str, accepted: str) -> Any:
    if media.endswith("json") or media in _JSON_TYPES:
        return parse_json(body)
    if media in _YAML_TYPES or media.endswith("+yaml"):
        return parse_yaml(body)
    if media == PROTOBUF:
        return decode_protobuf(body)
    raise unsupported(accepted)


def _check_depth(value: Any) -> None:
    """Raise BadRequest for values that lie deeper in each other than anybody needs."""
    level, depth = [value], 0
    while level:
        if depth > MAX_DEPTH:
            raise BadRequest("json parse error: exceeded max depth")
        inside: list[Any] = []
        for each in level:
            if type(each) is dict:
                inside += each.values()
            elif type(each) is list:
                inside += each
        level, depth = inside, depth + 1


def unsupported(accepted: str) -> UnsupportedMediaType:
    """The answer to a content type that a verb does not take."""
    return UnsupportedMediaType(
        "the body of the request was in an unknown format - "
        f"accepted media types include: {accepted}"
    )


def parse_json(body: bytes) -> Any:
    """JSON text as values; raises BadRequest."""
    if not body:
        return None
    try:
        return _whole(body, _JSON.decode(_text(body)))
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"json parse error: {_reason(error)}") from None


def _text(body: bytes | str) -> str:
    """JSON's text, in any of the encodings of Unicode."""
    if isinstance(body, str):
        return body
    return body.decode(json.detect_encoding(body), "surrogatepass")


def _whole(body: bytes, value: Any) -> Any:
    """A value with U+FFFD for each half of a character, as Go's decoder has it."""
    if _SURROGATE.search(body) is None:
        return value
    text = json.dumps(value, ensure_ascii=False).encode("utf-16", "surrogatepass")
    return json.loads(text.decode("utf-16", "replace"))


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"invalid character '{name[0]}' looking for beginning of value")


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"strconv.ParseFloat: parsing {json.dumps(text)}: value out of range")
    return number


_JSON = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite)
"""What `json.loads` would make anew for each body, at twice the cost of a pod's decoding."""


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "exceeded max depth"
    if isinstance(error, json.JSONDecodeError):
        if error.pos >= len(error.doc.rstrip()):
            return "unexpected end of JSON input"
        return f"invalid character {error.doc[error.pos]!r}: {error.msg} at offset {error.pos}"
    return str(error)


def parse_yaml(body: bytes) -> Any:
    """One YAML document as JSON values; raises BadRequest."""
    import yaml

    try:
        loader = _yaml_loader()(body)
        return _whole(body, _Plain().value(loader.get_single_data()))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise BadRequest(f"yaml: {_yaml_reason(error)}") from None


def _yaml_reason(error: Exception) -> str:
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    if mark is None:
        return str(error)
    return f"line {mark.line + 1}: {problem}"


@lru_cache(maxsize=1)
def _yaml_loader() -> Any:
    """PyYAML's safe loader (the C one where it exists) without timestamps, as JSON has none."""
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    resolvers = {
        first: [(tag, regexp) for tag, regexp in rows if not tag.endswith(":timestamp")]
        for first, rows in base.yaml_implicit_resolvers.items()
    }
    return type("JsonYamlLoader", (base,), {"yaml_implicit_resolvers": resolvers})


_GO_FLOATS = {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}


class _Plain:
    """Turns what YAML knows and JSON does not into JSON; aliases are spelled out, to a limit."""

    def __init__(self) -> None:
        self._nodes = 0

    def value(self, value: Any) -> Any:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise ValueError("document contains excessive aliasing")
        if isinstance(value, dict):
            return {_key(key): self.value(item) for key, item in value.items()}
        if isinstance(value, (list, set, tuple)):
            return [self.value(item) for item in value]
        if isinstance(value, bytes):
            return value.decode("ascii", errors="replace")
        if isinstance(value, float) and not isfinite(value):
            raise ValueError(f"json: unsupported value: {_GO_FLOATS[str(value)]}")
        return value


def _key(key: object) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    return key if isinstance(key, str) else str(key)


def copy_json(value: Any) -> Any:
    """A copy of JSON values, several times as fast as copy.deepcopy."""
    if isinstance(value, dict):
        return {
            key: copy_json(item) if isinstance(item, (dict, list)) else item
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [copy_json(item) if isinstance(item, (dict, list)) else item for item in value]
    return value
