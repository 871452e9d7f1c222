"""Policy tests: files of cases, each a small cluster with probes and what they should say.

A case is `id`, `objects` (inline) or `manifests` (paths relative to the file), and `probes`
with `from`, `to`, `port`, `protocol` and, if wanted, `expect`. YAML or JSON lines. The
verdict is policy's alone, listener or not; a workload stands for all its pods.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minik8s.analysis import inputs
from minik8s.analysis.inputs import InputError
from minik8s.analysis.workloads import Owners, complete
from minik8s.model.metadata import Document, name_of, namespace_of
from minik8s.policy.addresses import parse_address
from minik8s.policy.ports import LAST_PORT, PROTOCOLS
from minik8s.policy.snapshot import Snapshot
from minik8s.policy.values import Decision, Direction, Peer, Reason, Verdict

ICMP = "ICMP"
_CASE_FIELDS = {"id", "objects", "manifests", "probes", "source", "tags", "description"}
_PROBE_FIELDS = {"from", "to", "port", "protocol", "expect", "description"}


@dataclass(frozen=True, slots=True)
class Probe:
    """One question of a case; `expect` is None if nothing is expected."""

    source: str
    target: str
    port: int | None
    protocol: str
    expect: Verdict | None
    line: int

    @property
    def title(self) -> str:
        """The question in words."""
        port = "" if self.port is None else f"{self.port}/"
        return f"{self.source} -> {self.target} {port}{self.protocol}"


@dataclass(frozen=True, slots=True)
class Case:
    """One small cluster and its questions."""

    id: str
    documents: tuple[Document, ...]
    probes: tuple[Probe, ...]
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """The answer to one probe; None as verdict if the pods of a workload disagree."""

    probe: Probe
    verdict: Verdict | None
    reason: str

    @property
    def passed(self) -> bool:
        """Whether the answer is the expected one; without an expectation all must agree."""
        if self.probe.expect is None:
            return self.verdict is not None
        return self.verdict is self.probe.expect

    @property
    def complaint(self) -> str:
        """What was expected, what it is, and why."""
        data = self.data()
        wanted = f"expected {data['expect']}, is " if data["expect"] else ""
        return f"{wanted}{data['verdict']}: {self.reason}"

    def data(self) -> dict[str, Any]:
        """The result as `--json` prints it."""
        probe = self.probe
        return {
            "from": probe.source,
            "to": probe.target,
            "port": probe.port,
            "protocol": probe.protocol,
            "expect": probe.expect.value if probe.expect else None,
            "verdict": self.verdict.value if self.verdict else "mixed",
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class CaseResult:
    """The answers to a case, in the order of its probes."""

    case: Case
    results: tuple[ProbeResult, ...]

    @property
    def passed(self) -> bool:
        """Whether every probe passed."""
        return all(result.passed for result in self.results)

    def data(self) -> dict[str, Any]:
        """The result as `--json` prints it, one line for each case."""
        return {"id": self.case.id, "probes": [result.data() for result in self.results]}


def read_cases(paths: Iterable[str], max_bytes: int = inputs.MAX_BYTES) -> list[Case]:
    """The cases of files and folders; raises InputError with file and line."""
    cases: list[Case] = []
    for path in paths:
        before = len(cases)
        for name, text in inputs.texts(path, max_bytes):
            for raw, layout in inputs.values(name, text):
                cases.append(_Reader(name, layout, max_bytes).case(raw, len(cases) + 1))
        if len(cases) == before:
            raise InputError(f"{path}: no case in it")
    return cases


class _Reader:
    """Checks one raw case; every complaint names the file and the line."""

    def __init__(self, file: str, layout: inputs.Layout, max_bytes: int) -> None:
        self.file, self.line = file, layout.line
        self._line_of, self._max_bytes = layout.line_of, max_bytes

    def error(self, path: str, text: str) -> InputError:
        return InputError(f"{self.file}:{self._line_of(path)}: {text}")

    def case(self, raw: Any, number: int) -> Case:
        if not isinstance(raw, dict):
            raise self.error("", "a case is a mapping with objects or manifests, and probes")
        for key in raw:
            if key not in _CASE_FIELDS:
                raise self.error(str(key), f"unknown field {key!r} in a case")
        documents = tuple(self._documents(raw))
        if not documents:
            raise self.error("", "a case needs objects or manifests")
        raw_probes = raw.get("probes")
        if not isinstance(raw_probes, list) or not raw_probes:
            raise self.error("probes", "a case needs a list of probes")
        probes = tuple(self._probe(f"probes[{i}]", probe) for i, probe in enumerate(raw_probes))
        self._contradictions(probes)
        name = str(raw.get("id") or f"{self.file}#{number}")
        return Case(name, documents, probes, self.file, self.line)

    def _documents(self, raw: Mapping[str, Any]) -> Iterator[Document]:
        objects = raw.get("objects") or []
        if not isinstance(objects, list):
            raise self.error("objects", "objects is a list of Kubernetes objects")
        for index, document in enumerate(objects):
            metadata = document.get("metadata") if isinstance(document, dict) else None
            if not isinstance(metadata, dict) or not metadata.get("name") or "kind" not in document:
                raise self.error(f"objects[{index}]", "an object needs kind and metadata.name")
            whole = inputs.placed(document)
            complaint = inputs.complaint_about(whole)
            if complaint:
                raise self.error(f"objects[{index}]", complaint)
            yield whole
        manifests = raw.get("manifests") or []
        if not isinstance(manifests, list):
            raise self.error("manifests", "manifests is a list of paths")
        for index, path in enumerate(manifests):
            place = Path(str(path)) if self.file == "-" else Path(self.file).parent / str(path)
            if not place.exists():
                raise self.error(f"manifests[{index}]", f"{path}: no such file")
            for source in inputs.read([str(place)], self._max_bytes):
                inputs.check(source)
                yield source.document

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
            raise self.error(f"{path}.expect", f"expect {expect!r}: allow or deny")
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
        port = raw.get("port")
        if protocol == ICMP:
            return None
        if isinstance(port, bool) or not isinstance(port, int) or not 1 <= port <= LAST_PORT:
            raise self.error(f"{path}.port", f"port {port}: a whole number from 1 to 65535")
        return port

    def _contradictions(self, probes: Iterable[Probe]) -> None:
        said: dict[tuple[object, ...], Probe] = {}
        for probe in probes:
            key = (probe.source, probe.target, probe.port, probe.protocol)
            other = said.setdefault(key, probe)
            if probe.expect and other.expect and probe.expect is not other.expect:
                text = f"contradicts the probe in line {other.line}"
                raise InputError(f"{self.file}:{probe.line}: {text}")


def run_case(case: Case) -> CaseResult:
    """Judge every probe of a case; raises InputError for an end that is not there."""
    return CaseResult(case, tuple(_Runner(case).results()))


class _Runner:
    def __init__(self, case: Case) -> None:
        self._case = case
        documents = complete(case.documents)
        self._snapshot = Snapshot.of(documents)
        self._documents = documents
        self._workloads: dict[str, list[Peer]] | None = None

    def results(self) -> Iterator[ProbeResult]:
        for probe in self._case.probes:
            sources, targets = self._peers(probe, probe.source), self._peers(probe, probe.target)
            decided = [
                (one, other, self._decide(one, other, probe))
                for one in sources
                for other in targets
                if one.key != other.key or len(sources) == len(targets) == 1
            ]
            yield _result(probe, decided)

    def _decide(self, one: Peer, other: Peer, probe: Probe) -> Decision:
        one, other = self._snapshot.pair(one, other, probe.source, probe.target)
        return self._snapshot.policies.decide(one, other, probe.protocol, probe.port)

    def _peers(self, probe: Probe, text: str) -> list[Peer]:
        peer = self._snapshot.peer(text)
        if peer is not None:
            return [peer]
        found = self._by_workload().get(text)
        if not found:
            raise InputError(f"{self._case.file}:{probe.line}: {text}: no such pod or workload")
        return found

    def _by_workload(self) -> dict[str, list[Peer]]:
        if self._workloads is None:
            owners, self._workloads = Owners(self._documents), {}
            for document in self._documents:
                if document.get("kind") == "Pod":
                    key = f"{namespace_of(document) or 'default'}/{name_of(document)}"
                    peer = self._snapshot.pods.get(key)
                    if peer is not None:
                        owner = str(owners.workload(document))
                        self._workloads.setdefault(owner, []).append(peer)
        return self._workloads


def _result(probe: Probe, decided: list[tuple[Peer, Peer, Decision]]) -> ProbeResult:
    verdicts = {decision.verdict for _, _, decision in decided}
    if len(verdicts) == 1:
        return ProbeResult(probe, decided[0][2].verdict, reason_text(decided[0][2]))
    groups = [
        f"{verdict.value}: "
        + ", ".join(f"{a.key} -> {b.key}" for a, b, d in decided if d.verdict is verdict)
        for verdict in Verdict
    ]
    return ProbeResult(probe, None, f"the pods disagree: {'; '.join(groups)}")


def reason_text(decision: Decision) -> str:
    """One line on why a connection is allowed or denied."""
    direction = decision.dropped_by
    if direction is not None:
        side = decision.egress if direction is Direction.EGRESS else decision.ingress
        word = direction.value.lower()
        if side.matched is not None:
            return f"{word} denied by {word}[{side.matched.index}] of {side.matched.policy}"
        return f"no {word} rule of {', '.join(map(str, side.selecting))} matches"
    parts = []
    for side in (decision.egress, decision.ingress):
        word = side.direction.value.lower()
        if side.matched is not None:
            parts.append(f"{word}[{side.matched.index}] of {side.matched.policy}")
        elif side.reason is Reason.NO_RULE:
            parts.append(f"no {word} rule denies it")
        elif side.reason in (Reason.OWN_NODE, Reason.LOOPBACK):
            parts.append(side.reason.value)
    return ", ".join(dict.fromkeys(parts)) or "no policy selects either end"
