"""Every command of the tutorial, verbatim and in order, in one terminal."""

import json
import re
from pathlib import Path

import pytest
from tutorial_steps import keeps, steps, visible

from minik8s.laptop import Laptop

STEPS = steps()
KERNEL = json.loads((Path(__file__).parents[1] / "data/terminal/kernel_tutorial.json").read_text())


def transcript(seed=1):
    laptop = Laptop(seed=seed)
    results = [laptop.run(step.command) for step in STEPS]
    laptop.close()
    return results


@pytest.fixture(scope="module")
def played():
    return transcript()


def after(command, played, number=0):
    """The result of a command (the n-th of those that are the same)."""
    places = [place for place, step in enumerate(STEPS) if step.command.strip() == command]
    return played[places[number]]


def test_all_of_the_tutorial_was_found():
    assert len(STEPS) == 53
    assert sum(step.promised is not None for step in STEPS) == 17
    assert STEPS[0].command == "export CLUSTER_NAME=test-$(whoami)-$RANDOM"
    assert STEPS[-1].command.startswith("kubectl exec -ti $BACKEND -- curl -I --connect-timeout 5")


@pytest.mark.parametrize("place", range(len(STEPS)))
def test_each_promise_is_kept(place, played):
    step = STEPS[place]
    if step.promised is not None:
        assert keeps(step.promised, played[place].output), played[place].output


MAY_FAIL = {
    # What is installed already cannot be installed a second time (the tutorial's reader does
    # one of the two, Darwin or Linux).
    ("cilium install", 1): 1,
}


def test_nothing_else_fails(played):
    wrong = {}
    for place, (step, result) in enumerate(zip(STEPS, played, strict=True)):
        same = [s.command.strip() for s in STEPS[:place]].count(step.command.strip())
        denied = step.promised is not None and "curl: (28)" in step.promised[0]
        expected = MAY_FAIL.get((step.command.strip(), same), 0)
        if denied and "|" not in step.command:
            expected = 28
        if result.exit_code != expected:
            wrong[step.command] = result.output
    assert wrong == {}


def test_commands_without_a_promise_say_what_the_real_ones_say(played):
    created = {
        "kubectl create -f tutorial/demo-app.yaml": [
            "deployment.apps/frontend created",
            "deployment.apps/backend created",
            "service/backend created",
        ],
        "kubectl create -f tutorial/01-backend-ingress-deny.yaml": [
            "networkpolicy.networking.k8s.io/backend-ingress-deny created"
        ],
        "kubectl create namespace monitoring": ["namespace/monitoring created"],
        "kubectl label namespace monitoring type=monitoring": ["namespace/monitoring labeled"],
        "kubectl label namespace kube-system contains=coredns": ["namespace/kube-system labeled"],
        "kubectl delete networkpolicy backend-ingress-allow-monitoring-namespace": [
            'networkpolicy.networking.k8s.io "backend-ingress-allow-monitoring-namespace" '
            "deleted from default namespace"
        ],
        "tar xzvf cilium-darwin-amd64.tar.gz": ["cilium"],
        "sudo mv cilium /usr/local/bin": [""],
    }
    for command, lines in created.items():
        assert visible(after(command, played).output) == lines


def test_hubble_runs_along(played):
    """The forward is a job; `hubble observe` shows what has flowed."""
    assert after("kubectl port-forward -n kube-system deployment/hubble-relay 4245:4245&", played)
    observed = after("hubble observe --server localhost:4245 -f -n default", played)
    assert observed.exit_code == 0


def test_same_seed_same_transcript_byte_for_byte(played):
    again = transcript()
    assert [result.chunks for result in again] == [result.chunks for result in played]
    other = transcript(seed=2)
    assert [result.chunks for result in other] != [result.chunks for result in played]
    for step, result in zip(STEPS, other, strict=True):
        if step.promised is not None:
            assert keeps(step.promised, result.output), step.command


# -- what the same requests did on a real kernel

REQUESTS = [place for place, step in enumerate(STEPS) if " exec " in step.command]
"""The tutorial's requests; row T01 of the recording is the first of them, and so on."""


def kernel_outcome(row):
    """`HTTP ...` or `curl: (28) WHAT timed out`, without figures.

    curl 7.88 words a connection that times out in another way.
    """
    text = row["stdout"] + row["stderr"]
    text = re.sub(
        r"Failed to connect to \S+ port \d+ after \d+ ms: Timeout", "Connection timed out", text
    )
    found = re.search(r"HTTP/1.1 \d+ [A-Za-z ]+|curl: \(\d+\) [A-Za-z]+ timed out", text)
    assert found is not None, row
    return found.group().strip()


@pytest.mark.parametrize("row", KERNEL, ids=[row["id"] for row in KERNEL])
def test_outcomes_agree_with_a_real_kernel(row, played):
    place = REQUESTS[int(row["id"][1:3]) - 1]
    assert STEPS[place].command.endswith("| head -1") == row["command"].endswith("| head -1")
    result = played[place]
    assert kernel_outcome(row) == kernel_outcome({"stdout": result.output, "stderr": ""})


def test_every_request_was_recorded():
    assert {int(row["id"][1:3]) for row in KERNEL} == set(range(1, len(REQUESTS) + 1))
