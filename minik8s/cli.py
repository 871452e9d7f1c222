"""The `minik8s` command: each subcommand is one registered function."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from minik8s import __version__

if TYPE_CHECKING:
    from minik8s.analysis.report import Renderer, Report
    from minik8s.model.metadata import Document
    from minik8s.runtime import Runtime

MAX_BYTES = 64 * 1024 * 1024
_RENDERERS = "minik8s.renderers"
"""The entry point group under which `course` offers its drawing of a matrix."""


@dataclass(frozen=True, slots=True)
class Subcommand:
    """One subcommand: its arguments, and what runs it."""

    name: str
    help: str
    arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 is fine, 1 means that the answer is no, 2 bad input or usage."""
    options = parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except BrokenPipeError:
        # Whoever read our output has had enough; there is nobody left to tell.
        sys.stderr.close()
        return 141
    except KeyboardInterrupt:
        return 130


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    top = argparse.ArgumentParser(
        prog="minik8s", description="A tiny Kubernetes, to learn NetworkPolicy anywhere."
    )
    top.add_argument("--version", action="version", version=f"minik8s {__version__}")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for subcommand in SUBCOMMANDS:
        child = commands.add_parser(subcommand.name, help=subcommand.help)
        subcommand.arguments(child)
        child.set_defaults(run=subcommand.run)
    return top


# -- sh


def _sh_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-c", dest="script", metavar="SCRIPT", help="run this script and leave")
    parser.add_argument("file", nargs="?", metavar="FILE", help="run the script in a file")
    parser.add_argument(
        "--cni", choices=("cilium", "none"), default="cilium", help="none: nobody enforces policy"
    )
    parser.add_argument("--nodes", type=_count, default=2, help="how many workers (default: 2)")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other names")
    parser.add_argument("--files", metavar="DIR", default="", help="show a folder, read-only")
    parser.add_argument("--no-tty", action="store_true", help="as if no terminal were there")


def _count(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 1000:
        raise argparse.ArgumentTypeError("a number from 0 to 1000")
    return number


def _sh(options: argparse.Namespace) -> int:
    from minik8s.bash import SCRIPT_BASH, Dialect
    from minik8s.laptop import Laptop
    from minik8s.terminal.screen import write

    if options.files and not Path(options.files).is_dir():
        print(f"minik8s: {options.files}: no such folder", file=sys.stderr)
        return 2
    try:
        script = _script(options)
    except OSError as error:
        print(f"minik8s: {options.file}: {error.strerror}", file=sys.stderr)
        return 127
    folder = str(Path(options.files).resolve()) if options.files else ""
    place = {
        "seed": options.seed,
        "nodes": options.nodes,
        "cni": options.cni,
        "tty": not options.no_tty,
        "folder": folder,
    }
    if script is None:
        return _interactive(place)
    where = f"{options.file}: line {{line}}" if options.file else SCRIPT_BASH.where
    dialect = Dialect("bash", where) if options.file else SCRIPT_BASH
    laptop = Laptop(**place, dialect=dialect)
    try:
        return laptop.run(script, write).exit_code
    finally:
        laptop.close()


def _script(options: argparse.Namespace) -> str | None:
    """The script to run; None if somebody sits at the keyboard."""
    if options.script is not None:
        return str(options.script)
    if options.file:
        return Path(options.file).read_text(encoding="utf-8", errors="replace")
    return None if sys.stdin.isatty() else sys.stdin.read()


def _interactive(place: dict[str, object]) -> int:
    from minik8s.kubectl.tree import root
    from minik8s.laptop import Laptop
    from minik8s.terminal.completion import Completer
    from minik8s.terminal.console import Console, Keyboard
    from minik8s.terminal.screen import write
    from minik8s.terminal.session import Person

    stop = [lambda: False]
    keyboard = Keyboard(lambda: stop[0]())
    laptop = Laptop(**place, person=Person(keyboard.read_line, keyboard.keys))  # type: ignore[arg-type]
    stop[0] = lambda: laptop.session.shell.interrupted
    laptop.session.on_print = write
    write(1, "A simulated laptop with a cluster. `help` says what is here, `exit` leaves.\n")
    completer = Completer(laptop.session, laptop.machines, root)
    try:
        return Console(laptop.session, completer.complete).run()
    finally:
        laptop.close()


# -- serve


def _serve_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="the address to listen on (default: loopback)")
    add("--port", type=_port, default=6443, help="0 takes a free one (default: 6443)")
    add("--kubeconfig", type=Path, metavar="F", help="where to write the kubeconfig")
    add("--data", type=Path, metavar="F", help="keep the cluster in a file")
    add("--manifests", type=Path, metavar="DIR", help="apply these at the start")
    add("--nodes", type=_count, default=2, help="how many workers (default: 2)")
    add("--seed", type=int, default=1, help="another seed, other names")
    add("--cni", choices=("cilium", "none"), default="cilium", help="none: no enforcement")
    add("--users", type=Path, metavar="F", help="YAML: users, each with a kubeconfig of its own")
    add("--tls-cert", type=Path, metavar="F", help="a certificate chain (PEM)")
    add("--tls-key", type=Path, metavar="F", help="its private key (PEM)")
    add("--insecure-http", action="store_true", help="no TLS, no identities; loopback only")
    add("--real-time", action="store_true", help="programs in pods really wait")


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError("a number from 0 to 65535")
    return number


def _serve(options: argparse.Namespace) -> int:
    try:
        from minik8s.server.options import ServeError
        from minik8s.server.startup import Order, open_server
    except ImportError as error:
        print(f"minik8s: {error}; install minik8s[server]", file=sys.stderr)
        return 2
    given = {key: value for key, value in vars(options).items() if key in Order.__slots__}
    order = Order(**given, enforcement=options.cni == "cilium")

    def prepare(runtime: Runtime) -> None:
        if options.manifests is not None:
            _apply_manifests(runtime, options.manifests)

    try:
        opened = open_server(order, prepare)
    except ServeError as error:
        print(f"minik8s: {error}", file=sys.stderr)
        return 2

    def ready() -> None:
        print(f"Serving at {opened.server.url}; Ctrl-C ends it.")
        print(f"The kubeconfig is {opened.kubeconfig}. Tell kubectl:")
        print(f"  export KUBECONFIG={shlex.quote(str(opened.kubeconfig.resolve()))}")
        for path in opened.written:
            print(f"  {path}")
        sys.stdout.flush()

    opened.server.run(ready)
    return 0


def _apply_manifests(runtime: Runtime, folder: Path) -> None:
    from minik8s.analysis.inputs import InputError
    from minik8s.cluster import Cluster
    from minik8s.errors import ApiError
    from minik8s.server.options import ServeError

    try:
        Cluster(runtime=runtime).apply(folder)
    except (InputError, ApiError) as error:
        raise ServeError(f"{folder}: {error}") from None


# -- questions about manifests


def _emit(report: Report) -> int:
    if report.err:
        sys.stderr.write(report.err)
    if isinstance(report.out, bytes):
        sys.stdout.buffer.write(report.out)
    else:
        sys.stdout.write(report.out)
    return report.code


def _files_argument(parser: argparse.ArgumentParser, *, needed: bool = True) -> None:
    parser.add_argument(
        "files", nargs="+" if needed else "*", metavar="FILE", help="a manifest, a folder, or -"
    )
    _max_bytes(parser)


def _max_bytes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--max-bytes", type=int, default=MAX_BYTES, help=argparse.SUPPRESS)


def _documents(paths: Sequence[str], max_bytes: int) -> list[Document]:
    from minik8s.analysis.report import load

    return [source.document for source in load(paths, max_bytes)]


def _answer(make: Callable[[], Report]) -> int:
    from minik8s.analysis.inputs import InputError
    from minik8s.analysis.report import failed

    try:
        return _emit(make())
    except InputError as error:
        return _emit(failed(error))


def _test_arguments(parser: argparse.ArgumentParser) -> None:
    _files_argument(parser)
    parser.add_argument("--json", action="store_true", help="one JSON line for each case")
    parser.add_argument("--junit", metavar="F", help="write JUnit XML to a file")


def _test(options: argparse.Namespace) -> int:
    from minik8s.analysis.report import junit, run_test

    report, results = run_test(options.files, as_json=options.json, max_bytes=options.max_bytes)
    if options.junit and report.code != 2:
        Path(options.junit).write_text(junit(results), encoding="utf-8")
    return _emit(report)


def _matrix_arguments(parser: argparse.ArgumentParser) -> None:
    _files_argument(parser)
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
            _documents(options.files, options.max_bytes),
            port=options.port,
            output=options.output,
            png=_renderer() if options.output == "png" else None,
        )
    )


def _renderer() -> Renderer | None:
    """Something that draws PNG, if it is installed."""
    for point in entry_points(group=_RENDERERS):
        try:
            renderer: Renderer = point.load()
        except ImportError:
            continue
        return renderer
    return None


def _explain_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="FROM")
    parser.add_argument("target", metavar="TO")
    parser.add_argument("--port", required=True, metavar="8080/TCP")
    parser.add_argument("-f", dest="files", nargs="+", required=True, metavar="FILE")
    parser.add_argument("-o", "--output", default="text", choices=("text", "json", "yaml"))
    _max_bytes(parser)


def _explain(options: argparse.Namespace) -> int:
    from minik8s.analysis.report import run_explain

    return _answer(
        lambda: run_explain(
            _documents(options.files, options.max_bytes),
            options.source,
            options.target,
            options.port,
            output=options.output,
        )
    )


def _diff_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-f", dest="current", nargs="+", required=True, metavar="CURRENT")
    parser.add_argument("new", nargs="+", metavar="NEW")
    parser.add_argument("--exit-code", action="store_true", help="1 if anything changes")
    _max_bytes(parser)


def _diff(options: argparse.Namespace) -> int:
    from minik8s.analysis.report import run_diff

    return _answer(
        lambda: run_diff(
            _documents(options.current, options.max_bytes),
            _documents(options.new, options.max_bytes),
            exit_code=options.exit_code,
        )
    )


def _lint_arguments(parser: argparse.ArgumentParser) -> None:
    _files_argument(parser)
    parser.add_argument("-o", "--output", default="text", choices=("text", "json", "sarif"))


def _lint(options: argparse.Namespace) -> int:
    from minik8s.analysis.report import load, run_lint

    return _answer(lambda: run_lint(load(options.files, options.max_bytes), output=options.output))


def _no_arguments(_parser: argparse.ArgumentParser) -> None:
    pass


def _version(_options: argparse.Namespace) -> int:
    print(f"minik8s {__version__}")
    return 0


SUBCOMMANDS = (
    Subcommand("sh", "a terminal with a simulated cluster", _sh_arguments, _sh),
    Subcommand("serve", "a server for kubectl and other clients", _serve_arguments, _serve),
    Subcommand("test", "policy tests: who may reach whom", _test_arguments, _test),
    Subcommand("matrix", "who can reach whom, for all pairs", _matrix_arguments, _matrix),
    Subcommand("explain", "why a connection is allowed or denied", _explain_arguments, _explain),
    Subcommand("diff", "what a change would open and close", _diff_arguments, _diff),
    Subcommand("lint", "findings about policies", _lint_arguments, _lint),
    Subcommand("version", "the version", _no_arguments, _version),
)
