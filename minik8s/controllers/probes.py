"""Readiness, liveness and startup probes: asked on the cluster's clock, answered by the pod.

A container without a readiness probe is ready as soon as it runs. One with a probe is asked
when it runs (after `initialDelaySeconds`) and then every `periodSeconds`; thresholds count
equal answers in a row. While a startup probe has not succeeded, the others wait.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from minik8s.clock import Clock, Timer
from minik8s.model.metadata import Document, name_of, namespace_of, uid_of

STARTUP, READINESS, LIVENESS = "Startup", "Readiness", "Liveness"
_FIELDS = {STARTUP: "startupProbe", READINESS: "readinessProbe", LIVENESS: "livenessProbe"}


class Prober(Protocol):
    """Carries out the question of a probe."""

    def probe(self, pod: Document, container: Document, spec: Mapping[str, Any]) -> str | None:
        """Ask once: why the container is not well (possibly no words), or None."""


@dataclass(slots=True, eq=False)
class _Question:
    """One probe of one running container, and how its answers have been."""

    pod: Document
    container: Document
    side: str
    spec: Mapping[str, Any]
    healthy: bool
    answer: bool = False
    streak: int = 0
    timer: Timer | None = None


class Probes:
    """Asks the probes of all running containers.

    `on_change(namespace, pod, container, ready)` is called when readiness changes,
    `on_dead(...)` when a liveness or startup probe has failed for good, and `on_failure(pod,
    container, text)` for each answer that says no.
    """

    def __init__(self, clock: Clock, prober: Prober) -> None:
        self.clock = clock
        self.prober = prober
        self.on_change: Callable[[str, str, str, bool], None] = _ignore
        self.on_dead: Callable[[str, str, str, str], None] = _ignore
        self.on_failure: Callable[[Document, Document, str], None] = _ignore
        self._asked: dict[str, list[_Question]] = {}

    def register(self, pod: Document, container: Document) -> bool:
        """A container has been started; whether it is ready without being asked."""
        questions = self._asked.get(uid_of(pod), [])
        for question in questions:
            if question.container["name"] == container["name"] and question.timer is not None:
                question.timer.cancel()
        questions = [q for q in questions if q.container["name"] != container["name"]]
        for side, field in _FIELDS.items():
            if spec := container.get(field):
                questions.append(_Question(pod, container, side, spec, side == LIVENESS))
        if questions:
            self._asked[uid_of(pod)] = questions
        return not any(q.side != LIVENESS for q in self._of(pod, container))

    def start(self, pod: Document, names: list[str]) -> None:
        """The containers run: ask what is to be asked at once, plan the rest."""
        for question in list(self._asked.get(uid_of(pod), ())):
            name = question.container["name"]
            starting = self._find(pod, question.container, STARTUP)
            if name in names and (starting is None or starting is question):
                self._arm(question, float(question.spec.get("initialDelaySeconds") or 0))

    def forget(self, uid: str) -> None:
        """A pod has ended."""
        for question in self._asked.pop(uid, ()):
            if question.timer is not None:
                question.timer.cancel()

    def _of(self, pod: Document, container: Document) -> list[_Question]:
        name = container["name"]
        return [q for q in self._asked.get(uid_of(pod), ()) if q.container["name"] == name]

    def _find(self, pod: Document, container: Document, side: str) -> _Question | None:
        return next((q for q in self._of(pod, container) if q.side == side), None)

    def _arm(self, question: _Question, delay: float) -> None:
        if delay > 0:
            question.timer = self.clock.call_later(delay, lambda: self._ask(question))
        else:
            self._ask(question)

    def _ask(self, question: _Question) -> None:
        pod, container, spec = question.pod, question.container, question.spec
        question.timer = None
        problem = self.prober.probe(pod, container, spec)
        if problem is not None:
            self.on_failure(pod, container, f"{question.side} probe failed: {problem}")
        alive = self._count(question, problem is None)
        if alive and question in self._asked.get(uid_of(pod), ()) and question.timer is None:
            self._arm(question, float(spec.get("periodSeconds") or 10))

    def _count(self, question: _Question, well: bool) -> bool:
        """Take in one answer; whether the question goes on being asked."""
        if well == question.healthy and question.side != STARTUP:
            question.streak = 0
            return True
        question.streak = question.streak + 1 if well == question.answer else 1
        question.answer = well
        threshold = "successThreshold" if well else "failureThreshold"
        if question.streak < int(question.spec.get(threshold) or (1 if well else 3)):
            return True
        question.streak, question.healthy = 0, well
        return self._conclude(question, well)

    def _conclude(self, question: _Question, well: bool) -> bool:
        pod, container = question.pod, question.container
        where = namespace_of(pod), name_of(pod), str(container["name"])
        if question.side == READINESS:
            self.on_change(*where, well)
            return True
        if not well:
            self.on_dead(*where, question.side.lower())
            return False
        if question.side == STARTUP:
            self._started(question, where)
            return False
        return True

    def _started(self, question: _Question, where: tuple[str, str, str]) -> None:
        """A startup probe has succeeded: the others begin."""
        others = [q for q in self._of(question.pod, question.container) if q is not question]
        if not any(other.side == READINESS for other in others):
            self.on_change(*where, True)
        for other in others:
            self._arm(other, float(other.spec.get("initialDelaySeconds") or 0))


def _ignore(*_: object) -> None:
    pass
