"""CustomResourceDefinitions: their kinds are served, pruned, validated, printed, applied."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from openapi_door import Kubectl, in_process

from minik8s import errors
from minik8s.apiserver import Request
from minik8s.apiserver.customtable import evaluate, parse_path
from minik8s.client import Client, WriteOptions
from minik8s.cluster import Cluster
from minik8s.kubectl.jsonpath import JSONPath
from minik8s.model.registry import CUSTOM_RESOURCE_DEFINITION as CRD
from minik8s.model.registry import Kind

SPEC: dict[str, Any] = {
    "type": "object",
    "required": ["cronSpec"],
    "description": "What is wanted.",
    "properties": {
        "cronSpec": {"type": "string", "pattern": r"^\S+( \S+){4}$"},
        "image": {"type": "string", "default": "busybox", "maxLength": 20},
        "replicas": {"type": "integer", "minimum": 1, "maximum": 10},
        "policy": {"type": "string", "enum": ["Allow", "Forbid"]},
        "port": {"x-kubernetes-int-or-string": True},
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "ports": {
            "type": "array",
            "maxItems": 3,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["port"],
            "items": {
                "type": "object",
                "required": ["port"],
                "properties": {
                    "port": {"type": "integer"},
                    "name": {"type": "string", "default": "web"},
                },
            },
        },
    },
}
DEFINITION: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "crontabs.stable.example.com"},
    "spec": {
        "group": "stable.example.com",
        "scope": "Namespaced",
        "names": {"plural": "crontabs", "kind": "CronTab", "shortNames": ["ct"]},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {
                    "status": {},
                    "scale": {
                        "specReplicasPath": ".spec.replicas",
                        "statusReplicasPath": ".status.replicas",
                        "labelSelectorPath": ".status.selector",
                    },
                },
                "additionalPrinterColumns": [
                    {"name": "Spec", "type": "string", "jsonPath": ".spec.cronSpec"},
                    {"name": "Replicas", "type": "integer", "jsonPath": ".spec.replicas"},
                    {
                        "name": "Ready",
                        "type": "string",
                        "priority": 1,
                        "jsonPath": '.status.conditions[?(@.type=="Ready")].status',
                    },
                ],
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "description": "A table of jobs.",
                        "properties": {
                            "spec": SPEC,
                            "status": {
                                "type": "object",
                                "x-kubernetes-preserve-unknown-fields": True,
                            },
                        },
                    }
                },
            }
        ],
    },
}
KIND = Kind("stable.example.com", "v1", "CronTab", "crontabs")
STRICT = WriteOptions(field_validation="Strict")


@pytest.fixture
def client() -> Client:
    client = Cluster().client
    client.create(CRD, DEFINITION)
    return client


def crontab(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "stable.example.com/v1",
        "kind": "CronTab",
        "metadata": {"name": "mine", "namespace": "default"},
        "spec": {"cronSpec": "* * * * */5", **spec},
    }


def changed(**spec: Any) -> dict[str, Any]:
    definition = copy.deepcopy(DEFINITION)
    definition["spec"].update(spec)
    return definition


def test_a_definition_is_established_at_once(client: Client) -> None:
    found = client.get(CRD, "crontabs.stable.example.com")
    assert found["spec"]["names"] == {
        "plural": "crontabs",
        "singular": "crontab",
        "kind": "CronTab",
        "listKind": "CronTabList",
        "shortNames": ["ct"],
    }
    assert {c["type"]: c["status"] for c in found["status"]["conditions"]} == {
        "NamesAccepted": "True",
        "Established": "True",
    }
    assert found["status"]["storedVersions"] == ["v1"]


def test_its_kind_is_discovered_and_goes_with_it(client: Client) -> None:
    kind = client.find("ct")
    assert kind is not None
    assert (kind.resource, kind.subresources) == (
        "crontabs.stable.example.com",
        ("status", "scale"),
    )
    client.create(kind, crontab())
    client.delete(CRD, "crontabs.stable.example.com")
    assert kind not in client.kinds(refresh=True)
    with pytest.raises(errors.NotFound):
        client.list(kind)
    client.create(CRD, DEFINITION)
    assert client.list(kind)["items"] == []


def test_unknown_fields_are_pruned_and_defaults_filled_in(client: Client) -> None:
    stored = client.create(
        KIND,
        crontab(bogus=1, free={"x": {"y": 1}}, labels={"a": "b"}, ports=[{"port": 1, "no": 2}]),
        options=WriteOptions(field_validation="Ignore"),
    )
    assert stored["spec"] == {
        "cronSpec": "* * * * */5",
        "image": "busybox",
        "free": {"x": {"y": 1}},
        "labels": {"a": "b"},
        "ports": [{"port": 1, "name": "web"}],
    }


def test_strict_mode_names_all_unknown_fields(client: Client) -> None:
    document = crontab(bogus=1, ports=[{"port": 1, "no": 2}])
    document["metadata"]["what"] = 1
    with pytest.raises(errors.BadRequest) as caught:
        client.create(KIND, document, options=STRICT)
    assert caught.value.message == (
        'CronTab in version "v1" cannot be handled as a CronTab: strict decoding error: '
        'unknown field "metadata.what", unknown field "spec.bogus", '
        'unknown field "spec.ports[0].no"'
    )


@pytest.mark.parametrize(
    ("spec", "cause"),
    [
        (
            {"replicas": "x"},
            'spec.replicas: Invalid value: "string": spec.replicas in body must be of type '
            'integer: "string"',
        ),
        (
            {"replicas": 11},
            "spec.replicas: Invalid value: 11: spec.replicas in body should be less than or "
            "equal to 10",
        ),
        (
            {"replicas": 0},
            "spec.replicas: Invalid value: 0: spec.replicas in body should be greater than or "
            "equal to 1",
        ),
        (
            {"policy": "x"},
            'spec.policy: Unsupported value: "x": supported values: "Allow", "Forbid"',
        ),
        (
            {"cronSpec": "*"},
            r"""spec.cronSpec: Invalid value: "*": spec.cronSpec in body should match """
            r"""'^\S+( \S+){4}$'""",
        ),
        ({"image": "x" * 21}, "spec.image: Too long: may not be more than 20 bytes"),
        ({"ports": [{"name": "a"}]}, "spec.ports[0].port: Required value"),
        (
            {"ports": [{"port": 1}, {"port": 1}]},
            'spec.ports[1]: Duplicate value: {"port":1}',
        ),
        (
            {"ports": [{"port": n} for n in range(4)]},
            "spec.ports: Too many: 4: must have at most 3 items",
        ),
        (
            {"labels": {"a": 1}},
            'spec.labels.a: Invalid value: "integer": spec.labels.a in body must be of type '
            'string: "integer"',
        ),
        (
            {"port": True},
            'spec.port: Invalid value: "boolean": spec.port in body must be of type '
            'integer,string: "boolean"',
        ),
    ],
)
def test_objects_must_fit_their_schema(client: Client, spec: dict[str, Any], cause: str) -> None:
    with pytest.raises(errors.Invalid) as caught:
        client.create(KIND, crontab(**spec))
    assert [f"{c.field}: {c.message}" for c in caught.value.causes] == [cause]
    client.create(KIND, crontab(port="http", replicas=2, policy="Allow"))
    with pytest.raises(errors.Invalid):
        client.patch(KIND, "mine", {"spec": spec})


@pytest.mark.parametrize(
    ("definition", "cause"),
    [
        (
            {**DEFINITION, "metadata": {"name": "other"}},
            'metadata.name: Invalid value: "other": must be spec.names.plural+"."+spec.group',
        ),
        (changed(scope="x"), 'spec.scope: Unsupported value: "x": supported values: "Cluster"'),
        (changed(versions=[]), "spec.versions: Required value"),
        (
            changed(versions=[{"name": "v1", "served": True, "storage": True}]),
            "spec.versions[0].schema.openAPIV3Schema: Required value: schemas are required",
        ),
        (
            changed(
                versions=[
                    {
                        "name": "v1",
                        "served": True,
                        "storage": True,
                        "schema": {"openAPIV3Schema": {"type": "object", "properties": {"a": {}}}},
                    }
                ]
            ),
            "spec.versions[0].schema.openAPIV3Schema.properties[a].type: Required value: must "
            "not be empty for specified object fields",
        ),
    ],
)
def test_definitions_are_checked(definition: dict[str, Any], cause: str) -> None:
    client = Cluster().client
    with pytest.raises(errors.Invalid) as caught:
        client.create(CRD, definition)
    found = [f"{c.field}: {c.message}" for c in caught.value.causes]
    assert any(text.startswith(cause) for text in found), found


def test_a_built_in_resource_cannot_be_taken_over() -> None:
    client = Cluster().client
    names = {"plural": "pods", "kind": "Pod"}
    definition = changed(group="", names=names)
    with pytest.raises(errors.Invalid):
        client.create(CRD, definition)
    assert client.find("pods") is not None


def test_rules_in_cel_are_stored_with_a_warning() -> None:
    cluster, warnings = Cluster(), []
    cluster.client.warn = warnings.append
    definition = copy.deepcopy(DEFINITION)
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    schema["properties"]["spec"]["x-kubernetes-validations"] = [{"rule": "self.replicas > 1"}]
    cluster.client.create(CRD, definition)
    assert warnings == [
        "spec.versions[0].schema.openAPIV3Schema.properties[spec].x-kubernetes-validations: "
        "the rule is stored, not evaluated: self.replicas > 1"
    ]


def test_status_and_scale_are_parts_of_their_own(client: Client) -> None:
    client.create(KIND, {**crontab(replicas=2), "status": {"replicas": 9}})
    assert "status" not in client.get(KIND, "mine")
    client.patch(KIND, "mine", {"status": {"replicas": 1, "selector": "a=b"}}, sub="status")
    scale = client.get(KIND, "mine", sub="scale")
    assert (scale["spec"], scale["status"]) == (
        {"replicas": 2},
        {"replicas": 1, "selector": "a=b"},
    )
    client.patch(KIND, "mine", {"spec": {"replicas": 5}}, sub="scale")
    assert client.get(KIND, "mine")["spec"]["replicas"] == 5
    assert client.get(KIND, "mine")["metadata"]["generation"] == 2


def test_tables_have_the_columns_of_the_definition(client: Client) -> None:
    client.create(KIND, crontab(replicas=2))
    condition = {"type": "Ready", "status": "True"}
    client.patch(KIND, "mine", {"status": {"conditions": [condition]}}, sub="status")
    table = client.table(KIND)
    assert [c["name"] for c in table["columnDefinitions"]] == ["Name", "Spec", "Replicas", "Ready"]
    assert table["rows"][0]["cells"] == ["mine", "* * * * */5", 2, "True"]


PATHS = [
    ".spec.a",
    ".spec.b[1].c",
    ".spec.b[-1].c",
    ".spec.b[*].c",
    '.spec.b[?(@.c=="y")].d',
    ".metadata.labels.a\\.b/c",
    "['metadata']['name']",
    ".nothing.here",
]


@pytest.mark.parametrize("path", PATHS)
def test_column_paths_mean_what_jsonpath_means(path: str) -> None:
    document = {
        "metadata": {"name": "n", "labels": {"a.b/c": "v"}},
        "spec": {"a": "x", "b": [{"c": "x", "d": "1"}, {"c": "y", "d": "2"}]},
    }
    expected = JSONPath(f"{{{path}}}", allow_missing=True).render(document)
    assert " ".join(evaluate(parse_path(path), document)) == expected


def test_a_snapshot_brings_its_definitions_in_any_order() -> None:
    cluster = Cluster()
    cluster.load([crontab(), DEFINITION])
    assert cluster.client.get(KIND, "mine")["spec"]["cronSpec"] == "* * * * */5"


def test_an_object_can_be_read_in_every_served_version() -> None:
    client = Cluster().client
    first = DEFINITION["spec"]["versions"][0]
    second = {**first, "name": "v2", "storage": False}
    hidden = {**first, "name": "v3", "storage": False, "served": False}
    client.create(CRD, changed(versions=[first, second, hidden]))
    client.create(KIND, crontab())
    newer = Kind("stable.example.com", "v2", "CronTab", "crontabs")
    assert client.get(newer, "mine")["apiVersion"] == "stable.example.com/v2"
    assert client.list(newer)["items"][0]["apiVersion"] == "stable.example.com/v2"
    (event,) = client.watch(newer).poll()
    assert event["object"]["apiVersion"] == "stable.example.com/v2"
    client.patch(newer, "mine", {"spec": {"replicas": 3}})
    assert client.get(KIND, "mine")["spec"]["replicas"] == 3
    with pytest.raises(errors.NotFound):
        client.list(Kind("stable.example.com", "v3", "CronTab", "crontabs"))


def test_clusters_of_one_seed_keep_their_definitions_apart(client: Client) -> None:
    """Both definitions have one uid and one version; only their schemas tell them apart."""
    loose = changed()
    loose["spec"]["versions"][0]["schema"]["openAPIV3Schema"] = {
        "type": "object",
        "properties": {"spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
    }
    other = Cluster().client
    other.create(CRD, loose)
    second = {**crontab(), "spec": {"ports": [{"port": 2, "name": "b"}]}}
    for each, expected in ((client, 200), (other, 409)):
        assert applied(each, "one", crontab(ports=[{"port": 1}])) == 201
        assert applied(each, "two", second) == expected


def applied(client: Client, manager: str, document: dict[str, Any]) -> int:
    path = "/apis/stable.example.com/v1/namespaces/default/crontabs/mine"
    headers = {"content-type": "application/apply-patch+yaml"}
    request = Request("PATCH", path, {"fieldManager": [manager]}, headers, document)
    return client.transport.handle(request).code


def test_lists_are_merged_by_their_keys_in_server_side_apply(client: Client) -> None:
    def apply(manager: str, document: dict[str, Any]) -> Any:
        request = Request(
            "PATCH",
            "/apis/stable.example.com/v1/namespaces/default/crontabs/mine",
            {"fieldManager": [manager]},
            {"content-type": "application/apply-patch+yaml"},
            document,
        )
        return client.transport.handle(request)

    assert apply("one", crontab(ports=[{"port": 1}])).code == 201
    other = {**crontab(), "spec": {"ports": [{"port": 2, "name": "b"}]}}
    assert apply("two", other).code == 200
    assert client.get(KIND, "mine")["spec"]["ports"] == [
        {"port": 1, "name": "web"},
        {"port": 2, "name": "b"},
    ]
    clash = apply("two", {**crontab(), "spec": {"cronSpec": "1 1 1 1 1"}})
    assert clash.code == 409
    assert clash.body["message"] == (
        'Apply failed with 1 conflict: conflict with "one": .spec.cronSpec'
    )


def test_the_real_kubectl_works_with_custom_kinds(cluster: Cluster, kubectl: Kubectl) -> None:
    def both(*argv: str) -> str:
        out, err, code = kubectl(*argv)
        assert (out, err, code) == in_process(cluster, *argv)
        return out

    assert kubectl("create", "-f", "-", stdin=json.dumps(DEFINITION))[2] == 0
    wait = kubectl("wait", "--for=condition=Established", "crd/crontabs.stable.example.com")
    assert wait[0].endswith("condition met\n")
    created = kubectl("apply", "-f", "-", stdin=json.dumps(crontab(replicas=2)))
    assert created == ("crontab.stable.example.com/mine created\n", "", 0)
    assert both("get", "ct", "-o", "wide").splitlines()[0].split() == [
        "NAME",
        "SPEC",
        "REPLICAS",
        "READY",
    ]
    assert "What is wanted." in both("explain", "ct.spec")
    both("explain", "crontabs.stable.example.com", "--recursive")
    assert kubectl("scale", "ct", "mine", "--replicas=4")[0] == (
        "crontab.stable.example.com/mine scaled\n"
    )
    assert kubectl("patch", "ct", "mine", "-p", '{"spec":{}}')[1].startswith(
        "error: application/strategic-merge-patch+json is not supported by stable.example.com/v1"
    )
    assert kubectl("delete", "crd", "crontabs.stable.example.com")[2] == 0
