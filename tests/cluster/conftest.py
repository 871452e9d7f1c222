"""Fixtures of the cluster tests."""

from __future__ import annotations

import pytest
from cluster_worlds import Script

from minik8s.runtime.containers import Containers


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    """Containers that end as the test says."""
    script = Script()
    monkeypatch.setattr(Containers, "start", script.start)
    monkeypatch.setattr(Containers, "stop", lambda *_: None)
    monkeypatch.setattr(Containers, "end", lambda *_: None)
    return script
