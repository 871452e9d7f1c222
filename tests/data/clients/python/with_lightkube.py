"""lightkube: CRUD, watch, patch, apply, exec, logs."""

from __future__ import annotations

import sys

from lightkube import ApiError, Client, KubeConfig
from lightkube.core import exceptions
from lightkube.generic_resource import create_namespaced_resource
from lightkube.models.apps_v1 import DeploymentSpec
from lightkube.models.core_v1 import Container, ContainerPort, PodSpec, PodTemplateSpec
from lightkube.models.meta_v1 import LabelSelector, ObjectMeta
from lightkube.models.networking_v1 import NetworkPolicySpec
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import ConfigMap, Namespace, Pod
from lightkube.resources.networking_v1 import NetworkPolicy
from lightkube.types import PatchType

SPACE = "lightkube"


def status_of(call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except ApiError as error:
        return error.status.code
    return 200


def crud(api):
    api.create(Namespace(metadata=ObjectMeta(name=SPACE)))
    made = api.create(ConfigMap(metadata=ObjectMeta(name="a", labels={"k": "v"}), data={"x": "1"}))
    assert status_of(api.create, ConfigMap(metadata=ObjectMeta(name="a"))) == 409
    assert status_of(api.get, ConfigMap, "none") == 404
    made.data["y"] = "2"
    assert api.replace(made).data == {"x": "1", "y": "2"}
    assert status_of(api.replace, made) == 409
    assert api.patch(ConfigMap, "a", {"data": {"x": None}}).data == {"y": "2"}
    operations = [{"op": "add", "path": "/data/z", "value": "3"}]
    patched = api.patch(ConfigMap, "a", operations, patch_type=PatchType.JSON)
    assert patched.data == {"y": "2", "z": "3"}
    assert [each.metadata.name for each in api.list(ConfigMap, labels={"k": "v"})] == ["a"]
    for number in range(5):
        api.create(ConfigMap(metadata=ObjectMeta(name=f"n{number}")))
    assert len(list(api.list(ConfigMap, chunk_size=2))) == 7
    api.delete(ConfigMap, "a")
    api.deletecollection(ConfigMap)
    assert list(api.list(ConfigMap, fields={"metadata.name": "n0"})) == []


def watching(api):
    listed = api.list(ConfigMap)
    list(listed)
    api.create(ConfigMap(metadata=ObjectMeta(name="seen")))
    api.delete(ConfigMap, "seen")
    events = api.watch(ConfigMap, server_timeout=1, resource_version=listed.resourceVersion)
    seen = []
    for event, each in events:
        seen.append((event, each.metadata.name))
        if len(seen) == 2:
            break
    assert seen == [("ADDED", "seen"), ("DELETED", "seen")], seen


def applying(api):
    wanted = ConfigMap(
        apiVersion="v1", kind="ConfigMap", metadata=ObjectMeta(name="ap"), data={"a": "1"}
    )
    for _ in range(2):
        assert api.apply(wanted, field_manager="lightkube").data == {"a": "1"}
    wanted.data = {"a": "2"}
    assert status_of(api.apply, wanted, field_manager="other") == 409
    assert api.apply(wanted, field_manager="other", force=True).data == {"a": "2"}


def workloads(api):
    labels = {"app": "web"}
    container = Container(
        name="web",
        image="registry.k8s.io/e2e-test-images/agnhost:2.53",
        args=["netexec", "--http-port=8080"],
        ports=[ContainerPort(containerPort=8080)],
    )
    template = PodTemplateSpec(
        metadata=ObjectMeta(labels=labels), spec=PodSpec(containers=[container])
    )
    spec = DeploymentSpec(replicas=1, selector=LabelSelector(matchLabels=labels), template=template)
    api.create(Deployment(metadata=ObjectMeta(name="web"), spec=spec))
    scale = api.get(Deployment.Scale, "web")
    scale.spec.replicas = 2
    api.replace(scale, name="web")
    api.wait(Deployment, "web", for_conditions=["Available"])
    pods = list(api.list(Pod, labels=labels))
    assert len(pods) == 2
    return pods[0].metadata.name


def inside(api, pod):
    ran = api.exec(pod, command=["sh", "-c", "echo out; echo err >&2"], stdout=True, stderr=True)
    assert (ran.stdout, ran.stderr, ran.exit_code) == ("out\n", "err\n", 0), ran
    assert "Started HTTP server" in "".join(api.log(pod))


def policies(api):
    spec = NetworkPolicySpec(podSelector=LabelSelector(), policyTypes=["Ingress"])
    made = api.create(NetworkPolicy(metadata=ObjectMeta(name="deny"), spec=spec))
    assert made.spec.policyTypes == ["Ingress"]
    generic = create_namespaced_resource(
        "networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies"
    )
    assert api.get(generic, "deny").spec["podSelector"] == {}
    api.delete(NetworkPolicy, "deny")


def main():
    api = Client(config=KubeConfig.from_file(sys.argv[1]), namespace=SPACE)
    crud(api)
    watching(api)
    applying(api)
    pod = workloads(api)
    inside(api, pod)
    policies(api)
    api.delete(Namespace, SPACE)
    assert issubclass(exceptions.ApiError, Exception)
    print("done")


main()
