"""Puts calls of our own command into a script where the engine alone would go wrong.

The engine takes `$RANDOM`, `$SECONDS` and the time from the machine it runs on, cannot run a
program of ours beside others, and reads inner scripts (`eval`, `bash -c`) that nobody has
rewritten. Each rewritten piece calls `HELPER`, which the adapter answers. Line numbers stay.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from minik8s.bash.syntax import read
from minik8s.bash.words import (
    AndOr,
    Command,
    Incomplete,
    Pipeline,
    Reference,
    Script,
    Sequence,
    Unreadable,
)

HELPER = "__minik8s"
JOB = "_MINIK8S_JOB"
"""Set in the environment of programs that stand before an `&`."""

DIRECT = "_MINIK8S_DIRECT"
"""Set in the environment of programs whose output goes where the shell's own goes."""

DYNAMIC = frozenset(
    {"RANDOM", "SRANDOM", "SECONDS", "EPOCHSECONDS", "EPOCHREALTIME", "UID", "EUID"}
)
"""Variables whose value the adapter gives afresh at each expansion."""

_ASSIGNABLE = ("RANDOM=", "SECONDS=")
_STATE = '"$(shopt -p expand_aliases)" "$(declare -p)" "$(declare -f)" "$(alias -p)" "$@"'
_WHOLE = {
    "bash": "nested",
    "sh": "nested",
    "watch": "watch",
    "type": "about",
    "command": "about",
}
_SUSPECT = re.compile(
    r"RANDOM|SECONDS|EPOCHREALTIME|UID|&|\$!|\$\{!|\b(time|eval|source|bash|sh|watch|type|command|history|read)\b"
    r"|(^|[\s;|(])\.\s",
    re.MULTILINE,
)


@dataclass(slots=True)
class _Edits:
    """Replacements of spans; a `whole` one swallows those inside it."""

    edits: list[tuple[int, int, str]] = field(default_factory=list)
    whole: list[tuple[int, int]] = field(default_factory=list)
    _order: dict[int, tuple[int, int, int]] = field(default_factory=dict)

    def insert(self, at: int, text: str) -> None:
        """Add an opening piece: outer ones have been added first and stand first."""
        self.replace(at, at, text)

    def close(self, at: int, text: str) -> None:
        """Add a closing piece: at the same place inner ones stand first, and before openers."""
        self._order[len(self.edits)] = (at, 0, -len(self.edits))
        self.edits.append((at, at, text))

    def replace(self, start: int, end: int, text: str) -> None:
        """Put a text in the place of a span."""
        self._order[len(self.edits)] = (start, 1, len(self.edits))
        self.edits.append((start, end, text))

    def apply(self, text: str) -> str:
        """The text with all edits made."""
        outer = [w for w in self.whole if not any(_inside(w, o) for o in self.whole)]
        pieces, at = [], 0
        for number in sorted(range(len(self.edits)), key=self._order.__getitem__):
            start, end, new = self.edits[number]
            if (start, end) in outer or not any(o[0] <= start and end <= o[1] for o in outer):
                pieces += [text[at:start], new]
                at = end
        return "".join([*pieces, text[at:]])


def _inside(span: tuple[int, int], other: tuple[int, int]) -> bool:
    return span != other and other[0] <= span[0] and span[1] <= other[1]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a command stands.

    `apart`: its output goes elsewhere than the shell's own. `unknown`: nobody knows where it
    goes, as in a function.
    """

    apart: bool = False
    unknown: bool = False

    def inside(self, command: Command) -> _Place:
        return _Place(self.apart or command.redirected, self.unknown or command.function)


def _reads_keyboard(command: Command, text: str) -> bool:
    """Whether it is a `cat` or `tee` that copies what is typed."""
    words = [word.literal or "?" for word in command.words]
    if words[:1] not in (["cat"], ["tee"]) or "<" in text[command.start : command.end]:
        return False
    return words[0] == "tee" or all(word.startswith("-") for word in words[1:])


class Rewriter:
    """Rewrites scripts; with `jobs`, command lists before an `&` become jobs of the adapter.

    `programs` tells which commands want to know that their output goes straight out. With
    `person` a `read`, `cat` or `tee` from the terminal asks the adapter.
    """

    def __init__(
        self,
        *,
        jobs: bool,
        programs: Callable[[str], bool] = lambda _: False,
        person: bool = False,
    ) -> None:
        self._jobs = jobs
        self._programs = programs
        self._person = person

    def __call__(self, text: str) -> str:
        """The script with its calls; one that nobody can read stays as it is."""
        if not _SUSPECT.search(text):
            return text
        try:
            script = read(text)
        except (Incomplete, Unreadable, RecursionError):
            return text
        return self.rewrite(script, _Place(unknown=True))

    def rewrite(self, script: Script, place: _Place = _Place()) -> str:
        """The same for a script that has been read already, and prints to the shell's output."""
        edits = _Edits()
        for reference in script.references:
            self._reference(reference, edits)
        self._sequence(script.body, script.text, edits, place)
        for sequence in script.substitutions:
            self._sequence(sequence, script.text, edits, _Place(apart=True))
        return edits.apply(script.text) if edits.edits else script.text

    def _reference(self, reference: Reference, edits: _Edits) -> None:
        name, operator = reference.name, reference.operator
        if name not in DYNAMIC and not (name == "!" and not operator and self._jobs):
            return
        value = f"$({HELPER} var '{name}')"
        if operator:
            value = f'$(_m={value}; echo "${{_m{operator}}}")'
        edits.replace(reference.start, reference.end, value)

    def _sequence(self, sequence: Sequence, text: str, edits: _Edits, place: _Place) -> None:
        for item in sequence.items:
            if item.ampersand is not None:
                self._background(item, text, edits, apart=place.apart)
            for pipeline in item.pipelines:
                self._pipeline(pipeline, text, edits, place)

    def _background(self, item: AndOr, text: str, edits: _Edits, *, apart: bool) -> None:
        assert item.ampersand is not None
        after = text[item.ampersand + 1 :].lstrip(" \t")
        separator = "" if not after or after[0] in "\n)#;" else ";"
        here = any(command.heredoc for command in _commands(item))
        if not self._jobs:
            edits.insert(item.start, f"{{ {JOB}=1; export {JOB}; ")
            edits.close(item.ampersand, "; }")
        elif apart or here:
            edits.insert(item.start, f"( {JOB}=1; export {JOB}; ")
            end = item.ampersand
            edits.replace(end, end + 1, f"; ); {HELPER} ran $?{separator}")
        else:
            span = (item.start, item.ampersand + 1)
            quoted = shlex.quote(text[item.start : item.ampersand].rstrip(" \t"))
            edits.replace(*span, f"{HELPER} spawn {quoted} {_STATE}{separator}")
            edits.whole.append(span)

    def _pipeline(self, pipeline: Pipeline, text: str, edits: _Edits, place: _Place) -> None:
        if pipeline.timed is not None:
            start, end = pipeline.timed
            posix = " -p" if text[start:end].rstrip().endswith("-p") else ""
            edits.replace(start, end, f"{{ {HELPER} time-start; ")
            edits.close(pipeline.end, f"; {HELPER} time-end $?{posix}; }}")
        first = pipeline.commands[0]
        if self._person and place == _Place() and _reads_keyboard(first, text):
            edits.insert(first.start, f"{HELPER} typed | ")
        if len(pipeline.commands) > 1:
            place = _Place(apart=True)
        for command in pipeline.commands:
            inside = place.inside(command)
            if command.words and not (inside.apart or inside.unknown):
                name = command.words[0].literal
                if name is not None and self._programs(name):
                    edits.insert(command.words[0].start, f"{DIRECT}=1 ")
                elif name == "read" and self._person and not command.redirected:
                    self._read(command, text, edits)
            self._simple(command, text, edits)
            for body in command.bodies:
                self._sequence(body, text, edits, inside)

    def _simple(self, command: Command, text: str, edits: _Edits) -> None:
        if not command.words:
            self._assignment(command, text, edits)
            return
        first, last = command.words[0], command.words[-1]
        name = first.literal or ""
        if name in _WHOLE and self._wants(name, command):
            prefix = ""
            if command.assignments:
                names = " ".join(text[a.start : a.end].split("=")[0] for a in command.assignments)
                prefix = f"; export {names}; "
                edits.insert(command.start, "( ")
            opener = "" if prefix else "{ "
            edits.insert(first.start, f'{prefix}{opener}eval "$({HELPER} {_WHOLE[name]} ')
            edits.close(last.end, ')"; )' if prefix else ')"; }')
        elif name == "history":
            edits.replace(first.start, first.end, f"{HELPER} call history")
        elif name == "eval" and last is not first:
            edits.insert(command.words[1].start, f'"$({HELPER} rewrite-text ')
            edits.close(last.end, ')"')
        elif name in (".", "source") and last is not first:
            edits.insert(command.words[1].start, f'"$({HELPER} prepare ')
            edits.close(command.words[1].end, ')"')

    def _read(self, command: Command, text: str, edits: _Edits) -> None:
        """`read` from the keyboard: ask first, which fails at the end of input."""
        words = text[command.words[0].end : command.words[-1].end]
        edits.insert(command.start, f"{{ {HELPER} ask{words} && ")
        edits.close(command.end, f' <<< "$({HELPER} give-asked)"; }}')

    def _wants(self, name: str, command: Command) -> bool:
        if name == "command":
            return len(command.words) > 2 and command.words[1].literal in ("-v", "-V")
        return True

    def _assignment(self, command: Command, text: str, edits: _Edits) -> None:
        """`SECONDS=0` alone starts that counter anew, `RANDOM=42` seeds."""
        if len(command.assignments) != 1 or command.redirected:
            return
        start = command.start
        for prefix in _ASSIGNABLE:
            if text.startswith(prefix, start):
                end = start + len(prefix)
                edits.replace(start, end, f"{HELPER} assign {prefix[:-1]} ")


def _commands(item: AndOr) -> Iterator[Command]:
    for pipeline in item.pipelines:
        for command in pipeline.commands:
            yield command
            for body in command.bodies:
                for inner in body.items:
                    yield from _commands(inner)
