"""pytest plugin: simulated clusters as fixtures, and policy tests as tests.

Installed with minik8s; nothing needs an import. `cluster` is a fresh cluster:

    def test_isolation(cluster):
        cluster.apply("manifests/")
        assert cluster.probe("default/web", "default/db", 5432).verdict.value == "deny"

`@pytest.mark.minik8s(nodes=3, enforcement=False)` gives `Cluster` those arguments.

The case files of `minik8s test` are tests as well. One named `*.netpol.yaml` (or `.yml`,
`.json`, `.jsonl`) is collected like a module, with one test for each probe, so `pytest -k`,
`--junitxml` and parallel runs work as ever. Any other file is checked by a fixture:

    def test_production(check_policies):
        check_policies("policies/production.yaml")      # relative to this test's folder
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

import minik8s

if TYPE_CHECKING:
    from minik8s.analysis.cases import Case, CaseResult

MARKER = "minik8s"
SUFFIXES = tuple(f".netpol.{kind}" for kind in ("yaml", "yml", "json", "jsonl"))
"""How the names of case files end that are collected without being asked for."""


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    text = f"{MARKER}(**arguments): what the fixture `cluster` hands to minik8s.Cluster"
    config.addinivalue_line("markers", text)


# -- fixtures


@pytest.fixture
def make_cluster() -> Callable[..., Any]:
    """`minik8s.Cluster`, for tests that need several."""
    factory: Any = minik8s.Cluster
    return cast(Callable[..., Any], factory)


@pytest.fixture
def cluster(request: pytest.FixtureRequest, make_cluster: Callable[..., Any]) -> Any:
    """A fresh cluster: a control plane, two workers, policies enforced, seed 1."""
    marker = request.node.get_closest_marker(MARKER)
    return make_cluster(**(marker.kwargs if marker else {}))


@pytest.fixture
def check_policies(request: pytest.FixtureRequest) -> Callable[..., list[CaseResult]]:
    """Run case files or folders of them; the test fails if an expectation does.

    Paths are relative to the folder of the test. Gives back the results.
    """
    folder = request.path.parent

    def check(*paths: str | os.PathLike[str]) -> list[CaseResult]:
        from minik8s.analysis.report import run_test

        report, results = run_test([str(folder / path) for path in paths])
        if report.code:
            pytest.fail(report.err or str(report.out), pytrace=False)
        return results

    return check


# -- case files as tests


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> CaseFile | None:
    """Collect a case file by its name."""
    if file_path.name.endswith(SUFFIXES):
        return CaseFile.from_parent(parent, path=file_path)
    return None


class CaseFile(pytest.File):
    """A file of policy tests."""

    def collect(self) -> Iterator[ProbeItem]:
        """One test for each probe of each case."""
        from minik8s.analysis.casefile import read_cases
        from minik8s.analysis.inputs import InputError

        try:
            cases = read_cases([str(self.path)])
        except InputError as error:
            raise self.CollectError(str(error)) from None
        for case in cases:
            answers = _Answers(case)
            for index, probe in enumerate(case.probes):
                name = f"{case.id}: {probe.title}"
                yield ProbeItem.from_parent(self, name=name, answers=answers, index=index)


class _Answers:
    """The results of one case, worked out when the first of its tests runs."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self._result: CaseResult | None = None

    @property
    def result(self) -> CaseResult:
        from minik8s.analysis.cases import run_case

        if self._result is None:
            self._result = run_case(self.case)
        return self._result


class ProbeItem(pytest.Item):
    """One probe as a test."""

    def __init__(self, *, answers: _Answers, index: int, **rest: Any) -> None:
        super().__init__(**rest)
        self._answers, self._index = answers, index

    def runtest(self) -> None:
        """Fail unless policy says what is expected."""
        from minik8s.analysis.inputs import InputError

        try:
            answer = self._answers.result.results[self._index]
        except InputError as error:
            pytest.fail(str(error), pytrace=False)
        if not answer.passed:
            where = f"{self._answers.case.file}:{answer.probe.line}"
            pytest.fail(f"{where}: {answer.complaint}", pytrace=False)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the probe stands; pytest counts lines from 0."""
        return self.path, self._answers.case.probes[self._index].line - 1, self.name
