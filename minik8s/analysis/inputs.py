"""Manifests from files: documents with the file and line where each begins.

Bad input is one `InputError`, whose text is one line with the file and, where it is known,
the line number.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minik8s.admission import decode, default, validate_create
from minik8s.admission.customkinds import builtin_schema, check_custom, decode_custom
from minik8s.errors import ApiError
from minik8s.model.metadata import Document
from minik8s.model.registry import NETWORK_POLICY, Registry
from minik8s.policy.clusterwide import KINDS as CLUSTER_KINDS
from minik8s.policy.clusterwide import compile_cluster_policy

MAX_BYTES = 64 * 1024 * 1024
"""The most that one manifest may have, unless more is allowed."""

_SUFFIXES = (".yaml", ".yml", ".json", ".jsonl")


class InputError(Exception):
    """Input that makes no sense; the text is one line for the reader of a terminal."""


class Layout:
    """Where the fields of one value of a file stand; read again only if somebody asks.

    `text` is the whole file, of which the value takes the part from `start` to `end`.
    """

    __slots__ = ("_end", "_lines", "_start", "_text", "line")

    def __init__(self, line: int, text: str = "", start: int = 0, end: int = 0) -> None:
        self.line = line
        self._text, self._start, self._end = text, start, end
        self._lines: dict[str, int] | None = None

    def line_of(self, path: str) -> int:
        """The line of a field such as `spec.ingress[0].from[1]`, or of what is around it."""
        if self._lines is None:
            self._lines = {}
            node = _compose(self._text[self._start : self._end])
            if node is not None:
                _note_lines(node, "", self.line, self._lines, set())
        while path:
            if path in self._lines:
                return self._lines[path]
            path = _parent(path)
        return self.line


@dataclass(slots=True)
class Source:
    """One document of a file; `prefix` leads to it if it is an item of a List."""

    document: Document
    file: str
    layout: Layout
    prefix: str = ""

    @property
    def line(self) -> int:
        """The line at which the document begins."""
        return self.line_of("") if self.prefix else self.layout.line

    def line_of(self, path: str) -> int:
        """The line of a field such as `spec.ingress[0].from[1]`, or of what is around it."""
        return self.layout.line_of((self.prefix + path).rstrip("."))


def _parent(path: str) -> str:
    cut = max(path.rfind("."), path.rfind("["))
    return path[:cut] if cut > 0 else ""


def read(paths: Iterable[str], max_bytes: int = MAX_BYTES) -> list[Source]:
    """The documents of files, folders and `-` (standard input), Lists unpacked.

    Raises InputError.
    """
    sources: list[Source] = []
    for path in paths:
        found = 0
        for name, text in texts(path, max_bytes):
            parsed = list(parse(name, text))
            sources += parsed
            found += len(parsed)
        if not found:
            raise InputError(f"{path}: no Kubernetes object in it")
    return sources


def texts(path: str, max_bytes: int = MAX_BYTES) -> Iterator[tuple[str, str]]:
    """The name and text of a file, of each manifest in a folder, or of standard input."""
    if path == "-":
        yield "-", _checked("-", sys.stdin.read(max_bytes + 1), max_bytes)
        return
    place = Path(path)
    if place.is_dir():
        files = sorted(f for f in place.rglob("*") if f.suffix in _SUFFIXES and f.is_file())
        if not files:
            raise InputError(f"{path}: no YAML or JSON file in this directory")
        for file in files:
            yield from texts(str(file), max_bytes)
        return
    try:
        if place.stat().st_size > max_bytes:
            with place.open("rb") as start:
                raise _too_large(path, start.read(max_bytes), max_bytes)
        yield path, place.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8 text") from None


def _checked(name: str, text: str, max_bytes: int) -> str:
    data = text.encode()
    if len(data) > max_bytes:
        raise _too_large(name, data[:max_bytes], max_bytes)
    return text


def _too_large(name: str, allowed: bytes, max_bytes: int) -> InputError:
    """The complaint about a text, at the line that the limit cuts."""
    line = allowed.count(b"\n") + 1
    return InputError(f"{name}:{line}: the file is larger than {max_bytes} bytes")


def parse(name: str, text: str) -> Iterator[Source]:
    """The objects in a YAML or JSON text; raises InputError with the line."""
    for value, layout in values(name, text):
        yield from _objects(name, value, layout)


def values(name: str, text: str) -> Iterator[tuple[Any, Layout]]:
    """The YAML documents or JSON values of a text, whatever they are.

    JSON is known by its suffix, or where the text may be JSON and is.
    """
    if name.endswith((".json", ".jsonl")):
        yield from _json_values(name, text)
        return
    if text.lstrip()[:1] == "{" and not name.endswith((".yaml", ".yml")):
        try:
            yield from list(_json_values(name, text))
        except InputError:
            yield from _yaml_values(name, text)
        return
    yield from _yaml_values(name, text)


def _json_values(name: str, text: str) -> Iterator[tuple[Any, Layout]]:
    """One JSON object, or several after each other (JSON lines)."""
    decoder, position, line = json.JSONDecoder(), 0, 1
    while True:
        while position < len(text) and text[position].isspace():
            line += text[position] == "\n"
            position += 1
        if position == len(text):
            return
        try:
            value, end = decoder.raw_decode(text, position)
        except json.JSONDecodeError as error:
            raise InputError(f"{name}:{error.lineno}: {error.msg}") from None
        except RecursionError:
            raise InputError(f"{name}:{line}: nested too deeply") from None
        yield value, Layout(line)
        line += text.count("\n", position, end)
        position = end


def _yaml_values(name: str, text: str) -> Iterator[tuple[Any, Layout]]:
    import yaml

    loader = _loader(text)
    try:
        while loader.check_node():
            node = loader.get_node()
            value = loader.construct_document(node)
            if value is not None:
                start, end = node.start_mark, node.end_mark
                yield value, Layout(start.line + 1, text, start.index, end.index)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
        raise InputError(f"{name}{line}: {problem}") from None
    except (ValueError, TypeError) as error:
        raise InputError(f"{name}: {error}") from None
    except RecursionError:
        raise InputError(f"{name}: nested too deeply") from None
    finally:
        loader.dispose()


def _loader(text: str) -> Any:
    import yaml

    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)


def _compose(text: str) -> Any:
    """The YAML nodes of a text that is known to be readable; None for none."""
    if not text:
        return None
    loader = _loader(text)
    try:
        return loader.get_single_node()
    finally:
        loader.dispose()


def _note_lines(node: Any, path: str, first: int, lines: dict[str, int], seen: set[int]) -> None:
    """The line of every field and list entry below a YAML node; an alias counts once."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if node.id == "mapping":
        for key, value in node.value:
            inner = f"{path}.{key.value}" if path else str(key.value)
            lines[inner] = key.start_mark.line + first
            _note_lines(value, inner, first, lines, seen)
    elif node.id == "sequence":
        for index, value in enumerate(node.value):
            inner = f"{path}[{index}]"
            lines[inner] = value.start_mark.line + first
            _note_lines(value, inner, first, lines, seen)


def _objects(name: str, value: Any, layout: Layout, prefix: str = "") -> Iterator[Source]:
    source = Source(value, name, layout, prefix)
    if not isinstance(value, dict):
        raise InputError(f"{name}:{source.line}: not a Kubernetes object")
    kind = value.get("kind")
    if isinstance(kind, str) and kind.endswith("List") and isinstance(value.get("items"), list):
        for index, item in enumerate(value["items"]):
            yield from _objects(name, item, layout, f"{prefix}items[{index}].")
        return
    metadata = value.get("metadata")
    if not isinstance(kind, str) or not isinstance(metadata, dict) or not metadata.get("name"):
        raise InputError(f"{name}:{source.line}: an object needs kind and metadata.name")
    source.document = placed(value)
    yield source


def placed(document: Document) -> Document:
    """The document, in the namespace `default` if its kind needs one and it names none."""
    kind = _REGISTRY.of(document)
    if kind is None or not kind.namespaced or document["metadata"].get("namespace"):
        return document
    return {**document, "metadata": {**document["metadata"], "namespace": "default"}}


def documents(sources: Iterable[Source]) -> list[Document]:
    """The documents alone."""
    return [source.document for source in sources]


def check(source: Source) -> None:
    """Raise InputError for an object that the API server would refuse.

    Policies are checked in full, other kinds for the types of their fields.
    """
    complaint = complaint_about(source.document)
    if complaint:
        raise InputError(f"{source.file}:{source.line}: {complaint}")


def complaint_about(document: Document) -> str:
    """What is wrong with an object, in one line; empty if nothing is."""
    kind = _REGISTRY.of(document)
    try:
        if kind is NETWORK_POLICY:
            decoded, _ = decode(kind, document, "Strict")
            validate_create(kind, default(kind, decoded))
        elif kind is not None and (schema := builtin_schema(kind)) is not None:
            decoded, _ = decode_custom(kind, document, schema, "Strict")
            check_custom(kind, decoded, schema)
        elif kind is not None:
            decode(kind, document, "Ignore")
    except ApiError as error:
        return " ".join(error.message.split())
    return _complaint_about_unversioned(document) if kind is None else ""


def _complaint_about_unversioned(document: Document) -> str:
    """Whether a cluster-wide policy of an unknown version has fields of other types."""
    if document.get("kind") in CLUSTER_KINDS:
        try:
            compile_cluster_policy(document)
        except (TypeError, ValueError, KeyError, AttributeError):
            return f"this {document['kind']} is malformed"
    return ""


_REGISTRY = Registry()
