"""Programs on client-go and controller-runtime do not notice the difference."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from clients_serving import DATA, Served, missing

SOURCES = DATA / "go"
BUILD_SECONDS = 600


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built program; Go's own cache makes every build but the first quick."""
    go = shutil.which("go")
    if go is None:
        missing("go")
    assert go is not None
    target = tmp_path_factory.mktemp("go") / "client"
    built = subprocess.run(
        [go, "build", "-mod=readonly", "-buildvcs=false", "-ldflags=-s -w", "-o", target, "."],
        cwd=SOURCES,
        env={**os.environ, "GOTOOLCHAIN": "local"},
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return target


def test_client_go_and_controller_runtime(program: Path, served: Served) -> None:
    ended = subprocess.run(
        [program, served.kubeconfig],
        env=served.env,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    report = json.loads(ended.stdout)
    assert {row["name"]: row["error"] for row in report if "error" in row} == {}
    assert len(report) == 23
    assert served.alive
