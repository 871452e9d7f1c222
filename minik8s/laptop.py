"""The simulated laptop: a terminal with kubectl, its clusters and its other programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.resources import files
from random import Random
from typing import Literal, TypeVar

from minik8s import kubectl
from minik8s.bash import TYPED_BASH, Dialect
from minik8s.client import Contexts
from minik8s.clock import DEFAULT_START
from minik8s.cluster import Cluster
from minik8s.runtime import kubeadm_profile
from minik8s.terminal import help as help_page
from minik8s.terminal import own
from minik8s.terminal.io import Command, LaptopIO
from minik8s.terminal.machines import Machine, Machines
from minik8s.terminal.session import HOME, Listener, Person, Result, Session
from minik8s.terminal.standins import cilium, curl, gcloud, hubble, minikube, sudo, tar
from minik8s.terminal.timeline import Timeline

State = TypeVar("State")

CONTEXT = "minik8s"
SERVER = "https://172.18.0.2:6443"


class Laptop:
    """One learner's machine: a terminal, and a cluster `minik8s` that is ready.

    `nodes` counts that cluster's workers; `cni` is `cilium` (policies are enforced) or `none`
    (the network carries packets and enforces nothing). `folder` is a folder of the real machine
    that shows up read-only under its own name. The same seed prints the same.

    >>> laptop = Laptop()
    >>> laptop.run("kubectl config current-context").output
    'minik8s\\n'
    >>> laptop.close()
    """

    def __init__(
        self,
        seed: int = 1,
        *,
        nodes: int = 2,
        cni: Literal["cilium", "none"] = "cilium",
        tty: bool = True,
        person: Person | None = None,
        dialect: Dialect = TYPED_BASH,
        folder: str = "",
    ) -> None:
        profile = kubeadm_profile(nodes, cni="cilium" if cni == "cilium" else "kindnet")
        self.clock = Timeline(DEFAULT_START - profile.age)
        self.contexts = Contexts()
        self.machines = Machines(self.contexts, self.clock, seed)
        self.hubble = hubble.Hubble(self.machines)
        self.machines.on_add = self.hubble.watch
        self._first = self.machines.add(CONTEXT, profile, server=SERVER)
        self._clusters: dict[str, Cluster] = {}
        self.session = Session(
            self.contexts,
            self._commands(),
            timeline=self.clock,
            random=Random(f"{seed}/terminal"),
            files=_files(),
            tty=tty,
            person=person,
            dialect=dialect,
        )
        self.session.files.make_folder("/usr/local/bin")
        if folder:
            name = folder.rstrip("/").rpartition("/")[2] or "files"
            self.session.shell.mount(f"{HOME}/{name}", folder)

    def run(self, script: str, on_print: Listener | None = None) -> Result:
        """Run a script in the terminal; what it sets stays for the next one."""
        self.session.on_print = on_print
        return self.session.run(script)

    @property
    def cluster(self) -> Cluster:
        """The cluster of the current context, or the laptop's own if there is none."""
        return self._cluster_of(self.machines.current or self._first)

    def close(self) -> None:
        """End the background jobs."""
        self.session.close()

    def _cluster_of(self, machine: Machine) -> Cluster:
        cluster = self._clusters.get(machine.context)
        if cluster is None or cluster.runtime is not machine.runtime:
            cluster = self._clusters[machine.context] = Cluster(runtime=machine.runtime)
        return cluster

    def _commands(self) -> Mapping[str, Command]:
        machines = self.machines
        return {
            "kubectl": kubectl.main,
            "gcloud": _with(gcloud.main, gcloud.Gke(machines)),
            "minikube": _with(minikube.main, minikube.Minikube(machines)),
            "hubble": _with(hubble.main, self.hubble),
            "__hubble": _with(hubble.main, self.hubble),
            "__cilium": _with(cilium.main, machines),
            "curl": curl.main,
            "tar": tar.main,
            "sudo": sudo.main,
            "minik8s": _with(own.main, machines),
            "help": help_page.main,
        }


def _with(command: Callable[[list[str], LaptopIO, State], int], state: State) -> Command:
    """A stand-in together with what it works on."""
    return lambda argv, io: command(argv, io, state)


def _files() -> Mapping[str, bytes]:
    """What lies on the laptop's disk."""
    tutorial = files("minik8s").joinpath("data", "tutorial")
    manifests = {
        f"{HOME}/tutorial/{entry.name}": entry.read_bytes()
        for entry in tutorial.iterdir()
        if entry.name.endswith(".yaml")
    }
    return {
        "/etc/hostname": b"laptop\n",
        "/etc/hosts": b"127.0.0.1\tlocalhost\n127.0.1.1\tlaptop\n",
        "/etc/os-release": b'PRETTY_NAME="minik8s laptop"\nNAME="minik8s"\nID=minik8s\n',
        "/etc/passwd": (
            b"root:x:0:0:root:/root:/bin/bash\nyou:x:1000:1000:You:/home/you:/bin/bash\n"
        ),
        **manifests,
    }
