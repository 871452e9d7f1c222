"""Lines of fields: looked up only where there is more than one line."""

from __future__ import annotations

import json

import pytest

from minik8s.analysis import parsing


def test_a_value_on_one_line_is_not_read_again(monkeypatch):
    text = "\n".join(json.dumps({"probes": [{"from": "a/b"}, {"to": "c/d"}]}) for _ in range(3))
    monkeypatch.setattr(parsing, "_compose", lambda _text: pytest.fail("read again"))
    layouts = [layout for _, layout in parsing.values("cases.jsonl", text)]
    assert [layout.line_of("probes[1].to") for layout in layouts] == [1, 2, 3]


def test_a_value_on_several_lines_knows_the_line_of_each_field():
    text = json.dumps({"probes": [{"from": "a/b"}, {"to": "c/d"}]}, indent=1)
    ((_, layout),) = parsing.values("cases.json", text + "\n")
    expected = next(n for n, line in enumerate(text.splitlines(), 1) if '"to"' in line)
    assert layout.line_of("probes[1].to") == expected
