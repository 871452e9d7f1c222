"""pytest fixtures for tests against a simulated cluster.

Installed with minik8s as a plugin; `cluster` needs no import:

    def test_isolation(cluster):
        cluster.apply("manifests/")
        assert cluster.probe("default/web", "default/db", 5432).verdict.value == "deny"

`@pytest.mark.minik8s(nodes=3, enforcement=False)` gives `Cluster` those arguments.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

import minik8s

MARKER = "minik8s"


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    text = f"{MARKER}(**arguments): what the fixture `cluster` hands to minik8s.Cluster"
    config.addinivalue_line("markers", text)


@pytest.fixture
def make_cluster() -> Callable[..., Any]:
    """`minik8s.Cluster`, for tests that need several."""
    factory: Any = minik8s.Cluster
    return cast(Callable[..., Any], factory)


@pytest.fixture
def cluster(request: pytest.FixtureRequest, make_cluster: Callable[..., Any]) -> Any:
    """A fresh cluster: a control plane, two workers, policies enforced, seed 1."""
    marker = request.node.get_closest_marker(MARKER)
    return make_cluster(**(marker.kwargs if marker else {}))
