"""YAML and JSON as values, with the line where each of their fields stands.

What is read is what JSON can say: dates stay text, keys stand once in their mapping, and
aliases may not multiply without measure (sigs.k8s.io/yaml, go-yaml's limits).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NoReturn

from minik8s.analysis.files import InputError

_MERGE = "tag:yaml.org,2002:merge"
_TIMESTAMP = "tag:yaml.org,2002:timestamp"


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
        if self._text.find("\n", self._start, self._end) < 0:
            return self.line  # JSON lines: every field stands in this one
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


def values(name: str, text: str) -> Iterator[tuple[Any, Layout]]:
    """The YAML documents or JSON values of a text, whatever they are; raises InputError.

    JSON is known by its suffix, or where the text may be JSON and is.
    """
    if name.endswith((".json", ".jsonl")):
        yield from _json_values(name, text)
        return
    if text.lstrip()[:1] in ("{", "[") and not name.endswith((".yaml", ".yml")):
        try:
            found = list(_json_values(name, text))
        except InputError:
            found = list(_yaml_values(name, text))
        yield from found
        return
    yield from _yaml_values(name, text)


# -- JSON


class _Twice(Exception):
    """A key that stands twice in one JSON object."""


def _json_values(name: str, text: str) -> Iterator[tuple[Any, Layout]]:
    """One JSON value, or several after each other (JSON lines)."""
    decoder = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_constant)
    position, line = 0, 1
    while True:
        start = position
        position = _skip_space(text, position)
        line += text.count("\n", start, position)
        if position == len(text):
            return
        try:
            value, end = decoder.raw_decode(text, position)
        except json.JSONDecodeError as error:
            raise InputError(f"{name}:{error.lineno}: {error.msg}") from None
        except _Twice as error:
            where = _line_of_duplicate(text[position:]) or 0
            raise InputError(f"{name}:{line + where}: {error}") from None
        except ValueError as error:
            raise InputError(f"{name}:{line}: {error}") from None
        except RecursionError:
            raise InputError(f"{name}:{line}: nested too deeply") from None
        yield value, Layout(line, text, position, end)
        line += text.count("\n", position, end)
        position = end


def _skip_space(text: str, position: int) -> int:
    while position < len(text) and text[position] in " \t\r\n":
        position += 1
    return position


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise _Twice(_already(twice))
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _already(key: object) -> str:
    return f"key {json.dumps(str(key), ensure_ascii=False)} already set in map"


def _line_of_duplicate(text: str) -> int | None:
    """The line, from 0, of the first key that stands twice in its mapping."""
    node = _compose(text)
    todo = [node] if node is not None else []
    lines = []
    while todo:
        node = todo.pop()
        if node.id == "mapping":
            twice = _twice([key for key, _ in node.value])
            lines += [twice.start_mark.line] if twice is not None else []
            todo += [value for _, value in node.value]
        elif node.id == "sequence":
            todo += node.value
    return min(lines, default=None)


# -- YAML


def _yaml_values(name: str, text: str) -> Iterator[tuple[Any, Layout]]:
    import yaml

    loader, line = None, 1
    try:
        loader = _loader_class()(text)
        while loader.check_node():
            node = loader.get_node()
            line = node.start_mark.line + 1
            start, end = node.start_mark.index, node.end_mark.index
            _check_aliases(node, text, start, end)
            value = loader.construct_document(node)
            if value is not None:
                yield value, Layout(line, text, start, end)
    except yaml.YAMLError as error:
        raise InputError(f"{name}:{_line(error, text, line)}: {_problem(error)}") from None
    except (ValueError, TypeError) as error:
        raise InputError(f"{name}:{line}: {error}") from None
    except RecursionError:
        raise InputError(f"{name}:{line}: nested too deeply") from None
    finally:
        if loader is not None:
            loader.dispose()


def _line(error: Any, text: str, otherwise: int) -> int:
    """Where a text is no YAML; what is missing at the end stands in the last line."""
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        return min(int(mark.line) + 1, text.rstrip("\n").count("\n") + 1)
    strange = _control_characters().search(text)
    return text.count("\n", 0, strange.start()) + 1 if strange else otherwise


def _control_characters() -> re.Pattern[str]:
    from yaml.reader import Reader

    found: re.Pattern[str] = Reader.NON_PRINTABLE
    return found


def _problem(error: Any) -> str:
    return getattr(error, "problem", None) or str(error).partition("\n")[0]


@lru_cache(maxsize=1)
def _loader_class() -> Any:
    """PyYAML's safe loader, the C one where it exists, for what JSON knows."""
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    resolvers = {
        first: [(tag, regexp) for tag, regexp in rows if tag != _TIMESTAMP]
        for first, rows in base.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self: Any, node: Any, deep: bool = False) -> Any:
        keys = [key for key, _ in node.value] if node.id == "mapping" else []
        found = base.construct_mapping(self, node, deep)
        if len(found) != len(keys) and (twice := _twice(keys)) is not None:
            raise yaml.constructor.ConstructorError(
                None, None, _already(twice.value), twice.start_mark
            )
        if all(type(key) is str for key in found):
            return found
        return {_key(key): value for key, value in found.items()}

    members = {"yaml_implicit_resolvers": resolvers, "construct_mapping": construct_mapping}
    return type("JsonYamlLoader", (base,), members)


def _twice(keys: list[Any]) -> Any:
    """The first of the key nodes of a mapping that stands there twice; merges may."""
    seen: set[str] = set()
    for key in keys:
        if key.id == "scalar" and key.tag != _MERGE:
            if key.value in seen:
                return key
            seen.add(key.value)
    return None


def _key(key: object) -> str:
    """A key as JSON has it: numbers, truth values and null become text."""
    return key if isinstance(key, str) else json.dumps(key, default=str)


def _check_aliases(node: Any, text: str, start: int, end: int) -> None:
    """Raise ValueError for aliases that make much of little, or that hold themselves."""
    if "&" not in text[start:end]:
        return
    if _weight(node, {}) > 10_000 + 10 * (end - start):
        raise ValueError("document contains excessive aliasing")


def _weight(node: Any, known: dict[int, int | None]) -> int:
    """How many nodes there are once every alias is spelled out."""
    key = id(node)
    if key in known:
        weight = known[key]
        if weight is None:
            raise ValueError("an anchor's value contains itself")
        return weight
    if node.id == "scalar":
        return 1
    known[key] = None
    inner = node.value if node.id == "sequence" else [n for pair in node.value for n in pair]
    weight = known[key] = 1 + sum(_weight(each, known) for each in inner)
    return weight


def _compose(text: str) -> Any:
    """The YAML nodes of a text that is known to be readable; None for none.

    JSON is almost always YAML; where it is not, only the lines of its fields are unknown.
    """
    import yaml

    if not text:
        return None
    loader = None
    try:
        loader = _loader_class()(text)
        return loader.get_node() if loader.check_node() else None
    except yaml.YAMLError:
        return None
    finally:
        if loader is not None:
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


def _parent(path: str) -> str:
    cut = max(path.rfind("."), path.rfind("["))
    return path[:cut] if cut > 0 else ""
