"""Files of policy tests: cases in YAML or JSON lines.

A case is `id`, `objects` (inline) or `manifests` (paths relative to the file), and `probes`
with `from`, `to`, `port`, `protocol` and, if wanted, `expect`. A file holds one case, several
documents, or lists of cases; in a folder Kubernetes manifests may lie beside the cases.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from minik8s.analysis import inputs
from minik8s.analysis.cases import Case, Probe
from minik8s.analysis.inputs import InputError
from minik8s.analysis.objects import foreign
from minik8s.model.metadata import Document
from minik8s.policy.addresses import parse_address
from minik8s.policy.ports import LAST_PORT, PROTOCOLS
from minik8s.policy.values import Verdict

ICMP = "ICMP"
_CASE_FIELDS = {"id", "objects", "manifests", "probes", "source", "tags", "description"}
_PROBE_FIELDS = {"from", "to", "port", "protocol", "expect", "description"}


def read_cases(paths: Iterable[str], max_bytes: int = inputs.MAX_BYTES) -> list[Case]:
    """The cases of files and folders; raises InputError with file and line."""
    cases: list[Case] = []
    for path in paths:
        before = len(cases)
        for name, text in inputs.texts(path, max_bytes):
            seen: dict[str, int] = {}
            for case in _cases(name, text, max_bytes, len(cases), beside=name != path):
                if case.id in seen:
                    said = f"the case in line {seen[case.id]} has the id {case.id} too"
                    raise InputError(f"{name}:{case.line}: {said}")
                seen[case.id] = case.line
                cases.append(case)
        if len(cases) == before:
            raise InputError(f"{path}:1: no case in it")
    return cases


def _cases(name: str, text: str, max_bytes: int, before: int, *, beside: bool) -> Iterator[Case]:
    number = before
    for value, layout in inputs.values(name, text):
        if beside and isinstance(value, dict) and {"apiVersion", "kind"} <= value.keys():
            continue
        rows = value if isinstance(value, list) else [value]
        for index, raw in enumerate(rows):
            number += 1
            prefix = f"[{index}]" if rows is value else ""
            yield _Reader(name, layout, prefix, max_bytes).case(raw, number)


class _Reader:
    """Checks one raw case; every complaint names the file and the line."""

    def __init__(self, file: str, layout: inputs.Layout, prefix: str, max_bytes: int) -> None:
        self.file, self._layout, self._prefix = file, layout, prefix
        self._max_bytes = max_bytes

    def _line_of(self, path: str) -> int:
        return self._layout.line_of(f"{self._prefix}.{path}".strip("."))

    def error(self, path: str, text: str) -> InputError:
        return InputError(f"{self.file}:{self._line_of(path)}: {text}")

    def case(self, raw: Any, number: int) -> Case:
        if not isinstance(raw, dict):
            raise self.error("", "a case is a mapping with objects or manifests, and probes")
        for key in raw:
            if key not in _CASE_FIELDS:
                raise self.error(str(key), f"unknown field {key!r} in a case")
        name = raw.get("id")
        if isinstance(name, (bool, float, list, dict)):
            raise self.error("id", f"id {_shown(name)}: a text")
        documents = (*self._objects(raw), *self._manifests(raw))
        if not documents:
            raise self.error("", "a case needs objects or manifests")
        raw_probes = raw.get("probes")
        if not isinstance(raw_probes, list) or not raw_probes:
            raise self.error("probes", "a case needs a list of probes")
        probes = tuple(self._probe(f"probes[{i}]", probe) for i, probe in enumerate(raw_probes))
        self._contradictions(probes)
        label = f"{self.file}#{number}" if name in (None, "") else str(name)
        return Case(label, documents, probes, self.file, self._line_of(""))

    def _objects(self, raw: Mapping[str, Any]) -> Iterator[Document]:
        rows = raw.get("objects") or []
        if not isinstance(rows, list):
            raise self.error("objects", "objects is a list of Kubernetes objects")
        for index, value in enumerate(rows):
            prefix = f"{self._prefix}.objects[{index}].".lstrip(".")
            for source in inputs.objects(self.file, value, self._layout, prefix):
                yield from _checked(source)

    def _manifests(self, raw: Mapping[str, Any]) -> Iterator[Document]:
        manifests = raw.get("manifests") or []
        if not isinstance(manifests, list):
            raise self.error("manifests", "manifests is a list of paths")
        folder = Path() if self.file == "-" else Path(self.file).parent
        for index, path in enumerate(manifests):
            where = f"manifests[{index}]"
            if not isinstance(path, str) or not path or path == "-":
                raise self.error(where, f"{_shown(path)}: a path, as text")
            place = os.path.normpath(folder / path)
            if not os.path.exists(place):
                raise self.error(where, f"{path}: no such file")
            if os.path.isdir(place) and not inputs.manifests(place):
                raise self.error(where, f"{path}: no YAML or JSON file in this directory")
            for source in inputs.read([place], self._max_bytes):
                yield from _checked(source)

    def _probe(self, path: str, raw: Any) -> Probe:
        if not isinstance(raw, dict):
            raise self.error(path, "a probe is a mapping with from, to and port")
        for key in raw:
            if key not in _PROBE_FIELDS:
                raise self.error(f"{path}.{key}", f"unknown field {key!r} in a probe")
        source, target = (self._end(path, raw, field) for field in ("from", "to"))
        protocol = str(raw.get("protocol") or "TCP").upper()
        if protocol not in (*PROTOCOLS, ICMP):
            raise self.error(f"{path}.protocol", f"protocol {protocol}: TCP, UDP, SCTP or ICMP")
        port = self._port(path, raw, protocol)
        expect = raw.get("expect")
        if expect not in (None, "allow", "deny"):
            raise self.error(f"{path}.expect", f"expect {_shown(expect)}: allow or deny")
        verdict = Verdict(expect) if expect else None
        return Probe(source, target, port, protocol, verdict, self._line_of(path))

    def _end(self, path: str, raw: Mapping[str, Any], field: str) -> str:
        text = raw.get(field)
        if not isinstance(text, str):
            raise self.error(f"{path}.{field}", f"a probe needs {field!r} as text")
        if text.startswith("ip:") and not parse_address(text.removeprefix("ip:"))[0]:
            raise self.error(f"{path}.{field}", f"{text}: not an address")
        if not text.startswith("ip:") and text.count("/") != 1:
            raise self.error(
                f"{path}.{field}", f"{text}: namespace/pod, namespace/workload or ip:ADDRESS"
            )
        return text

    def _port(self, path: str, raw: Mapping[str, Any], protocol: str) -> int | None:
        if protocol == ICMP:
            return None
        if raw.get("port") is None:
            raise self.error(path, "a probe needs a port")
        port = raw["port"]
        if isinstance(port, bool) or not isinstance(port, int) or not 1 <= port <= LAST_PORT:
            text = f"port {_shown(port)}: a whole number from 1 to {LAST_PORT}"
            raise self.error(f"{path}.port", text)
        return port

    def _contradictions(self, probes: Iterable[Probe]) -> None:
        said: dict[tuple[object, ...], Probe] = {}
        for probe in probes:
            if probe.expect is None:
                continue
            key = (_place(probe.source), _place(probe.target), probe.port, probe.protocol)
            other = said.setdefault(key, probe)
            if probe.expect is not other.expect:
                text = f"contradicts the probe in line {other.line}"
                raise InputError(f"{self.file}:{probe.line}: {text}")


def _checked(source: inputs.Source) -> Iterator[Document]:
    """The object, unless it is one that is only called like one of ours; raises InputError."""
    inputs.check(source)
    if not foreign(source.document):
        yield source.document


def _place(end: str) -> object:
    """An end whose addresses are the same however they are spelled."""
    return parse_address(end.removeprefix("ip:")) if end.startswith("ip:") else end


def _shown(value: object) -> str:
    """A value as JSON has it: text in quotes, `true` and not `True`."""
    return json.dumps(value, ensure_ascii=False, default=str)
