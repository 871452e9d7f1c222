"""Schema data: what patches and decoding need to know of the API's types."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

import minik8s
from minik8s.admission import patch_meta, schema_for, schema_of
from minik8s.admission.schema import NO_META, Shape, schemas
from minik8s.model.registry import (
    DEPLOYMENT,
    NETWORK_POLICY,
    POD,
    SERVICE,
    SERVICE_ACCOUNT,
    Kind,
    Registry,
)

DATA = Path(minik8s.__file__).parent / "data"

# (kind, path, strategies, merge key, list type, list keys): from the types' struct tags
META = [
    (POD, ("spec", "containers"), ("merge",), "name", "map", ("name",)),
    (POD, ("spec", "containers", 0, "env"), ("merge",), "name", "map", ("name",)),
    (POD, ("spec", "containers", 0, "ports"), ("merge",), "containerPort", "map",
     ("containerPort", "protocol")),
    (POD, ("spec", "containers", 0, "volumeMounts"), ("merge",), "mountPath", "map",
     ("mountPath",)),
    (POD, ("spec", "containers", 0, "args"), (), "", "atomic", ()),
    (POD, ("spec", "volumes"), ("merge", "retainKeys"), "name", "map", ("name",)),
    (POD, ("spec", "tolerations"), (), "", "atomic", ()),
    (POD, ("status", "conditions"), ("merge",), "type", "map", ("type",)),
    (POD, ("metadata", "finalizers"), ("merge",), "", "set", ()),
    (POD, ("metadata", "ownerReferences"), ("merge",), "uid", "map", ("uid",)),
    (DEPLOYMENT, ("spec", "strategy"), ("retainKeys",), "", "", ()),
    (DEPLOYMENT, ("spec", "template", "spec", "containers"), ("merge",), "name", "map", ("name",)),
    (SERVICE, ("spec", "ports"), ("merge",), "port", "map", ("port", "protocol")),
    (NETWORK_POLICY, ("spec", "ingress"), (), "", "atomic", ()),
    (SERVICE_ACCOUNT, ("secrets",), ("merge",), "name", "map", ("name",)),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "path", "strategies", "key", "structure", "keys"), META)
def test_patch_meta(kind, path, strategies, key, structure, keys):
    meta = patch_meta(kind, path)
    assert (meta.strategies, meta.key, meta.structure, meta.keys) == (
        strategies,
        key,
        structure,
        keys,
    )
    assert meta.merges == ("merge" in strategies)
    assert meta.retains_keys == ("retainKeys" in strategies)


KINDS = [kind for kind in Registry() if schema_for(kind) is not None]


def test_unknown_places_have_no_meta():
    assert patch_meta(POD, ("spec", "bogus")) is NO_META
    assert patch_meta(POD, ("bogus", "deeper", "still")) is NO_META
    assert patch_meta(Kind("example.com", "v1", "Widget", "widgets"), ("spec",)) is NO_META


def test_go_names():
    pod = schema_for(POD)
    assert pod.struct == "Pod"
    spec = pod.fields["spec"]
    assert spec.go == "v1.PodSpec"
    assert spec.fields["containers"].go == "[]v1.Container"
    assert spec.fields["restartPolicy"].go == "v1.RestartPolicy"
    assert spec.fields["nodeSelector"].go == "map[string]string"
    assert pod.at(("spec", "containers", 3, "resources", "limits")).go == "v1.ResourceList"
    assert pod.at(("metadata", "labels", "any")).shape is Shape.STRING
    assert pod.at(("metadata", "uid")).go == "types.UID"
    assert pod.at(("spec", "nothing")) is None
    assert spec.required == ("containers",)


def test_types_that_hold_themselves():
    definition = schema_of("apiextensions.k8s.io/v1", "CustomResourceDefinition")
    props = definition.at(("spec", "versions", 0, "schema", "openAPIV3Schema"))
    assert props.at(("properties", "a", "properties", "b")) is props


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_every_type_of_a_kind_is_there(kind):
    """Walk the whole type: every reference resolves, every object type is in the data."""
    written = json.loads((DATA / "schemas.json").read_text())["types"]
    waiting, seen = [schema_for(kind)], set()
    while waiting:
        schema = waiting.pop()
        if schema.expression in seen:
            continue
        seen.add(schema.expression)
        if schema.shape is Shape.OBJECT:
            assert schema.name in written
            waiting += schema.fields.values()
        elif schema.shape in (Shape.LIST, Shape.MAP):
            waiting.append(schema.item)
    assert len(seen) > 5


def test_descriptions_belong_to_the_same_types():
    with gzip.open(DATA / "schemas-openapi.json.gz", "rt") as file:
        full = json.load(file)
    named = {".".join(name.split(".")[-3:]): entry for name, entry in full["definitions"].items()}
    for name, definition in json.loads((DATA / "schemas.json").read_text())["types"].items():
        assert set(definition["fields"]) == set(named[name].get("properties", {}))
    spec = named["networking.v1.NetworkPolicySpec"]["properties"]
    assert spec["policyTypes"]["type"] == "array"
    assert "Egress" in spec["policyTypes"]["description"]
    for data in (full, json.loads((DATA / "schemas.json").read_text())):
        assert "Apache License" in data["about"]


def test_data_is_small_and_read_once():
    assert (DATA / "schemas.json").stat().st_size < 150_000
    assert schemas() is schemas()
