"""Laptop, pods and the real machine do not see each other."""

import os
import socket

import pytest

MINE = ("SECRET_OF_THE_HOST", "the-value-of-a-secret")


@pytest.fixture
def busy(laptop, monkeypatch):
    monkeypatch.setenv(*MINE)
    laptop.run("kubectl create -f tutorial/demo-app.yaml")
    return laptop


def in_pod(laptop, script):
    quoted = script.replace("'", "'\\''")
    return laptop.run(f"kubectl exec deploy/frontend -- sh -c '{quoted}'").output


def test_nothing_of_the_host_is_seen(busy):
    script = "env; set; cat /etc/passwd /etc/hostname /proc/self/environ; ls -a / /root /home /tmp"
    text = busy.run(script + "; hostname; whoami; uname -a; pwd; id").output
    text += in_pod(busy, script)
    forbidden = {*MINE, os.uname().nodename, os.uname().release, os.getcwd()}
    for word in forbidden - {"laptop", "localhost"}:  # names that both may have
        assert word not in text
    assert {"root", "proc", "sys"}.isdisjoint(busy.run("ls /").output.split())
    assert busy.run(f"ls {os.getcwd()}").exit_code == 2


def test_nothing_is_written_to_the_host(busy, tmp_path):
    marker = f"{tmp_path}/marker"
    busy.run(f"mkdir -p {tmp_path}; echo x > {marker}; touch /tmp/minik8s-marker")
    in_pod(busy, f"mkdir -p {tmp_path}; echo x > {marker}")
    assert not os.path.exists(marker)
    assert not os.path.exists("/tmp/minik8s-marker")


def test_no_socket_is_opened(busy, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a real socket")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    busy.run("curl -sS https://example.com; curl -sS localhost:22; curl -sS 127.0.0.1:22")
    busy.run("kubectl exec deploy/frontend -- curl -sSI -m 2 kubernetes.io")
    busy.run("exec 3<>/dev/tcp/127.0.0.1/22; echo > /dev/tcp/127.0.0.1/22")


def test_pods_see_nothing_of_the_laptop(busy):
    busy.run("export OF_THE_LAPTOP=1; echo laptop > /tmp/of-the-laptop; f() { echo f; }")
    assert "OF_THE_LAPTOP" not in in_pod(busy, "env; set")
    assert in_pod(busy, "cat /tmp/of-the-laptop").startswith("cat: ")
    assert "you" not in in_pod(busy, "ls /home; ls /; ls /tmp").split()
    for name in ("kubectl", "jq", "hubble", "minik8s", "f"):
        assert "not found" in in_pod(busy, name), name
    assert in_pod(busy, "hostname").startswith("frontend-")
    assert in_pod(busy, "whoami") == "root\n"


def test_the_laptop_sees_nothing_of_pods(busy):
    in_pod(busy, "echo pod > /tmp/of-the-pod; export OF_THE_POD=1; OF_THE_POD=1")
    assert busy.run("cat /tmp/of-the-pod").exit_code == 1
    assert busy.run("echo [$OF_THE_POD]").output == "[]\n"
    assert busy.run("hostname").output == "laptop\n"
    assert busy.run("curl -sS -m 1 backend:8080").exit_code == 6


def test_pods_do_not_see_each_other(busy):
    in_pod(busy, "echo mine > /tmp/mine")
    assert in_pod(busy, "cat /tmp/mine") == "mine\n"
    other = busy.run("kubectl exec deploy/backend -- cat /tmp/mine")
    assert other.exit_code != 0


def test_two_laptops_do_not_see_each_other(make_laptop):
    first, second = make_laptop(), make_laptop()
    first.run("x=1; echo x > x; kubectl create namespace only-first")
    assert second.run("echo [$x]; ls").output == "[]\ntutorial\n"
    assert "only-first" not in second.run("kubectl get ns").output


def test_a_folder_of_the_reader_is_read_only(make_laptop, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (tmp_path / "secret.yaml").write_text(
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: stolen}\n"
    )
    (folder / "ns.yaml").write_text("apiVersion: v1\nkind: Namespace\nmetadata: {name: own}\n")
    (folder / "out.yaml").symlink_to(tmp_path / "secret.yaml")
    (folder / "near.yaml").symlink_to("ns.yaml")
    laptop = make_laptop(folder=str(folder))
    assert laptop.run("ls mine").output == "near.yaml\nns.yaml\nout.yaml\n"
    assert laptop.run("kubectl create -f mine/ns.yaml").output == "namespace/own created\n"
    assert laptop.run("kubectl create -f mine/near.yaml").exit_code == 1
    for path in ("mine/out.yaml", "mine/../../../secret.yaml", f"{tmp_path}/secret.yaml"):
        assert laptop.run(f"kubectl create -f {path}").exit_code == 1
        assert laptop.run(f"cat {path}").exit_code == 1
    for script in ("echo x > mine/new", "rm mine/ns.yaml", "sed -i s/own/x/ mine/ns.yaml"):
        assert laptop.run(script).exit_code != 0
    assert sorted(path.name for path in folder.iterdir()) == ["near.yaml", "ns.yaml", "out.yaml"]
    (folder / "later.yaml").write_text("kind: Late\n")
    assert laptop.run("cat mine/later.yaml").output == "kind: Late\n"
