"""A small cluster behind the API: a store, a clock, and no controllers."""

from __future__ import annotations

import pytest
from fakes import DOORS, Api, FakeBackend

from minik8s.apiserver import ApiServer
from minik8s.client import Client, InProcessTransport


@pytest.fixture
def backend() -> FakeBackend:
    return FakeBackend()


@pytest.fixture(params=sorted(DOORS))
def api(request: pytest.FixtureRequest, backend: FakeBackend) -> Api:
    """The API through each of the doors that there are."""
    return DOORS[request.param](backend)


@pytest.fixture
def client(backend: FakeBackend) -> Client:
    return Client(InProcessTransport(ApiServer(backend)))
