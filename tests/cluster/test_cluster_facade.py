"""The public face: apply, pods, exec, probe, settings, kubectl."""

from __future__ import annotations

import doctest
import json
from pathlib import Path
from typing import Any

import pytest
from cluster_worlds import container, names, pod, service, workload

import minik8s.cluster.cluster
from minik8s import Cluster as Public
from minik8s import Verdict
from minik8s.analysis.inputs import InputError
from minik8s.cluster import Cluster, Disagreement
from minik8s.errors import BadRequest, Invalid, NotFound
from minik8s.policy import Direction

Document = dict[str, Any]
DEMO = """
apiVersion: v1
kind: ConfigMap
metadata: {name: one}
data: {a: "1"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: two}
"""


def policy(name: str, selector: Document, **spec: Any) -> Document:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"podSelector": {"matchLabels": selector}, **spec},
    }


def server(name: str, *ports: int, **labels: str) -> Document:
    declared = [{"containerPort": port} for port in ports]
    return pod(name, labels=labels, containers=[container(ports=declared)])


def test_the_public_name_is_this_class() -> None:
    assert Public is Cluster


def test_doctests() -> None:
    assert doctest.testmod(minik8s.cluster.cluster).failed == 0


# -- manifests


def test_apply_a_text(cluster: Cluster) -> None:
    applied = cluster.apply(DEMO)
    assert names(applied) == ["one", "two"]
    assert cluster.get("cm", "one")["data"] == {"a": "1"}


def test_apply_files_and_folders(cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(DEMO)
    cluster.apply(str(tmp_path / "a.yaml"))
    cluster.apply(tmp_path)
    assert cluster.get("cm", "two")
    with pytest.raises(InputError, match="No such file"):
        cluster.apply(str(tmp_path / "b.yaml"))


def test_apply_documents(cluster: Cluster) -> None:
    one = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}}
    cluster.apply(one)
    cluster.apply([{**one, "data": {"b": "2"}}])
    cluster.apply(json.dumps({**one, "data": {"c": "3"}}))
    assert cluster.get("cm", "one")["data"] == {"c": "3"}


def test_apply_removes_what_the_manifest_no_longer_says(cluster: Cluster) -> None:
    web = workload("Deployment", "web", replicas=1)
    labels = web["metadata"]["labels"]
    cluster.apply({**web, "metadata": {**web["metadata"], "labels": {**labels, "old": "yes"}}})
    cluster.kubectl("label deploy web hand=made")
    cluster.apply(web)
    metadata = cluster.get("deploy", "web")["metadata"]
    assert metadata["labels"] == {"app": "web", "hand": "made"}
    assert "kubectl.kubernetes.io/last-applied-configuration" in metadata["annotations"]
    version = metadata["resourceVersion"]
    cluster.apply(web)
    assert cluster.get("deploy", "web")["metadata"]["resourceVersion"] == version


def test_apply_and_kubectl_apply_agree(cluster: Cluster) -> None:
    web = workload("Deployment", "web", replicas=1)
    cluster.apply(web)
    said = cluster.kubectl("apply -f -", stdin=json.dumps(web)).stdout
    assert said == "deployment.apps/web unchanged\n"


def test_an_unknown_field_is_refused(cluster: Cluster) -> None:
    with pytest.raises(BadRequest, match=r'unknown field "spec\.replica"'):
        cluster.apply(workload("Deployment", "web", replica=1))


def test_apply_what_the_api_refuses(cluster: Cluster) -> None:
    with pytest.raises(Invalid, match=r"Deployment\.apps"):
        cluster.apply(workload("Deployment", "web", replicas=-1))
    with pytest.raises(InputError, match='no matches for kind "Thing"'):
        cluster.apply({"apiVersion": "x/v1", "kind": "Thing", "metadata": {"name": "t"}})
    with pytest.raises(InputError, match="-:2"):
        cluster.apply("a: b\nc: : d\n")


def test_delete(cluster: Cluster) -> None:
    cluster.apply(DEMO)
    cluster.delete(DEMO)
    cluster.delete(DEMO)
    with pytest.raises(NotFound):
        cluster.get("cm", "one")


# -- pods


def test_pods_by_name_and_by_workload(cluster: Cluster) -> None:
    cluster.apply([workload("Deployment", "web", replicas=1), pod("single")])
    assert cluster.pods["single"].name == "single"
    assert cluster.pods["default/web"].name.startswith("web-")
    assert cluster.pods.find("web-").node == cluster.pods["web"].node
    assert len(cluster.pods) == len(list(cluster.pods))
    with pytest.raises(KeyError, match="no such pod or workload"):
        cluster.pods["nobody"]
    with pytest.raises(KeyError):
        cluster.pods.find("nobody")


def test_several_pods_of_a_workload(cluster: Cluster) -> None:
    cluster.apply(workload("Deployment", "web", replicas=2))
    assert len(cluster.pods.of("web")) == 2
    with pytest.raises(KeyError, match=r"default/web-.*, default/web-"):
        cluster.pods["web"]


def test_exec(cluster: Cluster) -> None:
    cluster.apply(pod("box", containers=[container(image="busybox", command=["sleep", "1000"])]))
    result = cluster.pods["box"].exec(["sh", "-c", "echo out; echo err >&2; exit 4"])
    assert (result.stdout, result.stderr, result.exit_code) == ("out\n", "err\n", 4)
    assert cluster.pods["box"].exec("hostname").stdout == "box\n"
    assert cluster.pods["box"].exec("cat", stdin="typed").stdout == "typed"


def test_exec_lets_time_pass(cluster: Cluster) -> None:
    cluster.apply(pod("box", containers=[container(image="busybox", command=["sleep", "1000"])]))
    before = cluster.clock.now
    cluster.pods["box"].exec("sleep 7")
    assert cluster.clock.now == pytest.approx(before + 7)


# -- probes


def test_a_probe_is_a_value(cluster: Cluster) -> None:
    cluster.apply([server("a", app="a"), server("b", 80, app="b")])
    probe = cluster.probe("a", "b", 80)
    assert probe.verdict is Verdict.ALLOW
    assert probe.outcome == "connected"
    cluster.apply(policy("deny", {"app": "b"}))
    probe = cluster.probe("default/a", "default/b", 80)
    assert (probe.verdict, probe.outcome) == (Verdict.DROP, "timed out")
    assert probe.decision is not None
    assert probe.decision.dropped_by is Direction.INGRESS
    assert [str(ref) for ref in probe.decision.ingress.selecting] == ["default/deny"]
    assert "ingress policy: denied" in str(probe.trace)
    assert str(probe) == "default/a -> default/b 80/TCP: deny, timed out"


def test_a_probe_takes_no_time_and_leaves_nothing_open(cluster: Cluster) -> None:
    cluster.apply([server("a"), server("b", 80)])
    before = cluster.clock.now
    for port in (80, 81):
        cluster.probe("a", "b", port)
    cluster.apply(policy("deny", {}))
    cluster.probe("a", "b", 80)
    assert cluster.clock.now == before
    for name in "ab":
        assert cluster.network.pod_host("default", name).connections == []


def test_nobody_listens(cluster: Cluster) -> None:
    cluster.apply([server("a"), server("b", 80)])
    probe = cluster.probe("a", "b", 81)
    assert (probe.verdict, probe.outcome) == (Verdict.ALLOW, "refused")


def test_services_and_names_as_targets(cluster: Cluster) -> None:
    cluster.apply([server("a"), server("b", 80, app="back"), service("back")])
    for target in ("default/back", "back.default", "back.default.svc.cluster.local"):
        probe = cluster.probe("a", target, 80)
        assert probe.outcome == "connected", target
        assert probe.trace is not None
        assert probe.trace.destination.name == "b"
    assert cluster.probe("a", "nobody.default", 80).outcome == "unresolved"
    assert cluster.probe("a", "kubernetes.io", 80).outcome == "connected"
    with pytest.raises(KeyError, match="no such pod, workload or service"):
        cluster.probe("a", "nobody", 80)
    with pytest.raises(KeyError, match="no such pod or workload"):
        cluster.probe("nobody", "a", 80)


def test_addresses_outside(cluster: Cluster) -> None:
    block = {"ipBlock": {"cidr": "203.0.113.0/24"}}
    cluster.apply(
        [server("a", 80, app="a"), policy("some", {"app": "a"}, ingress=[{"from": [block]}])]
    )
    assert cluster.probe("ip:203.0.113.9", "a", 80).verdict is Verdict.ALLOW
    assert cluster.probe("ip:198.51.100.1", "a", 80).verdict is Verdict.DROP
    assert cluster.probe("a", "ip:203.0.113.9", 80).verdict is Verdict.ALLOW


def test_the_pods_of_a_workload_must_agree(cluster: Cluster) -> None:
    cluster.apply([server("a"), workload("Deployment", "web", replicas=2)])
    assert cluster.probe("a", "web", 80).outcome == "refused"
    first = cluster.pods.of("web")[0].name
    kind = cluster.client.find("pods")
    assert kind is not None
    cluster.client.patch(kind, first, {"metadata": {"labels": {"special": "yes"}}})
    cluster.apply(policy("one", {"special": "yes"}))
    with pytest.raises(Disagreement, match=f"default/{first} 80/TCP: deny"):
        cluster.probe("a", "web", 80)


def test_udp_and_sctp(cluster: Cluster) -> None:
    ports = [{"containerPort": 53, "protocol": "UDP"}, {"containerPort": 9, "protocol": "SCTP"}]
    cluster.load([pod("a"), pod("b", containers=[container(ports=ports)])])
    assert cluster.probe("a", "b", 53, "UDP").outcome == "connected"
    assert cluster.probe("a", "b", 54, "UDP").outcome == "refused"
    assert cluster.probe("a", "b", 9, "SCTP").outcome == "connected"
    assert cluster.probe("a", "b", 10, "SCTP").outcome == "refused"


# -- settings


def test_enforcement_can_be_switched(cluster: Cluster) -> None:
    cluster.apply([server("a"), server("b", 80), policy("deny", {})])
    verdicts = []
    for on in (True, False, True):
        cluster.set(enforcement=on)
        verdicts.append(cluster.probe("a", "b", 80).verdict)
    assert verdicts == [Verdict.DROP, Verdict.ALLOW, Verdict.DROP]


def test_without_tracking_replies_are_judged(cluster: Cluster) -> None:
    cluster.apply([server("a", app="a"), server("b", 80), policy("deny", {"app": "a"})])
    assert cluster.probe("a", "b", 80).outcome == "connected"
    cluster.set(tracking=False)
    probe = cluster.probe("a", "b", 80)
    assert (probe.verdict, probe.outcome) == (Verdict.ALLOW, "timed out")


def test_matrix(cluster: Cluster) -> None:
    cluster.apply([server("a"), server("b", 80, app="b"), policy("deny", {"app": "b"})])
    matrix = cluster.matrix()
    assert not matrix.allows("default/a", "default/b", "TCP", 80)
    assert matrix.allows("default/b", "default/a", "TCP", 80)


# -- settling


def test_settling_by_hand(cluster: Cluster) -> None:
    cluster.runtime.autosettle = False
    cluster.apply(workload("Deployment", "web", replicas=1))
    assert cluster.objects("replicasets", "default") == []
    cluster.settle()
    assert cluster.pods["web"].phase == "Running"


def test_kubectl(cluster: Cluster) -> None:
    cluster.apply(server("a"))
    assert cluster.kubectl("get pods a -o name").stdout == "pod/a\n"
    result = cluster.kubectl("get pods nobody")
    assert result.exit_code == 1
    assert result.stderr == 'Error from server (NotFound): pods "nobody" not found\n'


@pytest.mark.minik8s(nodes=5, seed=3)
def test_the_marker_of_the_plugin(cluster: Cluster) -> None:
    assert len(cluster.objects("nodes")) == 6
    assert cluster.runtime.ids.seed == 3
