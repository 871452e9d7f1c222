"""kr8s: CRUD, watch, patch, exec, logs, port-forward."""

from __future__ import annotations

import itertools
import sys
import threading
import time
import urllib.request

import kr8s
from kr8s.objects import ConfigMap, Deployment, Namespace, NetworkPolicy, Service, new_class

SPACE = "kr8s"


def crud(api):
    Namespace(SPACE, api=api).create()
    one = ConfigMap({"metadata": {"name": "a", "namespace": SPACE}, "data": {"x": "1"}}, api=api)
    one.create()
    assert one.exists()
    one.patch({"data": {"y": "2"}})
    assert dict(one.raw["data"]) == {"x": "1", "y": "2"}
    one.patch([{"op": "remove", "path": "/data/x"}], type="json")
    one.label({"k": "v"})
    one.annotate({"note": "yes"})
    found = list(kr8s.get("configmaps", namespace=SPACE, label_selector={"k": "v"}, api=api))
    assert [each.name for each in found] == ["a"]
    assert found[0].annotations["note"] == "yes"
    one.delete()
    assert not one.exists()
    try:
        ConfigMap.get("none", namespace=SPACE, api=api)
    except kr8s.NotFoundError:
        pass
    else:
        raise AssertionError("what is not there was found")


def workloads(api):
    labels = {"app": "web"}
    container = {
        "name": "web",
        "image": "registry.k8s.io/e2e-test-images/agnhost:2.53",
        "args": ["netexec", "--http-port=8080"],
        "ports": [{"containerPort": 8080}],
    }
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    deployment = Deployment(
        {
            "metadata": {"name": "web", "namespace": SPACE},
            "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
        },
        api=api,
    )
    deployment.create()
    deployment.scale(2)
    deployment.wait("condition=Available", timeout=10)
    until = time.monotonic() + 10
    while not (deployment.ready() and len(deployment.pods()) == 2):
        assert time.monotonic() < until
    ports = [{"port": 80, "targetPort": 8080}]
    service = Service(
        {
            "metadata": {"name": "web", "namespace": SPACE},
            "spec": {"selector": labels, "ports": ports},
        },
        api=api,
    )
    service.create()
    assert len(service.ready_pods()) == 2
    return deployment.pods()[0]


def inside(pod):
    ran = pod.exec(["sh", "-c", "echo out; echo err >&2"])
    assert (ran.stdout, ran.stderr, ran.returncode) == (b"out\n", b"err\n", 0)
    failed = pod.exec(["sh", "-c", "exit 3"], check=False)
    assert failed.returncode == 3
    noticed = []
    try:
        pod.exec(["sh", "-c", "exit 3"])
    except* kr8s.ExecError as errors:
        noticed.append(errors)
    assert noticed, "a failure was not noticed"
    assert "Started HTTP server" in "\n".join(pod.logs())


def forwarding(pod):
    with (
        pod.portforward(remote_port=8080) as port,
        urllib.request.urlopen(f"http://127.0.0.1:{port}/hostname", timeout=10) as answer,
    ):
        assert answer.read().decode() == pod.name


def watching(api):
    def work():
        time.sleep(0.3)
        policy = NetworkPolicy(
            {"metadata": {"name": "deny", "namespace": SPACE}, "spec": {"podSelector": {}}}, api=api
        )
        policy.create()
        policy.patch({"metadata": {"labels": {"seen": "yes"}}})
        policy.delete()

    thread = threading.Thread(target=work)
    thread.start()
    events = kr8s.watch("networkpolicies", namespace=SPACE, api=api)
    seen = [(event, each.name) for event, each in itertools.islice(events, 3)]
    assert seen == [("ADDED", "deny"), ("MODIFIED", "deny"), ("DELETED", "deny")], seen
    thread.join()


def custom(api):
    kind = new_class(
        "NetworkPolicy", version="networking.k8s.io/v1", namespaced=True, plural="networkpolicies"
    )
    kind(
        {"metadata": {"name": "n", "namespace": SPACE}, "spec": {"podSelector": {}}}, api=api
    ).create()
    assert len(list(kr8s.get("netpol", namespace=SPACE, api=api))) == 1


def main():
    api = kr8s.api(kubeconfig=sys.argv[1])
    assert api.version()["major"] == "1"
    assert api.whoami()
    crud(api)
    pod = workloads(api)
    inside(pod)
    forwarding(pod)
    watching(api)
    custom(api)
    Namespace.get(SPACE, api=api).delete()
    print("done")


main()
