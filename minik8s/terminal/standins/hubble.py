"""`hubble` v1.19.4: what Hubble's relay tells about the packets of the cluster.

It speaks to `localhost:4245`, so a `kubectl port-forward` to the relay must be running.
"""

from __future__ import annotations

from minik8s.network.trace import Event
from minik8s.terminal.io import LaptopIO
from minik8s.terminal.machines import Machine, Machines
from minik8s.terminal.standins.flags import Flags, UsageError, parse
from minik8s.terminal.standins.flowfilter import VALUED, Test, chosen, moment, test_for
from minik8s.terminal.standins.flows import BUFFER, Flow, FlowLog
from minik8s.terminal.standins.flowtext import FORMATS, Style, Writer

VERSION = "v1.19.4"
_LAST = 20
_VALUED = (
    *VALUED,
    "server",
    "output",
    "last",
    "first",
    "since",
    "until",
    "time-format",
    "color",
    "timeout",
    "request-timeout",
    "port-forward-port",
)
_SWITCHES = (
    "follow",
    "all",
    "not",
    "print-node-name",
    "print-policy-names",
    "numeric",
    "ip-translation",
    "port-forward",
    "help",
    "version",
    "debug",
    "silent-errors",
)
_SHORT = {
    "f": "follow",
    "n": "namespace",
    "t": "type",
    "o": "output",
    "l": "label",
    "P": "port-forward",
    "h": "help",
    "D": "debug",
    "s": "silent-errors",
}


class Hubble:
    """The flow logs of the terminal's clusters."""

    def __init__(self, machines: Machines) -> None:
        self._machines = machines
        self._logs: dict[str, FlowLog] = {}

    def watch(self, machine: Machine) -> None:
        """Start to log a cluster's flows."""
        self._logs[machine.context] = FlowLog(machine.runtime)

    def relay(self, io: LaptopIO, flags: Flags) -> tuple[Machine, FlowLog]:
        """The cluster behind `--server`; raises UsageError with the connection's error."""
        if flags.on("port-forward"):
            return self._forwarded()
        server = flags.get("server") or io.env.get("HUBBLE_SERVER") or "localhost:4245"
        server = server.removeprefix("tcp://")
        host, _, port = server.rpartition(":")
        connection = io.dial(int(port)) if _is_local(host) and port.isdigit() else None
        if connection is None or not connection.traces:
            raise UsageError(_unreachable(server))
        trace = connection.traces[0]
        connection.abort()
        accepted = any(hop.event is Event.ACCEPTED for hop in trace.hops)
        for machine in self._machines:
            if accepted and any(known is trace for known in machine.runtime.network.traces):
                if "hubble-relay" in trace.hops[0].node:
                    return machine, self._logs[machine.context]
                break
        raise UsageError(
            "rpc error: code = Unavailable desc = connection error: desc = "
            '"error reading server preface: http2: frame too large"'
        )

    def _forwarded(self) -> tuple[Machine, FlowLog]:
        machine = self._machines.current
        missing = 'failed to port forward: failed to get service "hubble-relay": '
        if machine is None:
            raise UsageError(missing + "no configuration has been provided")
        client = machine.client()
        kind = client.find("services")
        assert kind is not None
        names = [item["metadata"]["name"] for item in client.list(kind, "kube-system")["items"]]
        if "hubble-relay" not in names:
            raise UsageError(missing + 'services "hubble-relay" not found')
        return machine, self._logs[machine.context]


def _is_local(host: str) -> bool:
    return host in ("localhost", "127.0.0.1", "::1", "[::1]", "")


def _unreachable(server: str) -> str:
    address = server.replace("localhost", "127.0.0.1")
    return (
        'rpc error: code = Unavailable desc = connection error: desc = "transport: Error while '
        f'dialing: dial tcp {address}: connect: connection refused"'
    )


def main(argv: list[str], io: LaptopIO, hubble: Hubble) -> int:
    """Run `hubble ARGV...`."""
    command = argv[0] if argv and not argv[0].startswith("-") else ""
    rest = argv[1:] if command else argv
    try:
        if command == "version":
            io.out(f"hubble {VERSION}@HEAD-1b30e3d compiled with go1.25.5 on linux/amd64\n")
        elif command in ("help", "") and "--version" not in rest:
            io.out(_HELP)
        elif command == "":
            io.out(f"hubble {VERSION}\n")
        elif command == "status":
            _status(rest, io, hubble)
        elif command in ("observe", "list") and not (command == "list" and rest[:1] != ["nodes"]):
            return _observe(rest, io, hubble) if command == "observe" else _nodes(rest, io, hubble)
        else:
            raise UsageError(f'unknown command "{command}" for "hubble"')
    except UsageError as error:
        io.err(f"{error}\n")
        return 1
    return 0


def _status(argv: list[str], io: LaptopIO, hubble: Hubble) -> None:
    flags = parse(argv, valued=_VALUED, switches=_SWITCHES, short=_SHORT)
    try:
        _, log = hubble.relay(io, flags)
    except UsageError as error:
        raise UsageError(f"failed getting status: {error}") from error
    server = flags.get("server") or "localhost:4245"
    nodes = len(log.nodes)
    current, most = len(log.flows), BUFFER * nodes
    seconds = io.now() - log.first if log.first is not None else 0.0
    rate = log.count / seconds if seconds > 0 else 0.0
    io.out(f"Healthcheck (via {server}): Ok\n")
    io.out(f"Current/Max Flows: {current:,}/{most:,} ({100 * current / most:.2f}%)\n")
    io.out(f"Flows/s: {rate:.2f}\nConnected Nodes: {nodes}/{nodes}\n")


def _nodes(argv: list[str], io: LaptopIO, hubble: Hubble) -> int:
    flags = parse(argv[1:], valued=_VALUED, switches=_SWITCHES, short=_SHORT)
    _, log = hubble.relay(io, flags)
    width = max(len(name) for name in [*log.nodes, "NAME"]) + 3
    io.out(f"{'NAME':<{width}}STATUS\n")
    for name in log.nodes:
        io.out(f"{name:<{width}}Connected\n")
    return 0


def _tests(argv: list[str]) -> tuple[dict[tuple[str, bool], list[Test]], list[str]]:
    """The filters, and the command line without `--not`, which negates the flag behind it."""
    tests: dict[tuple[str, bool], list[Test]] = {}
    negated = False
    rest, plain = list(argv), []
    while rest:
        word = rest.pop(0)
        if word == "--not":
            negated = True
            continue
        before = [word]
        name = word.lstrip("-").partition("=")[0]
        name = _SHORT.get(name, name) if not word.startswith("--") else name
        if name in _VALUED and "=" not in word and rest:
            before.append(rest.pop(0))
        plain += before
        if word.startswith("-") and name in VALUED and (len(before) == 2 or "=" in word):
            value = before[1] if len(before) == 2 else word.partition("=")[2]
            for part in value.split(","):
                tests.setdefault((name, negated), []).append(test_for(name, part))
            negated = False
    return tests, plain


def _observe(argv: list[str], io: LaptopIO, hubble: Hubble) -> int:
    tests, plain = _tests(argv)
    flags = parse(plain, valued=_VALUED, switches=_SWITCHES, short=_SHORT)
    if flags.on("help"):
        io.out(_HELP)
        return 0
    form = flags.get("output", "compact")
    follow = flags.on("follow")
    _check(form, follow, flags)
    now = io.now()
    since = moment(flags.get("since"), "since", now) if flags.get("since") else None
    until = moment(flags.get("until"), "until", now) if flags.get("until") else None
    machine, log = hubble.relay(io, flags)
    writer = Writer(form, _style(flags, io), io.out, machine.runtime.profile.name)
    flows = [flow for flow in log.flows if chosen(flow, tests)]
    if since is not None:
        flows = [flow for flow in flows if flow.time >= since]
    if until is not None:
        flows = [flow for flow in flows if flow.time <= until]
    if not follow:
        writer.write(_limited(flows, flags, bounded=since is None and until is None))
        return 0
    if flags.get("last") or since is not None:
        writer.write(_limited(flows, flags, bounded=False))
    elif not (io.interactive or io.background):
        # Nobody waits for what is still to come: a script gets what has flowed so far.
        writer.write(_limited(flows, flags, bounded=True))
    return _follow(io, log, tests, writer)


def _check(form: str, follow: bool, flags: Flags) -> None:
    if form not in FORMATS:
        raise UsageError(f"invalid output format: {form}")
    if follow and form in ("table", "tab"):
        raise UsageError("table output format is not compatible with follow mode")
    if flags.get("first") and flags.get("last"):
        raise UsageError("cannot set both --first and --last")
    for name in ("first", "last"):
        value = flags.get(name)
        if value and not value.isdigit():
            raise UsageError(
                f'invalid argument "{value}" for "--{name}" flag: strconv.ParseUint: parsing '
                f'"{value}": invalid syntax'
            )


def _style(flags: Flags, io: LaptopIO) -> Style:
    colour = flags.get("color", "auto")
    return Style(
        names=not flags.on("numeric") and flags.get("ip-translation", "true") == "true",
        node=flags.on("print-node-name"),
        policies=flags.on("print-policy-names"),
        colour=colour == "always" or (colour == "auto" and io.tty and io.interactive),
        rfc3339=flags.get("time-format").lower().startswith("rfc3339"),
    )


def _limited(flows: list[Flow], flags: Flags, *, bounded: bool) -> list[Flow]:
    if flags.get("first"):
        return flows[: int(flags.get("first"))]
    if flags.get("last"):
        return flows[max(0, len(flows) - int(flags.get("last"))) :]
    return flows[-_LAST:] if bounded and not flags.on("all") else flows


def _follow(
    io: LaptopIO, log: FlowLog, tests: dict[tuple[str, bool], list[Test]], writer: Writer
) -> int:
    told = log.count

    def pump() -> bool:
        nonlocal told
        new = log.count - told
        told = log.count
        recent = list(log.flows)[-new:] if new else []
        writer.write([flow for flow in recent if chosen(flow, tests)])
        return True

    io.follow(pump)
    return 0


_HELP = """\
Hubble is a utility to observe and inspect recent Cilium routed traffic in a cluster.

Usage:
  hubble [command]

Available Commands:
  help        Help about any command
  list        List Hubble objects
  observe     Observe flows and events of a Hubble server
  status      Display status of Hubble server
  version     Display detailed version information

Global Flags:
      --server string   Address of a Hubble server (default "localhost:4245")
  -h, --help            help for hubble

Get help:
  -h, --help	Help for any command or subcommand
"""
