"""Client libraries for Python: a script for each, in a process of its own."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest
from clients_serving import DATA, Served, missing

SCRIPTS = {
    "official.py": "kubernetes",
    "with_kr8s.py": "kr8s",
    "with_lightkube.py": "lightkube",
}


@pytest.mark.parametrize("script", SCRIPTS)
def test_client_library(script: str, served: Served) -> None:
    if importlib.util.find_spec(SCRIPTS[script]) is None:
        missing(SCRIPTS[script])
    ended = subprocess.run(
        [sys.executable, DATA / "python" / script, served.kubeconfig],
        env=served.env,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (0, "done\n"), ended.stderr
    assert served.alive
