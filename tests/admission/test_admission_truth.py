"""Every row of tests/data/validation.jsonl: derived from the real validation and its own tests."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from minik8s.admission import decode, default, validate_create, validate_update
from minik8s.errors import ApiError, Invalid
from minik8s.model.registry import NETWORK_POLICY

DATA = Path(__file__).parents[1] / "data" / "validation.jsonl"
ROWS = [json.loads(line) for line in DATA.read_text().splitlines()]


def admitted(document):
    decoded, warnings = decode(NETWORK_POLICY, document, "Strict")
    assert warnings == []
    return default(NETWORK_POLICY, decoded)


def run(row):
    document = admitted(row["object"])
    if row["op"] == "create":
        validate_create(NETWORK_POLICY, document)
    else:
        validate_update(NETWORK_POLICY, document, admitted(row["old"]))
    return document


def test_all_rows_are_there():
    assert len(ROWS) == 134
    assert len({row["id"] for row in ROWS}) == 134


@pytest.mark.parametrize("row", [r for r in ROWS if r["valid"]], ids=lambda row: row["id"])
def test_valid_row(row):
    document = run(row)
    if "defaultedSpec" in row:
        assert document["spec"] == row["defaultedSpec"]


@pytest.mark.parametrize(
    "row", [r for r in ROWS if not r["valid"] and "errors" in r], ids=lambda row: row["id"]
)
def test_invalid_row(row):
    with pytest.raises(Invalid) as caught:
        run(row)
    causes = caught.value.causes
    assert [(c.field, c.reason.removeprefix("FieldValue")) for c in causes] == [
        (error["field"], error["type"]) for error in row["errors"]
    ]
    for cause, error in zip(causes, row["errors"], strict=True):
        assert cause.message.endswith(error.get("detail", ""))
        # Values print as JSON here; the rows that show Go's own dump say so.
        if "message" in error and "[]networking." not in error["message"]:
            assert f"{cause.field}: {cause.message}" == error["message"]


@pytest.mark.parametrize("row", [r for r in ROWS if "messageRegex" in r], ids=lambda row: row["id"])
def test_undecodable_row(row):
    with pytest.raises(ApiError) as caught:
        run(row)
    assert caught.value.code == row["http"]
    assert re.search(row["messageRegex"], caught.value.message)


def test_unknown_field_is_dropped_when_only_warned_about():
    """The note of the row `unknown field, fieldValidation=Strict`."""
    row = next(r for r in ROWS if r["id"] == "unknown field, fieldValidation=Strict")
    decoded, warnings = decode(NETWORK_POLICY, row["object"], "Warn")
    assert warnings == ['unknown field "spec.ingress[0].from[0].podSelectr"']
    with pytest.raises(Invalid) as caught:
        validate_create(NETWORK_POLICY, default(NETWORK_POLICY, decoded))
    assert [str(cause.field) for cause in caught.value.causes] == ["spec.ingress[0].from[0]"]
    assert "must specify a peer" in caught.value.message
