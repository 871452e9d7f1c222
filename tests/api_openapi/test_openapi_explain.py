"""`kubectl explain` in process, compared with the real kubectl on the same documents."""

from __future__ import annotations

import pytest
from openapi_door import Kubectl, in_process

from minik8s.cluster import Cluster
from minik8s.kubectl.wordwrap import wrap
from minik8s.model.registry import KINDS, Kind

COMMANDS = [
    "",
    "pods services",
    "foo",
    "foo.bar.baz",
    "pods/x",
    "all",
    "po,svc",
    "pods",
    "Pod",
    "po",
    "pods.",
    "pods..spec",
    "pods.bogus",
    "pods.spec.bogus.more",
    "pods.spec.CONTAINERS",
    "pods.spec.containers.name",
    "pods.spec.containers.resources.limits",
    "pods.spec.containers.env",
    "pods.spec.volumes.configMap --recursive",
    "pods.metadata",
    "pods.metadata.labels",
    "pods --max-depth=2",
    "pods --recursive",
    "pods --recursive --max-depth=2",
    "pods --recursive --max-depth=-1",
    "pods --output=json",
    "pods --output=plaintext-openapiv2",
    "pods --api-version=v2",
    "deploy --api-version=apps/v1",
    "deploy --api-version=apps/v2",
    "deploy.v1.apps",
    "deployments.v1.apps.spec",
    "deployments.apps.spec.replicas",
    "deploy.spec.template.spec.containers.ports",
    "networkpolicy",
    "networkpolicy.spec",
    "networkpolicy.spec.ingress",
    "networkpolicy.spec.ingress --recursive",
    "netpol.spec.podSelector.matchExpressions",
    "networkpolicies.networking.k8s.io",
    "networkpolicies.networking.k8s.io.spec.egress.to",
    "networkpolicy.networking.k8s.io.spec",
    "svc.spec.ports.targetPort",
    "cm.data",
    "cm.data.x",
    "ev.v1",
    "crd.spec.versions.schema.openAPIV3Schema",
    "crd.spec.versions.schema.openAPIV3Schema.properties.properties --recursive",
    "hpa.spec.metrics.resource.target",
    "events.events.k8s.io",
    "events.events.k8s.io.note",
]


@pytest.mark.parametrize("line", COMMANDS)
def test_explain_is_the_real_ones(cluster: Cluster, kubectl: Kubectl, line: str) -> None:
    argv = ["explain", *line.split()]
    assert in_process(cluster, *argv) == kubectl(*argv)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.plural} {kind.api_version}")
def test_every_kind_is_explained_to_the_last_field(
    cluster: Cluster, kubectl: Kubectl, kind: Kind
) -> None:
    argv = ["explain", kind.resource, "--recursive"]
    if kind.stored_as:
        argv = ["explain", kind.plural, f"--api-version={kind.api_version}", "--recursive"]
    out, err, code = in_process(cluster, *argv)
    assert (out, err, code) == kubectl(*argv)
    assert code == 0
    assert "FIELDS:" in out


@pytest.mark.parametrize(
    ("text", "limit", "wrapped"),
    [
        ("one two three", 7, "one two\nthree"),
        ("one  two", 4, "one\ntwo"),
        ("abcdefgh ij", 4, "abcdefgh\nij"),
        ("a\n\nb\n", 9, "a\n\nb\n"),
        ("ends in spaces   ", 14, "ends in spaces"),
    ],
)
def test_wrapping(text: str, limit: int, wrapped: str) -> None:
    assert wrap(text, limit) == wrapped
