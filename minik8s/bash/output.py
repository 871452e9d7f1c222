"""What a script prints, in the words of the shell that it is meant for."""

from __future__ import annotations

import re
from collections.abc import Mapping

from minik8s.bash.values import SCRIPT_BASH, Dialect, OnOutput

_UNKNOWN = re.compile(r"^bash: line (\d+): (.*): command not found(?:\. .*)?$", re.MULTILINE)
_HINT = re.compile(r"^(.*: line \d+: .*: command not found)\. .*$", re.MULTILINE)
_WHERE = re.compile(r"^bash: line (\d+): ", re.MULTILINE)
_SYNTAX = re.compile(r"^bash: line (\d+): (?=syntax error|`|unexpected EOF)", re.MULTILINE)
_TRACED = re.compile(
    r"""^\++[ ](?:
        __minik8s[ ](?:\\.|'[^']*'|[^'\n\\])*
        | (?:export[ ])?_MINIK8S_\w+(?:=[^\n]*)?
        | shopt[ ]-p[ ]expand_aliases | declare[ ]-[pf] | alias[ ]-p
    )\n""",
    re.MULTILINE | re.VERBOSE,
)
"""What `set -x` shows of the commands that `rewrite.py` has put between a script's own."""
_EXIT = re.compile(r"\++ exit (\d+)\n")


class Output:
    """Collects the output of one script and hands it on, command by command.

    `before` is the exit code with which the script begins.
    """

    def __init__(
        self,
        dialect: Dialect,
        listener: OnOutput | None,
        originals: Mapping[str, str],
        before: int = 0,
    ) -> None:
        self._dialect = dialect
        self._listener = listener
        self._originals = originals
        self._parts: tuple[list[str], list[str]] = ([], [])
        self._before = before

    @property
    def stdout(self) -> str:
        """All of standard output so far."""
        return "".join(self._parts[0])

    @property
    def stderr(self) -> str:
        """All of standard error so far."""
        return "".join(self._parts[1])

    def take(self, out: str, err: str) -> None:
        """Receive what one command has printed."""
        # Errors come out on the other stream as well: `2>&1 | cat`, `2> file; cat file`.
        if ": line " in out:
            out = self._worded(out)
        if err:
            err = self._untraced(self._worded(err))
        self._parts[0].append(out)
        self._parts[1].append(err)
        if self._listener is not None:
            self._listener(out, err)

    def _untraced(self, text: str) -> str:
        """Without the trace of what is no part of the script."""
        begun = _EXIT.match(text) if self._before else None
        if begun is not None and int(begun.group(1)) == self._before:
            text = text[begun.end() :]  # how that exit code is set
        self._before = 0
        traced = "__minik8s" in text or "_MINIK8S" in text or "++ " in text
        return _TRACED.sub("", text) if traced else text

    def complain(self, message: str, line: int, *, syntax: bool = False) -> None:
        """Print a message of the shell itself."""
        where = self._where(line)
        if syntax and self._dialect == SCRIPT_BASH:
            where = f"{self._dialect.name}: -c: line {line}"
        self.take("", f"{where}: {message}\n")

    def _where(self, line: int) -> str:
        return self._dialect.where.format(name=self._dialect.name, line=line)

    def _worded(self, text: str) -> str:
        for copy, original in self._originals.items():
            text = text.replace(copy + ":", original + ":")
        text = _UNKNOWN.sub(
            lambda m: self._dialect.unknown.format(
                where=self._where(int(m.group(1))), command=m.group(2)
            ),
            text,
        )
        text = _HINT.sub(r"\1", text)
        if self._dialect == SCRIPT_BASH:
            return _SYNTAX.sub(r"bash: -c: line \1: ", text)
        return _WHERE.sub(lambda m: f"{self._where(int(m.group(1)))}: ", text)
