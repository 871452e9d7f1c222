"""Fixtures: a cluster, reached in process and through the real kubectl."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from openapi_door import Kubectl, Outcome, served

from minik8s.cluster import Cluster


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture(scope="module")
def kubectl(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubectl]:
    """The real kubectl, over HTTP, on the same cluster."""
    program = shutil.which("kubectl", path=str(Path(sys.executable).parent)) or shutil.which(
        "kubectl"
    )
    if program is None:
        if os.environ.get("MINIK8S_NO_SKIPS"):
            pytest.fail("the real kubectl is missing")
        pytest.skip("needs the real kubectl")
    home = tmp_path_factory.mktemp("kube")
    with served(cluster.server) as address:
        (home / "config").write_text(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
            f"clusters: [{{name: c, cluster: {{server: '{address}'}}}}]\n"
            "contexts: [{name: c, context: {cluster: c, user: u}}]\n"
            "users: [{name: u, user: {}}]\n"
        )
        environment = {
            "HOME": str(home),
            "KUBECONFIG": str(home / "config"),
            "KUBECACHEDIR": str(home / "cache"),
            "KUBECTL_KUBERC": "false",
            "PATH": "/usr/bin:/bin",
        }

        def run(*argv: str, stdin: str | None = None) -> Outcome:
            done = subprocess.run(
                [program, *argv],
                env=environment,
                input=stdin,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            return done.stdout, done.stderr, done.returncode

        yield run
