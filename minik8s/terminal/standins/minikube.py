"""`minikube`, as v1.18.1 of March 2021 printed it, with the docker driver."""

from __future__ import annotations

from collections.abc import Callable

from minik8s.model.registry import DEPLOYMENT
from minik8s.runtime import ClusterProfile, NodeProfile
from minik8s.terminal.io import LaptopIO
from minik8s.terminal.machines import Machines
from minik8s.terminal.standins.flags import Flags

VERSION = "v1.18.1"
KUBERNETES = "v1.20.2"
ADDRESS = "192.168.49.2"
NAME = "minikube"
_BOOT = 60.0
"""How long a start takes, in simulated seconds."""

_VALUED = (
    "network-plugin",
    "cni",
    "driver",
    "vm-driver",
    "memory",
    "cpus",
    "nodes",
    "n",
    "profile",
    "p",
    "output",
    "o",
    "kubernetes-version",
    "container-runtime",
)

Handler = Callable[[Flags, LaptopIO, "Minikube"], int]


class Minikube:
    """The one profile: whether it exists and runs."""

    def __init__(self, machines: Machines) -> None:
        self.machines = machines
        self.running = False

    @property
    def exists(self) -> bool:
        """Whether there is a cluster, running or stopped."""
        return self.machines.get(NAME) is not None


class _Screen:
    """minikube's lines: an emoji on a terminal, a plain mark without one."""

    def __init__(self, io: LaptopIO) -> None:
        self._io = io

    def step(self, emoji: str, text: str) -> None:
        self._io.out(f"{emoji}  {text}\n" if self._io.tty else f"* {text}\n")

    def detail(self, text: str) -> None:
        self._io.out(f"    ▪ {text}\n" if self._io.tty else f"  - {text}\n")

    def warn(self, text: str) -> None:
        self._io.err(f"❗  {text}\n" if self._io.tty else f"! {text}\n")


def main(argv: list[str], io: LaptopIO, minikube: Minikube) -> int:
    """Run `minikube ARGV...`."""
    flags = _read(argv)
    command = " ".join(flags.words[:2])
    for path, handler in _COMMANDS.items():
        if command == path or command.startswith(path + " "):
            return handler(flags, io, minikube)
    if not flags.words:
        io.out(_HELP)
        return 0
    io.err(f'Error: unknown command "{flags.words[0]}" for "minikube"\n')
    io.err("Run 'minikube --help' for usage.\n")
    return 64


def _read(argv: list[str]) -> Flags:
    """minikube's flags; a value may follow after a blank."""
    flags, rest = Flags(), list(argv)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-"):
            flags.words.append(word)
            continue
        name, equals, value = word.lstrip("-").partition("=")
        if not equals and name in _VALUED and rest:
            value = rest.pop(0)
        flags.values.setdefault(name, []).append(value or "true")
    return flags


def _start(flags: Flags, io: LaptopIO, minikube: Minikube) -> int:
    screen = _Screen(io)
    plugin, cni = flags.get("network-plugin"), flags.get("cni")
    screen.step("😄", f"minikube {VERSION} on Ubuntu 20.04")
    if minikube.exists:
        return _restart(screen, minikube)
    driver = flags.get("driver") or flags.get("vm-driver")
    if driver:
        screen.step("✨", f"Using the {driver} driver based on user configuration")
    else:
        screen.step("✨", "Automatically selected the docker driver. Other choices: none, ssh")
    if plugin == "cni" and not cni:
        screen.warn(
            "With --network-plugin=cni, you will need to provide your own CNI. See --cni flag as "
            "a user-friendly alternative"
        )
    screen.step("👍", f"Starting control plane node {NAME} in cluster {NAME}")
    screen.step("🔥", "Creating docker container (CPUs=2, Memory=3900MB) ...")
    screen.step("🐳", f"Preparing Kubernetes {KUBERNETES} on Docker 20.10.3 ...")
    for text in (
        "Generating certificates and keys ...",
        "Booting up control plane ...",
        "Configuring RBAC rules ...",
    ):
        screen.detail(text)
    if cni:
        shown = {"true": "bridge", "auto": "bridge"}.get(cni, cni)
        name = {"cilium": "Cilium", "calico": "Calico", "kindnet": "CNI"}.get(shown, shown)
        screen.step("🔗", f"Configuring {name} (Container Networking Interface) ...")
    _boot(minikube, plugin, cni)
    screen.step("🔎", "Verifying Kubernetes components...")
    screen.detail("Using image gcr.io/k8s-minikube/storage-provisioner:v4")
    screen.step("🌟", "Enabled addons: storage-provisioner, default-storageclass")
    return _done(screen)


def _done(screen: _Screen) -> int:
    screen.step(
        "🏄",
        f'Done! kubectl is now configured to use "{NAME}" cluster and "default" namespace by '
        "default",
    )
    return 0


def _restart(screen: _Screen, minikube: Minikube) -> int:
    screen.step("✨", "Using the docker driver based on existing profile")
    screen.step("👍", f"Starting control plane node {NAME} in cluster {NAME}")
    if minikube.running:
        screen.step("🏃", f'Updating the running docker "{NAME}" container ...')
    else:
        screen.step("🔄", f'Restarting existing docker container for "{NAME}" ...')
    screen.step("🐳", f"Preparing Kubernetes {KUBERNETES} on Docker 20.10.3 ...")
    screen.step("🔎", "Verifying Kubernetes components...")
    screen.detail("Using image gcr.io/k8s-minikube/storage-provisioner:v4")
    screen.step("🌟", "Enabled addons: storage-provisioner, default-storageclass")
    machine = minikube.machines.get(NAME)
    assert machine is not None
    minikube.machines.enter(machine)
    minikube.running = True
    return _done(screen)


def _boot(minikube: Minikube, plugin: str, cni: str) -> None:
    profile = ClusterProfile(
        nodes=(NodeProfile(NAME, roles=("control-plane", "master"), address=ADDRESS),),
        name=NAME,
        version=KUBERNETES,
        node_cidr="192.168.49.0/24",
        cni=None if plugin == "cni" and not cni else "bridge",
        cni_version="v1.9.4",
        container_runtime="docker://20.10.3",
        os_image="Ubuntu 20.04.1 LTS",
        kernel="5.4.0-66-generic",
        age=_BOOT,
    )
    if cni in ("false", "none"):
        profile = profile.with_cni(None)
    elif cni == "cilium":
        profile = profile.with_cni("cilium", "v1.9.4")
    machine = minikube.machines.add(NAME, profile, server=f"https://{ADDRESS}:8443")
    machine.client().patch(DEPLOYMENT, "coredns", {"spec": {"replicas": 1}}, "kube-system")
    minikube.running = True


def _missing(io: LaptopIO) -> int:
    screen = _Screen(io)
    screen.step(
        "🤷", f'Profile "{NAME}" not found. Run "minikube profile list" to view all profiles.'
    )
    screen.step("👉", 'To start a cluster, run: "minikube start"')
    return 85


def _status(_flags: Flags, io: LaptopIO, minikube: Minikube) -> int:
    if not minikube.exists:
        return _missing(io)
    state = "Running" if minikube.running else "Stopped"
    config = "Configured" if minikube.running else "Stopped"
    io.out(
        f"{NAME}\ntype: Control Plane\nhost: {state}\nkubelet: {state}\napiserver: {state}\n"
        f"kubeconfig: {config}\ntimeToStop: Nonexistent\n\n"
    )
    return 0 if minikube.running else 7


def _stop(_flags: Flags, io: LaptopIO, minikube: Minikube) -> int:
    if not minikube.exists:
        return _missing(io)
    screen = _Screen(io)
    screen.step("✋", f'Stopping node "{NAME}"  ...')
    screen.step("🛑", f'Powering off "{NAME}" via SSH ...')
    screen.step("🛑", "1 nodes stopped.")
    minikube.running = False
    minikube.machines.contexts.forget(NAME)
    return 0


def _delete(_flags: Flags, io: LaptopIO, minikube: Minikube) -> int:
    screen = _Screen(io)
    if not minikube.exists:
        text = f'"{NAME}" profile does not exist, trying anyways.'
        io.err(f"🙄  {text}\n" if io.tty else f"* {text}\n")
    else:
        home = io.env.get("HOME", "")
        screen.step("🔥", f'Deleting "{NAME}" in docker ...')
        screen.step("🔥", f'Deleting container "{NAME}" ...')
        screen.step("🔥", f"Removing {home}/.minikube/machines/{NAME} ...")
        minikube.machines.remove(NAME)
        minikube.running = False
    screen.step("💀", f'Removed all traces of the "{NAME}" cluster.')
    return 0


def _version(_flags: Flags, io: LaptopIO, _minikube: Minikube) -> int:
    io.out(f"minikube version: {VERSION}\ncommit: 09ee84d530de4a92f00f1c5dbc34cead092b95bc\n")
    return 0


def _ip(_flags: Flags, io: LaptopIO, minikube: Minikube) -> int:
    if not minikube.exists:
        return _missing(io)
    io.out(ADDRESS + "\n")
    return 0


def _profile_list(_flags: Flags, io: LaptopIO, minikube: Minikube) -> int:
    if not minikube.exists:
        screen = _Screen(io)
        text = "No minikube profile was found. You can create one using `minikube start`."
        screen.step("🤹", text)
        return 0
    state = "Running" if minikube.running else "Stopped"
    header = ("Profile", "VM Driver", "Runtime", "IP", "Port", "Version", "Status", "Nodes")
    row = (NAME, "docker", "docker", ADDRESS, "8443", KUBERNETES, state, "1")
    widths = [max(len(a), len(b)) + 2 for a, b in zip(header, row, strict=True)]
    rule = "|" + "|".join("-" * width for width in widths) + "|\n"
    titles = "|" + "|".join(t.center(w) for t, w in zip(header, widths, strict=True)) + "|\n"
    cells = "|" + "|".join(f" {c}".ljust(w) for c, w in zip(row, widths, strict=True)) + "|\n"
    io.out(rule + titles + rule + cells + rule)
    return 0


_HELP = """\
minikube provisions and manages local Kubernetes clusters optimized for development workflows.

Basic Commands:
  start          Starts a local Kubernetes cluster
  status         Gets the status of a local Kubernetes cluster
  stop           Stops a running local Kubernetes cluster
  delete         Deletes a local Kubernetes cluster
  ip             Retrieves the IP address of the running cluster
  profile list   Lists all minikube profiles
  version        Print the version of minikube
"""

_COMMANDS: dict[str, Handler] = {
    "start": _start,
    "status": _status,
    "stop": _stop,
    "delete": _delete,
    "version": _version,
    "ip": _ip,
    "profile list": _profile_list,
}
