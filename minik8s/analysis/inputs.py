"""Manifests from files: documents with the file and line where each begins.

Bad input is one `InputError`, whose text is one line with the file and, where it is known,
the line number.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minik8s.admission import decode, default, validate_create
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


@dataclass(slots=True)
class Source:
    """One document of a file, with the line it begins at."""

    document: Document
    file: str
    line: int
    node: Any = None
    prefix: str = ""
    _lines: dict[str, int] | None = None

    def line_of(self, path: str) -> int:
        """The line of a field such as `spec.ingress[0].from[1]`, or of what is around it."""
        if self._lines is None:
            self._lines = {}
            if self.node is not None:
                _note_lines(self.node, "", self._lines, set())
        path = self.prefix + path
        while path:
            if path in self._lines:
                return self._lines[path]
            path = _parent(path)
        return self.line


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
            raise InputError(f"{path}: larger than {max_bytes} bytes")
        yield path, place.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8 text") from None


def _checked(name: str, text: str, max_bytes: int) -> str:
    if len(text.encode()) > max_bytes:
        raise InputError(f"{name}: larger than {max_bytes} bytes")
    return text


def parse(name: str, text: str) -> Iterator[Source]:
    """The objects in a YAML or JSON text; raises InputError with the line."""
    for value, line, node in _values(name, text):
        yield from _objects(name, line, value, node)


LineOf = Callable[[str], int]
"""The line of a field, given its path in the value."""


def values(name: str, text: str) -> Iterator[tuple[Any, int, LineOf]]:
    """The YAML documents or JSON values of a text, whatever they are, with their lines."""
    for value, line, node in _values(name, text):
        yield value, line, Source({}, name, line, node).line_of


def _values(name: str, text: str) -> Iterator[tuple[Any, int, Any]]:
    """JSON by its suffix, or where the text may be JSON and is; YAML otherwise."""
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


def _json_values(name: str, text: str) -> Iterator[tuple[Any, int, Any]]:
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
        yield value, line, None
        line += text.count("\n", position, end)
        position = end


def _yaml_values(name: str, text: str) -> Iterator[tuple[Any, int, Any]]:
    import yaml

    loader_class = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    loader: Any = loader_class(text)
    try:
        while loader.check_node():
            node = loader.get_node()
            value = loader.construct_document(node)
            if value is not None:
                yield value, node.start_mark.line + 1, node
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


def _note_lines(node: Any, path: str, lines: dict[str, int], seen: set[int]) -> None:
    """The line of every field and list entry below a YAML node; an alias counts once."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if node.id == "mapping":
        for key, value in node.value:
            inner = f"{path}.{key.value}" if path else str(key.value)
            lines[inner] = key.start_mark.line + 1
            _note_lines(value, inner, lines, seen)
    elif node.id == "sequence":
        for index, value in enumerate(node.value):
            inner = f"{path}[{index}]"
            lines[inner] = value.start_mark.line + 1
            _note_lines(value, inner, lines, seen)


def _objects(name: str, line: int, value: Any, node: Any, prefix: str = "") -> Iterator[Source]:
    if not isinstance(value, dict):
        raise InputError(f"{name}:{line}: not a Kubernetes object")
    kind = value.get("kind")
    if isinstance(kind, str) and kind.endswith("List") and isinstance(value.get("items"), list):
        whole = Source(value, name, line, node, prefix)
        for index, item in enumerate(value["items"]):
            at = whole.line_of(f"items[{index}]")
            yield from _objects(name, at, item, node, f"{prefix}items[{index}].")
        return
    metadata = value.get("metadata")
    if not isinstance(kind, str) or not isinstance(metadata, dict) or not metadata.get("name"):
        raise InputError(f"{name}:{line}: an object needs kind and metadata.name")
    yield Source(placed(value), name, line, node, prefix)


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
    check_document(source.document, f"{source.file}:{source.line}")


def check_document(document: Document, place: str) -> None:
    """Raise InputError, beginning with the place, for an object that makes no sense."""
    kind = _REGISTRY.of(document)
    if kind is None:
        _check_cluster_wide(document, place)
        return
    strict = kind is NETWORK_POLICY
    try:
        decoded, _ = decode(kind, document, "Strict" if strict else "Ignore")
        if strict:
            validate_create(kind, default(kind, decoded))
    except ApiError as error:
        raise InputError(f"{place}: {' '.join(error.message.split())}") from None


def _check_cluster_wide(document: Document, place: str) -> None:
    """Raise InputError for a cluster-wide policy whose fields have other types than they must."""
    if document.get("kind") in CLUSTER_KINDS:
        try:
            compile_cluster_policy(document)
        except (TypeError, ValueError, KeyError, AttributeError):
            raise InputError(f"{place}: this {document['kind']} is malformed") from None


_REGISTRY = Registry()
