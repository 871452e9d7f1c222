"""The official Python client: CRUD, watch, patch, exec, logs, port-forward, dynamic client."""

from __future__ import annotations

import contextlib
import sys
import time

from kubernetes import client, config, dynamic, watch
from kubernetes.client.rest import ApiException
from kubernetes.stream import portforward, stream

SPACE = "official"


def status_of(call, *args, **kwargs):
    """The HTTP status with which a call fails."""
    try:
        call(*args, **kwargs)
    except ApiException as error:
        return error.status
    return 200


def namespaces_and_maps(core):
    core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=SPACE)))
    made = core.create_namespaced_config_map(
        SPACE, {"metadata": {"name": "a", "labels": {"k": "v"}}, "data": {"x": "1"}}
    )
    assert made.metadata.uid
    assert status_of(core.create_namespaced_config_map, SPACE, {"metadata": {"name": "a"}}) == 409
    assert status_of(core.read_namespaced_config_map, "none", SPACE) == 404
    made.data["y"] = "2"
    replaced = core.replace_namespaced_config_map("a", SPACE, made)
    assert replaced.data == {"x": "1", "y": "2"}
    made.data["z"] = "3"
    assert status_of(core.replace_namespaced_config_map, "a", SPACE, made) == 409
    patched = core.patch_namespaced_config_map("a", SPACE, {"data": {"x": None}})
    assert patched.data == {"y": "2"}
    found = core.list_namespaced_config_map(SPACE, label_selector="k=v")
    assert [each.metadata.name for each in found.items] == ["a"]
    for number in range(7):
        core.create_namespaced_config_map(SPACE, {"metadata": {"name": f"n{number}"}})
    names, token = [], None
    while token != "":
        page = core.list_namespaced_config_map(SPACE, limit=3, _continue=token)
        names += [each.metadata.name for each in page.items]
        token = page.metadata._continue or ""
    assert len(names) == 9
    core.delete_namespaced_config_map("a", SPACE)
    core.delete_collection_namespaced_config_map(SPACE)
    assert status_of(core.read_namespaced_config_map, "n0", SPACE) == 404


def watching(core):
    version = core.list_namespaced_config_map(SPACE).metadata.resource_version
    core.create_namespaced_config_map(SPACE, {"metadata": {"name": "seen"}})
    core.patch_namespaced_config_map("seen", SPACE, {"data": {"a": "b"}})
    core.delete_namespaced_config_map("seen", SPACE)
    events = watch.Watch().stream(
        core.list_namespaced_config_map, SPACE, resource_version=version, timeout_seconds=1
    )
    seen = [(event["type"], event["object"].metadata.name) for event in events]
    assert seen == [("ADDED", "seen"), ("MODIFIED", "seen"), ("DELETED", "seen")], seen
    # Without a version, everything there is comes first.
    events = list(watch.Watch().stream(core.list_namespace, timeout_seconds=1))
    assert {"default", SPACE} <= {event["object"].metadata.name for event in events}
    assert {event["type"] for event in events} == {"ADDED"}


def workloads(core, apps):
    labels = {"app": "web"}
    container = client.V1Container(
        name="web",
        image="registry.k8s.io/e2e-test-images/agnhost:2.53",
        args=["netexec", "--http-port=8080"],
        ports=[client.V1ContainerPort(container_port=8080)],
    )
    apps.create_namespaced_deployment(
        SPACE,
        client.V1Deployment(
            metadata=client.V1ObjectMeta(name="web"),
            spec=client.V1DeploymentSpec(
                replicas=2,
                selector=client.V1LabelSelector(match_labels=labels),
                template=client.V1PodTemplateSpec(
                    metadata=client.V1ObjectMeta(labels=labels),
                    spec=client.V1PodSpec(containers=[container]),
                ),
            ),
        ),
    )
    apps.patch_namespaced_deployment_scale("web", SPACE, {"spec": {"replicas": 3}})
    scale = apps.read_namespaced_deployment_scale("web", SPACE)
    assert scale.spec.replicas == 3
    until = time.monotonic() + 10
    while apps.read_namespaced_deployment_status("web", SPACE).status.ready_replicas != 3:
        assert time.monotonic() < until
        time.sleep(0.05)
    pods = core.list_namespaced_pod(SPACE, label_selector="app=web").items
    assert len(pods) == 3
    assert all(pod.status.phase == "Running" and pod.status.pod_ip for pod in pods)
    return pods[0].metadata.name


def inside(core, pod):
    run = {"stderr": True, "stdin": False, "stdout": True, "tty": False}
    call = core.connect_get_namespaced_pod_exec
    assert stream(call, pod, SPACE, command=["hostname"], **run) == f"{pod}\n"
    session = stream(
        call,
        pod,
        SPACE,
        command=["sh", "-c", "echo out; echo err >&2; exit 7"],
        _preload_content=False,
        **run,
    )
    session.run_forever(timeout=10)
    assert (session.read_stdout(), session.read_stderr()) == ("out\n", "err\n")
    assert session.returncode == 7
    shell = stream(
        call, pod, SPACE, command=["sh"], _preload_content=False, **{**run, "stdin": True}
    )
    shell.write_stdin("echo $((6*7))\n")
    assert shell.readline_stdout(timeout=10) == "42"
    shell.write_stdin("exit 3\n")
    shell.run_forever(timeout=10)
    assert shell.returncode == 3
    assert "Started HTTP server" in core.read_namespaced_pod_log(pod, SPACE)
    assert len(core.read_namespaced_pod_log(pod, SPACE, tail_lines=1).splitlines()) == 1


def forwarding(core, pod):
    forward = portforward(core.connect_get_namespaced_pod_portforward, pod, SPACE, ports="8080")
    with contextlib.closing(forward.socket(8080)) as connection:
        connection.settimeout(10)
        connection.sendall(b"GET /hostname HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = b""
        while piece := connection.recv(4096):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n"), answer
    assert answer.endswith(pod.encode()), answer
    assert forward.error(8080) is None


def policies(net):
    spec = client.V1NetworkPolicySpec(
        pod_selector=client.V1LabelSelector(match_labels={"app": "web"}),
        policy_types=["Ingress"],
    )
    net.create_namespaced_network_policy(
        SPACE, client.V1NetworkPolicy(metadata=client.V1ObjectMeta(name="deny"), spec=spec)
    )
    patched = net.patch_namespaced_network_policy(
        "deny", SPACE, {"spec": {"ingress": [{"ports": [{"port": 8080}]}]}}
    )
    assert patched.spec.ingress[0].ports[0].protocol == "TCP"
    net.delete_namespaced_network_policy("deny", SPACE)
    assert net.list_network_policy_for_all_namespaces().items == []


def by_name(api):
    """The dynamic client, with server-side apply."""
    kinds = dynamic.DynamicClient(api).resources
    maps = kinds.get(api_version="v1", kind="ConfigMap")
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "d"}, "data": {"a": "1"}}
    applied = maps.server_side_apply(body, namespace=SPACE, field_manager="python")
    assert applied.data.a == "1"
    assert [each.metadata.name for each in maps.get(namespace=SPACE).items if each.data.a] == ["d"]
    maps.delete("d", namespace=SPACE)


def main():
    config.load_kube_config(sys.argv[1])
    api = client.ApiClient()
    core, apps, net = client.CoreV1Api(api), client.AppsV1Api(api), client.NetworkingV1Api(api)
    assert client.VersionApi(api).get_code().major == "1"
    namespaces_and_maps(core)
    watching(core)
    pod = workloads(core, apps)
    inside(core, pod)
    forwarding(core, pod)
    policies(net)
    by_name(api)
    core.delete_namespace(SPACE)
    print("done")


main()
