"""Patches: the RFCs' own examples, and what the real kubectl makes of the API's."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minik8s.admission import schema_for
from minik8s.apiserver.jsonpatch import PatchError, json_patch, merge_patch, same_json
from minik8s.apiserver.strategic import strategic_merge
from minik8s.model.registry import DEPLOYMENT

DATA = json.loads((Path(__file__).parent.parent / "data/api/patches.json").read_text())
SCHEMA = schema_for(DEPLOYMENT)


def apply(kind: str, patch: Any) -> Any:
    base = copy.deepcopy(DATA["base"])
    before = json.dumps([base, patch])
    if kind == "json":
        result = json_patch(base, patch)
    elif kind == "merge":
        result = merge_patch(base, patch)
    else:
        result = strategic_merge(base, patch, SCHEMA)
    assert json.dumps([base, patch]) == before, "the patch changed what it was given"
    return result


def without_nulls(value: Any) -> Any:
    """kubectl leaves nulls and directives in new list entries; the decoder drops them later."""
    if isinstance(value, dict):
        kept = {k: v for k, v in value.items() if v is not None and not k.startswith("$")}
        return {k: without_nulls(v) for k, v in kept.items()}
    return [without_nulls(v) for v in value] if isinstance(value, list) else value


@pytest.mark.parametrize("case", DATA["cases"], ids=lambda case: case["name"])
def test_patches_agree_with_kubectl(case: dict[str, Any]) -> None:
    if "error" in case:
        with pytest.raises(PatchError) as failure:
            apply(case["type"], case["patch"])
        if case["type"] == "strategic":
            assert f"error: {str(failure.value).strip()}" == case["error"].strip()
    else:
        assert apply(case["type"], case["patch"]) == without_nulls(case["result"])


# RFC 7386, appendix A.
MERGE = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, None, None),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]


@pytest.mark.parametrize(("target", "patch", "result"), MERGE)
def test_merge_patch_examples_of_the_rfc(target: Any, patch: Any, result: Any) -> None:
    assert merge_patch(target, patch) == result


# RFC 6902, appendix A.
JSON_PATCH: list[tuple[Any, list[Any], Any]] = [
    ({"foo": "bar"}, [{"op": "add", "path": "/baz", "value": "qux"}], {"foo": "bar", "baz": "qux"}),
    (
        {"foo": ["bar", "baz"]},
        [{"op": "add", "path": "/foo/1", "value": "qux"}],
        {"foo": ["bar", "qux", "baz"]},
    ),
    ({"baz": "qux", "foo": "bar"}, [{"op": "remove", "path": "/baz"}], {"foo": "bar"}),
    (
        {"foo": ["bar", "qux", "baz"]},
        [{"op": "remove", "path": "/foo/1"}],
        {"foo": ["bar", "baz"]},
    ),
    (
        {"baz": "qux", "foo": "bar"},
        [{"op": "replace", "path": "/baz", "value": "boo"}],
        {"baz": "boo", "foo": "bar"},
    ),
    (
        {"foo": {"bar": "baz", "waldo": "fred"}, "qux": {"corge": "grault"}},
        [{"op": "move", "from": "/foo/waldo", "path": "/qux/thud"}],
        {"foo": {"bar": "baz"}, "qux": {"corge": "grault", "thud": "fred"}},
    ),
    (
        {"foo": ["all", "grass", "cows", "eat"]},
        [{"op": "move", "from": "/foo/1", "path": "/foo/3"}],
        {"foo": ["all", "cows", "eat", "grass"]},
    ),
    (
        {"baz": "qux", "foo": ["a", 2, "c"]},
        [
            {"op": "test", "path": "/baz", "value": "qux"},
            {"op": "test", "path": "/foo/1", "value": 2},
        ],
        {"baz": "qux", "foo": ["a", 2, "c"]},
    ),
    (
        {"foo": "bar"},
        [{"op": "add", "path": "/child", "value": {"grandchild": {}}}],
        {"foo": "bar", "child": {"grandchild": {}}},
    ),
    (
        {"foo": "bar"},
        [{"op": "add", "path": "/baz", "value": "qux", "xyz": 123}],
        {"foo": "bar", "baz": "qux"},
    ),
    (
        {"/": 9, "~1": 10},
        [{"op": "test", "path": "/~01", "value": 10}],
        {"/": 9, "~1": 10},
    ),
    (
        {"foo": ["bar"]},
        [{"op": "add", "path": "/foo/-", "value": ["abc", "def"]}],
        {"foo": ["bar", ["abc", "def"]]},
    ),
    ({"a": 1}, [{"op": "replace", "path": "", "value": [2]}], [2]),
]
JSON_PATCH_FAILURES: list[tuple[Any, list[Any]]] = [
    ({"baz": "qux"}, [{"op": "test", "path": "/baz", "value": "bar"}]),
    ({"foo": "bar"}, [{"op": "add", "path": "/baz/bat", "value": "qux"}]),
    ({"/": 9, "~1": 10}, [{"op": "test", "path": "/~01", "value": "10"}]),
    ({"a": [1]}, [{"op": "add", "path": "/a/2", "value": 3}]),
    ({"a": [1]}, [{"op": "remove", "path": "/a/-"}]),
    ({"a": [1]}, [{"op": "remove", "path": "/a/01"}]),
    ({"a": {"b": 1}}, [{"op": "move", "from": "/a", "path": "/a/b"}]),
    ({"a": True}, [{"op": "test", "path": "/a", "value": 1}]),
    ({}, [{"op": "melt", "path": "/a"}]),
    ({}, [{"op": "add", "path": "a", "value": 1}]),
    ({}, [{"op": "add", "path": "/a"}]),
    ({}, [{"path": "/a"}]),
    ({}, ["add"]),
]


@pytest.mark.parametrize(("document", "operations", "result"), JSON_PATCH)
def test_json_patch_examples_of_the_rfc(document: Any, operations: Any, result: Any) -> None:
    before = copy.deepcopy(document)
    assert json_patch(document, operations) == result
    assert document == before


@pytest.mark.parametrize(("document", "operations"), JSON_PATCH_FAILURES)
def test_json_patch_refuses(document: Any, operations: Any) -> None:
    with pytest.raises(PatchError):
        json_patch(document, operations)


def test_copies_that_double_without_end_are_refused() -> None:
    doubling = [{"op": "copy", "from": "/a", "path": "/a/-"}] * 200
    with pytest.raises(PatchError, match="copy operations add up"):
        json_patch({"a": ["x" * 1000]}, doubling)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from("abc"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=8,
)


def _diff(before: Any, after: Any) -> Any:
    """The merge patch between two documents without nulls, written from the RFC's idea."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        return after
    patch: dict[str, Any] = {key: None for key in before if key not in after}
    for key, value in after.items():
        if key not in before:
            patch[key] = value
        elif not same_json(before[key], value):
            patch[key] = _diff(before[key], value)
    return patch


@given(VALUES.map(without_nulls), VALUES.map(without_nulls))
def test_a_merge_patch_of_the_difference_leads_there(before: Any, after: Any) -> None:
    assert same_json(merge_patch(before, _diff(before, after)), after)
