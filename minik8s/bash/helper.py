"""What a rewritten script asks of its shell: the answers to `__minik8s VERB ...`."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random
from typing import Protocol

from minik8s.bash.rewrite import HELPER, Rewriter
from minik8s.bash.values import Background, Invocation, Outcome, Program

_READ_ONLY = re.compile(
    r"^declare -\S+ (?:BASHOPTS|BASH_VERSINFO|EUID|UID|PPID|SHELLOPTS|PIPESTATUS|_)=.*$",
    re.MULTILINE,
)
_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_COPIES = "/dev/shm/minik8s-"
"""Where rewritten copies of sourced files lie; messages name the originals."""


class Host(Protocol):
    """What the helper needs of its shell."""

    random: Random
    now: Callable[[], float]
    username: str
    background: Callable[[Background], int] | None
    ask: Callable[[str], str | None] | None

    programs: Mapping[str, Program]

    def read_script(self, path: str) -> str:
        """The text of a file; raises OSError."""

    def write_file(self, path: str, data: str) -> None:
        """Write a file."""

    def offers(self, name: str) -> bool:
        """Whether a command can be run."""

    def hides(self, name: str) -> bool:
        """Whether the engine has a command that must not be seen."""


class Helper:
    """Answers for one shell."""

    def __init__(self, shell: Host, rewrite: Rewriter) -> None:
        self._shell = shell
        self._rewrite = rewrite
        self._stdin = ""
        self._started = shell.now()
        self._seconds = self._started
        self._times: list[float] = []
        self._last_job = ""
        self.alive: tuple[int, str] | None = None
        self.originals: dict[str, str] = {}
        self._asked = ""

    def begin(self, stdin: str | None) -> None:
        """A new script starts."""
        self._stdin = stdin or ""
        self.alive = None
        self._times.clear()

    def __call__(self, invocation: Invocation) -> Outcome:
        """Answer one call."""
        verb, arguments = invocation.argv[0], invocation.argv[1:]
        method = getattr(self, "_" + verb.replace("-", "_"))
        outcome: Outcome = method(arguments, invocation)
        return outcome

    # -- variables -------------------------------------------------------------------------

    def _var(self, arguments: list[str], _invocation: Invocation) -> Outcome:
        now = self._shell.now()
        match arguments[0]:
            case "RANDOM":
                value = str(self._shell.random.randrange(32768))
            case "SRANDOM":
                value = str(self._shell.random.getrandbits(32))
            case "SECONDS":
                value = str(int(now - self._seconds))
            case "EPOCHSECONDS":
                value = str(int(now))
            case "EPOCHREALTIME":
                value = f"{now:.6f}"
            case "!":
                value = self._last_job
            case _:
                value = "0" if self._shell.username == "root" else "1000"
        return Outcome(value + "\n")

    def _assign(self, arguments: list[str], _invocation: Invocation) -> Outcome:
        name, value = arguments[0], "".join(arguments[1:2])
        number = int(value) if value.lstrip("-").isdigit() else 0
        if name == "SECONDS":
            self._seconds = self._shell.now() - number
        else:
            self._shell.random = Random(number)
        return Outcome()

    # -- jobs, time ------------------------------------------------------------------------

    def _spawn(self, arguments: list[str], invocation: Invocation) -> Outcome:
        text, options, variables, functions, aliases, *rest = arguments
        variables = _READ_ONLY.sub("", variables)
        state = "\n".join([options, variables, functions, aliases, f"set -- {shlex.join(rest)}"])
        assert self._shell.background is not None
        number = self._shell.background(Background(text, state, invocation.cwd))
        self._last_job = str(number)
        return Outcome()

    def _ran(self, _arguments: list[str], _invocation: Invocation) -> Outcome:
        return Outcome()

    def _time_start(self, _arguments: list[str], _invocation: Invocation) -> Outcome:
        self._times.append(self._shell.now())
        return Outcome()

    def _time_end(self, arguments: list[str], _invocation: Invocation) -> Outcome:
        start = self._times.pop() if self._times else self._shell.now()
        seconds = self._shell.now() - start
        if arguments[1:] == ["-p"]:
            text = f"real {seconds:.2f}\nuser 0.00\nsys 0.00\n"
        else:
            minutes, rest = divmod(seconds, 60)
            text = f"\nreal\t{minutes:.0f}m{rest:.3f}s\nuser\t0m0.000s\nsys\t0m0.000s\n"
        return Outcome(stderr=text, exit_code=int(arguments[0]))

    def _watch(self, arguments: list[str], _invocation: Invocation) -> Outcome:
        """`watch COMMAND`: one look, as nobody sits in front of a script."""
        rest = arguments[1:]
        interval, bare = 2.0, False
        while rest and rest[0].startswith("-"):
            option = rest.pop(0)
            if option in ("-n", "--interval") and rest:
                interval = duration(rest.pop(0)) or interval
            elif option.startswith("-n"):
                interval = duration(option[2:]) or interval
            bare = bare or option in ("-t", "--no-title")
        command = " ".join(rest)
        title = f"{HELPER} title {interval} {shlex.quote(command)}; "
        return Outcome(("" if bare else title) + self._rewrite(command) + "\n")

    def _title(self, arguments: list[str], _invocation: Invocation) -> Outcome:
        return Outcome(f"Every {float(arguments[0]):.1f}s: {arguments[1]}\n\n")

    # -- inner scripts ---------------------------------------------------------------------

    def _rewritten(self, text: str) -> Outcome:
        return Outcome(self._rewrite(text) + "\n")

    def _rewrite_text(self, arguments: list[str], _invocation: Invocation) -> Outcome:
        return self._rewritten(" ".join(arguments))

    def _prepare(self, arguments: list[str], invocation: Invocation) -> Outcome:
        """The path of a file to be sourced: its own, or that of a rewritten copy."""
        path = arguments[0] if arguments else ""
        text = self._text_of(path, invocation)
        if text is None or (rewritten := self._rewrite(text)) == text:
            return Outcome(path + "\n")
        copy = f"{_COPIES}{len(self.originals)}"
        self.originals[copy] = path
        self._shell.write_file(copy, rewritten)
        return Outcome(copy + "\n")

    def _text_of(self, path: str, invocation: Invocation) -> str | None:
        try:
            return self._shell.read_script(posixpath.join(invocation.cwd, path))
        except OSError:
            return None

    def _nested(self, arguments: list[str], invocation: Invocation) -> Outcome:
        """`bash ...` with its script rewritten."""
        name, *rest = arguments
        options = []
        while rest and rest[0].startswith(("-", "+")) and rest[0] != "--":
            option = rest.pop(0)
            options.append(option)
            if option in ("-o", "+o", "-O", "+O") and rest:
                options.append(rest.pop(0))
            elif not option.startswith("--") and "c" in option:
                script, *others = rest or [""]
                return _command(name, options, self._rewrite(script), others)
        if rest[:1] == ["--"]:
            rest.pop(0)
        if not rest or "-s" in options:
            options = [o for o in options if o != "-s"]
            script = self._rewrite(invocation.stdin or "")
            return _command(name, [*options, "-c"], script, [name, *rest])
        return self._nested_file(name, options, rest, invocation)

    def _nested_file(
        self, name: str, options: list[str], rest: list[str], invocation: Invocation
    ) -> Outcome:
        text = self._text_of(rest[0], invocation)
        if text is None or (rewritten := self._rewrite(text)) == text:
            return Outcome(shlex.join([name, *options, *rest]) + "\n")
        return _command(name, [*options, "-c"], rewritten, rest)

    def _about(self, arguments: list[str], _invocation: Invocation) -> Outcome:
        """`type NAME...` and `command -v NAME...`, which must not see what is not offered."""
        name, *rest = arguments
        options = [word for word in rest if word.startswith("-")]
        lines = []
        for word in rest:
            if word in options:
                continue
            if self._shell.hides(word):
                message = "" if "-v" in options else f"{name}: {word}: not found"
                lines.append(f"{HELPER} missing 1 {shlex.quote(message)}")
            else:
                lines.append(shlex.join([name, *options, word]))
        return Outcome("\n".join(lines) + "\n")

    def _missing(self, arguments: list[str], _invocation: Invocation) -> Outcome:
        message = f"bash: line 1: {arguments[1]}\n" if arguments[1] else ""
        return Outcome(stderr=message, exit_code=1)

    def _call(self, arguments: list[str], invocation: Invocation) -> Outcome:
        """A program of ours whose name the engine keeps for itself."""
        name, *rest = arguments
        program = self._shell.programs.get(name)
        if program is None:
            return Outcome()
        return program(replace(invocation, name=name, argv=rest))

    def _ask(self, arguments: list[str], _invocation: Invocation) -> Outcome:
        """A line from the keyboard for `read`, with the prompt of its `-p`."""
        assert self._shell.ask is not None
        line = self._shell.ask(_prompt(arguments))
        self._asked = line or ""
        return Outcome(exit_code=1 if line is None else 0)

    def _typed(self, _arguments: list[str], _invocation: Invocation) -> Outcome:
        """All that is typed until the end of input."""
        assert self._shell.ask is not None
        ask = self._shell.ask
        return Outcome("".join(iter(lambda: ask("") or "", "")))

    def _give_asked(self, _arguments: list[str], _invocation: Invocation) -> Outcome:
        return Outcome(self._asked)

    # -- begin and end ---------------------------------------------------------------------

    def _give_stdin(self, _arguments: list[str], _invocation: Invocation) -> Outcome:
        return Outcome(self._stdin)

    def _alive(self, arguments: list[str], _invocation: Invocation) -> Outcome:
        self.alive = int(arguments[0]), arguments[1]
        return Outcome(exit_code=self.alive[0])


def _prompt(arguments: list[str]) -> str:
    """The value of `-p` among the arguments of `read`."""
    for place, word in enumerate(arguments):
        if word.startswith("-") and "p" in word:
            value = word.partition("p")[2]
            return value or "".join(arguments[place + 1 : place + 2])
    return ""


def _command(name: str, options: list[str], script: str, rest: list[str]) -> Outcome:
    return Outcome(shlex.join([name, *options, script, *rest]) + "\n")


def duration(text: str) -> float | None:
    """Seconds in `5`, `0.5s`, `2m`; None if it is no duration."""
    match = re.fullmatch(r"(\d+\.?\d*|\.\d+)([smhd]?)", text)
    return float(match.group(1)) * _UNITS[match.group(2)] if match else None
