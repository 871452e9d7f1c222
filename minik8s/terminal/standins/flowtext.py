"""Flows in hubble's four output formats: compact, table, dict, JSON."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from minik8s.bash.dates import render
from minik8s.policy import Direction
from minik8s.terminal.standins.flows import End, Flow, Point

FORMATS = ("compact", "table", "tab", "dict", "json", "jsonpb")
_HEADER = ("TIMESTAMP", "SOURCE", "DESTINATION", "TYPE", "VERDICT", "SUMMARY")
_PADDING = 3
_RULE = "------------"
CYAN, YELLOW, MAGENTA, GREEN, RED, RESET = (
    f"\033[{code}m" for code in ("36", "33", "35", "32", "31", "0")
)


@dataclass(frozen=True, slots=True)
class Style:
    """How flows are to be written."""

    names: bool = True
    node: bool = False
    policies: bool = False
    colour: bool = False
    rfc3339: bool = False


def _stamp(flow: Flow, style: Style) -> str:
    if style.rfc3339:
        return render(flow.time, "%Y-%m-%dT%H:%M:%S.%3NZ")
    return render(flow.time, "%b %e %H:%M:%S.%3N")


def _paint(style: Style, colour: str, text: str) -> str:
    return f"{colour}{text}{RESET}" if style.colour and text else text


def _host(end: End, style: Style) -> str:
    name = f"{end.namespace}/{end.pod}" if end.is_pod and style.names else end.address
    if not (end.is_pod and style.names) and ":" in name and end.port:
        name = f"[{name}]"
    text = _paint(style, CYAN, name)
    return f"{text}:{_paint(style, YELLOW, str(end.port))}" if end.port else text


def _identity(end: End, style: Style) -> str:
    text = f"(ID:{end.identity})" if end.is_pod else f"({end.identity})"
    return _paint(style, MAGENTA, text)


def _type(flow: Flow) -> str:
    if flow.point is not Point.VERDICT:
        return flow.point.label
    direction = "INGRESS" if flow.direction is Direction.INGRESS else "EGRESS"
    return f"policy-verdict:{flow.match.value[0]} {direction}"


def _verdict(flow: Flow, style: Style) -> str:
    if flow.point is Point.VERDICT:
        text = "DENIED" if flow.verdict == "DROPPED" else "ALLOWED"
        if style.policies and flow.policies and text == "ALLOWED":
            text += f" BY {', '.join(flow.policies)} (NetworkPolicy)"
    else:
        text = flow.verdict
    return _paint(style, GREEN if flow.verdict == "FORWARDED" else RED, text)


def compact(flow: Flow, style: Style) -> str:
    """One line; a reply is turned round."""
    source, destination, arrow = flow.source, flow.destination, "->"
    if flow.reply is None:
        arrow = "<>"
    elif flow.reply:
        source, destination, arrow = destination, source, "<-"
    node = f" [{flow.node}]" if style.node else ""
    return (
        f"{_stamp(flow, style)}{node}: {_host(source, style)} {_identity(source, style)} {arrow} "
        f"{_host(destination, style)} {_identity(destination, style)} {_type(flow)} "
        f"{_verdict(flow, style)} ({flow.summary})\n"
    )


def _fields(flow: Flow, style: Style) -> tuple[str, ...]:
    return (
        _stamp(flow, style),
        _host(flow.source, style),
        _host(flow.destination, style),
        _type(flow),
        _verdict(flow, style),
        flow.summary,
    )


def table(flows: Iterable[Flow], style: Style) -> str:
    """A header and one row for each flow, in the direction of the packet."""
    rows = [_HEADER, *(_fields(flow, style) for flow in flows)]
    if style.node:
        nodes = ["NODE", *(flow.node for flow in flows)]
        rows = [(row[0], node, *row[1:]) for row, node in zip(rows, nodes, strict=True)]
    widths = [max(len(row[column]) for row in rows) + _PADDING for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)]
        lines.append("".join(cells) + row[-1] + "\n")
    return "".join(lines)


def dictionary(flow: Flow, style: Style) -> str:
    """One line for each field."""
    keys = list(_HEADER)
    values = list(_fields(flow, style))
    if style.node:
        keys.insert(1, "NODE")
        values.insert(1, flow.node)
    return "".join(f"{key:>11}: {value}\n" for key, value in zip(keys, values, strict=True))


class Writer:
    """Writes flows as they come; only the table waits for all of them."""

    def __init__(self, form: str, style: Style, out: Callable[[str], None], cluster: str) -> None:
        self._form = form
        self._style = style
        self._out = out
        self._cluster = cluster
        self._written = 0

    def write(self, flows: list[Flow]) -> None:
        """Write some more flows."""
        if self._form in ("table", "tab"):
            self._out(table(flows, self._style))
            return
        for flow in flows:
            self._out(self._one(flow))
            self._written += 1

    def _one(self, flow: Flow) -> str:
        if self._form == "dict":
            return (_RULE + "\n" if self._written else "") + dictionary(flow, self._style)
        if self._form in ("json", "jsonpb"):
            document = _document(flow, self._cluster)
            return json.dumps(document, separators=(",", ":"), ensure_ascii=False) + "\n"
        return compact(flow, self._style)


def _document(flow: Flow, cluster: str) -> dict[str, Any]:
    """One flow as jsonpb writes it: zero values are left out."""
    time = render(flow.time, "%Y-%m-%dT%H:%M:%S.%NZ")
    body: dict[str, Any] = {
        "time": time,
        "uuid": str(UUID(int=_uuid_number(flow), version=4)),
        "verdict": flow.verdict,
    }
    if flow.point is Point.DROP or (flow.point is Point.VERDICT and flow.verdict == "DROPPED"):
        body["drop_reason"] = 133
    body["ethernet"] = {"source": _mac(flow.source), "destination": _mac(flow.destination)}
    version = "IPv6" if ":" in flow.source.address else "IPv4"
    body["IP"] = {
        "source": flow.source.address,
        "destination": flow.destination.address,
        "ipVersion": version,
    }
    body["l4"] = _l4(flow)
    body["source"] = _endpoint(flow.source, cluster)
    body["destination"] = _endpoint(flow.destination, cluster)
    body["Type"] = "L3_L4"
    body["node_name"] = flow.node
    body["node_labels"] = [f"kubernetes.io/hostname={flow.node}"]
    body.update(_event(flow))
    body["Summary"] = flow.summary
    return {"flow": body, "node_name": flow.node, "time": time}


def _mac(end: End) -> str:
    """The link-layer address of an interface; the simulated network has none of its own."""
    digits = f"{zlib.crc32(end.address.encode()):08x}{zlib.adler32(end.address.encode()):08x}"
    pairs = [digits[place : place + 2] for place in range(0, 10, 2)]
    return ":".join(["5e", *pairs])


def _event(flow: Flow) -> dict[str, Any]:
    _, number, subtype = flow.point.value
    event = {"type": number} if not subtype else {"type": number, "sub_type": subtype}
    fields: dict[str, Any] = {"event_type": event}
    if flow.direction is not None:
        fields["traffic_direction"] = flow.direction.name
    if flow.point is Point.VERDICT:
        if flow.match.value[1]:
            fields["policy_match_type"] = flow.match.value[1]
        if flow.verdict == "DROPPED":
            fields["drop_reason_desc"] = "POLICY_DENIED"
        elif flow.policies:
            key = "ingress" if flow.direction is Direction.INGRESS else "egress"
            namespace = (flow.destination if key == "ingress" else flow.source).namespace
            fields[f"{key}_allowed_by"] = [
                {"name": name, "namespace": namespace, "kind": "NetworkPolicy"}
                for name in flow.policies
            ]
    elif flow.point is Point.DROP:
        fields["drop_reason_desc"] = "POLICY_DENIED"
    else:
        fields["trace_observation_point"] = flow.point.name
        fields["trace_reason"] = "REPLY" if flow.reply else "NEW"
        fields["is_reply"] = bool(flow.reply)
    return fields


def _l4(flow: Flow) -> dict[str, Any]:
    ports = {"source_port": flow.source.port, "destination_port": flow.destination.port}
    if flow.protocol == "TCP":
        return {"TCP": {**ports, "flags": dict.fromkeys(flow.flags, True)}}
    if flow.protocol in ("UDP", "SCTP"):
        return {flow.protocol: ports}
    kind = 8 if "EchoRequest" in flow.summary else 3 if "Unreachable" in flow.summary else 0
    return {"ICMPv6" if flow.protocol == "ICMPv6" else "ICMPv4": {"type": kind} if kind else {}}


_RESERVED = {"host": 1, "world": 2, "health": 4, "remote-node": 6, "kube-apiserver": 7}


def _endpoint(end: End, cluster: str) -> dict[str, Any]:
    if not end.is_pod:
        name = str(end.identity)
        return {"identity": _RESERVED[name], "labels": [f"reserved:{name}"]}
    endpoint: dict[str, Any] = {
        "ID": 1 + zlib.crc32(f"{end.namespace}/{end.pod}".encode()) % 4095,
        "identity": end.identity,
        "cluster_name": cluster,
        "namespace": end.namespace,
        "labels": list(end.labels),
        "pod_name": end.pod,
    }
    name, kind = end.workload
    if name:
        endpoint["workloads"] = [{"name": name, "kind": kind}]
    return endpoint


def _uuid_number(flow: Flow) -> int:
    text = repr((flow.time, flow.node, flow.point, flow.source, flow.destination, flow.flags))
    high = zlib.crc32(text.encode())
    return (high << 96) | (zlib.crc32(text[::-1].encode()) << 64) | (high * 2654435761 % 2**64)
