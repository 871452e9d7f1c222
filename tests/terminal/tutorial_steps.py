"""The tutorial's commands and the output that it promises, read from its text."""

import re
from dataclasses import dataclass
from pathlib import Path

TEXT = Path(__file__).parents[1] / "data/tutorial/tutorial.md"
_BLOCK = re.compile(r"^```\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(
    r" *(?:(?:cilium|curl|export|gcloud|hubble|kubectl|minikube|sudo|tar) |[A-Z_]+=)"
)


@dataclass(frozen=True)
class Step:
    """One line as it is typed, and the lines that must come out (None: nothing is promised)."""

    command: str
    promised: tuple[str, ...] | None


def steps():
    """Every command of the tutorial, verbatim and in order."""
    found = []
    for block in _BLOCK.findall(TEXT.read_text(encoding="utf-8")):
        lines = block.rstrip("\n").split("\n")
        if not _COMMAND.match(lines[0]):
            continue  # a manifest
        for line in lines:
            if _COMMAND.match(line):
                found.append((line, []))
            else:
                found[-1][1].append(line.strip())
    return [Step(command, tuple(lines) or None) for command, lines in found]


def visible(output):
    """The lines that a person sees."""
    return [line.rstrip() for line in output.replace("\r", "").rstrip("\n").split("\n")]


def keeps(promised, output):
    """Whether an output is what was promised, within the tolerances of the contract.

    Names, addresses and ages differ; the row `service/kubernetes` is missing in the tutorial;
    kubectl says since 1.34 which namespace it deleted from.
    """
    lines = [line for line in visible(output) if not line.startswith("service/kubernetes ")]
    if len(lines) != len(promised):
        return False
    return all(_line(want) == _line(got) for want, got in zip(promised, lines, strict=True))


_AGE = r"(?:\d+[dhms])+"
_MASKS = (
    (r" deleted from default namespace$", " deleted"),
    (r"\b(backend|frontend)-[a-z0-9]{6,10}-[a-z0-9]{5}\b", r"\1-POD"),
    (r"\b\d+\.\d+\.\d+\.\d+\b", "ADDRESS"),
    (rf"\b{_AGE}$", "AGE"),
)


def _line(text):
    for pattern, mask in _MASKS:
        text = re.sub(pattern, mask, text)
    return " ".join(text.split())
