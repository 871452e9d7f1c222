"""Run a shell script step by step, so that its programs can wait.

The shell engine runs a script to its end in one go. A container's main script must be able to
wait for years (`sleep 1000000000`), and a program at a prompt for input. So lists, loops and
plain calls of programs are walked here, and everything else is given to the engine.
"""

from __future__ import annotations

import re

from minik8s.bash import Shell
from minik8s.bash.commands import SHELL_BUILTINS
from minik8s.bash.syntax import read
from minik8s.bash.words import AndOr, Command, Incomplete, Pipeline, Sequence, Unreadable
from minik8s.guests.base import Process, Program, Sleep, Steps
from minik8s.guests.podshell import Surroundings
from minik8s.guests.programs import find_program

TURNS = 10_000
"""How often a loop of somebody who waits for its end goes round before it is stopped."""

BUSY_TURNS = 1000
"""After so many turns in no time a loop is taken to have used a moment of it."""

_CONNECTOR = re.compile(r"(&&|\|\|)\s*\Z")


class Exited(Exception):
    """The script has ended the shell."""


class Script:
    """One script on one shell."""

    def __init__(self, around: Surroundings, shell: Shell, text: str) -> None:
        self.around = around
        self.process = around.process
        self.shell = shell
        self.text = text

    def run(self) -> Steps[int]:
        """Run it; gives the exit code. Raises Exited if it ended the shell."""
        try:
            script = read(self.text)
        except (Incomplete, Unreadable, RecursionError):
            return self._engine(self.text)
        yield from self._sequence(script.body)
        return self.shell.exit_code

    def _sequence(self, sequence: Sequence) -> Steps[int]:
        for item in sequence.items:
            yield from self._item(item)
        return self.shell.exit_code

    def _item(self, item: AndOr) -> Steps[None]:
        if item.ampersand is not None or not any(self._walks(p) for p in item.pipelines):
            self._engine(self.text[item.start : (item.ampersand or item.end - 1) + 1])
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
                yield from self._walk(pipeline.commands[0])
            else:
                self._engine(self.text[pipeline.start : pipeline.end])

    def _walks(self, pipeline: Pipeline) -> bool:
        """Whether a pipeline is one command that is walked here."""
        if len(pipeline.commands) != 1 or pipeline.timed is not None:
            return False
        command = pipeline.commands[0]
        if command.redirected or command.assignments or command.start != pipeline.start:
            return False
        return self._loop_word(command) != "" or self._program(command) is not None

    def _loop_word(self, command: Command) -> str:
        """`while` or `until`, if the command is such a loop around something that waits."""
        word = self.text[command.start : command.start + 5]
        if word not in ("while", "until") or len(command.bodies) != 2:
            return ""
        waits = any(
            self._walks(pipeline)
            for body in command.bodies
            for item in body.items
            for pipeline in item.pipelines
        )
        return word if waits or self.process.background else ""

    def _program(self, command: Command) -> Program | None:
        words = [word.literal for word in command.words]
        if words[:1] == ["exec"]:
            words = words[1:]
        if not words or words[0] is None or words[0] in SHELL_BUILTINS:
            return None
        return find_program(self.process.container.image, words[0])

    def _walk(self, command: Command) -> Steps[None]:
        word = self._loop_word(command)
        if word:
            yield from self._loop(command, word)
            return
        program = self._program(command)
        assert program is not None
        argv = self._expand(self.text[command.start : command.end])
        replaces = argv[:1] == ["exec"]
        child = self.process.child(
            argv[1:] if replaces else argv,
            own_env=dict(self.shell.env),
            cwd=self.shell.cwd,
        )
        self.shell.exit_code = yield from program(child)
        if replaces:
            raise Exited

    def _loop(self, command: Command, word: str) -> Steps[None]:
        condition, body = command.bodies
        clock = self.process.clock
        turns, since = 0, clock.now
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
            if turns % BUSY_TURNS == 0:
                if clock.now == since:
                    yield Sleep(1.0)
                since = clock.now
        self.shell.exit_code = 0

    def _expand(self, text: str) -> list[str]:
        """The words of a simple command after all expansions."""
        if re.fullmatch(r"[\w ./:=@%+,-]*", text):
            return text.split()
        code = self.shell.exit_code
        result = self.shell.run(f"printf '%s\\001' {text}")
        self.shell.exit_code = code
        return result.stdout.split("\x01")[:-1]

    def _engine(self, text: str) -> int:
        """Give a piece of the script to the engine."""
        self.around.piped = re.search(r"[|>`]|\$\(", text) is not None
        result = self.shell.run(text, on_output=self._output, stdin=_piped(self.process))
        if result.exited:
            raise Exited
        return result.exit_code

    def _output(self, out: str, err: str) -> None:
        if out:
            self.process.out(out)
        if err:
            self.process.err(err)


def _piped(process: Process) -> str | None:
    """The whole of standard input, if it is complete and nobody types it."""
    if not process.stdin.closed or not process.stdin.data:
        return None
    return (process.stdin.take() or b"").decode(errors="replace")
