"""`create KIND NAME --dry-run=client` and its mistakes, compared with the real kubectl."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from kubectl_oracle import Oracle

from minik8s.client import Contexts
from minik8s.kubectl import MemoryIO, main

FILES = {
    "app.properties": b"color=blue\nsize=3\n",
    "dir/one": b"1",
    "dir/two": b"2\n",
    "blob": b"\xff\xfe\x00",
    "env": b"# comment\n\nA=1\nB=two words\nC=\n  D=4\nEMPTY\n",
    "badenv": b"1A=x\n",
    "cert.pem": b"-----BEGIN CERTIFICATE-----\nx\n",
    "key.pem": b"-----BEGIN PRIVATE KEY-----\ny\n",
}
GOOD = """
create namespace x
create ns x -n other
create deployment web --image=nginx
create deploy web --image=docker.io/library/nginx:1.25 --replicas=3 --port=80 -n shop
create deployment web --image=a --image=b/c:1@sha256:abc
create deployment web --image=a -- sh -c 'echo "hi" && sleep 1'
create deployment web --image=a -r 2 -- sleep 100
create job j --image=busybox -- date
create job j --image=busybox -n x
create cronjob c --image=busybox --schedule='*/5 * * * *' -- date
create cj c --image=b --schedule='@daily' --restart=Never -n x
create service clusterip s --tcp=80
create svc clusterip s --tcp=80:8080 --tcp=443:https -n x
create service clusterip s --clusterip=None
create service clusterip s --clusterip=10.0.0.5 --tcp=1:2
create service nodeport s --tcp=80:8080 --node-port=30080
create service loadbalancer s --tcp=80,443:8443
create service externalname s --external-name=example.com
create service externalname s --external-name example.com --tcp=80
create configmap c
create cm c --from-literal=a=b --from-literal=c=d=e -n x
create cm c --from-literal=a= --append-hash
create cm c --from-file=app.properties --from-file=k=dir/one
create cm c --from-file=dir
create cm c --from-file=dir/
create cm c --from-file=blob --from-literal=x=y
create cm c --from-env-file=env
create secret generic s --from-literal=user=admin --from-literal=password='p&<>'
create secret generic s --from-file=dir --type=my/type -n x
create secret generic s --from-env-file=env --append-hash
create secret docker-registry r --docker-username=u --docker-password=p --docker-email=e@x
create secret docker-registry r --docker-username=u --docker-password='a&b' --docker-server=reg
create secret docker-registry r --from-file=app.properties
create serviceaccount sa
create sa sa -n x
create quota q --hard=cpu=1,memory=1G,pods=2,services=3
create quota q --hard=cpu=1000m,memory=2048Ki,requests.cpu=0.5 --scopes=BestEffort -n x
create quota q --hard=memory=1.5Gi,cpu=1e3,count/deployments.apps=100
create quota q
create rolebinding r --role=x --user=a --group=b --serviceaccount=ns:sa
create rolebinding r --clusterrole=view --user=a --user=b -n x
create clusterrolebinding r --clusterrole=view --group=g
create ingress i --rule=foo.com/bar=svc:80
create ingress i --rule='foo.com/*=svc:http,tls=sec' --rule='foo.com/b=t:2,tls=sec' --class=nginx
create ingress i --default-backend=s:80 --annotation=a=b --annotation=c=d -n x
create ingress i --rule='/p*=s:80,tls' --rule='bar.com/=s:80,tls=x'
create pdb p --selector=app=x --min-available=1
create pdb p --selector='app=x,tier in (b,a),!gone,there' --max-unavailable=50% -n x
create priorityclass p --value=100
create pc p --value=100 --global-default --description='a b' --preemption-policy=Never
create deployment web --image=a --save-config
create cm c --from-literal=a='<b>' --save-config -n x
""".strip().splitlines()
BAD = """
create ns
create ns a b
create deployment
create deployment x
create deployment x --image=a --image=b -- cmd
create deployment x --image=a --replicas=x
create deployment x --image=a --replicas=99999999999
create deployment x --image=a --port=1.5
create deployment x y --image=a
create job j
create job j --image=a --from=cronjob/x
create job j --from=cronjob/x -- cmd
create cronjob c
create cronjob c --image=x
create service
create service foo
create service clusterip
create service clusterip s
create service clusterip s --tcp=x
create service clusterip s --tcp=70000
create service clusterip s --tcp=80:70000
create service clusterip s --tcp=80:Bad_Name
create service clusterip s --tcp=-1
create service externalname s
create service externalname s --external-name=Bad_Name
create cm
create cm c --from-literal=a
create cm c --from-literal==a
create cm c --from-literal=a=1 --from-literal=a=2
create cm c --from-literal='a b=1'
create cm c --from-file=nope
create cm c --from-file=a=b=c
create cm c --from-file==b
create cm c --from-file=k=
create cm c --from-file=k=dir
create cm c --from-env-file=nope
create cm c --from-env-file=dir
create cm c --from-env-file=badenv
create cm c --from-env-file=env --from-literal=a=b
create secret
create secret foo
create secret generic
create secret generic s --from-literal='a b=1'
create secret generic s --from-literal=a=1 --from-literal=a=2
create secret docker-registry r
create secret tls t
create secret tls t --cert=nope --key=key.pem
create quota q --hard=cpu
create quota q --hard=cpu=x
create quota q --scopes=,
create rolebinding r
create rolebinding r --role=a --clusterrole=b
create rolebinding r --role=a --serviceaccount=x
create clusterrolebinding r
create clusterrole c
create role r
create ingress i
create ingress i --rule=foo
create ingress i --default-backend=x
create ingress i --default-backend=x:1 --annotation=a
create pdb p
create pdb p --selector=a=b
create pdb p --selector=a=b --min-available=1 --max-unavailable=1
create pdb p --selector=a=b --min-available=x
create pdb p --selector='a=b=c' --min-available=1
create pc p --value=x
create ns x --dry-run=maybe
create ns x -o bogus --dry-run=client
create ns x -o jsonpath={ --dry-run=client
create ns x -o jsonpath --dry-run=client
create ns x -o go-template={{ --dry-run=client
create ns x -o custom-columns=A:.a --dry-run=client
create ns x -o wide --dry-run=client
create ns x --validate=maybe --dry-run=client
create
create foo
create -f nofile.yaml
create -f a.yaml -k b
create -f app.properties extra
create token
""".strip().splitlines()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("files")
    for name, data in FILES.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(data)
    return root


def _ours(arguments: list[str]) -> tuple[str, str, int]:
    io = MemoryIO(Contexts(), files=FILES)
    code = main(arguments, io)
    return io.stdout, io.stderr, code


@pytest.mark.parametrize("line", GOOD)
@pytest.mark.parametrize("output", ["yaml", "json", "kyaml", "name", ""])
def test_objects_are_those_that_kubectl_makes(
    line: str, output: str, folder: Path, oracle: Oracle
) -> None:
    words = shlex.split(line)
    flags = ["--dry-run=client", *(["-o", output] if output else [])]
    place = words.index("--") if "--" in words else len(words)
    arguments = [*words[:place], *flags, *words[place:]]
    assert _ours(arguments) == oracle.ask(arguments, folder=folder)


@pytest.mark.parametrize("line", BAD)
def test_mistakes_are_called_what_kubectl_calls_them(
    line: str, folder: Path, oracle: Oracle
) -> None:
    arguments = shlex.split(line)
    ours, real = _ours(arguments), oracle.ask(arguments, folder=folder)
    if "unknown command" not in real[1] and "Available Commands" in real[0] + real[1]:
        assert ours[2] == real[2]
        assert bool(ours[0]) is bool(real[0])
    else:
        assert ours == real
