"""Servers for the tests: in a thread on a loopback port, gone when the test is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from server_kubectl import Kubectl

import minik8s

pytest.importorskip("fastapi")


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Serve a cluster: `serve(cluster, **options)` gives the server."""
    running: list[Any] = []

    def start(cluster: Any = None, **options: Any) -> Any:
        cluster = cluster or minik8s.Cluster()
        server = cluster.serve(**options)
        running.append(server)
        return server

    yield start
    for server in running:
        server.stop()


@pytest.fixture
def kubectl(tmp_path: Path) -> Callable[[Any], Kubectl]:
    """The real kubectl for a server."""

    def make(server: Any) -> Kubectl:
        path = tmp_path / f"kubeconfig-{server.port}"
        server.write_kubeconfig(path)
        return Kubectl(path, tmp_path / "cache")

    return make
