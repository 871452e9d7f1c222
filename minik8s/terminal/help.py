"""`help`: what a newcomer finds in the terminal."""

from __future__ import annotations

from minik8s.terminal.io import LaptopIO

TEXT = """\
This is a simulated laptop with a simulated Kubernetes cluster. Nothing you type here leaves it.

  kubectl ...            the cluster's command line: get, create, apply, exec, logs, ...
  ls tutorial            the manifests of the NetworkPolicy tutorial
  kubectl create -f tutorial/demo-app.yaml
  kubectl exec -ti POD -- COMMAND    run a program in a pod; `-- sh` gives its shell
  minik8s help           settings of the network, and questions: explain, matrix, diff, lint
  minikube, gcloud       make further clusters; `kubectl config use-context` goes back
  cilium, hubble         a network plugin, and what it sees (cilium must be downloaded first)
  jobs, fg, kill         commands that end in & go on in the background

The shell is bash: pipes, variables, loops, here-documents, jq, grep, sed and awk work. Time is
simulated: a connection that times out costs no real time. `exit` leaves.
"""


def main(_argv: list[str], io: LaptopIO) -> int:
    """Run `help`."""
    io.out(TEXT)
    return 0
