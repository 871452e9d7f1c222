"""The real kubectl as a test runs it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest


def binary() -> str:
    """The kubectl beside this Python; the test is skipped without one."""
    beside = Path(sys.executable).with_name("kubectl")
    found = str(beside) if beside.exists() else shutil.which("kubectl")
    if found is None:
        pytest.skip("there is no kubectl here")
    return found


@dataclass(frozen=True, slots=True)
class Kubectl:
    kubeconfig: Path
    cache: Path

    @property
    def env(self) -> dict[str, str]:
        return {
            "KUBECONFIG": str(self.kubeconfig),
            "KUBECACHEDIR": str(self.cache),
            "PATH": os.environ["PATH"],
            "HOME": str(self.cache.parent),
            "TERM": "xterm",
        }

    def run(
        self, *args: str, stdin: str | None = None, timeout: float = 30
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [binary(), *args],
            env=self.env,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def __call__(self, line: str, *, stdin: str | None = None) -> str:
        """Run it; the output of a success."""
        ended = self.run(*line.split(), stdin=stdin)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout
