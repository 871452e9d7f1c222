"""Run a shell script step by step, so that its programs can wait.

The shell engine runs a script to its end in one go. A container's main script must be able to
wait for years (`sleep 1000000000`), and a program at a prompt for input. So lists, loops and
plain calls of programs are walked here, and everything else is given to the engine.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from minik8s.bash.commands import SHELL_BUILTINS
from minik8s.bash.syntax import read
from minik8s.bash.words import AndOr, Command, Incomplete, Pipeline, Sequence, Unreadable
from minik8s.guests.base import (
    Forever,
    Input,
    Process,
    Program,
    ReadInput,
    Sleep,
    Steps,
    WaitsForEver,
    read_all,
)
from minik8s.guests.podshell import PodShell
from minik8s.guests.programs import find_program

TURNS = 10_000
"""How often a loop of somebody who waits for its end goes round before it is stopped."""

BUSY_TURNS = 1000
BACKGROUND_TURNS = 100
"""After so many turns in no time a loop is taken to have used a moment of it; one that nobody
waits for, and that may be there for ever, is to cost less."""

GIVE_WAY_TURNS = 50
"""After so many turns a loop lets others go on."""

_CONNECTOR = re.compile(r"(&&|\|\|)\s*\Z")


_FOR_EVER = re.compile(r"\s*(true|:|\[ 1 \])\s*(;|\n)\s*do\b")


_LEAVES = re.compile(r"\b(break|continue)\b")
_READ = re.compile(r"\bread\b")
_READS = re.compile(r"\b(read|cat|mapfile|tee|xargs|tr|sort|wc|grep|sed|awk|head|sh|bash|jq)\b")


class Exited(Exception):
    """The script has ended the shell."""


class Script:
    """One script on one shell."""

    def __init__(self, process: Process, shell: PodShell, text: str) -> None:
        self.process = process
        self.shell = shell
        self.text = text

    def run(self) -> Steps[int]:
        """Run it; gives the exit code. Raises Exited if it ended the shell."""
        try:
            script = read(self.text)
        except (Incomplete, Unreadable, RecursionError):
            return (yield from self._engine(self.text))
        if not any(self._walks(p) for item in script.body.items for p in item.pipelines):
            return (yield from self._engine(self.text))
        yield from self._sequence(script.body)
        return self.shell.exit_code

    def _sequence(self, sequence: Sequence) -> Steps[int]:
        for item in sequence.items:
            yield from self._item(item)
        return self.shell.exit_code

    def _item(self, item: AndOr) -> Steps[None]:
        if self.text[item.start : item.end] in ("true", ":"):
            self.shell.exit_code = 0
            return
        if item.ampersand is not None or not any(self._walks(p) for p in item.pipelines):
            yield from self._engine(self.text[item.start : (item.ampersand or item.end - 1) + 1])
            return
        place = item.start
        for pipeline in item.pipelines:
            connector = _CONNECTOR.search(self.text[place : pipeline.start])
            place = pipeline.end
            if connector is not None:
                failed = self.shell.exit_code != 0
                if failed is (connector[1] == "&&"):
                    continue
            if self._walks(pipeline):
                yield from self._pipeline(pipeline)
            else:
                yield from self._engine(self.text[pipeline.start : pipeline.end])

    def _walks(self, pipeline: Pipeline) -> bool:
        """Whether the last command of a pipeline is one that is walked here."""
        command = pipeline.commands[-1]
        if pipeline.timed is not None or command.redirected or command.assignments:
            return False
        if pipeline.commands[0].start != pipeline.start:
            return False  # negated
        if len(pipeline.commands) == 1 and self._loop_word(command):
            return True
        return self._program(command) is not None

    def _pipeline(self, pipeline: Pipeline) -> Steps[None]:
        """A program that is walked, with what the commands before it have written as input."""
        *before, command = pipeline.commands
        if not before:
            yield from self._walk(command, None)
            return
        written: list[str] = []
        text = f"{self.text[before[0].start : before[-1].end]} | cat"  # no terminal there
        yield from self._engine(text, written.append)
        yield from self._walk(command, Input.of("".join(written).encode()))

    def _loop_word(self, command: Command) -> str:
        """`while` or `until`, if the command is such a loop around something that waits.

        In the background, so is one without an end.
        """
        word = self.text[command.start : command.start + 5]
        if word not in ("while", "until") or len(command.bodies) != 2:
            return ""
        if _LEAVES.search(self.text[command.start : command.end]):
            return ""  # the engine knows which loop is meant
        waits = any(
            self._walks(pipeline)
            for body in command.bodies
            for item in body.items
            for pipeline in item.pipelines
        )
        condition = self.text[command.start + 5 : command.bodies[1].items[0].start]
        for_ever = word == "while" and _FOR_EVER.match(condition) is not None
        return word if waits or (for_ever and self.process.background) else ""

    def _program(self, command: Command) -> Program | None:
        words = [word.literal for word in command.words]
        if words[:1] == ["exec"]:
            words = words[1:]
        if not words or words[0] is None or words[0] in SHELL_BUILTINS:
            return None
        image = self.process.container.image
        if words[0].rpartition("/")[2] in image.tools - image.programs.keys():
            return None
        return find_program(image, words[0])

    def _walk(self, command: Command, stdin: Input | None) -> Steps[None]:
        word = self._loop_word(command)
        if word:
            yield from self._loop(command, word)
            return
        program = self._program(command)
        assert program is not None
        argv = yield from self._expand(self.text[command.start : command.end])
        replaces = argv[:1] == ["exec"]
        child = self.process.child(
            argv[1:] if replaces else argv,
            own_env=dict(self.shell.env),
            cwd=self.shell.cwd,
            **({} if stdin is None else {"stdin": stdin, "interactive": False}),
        )
        self.shell.exit_code = yield from program(child)
        if replaces:
            raise Exited

    def _loop(self, command: Command, word: str) -> Steps[None]:
        condition, body = command.bodies
        clock = self.process.clock
        turns, since = 0, clock.now
        busy = BACKGROUND_TURNS if self.process.background else BUSY_TURNS
        while True:
            code = yield from self._sequence(condition)
            if (code == 0) is (word == "until"):
                break
            yield from self._sequence(body)
            turns += 1
            if turns >= TURNS and not self.process.background:
                self.process.err(f"sh: stopped: a loop went round more than {TURNS:,} times\n")
                self.shell.exit_code = 130
                raise Exited
            if turns % busy == 0:
                yield Sleep(1.0 if clock.now == since else 0.0)
                since = clock.now
            elif turns % GIVE_WAY_TURNS == 0:
                yield Sleep(0.0)
        self.shell.exit_code = 0

    def _expand(self, text: str) -> Steps[list[str]]:
        """The words of a simple command after all expansions."""
        if re.fullmatch(r"[\w ./:=@%+,-]*", text):
            return text.split()
        code = self.shell.exit_code
        result = yield from self.shell.script(f"printf '%s\\001' {text}")
        self.shell.exit_code = code
        text = result.stdout.encode(errors="surrogateescape").decode(errors="replace")
        return text.split("\x01")[:-1]

    def _engine(self, text: str, out: Callable[[str], None] | None = None) -> Steps[int]:
        """Give a piece of the script to the engine; `out` takes its output elsewhere."""
        put = self.process.out if out is None else out

        def show(written: str, complaint: str) -> None:
            put(written)
            self.process.err(complaint)

        stdin = yield from self._stdin(text)
        try:
            result = yield from self.shell.script(text, show, stdin)
        except WaitsForEver:
            yield Forever()
            raise
        if result.exited:
            raise Exited
        return result.exit_code

    def _stdin(self, text: str) -> Steps[str | None]:
        """Standard input for a piece that may read it; the engine must have it beforehand.

        Of somebody who types, that is one line for `read`.
        """
        process = self.process
        if process.interactive:
            if not _READ.search(text):
                return None
            line = yield ReadInput(process.stdin)
            return (line or b"").decode(errors="replace")
        if not process.stdin.closed:
            if not _READS.search(text):
                return None
            data = yield from read_all(process)
        else:
            data = process.stdin.take() or b""
        return data.decode(errors="replace") or None
