"""`kubectl cp`: what went in comes out again, and the mistakes, in the real kubectl's words."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from kubectl_bridge import twins

from minik8s.apiserver import ApiServer
from minik8s.client import Contexts, InProcessTransport
from minik8s.cluster import Cluster
from minik8s.kubectl import MemoryIO, main

FILES = {"a.txt": b"hello\n", "dir/bin": bytes(range(256)), "dir/deep/z": b""}


@pytest.fixture(scope="module")
def io() -> MemoryIO:
    cluster = Cluster(nodes=1, seed=1)
    contexts = Contexts()
    transport = InProcessTransport(ApiServer(cluster.runtime))
    contexts.add("minik8s", transport, cluster={"server": "http://x"}, user={})
    io = MemoryIO(contexts, files=FILES, now=lambda: cluster.clock.now)
    assert main(["run", "box", "--image=busybox", "--", "sleep", "1d"], io) == 0
    assert main(["run", "debian", "--image=debian", "--", "sleep", "1d"], io) == 0
    return io


def run(io: MemoryIO, line: str) -> str:
    io.written.clear()
    main(shlex.split(line), io)
    return io.stdout + io.stderr


@pytest.mark.parametrize("pod", ["box", "debian"])
def test_there_and_back(io: MemoryIO, pod: str) -> None:
    assert run(io, f"cp a.txt {pod}:/tmp/b.txt") == ""
    assert run(io, f"exec {pod} -- cat /tmp/b.txt") == "hello\n"
    assert run(io, f"cp dir {pod}:/tmp") == run(io, f"cp dir default/{pod}:/srv/new") == ""
    for folder in ("tmp/dir", "srv/new"):
        said = run(io, f"cp {pod}:/{folder} back")
        assert said == "tar: Removing leading `/' from member names\n"
        assert io.files["/back/bin"] == FILES["dir/bin"]
        assert io.files["/back/deep/z"] == b""
        del io.files["/back/bin"], io.files["/back/deep/z"]
    assert run(io, f"cp --no-preserve {pod}:tmp/b.txt c.txt -c {pod}") == ""
    assert io.files["/c.txt"] == b"hello\n"


def test_what_is_not_there(io: MemoryIO) -> None:
    said = run(io, "cp box:/nope x")
    assert "tar: /nope: Cannot stat: No such file or directory\n" in said
    assert said.endswith("command terminated with exit code 2\n")
    assert "/x" not in io.files


MISTAKES = """
cp
cp a
cp a b
cp a.txt b c
cp nope.txt x:/a
cp x:/a y:/b
cp x: y
cp :x y
cp a.txt x:
cp a.txt pod:/x
cp pod:/x y
cp a/b/c:/x y
cp a.txt nowhere/pod:/x
"""


def test_mistakes(real_kubectl: str, tmp_path: Path) -> None:
    with twins(real_kubectl, tmp_path, FILES) as pair:
        for line in MISTAKES.strip().splitlines():
            arguments = shlex.split(line)
            assert pair.ours(arguments) == pair.real(arguments), line
