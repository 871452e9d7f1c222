"""The tutorial, verbatim, in real bash with the real kubectl and jq against `minik8s serve`."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest
from clients_serving import MANIFESTS, Served, missing, serving, tool

TEXT = Path(__file__).parents[1] / "data" / "tutorial" / "tutorial.md"
FIRST = "kubectl create -f tutorial/demo-app.yaml"
_BLOCK = re.compile(r"^```\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r" *(?:kubectl |[A-Z_]+=)")
PROMPT = "<ready>"
NO_TERMINAL = "Unable to use a TTY - input is not a terminal or the right kind of file"
_METER = re.compile(r"^(?: +% Total +% Received|.*Dload +Upload| *\d+ .*--:--:--)")


def steps() -> list[tuple[str, list[str]]]:
    """The commands from "Create Demo App" to the bonus question, with the output promised."""
    text = TEXT.read_text(encoding="utf-8")
    found: list[tuple[str, list[str]]] = []
    for block in _BLOCK.findall(text[text.index("## Create Demo App") :]):
        lines = block.rstrip("\n").split("\n")
        if not _COMMAND.match(lines[0]):
            continue  # a manifest
        for line in lines:
            if _COMMAND.match(line):
                found.append((line, []))
            else:
                found[-1][1].append(line)
    return found


STEPS = steps()


def test_the_commands_were_found() -> None:
    assert STEPS[0][0] == FIRST
    assert STEPS[-1][0].startswith("kubectl exec -ti $BACKEND -- curl -I --connect-timeout 5")
    assert len(STEPS) == 35
    assert sum(bool(promised) for _, promised in STEPS) == 17


# -- which kubectl


def kubectl_132() -> str:
    path = os.environ.get("MINIK8S_KUBECTL_132", "")
    if not path:
        missing("MINIK8S_KUBECTL_132, the path of a kubectl 1.32")
    return path


@pytest.fixture(scope="module", params=["1.37", "1.32"])
def laptop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tutorial's manifests and a `bin` with kubectl and jq."""
    program = tool("kubectl") if request.param == "1.37" else kubectl_132()
    folder = tmp_path_factory.mktemp("laptop")
    (folder / "bin").mkdir()
    (folder / "bin" / "kubectl").symlink_to(program)
    (folder / "bin" / "jq").symlink_to(tool("jq"))
    (folder / "tutorial").symlink_to(MANIFESTS)
    version = subprocess.run(
        [program, "version", "--client"], capture_output=True, text=True, check=True, timeout=30
    )
    assert f"v{request.param}." in version.stdout
    return folder


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Served]:
    with serving(tmp_path) as running:
        yield running


def environment(laptop: Path, server: Served) -> dict[str, str]:
    env = {**server.env, "PS1": PROMPT, "TERM": "xterm", "HISTFILE": "/dev/null"}
    env["PATH"] = os.pathsep.join((str(laptop / "bin"), env["PATH"]))
    return env


# -- within the contract's tolerances


_MASKS = (
    (r" deleted from default namespace$", " deleted"),
    (r"\b(backend|frontend)-[a-z0-9]{6,10}-[a-z0-9]{5}\b", r"\1-POD"),
    (r"\b\d+\.\d+\.\d+\.\d+\b", "ADDRESS"),
    (r"\b(?:\d+[dhms])+$", "AGE"),
    (r" timed out after 500[0-9] milliseconds", " timed out after 5 s"),
)


def masked(line: str) -> str:
    """A line without what may differ: names, addresses, ages, spaces."""
    for pattern, mask in _MASKS:
        line = re.sub(pattern, mask, line.strip())
    return " ".join(line.split())


def shown(output: str) -> list[str]:
    """The lines that a person sees, less the row that the tutorial leaves out."""
    lines = output.replace("\r", "").split("\n")
    return [masked(line) for line in lines if line.strip() and "service/kubernetes " not in line]


def kept(command: str, promised: list[str], lines: list[str]) -> bool:
    """Whether a promise is kept; what went through `head` may come after kubectl's last line."""
    wanted = shown("\n".join(promised))
    return lines == wanted or ("|" in command and sorted(lines) == sorted(wanted))


def silent_or_created(command: str, lines: list[str]) -> bool:
    """Whether the output is what belongs to a command without a promise."""
    if re.match(r" *[A-Z_]+=", command):
        return lines == []
    words = ("created", "labeled", "deleted")
    return lines != [] and all(line.rstrip('"').endswith(words) for line in lines)


# -- with a terminal


def test_under_a_terminal(laptop: Path, server: Served) -> None:
    with_bash = pexpect.spawn(
        tool("bash"),
        ["--noprofile", "--norc", "--noediting"],
        cwd=str(laptop),
        env=environment(laptop, server),
        encoding="utf-8",
        echo=False,
        timeout=40,
        dimensions=(50, 250),
    )
    try:
        with_bash.expect_exact(PROMPT)
        for command, promised in STEPS:
            with_bash.sendline(command)
            with_bash.expect_exact(PROMPT)
            lines = shown(with_bash.before or "")
            if promised:
                assert kept(command, promised, lines), (command, lines)
            else:
                assert silent_or_created(command, lines), (command, lines)
    finally:
        with_bash.close(force=True)


# -- without


def test_without_a_terminal(laptop: Path, server: Served) -> None:
    """Standard error then has kubectl's line about the terminal, and curl's meter."""
    script = laptop / "script"
    lines_of_script = (
        f"{command}\necho '<{number}>' | tee /dev/stderr\n"
        for number, (command, _) in enumerate(STEPS)
    )
    script.write_text("".join(lines_of_script))
    start = time.monotonic()
    ended = subprocess.run(
        [tool("bash"), "--noprofile", "--norc", str(script)],
        stdin=subprocess.DEVNULL,
        cwd=laptop,
        env=environment(laptop, server),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert time.monotonic() - start < 100
    for number, (command, promised) in enumerate(STEPS):
        out, errors = between(ended.stdout, number), between(ended.stderr, number)
        rest = [line for line in errors if not _METER.match(line) and line.strip() != NO_TERMINAL]
        lines = shown("\n".join(out + rest))
        if not promised:
            assert silent_or_created(command, lines), (command, lines)
            continue
        assert kept(command, promised, lines), (command, lines)
        if " exec " in command:
            assert NO_TERMINAL in errors, command
            assert any("% Total" in line for line in errors), command
            assert not any("% Total" in line for line in out), command


def between(text: str, number: int) -> list[str]:
    """The lines of one command: those before its mark, after the mark before."""
    lines = text.replace("\r", "\n").split("\n")
    end = lines.index(f"<{number}>")
    start = lines.index(f"<{number - 1}>") + 1 if number else 0
    return lines[start:end]
