"""Our kubectl and the real one, command by command, on clusters that are twins.

The real one speaks to `minik8s serve` over TLS and has a terminal; only ages and timestamps,
and the spaces that line up columns, may differ.
"""

from __future__ import annotations

from collections import Counter
from difflib import unified_diff

import pytest
from clients_serving import Served
from clients_twins import Line, Ran, Twins, comparable, script

LINES = script()
VERBS = tuple(dict.fromkeys(line.verb for line in LINES))
MANY = (
    *("get", "create", "apply", "describe", "delete", "label", "annotate", "patch", "exec", "run"),
    *("scale", "rollout", "set", "logs", "wait", "expose", "config"),
)


def test_the_script_covers_what_it_should() -> None:
    counts = Counter(line.verb for line in LINES)
    assert sum(counts.values()) >= 300
    assert {verb: counts[verb] for verb in MANY if counts[verb] < 10} == {}
    outputs = {word for line in LINES for word in line.words if line.words[0] == "get"}
    assert {"yaml", "json", "name", "wide", "kyaml"} <= outputs


@pytest.fixture(scope="module")
def differences(served: Served) -> dict[str, list[str]]:
    """What differed, verb by verb."""
    twins = Twins(served)
    found: dict[str, list[str]] = {verb: [] for verb in VERBS}
    for line in LINES:
        real, ours = twins.real(line.words, line.piped), twins.ours(line.words, line.piped)
        if plain(real, line) != plain(ours, line):
            found[line.verb].append(told(line, real, ours))
    return found


def told(line: Line, real: Ran, ours: Ran) -> str:
    """A difference, for whoever has to remove it."""
    texts = [f"$ kubectl {' '.join(line.words)}", f"exit codes {real.code} and {ours.code}"]
    for one, other in ((real.stdout, ours.stdout), (real.stderr, ours.stderr)):
        lines = (comparable(one).splitlines(), comparable(other).splitlines())
        texts += unified_diff(*lines, "real", "ours", lineterm="", n=0)
    return "\n".join(texts)


def plain(ran: Ran, line: Line) -> tuple[object, ...]:
    """What must be alike."""
    out, err = comparable(ran.stdout), comparable(ran.stderr)
    return (sorted(out.splitlines()) if line.any_order else out), err, ran.code


@pytest.mark.parametrize("verb", VERBS)
def test_both_say_the_same(verb: str, differences: dict[str, list[str]]) -> None:
    assert not differences[verb], "\n".join(differences[verb])
