"""The life of containers: start, exit, output, environment, files, attach, removal."""

from __future__ import annotations

import base64
import gc
from typing import Any

import pytest
from guests_world import Document, World, demo

from minik8s.errors import InternalError, NotFound
from minik8s.guests.container import Container
from minik8s.model.registry import POD
from minik8s.runtime.podenvironment import expand, service_variables


@pytest.fixture
def world() -> World:
    return demo()


def lines(world: World, pod: str, **options: Any) -> list[str]:
    found = world.containers.log_lines("default", pod, "main", **options)
    return [line.decode() for _, line in found]


# -- start and exit


@pytest.mark.parametrize(
    ("image", "container", "code", "output"),
    [
        ("busybox", {"command": ["false"]}, 1, []),
        ("busybox", {"command": ["true"]}, 0, []),
        ("busybox", {}, 0, []),
        ("busybox", {"command": ["sh", "-c", "echo hello; exit 3"]}, 3, ["hello"]),
        ("busybox", {"args": ["echo", "$(HOSTNAME)", "$$(X)"]}, 0, ["p $(X)"]),
        ("busybox", {"command": ["/nope"]}, 128, []),
        ("busybox", {"command": ["sleep", "10"]}, None, []),
        ("nginx", {"command": ["sleep", "infinity"]}, None, []),
        ("postgres", {}, 1, None),
        ("acme/app:1", {"command": ["/srv/run"]}, None, []),
        ("registry.k8s.io/pause:3.10", {}, None, []),
    ],
)
def test_what_a_container_does_at_its_start(
    world: World, image: str, container: Document, code: int | None, output: list[str] | None
) -> None:
    before = world.clock.now
    world.pod("p", image, **container)
    assert world.codes == {"main": code}
    assert world.clock.now == before
    if output is not None:
        assert lines(world, "p") == output


def test_a_container_that_ends_later_is_reported(world: World) -> None:
    script = "echo start; sleep 5; echo end; exit 2"
    world.pod("later", "busybox", command=["sh", "-c", script])
    assert (world.codes, world.exits) == ({"main": None}, [])
    world.clock.advance(4.9)
    assert lines(world, "later") == ["start"]
    world.clock.advance(0.2)
    assert world.exits == [("default", "later", "main", 2)]
    assert lines(world, "later") == ["start", "end"]
    moments = [when for when, _ in world.containers.log_lines("default", "later", "main")]
    assert moments[1] - moments[0] == pytest.approx(5)


def test_a_client_in_a_loop_goes_on_with_the_clock(world: World) -> None:
    script = "while true; do wget -qO- -T 1 http://backend:8080/hostname && echo; sleep 2; done"
    world.pod("loop", "busybox", command=["sh", "-c", script])
    world.clock.advance(7)
    assert lines(world, "loop") == ['{"hostname": "backend"}'] * 4
    world.policy("deny", {"podSelector": {"matchLabels": {"app": "backend"}}})
    world.clock.advance(7)
    assert lines(world, "loop")[4:] == ["wget: download timed out"] * 2


def test_a_server_made_of_nc_and_a_loop(world: World) -> None:
    script = 'while true; do echo -e "HTTP/1.1 200 OK\\n\\nhi" | nc -l -p 8080; done'
    pod = world.pod("nc", "busybox", command=["sh", "-c", script])
    for _ in range(3):
        ran = world.run("frontend", "curl", "-s", f"{pod['status']['podIP']}:8080")
        assert ran.stdout == "hi\n"


def test_a_script_that_can_never_go_on_just_stands(world: World) -> None:
    world.pod("stuck", "busybox", command=["sh", "-c", "x=$(nc -l -p 81); echo got $x"])
    assert world.codes == {"main": None}
    world.clock.advance(1000)
    assert world.exits == []


def test_starting_anew_keeps_the_old_output_as_previous(world: World) -> None:
    pod = world.pod("p", "busybox", command=["sh", "-c", "date +%s; exit 1"])
    first = lines(world, "p")
    with pytest.raises(NotFound, match="previous terminated container"):
        lines(world, "p", previous=True)
    world.clock.advance(10)
    assert world.containers.start(pod, ["main"]) == {"main": 1}
    assert lines(world, "p", previous=True) == first
    assert int(lines(world, "p")[0]) == int(first[0]) + 10


def test_only_the_named_containers_start(world: World) -> None:
    spec = {
        "initContainers": [{"name": "init", "image": "busybox", "command": ["true"]}],
        "containers": [{"name": "a", "image": "nginx"}, {"name": "b", "image": "redis"}],
    }
    pod = world.pod("p", "unused", spec=spec, start=False)
    assert world.containers.start(pod, ["init"]) == {"init": 0}
    assert world.containers.start(pod, ["b"]) == {"b": None}
    with pytest.raises(NotFound):
        world.containers.exec("default", "p", "a", ["true"])


def test_two_servers_of_one_pod_cannot_have_one_port(world: World) -> None:
    spec = {"containers": [{"name": "a", "image": "nginx"}, {"name": "b", "image": "nginx"}]}
    pod = world.pod("p", "unused", spec=spec, start=False)
    assert world.containers.start(pod) == {"a": None, "b": 1}
    log = world.containers.log_lines("default", "p", "b")
    assert b"Address already in use" in log[-1][1]


def test_a_dead_server_gives_its_port_back(world: World) -> None:
    pod = world.pod("web", "nginx")
    address = pod["status"]["podIP"]
    assert world.run("frontend", "curl", "-sI", address).exit_code == 0
    world.containers.end("default", "web", "main")
    assert world.run("frontend", "curl", "-sI", address).exit_code == 7
    assert world.containers.start(pod) == {"main": None}
    assert world.run("frontend", "curl", "-sI", address).exit_code == 0


def test_env_and_arguments_decide_what_a_server_does(world: World) -> None:
    env = [{"name": "PORT", "value": "9000"}]
    pods = {
        "json": world.pod("json", "quay.io/cilium/json-mock:1.2", env=env),
        "echo": world.pod("echo", "hashicorp/http-echo", args=["-text=hi", "-listen=:5000"]),
        "who": world.pod("who", "traefik/whoami", args=["--port", "8000"]),
        "hello": world.pod("hello", "gcr.io/google-samples/hello-app:1.0", env=env),
    }

    def get(pod: str, rest: str) -> Any:
        return world.run("frontend", "curl", "-sS", pods[pod]["status"]["podIP"] + rest)

    assert get("json", ":9000/hostname").stdout == '{"hostname": "json"}'
    assert get("json", "").exit_code == 7
    assert get("echo", ":5000").stdout == "hi\n"
    assert "Hostname: who\n" in get("who", ":8000").stdout
    assert get("hello", ":9000").stdout == "Hello, world!\nVersion: 1.0.0\nHostname: hello\n"


def test_an_unknown_image_listens_on_its_declared_ports(world: World) -> None:
    ports = [{"containerPort": 7000}, {"containerPort": 7001, "protocol": "UDP"}]
    pod = world.pod("app", "acme/app:1", ports=ports)
    address = pod["status"]["podIP"]
    assert world.run("app", "nc", "-z", address, "7000").exit_code == 0
    assert world.run("app", "nc", "-z", address, "7002").exit_code == 1
    assert world.run("app", "nc", "-zu", "-w", "1", address, "7001").exit_code == 0
    assert world.run("app", "nc", "-zu", "-w", "1", address, "7002").exit_code == 1


# -- exec


def test_a_missing_program_fails_as_in_containerd(world: World) -> None:
    with pytest.raises(InternalError) as caught:
        world.session("frontend", "nope")
    assert caught.value.message.startswith(
        "Internal error occurred: error executing command in container: "
    )
    assert 'exec: "nope": executable file not found in $PATH' in caught.value.message
    with pytest.raises(InternalError, match="no such file or directory"):
        world.session("frontend", "/bin/nope")
    with pytest.raises(NotFound, match='container not found \\("x"\\)'):
        world.containers.exec("default", "frontend", "x", ["ls"])


def test_distroless_images_have_no_shell(world: World) -> None:
    with pytest.raises(InternalError):
        world.session("coredns", "sh", namespace="kube-system")


def test_on_a_terminal_lines_end_in_cr_lf_and_errors_join_the_output(world: World) -> None:
    ran = world.run("frontend", "sh", "-c", "echo out; nope", tty=True)
    assert (ran.stdout, ran.stderr) == ("out\r\nsh: nope: not found\r\n", "")
    assert world.run("frontend", "env", tty=True).stdout.count("TERM=xterm\r\n") == 1


def test_output_keeps_its_order(world: World) -> None:
    session = world.session("frontend", "sh", "-c", "echo a; nope; echo b")
    session.run()
    assert session.output() == [(1, b"a\n"), (2, b"sh: nope: not found\n"), (1, b"b\n")]


def test_a_private_clock_leaves_the_clusters_alone(world: World) -> None:
    world.policy("deny", {"podSelector": {"matchLabels": {"app": "backend"}}})
    before, fork = world.clock.now, world.clock.fork()
    command = ["curl", "-I", "--connect-timeout", "5", "backend:8080"]
    session = world.containers.exec("default", "frontend", "main", command, tty=True, clock=fork)
    session.run()
    assert session.exit_code == 28
    assert session.output()[0][1].startswith(b"curl: (28) Connection timed out after 5001")
    assert fork.now == pytest.approx(before + 5.001)
    assert world.clock.now == before


def test_input_that_is_typed_later(world: World) -> None:
    session = world.session("frontend", "cat", stdin=True)
    session.run()
    assert (session.exit_code, session.waiting) == (None, "input")
    session.write_stdin(b"one\n")
    session.run()
    assert session.output() == [(1, b"one\n")]
    session.close_stdin()
    session.run()
    assert session.exit_code == 0


def test_a_program_that_hears_nothing_is_not_waited_for(world: World) -> None:
    pod = world.pod("silent", "acme/app:1", ports=[{"containerPort": 80}])
    before = world.clock.now
    session = world.session("frontend", "curl", "-s", pod["status"]["podIP"])
    session.run()
    assert session.exit_code is None
    assert world.clock.now - before <= 21
    session.signal()
    assert session.exit_code == 130


# -- attach and logs


def test_attach_reaches_the_containers_own_program(world: World) -> None:
    options = {"stdin": True, "stdinOnce": True, "tty": True}
    world.pod("shell", "busybox", args=["sh"], **options)
    assert world.codes == {"main": None}
    session = world.containers.attach("default", "shell", "main", stdin=True, tty=True)
    session.run()
    assert session.output() == []
    session.write_stdin(b"\rhostname\r")
    session.run()
    shown = b"".join(data for _, data in session.output())
    assert shown == b"\r\n/ # hostname\r\nshell\r\n/ # "
    session.write_stdin(b"exit 5\r")
    session.run()
    assert session.exit_code == 5
    assert world.exits == [("default", "shell", "main", 5)]


def test_leaving_an_attached_program_does_not_kill_it(world: World) -> None:
    world.pod("shell", "busybox", args=["sh"], stdin=True, tty=True)
    session = world.containers.attach("default", "shell", "main", stdin=True, tty=True)
    session.kill()
    assert session.exit_code is None
    assert world.exits == []


def test_servers_log_what_they_answer(world: World) -> None:
    pod = world.pod("web", "nginx")
    world.run("frontend", "curl", "-s", "-A", "me", f"{pod['status']['podIP']}/nope")
    client = world.network.pod_host("default", "frontend").addresses[0]
    last = lines(world, "web")[-1]
    assert last.startswith(f"{client} - - [08/Mar/2026:09:00:0")
    assert '"GET /nope HTTP/1.1" 404 ' in last
    world.run("frontend", "curl", "-s", "backend:8080/public")
    assert lines(world, "backend")[-1].startswith("GET /public 200 ")


def test_logs_are_bounded(world: World) -> None:
    world.pod("talker", "busybox", command=["sh", "-c", "seq 6000; seq 6000"])
    kept = lines(world, "talker")
    assert len(kept) == 10_000
    assert (kept[0], kept[-1]) == ("2001", "6000")


# -- environment


def test_the_environment_of_a_container(world: World) -> None:
    env = world.run("backend", "env").stdout.splitlines()
    names = [line.partition("=")[0] for line in env]
    assert names[:2] == ["PATH", "HOSTNAME"]
    assert names[-1] == "HOME"
    assert "PORT=8080" in env
    assert "HOSTNAME=backend" in env


def test_services_are_in_the_environment_as_they_were_at_the_start(world: World) -> None:
    world.pod("late", "busybox", command=["sleep", "infinity"])
    world.service("after", "10.96.7.7", [("", 80, 80, "TCP")], [])
    env = world.run("late", "env").stdout.splitlines()
    expected = {
        "BACKEND_SERVICE_HOST=10.96.105.101",
        "BACKEND_SERVICE_PORT=8080",
        "BACKEND_SERVICE_PORT_HTTP=8080",
        "BACKEND_PORT=tcp://10.96.105.101:8080",
        "BACKEND_PORT_8080_TCP=tcp://10.96.105.101:8080",
        "BACKEND_PORT_8080_TCP_PROTO=tcp",
        "BACKEND_PORT_8080_TCP_PORT=8080",
        "BACKEND_PORT_8080_TCP_ADDR=10.96.105.101",
    }
    assert expected <= set(env)
    assert not [line for line in env if line.startswith("AFTER_")]
    early = world.run("frontend", "env").stdout
    assert "BACKEND_SERVICE_HOST" not in early


def test_service_variables_of_odd_services() -> None:
    headless = {"metadata": {"name": "h"}, "spec": {"clusterIP": "None", "ports": [{"port": 1}]}}
    external = {"metadata": {"name": "e"}, "spec": {"type": "ExternalName", "externalName": "x"}}
    assert list(service_variables([headless, external])) == []
    two = {
        "metadata": {"name": "my-db"},
        "spec": {
            "clusterIP": "10.0.0.1",
            "clusterIPs": ["10.0.0.1"],
            "ports": [{"port": 53, "protocol": "UDP", "name": "dns"}, {"port": 80}],
        },
    }
    variables = dict(service_variables([two]))
    assert variables["MY_DB_SERVICE_PORT"] == "53"
    assert variables["MY_DB_SERVICE_PORT_DNS"] == "53"
    assert variables["MY_DB_PORT_53_UDP"] == "udp://10.0.0.1:53"
    assert variables["MY_DB_PORT_80_TCP"] == "tcp://10.0.0.1:80"


@pytest.mark.parametrize(
    ("text", "expanded"),
    [("$(A)", "1"), ("$$(A)", "$(A)"), ("$(B)", "$(B)"), ("a$(A)b$(A)", "a1b1"), ("$A", "$A")],
)
def test_variables_within_values(text: str, expanded: str) -> None:
    assert expand(text, {"A": "1"}) == expanded


def test_variables_from_elsewhere(world: World) -> None:
    world.create(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "settings", "namespace": "default"},
            "data": {"COLOR": "blue", "size": "7"},
        }
    )
    world.create(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "hidden", "namespace": "default"},
            "data": {"password": base64.b64encode(b"s3cret").decode()},
        }
    )
    env = [
        {"name": "FIRST", "value": "1"},
        {"name": "SECOND", "value": "$(FIRST)2"},
        {"name": "COLOUR", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "COLOR"}}},
        {"name": "PASS", "valueFrom": {"secretKeyRef": {"name": "hidden", "key": "password"}}},
        {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
        {"name": "APP", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}},
        {"name": "MEM", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory"}}},
    ]
    pod = world.pod(
        "p",
        "busybox",
        labels={"app": "web"},
        command=["sleep", "infinity"],
        env=env,
        envFrom=[{"configMapRef": {"name": "settings"}, "prefix": "S_"}],
        resources={"limits": {"memory": "64Mi"}},
    )
    shown = dict(line.split("=", 1) for line in world.run("p", "env").stdout.splitlines())
    assert shown["SECOND"] == "12"
    assert (shown["S_COLOR"], shown["S_size"]) == ("blue", "7")
    assert (shown["COLOUR"], shown["PASS"]) == ("blue", "s3cret")
    assert (shown["POD"], shown["IP"]) == ("p", pod["status"]["podIP"])
    assert (shown["NODE"], shown["APP"]) == ("node-0", "web")
    assert shown["MEM"] == str(64 * 1024 * 1024)


# -- files


def read(world: World, pod: str, path: str) -> str:
    return str(world.run(pod, "cat", path).stdout)


def test_the_files_that_the_kubelet_makes(world: World) -> None:
    address = world.network.pod_host("default", "frontend").addresses[0]
    assert read(world, "frontend", "/etc/hostname") == "frontend\n"
    assert read(world, "frontend", "/etc/resolv.conf") == (
        "search default.svc.cluster.local svc.cluster.local cluster.local\n"
        "nameserver 10.96.0.10\noptions ndots:5\n"
    )
    hosts = read(world, "frontend", "/etc/hosts")
    assert hosts.startswith("# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n")
    assert hosts.endswith(f"\n{address}\tfrontend\n")
    assert 'NAME="Alpine Linux"' in read(world, "frontend", "/etc/os-release")
    token = "/var/run/secrets/kubernetes.io/serviceaccount"
    assert read(world, "frontend", f"{token}/namespace") == "default"
    assert read(world, "frontend", f"{token}/token").count(".") == 2


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ({"dnsPolicy": "Default"}, "nameserver 8.8.8.8\n"),
        (
            {
                "dnsPolicy": "None",
                "dnsConfig": {
                    "nameservers": ["1.1.1.1"],
                    "searches": ["a.b"],
                    "options": [{"name": "ndots", "value": "2"}, {"name": "edns0"}],
                },
            },
            "search a.b\nnameserver 1.1.1.1\noptions ndots:2 edns0\n",
        ),
        (
            {"dnsConfig": {"searches": ["x.y"], "options": [{"name": "ndots", "value": "1"}]}},
            "search default.svc.cluster.local svc.cluster.local cluster.local x.y\n"
            "nameserver 10.96.0.10\noptions ndots:1\n",
        ),
        ({"hostNetwork": True}, "nameserver 8.8.8.8\n"),
    ],
)
def test_dns_policies(world: World, spec: Document, text: str) -> None:
    world.pod("p", "busybox", command=["sleep", "infinity"], spec=spec)
    assert read(world, "p", "/etc/resolv.conf") == text


def test_a_pod_with_the_nodes_dns_does_not_know_the_cluster(world: World) -> None:
    spec = {"dnsPolicy": "Default"}
    world.pod("p", "curlimages/curl", command=["sleep", "infinity"], spec=spec)
    assert world.run("p", "curl", "-sS", "backend.default.svc.cluster.local").exit_code == 6
    assert world.run("p", "curl", "-sSI", "kubernetes.io").stdout.startswith("HTTP/1.1 301")


def test_host_names_of_pods(world: World) -> None:
    spec = {
        "hostname": "db-0",
        "subdomain": "db",
        "hostAliases": [{"ip": "1.2.3.4", "hostnames": ["a", "b"]}],
    }
    world.pod("p", "debian", command=["sleep", "infinity"], spec=spec)
    assert world.run("p", "hostname").stdout == "db-0\n"
    assert world.run("p", "hostname", "-f").stdout == "db-0.db.default.svc.cluster.local\n"
    hosts = read(world, "p", "/etc/hosts")
    assert hosts.endswith("\n# Entries added by HostAliases.\n1.2.3.4\ta\tb\n")


def test_mounted_configuration(world: World) -> None:
    world.create(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "site", "namespace": "default"},
            "data": {"index.html": "<h1>mine</h1>\n", "other": "o"},
        }
    )
    spec = {
        "volumes": [
            {"name": "site", "configMap": {"name": "site"}},
            {
                "name": "info",
                "downwardAPI": {
                    "items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]
                },
            },
        ]
    }
    mounts = [
        {"name": "site", "mountPath": "/usr/share/nginx/html"},
        {"name": "site", "mountPath": "/etc/one", "subPath": "other"},
        {"name": "info", "mountPath": "/etc/info"},
    ]
    pod = world.pod("web", "nginx", labels={"a": "b"}, spec=spec, volumeMounts=mounts)
    page = world.run("frontend", "curl", "-s", pod["status"]["podIP"])
    assert page.stdout == "<h1>mine</h1>\n"
    assert read(world, "web", "/etc/one") == "o"
    assert read(world, "web", "/etc/info/labels") == 'a="b"'


# -- removal


def test_a_pod_that_is_gone_leaves_nothing_behind() -> None:
    world = demo()
    world.pod("gone", "busybox", command=["sh", "-c", "while true; do date; sleep 1; done"])
    session = world.session("gone", "sh", stdin=True, tty=True)
    session.run()
    events = len(world.clock._queue)
    world.containers.stop("default", "gone")
    world.store.delete(POD, "default", "gone")
    assert session.exit_code == 137
    with pytest.raises(NotFound):
        world.session("gone", "true")
    world.clock.advance(5)
    assert len(world.clock._queue) < events
    del session
    gc.collect()
    assert not [
        each for each in gc.get_objects() if isinstance(each, Container) and each.pod == "gone"
    ]
    assert world.exits == []


def test_port_forward_reaches_a_port_inside(world: World) -> None:
    connection = world.containers.dial("default", "backend", 8080)
    world.clock.advance(0.01)
    assert connection.state == "established"
    connection.send(b"GET /hostname HTTP/1.1\r\nHost: x\r\n\r\n")
    world.clock.advance(0.01)
    assert connection.receive().endswith(b'{"hostname": "backend"}')
