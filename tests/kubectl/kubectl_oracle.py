"""What the real kubectl answers to command lines that need no cluster.

The answers are recorded, since starting it a thousand times takes a minute. One in twenty is
asked again wherever the binary is there; `MINIK8S_RECORD=1` asks and records them all.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ANSWERS = Path(__file__).parent.parent / "data" / "kubectl" / "answers.jsonl"
NOWHERE = "/nowhere/config"
"""A kubeconfig that is not there."""

_SAMPLE = 20
_LOGGED = re.compile(r"^([WEF])\d{4} [\d:.]+ +\d+ (?=[\w.]+:\d+\] )", re.MULTILINE)


def timeless(text: str) -> str:
    """A text whose log lines say neither when nor by which process they were written."""
    return _LOGGED.sub(r"\1 ", text)


class Answer(NamedTuple):
    """Standard output, standard error and exit code."""

    out: str
    err: str
    code: int


class Oracle:
    """The recorded answers, and the binary if there is one."""

    def __init__(self, kubectl: str | None) -> None:
        self.kubectl = kubectl
        self.recording = bool(os.environ.get("MINIK8S_RECORD"))
        lines = ANSWERS.read_text().splitlines() if ANSWERS.exists() else []
        self._known = {key: Answer(*answer) for key, *answer in map(json.loads, lines)}
        self._asked: dict[str, Answer] = {}

    def ask(
        self, arguments: Sequence[str], stdin: bytes = b"", folder: Path | None = None
    ) -> Answer:
        """The answer to a command line."""
        text = json.dumps([*arguments, stdin.decode(errors="replace")])
        key = hashlib.sha256(text.encode()).hexdigest()[:20]
        recorded = self._known.get(key)
        checked = int(key, 16) % _SAMPLE == 0
        if recorded is not None and not self.recording and not (checked and self.kubectl):
            return recorded
        assert self.kubectl is not None, f"not recorded: {arguments}"
        answer = self._real(arguments, stdin, folder)
        if not self.recording:
            assert recorded in (None, answer), "the recorded answer is another"
        self._asked[key] = answer
        return answer

    def _real(self, arguments: Sequence[str], stdin: bytes, folder: Path | None) -> Answer:
        ran = subprocess.run(
            [str(self.kubectl), *arguments],
            input=stdin,
            cwd=folder,
            capture_output=True,
            env={**os.environ, "KUBECONFIG": NOWHERE},
        )
        return Answer(ran.stdout.decode(), timeless(ran.stderr.decode()), ran.returncode)

    def save(self) -> None:
        """Write down what was asked, if that is wanted."""
        if not self.recording:
            return
        known = {**self._known, **self._asked}
        lines = [json.dumps([key, *known[key]]) for key in sorted(known)]
        ANSWERS.parent.mkdir(parents=True, exist_ok=True)
        ANSWERS.write_text("".join(f"{line}\n" for line in lines))
