"""CustomResourceDefinitions that mean harm: refused, or harmless."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fakes import Api

from minik8s.apiserver import ApiServer
from minik8s.runtime import Runtime

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
WIDGETS = "/apis/example.org/v1/namespaces/default/widgets"
MERGE = "application/merge-patch+json"


@pytest.fixture
def api() -> Api:
    runtime: Any = Runtime()
    return Api(runtime, ApiServer(runtime).handle)


def definition(spec: Any, **version: Any) -> dict[str, Any]:
    """A definition of widgets whose `spec` has a schema."""
    properties = {"spec": spec, "status": {"type": "object", "properties": {}}}
    schema = {"openAPIV3Schema": {"type": "object", "properties": properties}}
    names = {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"}
    only = {"name": "v1", "served": True, "storage": True, "schema": schema, **version}
    return {
        "metadata": {"name": "widgets.example.org"},
        "spec": {"group": "example.org", "scope": "Namespaced", "names": names, "versions": [only]},
    }


def sent(api: Api, method: str, url: str, body: Any, media: str = "application/json") -> Any:
    answer = api.call(method, url, json.dumps(body).encode(), media=media)
    assert isinstance(answer.body, dict)
    return answer.code, answer.body


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("$ref", "#/x", "$ref: Forbidden: $ref is not supported"),
        ("definitions", {"a": {}}, "definitions: Forbidden: definitions is not supported"),
        ("dependencies", {"a": ["b"]}, "dependencies: Forbidden: dependencies is not supported"),
        ("patternProperties", {"(": {}}, "Forbidden: patternProperties is not supported"),
        ("uniqueItems", True, "uniqueItems cannot be set to true since the runtime complexity"),
        ("pattern", "(?=a)", "must be a valid regular expression, but isn't: error parsing"),
        ("additionalProperties", False, "additionalProperties cannot be set to false"),
        ("items", [{"type": "string"}], "items must be a schema object and not an array"),
        ("x-kubernetes-validations", [{}], "[0].rule: Required value: rule is not specified"),
        ("x-kubernetes-validations", [None], "[0].rule: Required value: rule is not specified"),
    ],
)
def test_what_no_schema_may_have(api: Api, field: str, value: Any, text: str) -> None:
    inner = {"type": "object", field: value}
    for outer in (inner, {"type": "array", "items": inner}):
        code, status = sent(api, "POST", DEFINITIONS, definition(outer))
        assert code == 422
        assert text in status["message"]


@pytest.mark.parametrize(
    "inside",
    [
        {"type": 3},
        {"type": "string", "x-kubernetes-validations": "x"},
        {"type": "object", "properties": []},
        {"type": "object", "required": "a"},
        {"type": "object", "additionalProperties": "x"},
        "x",
    ],
    ids=str,
)
def test_schemas_in_schemas_are_decoded_too(api: Api, inside: Any) -> None:
    for outer in (
        {"type": "array", "items": inside},
        {"type": "object", "additionalProperties": inside},
        {"type": "object", "additionalProperties": {"type": "array", "items": inside}},
    ):
        code, status = sent(api, "POST", DEFINITIONS, definition(outer))
        assert (code, status["reason"]) == (400, "BadRequest")


def test_a_pattern_that_would_never_end(api: Api) -> None:
    assert sent(api, "POST", DEFINITIONS, definition({"type": "string", "pattern": "^(a+)+$"}))
    widget = {"metadata": {"name": "a"}, "spec": "a" * 10_000 + "b"}
    code, status = sent(api, "POST", WIDGETS, widget)
    assert code == 422
    assert "spec in body should match '^(a+)+$'" in status["message"]


def test_a_set_of_many(api: Api) -> None:
    many = {"type": "array", "items": {"type": "integer"}, "x-kubernetes-list-type": "set"}
    sent(api, "POST", DEFINITIONS, definition(many))
    widget = {"metadata": {"name": "a"}, "spec": [*range(50_000), 7]}
    code, status = sent(api, "POST", WIDGETS, widget)
    assert code == 422
    assert status["details"]["causes"][0]["field"] == "spec[50000]"


def test_numbers_beyond_a_float(api: Api) -> None:
    sent(api, "POST", DEFINITIONS, definition({"type": "integer", "multipleOf": 0.5}))
    code, _ = sent(api, "POST", WIDGETS, {"metadata": {"name": "a"}, "spec": 10**400})
    assert code == 422


def test_columns_and_scales_that_lead_to_something_else(api: Api) -> None:
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    paths = {"specReplicasPath": ".spec.a.b", "statusReplicasPath": ".status.a"}
    column = {"name": "Since", "type": "date", "jsonPath": ".spec.since"}
    made = definition(
        {**anything},
        subresources={"status": {}, "scale": {**paths, "labelSelectorPath": ".spec.a"}},
        additionalPrinterColumns=[column],
    )
    assert sent(api, "POST", DEFINITIONS, made)[0] == 201
    widget = {"metadata": {"name": "w"}, "spec": {"a": [1], "since": "long ago"}}
    assert sent(api, "POST", WIDGETS, widget)[0] == 201
    assert api.table(WIDGETS)["rows"][0]["cells"] == ["w", "<invalid>"]
    assert api.ok("GET", f"{WIDGETS}/w/scale")["status"] == {"replicas": 0}
    code, status = sent(api, "PATCH", f"{WIDGETS}/w/scale", {"spec": {"replicas": 3}}, MERGE)
    assert (code, status["reason"]) == (400, "BadRequest")


def test_a_default_that_looks_like_a_reference(api: Api) -> None:
    spec = {"type": "object", "default": {"$ref": "#/x"}, "properties": {"a": {"type": "string"}}}
    assert sent(api, "POST", DEFINITIONS, definition(spec))[0] == 201
    described = api.call("GET", "/openapi/v3/apis/example.org/v1")
    assert described.code == 200
