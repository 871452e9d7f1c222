"""hubble's flow filters: the same flag twice means or, different flags mean and."""

from __future__ import annotations

import re
from collections.abc import Callable

from minik8s.bash.dates import parse as parse_date
from minik8s.policy import Direction
from minik8s.terminal.standins.flags import UsageError
from minik8s.terminal.standins.flows import End, Flow, Point

Test = Callable[[Flow], bool]

_VERDICTS = ("FORWARDED", "DROPPED", "ERROR", "AUDIT", "REDIRECTED", "TRACED", "TRANSLATED")
_PROTOCOLS = {"tcp": "TCP", "udp": "UDP", "sctp": "SCTP", "icmp": "ICMP", "icmpv4": "ICMP"}
_PROTOCOLS |= {"icmpv6": "ICMPv6", "dns": "DNS", "http": "HTTP", "kafka": "KAFKA"}
_TYPES = {
    "drop": (Point.DROP,),
    "policy-verdict": (Point.VERDICT,),
    "trace": (Point.TO_ENDPOINT, Point.TO_STACK, Point.TO_OVERLAY),
    "l7": (),
}

VALUED = (
    "namespace",
    "from-namespace",
    "to-namespace",
    "pod",
    "from-pod",
    "to-pod",
    "ip",
    "from-ip",
    "to-ip",
    "port",
    "from-port",
    "to-port",
    "label",
    "from-label",
    "to-label",
    "identity",
    "from-identity",
    "to-identity",
    "protocol",
    "verdict",
    "type",
    "traffic-direction",
    "node-name",
    "workload",
)
"""The flags that choose flows, each with a value."""


def test_for(name: str, value: str) -> Test:
    """The test that `--name value` stands for; raises UsageError."""
    side, _, bare = name.partition("-") if name.startswith(("from-", "to-")) else ("", "", name)
    if bare in _ENDS:
        make = _ENDS[bare]
        matches = make(value)
        return lambda flow: any(matches(end) for end in _sides(flow, side))
    return _FLOWS[bare](value)


def _sides(flow: Flow, side: str) -> tuple[End, ...]:
    if side == "from":
        return (flow.source,)
    return (flow.destination,) if side == "to" else (flow.source, flow.destination)


def _pod(value: str) -> Callable[[End], bool]:
    namespace, slash, name = value.rpartition("/")
    namespace = namespace if slash else "default"
    return lambda end: end.is_pod and end.namespace == namespace and end.pod.startswith(name)


def _label(value: str) -> Callable[[End], bool]:
    wanted = value if ":" in value else f"k8s:{value}"

    def matches(end: End) -> bool:
        if not end.is_pod:
            return value in (f"reserved:{end.identity}", str(end.identity))
        names = {label.partition("=")[0] for label in end.labels}
        return wanted in end.labels or wanted in names

    return matches


def _workload(value: str) -> Callable[[End], bool]:
    kind, slash, name = value.rpartition("/")
    return lambda end: (
        end.workload[0] == name and (not slash or end.workload[1].lower() == kind.lower())
    )


def _port(value: str) -> Callable[[End], bool]:
    if not value.isdigit() or int(value) > 65535:
        raise UsageError(f"invalid port filter: {value}")
    return lambda end: end.port == int(value)


_ENDS: dict[str, Callable[[str], Callable[[End], bool]]] = {
    "namespace": lambda value: lambda end: end.is_pod and end.namespace == value,
    "pod": _pod,
    "ip": lambda value: lambda end: end.address == value,
    "port": _port,
    "label": _label,
    "identity": lambda value: lambda end: str(end.identity) == value,
    "workload": _workload,
}


def _protocol(value: str) -> Test:
    protocol = _PROTOCOLS.get(value.lower())
    if protocol is None:
        raise UsageError(f'invalid protocol filter: unknown protocol: "{value}"')
    return lambda flow: flow.protocol == protocol


def _verdict(value: str) -> Test:
    if value not in _VERDICTS:
        raise UsageError(
            f'invalid argument "{value}" for "--verdict" flag: invalid --verdict value: {value}'
        )
    return lambda flow: flow.verdict == value


def _type(value: str) -> Test:
    kind, _, subtype = value.partition(":")
    if kind not in _TYPES:
        raise UsageError(
            f'invalid argument "{value}" for "-t, --type" flag: invalid event type: {kind}'
        )
    points = _TYPES[kind]
    return lambda flow: flow.point in points and (not subtype or flow.point.label == subtype)


def _direction(value: str) -> Test:
    names = {"ingress": Direction.INGRESS, "egress": Direction.EGRESS}
    if value.lower() not in names:
        raise UsageError(f"{value}: invalid traffic direction, expected ingress or egress")
    return lambda flow: flow.direction is names[value.lower()]


_FLOWS: dict[str, Callable[[str], Test]] = {
    "protocol": _protocol,
    "verdict": _verdict,
    "type": _type,
    "traffic-direction": _direction,
    "node-name": lambda value: lambda flow: flow.node == value or flow.node.endswith(f"/{value}"),
}


def chosen(flow: Flow, tests: dict[tuple[str, bool], list[Test]]) -> bool:
    """Whether a flow passes: one test of each flag, and none of those behind `--not`."""
    for (_, negated), group in tests.items():
        if any(test(flow) for test in group) == negated:
            return False
    return True


def moment(text: str, name: str, now: float) -> float:
    """A `--since` or `--until`: `5m` ago, or a time; raises UsageError."""
    match = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?", text)
    if match and text:
        hours, minutes, seconds = (float(part or 0) for part in match.groups())
        return now - hours * 3600 - minutes * 60 - seconds
    at = parse_date(text, now) if re.match(r"\d{4}-", text) else None
    if at is None:
        raise UsageError(f"failed to parse the {name} time: failed to convert {text} to time")
    return at
