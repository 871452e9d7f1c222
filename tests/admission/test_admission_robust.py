"""Whatever decodes can be defaulted and validated: random documents made from the schemas."""

from __future__ import annotations

import copy
from random import Random

import pytest

from minik8s.admission import decode, default, schema_for, validate_create, validate_update
from minik8s.admission.schema import Shape
from minik8s.errors import Invalid
from minik8s.model.registry import Registry

TEXTS = ["", "a", "web", "A b", "10.0.0.1", "10.0.0.0/8", "fd00::/64", "None", "x" * 70, "80",
         "25%", "-1", "../up", "/abs", "In", "Exists", "Always", "TCP", "ClusterIP", "Recreate",
         "RollingUpdate", "IPv4", "é\n", "a/b/c", "latest:latest@x", "@daily"]  # fmt: skip
SCALARS = {
    Shape.STRING: lambda r: r.choice(TEXTS),
    Shape.BOOL: lambda r: r.random() < 0.5,
    Shape.INT32: lambda r: r.choice([-1, 0, 1, 80, 70000]),
    Shape.INT64: lambda r: r.choice([-1, 0, 1, 2**40]),
    Shape.DOUBLE: lambda r: r.choice([0, 1.5, -2]),
    Shape.BYTES: lambda r: r.choice(["", "YQ==", "eyJhIjoxfQ=="]),
    Shape.TIME: lambda r: "2026-03-08T09:00:00Z",
    Shape.MICRO_TIME: lambda r: "2026-03-08T09:00:00.000001Z",
    Shape.QUANTITY: lambda r: r.choice(["0", "100m", "1Gi", "-1", "1.5", 2, "3Ki", "1e3", "5E"]),
    Shape.INT_OR_STRING: lambda r: r.choice([0, 80, -1, "http", "80", "", "50%"]),
    Shape.ANY: lambda r: r.choice([{}, {"a": [1, None]}, "x", 5]),
}


KINDS = [kind for kind in Registry() if schema_for(kind) is not None]
"""The kinds whose types are Go's; those of schemas are tested elsewhere."""


def make(schema, random, share):
    """A random value of a type; `share` is how likely an object has each of its fields."""
    if schema.shape is Shape.LIST:
        return [make(schema.item, random, share) for _ in range(random.randrange(3))]
    if schema.shape is Shape.MAP:
        keys = random.sample(TEXTS, random.randrange(3))
        return {key: make(schema.item, random, share) for key in keys}
    if schema.shape is Shape.OBJECT:
        # Thick at the top, so that there is a spec; thinner with depth, so that it ends.
        chosen = [name for name in schema.fields if random.random() < share]
        deeper = max(share * 0.85, 0.06)
        return {name: make(schema.fields[name], random, deeper) for name in sorted(chosen)}
    return SCALARS[schema.shape](random)


def document_of(kind, random):
    return make(schema_for(kind), random, random.choice([0.2, 0.4, 0.7]))


def causes(check, *arguments):
    """What a check has against a document; any exception but Invalid is a bug."""
    try:
        check(*arguments)
    except Invalid as error:
        return error.causes
    return ()


def judged(check, *arguments):
    """Whether a check lets a document pass."""
    found = causes(check, *arguments)
    assert all(cause.message and cause.reason.startswith("FieldValue") for cause in found)
    return not found


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_random_documents(kind):
    random = Random(kind.kind)
    previous = None
    for _ in range(60):
        document = document_of(kind, random)
        before = copy.deepcopy(document)
        decoded, warnings = decode(kind, document, "Strict")
        assert warnings == []
        full = default(kind, decoded)
        assert default(kind, full) == full
        judged(validate_create, kind, full)
        if previous is not None:
            judged(validate_update, kind, full, previous)
        assert document == before
        previous = full


def test_a_change_that_changes_nothing_is_allowed():
    """An object that may be created may be stored again, for every kind."""
    allowed = 0
    for kind in KINDS:
        random = Random(f"same {kind.kind}")
        for _ in range(60):
            full = default(kind, document_of(kind, random))
            full = {**full, "metadata": {"name": "web", "namespace": "default"}}
            if not kind.namespaced:
                full["metadata"].pop("namespace")
            if judged(validate_create, kind, full):
                allowed += 1
                assert judged(validate_update, kind, full, full), full
    assert allowed > 200
