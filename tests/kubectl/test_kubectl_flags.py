"""Command lines that make no sense: named as the real kubectl names them."""

from __future__ import annotations

import shlex

import pytest
from kubectl_oracle import NOWHERE, Oracle

from minik8s.client import Contexts
from minik8s.kubectl import MemoryIO, main
from minik8s.kubectl.tree import Command, root

LINES = """
foo
gte pods
get pods --bogus
get pods --bogus=1
get pods -z
get pods -zo
get pods -o
get pods -n
get pods --output
get pods --watch=maybe
get pods -w=maybe
get --chunk-size=x
get --chunk-size=1.5 pods
get pods --show-labels=2
--bogus get pods
-z get pods
-n
--namespace
get pods --request-timeout
get pods --raw
delete pod x --grace-period=x
delete pod x --timeout=5
delete pod x --timeout=5x
delete pod x --cascade=maybe --dry-run=client
delete --bogus
apply --bogus
apply -f
apply --dry-run=maybe -f x
apply x
apply -k
apply --server-side --dry-run=client -f x
apply --force-conflicts -f x
apply --validate=maybe -f x
apply foo
create --bogus
create deployment
create deployment x
create deployment x --image
create deployment x --image=y --replicas=x
create deployment x --image=y --port=x
create deployment x y --image=z
create namespace
create ns
create configmap
create configmap a b
create service
create service foo
create service clusterip
create service clusterip x
create quota
create role x
create job x
create cronjob x --image=y
create foo
logs
logs --tail=x y
logs a b c
logs --since=x y
logs --since=5 y
logs --pod-running-timeout=0 y
exec
exec x
exec --bogus x -- ls
exec -z x -- ls
attach
attach --pod-running-timeout=-1s x
run
run x
run x --image
run x --image=Y
run x --image=y -t
run x --image=y --rm
run x --image=y --expose
run x --image=y --port=z
run x --image=y --restart=z
run x --image=y --env=z
run x --image=y --labels=z
run x --image=y --image-pull-policy=z
run x --image=y --attach --dry-run=client
expose --port=80 --bogus
scale deploy x
scale deploy x --replicas=y
scale deploy x --replicas=-1
scale deploy x --replicas=1 --current-replicas=-2
autoscale deploy x
autoscale deploy x --max=0
autoscale deploy x --max=y
autoscale deploy x --max=1 --min=2
set foo
set image
set env
set resources --bogus
set serviceaccount
rollout foo
rollout history
rollout status
rollout undo
rollout restart
rollout status deploy/x --revision=-1
rollout history deploy/x --revision=y
label
label pod x
label pod x a
label pod x a=b=c
label pod a=b x
label pod x a=b a-
annotate pod x
annotate pod x a
annotate pod x a=b a-
patch pod x
patch pod x -p a --patch-file=b
patch pod x -p '{}' --type=y
edit --bogus
replace
replace --grace-period=5 -f x
replace --timeout=5s -f x
diff
diff x
diff --bogus
describe
describe --bogus
wait
wait pod/x
wait pod/x --for=y
wait pod/x --for=jsonpath=
wait pod/x --for=condition=Ready --timeout=y
port-forward
port-forward x
cordon
uncordon
drain
drain x -l y
taint
taint node
taint node x
taint node a=b:NoSchedule x
taint node x a=b
cp
cp x
cp a:b c:d
cp a b
cp :x y
top foo
top node x y
events --types=x
api-resources x
api-resources --sort-by=x
api-versions x
config foo
config view x
config use-context
config use-context x
config current-context
config set-context
config rename-context x
config rename-context x y
config delete-context x
config delete-cluster x
config delete-user x
config unset
config get-contexts x
config get-contexts -o y
version x
version -o y
explain
explain a b
completion
completion foo
completion bash zsh
get pods --context
help foo
help get foo
get -h foo
""".strip().splitlines()

_HELP = ("Usage:", "Available Commands")


def _ours(line: str) -> tuple[str, str, int]:
    io = MemoryIO(Contexts())
    io.env = {"KUBECONFIG": NOWHERE}
    code = main(shlex.split(line), io)
    return io.stdout, io.stderr, code


def _has_help(text: str) -> bool:
    return any(word in text for word in _HELP)


@pytest.mark.parametrize("line", LINES)
def test_mistakes_are_called_what_kubectl_calls_them(line: str, oracle: Oracle) -> None:
    real = oracle.ask(shlex.split(line))
    ours = _ours(line)
    if _has_help(real.out + real.err):
        assert ours[2] == real.code
        assert _has_help(ours[0] + ours[1])
    else:
        assert ours == real


def _commands(command: Command) -> list[Command]:
    return [command, *(each for child in command.children.values() for each in _commands(child))]


@pytest.mark.parametrize("command", _commands(root()), ids=lambda command: command.full)
def test_every_command_has_help(command: Command) -> None:
    out, err, code = _ours(f"{command.path} --help")
    assert (err, code) == ("", 0)
    assert out.startswith(f"{command.does}.\n") or command.path == ""
    assert "Usage:\n" in out


KNOWN = [each for each in _commands(root())[1:] if not each.path.startswith("kuberc")]


# The recording switches kuberc off.
@pytest.mark.parametrize("command", KNOWN, ids=lambda command: command.full)
def test_every_command_knows_its_flags(command: Command, oracle: Oracle) -> None:
    """A flag that nobody knows is one to every command of the real kubectl, too."""
    real = oracle.ask([*command.path.split(), "--no-such-flag"])
    assert _ours(f"{command.path} --no-such-flag") == real
