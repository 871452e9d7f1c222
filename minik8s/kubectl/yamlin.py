"""Reading manifests: streams of YAML or JSON documents, with go-yaml's meaning and messages.

As kubectl does (apimachinery/pkg/util/yaml), a stream is cut at lines that begin with `---`
before YAML sees it, so a message counts lines from the start of its own document.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from typing import Any

from minik8s.kubectl.gojson import JSONSyntaxError, UnexpectedEnd, check
from minik8s.kubectl.gotext import format_g
from minik8s.kubectl.yamlbuild import Builder
from minik8s.kubectl.yamlscalar import is_timestamp, resolve

SEPARATOR = "---"


class ParseError(Exception):
    """A stream that is neither YAML nor JSON."""


def documents(data: bytes) -> Iterator[Any]:
    """The documents of a stream, null ones included; raises ParseError when one is bad."""
    text = _text(data)
    place = 0
    error: ParseError | None = None
    if text.lstrip().startswith("{"):
        count = 0
        while True:
            place = _skip_space(text, place)
            if place >= len(text):
                return
            try:
                end = check(text, place)
            except (JSONSyntaxError, UnexpectedEnd) as caught:
                error = ParseError(_json_message(caught))
                if count > 1:
                    raise error from None
                break
            yield _numbers(json.loads(text[place:end]))
            place, count = end, count + 1
        text = text[place:]
    try:
        for document in _cut(text):
            yield yaml_document(document)
    except ParseError as caught:
        raise (error or caught) from None


def _text(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    return data.removeprefix(b"\xef\xbb\xbf").decode(errors="replace")


def _skip_space(text: str, place: int) -> int:
    while place < len(text) and text[place] in " \t\r\n":
        place += 1
    return place


def _json_message(error: JSONSyntaxError | UnexpectedEnd) -> str:
    if isinstance(error, UnexpectedEnd):
        return str(error)
    return f"json: offset {error.offset}: {error}"


def _cut(text: str) -> Iterator[str]:
    """The documents between separators; a separator that comes first stays."""
    lines: list[str] = []
    for line in text.split("\n"):
        if line.startswith(SEPARATOR):
            rest = line[len(SEPARATOR) :].strip()
            if rest and not rest.startswith("#"):
                raise ParseError(f"invalid Yaml document separator: {rest}")
            if lines:
                yield "\n".join(lines) + "\n"
                lines = []
                continue
        lines.append(line.removesuffix("\r"))
    if lines and lines[-1] == "":
        lines.pop()
    if lines:
        yield "\n".join(lines) + "\n"


def yaml_document(text: str) -> Any:
    """One YAML document as JSON; raises ParseError with go-yaml's message."""
    import yaml

    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    builder = Builder(_scalar)
    try:
        for event in yaml.parse(text, Loader=loader):
            if builder.take(event):
                break
    except yaml.YAMLError as error:
        raise _failure(_yaml_message(error)) from None
    except ValueError as error:
        raise _failure(str(error)) from None
    return _numbers(builder.value)


def _failure(message: str) -> ParseError:
    return ParseError(f"error converting YAML to JSON: {message}")


def _yaml_message(error: Exception) -> str:
    """A message of libyaml with the line that go-yaml names."""
    problem = getattr(error, "problem", None) or "control characters are not allowed"
    mark, context = getattr(error, "problem_mark", None), getattr(error, "context_mark", None)
    line = 0
    if mark is not None and mark.line:
        line = mark.line + (type(error).__name__ == "ScannerError")
    elif context is not None:
        line = context.line
    return f"yaml: line {line}: {problem}" if line else f"yaml: {problem}"


_YAML_TAG = "tag:yaml.org,2002:"
_TEXT_TAGS = ("!", _YAML_TAG + "str")
_TAGS = {str: "str", int: "int", float: "float", bool: "bool", type(None): "null"}


def _scalar(value: str, tag: str | None, plain: bool) -> Any:
    """What a scalar is worth; raises ValueError."""
    if tag in _TEXT_TAGS or (tag is None and not plain):
        return value
    if tag == _YAML_TAG + "binary":
        try:
            return base64.b64decode(value, validate=False).decode(errors="replace")
        except binascii.Error:
            raise ValueError("yaml: !!binary value contains invalid base64 data") from None
    resolved = resolve(value)
    if tag is None or not tag.startswith(_YAML_TAG):
        return resolved
    wanted = tag.removeprefix(_YAML_TAG)
    found = "timestamp" if is_timestamp(value) else _TAGS[type(resolved)]
    if wanted == "float" and found == "int":
        return float(value)
    if wanted in _TAGS.values() and found != wanted:
        raise ValueError(f"yaml: cannot decode !!{found} `{value}` as a !!{wanted}")
    return resolved


def _numbers(value: Any) -> Any:
    """Whole floats as integers, long integers as floats: what comes out of Go's JSON."""
    if isinstance(value, dict):
        return {key: _numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            shown = format_g(value) if value == value else "NaN"
            raise _failure(f"json: unsupported value: {shown}")
        if value.is_integer() and abs(value) < 2**63:
            return int(value)
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        return float(value)
    return value
