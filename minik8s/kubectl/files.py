"""`-f`: files, folders, patterns and standard input, read into objects."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from minik8s.clock import parse_rfc3339
from minik8s.kubectl.call import Call
from minik8s.kubectl.failures import Exit, Failure, Unreachable
from minik8s.kubectl.gotext import compact_json, quote
from minik8s.kubectl.yamlin import ParseError, documents
from minik8s.model.metadata import Document

STDIN = "STDIN"
_CTRL_C = "\x03"
_EXTENSIONS = (".json", ".yaml", ".yml")
_STOP = "if you choose to ignore these errors, turn validation off with --validate=false"


@dataclass(frozen=True, slots=True)
class Source:
    """One thing to read: a file, standard input or a URL."""

    path: str
    validate: bool = False
    data: bytes | None = None
    """What to read, where it is at hand already."""

    @property
    def name(self) -> str:
        """How messages name it."""
        return STDIN if self.path == "-" else self.path

    def read(self, call: Call) -> Iterator[Document | Failure]:
        """Its objects; a Failure in the place of each that cannot be decoded.

        Raises Failure where the rest cannot be read either.
        """
        try:
            for value in documents(self.content(call)):
                if value is None:
                    continue
                if self.validate:
                    self._check(value)
                yield self._decoded(value)
        except ParseError as error:
            raise Failure(f"error parsing {self.name}: {error}") from None

    def content(self, call: Call) -> bytes:
        """All of its bytes; raises Failure if it cannot be read."""
        if self.data is not None:
            return self.data
        if self.path == "-":
            return _standard_input(call).encode()
        if self.path.startswith(("http://", "https://")):
            raise Unreachable("/".join(self.path.split("/")[:3]))
        try:
            return call.io.read_file(self.path)
        except IsADirectoryError:
            raise Failure(f"read {self.path}: is a directory") from None
        except FileNotFoundError:
            raise Failure(f"open {self.path}: no such file or directory") from None

    def _check(self, value: Any) -> None:
        text = validation_problem(value)
        if text:
            raise Failure(
                f"error validating {quote(self.name)}: error validating data: {text}; {_STOP}"
            )

    def _decoded(self, value: Any) -> Document | Failure:
        problem = decoding_problem(value)
        if problem:
            return Failure(f"unable to decode {quote(self.name)}: {problem}")
        document: Document = value
        return document


def validation_problem(value: Any) -> str:
    """What kubectl's own check of a manifest finds, before any server sees it, or nothing."""
    problems = _problems(value)
    return f"[{', '.join(problems)}]" if len(problems) > 1 else "".join(problems)


def _problems(value: Any) -> list[str]:
    if not isinstance(value, dict):
        return ["invalid object to validate"]
    if value.get("kind") == "List" and value.get("apiVersion") == "v1":
        items = value.get("items")
        return [p for item in items or () for p in _problems(item)]
    return [f"{key} not set" for key in ("apiVersion", "kind") if not value.get(key)]


_METADATA = {
    "name": "string",
    "generateName": "string",
    "namespace": "string",
    "selfLink": "string",
    "uid": "types.UID",
    "resourceVersion": "string",
    "generation": "int64",
    "labels": "map[string]string",
    "annotations": "map[string]string",
    "finalizers": "[]string",
    "ownerReferences": "[]v1.OwnerReference",
}
_JSON_NAMES = {dict: "object", list: "array", str: "string", bool: "bool", int: "number"}


def decoding_problem(value: Any) -> str:
    """Why a value cannot be an object (unstructured.UnstructuredJSONScheme), or nothing."""
    if not isinstance(value, dict):
        return f"json: cannot unmarshal {_json(value)} into Go value of type unstructured.detector"
    kind = value.get("kind")
    if not isinstance(kind, str) or not kind:
        return f"Object 'Kind' is missing in '{compact_json(value)}'"
    if not isinstance(value.get("apiVersion", ""), str):
        return (
            f"json: cannot unmarshal {_json(value['apiVersion'])} into Go struct field "
            "metadataOnlyObject.TypeMeta.apiVersion of type string"
        )
    items = value.get("items")
    if items is not None and not isinstance(items, list):
        return (
            f"json: cannot unmarshal {_json(items)} into Go struct field decodeList.items of "
            "type []json.RawMessage"
        )
    return _metadata_problem(value.get("metadata"))


def _metadata_problem(metadata: Any) -> str:
    if metadata is None:
        return ""
    if not isinstance(metadata, dict):
        return (
            f"json: cannot unmarshal {_json(metadata)} into Go struct field "
            "metadataOnlyObject.metadata of type v1.ObjectMeta"
        )
    for key, kind in _METADATA.items():
        bad, wanted = _wrong(metadata.get(key), kind)
        if wanted:
            return (
                f"json: cannot unmarshal {_json(bad)} into Go struct field "
                f"ObjectMeta.metadata.{key} of type {wanted}"
            )
    return _time_problem(metadata.get("creationTimestamp"))


def _wrong(value: Any, kind: str) -> tuple[Any, str]:
    """The part of a value that has the wrong type, and the type wanted."""
    if value is None:
        return None, ""
    if kind.startswith("map"):
        if not isinstance(value, dict):
            return value, kind
        bad = [v for _, v in sorted(value.items()) if v is not None and not isinstance(v, str)]
        return (bad[0], "string") if bad else (None, "")
    if kind.startswith("[]"):
        return (None, "") if isinstance(value, list) else (value, kind)
    wanted = int if kind == "int64" else str
    good = isinstance(value, wanted) and not isinstance(value, bool)
    return (None, "") if good else (value, kind)


def _time_problem(value: Any) -> str:
    if value is None:
        return ""
    try:
        parse_rfc3339(value)
    except (ValueError, AttributeError, TypeError):
        text = str(value)
        return (
            f'parsing time {quote(text)} as "2006-01-02T15:04:05Z07:00": cannot parse '
            f'{quote(text)} as "2006"'
        )
    return ""


def _json(value: Any) -> str:
    return "number" if isinstance(value, float) else _JSON_NAMES.get(type(value), "null")


def sources(call: Call, *, validate: bool = False) -> list[Source | Failure]:
    """What `-f`, `-R` and `-k` name, in order; a Failure in the place of what is not there."""
    flags = call.flags
    names = flags.items("filename") if flags.knows("filename") else []
    kustomize = flags.text("kustomize") if flags.knows("kustomize") else ""
    recursive = flags.on("recursive")
    if kustomize:
        if names:
            return [Failure("only one of -f or -k can be specified")]
        if flags.given("recursive") and recursive:
            return [Failure("the -k flag can't be used with -f or -R")]
        return [Failure("kustomizations cannot be built here; write the manifests out and use -f")]
    found: list[Source | Failure] = []
    for name in names:
        if name == "-" and Source("-", validate) in found:
            found.append(Failure("standard input cannot be used for multiple arguments"))
        elif name == "-" or name.startswith(("http://", "https://")):
            found.append(Source(name, validate))
        else:
            found += _paths(call, name, recursive, validate)
    return found


def _paths(call: Call, name: str, recursive: bool, validate: bool) -> list[Source | Failure]:
    found: list[Source | Failure] = []
    matches = [name] if _exists(call, name) else _matching(call, name)
    if not matches:
        return [Failure(f"the path {quote(name)} does not exist")]
    for match in matches:
        found += [Source(path, validate) for path in _walk(call, match, recursive, top=True)]
    if not found:
        return [
            Failure(
                f"error reading [{' '.join(matches)}]: recognized file extensions are "
                f"[{' '.join(_EXTENSIONS)}]"
            )
        ]
    return found


def _exists(call: Call, path: str) -> bool:
    return is_folder(call, path) or _is_file(call, path)


def is_folder(call: Call, path: str) -> bool:
    """Whether a path is a folder."""
    try:
        call.io.list_dir(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _is_file(call: Call, path: str) -> bool:
    try:
        call.io.read_file(path)
    except (FileNotFoundError, IsADirectoryError):
        return False
    return True


def _matching(call: Call, pattern: str) -> list[str]:
    folder, _, last = pattern.rpartition("/")
    if not any(char in last for char in "*?["):
        return []
    try:
        names = call.io.list_dir(folder or ".")
    except (FileNotFoundError, NotADirectoryError):
        return []
    prefix = f"{folder}/" if folder else ""
    return [prefix + name for name in sorted(names) if fnmatchcase(name, last)]


def _walk(call: Call, path: str, recursive: bool, *, top: bool) -> Iterator[str]:
    if not is_folder(call, path):
        if top or path.endswith(_EXTENSIONS):
            yield path
        return
    if not top and not recursive:
        return
    for name in sorted(call.io.list_dir(path)):
        yield from _walk(call, posixpath.join(path, name), recursive, top=False)


def _standard_input(call: Call) -> str:
    """All of it; a person types it, and ends it with Ctrl-D."""
    if call.io.stdin is not None or not call.io.interactive:
        return call.io.stdin or ""
    lines: list[str] = []
    while (line := call.io.read_line()) is not None:
        if line == _CTRL_C:
            raise Exit(130, "")
        lines.append(line)
    return "".join(lines)
