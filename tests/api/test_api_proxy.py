"""Web servers of pods and Services, reached through the API server."""

from __future__ import annotations

from typing import Any

import pytest
from fakes import DEPLOYMENTS, PODS, POLICIES, SERVICES, Api, deployment, pod, policy, service

from minik8s.apiserver import ApiServer, Request, User
from minik8s.runtime import Runtime
from minik8s.runtime.proxying import HttpReply

AGNHOST = "registry.k8s.io/e2e-test-images/agnhost:2.56"
BACKEND = f"{SERVICES}/backend"


@pytest.fixture
def api() -> Api:
    runtime: Any = Runtime()
    api = Api(runtime, ApiServer(runtime).handle)
    api.ok("POST", PODS, pod("web", containers=[container("netexec", "--http-port=8080")]))
    return api


def container(*args: str, port: int = 8080) -> dict[str, Any]:
    ports = [{"containerPort": port}]
    return {"name": "main", "image": AGNHOST, "args": list(args), "ports": ports}


def expose(api: Api, *ports: dict[str, Any]) -> None:
    """A Deployment of two that say their names, and a Service before it."""
    made = deployment("backend", replicas=2)
    made["spec"]["template"]["spec"]["containers"] = [container("netexec")]
    api.ok("POST", DEPLOYMENTS, made)
    labels = made["spec"]["template"]["metadata"]["labels"]
    api.ok("POST", SERVICES, service("backend", selector=labels, ports=list(ports)))


@pytest.mark.parametrize("name", ["web", "web:8080", "http:web:8080", ":web:8080"])
def test_the_names_of_a_pod(api: Api, name: str) -> None:
    response = api.call("GET", f"{PODS}/{name}/proxy/hostname")
    assert (response.code, response.body) == (200, b"web")


def test_path_query_and_body_arrive_as_they_were_sent(api: Api) -> None:
    assert api.ok("GET", f"{PODS}/web/proxy/echo?msg=a%26b+c") == b"a&b c"
    assert api.ok("POST", f"{PODS}/web/proxy/echo?msg=posted", {"a": 1}) == b"posted"


def test_the_answer_is_that_of_the_pod(api: Api) -> None:
    response = api.call("GET", f"{PODS}/web/proxy/no/such/path")
    assert (response.code, response.content_type) == (404, "text/plain; charset=utf-8")
    assert response.body == b"404 page not found\n"


def test_the_token_of_the_caller_is_kept_from_the_pod(api: Api) -> None:
    def header(name: str) -> Any:
        sent = {"authorization": "Bearer secret", "user-agent": "curl/8"}
        query = {"key": [name]}
        return api.handle(Request("GET", f"{PODS}/web/proxy/header", query, sent)).body

    assert header("User-Agent") == b"curl/8"
    assert header("Authorization") == b""


def test_without_a_path_the_caller_is_sent_to_the_root(api: Api) -> None:
    response = api.call("GET", f"{PODS}/web/proxy?a=b")
    assert (response.code, response.headers["location"]) == (301, f"{PODS}/web/proxy/?a=b")


@pytest.mark.parametrize(
    ("location", "seen"),
    [
        ("/login?to=/", f"{PODS}/web/proxy/login?to=/"),
        ("http://IP:8080/login", f"{PODS}/web/proxy/login"),
        ("http://example.com/login", "http://example.com/login"),
        ("//example.com/login", "//example.com/login"),
    ],
)
def test_a_redirect_within_the_pod_leads_through_the_proxy(
    api: Api, monkeypatch: pytest.MonkeyPatch, location: str, seen: str
) -> None:
    ip = api.ok("GET", f"{PODS}/web")["status"]["podIP"]
    headers = [("Location", location.replace("IP", ip)), ("Connection", "close")]
    reply = HttpReply(302, headers, b"")
    monkeypatch.setattr(api.backend, "fetch", lambda *_, **__: reply)
    response = api.call("GET", f"{PODS}/web/proxy/private")
    assert (response.code, response.headers) == (302, {"location": seen})


def test_it_comes_from_the_control_plane_and_policies_are_in_its_way(api: Api) -> None:
    clock = api.backend.clock
    client = api.ok("GET", f"{PODS}/web/proxy/clientip").decode()
    node = api.ok("GET", "/api/v1/nodes/minik8s-control-plane")
    address = node["status"]["addresses"][0]["address"]
    assert client.rpartition(":")[0] == address
    before = clock.now
    api.ok("POST", POLICIES, policy("deny", podSelector={}))
    status = api.fails("GET", f"{PODS}/web/proxy/hostname")
    ip = api.ok("GET", f"{PODS}/web")["status"]["podIP"]
    assert (status["code"], status["message"]) == (
        503,
        f"error trying to reach service: dial tcp {ip}:8080: i/o timeout",
    )
    assert clock.now == before, "the waiting is the proxy's own"
    rule = {"from": [{"ipBlock": {"cidr": f"{address}/32"}}]}
    api.ok("POST", POLICIES, policy("allow", podSelector={}, ingress=[rule]))
    assert api.ok("GET", f"{PODS}/web/proxy/hostname") == b"web"


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        ("nope", 404, 'pods "nope" not found'),
        ("a:b:c:d", 400, 'invalid pod request "a:b:c:d"'),
        ("web:81", 503, "dial tcp IP:81: connect: connection refused"),
        ("https:web:8080", 503, "http: server gave HTTP response to HTTPS client"),
    ],
)
def test_pods_that_cannot_be_reached(api: Api, name: str, code: int, message: str) -> None:
    ip = api.ok("GET", f"{PODS}/web")["status"]["podIP"]
    status = api.fails("GET", f"{PODS}/{name}/proxy/")
    assert status["code"] == code
    words = status["message"].removeprefix("error trying to reach service: ")
    assert words == message.replace("IP", ip)


@pytest.mark.parametrize("name", ["backend", "backend:80"])
def test_a_service_gives_any_ready_endpoint(api: Api, name: str) -> None:
    expose(api, {"port": 80, "targetPort": 8080})
    names = {each["metadata"]["name"] for each in api.ok("GET", PODS)["items"]} - {"web"}
    path = f"{SERVICES}/{name}/proxy/hostname"
    assert {api.ok("GET", path).decode() for _ in range(20)} == names


def test_named_ports_of_a_service(api: Api) -> None:
    expose(
        api,
        {"name": "main", "port": 80, "targetPort": 8080},
        {"name": "none", "port": 81, "targetPort": 9999},
    )
    assert api.call("GET", f"{BACKEND}:main/proxy/").code == 200
    assert api.call("GET", f"{BACKEND}:80/proxy/").code == 200
    assert "connection refused" in api.fails("GET", f"{BACKEND}:none/proxy/")["message"]
    assert api.fails("GET", f"{BACKEND}:other/proxy/")["message"] == (
        'no endpoints available for service "backend:other"'
    )
    assert api.fails("GET", f"{BACKEND}:99/proxy/")["message"] == (
        'no service port 99 found for service "backend"'
    )


def test_a_service_without_endpoints(api: Api) -> None:
    ports = [{"port": 80}]
    api.ok("POST", SERVICES, service("empty", selector={"app": "none"}, ports=ports))
    status = api.fails("GET", f"{SERVICES}/empty/proxy/")
    assert (status["code"], status["message"]) == (
        503,
        'no endpoints available for service "empty"',
    )


def test_who_may_use_it(api: Api) -> None:
    nobody = User("ann")
    response = api.handle(Request("GET", f"{PODS}/web/proxy/hostname", user=nobody))
    assert response.code == 403
    assert isinstance(response.body, dict)
    assert 'cannot get resource "pods/proxy"' in response.body["message"]


def test_it_is_found_by_discovery(api: Api) -> None:
    resources = {each["name"]: each for each in api.ok("GET", "/api/v1")["resources"]}
    verbs = ["create", "delete", "get", "patch", "update"]
    for name, kind in (("pods", "PodProxyOptions"), ("services", "ServiceProxyOptions")):
        found = resources[f"{name}/proxy"]
        assert (found["kind"], found["verbs"]) == (kind, verbs)
