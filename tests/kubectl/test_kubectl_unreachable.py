"""What commands say when no server answers, as the real kubectl says it."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from kubectl_oracle import NOWHERE, Oracle, timeless

from minik8s.client import Contexts
from minik8s.kubectl import MemoryIO, main

MANIFEST = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"
LINES = """
annotate pod x a=b
api-resources
api-versions
apply -f cm.yaml
apply -f cm.yaml --validate=false
apply -f nope.yaml
attach x
auth can-i --list
auth can-i foo pods.apps/x
auth can-i get pods
auth whoami
autoscale deploy x --max=1
cluster-info
config view
cordon x
cp x:/a b
create -f cm.yaml
create cm x
create deploy x --image=y
create deploy x --image=y --dry-run=client
create ns x
create secret generic x
create svc clusterip a --tcp=1
create token x
delete -f cm.yaml
delete pod x
describe pod x
diff -f cm.yaml
drain x
edit deploy x
events
exec x -- ls
explain pod
expose deploy x --port=1
get --raw /
get -f cm.yaml
get all
get pods
get pods x
label pod x a=b
logs x
patch pod x -p {}
port-forward pod/x 80
replace --force -f cm.yaml
replace -f cm.yaml
rollout status deploy/x
run x --image=y
scale deploy x --replicas=1
set image deploy/x a=b
taint node x a=b:NoSchedule
top node
uncordon x
version
wait pod/x --for=delete
""".strip().splitlines()


@pytest.mark.parametrize("line", LINES)
def test_commands_without_a_server(line: str, oracle: Oracle, tmp_path: Path) -> None:
    (tmp_path / "cm.yaml").write_bytes(MANIFEST)
    real = oracle.ask(shlex.split(line), folder=tmp_path)
    io = MemoryIO(Contexts(), files={"/cm.yaml": MANIFEST})
    io.env = {"KUBECONFIG": NOWHERE}
    code = main(shlex.split(line), io)
    assert (io.stdout, timeless(io.stderr), code) == real
