"""Kinds of a cluster's plumbing: stored as asked for, printed as the real server prints them."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from fakes import Api
from test_api_tables import cells

REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"


def request(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": "ada"},
        "spec": {
            "request": "LS0t",
            "signerName": "example.com/signer",
            "usages": ["client auth"],
            **spec,
        },
    }


def test_a_request_names_who_made_it_whatever_it_says(api: Api) -> None:
    made = api.ok("POST", REQUESTS, request(username="root", groups=["system:masters"], uid="7"))
    assert made["spec"]["username"] == "kubernetes-admin"
    assert made["spec"]["groups"] == ["system:masters", "system:authenticated"]
    assert "uid" not in made["spec"]
    assert made["status"] == {}


def test_a_decision_touches_nothing_but_the_conditions(api: Api) -> None:
    made = copy.deepcopy(api.ok("POST", REQUESTS, request()))
    decided = {"type": "Approved", "status": "True", "reason": "Because"}
    made["status"] = {"conditions": [decided], "certificate": "LS0t"}
    made["spec"]["signerName"] = "example.com/other"
    approved = api.ok("PUT", f"{REQUESTS}/ada/approval", made)
    assert approved["spec"]["signerName"] == "example.com/signer"
    assert [each["type"] for each in approved["status"]["conditions"]] == ["Approved"]
    assert "certificate" not in approved["status"]


@pytest.mark.parametrize(
    ("plural", "document", "expected"),
    [
        (
            "certificatesigningrequests",
            {
                "spec": {"signerName": "s", "username": "u", "expirationSeconds": 3600},
                "status": {"conditions": [{"type": "Approved"}], "certificate": "LS0t"},
            },
            ["x", "8m18s", "s", "u", "60m", "Approved,Issued"],
        ),
        (
            "certificatesigningrequests",
            {"spec": {"signerName": "s", "username": "u"}, "status": {}},
            ["x", "8m18s", "s", "u", "<none>", "Pending"],
        ),
        ("apiservices", {"spec": {"group": "a"}}, ["x", "Local", "Unknown", "8m18s"]),
        (
            "apiservices",
            {
                "spec": {"service": {"namespace": "n", "name": "s"}},
                "status": {
                    "conditions": [{"type": "Available", "status": "False", "reason": "Lost"}]
                },
            },
            ["x", "n/s", "False (Lost)", "8m18s"],
        ),
        ("runtimeclasses", {"handler": "runsc"}, ["x", "runsc", "8m18s"]),
        (
            "csidrivers",
            {"spec": {"attachRequired": False, "tokenRequests": [{"audience": "a"}]}},
            ["x", "false", "false", "false", "a", "false", "<none>", "8m18s"],
        ),
        ("csinodes", {"spec": {"drivers": [{"name": "a"}]}}, ["x", 1, "8m18s"]),
        ("csistoragecapacities", {"storageClassName": "fast"}, ["x", "fast", "<unset>"]),
        (
            "volumeattachments",
            {
                "spec": {"attacher": "a", "nodeName": "n", "source": {}},
                "status": {"attached": True},
            },
            ["x", "a", "", "n", "true", "8m18s"],
        ),
    ],
)
def test_rows(plural: str, document: dict[str, Any], expected: list[Any]) -> None:
    assert cells(plural, document) == expected


def test_a_driver_and_a_service_get_their_defaults(api: Api) -> None:
    driver = api.ok(
        "POST",
        "/apis/storage.k8s.io/v1/csidrivers",
        {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "CSIDriver",
            "metadata": {"name": "csi.example.com"},
            "spec": {"podInfoOnMount": True},
        },
    )
    assert driver["spec"]["attachRequired"] is True
    assert driver["spec"]["podInfoOnMount"] is True
    assert driver["spec"]["volumeLifecycleModes"] == ["Persistent"]
    service = api.ok(
        "POST",
        "/apis/apiregistration.k8s.io/v1/apiservices",
        {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": "v1.example.com"},
            "spec": {
                "group": "example.com",
                "groupPriorityMinimum": 1,
                "versionPriority": 1,
                "version": "v1",
                "service": {"namespace": "n", "name": "s"},
            },
        },
    )
    assert service["spec"]["service"]["port"] == 443
