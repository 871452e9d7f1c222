"""Fixtures for the tests of kubectl."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_kubectl(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The real kubectl, with an empty kubeconfig and a cache of its own."""
    found = shutil.which("kubectl", path=str(Path(sys.executable).parent)) or shutil.which(
        "kubectl"
    )
    if found is None:
        if os.environ.get("MINIK8S_NO_SKIPS"):
            pytest.fail("the real kubectl is missing")
        pytest.skip("needs the real kubectl")
    os.environ["KUBECONFIG"] = str(tmp_path_factory.mktemp("kube") / "config")
    os.environ["KUBECACHEDIR"] = str(tmp_path_factory.mktemp("cache"))
    os.environ["KUBECTL_KUBERC"] = "false"
    return found
