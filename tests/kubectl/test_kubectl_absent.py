"""Commands that kubectl has and the simulation has not."""

from __future__ import annotations

import pytest

from minik8s.kubectl.failures import Failure
from minik8s.kubectl.run import _handler


def test_a_command_that_is_not_simulated_says_so() -> None:
    with pytest.raises(Failure, match="this command is not part of the simulation"):
        _handler("nowhere.run")


def test_a_mistake_within_a_command_is_not_hidden() -> None:
    with pytest.raises(AttributeError):
        _handler("get.nothing")
