"""The schemas and messages of the cluster-wide policy kinds, against the network policy API's.

The texts were taken from k8s.io/apiextensions-apiserver 0.35 and 0.37 working on upstream's
definitions (release v0.2.0 for v1alpha2, v0.1.7 for v1alpha1, experimental channel).
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from minik8s.admission.celrules import is_cidr, is_known, rules_in
from minik8s.admission.customkinds import builtin_schema, check_custom, decode_custom
from minik8s.errors import ApiError
from minik8s.model import registry

CNP = registry.CLUSTER_NETWORK_POLICY
ANP = registry.ADMIN_NETWORK_POLICY
BANP = registry.BASELINE_ADMIN_NETWORK_POLICY
PUBLISHED = Path(__file__).parents[1] / "data" / "admission" / "cnp-schema.json"
UNCHECKED = (
    "<nil>: Invalid value: null: some validation rules were not checked because the object was "
    "invalid; correct the existing errors to complete validation"
)
DOMAIN = (
    r"^(\*\.)?([a-zA-z0-9]([-a-zA-Z0-9_]*[a-zA-Z0-9])?\.)+[a-zA-z0-9]([-a-zA-Z0-9_]*"
    r"[a-zA-Z0-9])?\.?$"
)


def bare(schema: Any) -> Any:
    """A schema without descriptions, and without `type` where upstream leaves it out."""
    if isinstance(schema, list):
        return [bare(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: bare(value) for key, value in schema.items()}
    if isinstance(schema.get("description"), str):
        del kept["description"]
    return kept


def test_the_schema_is_the_published_one() -> None:
    published = json.loads(PUBLISHED.read_text())
    assert bare(builtin_schema(CNP)) == {**published, "type": "object"}


@pytest.mark.parametrize("kind", [CNP, ANP, BANP], ids=lambda kind: kind.kind)
def test_every_rule_is_evaluated(kind: registry.Kind) -> None:
    schema = builtin_schema(kind)
    assert schema is not None
    rules = [rule for _, rule in rules_in(schema)]
    assert len(rules) >= 2
    assert all(map(is_known, rules))


def complaints(kind: registry.Kind, **spec: Any) -> list[str]:
    base: dict[str, Any] = {"subject": {"namespaces": {}}, "priority": 5, "tier": "Admin"}
    if kind is not CNP:
        del base["tier"]
    if kind is BANP:
        del base["priority"]
    name = spec.pop("name", "default")
    given = {key: value for key, value in {**base, **spec}.items() if value != "absent"}
    document = {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": {"name": name},
        "spec": given,
    }
    before = copy.deepcopy(document)
    schema = builtin_schema(kind)
    assert schema is not None
    try:
        decoded, _ = decode_custom(kind, document, schema, "Strict")
        check_custom(kind, decoded, schema)
    except ApiError as error:
        causes = [f"{cause.field}: {cause.message}" for cause in error.causes]
        return causes or [error.message]
    finally:
        assert document == before
    return []


def outward(*peers: Any, **more: Any) -> list[Any]:
    return [{"action": "Accept", "to": list(peers), **more}]


def ports(*entries: Any) -> list[Any]:
    return [{"action": "Deny", "from": [{"namespaces": {}}], "protocols": list(entries)}]


def tcp(**port: Any) -> dict[str, Any]:
    return {"tcp": {"destinationPort": port}}


PODS = {"pods": {"podSelector": {}}}
GOOD: dict[str, dict[str, Any]] = {
    "everything": {},
    "no rules": {"ingress": [], "egress": None},
    "null is absent": {"subject": {"namespaces": None, "pods": {"podSelector": {}}}},
    "host bits": {"egress": outward({"networks": ["10.1.2.3/8", "fd00::1/64"]})},
    "nodes": {"egress": outward({"nodes": {"matchLabels": {"a": "b"}}})},
    "an odd operator": {
        "subject": {"namespaces": {"matchExpressions": [{"key": "k", "operator": "Like"}]}}
    },
    "an empty port name": {"ingress": ports({"destinationNamedPort": ""})},
    "domain": {"egress": outward({"domainNames": ["*.a.io", "_a.io", "a.io."]})},
}


@pytest.mark.parametrize("spec", GOOD.values(), ids=GOOD)
def test_what_is_taken(spec: dict[str, Any]) -> None:
    assert complaints(CNP, **spec) == []


BAD: dict[str, tuple[dict[str, Any], list[str]]] = {
    "range": (
        {"ingress": ports(tcp(range={"start": 5, "end": 5}))},
        [
            "spec.ingress[0].protocols[0].tcp.destinationPort.range: Invalid value: "
            "Start port must be less than End port"
        ],
    ),
    "no CIDR": (
        {"egress": outward({"networks": ["10.0.0.1"]})},
        [
            "spec.egress[0].to[0].networks[0]: Invalid value: "
            '"10.0.0.1": Invalid CIDR format provided'
        ],
    ),
    "named port and network": (
        {
            "egress": outward(
                PODS, {"networks": ["10.0.0.0/8"]}, protocols=[{"destinationNamedPort": ""}]
            )
        },
        [
            "spec.egress[0]: Invalid value: networks/nodes/domainNames peer cannot be set with "
            "namedPorts since there are no namedPorts for networks/nodes/domainNames"
        ],
    ),
    "no priority": ({"priority": None}, ["spec.priority: Required value", UNCHECKED]),
    "no tier": ({"tier": "absent"}, ["spec.tier: Required value", UNCHECKED]),
    "action": (
        {"ingress": [{"action": "Allow", "from": [PODS]}]},
        [
            'spec.ingress[0].action: Unsupported value: "Allow": supported values: "Accept", '
            '"Deny", "Pass"',
            UNCHECKED,
        ],
    ),
    "priority": (
        {"priority": 1001},
        [
            "spec.priority: Invalid value: 1001: spec.priority in body should be less than or "
            "equal to 1000"
        ],
    ),
    "no number": (
        {"priority": "5"},
        [
            'spec.priority: Invalid value: "string": spec.priority in body must be of type '
            'integer: "string"',
            UNCHECKED,
        ],
    ),
    "a fraction": (
        {"priority": 1.5},
        [
            'spec.priority: Invalid value: "number": spec.priority in body must be of type '
            'integer: "number"',
            UNCHECKED,
        ],
    ),
    "no peers": (
        {"egress": outward()},
        [
            "spec.egress[0].to: Invalid value: 0: spec.egress[0].to in body should have at "
            "least 1 items"
        ],
    ),
    "too many rules": (
        {"egress": outward(PODS) * 26},
        ["spec.egress: Too many: 26: must have at most 25 items", UNCHECKED],
    ),
    "no property": (
        {"subject": {}},
        ["spec.subject: Invalid value: 0: spec.subject in body should have at least 1 properties"],
    ),
    "two properties": (
        {"subject": {"namespaces": {}, **PODS}},
        ["spec.subject: Too many: 2: must have at most 1 item", UNCHECKED],
    ),
    "an empty protocol": (
        {"ingress": ports({"tcp": {}})},
        [
            "spec.ingress[0].protocols[0].tcp: Invalid value: 0: "
            "spec.ingress[0].protocols[0].tcp in body should have at least 1 properties"
        ],
    ),
    "a long name": (
        {"egress": outward(PODS, name="x" * 101)},
        ["spec.egress[0].name: Too long: may not be more than 100 bytes", UNCHECKED],
    ),
    "twice": (
        {"egress": outward({"networks": ["10.0.0.0/8", "10.0.0.0/8"]})},
        ['spec.egress[0].to[0].networks[1]: Duplicate value: "10.0.0.0/8"'],
    ),
    "domain": (
        {"egress": outward({"domainNames": ["localhost"]})},
        [
            'spec.egress[0].to[0].domainNames[0]: Invalid value: "localhost": '
            f"spec.egress[0].to[0].domainNames[0] in body should match '{DOMAIN}'"
        ],
    ),
    "an unknown field": (
        {"ingress": [{"action": "Deny", "from": [{"networks": ["10.0.0.0/8"]}]}]},
        [
            'ClusterNetworkPolicy in version "v1alpha2" cannot be handled as a '
            "ClusterNetworkPolicy: strict decoding error: unknown field "
            '"spec.ingress[0].from[0].networks"'
        ],
    ),
}


@pytest.mark.parametrize(("spec", "expected"), BAD.values(), ids=BAD)
def test_what_is_refused_and_how(spec: dict[str, Any], expected: list[str]) -> None:
    assert complaints(CNP, **spec) == expected


def test_the_older_kinds() -> None:
    both = {"namespaceSelector": {}, "podSelector": {}}
    rule = {"action": "Allow", "to": [{"pods": both}], "ports": [{"portNumber": {"port": 80}}]}
    assert complaints(ANP, egress=[rule]) == []
    assert complaints(BANP, egress=[rule]) == []
    assert complaints(BANP, egress=[{**rule, "action": "Pass"}])[0].endswith(
        'Unsupported value: "Pass": supported values: "Allow", "Deny"'
    )
    assert complaints(ANP, egress=[{**rule, "to": [PODS]}])[0] == (
        "spec.egress[0].to[0].pods.namespaceSelector: Required value"
    )
    assert complaints(BANP, name="other") == [
        "<nil>: Invalid value: Only one baseline admin network policy with "
        'metadata.name="default" can be created in the cluster'
    ]
    named = {"to": [{"nodes": {}}], "ports": [{"namedPort": "web"}], "action": "Deny"}
    assert complaints(BANP, egress=[named])[0].startswith(
        "spec.egress[0]: Invalid value: networks/nodes peer cannot be set with namedPorts"
    )
    assert complaints(ANP, egress=[named])[0].startswith(
        "spec.egress[0]: Invalid value: networks/nodes/domainNames peer cannot be set"
    )
    swapped = {"portRange": {"start": 9, "end": 5}}
    assert complaints(ANP, egress=[{**rule, "ports": [swapped]}]) == []


def test_the_default_protocol_is_filled_in() -> None:
    schema = builtin_schema(ANP)
    assert schema is not None
    rule = {"action": "Deny", "from": [{"namespaces": {}}], "ports": [{"portNumber": {"port": 1}}]}
    document = {"metadata": {"name": "a"}, "spec": {"ingress": [rule]}}
    decoded, _ = decode_custom(ANP, document, schema, "Strict")
    assert decoded["spec"]["ingress"][0]["ports"] == [
        {"portNumber": {"port": 1, "protocol": "TCP"}}
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.0.0.0/8", True),
        ("10.1.2.3/8", True),
        ("fd00::/8", True),
        ("10.0.0.1", False),
        ("010.0.0.0/8", False),
        ("10.0.0.0/08", False),
        ("10.0.0.0/33", False),
        ("10.0.0.0/+8", False),
        ("::ffff:10.0.0.0/104", False),
        ("fe80::1%eth0/64", False),
        ("", False),
    ],
)
def test_cidrs(text: str, expected: bool) -> None:
    assert is_cidr(text) is expected
