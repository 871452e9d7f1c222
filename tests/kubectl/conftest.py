"""Fixtures for the tests of kubectl."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from kubectl_oracle import Oracle


def _find() -> str | None:
    beside = shutil.which("kubectl", path=str(Path(sys.executable).parent))
    return beside or shutil.which("kubectl")


def _prepare(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Give the real kubectl an empty kubeconfig and a cache of its own."""
    os.environ["KUBECONFIG"] = str(tmp_path_factory.mktemp("kube") / "config")
    os.environ["KUBECACHEDIR"] = str(tmp_path_factory.mktemp("cache"))
    os.environ["KUBECTL_KUBERC"] = "false"


@pytest.fixture(scope="session")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Oracle]:
    """What the real kubectl answers, recorded."""
    _prepare(tmp_path_factory)
    known = Oracle(_find())
    yield known
    known.save()


@pytest.fixture(scope="session")
def real_kubectl(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The real kubectl, with an empty kubeconfig and a cache of its own."""
    found = _find()
    if found is None:
        if os.environ.get("MINIK8S_NO_SKIPS"):
            pytest.fail("the real kubectl is missing")
        pytest.skip("needs the real kubectl")
    _prepare(tmp_path_factory)
    return found
