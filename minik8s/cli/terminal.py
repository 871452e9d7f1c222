"""`minik8s sh`: a terminal with a simulated cluster."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from minik8s.cli.subcommand import Subcommand, count


def _sh_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-c", dest="script", metavar="SCRIPT", help="run this script and leave")
    parser.add_argument("file", nargs="?", metavar="FILE", help="run the script in a file")
    parser.add_argument(
        "--cni", choices=("cilium", "none"), default="cilium", help="none: nobody enforces policy"
    )
    parser.add_argument("--nodes", type=count, default=2, help="how many workers (default: 2)")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other names")
    parser.add_argument("--files", metavar="DIR", default="", help="show a folder, read-only")
    parser.add_argument("--no-tty", action="store_true", help="as if no terminal were there")


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


SH = Subcommand("sh", "a terminal with a simulated cluster", _sh_arguments, _sh)
