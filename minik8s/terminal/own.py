"""`minik8s` typed inside the terminal: settings of the network, and questions to the cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from minik8s import __version__
from minik8s.analysis import report
from minik8s.analysis.inputs import InputError, Layout, Source, check, parse
from minik8s.model.metadata import Document
from minik8s.network import Settings
from minik8s.terminal.io import LaptopIO
from minik8s.terminal.machines import Machine, Machines
from minik8s.terminal.standins.flags import Flags, UsageError
from minik8s.terminal.standins.flags import parse as parse_flags

Handler = Callable[[list[str], LaptopIO, Machine], int]

_USAGE = """\
minik8s, typed in the terminal, means the cluster of the current context:

  minik8s set                                  show the three settings of the network
  minik8s set tracking=on|off                  whether connections are tracked ("stateful")
              established=keep|rejudge         what a new policy does to open connections
              enforcement=on|off               whether anybody enforces policies
  minik8s explain FROM TO --port 8080/TCP      why a connection is allowed or denied
  minik8s matrix [--port 8080/TCP] [-o FORMAT] who can reach whom
  minik8s diff FILE...                         what applying these manifests would change
  minik8s lint [FILE...]                       findings about policies
  minik8s version
"""
_SETTINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "tracking": ("tracking", {"on": True, "off": False}),
    "established": ("established", {"keep": "keep", "rejudge": "rejudge"}),
    "enforcement": ("enforcement", {"on": True, "off": False}),
}
_YAML = (".yaml", ".yml", ".json")


def main(argv: list[str], io: LaptopIO, machines: Machines) -> int:
    """Run `minik8s ARGV...` for the terminal's current cluster."""
    name = argv[0] if argv else ""
    if name in ("", "help", "-h", "--help"):
        io.out(_USAGE)
        return 0
    if name in ("version", "--version"):
        io.out(f"minik8s {__version__}\n")
        return 0
    handler = _COMMANDS.get(name)
    if handler is None:
        io.err(f"minik8s: unknown command {name!r}; `minik8s help` lists what there is here\n")
        return 2
    machine = machines.current
    if machine is None:
        io.err("minik8s: no cluster: the kubeconfig has no current context\n")
        return 2
    try:
        return handler(argv[1:], io, machine)
    except (InputError, UsageError) as error:
        io.err(f"minik8s: {error}\n")
        return 2


def _set(argv: list[str], io: LaptopIO, machine: Machine) -> int:
    settings = machine.runtime.settings
    chosen = []
    for word in argv:
        name, _, value = word.partition("=")
        known = _SETTINGS.get(name)
        if known is None:
            raise UsageError(f"set: {word}: there are tracking=, established= and enforcement=")
        if value not in known[1]:
            raise UsageError(f"set: {word}: {name} is {' or '.join(known[1])}")
        chosen.append((known[0], known[1][value]))
    for attribute, setting in chosen:
        setattr(settings, attribute, setting)
    if not argv:
        io.out(_shown(settings))
    return 0


def _shown(settings: Settings) -> str:
    words = {True: "on", False: "off"}
    return (
        f"tracking={words[settings.tracking]}\n"
        f"established={settings.established}\n"
        f"enforcement={words[settings.enforcement]}\n"
    )


def _documents(machine: Machine) -> list[Document]:
    store, registry = machine.runtime.store, machine.runtime.registry
    return [document for kind in registry.shelves() for document in store.list(kind)]


def _sources(paths: list[str], io: LaptopIO) -> list[Source]:
    """The objects in files of the terminal; raises InputError."""
    found: list[Source] = []
    for path in paths:
        for name, text in _texts(path, io):
            found += list(parse(name, text))
    for source in found:
        check(source)
    return found


def _texts(path: str, io: LaptopIO) -> Iterator[tuple[str, str]]:
    if path == "-":
        yield "-", io.stdin or ""
        return
    try:
        names = io.list_dir(path)
    except NotADirectoryError:
        yield path, io.read_file(path).decode(errors="replace")
        return
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    for name in names:
        if name.endswith(_YAML):
            full = f"{path.rstrip('/')}/{name}"
            yield full, io.read_file(full).decode(errors="replace")


def _read(argv: list[str], *switches: str) -> Flags:
    return parse_flags(
        argv, valued=("port", "output"), switches=switches, short={"o": "output", "p": "port"}
    )


def _print(io: LaptopIO, answer: report.Report) -> int:
    text = answer.out
    io.out(text if isinstance(text, str) else text.decode(errors="replace"))
    io.err(answer.err)
    return answer.code


def _explain(argv: list[str], io: LaptopIO, machine: Machine) -> int:
    flags = _read(argv)
    if len(flags.words) != 2 or not flags.get("port"):
        raise UsageError("explain: usage: minik8s explain FROM TO --port 8080/TCP")
    source, target = flags.words
    output = flags.get("output", "text")
    documents = _documents(machine)
    return _print(
        io, report.run_explain(documents, source, target, flags.get("port"), output=output)
    )


def _matrix(argv: list[str], io: LaptopIO, machine: Machine) -> int:
    flags = _read(argv)
    documents = [source.document for source in _sources(flags.words, io)] or _documents(machine)
    output = flags.get("output", "table")
    return _print(io, report.run_matrix(documents, port=flags.get("port") or None, output=output))


def _diff(argv: list[str], io: LaptopIO, machine: Machine) -> int:
    flags = _read(argv, "exit-code")
    if not flags.words:
        raise UsageError("diff: usage: minik8s diff FILE...")
    new = [source.document for source in _sources(flags.words, io)]
    return _print(io, report.run_diff(_documents(machine), new, exit_code=flags.on("exit-code")))


def _lint(argv: list[str], io: LaptopIO, machine: Machine) -> int:
    flags = _read(argv)
    sources = _sources(flags.words, io)
    if not flags.words:
        name = machine.context
        sources = [Source(document, name, Layout(1)) for document in _documents(machine)]
    return _print(io, report.run_lint(sources, output=flags.get("output", "text")))


_COMMANDS: dict[str, Handler] = {
    "set": _set,
    "explain": _explain,
    "matrix": _matrix,
    "diff": _diff,
    "lint": _lint,
}
