"""`minik8s serve` as a person starts it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from server_kubectl import Kubectl

from minik8s.cli import main
from minik8s.server.startup import Order, open_server

MAIN = "import sys; from minik8s.cli import main; sys.exit(main(sys.argv[1:]))"
DEMO = Path(__file__).parents[2] / "minik8s" / "data" / "tutorial" / "demo-app.yaml"


def start(*words: str) -> tuple[subprocess.Popen[str], list[str]]:
    """The server and what it prints when it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-c", MAIN, "serve", "--port", "0", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(3)]
    return process, lines


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_is_and_ends_cleanly(tmp_path: Path, number: int) -> None:
    config = tmp_path / "kubeconfig"
    process, lines = start("--kubeconfig", str(config), "--manifests", str(DEMO), "--nodes", "3")
    server = json.loads(config.read_text())["clusters"][0]["cluster"]["server"]
    assert lines[0] == f"Serving at {server}; Ctrl-C ends it.\n"
    assert lines[2].strip() == f"export KUBECONFIG={config}"
    kubectl = Kubectl(config, tmp_path / "cache")
    assert len(kubectl("get nodes -o name").split()) == 4
    assert "deployment.apps/backend" in kubectl("get deployments -o name")
    assert config.stat().st_mode & 0o077 == 0
    watch = subprocess.Popen(
        [*_kubectl_watch(kubectl)], env=kubectl.env, stdout=subprocess.PIPE, text=True
    )
    assert watch.stdout is not None
    watch.stdout.readline()
    begun = time.monotonic()
    process.send_signal(number)
    assert process.wait(10) == 0
    assert time.monotonic() - begun < 3, "an open watch holds nobody up"
    out, err = process.communicate()
    assert (out, err) == ("", "")
    watch.terminate()
    watch.communicate()


def _kubectl_watch(kubectl: Kubectl) -> list[str]:
    from server_kubectl import binary

    return [binary(), "get", "pods", "-A", "-w"]


def test_users_have_kubeconfigs(tmp_path: Path) -> None:
    users = tmp_path / "users.yaml"
    users.write_text("- {name: ada, groups: [class], namespaces: [ada]}\n- {name: bob}\n")
    process, _ = start("--kubeconfig", str(tmp_path / "kubeconfig"), "--users", str(users))
    try:
        ada = Kubectl(tmp_path / "kubeconfig-users" / "ada", tmp_path / "cache")
        document = json.loads(ada.kubeconfig.read_text())
        assert document["contexts"][0]["context"]["namespace"] == "ada"
        said = ada("auth whoami -o json")
        assert json.loads(said)["status"]["userInfo"]["username"] == "ada"
        assert "class" in json.loads(said)["status"]["userInfo"]["groups"]
    finally:
        process.terminate()
        process.communicate()


@pytest.mark.parametrize(
    "words",
    [
        ["--host", "0.0.0.0", "--insecure-http"],
        ["--tls-cert", "nowhere.pem"],
        ["--tls-cert", "nowhere.pem", "--tls-key", "nowhere.key"],
        ["--users", "nowhere.yaml"],
        ["--manifests", "nowhere"],
        ["--data", "/proc/nowhere/file"],
    ],
)
def test_orders_that_cannot_be_carried_out(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "kubeconfig"
    assert main(["serve", "--port", "0", "--kubeconfig", str(config), *words]) == 2
    assert capsys.readouterr().err.startswith("minik8s: ")
    assert not config.exists()


def test_a_certificate_of_ones_own(tmp_path: Path) -> None:
    from minik8s.server.tls import make_pair

    pair = make_pair(["127.0.0.1"])
    (tmp_path / "cert.pem").write_text(pair.certificate)
    (tmp_path / "key.pem").write_text(pair.key)
    opened = open_server(
        Order(
            port=0,
            kubeconfig=tmp_path / "kubeconfig",
            tls_cert=tmp_path / "cert.pem",
            tls_key=tmp_path / "key.pem",
        )
    )
    with opened.server:
        kubectl = Kubectl(tmp_path / "kubeconfig", tmp_path / "cache")
        assert kubectl("get --raw /readyz") == "ok"
