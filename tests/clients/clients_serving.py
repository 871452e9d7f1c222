"""`minik8s serve` as a process of its own, and the programs that tests run against it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from select import select

import pytest

DATA = Path(__file__).parents[1] / "data" / "clients"
MANIFESTS = Path(__file__).parents[2] / "minik8s" / "data" / "tutorial"


def missing(what: str) -> None:
    """Skip the test for want of a tool, unless everything must run."""
    if os.environ.get("MINIK8S_NO_SKIPS"):
        pytest.fail(f"{what} is missing")
    pytest.skip(f"needs {what}")


def tool(name: str) -> str:
    """The path of a program: the one beside this Python, or the one in PATH."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        missing(name)
    assert found is not None
    return found


@dataclass(frozen=True, slots=True)
class Served:
    """A server that runs; `folder` is for files of the test."""

    url: str
    kubeconfig: Path
    folder: Path
    process: subprocess.Popen[str]

    @property
    def env(self) -> dict[str, str]:
        """The environment of a program that is a client of this server alone."""
        return {
            "KUBECONFIG": str(self.kubeconfig),
            "KUBECACHEDIR": str(self.folder / "cache"),
            "KUBECTL_KUBERC": "false",
            "HOME": str(self.folder),
            "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
            "TERM": "dumb",
            "TZ": "UTC",
            "LANG": "C.UTF-8",
        }

    def kubectl(
        self, *arguments: str, stdin: str = "", program: str = "", timeout: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """Run the real kubectl without a terminal."""
        return subprocess.run(
            [program or tool("kubectl"), *arguments],
            env=self.env,
            cwd=self.folder,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    @property
    def alive(self) -> bool:
        """Whether the server still runs and answers."""
        return (
            self.process.poll() is None and self.kubectl("get", "--raw", "/readyz").stdout == "ok"
        )


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[Served]:
    """Run `minik8s serve` on a free port, for as long as the block runs."""
    folder.mkdir(parents=True, exist_ok=True)
    kubeconfig = folder / "kubeconfig"
    command = [sys.executable, "-m", "minik8s", "serve", "--port", "0"]
    with (folder / "serve.err").open("w") as errors:
        process = subprocess.Popen(
            [*command, "--kubeconfig", str(kubeconfig), *options],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        assert process.stdout is not None
        readable, _, _ = select([process.stdout], [], [], 60)
        line = process.stdout.readline() if readable else ""
        assert line.startswith("Serving at "), (folder / "serve.err").read_text()
        yield Served(line.split()[2].rstrip(";"), kubeconfig, folder, process)
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)
        if process.stdout is not None:
            process.stdout.close()
