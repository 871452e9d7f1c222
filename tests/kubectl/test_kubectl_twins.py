"""Scripts of commands, run by our kubectl and by the real one on clusters that are twins.

Each file of `data/kubectl/twins` is a script: a command line without `kubectl`, ` <<< ` and what
is its standard input (with backslash escapes), or `EDITOR` and the command that edits files.
"""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from kubectl_bridge import Twins, plain, twins

import minik8s

SCRIPTS = Path(__file__).parent.parent / "data" / "kubectl" / "twins"
TUTORIAL = Path(minik8s.__file__).parent / "data" / "tutorial"
NAMES = sorted(path.stem for path in SCRIPTS.glob("*.txt"))

# Help is in our own words.
_HELP = "Available Commands"


@pytest.fixture(scope="module")
def outcomes(
    real_kubectl: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[list[str]]]]:
    """The differences that each script shows; scripts run side by side."""
    files = {path.name: path.read_bytes() for path in TUTORIAL.glob("*.yaml")}

    def differences(name: str) -> list[str]:
        with twins(real_kubectl, tmp_path_factory.mktemp(name), files) as pair:
            return _differences(pair, (SCRIPTS / f"{name}.txt").read_text().splitlines())

    with ThreadPoolExecutor(3) as pool:
        yield {name: pool.submit(differences, name) for name in NAMES}


def _differences(pair: Twins, lines: list[str]) -> list[str]:
    found: list[str] = []
    for line in lines:
        if line.startswith("EDITOR "):
            pair.editor = line.removeprefix("EDITOR ")
            continue
        command, given, text = line.partition(" <<< ")
        stdin = text.encode().decode("unicode_escape") if given else None
        arguments = shlex.split(command)
        ours, real = pair.ours(arguments, stdin), pair.real(arguments, stdin)
        if _HELP in real[0] + real[1]:
            same = ours[2] == real[2] and bool(ours[0]) == bool(real[0])
        else:
            same = plain(ours) == plain(real)
        if not same:
            found.append(_shown(command, ours, real))
    return found


def _shown(command: str, ours: tuple[str, str, int], real: tuple[str, str, int]) -> str:
    lines = [f"kubectl {command}: {ours[2]} for {real[2]}"]
    for place in (0, 1):
        old, new = real[place].splitlines(), ours[place].splitlines()
        lines += difflib.unified_diff(old, new, "real", "ours", lineterm="")
    return "\n".join(lines)


@pytest.mark.parametrize("name", NAMES)
def test_commands_print_what_the_real_ones_print(
    name: str, outcomes: dict[str, Future[list[str]]]
) -> None:
    differences = outcomes[name].result()
    assert not differences, "\n\n".join(differences)


def test_there_are_scripts() -> None:
    assert len(NAMES) >= 10
