"""The clusters that one terminal can reach, by the name of their context."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from minik8s.apiserver import ApiServer
from minik8s.client import Client, Contexts, InProcessTransport
from minik8s.model.metadata import Document
from minik8s.runtime import ClusterProfile, Runtime
from minik8s.terminal.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Machine:
    """One running cluster: `context` names it in the kubeconfig, `server` is its API's URL."""

    context: str
    server: str
    runtime: Runtime
    transport: InProcessTransport

    def client(self) -> Client:
        """An administrator's client."""
        return Client(self.transport)


class Machines:
    """Makes clusters on the terminal's clock and enters them in its kubeconfig.

    `seed` decides all names and addresses; each further cluster gets a seed of its own.
    """

    def __init__(self, contexts: Contexts, timeline: Timeline, seed: int) -> None:
        self.contexts = contexts
        self.timeline = timeline
        self.random = Random(f"{seed}/machines")
        self.on_add: Callable[[Machine], None] = lambda _: None
        self._seed = seed
        self._machines: dict[str, Machine] = {}

    def __iter__(self) -> Iterator[Machine]:
        return iter(self._machines.values())

    def get(self, context: str) -> Machine | None:
        """The cluster of a context name, None if there is none."""
        return self._machines.get(context)

    @property
    def current(self) -> Machine | None:
        """The cluster of the current context, None without one."""
        cluster = self.contexts.contexts.get(self.contexts.current, {}).get("cluster", "")
        return self._machines.get(cluster)

    def add(
        self, context: str, profile: ClusterProfile, *, server: str, user: Document | None = None
    ) -> Machine:
        """Boot a cluster; that takes `profile.age` simulated seconds. Its context gets current."""
        seed = self._seed + 1000 * len(self._machines)
        runtime = Runtime(seed=seed, profile=profile, clock=self.timeline)
        machine = Machine(context, server, runtime, InProcessTransport(ApiServer(runtime)))
        self._machines[context] = machine
        self.enter(machine, user)
        self.on_add(machine)
        return machine

    def enter(self, machine: Machine, user: Document | None = None) -> None:
        """Write a cluster into the kubeconfig (again), and make its context current."""
        authority = "c2ltdWxhdGVkIGNlcnRpZmljYXRlIGF1dGhvcml0eSBvZiBtaW5pazhz"
        cluster = {"certificate-authority-data": authority, "server": machine.server}
        credentials = user or {"client-certificate-data": authority, "client-key-data": authority}
        self.contexts.add(machine.context, machine.transport, cluster=cluster, user=credentials)

    def remove(self, context: str) -> None:
        """Destroy a cluster and take it out of the kubeconfig."""
        self._machines.pop(context, None)
        self.contexts.forget(context)

    def digits(self, count: int, alphabet: str = "0123456789abcdef") -> str:
        """Random digits for names and addresses."""
        return "".join(self.random.choice(alphabet) for _ in range(count))
