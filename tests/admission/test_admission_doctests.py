"""The examples in docstrings are true."""

from __future__ import annotations

import doctest
from importlib import import_module

import pytest


@pytest.mark.parametrize(
    "module",
    [
        "minik8s.admission.defaulting.pods",
        "minik8s.admission.problems",
        "minik8s.admission.schema",
        "minik8s.model.requirements",
        "minik8s.model.selector_syntax",
        "minik8s.model.selectors",
    ],
)
def test_examples(module):
    failed, attempted = doctest.testmod(import_module(module))
    assert failed == 0
    assert attempted > 0
