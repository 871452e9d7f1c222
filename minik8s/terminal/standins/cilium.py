"""`cilium`, the command-line tool of Cilium, as v0.4 of March 2021 printed it.

It installs Cilium 1.9.4: the agent's and the operator's objects appear through the cluster's
API server, and the cluster starts to enforce policy. Sources: cilium/cilium-cli, tag v0.4.
"""

from __future__ import annotations

from collections.abc import Callable

from minik8s.bash.dates import render
from minik8s.errors import ApiError, NotFound
from minik8s.terminal.io import LaptopIO
from minik8s.terminal.machines import Machine, Machines
from minik8s.terminal.standins.ciliumobjects import (
    CA_SECRET,
    CERTS_SECRET,
    NAMESPACE,
    RELAY,
    delete,
    exists,
    find,
    relay_documents,
    unmanaged_pods,
)
from minik8s.terminal.standins.ciliumstatus import collect
from minik8s.terminal.standins.flags import UsageError, parse

VERSION = "v0.4"
CILIUM = "v1.9.4"
_READY = 30.0
"""How long the agent takes to come up, in simulated seconds."""

Handler = Callable[[list[str], LaptopIO, Machines], int]

_NO_CONFIG = (
    "unable to create Kubernetes client: invalid configuration: no configuration has been "
    "provided, try setting KUBERNETES_MASTER environment variable"
)
_CFSSL = (
    "generate received request",
    "received CSR",
    "generating key: ecdsa-256",
    "encoded CSR",
)


def main(argv: list[str], io: LaptopIO, machines: Machines) -> int:
    """Run `cilium ARGV...`."""
    words = [word for word in argv if not word.startswith("-")]
    if not words or words[0] == "help" or argv[0] in ("-h", "--help"):
        io.out(_HELP)
        return 0
    for path, handler in _COMMANDS.items():
        if words[: len(path.split())] == path.split():
            return handler(_without(argv, path.split()), io, machines)
    if words[0] == "hubble":
        io.out(_HUBBLE_HELP)
        return 0
    io.err(f'unknown command "{words[0]}" for "cilium"\n')
    return 1


def _without(argv: list[str], path: list[str]) -> list[str]:
    rest = list(argv)
    for word in path:
        rest.remove(word)
    return rest


def _fail(io: LaptopIO, verb: str, text: object) -> int:
    io.err(f"Error: Unable to {verb}:  {text}\n")
    return 1


def _version(_argv: list[str], io: LaptopIO, _machines: Machines) -> int:
    io.out(f"cilium-cli: {VERSION} compiled with go1.16 on linux/amd64\n")
    return 0


def kind_of(machine: Machine) -> str:
    """What v0.4 takes a cluster for, judging by its name: `minikube`, `kind`, `GKE` or ""."""
    name = machine.context
    if name == "minikube":
        return "minikube"
    if name.startswith("gke_"):
        return "GKE"
    return "kind" if name.startswith("kind-") else ""


class _Installer:
    """One `cilium install`."""

    def __init__(self, io: LaptopIO, machine: Machine, machines: Machines) -> None:
        self._io = io
        self._machine = machine
        self._machines = machines
        self._client = machine.client()
        self._kind = kind_of(machine)

    def run(self) -> int:
        self._detect()
        known = exists(self._client, "secrets", CA_SECRET)
        if self._kind == "GKE" and known:
            return _fail(
                self._io,
                "install Cilium",
                'resourcequotas "cilium-resource-quota" already exists',
            )
        if known:
            self._io.out(f"🔑 Found existing CA in secret {CA_SECRET}\n")
        else:
            self._io.out("🔑 Generating CA...\n")
            certificate(self._io, self._machines)
        self._io.out("🔑 Generating certificates for Hubble...\n")
        certificate(self._io, self._machines)
        if exists(self._client, "secrets", CERTS_SECRET):
            text = f'unable to create secret {NAMESPACE}/{CERTS_SECRET}: secrets "{CERTS_SECRET}"'
            return _fail(self._io, "install Cilium", f"{text} already exists")
        self._create()
        return 0

    def _detect(self) -> None:
        out, kind = self._io.out, self._kind
        if kind:
            out(f"🔮 Auto-detected Kubernetes kind: {kind}\n")
        if kind == "minikube":
            out('✨ Running "minikube" validation checks\n')
            out('✅ Detected minikube version "1.18.1"\n')
        out(f'ℹ️  Cilium version not set, using default version "{CILIUM}"\n')
        out(f"🔮 Auto-detected cluster name: {self._machine.context.replace('_', '-')}\n")
        out(f"🔮 Auto-detected IPAM mode: {'kubernetes' if kind == 'GKE' else 'cluster-pool'}\n")
        if kind:
            out(f"🔮 Auto-detected datapath mode: {'gke' if kind == 'GKE' else 'tunnel'}\n")
        if kind == "GKE":
            block = self._machine.runtime.profile.pod_cidr
            out(f"✅ Detected GKE native routing CIDR: {block}\n")

    def _create(self) -> None:
        out = self._io.out
        for what in ("Service accounts", "Cluster roles", "ConfigMap"):
            out(f"🚀 Creating {what}...\n")
        if self._kind == "GKE":
            out("🚀 Creating Resource quotas...\n")
            out("🚀 Creating GKE Node Init DaemonSet...\n")
        out("🚀 Creating Agent DaemonSet...\n")
        out("🚀 Creating Operator Deployment...\n")
        unmanaged = unmanaged_pods(self._client)
        pool = "" if self._kind == "GKE" else "10.0.0.0/8"
        self._machine.runtime.install_cni("cilium", version=CILIUM, pod_cidr=pool)
        out("⌛ Waiting for Cilium to be installed...\n")
        self._io.sleep(_READY)
        self._restart(unmanaged)

    def _restart(self, pods: list[tuple[str, str]]) -> None:
        """Pods that started before Cilium are deleted, so that new ones get its network."""
        if pods:
            self._io.out("♻️  Restarting unmanaged pods...\n")
        kind = self._client.find("pods")
        assert kind is not None
        for namespace, name in pods:
            self._client.delete(kind, name, namespace)
            self._io.out(f"♻️  Restarted unmanaged pod {namespace}/{name}\n")


def certificate(io: LaptopIO, machines: Machines) -> None:
    """What cfssl logs about one certificate."""
    serial = machines.random.choice("123456789") + machines.digits(47, "0123456789")
    for text in (*_CFSSL, f"signed certificate with serial number {serial}"):
        io.err(f"{moment(io)} [INFO] {text}\n")


def moment(io: LaptopIO) -> str:
    """The time as Go's logger writes it."""
    return render(io.now(), "%Y/%m/%d %H:%M:%S")


def _install(_argv: list[str], io: LaptopIO, machines: Machines) -> int:
    machine = machines.current
    if machine is None:
        return _fail(io, "install Cilium", _NO_CONFIG)
    try:
        return _Installer(io, machine, machines).run()
    except ApiError as error:
        return _fail(io, "install Cilium", error.message)


def _uninstall(_argv: list[str], io: LaptopIO, machines: Machines) -> int:
    machine = machines.current
    if machine is None:
        return _fail(io, "uninstall Cilium", _NO_CONFIG)
    client = machine.client()
    io.out("🔥 Deleting Relay...\n🔥 Deleting Relay certificates...\n")
    kind = kind_of(machine)
    if kind:
        io.out(f"🔮 Auto-detected Kubernetes kind: {kind}\n")
    delete(client, RELAY)
    for what in (
        "Service accounts",
        "ConfigMap",
        "Cluster roles",
        "agent DaemonSet",
        "operator Deployment",
        "certificates",
    ):
        io.out(f"🔥 Deleting {what}...\n")
    delete(client)
    machine.runtime.settings.enforcement = False
    return 0


def _status(argv: list[str], io: LaptopIO, machines: Machines) -> int:
    machine = machines.current
    if machine is None:
        return _fail(io, "determine status", _NO_CONFIG)
    try:
        flags = parse(argv, valued=("wait-duration", "n", "namespace"), switches=("wait",))
    except UsageError as error:
        io.err(f"Error: {error}\n")
        return 1
    status = collect(machine.client())
    if flags.on("wait") and status.errors:
        io.sleep(900)
        status = collect(machine.client())
        if status.errors:
            io.out(status.text())
            text = (
                "timeout while waiting for status to become successful: context deadline exceeded"
            )
            return _fail(io, "determine status", text)
    io.out(status.text())
    return 0


def _hubble_enable(argv: list[str], io: LaptopIO, machines: Machines) -> int:
    machine = machines.current
    if machine is None:
        return _fail(io, "enable Hubble", _NO_CONFIG)
    for word in argv:
        io.err(f"Error: unknown flag: {word}\n")
        return 1
    client = machine.client()
    try:
        find(client, "secrets", CA_SECRET)
    except NotFound as error:
        text = f"unable to get secret {NAMESPACE}/{CA_SECRET}: {error.message}"
        io.out(f"❌ Cilium CA not found: {text}\n")
        return _fail(io, "enable Hubble", text)
    io.out(f"🔑 Found existing CA in secret {CA_SECRET}\n")
    if exists(client, "deployments", RELAY):
        io.out("✅ Relay is already deployed\n")
        return 0
    io.out("🔑 Generating certificates for Relay...\n")
    certificate(io, machines)
    certificate(io, machines)
    io.out("✨ Deploying Relay...\n")
    for document in relay_documents(machine.runtime.profile.cni_version):
        kind = client.kind_of(document)
        assert kind is not None
        client.create(kind, document, NAMESPACE if kind.namespaced else None)
    return 0


def _hubble_disable(_argv: list[str], io: LaptopIO, machines: Machines) -> int:
    machine = machines.current
    if machine is None:
        return _fail(io, "disable Hubble", _NO_CONFIG)
    io.out("🔥 Deleting Relay...\n🔥 Deleting Relay certificates...\n")
    delete(machine.client(), RELAY)
    return 0


_HELP = """\
CLI to install, manage, & troubleshooting Cilium clusters running Kubernetes.

Cilium is a CNI for Kubernetes to provide secure network connectivity and
load-balancing with excellent visibility using eBPF

Examples:
# Install Cilium in current Kubernetes context
cilium install

# Check status of Cilium
cilium status

# Enable the Hubble observability layer
cilium hubble enable

Usage:
  cilium [command]

Available Commands:
  help         Help about any command
  hubble       Hubble observability
  install      Install Cilium in a Kubernetes cluster
  status       Display status
  uninstall    Uninstall Cilium
  version      Display detailed version information

Flags:
  -h, --help   help for cilium

Use "cilium [command] --help" for more information about a command.
"""

_HUBBLE_HELP = """\
Hubble observability

Usage:
  cilium hubble [command]

Available Commands:
  disable     Disable Hubble observability
  enable      Enable Hubble observability

Flags:
  -h, --help   help for hubble

Use "cilium hubble [command] --help" for more information about a command.
"""

_COMMANDS: dict[str, Handler] = {
    "version": _version,
    "install": _install,
    "uninstall": _uninstall,
    "status": _status,
    "hubble enable": _hubble_enable,
    "hubble disable": _hubble_disable,
}
