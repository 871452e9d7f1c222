"""`minik8s test`, `matrix`, `explain`, `diff` and `lint`: questions about policies."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from minik8s.cli.sources import documents, sources
from minik8s.cli.subcommand import Subcommand

if TYPE_CHECKING:
    from minik8s.analysis.report import Renderer, Report

MAX_BYTES = 64 * 1024 * 1024
RENDERERS = "minik8s.renderers"
"""The entry point group under which `course` offers its drawing of a matrix."""


def _emit(report: Report) -> int:
    if report.err:
        sys.stderr.write(_plain(report.err))
    if isinstance(report.out, bytes):
        sys.stdout.buffer.write(report.out)
    else:
        sys.stdout.write(_plain(report.out))
    return report.code


def _plain(text: str) -> str:
    """A report whose names, which come from files, cannot command the terminal it is shown on."""
    return text.replace("\x1b", "^[").encode(errors="replace").decode()


def _answer(make: Callable[[], Report]) -> int:
    from minik8s.analysis.inputs import InputError
    from minik8s.analysis.report import failed

    try:
        return _emit(make())
    except InputError as error:
        return _emit(failed(error))


def _files(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="*", metavar="FILE", help="a manifest, a folder, or -")
    _common(parser)


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kubeconfig", metavar="F", help="ask a running server instead of files")
    _max_bytes(parser)


def _max_bytes(parser: argparse.ArgumentParser) -> None:
    text = "the most that one manifest may have (default: 64 MB)"
    parser.add_argument("--max-bytes", type=int, default=MAX_BYTES, metavar="N", help=text)


# -- test


def _test_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", help="cases, a folder of them, or -")
    parser.add_argument("--json", action="store_true", help="one JSON line for each case")
    parser.add_argument("--junit", metavar="F", help="write JUnit XML to a file")
    _max_bytes(parser)


def _test(options: argparse.Namespace) -> int:
    from minik8s.analysis.report import Report, junit, run_test

    report, results = run_test(options.files, as_json=options.json, max_bytes=options.max_bytes)
    if options.junit and report.code != 2:
        try:
            Path(options.junit).write_text(junit(results), encoding="utf-8")
        except OSError as error:
            return _emit(Report("", 2, f"{options.junit}: {error.strerror}\n"))
    return _emit(report)


# -- matrix


def _matrix_arguments(parser: argparse.ArgumentParser) -> None:
    _files(parser)
    parser.add_argument("--port", metavar="8080/TCP", help="one port; without it: every port")
    parser.add_argument(
        "-o",
        "--output",
        default="table",
        choices=("table", "wide", "json", "csv", "dot", "svg", "png"),
    )


def _matrix(options: argparse.Namespace) -> int:
    from minik8s.analysis.report import run_matrix

    return _answer(
        lambda: run_matrix(
            documents(options.files, options.kubeconfig, options.max_bytes),
            port=options.port,
            output=options.output,
            png=_renderer() if options.output == "png" else None,
        )
    )


def _renderer() -> Renderer | None:
    """Something that draws PNG, if it is installed."""
    for point in entry_points(group=RENDERERS):
        try:
            renderer: Renderer = point.load()
        except ImportError:
            continue
        return renderer
    return None


# -- explain


def _explain_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("source", metavar="FROM", help="namespace/pod, namespace/workload or ip:ADDRESS")
    add("target", metavar="TO", help="the same, namespace/service, or a DNS name")
    add("--port", required=True, metavar="8080/TCP")
    add("-f", dest="files", nargs="+", action="extend", default=[], metavar="FILE")
    add("-o", "--output", default="text", choices=("text", "json", "yaml"))
    _common(parser)


def _explain(options: argparse.Namespace) -> int:
    from minik8s.analysis.report import run_explain

    return _answer(
        lambda: run_explain(
            documents(options.files, options.kubeconfig, options.max_bytes),
            options.source,
            options.target,
            options.port,
            output=options.output,
        )
    )


# -- diff


def _diff_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    # one file to each -f, since what follows them is NEW
    add("-f", dest="current", action="append", default=[], metavar="CURRENT",
        help="what is there now; give -f again for more")  # fmt: skip
    add("new", nargs="+", metavar="NEW", help="what would be applied")
    add("--exit-code", action="store_true", help="1 if anything changes")
    _common(parser)


def _diff(options: argparse.Namespace) -> int:
    from minik8s.analysis.report import run_diff

    return _answer(
        lambda: run_diff(
            documents(options.current, options.kubeconfig, options.max_bytes),
            documents(options.new, None, options.max_bytes),
            exit_code=options.exit_code,
        )
    )


# -- lint


def _lint_arguments(parser: argparse.ArgumentParser) -> None:
    _files(parser)
    parser.add_argument("-o", "--output", default="text", choices=("text", "json", "sarif"))


def _lint(options: argparse.Namespace) -> int:
    from minik8s.analysis.report import run_lint

    return _answer(
        lambda: run_lint(
            sources(options.files, options.kubeconfig, options.max_bytes), output=options.output
        )
    )


QUESTIONS = (
    Subcommand("test", "policy tests: who may reach whom", _test_arguments, _test),
    Subcommand("matrix", "who can reach whom, for all pairs", _matrix_arguments, _matrix),
    Subcommand("explain", "why a connection is allowed or denied", _explain_arguments, _explain),
    Subcommand("diff", "what a change would open and close", _diff_arguments, _diff),
    Subcommand("lint", "findings about policies", _lint_arguments, _lint),
)
