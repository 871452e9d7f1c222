"""`kubectl describe`, `events`, `cordon`, `drain`, `taint` and `top`: recorded texts, and twins."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubectl_bridge import Twins, twins

from minik8s.client import Client
from minik8s.clock import parse_rfc3339
from minik8s.kubectl import MemoryIO, main
from minik8s.kubectl.describe import Subject, describe_object
from minik8s.kubectl.describe.generic import title_of
from minik8s.kubectl.describe.rbac import compact
from minik8s.kubectl.describe.requests import pod_amounts
from minik8s.kubectl.gosort import go_sorted
from minik8s.model.registry import KINDS, Kind

DATA = Path(__file__).parent.parent / "data" / "kubectl" / "describe"
TUTORIAL = Path(__file__).parents[2] / "minik8s" / "data" / "tutorial"
NOW = parse_rfc3339("2026-11-23T04:20:40Z")


class Shelf(Client):
    """A cluster of lists that are given beforehand."""

    def __init__(self, lists: dict[str, list[dict[str, Any]]]) -> None:
        self.lists = lists
        self.asked: list[dict[str, str]] = []

    def list(self, kind: Kind, namespace: Any = None, *, query: Any = None) -> dict[str, Any]:
        """The list of a kind."""
        self.asked.append(dict(query or {}))
        return {"metadata": {}, "items": self.lists.get(kind.plural, [])}


def described(kind: str, document: dict[str, Any], **lists: list[dict[str, Any]]) -> str:
    found = next(each for each in KINDS if each.kind == kind)
    return describe_object(Subject(Shelf(lists), found, document, NOW))


def read(name: str) -> str:
    return (DATA / name).read_text(encoding="utf-8")


def test_network_policies_as_recorded() -> None:
    samples = re.split(r"\n(?=Name:)", read("networkpolicies.txt"))
    documents = list(yaml.safe_load_all(read("networkpolicies.yaml")))
    assert len(samples) == len(documents) == 13
    for sample, document in zip(samples, documents, strict=True):
        document["metadata"] |= {
            "namespace": "default",
            "creationTimestamp": "2026-11-23T03:57:05Z",
        }
        assert described("NetworkPolicy", document) == sample


POD = """
metadata: {name: ev, namespace: default, uid: u}
spec:
  nodeName: worker-1
  serviceAccountName: default
  tolerations:
  - {key: node.kubernetes.io/not-ready, operator: Exists, effect: NoExecute, tolerationSeconds: 300}
  containers: [{name: m, image: "x:1", ports: [{containerPort: 8080, protocol: TCP}]}]
status:
  phase: Running
  hostIP: 192.168.49.2
  podIP: 10.0.0.5
  podIPs: [{ip: 10.0.0.5}]
  startTime: "2026-11-23T04:10:40Z"
  containerStatuses:
  - {name: m, imageID: i, ready: true, restartCount: 0,
     state: {running: {startedAt: "2026-11-23T04:10:50Z"}}}
"""
EVENTS = """
- {type: Warning, reason: BackOff, count: 5, source: {component: kubelet},
   message: Back-off restarting failed container,
   firstTimestamp: "2026-11-23T04:12:19Z", lastTimestamp: "2026-11-23T04:19:50Z"}
- {type: Normal, reason: Scheduled, count: 1, source: {component: default-scheduler},
   message: Successfully assigned default/ev to worker-1,
   firstTimestamp: "2026-11-23T04:10:40Z", lastTimestamp: "2026-11-23T04:10:40Z"}
"""


def test_a_pod_with_events_as_recorded() -> None:
    document = yaml.safe_load(POD)
    found = next(each for each in KINDS if each.kind == "Pod")
    shelf = Shelf({"events": yaml.safe_load(EVENTS)})
    assert describe_object(Subject(shelf, found, document, NOW)) == read("pod.txt")
    assert set(shelf.asked[0]["fieldSelector"].split(",")) == {
        "involvedObject.name=ev",
        "involvedObject.namespace=default",
        "involvedObject.uid=u",
    }
    quiet = describe_object(Subject(shelf, found, document, NOW, show_events=False))
    assert quiet == read("pod.txt").partition("Events:")[0]


def test_a_namespace_and_endpoints_as_recorded() -> None:
    labels = {"kubernetes.io/metadata.name": "default"}
    namespace = {"metadata": {"name": "default", "labels": labels}, "status": {"phase": "Active"}}
    assert described("Namespace", namespace) == read("namespace.txt")
    port = {"name": "http", "port": 8080, "protocol": "TCP"}
    endpoints = {
        "metadata": {"name": "backend", "namespace": "default"},
        "subsets": [{"addresses": [{"ip": "10.0.1.13"}], "ports": [port]}],
    }
    assert described("Endpoints", endpoints) == read("endpoints.txt")
    piece = {
        "metadata": {
            "name": "backend-x7xkq",
            "namespace": "default",
            "labels": {"kubernetes.io/service-name": "backend"},
        },
        "addressType": "IPv4",
        "ports": [port],
        "endpoints": [
            {
                "addresses": ["10.0.1.13"],
                "conditions": {"ready": True},
                "nodeName": "worker-1",
                "targetRef": {"kind": "Pod", "name": "backend-d498f6d412-2s9dm"},
            }
        ],
    }
    assert described("EndpointSlice", piece) == read("endpointslice.txt")


def test_parts() -> None:
    assert [title_of(field) for field in ("podIPs", "HTTPPort", "aURL", "v1")] == [
        "Pod I Ps",
        "HTTPPort",
        "A URL",
        "v1",
    ]
    rules = [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
    ]
    assert compact(rules) == [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}]
    containers = [{"resources": {"requests": {"cpu": "100m"}}}] * 3
    first = [{"resources": {"requests": {"cpu": "1"}}}]
    pod = {"spec": {"containers": containers, "initContainers": first, "overhead": {"cpu": "1m"}}}
    assert pod_amounts(pod, "requests")["cpu"].text == "1001m"


@pytest.mark.parametrize("size", [0, 1, 12, 13, 49, 50, 51, 200, 1000])
def test_sorting_is_sorting(size: int) -> None:
    for spread in (1, 3, size + 1):
        items = [(n * 7919 % spread, n) for n in range(size)]
        for given in (items, items[::-1], sorted(items)):
            keys = [item[0] for item in go_sorted(given, key=lambda item: item[0])]
            assert keys == sorted(item[0] for item in given)


# -- twins


@pytest.fixture(scope="module")
def pair(real_kubectl: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twins]:
    files = {
        path.name: path.read_bytes() for place in (TUTORIAL, DATA) for path in place.glob("*.yaml")
    }
    with twins(real_kubectl, tmp_path_factory.mktemp("describe"), files) as both:
        for name in ("demo-app", "01-backend-ingress-deny", "objects", "widget"):
            same(both, f"create -f {name}.yaml")
        same(both, "create -f 02-backend-ingress-allow-frontend.yaml")
        yield both


def same(pair: Twins, line: str) -> str:
    """What both print for a line, byte for byte; ours counts ages by the real one's clock."""
    arguments = shlex.split(line)
    io = MemoryIO(pair.contexts, files=pair.files, now=time.time, stdin="")
    code = main(arguments, io)
    real = pair.real(arguments)
    assert (io.stdout, io.stderr, code) == real, line
    return io.stdout + io.stderr


KINDS_TOGETHER = """
po,svc,ns,no,ep,endpointslices,netpol
deploy,rs,sts,ds,jobs,cj,rc,hpa,pdb,pc
sa,secret,cm,quota,limits,pvc,pv,sc
ing,ingressclass,clusterroles,clusterrolebindings,roles,rolebindings
lease,podtemplates,controllerrevisions,crd,wd
"""


@pytest.mark.parametrize("kinds", KINDS_TOGETHER.split())
def test_every_kind(pair: Twins, kinds: str) -> None:
    text = same(pair, f"describe {kinds} -A --show-events")
    assert text.count("Name:") >= kinds.count(",")


LINES = """
describe po
describe po -n kube-system
describe netpol
describe po crash
describe po/pend
describe netpol back
describe deploy/backend svc/backend
describe deploy,svc
describe po -l app=backend
describe po -l app=backend --show-events=false
describe po -l x=none
describe pv -l x=none
describe po -A -l x=none
describe -f demo-app.yaml
describe -f nothing.yaml
describe netpol/nope
describe netpol nope
describe no z
describe ev e1
describe po crash done nope
describe po z -n nowhere
describe po z -n kube-system
describe nope
describe po -A x
describe
get po z -n nowhere
get po z z
get po z y z
get po/z po/z
get po z z --ignore-not-found
delete po z -n nowhere
events
events -A
events -A --no-headers --chunk-size=5
events --for deploy/backend
events --for pod/odd -o yaml
events -A -o json
events -A -o kyaml
events -o name
events -o wide
events --types warning
events --types Foo
events --for po
events --for po/
events --for /x
events --for nope/x
events --for a/b/c
events -n nowhere
events -A --for no/x
get pods -A --sort-by=.metadata.namespace
get events -A --sort-by=.lastTimestamp
top nodes
top no x y
top po --sort-by=foo
top po x -l a=b
top no x -l a=b
top x
cordon
cordon x
cordon minik8s-worker
cordon minik8s-worker node/minik8s-worker2
uncordon minik8s-worker --dry-run=client
uncordon minik8s-worker --dry-run=server
uncordon minik8s-worker x minik8s-worker2
uncordon -l x=y
cordon -l x=y minik8s-worker
cordon po/crash
uncordon minik8s-worker
drain
drain minik8s-worker --ignore-daemonsets
drain minik8s-worker minik8s-worker2 --ignore-daemonsets
drain minik8s-worker --pod-selector=app=frontend
drain minik8s-worker --pod-selector=a=!!b
uncordon -l kubernetes.io/os=linux
taint
taint nodes minik8s-worker
taint no minik8s-worker k=v:NoSchedule
taint no minik8s-worker k=v:NoSchedule
taint no minik8s-worker k=w:NoSchedule --overwrite
taint no minik8s-worker k:NoSchedule-
taint no minik8s-worker k-
taint no minik8s-worker a=b:PreferNoSchedule c:NoSchedule d=e:Foo
taint no minik8s-worker a=b:PreferNoSchedule c=d:NoSchedule
describe no minik8s-worker
taint no minik8s-worker a- c- z=1:NoSchedule
taint no minik8s-worker z=2:NoSchedule --overwrite -o yaml --dry-run=client
taint no minik8s-worker z=2:NoSchedule --overwrite --dry-run=server
taint po x k=v:NoSchedule
taint no x k=v:NoSchedule
taint no --all q=:NoSchedule
taint no --all q- -o name
taint no -l a=b q-
taint no minik8s-worker k=v
taint no minik8s-worker k=v:NoSchedule k=w:NoSchedule
taint no minik8s-worker k=v:NoSchedule k-
taint no minik8s-worker =v:NoSchedule
taint no minik8s-worker k=v!:NoSchedule
taint no minik8s-worker k=v=w:NoSchedule
taint no minik8s-worker k=v:NoSchedule x
taint no/minik8s-worker k=v:NoSchedule
taint no k=v:NoSchedule
taint no --all -l a=b k=v:NoSchedule
plugin list
plugin x
alpha
alpha x
completion
completion foo
completion bash x
certificate approve
certificate deny x
"""


def test_lines(pair: Twins) -> None:
    for line in LINES.strip().splitlines():
        same(pair, line)


# The first leaves nothing to chance but the order of the warnings; after the second the names of
# the new pods depend on the order in which the old ones went.
@pytest.mark.parametrize("flags", ["--force --disable-eviction", "--force"])
def test_drained_pods_go_in_no_certain_order(pair: Twins, flags: str) -> None:
    line = f"drain minik8s-worker2 --ignore-daemonsets --delete-emptydir-data {flags}"
    ours, real = (ask(shlex.split(line)) for ask in (pair.ours, pair.real))
    for text, expected in zip(ours[:2], real[:2], strict=True):
        assert sorted(re.split("; |: |\n", text)) == sorted(re.split("; |: |\n", expected))
    assert ours[2] == real[2] == 0
    same(pair, "uncordon minik8s-worker2")
