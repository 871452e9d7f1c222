"""The `minik8s` command: each subcommand is one registered function."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from minik8s import __version__
from minik8s.cli.questions import QUESTIONS
from minik8s.cli.serve import SERVE
from minik8s.cli.subcommand import Subcommand
from minik8s.cli.terminal import SH


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


def _no_arguments(_parser: argparse.ArgumentParser) -> None:
    pass


def _version(_options: argparse.Namespace) -> int:
    print(f"minik8s {__version__}")
    return 0


SUBCOMMANDS = (
    SH,
    SERVE,
    *QUESTIONS,
    Subcommand("version", "the version", _no_arguments, _version),
)
