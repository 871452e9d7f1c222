"""The commands `test`, `matrix`, `explain`, `diff` and `lint`, but for the terminal.

Each takes what a parser made of its arguments and returns the text and the exit code: 0 fine,
1 the answer is no, 2 bad input (one line, for standard error).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from minik8s.analysis import inputs, matrix_text
from minik8s.analysis.casefile import read_cases
from minik8s.analysis.cases import CaseResult, run_case
from minik8s.analysis.diff import Change, Difference, difference, merged
from minik8s.analysis.explain import Explainer
from minik8s.analysis.explain_text import explain_data, explain_text
from minik8s.analysis.inputs import InputError, Source
from minik8s.analysis.lint import MENDS, Finding, lint
from minik8s.analysis.matrix import Matrix
from minik8s.analysis.objects import foreign
from minik8s.model.metadata import Document
from minik8s.policy.ports import LAST_PORT, PROTOCOLS
from minik8s.policy.values import Verdict

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Renderer = Callable[[matrix_text.Grid], bytes]
"""Draws a grid as PNG; `course` registers one."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a command prints on standard output or error, and its exit code."""

    out: str | bytes = ""
    code: int = 0
    err: str = ""


def failed(error: InputError) -> Report:
    """The report of bad input: one line on standard error, exit code 2."""
    return Report("", 2, f"{error}\n")


def parse_port(text: str) -> matrix_text.Port:
    """`8080/TCP`, `8080`, `53/udp` or `ICMP` as protocol and number; raises InputError."""
    number, _, protocol = text.partition("/")
    protocol = (protocol or "TCP").upper()
    if number.upper() == "ICMP":
        return ("ICMP", None)
    if protocol not in PROTOCOLS or not number.isascii() or not number.isdigit():
        raise InputError(f"{text}: a port is NUMBER/PROTOCOL, such as 8080/TCP")
    if not 1 <= int(number) <= LAST_PORT:
        raise InputError(f"{text}: a port is a whole number from 1 to {LAST_PORT}")
    return (protocol, int(number))


def load(paths: Iterable[str], max_bytes: int = inputs.MAX_BYTES) -> list[Source]:
    """The objects of files, folders and standard input, policies validated."""
    sources = inputs.read(paths, max_bytes)
    for source in sources:
        inputs.check(source)
    return [source for source in sources if not foreign(source.document)]


def run_test(
    paths: Sequence[str], *, as_json: bool = False, max_bytes: int = inputs.MAX_BYTES
) -> tuple[Report, list[CaseResult]]:
    """`minik8s test`: the report, and the results for `junit`."""
    try:
        results = [run_case(case) for case in read_cases(paths, max_bytes)]
    except InputError as error:
        return failed(error), []
    code = 0 if all(result.passed for result in results) else 1
    if as_json:
        return Report("".join(f"{json.dumps(r.data())}\n" for r in results), code), results
    return Report(_test_text(results), code), results


def _test_text(results: Iterable[CaseResult]) -> str:
    lines, probes, wrong = [], 0, 0
    for result in results:
        lines.append(f"{'ok' if result.passed else 'FAILED'}  {result.case.id}")
        for answer in result.results:
            probes += 1
            wrong += not answer.passed
            if answer.passed:
                continue
            where = f"{result.case.file}:{answer.probe.line}"
            lines.append(f"    {where}: {answer.probe.title}")
            lines.append(f"        {answer.complaint}")
    lines.append(f"{probes} probe{'' if probes == 1 else 's'}, {wrong} failed")
    return "\n".join(lines) + "\n"


def junit(results: Sequence[CaseResult]) -> str:
    """The results as JUnit XML, a test suite for each case and a test for each probe."""
    parts = ['<?xml version="1.0" encoding="utf-8"?>', "<testsuites>"]
    for result in results:
        failures = sum(not answer.passed for answer in result.results)
        parts.append(
            f"  <testsuite name={_quoted(result.case.id)} "
            f'tests="{len(result.results)}" failures="{failures}" errors="0">'
        )
        for answer in result.results:
            name = _quoted(answer.probe.title)
            head = f"    <testcase classname={_quoted(result.case.id)} name={name}"
            if answer.passed:
                parts.append(f"{head}/>")
                continue
            text = _quoted(answer.complaint)
            parts.append(f"{head}><failure message={text}/></testcase>")
        parts.append("  </testsuite>")
    return "\n".join([*parts, "</testsuites>"]) + "\n"


def _quoted(text: str) -> str:
    """An XML attribute; characters that XML 1.0 does not have are replaced."""
    return f'"{escape(_NO_XML.sub(chr(0xFFFD), text))}"'


def run_matrix(
    documents: Sequence[Document],
    *,
    port: str | None = None,
    output: str = "table",
    png: Renderer | None = None,
) -> Report:
    """`minik8s matrix`; `png` draws for `-o png` where something can."""
    try:
        chosen = parse_port(port) if port is not None else None
    except InputError as error:
        return failed(error)
    if output == "png" and png is None:
        return Report("", 2, 'png needs the extra: pip install "minik8s[course]"\n')
    if output != "png" and output not in matrix_text.FORMATS:
        return Report("", 2, f"-o {output}: table, wide, json, csv, dot, svg or png\n")
    grid = matrix_text.Grid.of(Matrix.of(documents), chosen)
    if output == "png" and png is not None:
        return Report(png(grid))
    return Report(matrix_text.FORMATS[output](grid))


def run_explain(
    documents: Sequence[Document], source: str, target: str, port: str, *, output: str = "text"
) -> Report:
    """`minik8s explain`: exit code 1 if policy denies the connection."""
    try:
        protocol, number = parse_port(port)
        explanation = Explainer(documents).explain(source, target, number, protocol)
    except InputError as error:
        return failed(error)
    code = 0 if explanation.verdict is Verdict.ALLOW else 1
    if output == "text":
        return Report(explain_text(explanation), code)
    data = explain_data(explanation)
    if output == "json":
        return Report(json.dumps(data, indent=1) + "\n", code)
    if output == "yaml":
        import yaml

        return Report(yaml.safe_dump(data, sort_keys=False), code)
    return Report("", 2, f"-o {output}: text, json or yaml\n")


def run_diff(
    current: Sequence[Document], new: Sequence[Document], *, exit_code: bool = False
) -> Report:
    """`minik8s diff`: what applying `new` to `current` opens and closes."""
    found = difference(current, merged(current, new))
    return Report(diff_text(found), 1 if exit_code and found else 0)


def diff_text(found: Difference) -> str:
    """A difference as lines: `+` opens, `-` closes."""
    lines = [f"new: {name}" for name in found.added]
    lines += [f"gone: {name}" for name in found.removed]
    for change in found.changes:
        lines += _change_lines(change)
    return "\n".join(lines or ["nothing changes"]) + "\n"


def _change_lines(change: Change) -> list[str]:
    lines = []
    pair = f"{change.source} -> {change.target}"
    if change.opened:
        lines.append(f"+ {pair} {matrix_text.ports_text(change.opened)}")
        lines.append(f"    {change.opened_because}")
    if change.closed:
        lines.append(f"- {pair} {matrix_text.ports_text(change.closed)}")
        lines.append(f"    {change.closed_because}")
    return lines


def run_lint(sources: Sequence[Source], *, output: str = "text") -> Report:
    """`minik8s lint`: exit code 1 if there is a finding."""
    found = lint(sources)
    code = 1 if found else 0
    if output == "text":
        return Report(_lint_text(found), code)
    if output == "json":
        return Report(json.dumps([_finding(f) for f in found], indent=1) + "\n", code)
    if output == "sarif":
        return Report(json.dumps(sarif(found), indent=1) + "\n", code)
    return Report("", 2, f"-o {output}: text, json or sarif\n")


def _lint_text(found: Iterable[Finding]) -> str:
    lines = [f"{f.file}:{f.line}: {f.code}: {f.subject}: {f.message}; {f.mend}" for f in found]
    return "\n".join(lines or ["no findings"]) + "\n"


def _finding(found: Finding) -> dict[str, object]:
    return {
        "code": found.code,
        "file": found.file,
        "line": found.line,
        "object": found.subject,
        "message": found.message,
        "mend": found.mend,
    }


def sarif(found: Iterable[Finding]) -> Mapping[str, object]:
    """Findings as SARIF 2.1.0."""
    rules = [{"id": code, "help": {"text": mend}} for code, mend in MENDS.items()]
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "minik8s lint", "rules": rules}},
                "results": [_sarif_result(finding) for finding in found],
            }
        ],
    }


def _sarif_result(found: Finding) -> dict[str, object]:
    place = {
        "artifactLocation": {"uri": found.file},
        "region": {"startLine": found.line},
    }
    return {
        "ruleId": found.code,
        "level": "warning",
        "message": {"text": f"{found.subject}: {found.message}; {found.mend}"},
        "locations": [{"physicalLocation": place}],
    }
