"""Policy tests: cases, each a small cluster with probes and what they should say.

The verdict is policy's alone, listener or not; a workload stands for all its pods.
`casefile` reads cases from files.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from minik8s.analysis.files import InputError
from minik8s.analysis.workloads import Owners, complete
from minik8s.model.metadata import Document, name_of, namespace_of
from minik8s.policy.snapshot import Snapshot
from minik8s.policy.values import Decision, Direction, Peer, Reason, Verdict


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
