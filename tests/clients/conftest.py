"""Servers for the tests of clients."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from clients_serving import Served, serving

pytest.importorskip("fastapi")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for all the tests of a module."""
    with serving(tmp_path_factory.mktemp("served")) as server:
        yield server
