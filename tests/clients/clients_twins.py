"""Two clusters of one seed: one in this process behind our kubectl, one served to the real one."""

from __future__ import annotations

import json
import os
import re
import select
import subprocess
import time
from dataclasses import dataclass

from clients_serving import DATA, Served, tool

from minik8s.apiserver import ApiServer
from minik8s.client import Contexts, InProcessTransport
from minik8s.kubectl import MemoryIO, main
from minik8s.runtime import Runtime, kubeadm_profile

FILES = DATA / "differential"
PATIENCE = 60
"""Seconds that the real kubectl has for one command."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command printed, and its exit code."""

    stdout: str
    stderr: str
    code: int


class Twins:
    def __init__(self, served: Served) -> None:
        self.served = served
        self.files = {
            path.name: path.read_bytes() for path in FILES.iterdir() if path.suffix == ".yaml"
        }
        for name, data in self.files.items():
            (served.folder / name).write_bytes(data)
        document = json.loads(served.kubeconfig.read_text())
        document["users"][0]["name"] = "minik8s"
        document["contexts"][0]["context"]["user"] = "minik8s"
        served.kubeconfig.write_text(json.dumps(document))
        self.runtime = Runtime(seed=1, profile=kubeadm_profile(2, cni="cilium"), start=time.time())
        self.contexts = Contexts()
        self.contexts.add(
            "minik8s",
            InProcessTransport(ApiServer(self.runtime)),
            cluster=document["clusters"][0]["cluster"],
            user=document["users"][0]["user"],
        )

    def ours(self, words: list[str], stdin: str | None) -> Ran:
        """What the kubectl of this process does; without input it has a terminal."""
        clock = self.runtime.clock
        text = None if stdin is None else self.files[stdin].decode()
        io = MemoryIO(
            self.contexts, files=self.files, now=lambda: clock.now, stdin=text, tty=stdin is None
        )
        io.env = {"KUBECONFIG": str(self.served.kubeconfig)}
        code = main(words, io)
        return Ran(io.stdout, io.stderr, code)

    def real(self, words: list[str], stdin: str | None) -> Ran:
        """What the real kubectl does: a terminal for input and output, another for errors."""
        outer, inner = os.openpty()
        errors, written = os.openpty()
        for terminal in (inner, written):
            _as_it_comes(terminal)
        source = inner
        if stdin is not None:
            source = os.open(self.served.folder / stdin, os.O_RDONLY)
        env = {**self.served.env, "TERM": "dumb", "PATH": "/usr/bin:/bin"}
        process = subprocess.Popen(
            [tool("kubectl"), *words],
            stdin=source,
            stdout=inner,
            stderr=written,
            env=env,
            cwd=self.served.folder,
            start_new_session=True,
        )
        for descriptor in {inner, written, source}:
            os.close(descriptor)
        try:
            out, err = _read_all(outer, errors)
            return Ran(out, err, process.wait(5))
        finally:
            process.kill()
            process.wait(5)
            os.close(outer)
            os.close(errors)


def _as_it_comes(terminal: int) -> None:
    """Let a terminal hand on what is written without a change of line ends."""
    import termios

    attributes = termios.tcgetattr(terminal)
    attributes[1] &= ~termios.OPOST
    attributes[3] &= ~termios.ECHO
    termios.tcsetattr(terminal, termios.TCSANOW, attributes)


def _read_all(*descriptors: int) -> tuple[str, ...]:
    """All that is written to terminals until nobody has them open any more."""
    texts = dict.fromkeys(descriptors, b"")
    waiting = set(descriptors)
    until = time.monotonic() + PATIENCE
    while waiting and time.monotonic() < until:
        readable, _, _ = select.select(waiting, [], [], 1)
        for descriptor in readable:
            try:
                data = os.read(descriptor, 65536)
            except OSError:  # the other end is closed (Linux: EIO)
                data = b""
            texts[descriptor] += data
            if not data:
                waiting.discard(descriptor)
    return tuple(text.decode(errors="replace") for text in texts.values())


_PASSING = (
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| \+0000)?"), "TIME"),
    (re.compile(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d (\+0000|GMT)"), "TIME"),
    (re.compile(r"^([IWEF])\d{4} [\d:.]+ +\d+ [\w.]+:\d+\]", re.MULTILINE), r"\1 TIME"),
    (re.compile(r"(?<![\w.:-])(\d+[smhdy])+(?![\w.:-])|<invalid>"), "AGE"),
    (re.compile(r'^[IE] TIME "[^"]*[Ww]atch.* reflector="[^\n]*\n', re.MULTILINE), ""),
    (re.compile(r"(LIVE|MERGED)-\d+"), r"\1-N"),
    (re.compile(r"(?<=\S) {2,}"), "  "),
)
"""Ages and timestamps, what client-go logs now and then of a watch whose time is over, names of
temporary files, and the spaces that line columns up."""


def comparable(text: str) -> str:
    """A text without what passes with time."""
    for pattern, replacement in _PASSING:
        text = pattern.sub(replacement, text)
    return text


@dataclass(frozen=True, slots=True)
class Line:
    """One command of the script; `piped` names a file for its standard input."""

    verb: str
    words: list[str]
    piped: str | None
    any_order: bool
    """Whether the real kubectl prints its lines in an order left to chance (Go's maps)."""


def script() -> list[Line]:
    """The commands in order: `# VERB` begins a section, `~` says that lines have no order."""
    verb = ""
    found = []
    for text in (FILES / "commands.txt").read_text().splitlines():
        if text.startswith("# "):
            verb = text[2:]
            continue
        command, _, piped = text.removeprefix("~").partition(" < ")
        found.append(Line(verb, words_of(command), piped or None, text.startswith("~")))
    return found


def words_of(line: str) -> list[str]:
    """The words of a line: spaces within braces, brackets and after `sh -c` do not split."""
    head, shell, rest = line.partition(" sh -c ")
    words, depth = [""], 0
    for letter in head:
        depth = max(depth + (letter in "{[(") - (letter in "}])"), 0)
        if letter == " " and not depth:
            words.append("")
        else:
            words[-1] += letter
    return [*words, "sh", "-c", rest] if shell else words
