"""agnhost: what `connect` says for each outcome and protocol, and its servers."""

from __future__ import annotations

import re

import pytest
from guests_world import World

from minik8s.guests.agnhost_connect import go_duration

NETEXEC = ["netexec", "--http-port=80", "--udp-port=81", "--sctp-port=82"]
IMAGE = "registry.k8s.io/e2e-test-images/agnhost:2.53"


@pytest.fixture(scope="module")
def world() -> World:
    world = World()
    world.pod("client", IMAGE)
    world.server = world.pod("server", IMAGE, node=1, labels={"app": "server"}, args=NETEXEC)
    world.denied = world.pod("denied", IMAGE, node=1, labels={"app": "denied"}, args=NETEXEC)
    selector = {"matchLabels": {"app": "denied"}}
    world.policy("deny", {"podSelector": selector, "policyTypes": ["Ingress"]})
    return world


PORTS = {"tcp": 80, "udp": 81, "sctp": 82}
TABLE = [
    # protocol, target, what stderr is
    ("tcp", "server", ""),
    ("udp", "server", ""),
    ("sctp", "server", ""),
    ("tcp", "denied", r"TIMEOUT\n"),
    ("udp", "denied", r"TIMEOUT: read udp SRC:\d+->DST:81: i/o timeout\n"),
    ("sctp", "denied", r"TIMEOUT\n"),
    ("tcp", "closed", r"REFUSED\n"),
    ("udp", "closed", r"REFUSED: read udp SRC:\d+->DST:9: read: connection refused\n"),
    ("sctp", "closed", r"OTHER: connection refused\n"),
    ("tcp", "name", r"DNS: lookup nosuch.*: no such host\n"),
    ("udp", "name", r"DNS: lookup nosuch.*: no such host\n"),
    ("tcp", "malformed", r"UNKNOWN: address x: missing port in address\n"),
    ("udp", "malformed", r"DNS: address x: missing port in address\n"),
    ("sctp", "malformed", r"DNS: address x: missing port in address\n"),
]


@pytest.mark.parametrize(("protocol", "target", "expected"), TABLE)
@pytest.mark.parametrize("form", ["--timeout={0} --protocol={1}", "--timeout {0} --protocol {1}"])
def test_connect(world: World, protocol: str, target: str, expected: str, form: str) -> None:
    pod = world.denied if target == "denied" else world.server
    address = pod["status"]["podIP"]
    where = {
        "closed": f"{address}:9",
        "name": "nosuch:80",
        "malformed": "x",
    }.get(target, f"{address}:{PORTS[protocol]}")
    ran = world.run("client", "/agnhost", "connect", where, *form.format("1s", protocol).split())
    source = world.network.pod_host("default", "client").addresses[0]
    pattern = expected.replace("SRC", re.escape(source)).replace("DST", re.escape(address))
    assert re.fullmatch(pattern, ran.stderr)
    assert ran.stdout == ""
    assert ran.exit_code == (1 if expected else 0)
    if "TIMEOUT" in expected:
        assert ran.seconds == pytest.approx(1.0, abs=0.01)
    else:
        assert ran.seconds < 0.1


def test_connect_without_a_time_out_waits_as_long_as_the_kernel(world: World) -> None:
    ran = world.run("client", "/agnhost", "connect", f"{world.denied['status']['podIP']}:80")
    assert (ran.stderr, ran.exit_code) == ("TIMEOUT\n", 1)
    assert ran.seconds == pytest.approx(133.6, abs=1)


@pytest.mark.parametrize(
    ("text", "seconds"), [("1s", 1), ("500ms", 0.5), ("0", 0), ("1m30s", 90), ("1.5h", 5400)]
)
def test_durations_of_go(text: str, seconds: float) -> None:
    assert go_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "5", "s", "1x", "1s2"])
def test_durations_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(text) + "$"):
        go_duration(text)


def test_porter_serves_each_variable_on_its_port() -> None:
    world = World(nodes=1)
    world.pod("client", IMAGE)
    values = {
        "SERVE_PORT_80": "http",
        "SERVE_TCP_PORT_83": "tcp",
        "SERVE_UDP_PORT_81": "udp",
        "SERVE_SCTP_PORT_82": "sctp",
        "SERVE_TLS_PORT_443": "tls",
        "OTHER": "x",
    }
    env = [{"name": name, "value": value} for name, value in values.items()]
    pod = world.pod("porter", IMAGE, args=["porter"], env=env)
    address = pod["status"]["podIP"]
    assert world.run("client", "curl", "-s", f"{address}").stdout == "http"
    assert world.run("client", "curl", "-s", f"{address}:83").stdout == "tcp"
    assert world.run("client", "curl", "-sk", f"https://{address}").stdout == "tls"
    for protocol, port in (("udp", 81), ("sctp", 82)):
        ran = world.run(
            "client", "/agnhost", "connect", f"{address}:{port}", f"--protocol={protocol}"
        )
        assert (ran.stderr, ran.exit_code) == ("", 0)


def test_several_containers_of_a_pod_share_its_ports() -> None:
    world = World(nodes=1)
    world.pod("client", IMAGE)
    spec = {
        "containers": [
            {
                "name": f"cont-{port}",
                "image": IMAGE,
                "command": ["/bin/bash", "-c"],
                "args": [f"/agnhost serve-hostname --tcp --http=false --port {port}"],
            }
            for port in (80, 81)
        ]
    }
    pod = world.pod("server", IMAGE, spec=spec)
    for port in (80, 81):
        ran = world.run("client", "/agnhost", "connect", f"{pod['status']['podIP']}:{port}")
        assert ran.exit_code == 0
    ran = world.run("client", "nc", "-w", "1", pod["status"]["podIP"], "80")
    assert ran.stdout == "server"


def test_netexec_pages(world: World) -> None:
    address = world.server["status"]["podIP"]
    client = world.network.pod_host("default", "client").addresses[0]

    def get(path: str) -> str:
        return str(world.run("client", "curl", "-s", f"{address}{path}").stdout)

    assert get("/hostname") == "server"
    assert re.fullmatch(rf"{client}:\d+", get("/clientip"))
    assert get("/echo?msg=hello") == "hello"
    assert get("/healthz") == ""
    assert get("/nosuch") == "404 page not found\n"
    dial = f"/dial?host={address}&port=81&protocol=udp&tries=2&request=hostname"
    assert get(dial) == '{"responses":["server","server"]}'
    refused = get(f"/dial?host={address}&port=9&tries=1")
    assert "connection refused" in refused


@pytest.mark.parametrize("server", ["agnhost", "nginx"])
def test_what_is_no_http_is_refused_at_its_first_line(server: str) -> None:
    """Kubernetes' own tests ask for `hostName` on a port that speaks HTTP."""
    world = World()
    world.pod("client", IMAGE)
    args = ["netexec", "--http-port", "80", "--udp-port", "-1"] if server == "agnhost" else None
    image = IMAGE if server == "agnhost" else "nginx"
    ip = world.pod("web", image, args=args)["status"]["podIP"]
    said = world.run("client", "sh", "-c", f"echo hostName | nc -v -t -w 2 {ip} 80").stdout
    head, _, body = said.partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 400 Bad Request\r\n")
    assert head.count("Connection: close") == head.count("Connection:") == 1
    assert "400 Bad Request" in body


def test_the_program_without_and_with_wrong_arguments(world: World) -> None:
    assert "Available Commands" in world.run("client", "/agnhost", "--help").stdout
    wrong = world.run("client", "/agnhost", "nope")
    assert wrong.exit_code == 1
    assert 'unknown command "nope"' in wrong.stderr
