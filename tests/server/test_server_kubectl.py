"""The real kubectl against a served cluster, with a terminal and without."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pexpect
import pytest
from server_kubectl import Kubectl, binary

from minik8s import Cluster

TUTORIAL = Path(__file__).parents[2] / "minik8s" / "data" / "tutorial"
DEMO = str(TUTORIAL / "demo-app.yaml")
DENY = str(TUTORIAL / "01-backend-ingress-deny.yaml")


@pytest.fixture
def served(serve: Callable[..., Any], kubectl: Callable[..., Kubectl]) -> Kubectl:
    return kubectl(serve())


@pytest.fixture
def demo(served: Kubectl) -> Kubectl:
    served(f"create -f {DEMO}")
    return served


@pytest.fixture
def typed(demo: Kubectl) -> Iterator[Callable[[str], pexpect.spawn[str]]]:
    """kubectl under a terminal."""
    open_terminals = []

    def start(line: str) -> pexpect.spawn[str]:
        terminal = pexpect.spawn(
            binary(), line.split(), env=demo.env, timeout=15, encoding="utf-8", echo=False
        )
        open_terminals.append(terminal)
        return terminal

    yield start
    for terminal in open_terminals:
        terminal.close(force=True)


def pod(kubectl: Kubectl, app: str) -> str:
    return kubectl(f"get pods -l app={app} -o name").strip()


def test_version_and_health(served: Kubectl) -> None:
    assert "Server Version: v1.37" in served("version")
    assert served("get --raw /readyz") == "ok"


def test_create_get_apply_delete(served: Kubectl) -> None:
    made = served(f"create -f {DEMO}").splitlines()
    assert made == [
        "deployment.apps/frontend created",
        "deployment.apps/backend created",
        "service/backend created",
    ]
    rows = [line.split()[1:3] for line in served("get pods --no-headers").splitlines()]
    assert rows == [["1/1", "Running"]] * 2
    served("wait --for=condition=Ready pod --all --timeout=5s")
    served("rollout status deployment/backend --timeout=5s")
    assert "scaled" in served("scale deployment/backend --replicas=3")
    assert served("get pods -l app=backend -o name").count("pod/") == 3
    assert served("create namespace monitoring") == "namespace/monitoring created\n"
    assert "deleted" in served(f"delete -f {DEMO}")
    assert served.run("get", "pods").stderr == "No resources found in default namespace.\n"


def test_exec_without_a_terminal(demo: Kubectl) -> None:
    frontend = pod(demo, "frontend")
    assert demo(f"exec {frontend} -- curl -sI backend:8080").startswith("HTTP/1.1 200 OK\n")
    ended = demo.run("exec", frontend, "--", "sh", "-c", "echo out; echo err >&2; exit 3")
    assert (ended.returncode, ended.stdout) == (3, "out\n")
    assert ended.stderr == "err\ncommand terminated with exit code 3\n"
    assert demo(f"exec -i {frontend} -- sh", stdin="echo $HOSTNAME\n").startswith("frontend-")


def test_exec_of_what_is_not_there(demo: Kubectl) -> None:
    ended = demo.run("exec", pod(demo, "frontend"), "--", "nothing-here")
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: Internal error occurred: error executing command")
    assert 'exec: "nothing-here": executable file not found in $PATH' in ended.stderr
    missing = demo.run("exec", "no-pod", "--", "ls")
    assert missing.stderr == 'Error from server (NotFound): pods "no-pod" not found\n'


def test_a_denied_connection_costs_no_time(demo: Kubectl) -> None:
    demo(f"apply -f {DENY}")
    start = time.monotonic()
    ended = demo.run(
        "exec", pod(demo, "frontend"), "--", "curl", "--connect-timeout", "60", "backend:8080"
    )
    assert ended.returncode == 28
    assert "timed out" in ended.stderr.lower() or "timeout" in ended.stderr.lower()
    assert time.monotonic() - start < 10


def test_a_shell_in_a_terminal(demo: Kubectl, typed: Callable[..., Any]) -> None:
    shell = typed(f"exec -it {pod(demo, 'frontend')} -- sh")
    shell.expect("# ")
    shell.sendline("echo $((6*7))")
    shell.expect("\r\n42\r\n")
    shell.expect("# ")
    shell.sendline("curl -sI backend:8080 | head -n 1")
    shell.expect("HTTP/1.1 200 OK")
    shell.sendline("exit 5")
    shell.expect(pexpect.EOF)
    shell.close()
    assert shell.exitstatus == 5


def test_ctrl_c_ends_what_waits(demo: Kubectl, typed: Callable[..., Any]) -> None:
    shell = typed(f"exec -it {pod(demo, 'frontend')} -- sh")
    shell.expect("# ")
    shell.sendline("ping backend")
    shell.expect("PING backend")
    time.sleep(0.5)
    shell.sendintr()
    shell.expect("# ")
    shell.sendline("echo alive")
    shell.expect("\r\nalive\r\n")


def test_run_a_pod_for_once(typed: Callable[..., Any], demo: Kubectl) -> None:
    shell = typed("run -it --rm once --image=busybox --restart=Never -- sh")
    shell.expect("# ")
    shell.sendline("wget -qO- -T 2 backend:8080 >/dev/null && echo reached")
    shell.expect("\r\nreached\r\n")
    shell.sendline("exit")
    shell.expect('pod "once" deleted')
    shell.expect(pexpect.EOF)
    assert "once" not in demo("get pods -o name")


def test_run_a_program_for_once(typed: Callable[..., Any]) -> None:
    once = typed("run -it --rm once --image=busybox --restart=Never -- wget -qO- -T 2 backend:8080")
    once.expect("json-server|html|private")
    once.expect('pod "once" deleted')


def test_attach(demo: Kubectl, typed: Callable[..., Any]) -> None:
    demo("run box --image=busybox --stdin --tty --command -- sh")
    shell = typed("attach -it box")
    shell.sendline("echo at $HOSTNAME")
    shell.expect("at box\r\n")


def test_logs_are_followed(demo: Kubectl) -> None:
    with subprocess.Popen(
        [binary(), "logs", "-f", pod(demo, "backend"), "--tail=1"],
        env=demo.env,
        stdout=subprocess.PIPE,
        text=True,
    ) as follower:
        assert follower.stdout is not None
        time.sleep(0.5)
        demo(f"exec {pod(demo, 'frontend')} -- curl -s backend:8080/private")
        for line in follower.stdout:
            if "/private" in line:
                break
        demo("delete pod -l app=backend --wait=false")
        assert follower.wait(10) == 0


def test_port_forward_reaches_the_pod(demo: Kubectl) -> None:
    with subprocess.Popen(
        [binary(), "port-forward", "deployment/backend", ":8080"],
        env=demo.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as forward:
        assert forward.stdout is not None
        line = forward.stdout.readline()
        port = int(line.split("127.0.0.1:")[1].split(" ")[0])
        for _ in range(3):
            connection = HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/")
            answer = connection.getresponse()
            assert answer.status == 200
            assert answer.getheader("X-Powered-By") == "Express"
            assert len(answer.read()) == int(answer.getheader("Content-Length") or 0)
            connection.close()
        forward.terminate()


def test_port_forward_to_a_closed_port(demo: Kubectl) -> None:
    with subprocess.Popen(
        [binary(), "port-forward", pod(demo, "backend"), ":9999"],
        env=demo.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as forward:
        assert forward.stdout is not None
        assert forward.stderr is not None
        line = forward.stdout.readline()
        port = int(line.split("127.0.0.1:")[1].split(" ")[0])
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            assert connection.recv(10) == b""
        assert forward.wait(10) == 1
        assert "connection refused" in forward.stderr.read()


def test_watching_sees_changes(demo: Kubectl) -> None:
    with subprocess.Popen(
        [binary(), "get", "configmaps", "-w", "-o", "name"],
        env=demo.env,
        stdout=subprocess.PIPE,
        text=True,
    ) as watch:
        assert watch.stdout is not None
        assert watch.stdout.readline() == "configmap/kube-root-ca.crt\n"
        demo("create configmap seen --from-literal=a=b")
        assert watch.stdout.readline() == "configmap/seen\n"
        watch.terminate()


def test_the_owner_works_beside_the_server(
    serve: Callable[..., Any], kubectl: Callable[..., Kubectl]
) -> None:
    cluster = Cluster()
    tool = kubectl(serve(cluster))
    cluster.apply(Path(DEMO))
    assert tool("get deployments -o name").split() == [
        "deployment.apps/backend",
        "deployment.apps/frontend",
    ]
    before = cluster.clock.now
    denied = cluster.pods.find("frontend").exec("curl -m 60 10.0.0.1")
    assert denied.exit_code != 0
    assert cluster.clock.now - before < 5, "the wait was the program's own"
