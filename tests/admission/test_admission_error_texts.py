"""The texts that kubectl prints for refused objects, against the recorded table of errors.

tests/data/admission/errors.jsonl holds the recorded texts, each with an object that earns it.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from minik8s.admission import decode, default, validate_create, validate_update
from minik8s.errors import ApiError
from minik8s.model.registry import Registry

DATA = Path(__file__).parents[1] / "data" / "admission" / "errors.jsonl"
ROWS = [json.loads(line) for line in DATA.read_text().splitlines()]


def admitted(document):
    kind = Registry().of(document)
    return default(kind, decode(kind, document, "Strict")[0])


def write(row):
    kind = Registry().of(row["object"])
    document = admitted(row["object"])
    if "old" in row:
        validate_update(kind, document, admitted(row["old"]))
    else:
        validate_create(kind, document)


def refused(row):
    with pytest.raises(ApiError) as caught:
        write(row)
    return caught.value


def printed_by_kubectl(error):
    """What kubectl makes of details.causes (cmd/util/helpers.go)."""
    lines = [f"{cause.field}: {cause.message}" for cause in error.causes]
    if len(lines) == 1:
        return lines[0]
    return "\n".join(["", *(f"* {line}" for line in lines)])


@pytest.mark.parametrize("row", [r for r in ROWS if r["status"] == 422], ids=lambda r: r["case"])
def test_recorded_text_of_an_invalid_object(row):
    error = refused(row)
    assert error.code == 422
    expected = row["printed"].partition(" is invalid: ")[2]
    got = printed_by_kubectl(error)
    if row["case"] == "patch Pod":
        # The recording cuts the difference of the two specs short.
        first, _, difference = got.partition("\n")
        assert first == expected.partition("\n")[0]
        assert difference.startswith("  core.PodSpec{\n")
        assert '- \tHostname: nil,\n+ \tHostname: "b",\n' in difference
        assert "identical fields" in difference
    else:
        assert got == expected
    subject = row["object"]
    assert error.kind == subject["kind"]
    assert error.name == subject["metadata"].get("name", "")


@pytest.mark.parametrize("row", [r for r in ROWS if r["status"] == 400], ids=lambda r: r["case"])
def test_recorded_text_of_an_undecodable_object(row):
    error = refused(row)
    assert error.code == 400
    assert row["printed"].endswith(f'.yaml": {error.message}')


def test_status_document_of_two_causes():
    row = next(r for r in ROWS if r["case"] == "NP two errors")
    assert refused(row).status() == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": 'NetworkPolicy.networking.k8s.io "np16" is invalid: '
        "[spec.ingress[0].from[0]: Required value: must specify a peer, "
        'spec.policyTypes[0]: Unsupported value: "Both": supported values: "Ingress", "Egress"]',
        "reason": "Invalid",
        "details": {
            "name": "np16",
            "group": "networking.k8s.io",
            "kind": "NetworkPolicy",
            "causes": [
                {
                    "reason": "FieldValueRequired",
                    "message": "Required value: must specify a peer",
                    "field": "spec.ingress[0].from[0]",
                },
                {
                    "reason": "FieldValueNotSupported",
                    "message": 'Unsupported value: "Both": supported values: "Ingress", "Egress"',
                    "field": "spec.policyTypes[0]",
                },
            ],
        },
        "code": 422,
    }
