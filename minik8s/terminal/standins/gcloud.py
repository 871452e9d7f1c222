"""`gcloud container clusters`, as Google's Cloud SDK 331 of March 2021 printed it."""

from __future__ import annotations

from collections.abc import Callable

from minik8s.clock import rfc3339
from minik8s.runtime import ClusterProfile, NodeProfile
from minik8s.terminal.io import LaptopIO
from minik8s.terminal.machines import Machine, Machines
from minik8s.terminal.standins.flags import Flags

PROJECT = "my-project-271828"
VERSION = "1.18.12-gke.1210"
SDK = "331.0.0"
DEFAULT_ZONE = "us-central1-c"
_CREATION = 180.0
"""How long GKE takes to make a cluster, in simulated seconds."""

_VERSION_TEXT = """\
Google Cloud SDK 331.0.0
bq 2.0.65
core 2021.03.05
gsutil 4.59
"""
_HEADER = (
    "NAME",
    "LOCATION",
    "MASTER_VERSION",
    "MASTER_IP",
    "MACHINE_TYPE",
    "NODE_VERSION",
    "NUM_NODES",
    "STATUS",
)
_WARNINGS = (
    "WARNING: Starting in January 2021, clusters will use the Regular release channel by default "
    "when `--cluster-version`, `--release-channel`, `--no-enable-autoupgrade`, and "
    "`--no-enable-autorepair` flags are not specified.",
    "WARNING: Currently VPC-native is not the default mode during cluster creation. In the "
    "future, this will become the default mode and can be disabled using "
    "`--no-enable-ip-alias` flag. Use `--[no-]enable-ip-alias` flag to suppress this warning.",
    "WARNING: Starting with version 1.18, clusters will have shielded GKE nodes by default.",
    "WARNING: Your Pod address range (`--cluster-ipv4-cidr`) can accommodate at most 1008 "
    "node(s). ",
)
_IMAGE_WARNING = (
    "WARNING: Starting with version 1.19, newly created clusters and node-pools will have "
    "COS_CONTAINERD as the default node image when no image type is specified."
)
_POD_CIDR = "10.52.0.0/14"

Handler = Callable[[list[str], LaptopIO, "Gke"], int]


class Gke:
    """The clusters of the project, and what gcloud remembers about each."""

    def __init__(self, machines: Machines) -> None:
        self.machines = machines
        self.clusters: dict[str, GkeCluster] = {}


class GkeCluster:
    """One cluster as `list` and `describe` show it."""

    def __init__(self, machine: Machine, name: str, zone: str, kind: str, nodes: int) -> None:
        self.machine = machine
        self.name = name
        self.zone = zone
        self.machine_type = kind
        self.nodes = nodes
        self.created = machine.runtime.clock.now

    @property
    def address(self) -> str:
        """The address of its API server."""
        return self.machine.server.removeprefix("https://")

    def row(self) -> tuple[str, ...]:
        """Its line in a table."""
        return (
            self.name,
            self.zone,
            VERSION,
            self.address,
            self.machine_type,
            VERSION,
            str(self.nodes),
            "RUNNING",
        )


def main(argv: list[str], io: LaptopIO, gke: Gke) -> int:
    """Run `gcloud ARGV...`."""
    if argv[:1] in (["version"], ["--version"], ["-v"]):
        io.out(_VERSION_TEXT)
        return 0
    for path, handler in _COMMANDS.items():
        words = path.split()
        if argv[: len(words)] == words:
            return handler(argv[len(words) :], io, gke)
    return _unknown(argv, io)


def _unknown(argv: list[str], io: LaptopIO) -> int:
    path: list[str] = []
    for word in argv:
        group = ".".join(["gcloud", *path])
        if not any(known.startswith(" ".join([*path, word])) for known in _COMMANDS):
            io.err(f"ERROR: ({group}) Invalid choice: '{word}'.\n")
            io.err("The simulated gcloud knows `container clusters` and `config` only.\n")
            return 2
        path.append(word)
    io.err(f"ERROR: ({'.'.join(['gcloud', *path])}) Command name argument expected.\n")
    return 2


def _read(argv: list[str]) -> Flags:
    """gcloud's flags: those that are not switches take a value."""
    flags, rest = Flags(), list(argv)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-"):
            flags.words.append(word)
            continue
        name, equals, value = word.lstrip("-").partition("=")
        name = {"z": "zone", "m": "machine-type", "q": "quiet"}.get(name, name)
        switch = name.startswith(("enable-", "no-")) or name in ("quiet", "async", "preemptible")
        if not equals and not switch and rest and not rest[0].startswith("-"):
            value = rest.pop(0)
        flags.values.setdefault(name, []).append(value if value or equals else "true")
    return flags


def _create(argv: list[str], io: LaptopIO, gke: Gke) -> int:
    flags = _read(argv)
    verb = "gcloud.container.clusters.create"
    if not flags.words:
        io.err(f"ERROR: ({verb}) argument NAME: Must be specified.\n")
        return 2
    name = flags.words[0]
    zone = flags.get("zone") or flags.get("region") or DEFAULT_ZONE
    count = flags.get("num-nodes", "3")
    if not count.isdigit() or int(count) < 1:
        io.err(f"ERROR: ({verb}) argument --num-nodes: invalid int value: '{count}'\n")
        return 2
    if name in gke.clusters:
        io.err(f"ERROR: ({verb}) ResponseError: code=409, message=Already exists: ")
        io.err(f"projects/{PROJECT}/zones/{zone}/clusters/{name}.\n")
        return 1
    for warning in _WARNINGS if flags.get("image-type") else (*_WARNINGS, _IMAGE_WARNING):
        io.err(warning + "\n")
    kind = flags.get("machine-type", "e2-medium")
    cluster = _make(gke, name, zone, kind, int(count))
    _announce(io, cluster)
    _table(io, [cluster])
    return 0


def _make(gke: Gke, name: str, zone: str, kind: str, count: int) -> GkeCluster:
    machines = gke.machines
    pool = machines.digits(8)
    letters = "bcdfghjklmnpqrstvwxz0123456789"
    names = sorted(
        f"gke-{name}-default-pool-{pool}-{machines.digits(4, letters)}" for _ in range(count)
    )
    labels = {
        "beta.kubernetes.io/instance-type": kind,
        "cloud.google.com/gke-nodepool": "default-pool",
        "cloud.google.com/gke-os-distribution": "cos",
        "failure-domain.beta.kubernetes.io/region": zone.rpartition("-")[0],
        "failure-domain.beta.kubernetes.io/zone": zone,
    }
    profile = ClusterProfile(
        nodes=tuple(NodeProfile(node, labels=labels) for node in names),
        name=name,
        version=f"v{VERSION}",
        pod_cidr=_POD_CIDR,
        service_cidr="10.55.240.0/20",
        node_cidr="10.168.0.0/20",
        cni="bridge",
        container_runtime="docker://19.3.6",
        os_image="Container-Optimized OS from Google",
        kernel="5.4.49+",
        age=_CREATION,
    )
    context = f"gke_{PROJECT}_{zone}_{name}"
    server = f"https://34.94.{machines.random.randrange(256)}.{machines.random.randrange(1, 255)}"
    user = {"auth-provider": {"config": {"cmd-path": "/usr/bin/gcloud"}, "name": "gcp"}}
    cluster = GkeCluster(
        machines.add(context, profile, server=server, user=user), name, zone, kind, count
    )
    gke.clusters[name] = cluster
    return cluster


def _announce(io: LaptopIO, cluster: GkeCluster) -> None:
    name, zone = cluster.name, cluster.zone
    place = f"projects/{PROJECT}/zones/{zone}/clusters/{name}"
    io.err(f"Creating cluster {name} in {zone}... ")
    io.err("Cluster is being health-checked (master is healthy)...done.\n")
    io.err(f"Created [https://container.googleapis.com/v1/{place}].\n")
    io.err(
        "To inspect the contents of your cluster, go to: https://console.cloud.google.com/"
        f"kubernetes/workload_/gcloud/{zone}/{name}?project={PROJECT}\n"
    )
    io.err(f"kubeconfig entry generated for {name}.\n")


def _table(io: LaptopIO, clusters: list[GkeCluster]) -> None:
    rows = [_HEADER, *(cluster.row() for cluster in clusters)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADER))]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        io.out("  ".join(cells).rstrip() + "\n")


def _find(argv: list[str], io: LaptopIO, gke: Gke, verb: str) -> GkeCluster | None:
    flags = _read(argv)
    group = f"gcloud.container.clusters.{verb}"
    if not flags.words:
        io.err(f"ERROR: ({group}) argument NAME: Must be specified.\n")
        return None
    name = flags.words[0]
    cluster = gke.clusters.get(name)
    zone = flags.get("zone") or flags.get("region")
    if cluster is not None and zone in ("", cluster.zone):
        return cluster
    place = f"projects/{PROJECT}/zones/{zone or DEFAULT_ZONE}/clusters/{name}"
    io.err(f"ERROR: ({group}) ResponseError: code=404, message=Not found: {place}.\n")
    io.err(f"No cluster named '{name}' in {PROJECT}.\n")
    return None


def _get_credentials(argv: list[str], io: LaptopIO, gke: Gke) -> int:
    io.err("Fetching cluster endpoint and auth data.\n")
    cluster = _find(argv, io, gke, "get-credentials")
    if cluster is None:
        return 1
    user = {"auth-provider": {"config": {"cmd-path": "/usr/bin/gcloud"}, "name": "gcp"}}
    gke.machines.enter(cluster.machine, user)
    io.err(f"kubeconfig entry generated for {cluster.name}.\n")
    return 0


def _list(_argv: list[str], io: LaptopIO, gke: Gke) -> int:
    if gke.clusters:
        _table(io, sorted(gke.clusters.values(), key=lambda cluster: cluster.name))
    return 0


def _describe(argv: list[str], io: LaptopIO, gke: Gke) -> int:
    cluster = _find(argv, io, gke, "describe")
    if cluster is None:
        return 1
    wanted = _read(argv).get("format")
    fields = {
        "clusterIpv4Cidr": _POD_CIDR,
        "createTime": f"'{rfc3339(cluster.created)[:-1]}+00:00'",
        "currentMasterVersion": VERSION,
        "currentNodeCount": str(cluster.nodes),
        "currentNodeVersion": VERSION,
        "endpoint": cluster.address,
        "location": cluster.zone,
        "name": cluster.name,
        "network": "default",
        "servicesIpv4Cidr": "10.55.240.0/20",
        "status": "RUNNING",
        "zone": cluster.zone,
    }
    if wanted.startswith("value("):
        names = wanted.removeprefix("value(").rstrip(")").split(",")
        io.out("\t".join(fields.get(name.strip(), "").strip("'") for name in names) + "\n")
        return 0
    io.out("".join(f"{key}: {value}\n" for key, value in fields.items()))
    return 0


def _delete(argv: list[str], io: LaptopIO, gke: Gke) -> int:
    cluster = _find(argv, io, gke, "delete")
    if cluster is None:
        return 1
    name, zone = cluster.name, cluster.zone
    if not _read(argv).on("quiet"):
        io.err("The following clusters will be deleted.\n")
        io.err(f" - [{name}] in [{zone}]\n\n")
        io.err("Do you want to continue (Y/n)?  ")
        answer = io.read_line() if io.interactive else (io.stdin if io.stdin is not None else "y\n")
        if not io.interactive:
            io.err("\n")
        if answer is None or (answer.strip() or "y")[0] not in "yY":
            io.err("Aborted by user.\n")
            return 1
    gke.machines.remove(cluster.machine.context)
    del gke.clusters[name]
    io.err(f"Deleting cluster {name}...done.\n")
    place = f"projects/{PROJECT}/zones/{zone}/clusters/{name}"
    io.err(f"Deleted [https://container.googleapis.com/v1/{place}].\n")
    return 0


_PROPERTIES = {"project": PROJECT, "account": "you@example.com", "compute/zone": ""}


def _get_value(argv: list[str], io: LaptopIO, _gke: Gke) -> int:
    name = (argv[0] if argv else "").removeprefix("core/")
    value = _PROPERTIES.get(name, "")
    if value:
        io.out(value + "\n")
    else:
        io.err("(unset)\n")
    return 0


def _config_list(_argv: list[str], io: LaptopIO, _gke: Gke) -> int:
    io.out("[core]\naccount = you@example.com\ndisable_usage_reporting = True\n")
    io.out(f"project = {PROJECT}\n\n")
    io.err("Your active configuration is: [default]\n")
    return 0


_COMMANDS: dict[str, Handler] = {
    "container clusters create": _create,
    "container clusters get-credentials": _get_credentials,
    "container clusters list": _list,
    "container clusters describe": _describe,
    "container clusters delete": _delete,
    "config get-value": _get_value,
    "config list": _config_list,
}
