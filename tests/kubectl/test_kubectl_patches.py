"""Patches that kubectl computes, and differences that it shows: checked by applying them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minik8s.admission import schema_for
from minik8s.apiserver.jsonpatch import same_json
from minik8s.apiserver.strategic import strategic_merge
from minik8s.kubectl.patches import merge_patch, three_way_merge_patch
from minik8s.kubectl.strategicdiff import Conflict, three_way_patch, two_way_patch
from minik8s.kubectl.unified import unified
from minik8s.model.registry import DEPLOYMENT, SERVICE

NAMES = st.sampled_from(["a", "b", "c", "d"])
TEXTS = st.sampled_from(["x", "y", "z", "1"])


def _named(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[list[dict[str, Any]]]:
    entry = st.fixed_dictionaries({"name": NAMES}, optional=fields)
    return st.lists(entry, unique_by=lambda each: each["name"], max_size=4)


ENVIRONMENT = _named(value=TEXTS)
VOLUME = st.one_of(
    st.builds(lambda: {"emptyDir": {}}),
    st.builds(lambda text: {"configMap": {"name": text}}, TEXTS),
)
VOLUMES = st.lists(
    st.builds(lambda name, source: {"name": name, **source}, NAMES, VOLUME),
    unique_by=lambda each: each["name"],
    max_size=3,
)
CONTAINERS = _named(
    image=TEXTS,
    env=ENVIRONMENT,
    command=st.lists(TEXTS, max_size=3),
    resources=st.fixed_dictionaries({}, optional={"limits": st.just({"cpu": "1"})}),
)
SPEC = st.fixed_dictionaries(
    {"containers": CONTAINERS},
    optional={"volumes": VOLUMES, "nodeName": TEXTS, "hostNetwork": st.booleans()},
)
METADATA = st.fixed_dictionaries(
    {"name": st.just("d")},
    optional={
        "labels": st.dictionaries(NAMES, TEXTS, max_size=3),
        "finalizers": st.lists(NAMES, unique=True, max_size=3),
    },
)
STRATEGY = st.sampled_from(
    [
        {"type": "Recreate"},
        {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}},
        {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 2}},
    ]
)
DEPLOYMENTS = st.builds(
    lambda metadata, spec, strategy, replicas: {
        "metadata": metadata,
        "spec": {"replicas": replicas, "strategy": strategy, "template": {"spec": spec}},
    },
    METADATA,
    SPEC,
    STRATEGY,
    st.integers(0, 3),
)


def _without_empty(value: Any) -> Any:
    """Nothing and an empty list or object are the same to the API's Go types."""
    if isinstance(value, dict):
        inner = {key: _without_empty(item) for key, item in value.items()}
        return {key: item for key, item in inner.items() if item not in ({}, [])}
    return [_without_empty(item) for item in value] if isinstance(value, list) else value


@settings(max_examples=300, deadline=None)
@given(DEPLOYMENTS, DEPLOYMENTS)
def test_a_two_way_patch_leads_from_one_object_to_the_other(old: Any, new: Any) -> None:
    schema = schema_for(DEPLOYMENT)
    patch = two_way_patch(old, new, schema)
    assert _without_empty(strategic_merge(old, patch, schema)) == _without_empty(new)


@settings(max_examples=100, deadline=None)
@given(DEPLOYMENTS)
def test_equal_objects_need_no_patch(document: Any) -> None:
    assert two_way_patch(document, document, schema_for(DEPLOYMENT)) == {}


@settings(max_examples=300, deadline=None)
@given(DEPLOYMENTS, DEPLOYMENTS)
def test_applying_again_what_was_applied_changes_nothing(old: Any, new: Any) -> None:
    """After an apply the live object is the manifest; the next apply finds nothing to do."""
    schema = schema_for(DEPLOYMENT)
    live = strategic_merge(old, three_way_patch(old, new, old, schema), schema)
    assert _without_empty(live) == _without_empty(new)
    assert three_way_patch(new, new, live, schema) == {}


def test_apply_leaves_what_others_have_set() -> None:
    schema = schema_for(DEPLOYMENT)
    manifest = {"spec": {"template": {"spec": {"containers": [{"name": "a", "image": "x"}]}}}}
    injected = {"name": "sidecar", "image": "proxy"}
    live = {
        "metadata": {"labels": {"theirs": "1"}},
        "spec": {
            "replicas": 5,
            "template": {"spec": {"containers": [{"name": "a", "image": "x"}, injected]}},
        },
    }
    changed = {"spec": {"template": {"spec": {"containers": [{"name": "a", "image": "y"}]}}}}
    patch = three_way_patch(manifest, changed, live, schema)
    after = strategic_merge(live, patch, schema)
    assert after["spec"]["replicas"] == 5
    assert after["metadata"]["labels"] == {"theirs": "1"}
    assert after["spec"]["template"]["spec"]["containers"] == [
        {"name": "a", "image": "y"},
        injected,
    ]


def test_apply_removes_what_it_had_set() -> None:
    schema = schema_for(SERVICE)
    ports = [{"name": "a", "port": 1}, {"name": "b", "port": 2}]
    old = {"metadata": {"labels": {"x": "1"}}, "spec": {"ports": ports}}
    new = {"metadata": {}, "spec": {"ports": ports[:1]}}
    patch = three_way_patch(old, new, old, schema)
    assert patch == {
        "metadata": {"labels": None},
        "spec": {
            "ports": [{"$patch": "delete", "port": 2}],
            "$setElementOrder/ports": [{"port": 1}],
        },
    }
    assert strategic_merge(old, patch, schema) == {"metadata": {}, "spec": {"ports": ports[:1]}}


def test_a_conflict_is_named_without_overwrite() -> None:
    schema = schema_for(SERVICE)
    old = {"spec": {"selector": {"app": "a"}}}
    live = {"spec": {"selector": {"app": "b"}}}
    new = {"spec": {"selector": {"app": "c"}}}
    with pytest.raises(Conflict, match="conflicts with changes made from original to current"):
        three_way_patch(old, new, live, schema, overwrite=False)
    assert three_way_patch(old, new, live, schema) == {"spec": {"selector": {"app": "c"}}}


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(0, 2), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=8,
)
OBJECTS = st.dictionaries(NAMES, JSON, max_size=4)


def _merged(target: Any, patch: Any) -> Any:
    """RFC 7396, section 2."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merged(result.get(key), value)
    return result


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return value


@given(OBJECTS, OBJECTS)
def test_a_merge_patch_leads_from_one_object_to_the_other(old: Any, new: Any) -> None:
    old, new = _without_nulls(old), _without_nulls(new)
    assert same_json(_merged(old, merge_patch(old, new)), new)


@given(OBJECTS, OBJECTS)
def test_a_three_way_merge_patch_does_so_too(old: Any, new: Any) -> None:
    old, new = _without_nulls(old), _without_nulls(new)
    assert _merged(old, three_way_merge_patch(old, new, old)) == new


# -- unified differences

LINES = st.lists(st.sampled_from(["a", "b", "c", "d: 1", "- e"]), max_size=12)


def _patched(text: str, difference: str) -> str:
    """A text with a unified difference applied, hunk by hunk."""
    old = text.splitlines()
    new: list[str] = []
    place = 0
    for line in difference.splitlines()[2:]:
        if line.startswith("@@"):
            match = re.match(r"@@ -(\d+)(?:,(\d+))? \+", line)
            assert match is not None
            start = int(match[1]) - (match[2] != "0")
            new += old[place:start]
            place = start
        elif line.startswith("+"):
            new.append(line[1:])
        else:
            assert old[place] == line[1:]
            new += [line[1:]] if line.startswith(" ") else []
            place += 1
    return "".join(f"{line}\n" for line in new + old[place:])


@settings(max_examples=300)
@given(LINES, LINES)
def test_a_unified_difference_can_be_applied(left: list[str], right: list[str]) -> None:
    old, new = ("".join(f"{line}\n" for line in lines) for lines in (left, right))
    difference = unified(old, new, "x", "y")
    assert bool(difference) == (old != new)
    assert _patched(old, difference) == new


def _changed(random: Random, lines: list[str]) -> list[str]:
    """A document with a few lines changed, as editing does it."""
    lines = list(lines)
    for _ in range(random.randint(1, 3)):
        place = random.randrange(len(lines))
        match random.randrange(3):
            case 0:
                lines[place] += "x"
            case 1:
                del lines[place : place + random.randint(1, 3)]
            case _:
                lines[place:place] = [f"{lines[place]}{n}" for n in range(random.randint(1, 3))]
    return lines


@pytest.mark.skipif(shutil.which("diff") is None, reason="needs diff")
def test_documents_differ_as_diff_says(tmp_path: Path) -> None:
    folder = Path(__file__).parent.parent.parent / "minik8s" / "data" / "tutorial"
    documents = [path.read_text().splitlines() for path in sorted(folder.glob("*.yaml"))]
    random = Random(1)
    for _ in range(60):
        old = random.choice(documents)
        texts = ["".join(f"{line}\n" for line in lines) for lines in (old, _changed(random, old))]
        for name, text in zip("xy", texts, strict=True):
            (tmp_path / name).write_text(text)
        command = ["diff", "-u", "--label", "x", "--label", "y", "x", "y"]
        ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert unified(*texts, "x", "y") == ran.stdout
