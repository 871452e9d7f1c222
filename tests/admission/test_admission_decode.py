"""Strict decoding: the texts of Go's decoder, unknown fields, nulls."""

from __future__ import annotations

import json

import pytest

from minik8s.admission import decode
from minik8s.admission.customkinds import builtin_schema, decode_custom
from minik8s.errors import BadRequest
from minik8s.model.registry import (
    CONFIG_MAP,
    DEPLOYMENT,
    NETWORK_POLICY,
    NODE,
    POD,
    SECRET,
    SERVICE,
    Kind,
    Registry,
)


def document(kind, **fields):
    return {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": {"name": "x", "namespace": "default"},
        **fields,
    }


def refusal(kind, mode="Strict", **fields):
    with pytest.raises(BadRequest) as caught:
        decode(kind, document(kind, **fields), mode)
    prefix = f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: '
    assert caught.value.message.startswith(prefix)
    return caught.value.message.removeprefix(prefix)


GO = "json: cannot unmarshal "
TYPE_ERRORS = [
    (NETWORK_POLICY, {"spec": {"ingress": "x"}}, "string into Go struct field "
     "NetworkPolicySpec.spec.ingress of type []v1.NetworkPolicyIngressRule"),
    (NETWORK_POLICY, {"spec": []}, "array into Go struct field NetworkPolicy.spec of type "
     "v1.NetworkPolicySpec"),
    (NETWORK_POLICY, {"spec": {"policyTypes": ["Ingress", 1]}}, "number into Go struct field "
     "NetworkPolicySpec.spec.policyTypes of type v1.PolicyType"),
    (NETWORK_POLICY, {"spec": {"ingress": [{"ports": [{"port": 80.5}]}]}}, "number 80.5 into Go "
     "struct field NetworkPolicyPort.spec.ingress.ports.port of type int32"),
    (NETWORK_POLICY, {"spec": {"ingress": [{"ports": [{"endPort": 2**31}]}]}}, "number 2147483648 "
     "into Go struct field NetworkPolicyPort.spec.ingress.ports.endPort of type int32"),
    (POD, {"metadata": {"name": "x", "labels": {"a": 1}}}, "number into Go struct field "
     "ObjectMeta.metadata.labels of type string"),
    (POD, {"metadata": {"name": "x", "labels": ["a"]}}, "array into Go struct field "
     "ObjectMeta.metadata.labels of type map[string]string"),
    (POD, {"spec": {"containers": {"name": "a"}}}, "object into Go struct field "
     "PodSpec.spec.containers of type []v1.Container"),
    (POD, {"spec": {"containers": [{"env": [{"name": "A", "value": 8080}]}]}}, "number into Go "
     "struct field EnvVar.spec.containers.env.value of type string"),
    (POD, {"spec": {"containers": [{"ports": [{"containerPort": "80"}]}]}}, "string into Go "
     "struct field ContainerPort.spec.containers.ports.containerPort of type int32"),
    (POD, {"spec": {"hostNetwork": "yes"}}, "string into Go struct field "
     "PodSpec.spec.hostNetwork of type bool"),
    (POD, {"spec": {"restartPolicy": True}}, "bool into Go struct field "
     "PodSpec.spec.restartPolicy of type v1.RestartPolicy"),
    (POD, {"spec": {"containers": [{"resources": {"limits": "1"}}]}}, "string into Go struct "
     "field ResourceRequirements.spec.containers.resources.limits of type v1.ResourceList"),
    (DEPLOYMENT, {"spec": {"replicas": "3"}}, "string into Go struct field "
     "DeploymentSpec.spec.replicas of type int32"),
    (DEPLOYMENT, {"spec": {"template": {"spec": {"containers": [{"image": 5}]}}}}, "number into "
     "Go struct field Container.spec.template.spec.containers.image of type string"),
    (SERVICE, {"spec": {"ports": [{"port": "http"}]}}, "string into Go struct field "
     "ServicePort.spec.ports.port of type int32"),
    (SERVICE, {"spec": {"selector": {"app": None, "tier": []}}}, "array into Go struct field "
     "ServiceSpec.spec.selector of type string"),
    (CONFIG_MAP, {"data": {"debug": True}}, "bool into Go struct field ConfigMap.data of type "
     "string"),
]  # fmt: skip


@pytest.mark.parametrize("mode", ["Strict", "Warn", "Ignore"])
@pytest.mark.parametrize(("kind", "fields", "expected"), TYPE_ERRORS, ids=lambda value: str(value))
def test_wrong_type_is_refused_in_every_mode(kind, fields, expected, mode):
    assert refusal(kind, mode, **fields) == GO + expected


def test_first_type_error_in_the_order_of_sorted_keys_counts():
    spec = {"policyTypes": "Ingress", "egress": 1}
    assert "NetworkPolicySpec.spec.egress of type" in refusal(NETWORK_POLICY, spec=spec)


def test_unknown_fields_come_all_together_in_the_order_of_decoding():
    spec = {"zoo": 1, "podselector": {}, "ingress": [{}, {"form": [], "to": {"deep": 1}}]}
    assert refusal(NETWORK_POLICY, spec=spec, bogus=1) == (
        'strict decoding error: unknown field "bogus", unknown field "spec.ingress[1].form", '
        'unknown field "spec.ingress[1].to", unknown field "spec.podselector", '
        'unknown field "spec.zoo"'
    )


def test_type_error_goes_before_unknown_fields():
    assert refusal(POD, spec={"unknown": 1, "hostNetwork": 1}).startswith(GO)


def test_unknown_fields_are_dropped_with_a_warning_or_without():
    given = document(NETWORK_POLICY, spec={"podSelector": {}, "bogus": {"x": 1}})
    expected = document(NETWORK_POLICY, spec={"podSelector": {}})
    assert decode(NETWORK_POLICY, given, "Warn") == (expected, ['unknown field "spec.bogus"'])
    assert decode(NETWORK_POLICY, given, "Ignore") == (expected, [])
    assert "bogus" in given["spec"], "the given document is not touched"


def test_no_more_than_a_hundred_unknown_fields_are_listed():
    given = document(POD, spec={f"f{number:03}": 1 for number in range(150)})
    assert len(decode(POD, given, "Warn")[1]) == 100


def test_case_of_field_names_counts():
    assert refusal(POD, spec={"Containers": []}) == (
        'strict decoding error: unknown field "spec.Containers"'
    )


def test_fine_document_comes_back_as_it_is():
    given = document(POD, spec={"containers": [{"name": "a", "image": "b", "args": ["c"]}]})
    assert decode(POD, given, "Strict")[0] is given


def test_null_is_absent_in_objects_and_zero_in_lists_and_maps():
    given = document(
        POD,
        status=None,
        spec={
            "nodeName": None,
            "nodeSelector": {"a": None},
            "containers": [{"name": "a", "args": [None, "x"], "resources": {"limits": None}}],
            "volumes": [{"name": "v", "emptyDir": {}, "hostPath": None}],
        },
    )
    given["metadata"]["creationTimestamp"] = None
    decoded, warnings = decode(POD, given, "Strict")
    assert warnings == []
    assert decoded == document(
        POD,
        spec={
            "nodeSelector": {"a": ""},
            "containers": [{"name": "a", "args": ["", "x"], "resources": {}}],
            "volumes": [{"name": "v", "emptyDir": {}}],
        },
    )


@pytest.mark.parametrize("amount", ["100m", "1.5Gi", "2e3", "1E", ".5", "-1", "12", 1, 0.5, "+3k"])
def test_quantities(amount):
    spec = {"containers": [{"resources": {"limits": {"cpu": amount}}}]}
    assert decode(POD, document(POD, spec=spec), "Strict")[0]["spec"] == spec


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        ("much", "quantities must match the regular expression "
         "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"),
        ("", "quantities must match the regular expression "
         "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"),
        ("1kk", "unable to parse quantity's suffix"),
    ],
)  # fmt: skip
def test_bad_quantities(amount, expected):
    spec = {"containers": [{"resources": {"limits": {"cpu": amount}}}]}
    assert refusal(POD, spec=spec) == expected


def test_timestamps():
    fine = {"name": "x", "creationTimestamp": "2026-03-08T09:00:00Z"}
    assert decode(POD, document(POD, metadata=fine), "Strict")[0]["metadata"] is fine
    metadata = {"name": "x", "creationTimestamp": "yesterday"}
    assert refusal(POD, metadata=metadata) == (
        'parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": '
        'cannot parse "yesterday" as "2006"'
    )
    metadata = {"name": "x", "creationTimestamp": "2026-13-08T09:00:00Z"}
    assert refusal(POD, metadata=metadata) == (
        'parsing time "2026-13-08T09:00:00Z": month out of range'
    )
    metadata = {"name": "x", "creationTimestamp": 5}
    assert refusal(POD, metadata=metadata) == (
        GO + "number into Go struct field ObjectMeta.metadata.creationTimestamp of type string"
    )


def test_base64():
    assert refusal(SECRET, data={"a": "no base64!"}) == "illegal base64 data at input byte 2"
    given = document(SECRET, data={"a": "YWJj"})
    assert decode(SECRET, given, "Strict")[0] is given


def test_kind_without_a_schema_is_taken_as_it_is():
    kind = Kind("example.com", "v1", "Widget", "widgets")
    given = {"apiVersion": "example.com/v1", "kind": "Widget", "anything": None}
    assert decode(kind, given, "Strict") == (given, [])


@pytest.mark.parametrize("kind", list(Registry()), ids=lambda kind: kind.kind)
def test_every_kind_of_the_registry_has_a_schema(kind):
    given = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": "x"}}
    schema = builtin_schema(kind)
    if schema is not None:
        assert decode_custom(kind, given, schema, "Strict")[0] == given
        with pytest.raises(BadRequest):
            decode_custom(kind, {**given, "bogus": 1}, schema, "Strict")
        return
    assert decode(kind, given, "Strict")[0] is given
    with pytest.raises(BadRequest):
        decode(kind, {**given, "bogus": 1}, "Strict")


def answer(kind, given):
    try:
        return decode(kind, given, "Warn")[0]
    except BadRequest:
        return None


def test_nothing_of_a_json_document_can_break_it():
    """Odd shapes in odd places give an answer, never an exception of Python's."""
    odd = [None, True, 0, 1.5, "", "x", [], [None], {}, {"a": None}, {"name": []}]
    refused = 0
    for value in odd:
        for place in ("metadata", "spec", "status", "apiVersion"):
            for kind in (POD, NODE, SERVICE, DEPLOYMENT):
                decoded = answer(kind, document(kind, **{place: value}))
                refused += decoded is None
                assert decoded is None or "null" not in json.dumps(decoded)
    # Four kinds; 8 values are no metadata, 7 no spec, 7 no status, and 8 no text.
    assert refused == 4 * (8 + 7 + 7 + 8)
