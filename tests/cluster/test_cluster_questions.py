"""Why, all pairs and what if on a running cluster, checked against packets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from cluster_worlds import container, pod, service, workload

from minik8s import Cluster, Verdict
from minik8s.analysis.explain import Outcome
from minik8s.analysis.inputs import InputError

Document = dict[str, Any]
DENY = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "deny", "namespace": "default"},
    "spec": {"podSelector": {"matchLabels": {"app": "api"}}, "policyTypes": ["Ingress"]},
}


@pytest.fixture
def shop(cluster: Cluster) -> Cluster:
    ports = [container(ports=[{"containerPort": 8080}])]
    cluster.apply([
        workload("Deployment", "api", replicas=2, containers=ports),
        service("api", ports=[{"port": 80, "targetPort": 8080}]),
        pod("web", labels={"app": "web"}),
    ])  # fmt: skip
    return cluster


def test_the_explanation_says_what_the_packet_meets(shop: Cluster) -> None:
    for change in (None, DENY):
        shop.apply([change] if change else [])
        for target, port in (("api", 8080), ("api", 9), ("default/web", 8080)):
            probe = shop.probe("web", target, port)
            found = shop.explain("web", f"default/{target.split('/')[-1]}", port)
            assert found.verdict is probe.verdict
            assert {outcome.value for outcome in found.outcomes} == {probe.outcome.value}


def test_listeners_are_the_real_ones(shop: Cluster) -> None:
    shop.apply(pod("nc", containers=[container(image="busybox:1.36", command=["sleep", "9"])]))
    assert shop.explain("web", "default/nc", 7000).outcomes == (Outcome.REFUSED,)
    host = shop.network.pod_host("default", "nc")
    host.listen("TCP", 7000)
    host.bind(7001)
    assert shop.explain("web", "default/nc", 7000).outcomes == (Outcome.CONNECTED,)
    assert shop.explain("web", "default/nc", 7001, "UDP").outcomes == (Outcome.CONNECTED,)
    assert shop.explain("web", "default/nc", 7001).outcomes == (Outcome.REFUSED,)


def test_the_suggested_policies_work_when_applied(shop: Cluster) -> None:
    shop.apply(DENY)
    found = shop.explain("web", "api", 80)
    assert found.verdict is Verdict.DROP
    assert found.suggestion is not None
    text = yaml.safe_dump_all(found.suggestion.policies)
    shop.apply(text)
    assert shop.probe("web", "api", 8080).verdict is Verdict.ALLOW
    assert shop.explain("web", "api", 80).verdict is Verdict.ALLOW


def test_an_explanation_prints_as_text(shop: Cluster) -> None:
    shop.apply(DENY)
    found = shop.explain("web", "api", port=80)
    assert str(found).startswith("web -> api 80/TCP: deny\n  the program sees: connection timed")
    assert "NetworkPolicy default/deny selects it" in str(found)
    assert found.data()["verdict"] == "deny"


def test_without_enforcement_the_answers_say_so(shop: Cluster) -> None:
    shop.apply(DENY)
    shop.set(enforcement=False)
    found = shop.explain("web", "default/api", 8080)
    assert found.verdict is Verdict.DROP
    assert found.outcomes == (Outcome.CONNECTED,)
    assert shop.probe("web", "api", 8080).outcome == "connected"
    for answer in (found, shop.matrix(8080), shop.diff(DENY)):
        assert str(answer).startswith("No network plugin enforces policies here")


def test_unknown_ends(shop: Cluster) -> None:
    with pytest.raises(KeyError, match="nobody: no such pod or workload"):
        shop.explain("nobody", "api", 80)
    with pytest.raises(ValueError, match="TCP needs a port"):
        shop.explain("web", "api")
    assert shop.explain("web", "default/api", protocol="ICMP").verdict is Verdict.ALLOW


def test_the_matrix_prints_as_a_table(shop: Cluster) -> None:
    shop.apply(DENY)
    matrix = shop.matrix(port=8080, namespaces=["default"])
    assert str(matrix) == (
        "FROM \\ TO     default/api   default/web   outside\n"
        "default/api   no            yes           yes\n"
        "default/web   no            yes           yes\n"
        "outside       no            yes"
    )
    assert "minik8s-worker" in str(shop.matrix(port=8080))
    assert matrix.render("svg").startswith("<svg")


def test_a_difference_before_it_is_applied(shop: Cluster) -> None:
    change = shop.diff(DENY)
    assert change
    assert "- default/web -> default/api all" in str(change)
    assert shop.probe("web", "api", 8080).verdict is Verdict.ALLOW
    shop.apply(DENY)
    assert not shop.diff(DENY)
    assert str(shop.diff(DENY)) == "nothing changes"


def test_a_difference_of_nonsense(shop: Cluster, tmp_path: Path) -> None:
    wrong = {**DENY, "spec": {"podSelector": {}, "policyTypes": ["Both"]}}
    with pytest.raises(InputError, match="policyTypes"):
        shop.diff(wrong)
    with pytest.raises(InputError, match="no YAML or JSON"):
        shop.diff(tmp_path)
