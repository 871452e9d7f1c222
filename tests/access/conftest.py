"""Clusters with users, and short ways to ask them."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from minik8s.apiserver import ADMIN, ApiServer, Request, Response, User
from minik8s.cluster import Cluster

Ask = Callable[..., Response]
GROUP = "rbac.authorization.k8s.io"


@pytest.fixture
def api() -> ApiServer:
    """The API of a fresh cluster."""
    return ApiServer(Cluster(nodes=1, seed=1).runtime)


@pytest.fixture
def ask(api: ApiServer) -> Ask:
    """`ask(user, "GET", path, body, **headers)` gives the answer."""

    def send(user: User, method: str, path: str, body: Any = None, **headers: str) -> Response:
        path, _, text = path.partition("?")
        query: dict[str, list[str]] = {}
        for pair in filter(None, text.split("&")):
            key, _, value = pair.partition("=")
            query.setdefault(key, []).append(value)
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return api.handle(Request(method, path, query, named, body, user))

    return send


@pytest.fixture
def create(ask: Ask) -> Callable[[dict[str, Any]], None]:
    """Store a namespace, role or binding as the administrator."""

    def make(document: dict[str, Any]) -> None:
        plural = document["kind"].lower() + "s"
        namespace = document["metadata"].get("namespace")
        if document["kind"] == "Namespace":
            base = "/api/v1"
        else:
            base = f"/apis/{GROUP}/v1" + (f"/namespaces/{namespace}" if namespace else "")
        answer = ask(ADMIN, "POST", f"{base}/{plural}", document)
        assert answer.code == 201, answer.body

    return make


@pytest.fixture(scope="session")
def real_kubectl() -> str:
    """The real kubectl."""
    folder = str(Path(sys.executable).parent)
    found = shutil.which("kubectl", path=folder) or shutil.which("kubectl")
    if found is None:
        if os.environ.get("MINIK8S_NO_SKIPS"):
            pytest.fail("the real kubectl is missing")
        pytest.skip("needs the real kubectl")
    return found
