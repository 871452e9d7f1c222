"""Cluster-wide policies: ClusterNetworkPolicy v1alpha2 and its v1alpha1 forerunners.

Facts: a subject and the peers `namespaces` and `pods` hold pods only; `networks` and `nodes`
go by address and node; a peer without a known field fails closed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from minik8s.model.metadata import Document, name_of
from minik8s.policy.addresses import Block
from minik8s.policy.compile import (
    Action,
    BlockMatch,
    CompiledPolicy,
    ConstantMatch,
    NodeMatch,
    PeerMatch,
    PodMatch,
    Rule,
    Tier,
    read_selector,
)
from minik8s.policy.ports import PortMatch
from minik8s.policy.values import Direction, PolicyRef

CLUSTER_NETWORK_POLICY = "ClusterNetworkPolicy"
ADMIN_NETWORK_POLICY = "AdminNetworkPolicy"
BASELINE_ADMIN_NETWORK_POLICY = "BaselineAdminNetworkPolicy"

KINDS = frozenset({CLUSTER_NETWORK_POLICY, ADMIN_NETWORK_POLICY, BASELINE_ADMIN_NETWORK_POLICY})

DOMAIN_NAMES = ConstantMatch(False, "domain names are known to a resolver only")
"""A peer that names hosts by their domain: nobody, as far as addresses can tell."""

_ACTIONS = {
    "Accept": Action.ACCEPT,
    "Allow": Action.ACCEPT,
    "Deny": Action.DENY,
    "Pass": Action.PASS,
}
_PEERS = {Direction.INGRESS: ("ingress", "from"), Direction.EGRESS: ("egress", "to")}


def compile_cluster_policy(document: Document) -> CompiledPolicy:
    """The compiled form of a cluster-wide policy of any of the three kinds."""
    kind, spec = document["kind"], document.get("spec") or {}
    rules: dict[Direction, tuple[Rule, ...]] = {}
    for direction, (section, peers) in _PEERS.items():
        entries = spec.get(section) or ()
        if entries:
            rules[direction] = tuple(_rules(entries, peers))
    return CompiledPolicy(
        PolicyRef(kind, "", name_of(document)),
        _tier(kind, spec),
        _subject(spec.get("subject") or {}),
        rules,
        int(spec.get("priority") or 0),
    )


def _tier(kind: str, spec: Mapping[str, Any]) -> Tier:
    if kind == CLUSTER_NETWORK_POLICY:
        return Tier.BASELINE if spec.get("tier") == "Baseline" else Tier.ADMIN
    return Tier.ADMIN if kind == ADMIN_NETWORK_POLICY else Tier.BASELINE


def _subject(subject: Mapping[str, Any]) -> PodMatch:
    match = _pods(subject)
    return match if match is not None else PodMatch(pods=read_selector(None))


def _pods(entry: Mapping[str, Any]) -> PodMatch | None:
    """The `namespaces` or `pods` of a subject or peer."""
    if entry.get("namespaces") is not None:
        return PodMatch(namespaces=read_selector(entry["namespaces"]))
    pods = entry.get("pods")
    if pods is None:
        return None
    namespaces = pods.get("namespaceSelector") or {}
    return PodMatch(
        namespaces=read_selector(namespaces), pods=read_selector(pods.get("podSelector"))
    )


def _rules(entries: Iterable[Mapping[str, Any]], peers: str) -> Iterator[Rule]:
    for index, entry in enumerate(entries):
        action = _ACTIONS.get(entry.get("action", ""), Action.DENY)
        matches = [_peer(peer, action) for peer in entry.get(peers) or ()]
        ports = tuple(_ports(entry)) or None
        if any(isinstance(match, ConstantMatch) and match.value for match in matches):
            yield Rule(index, None, ports, Action.DENY, entry.get("name", ""))
        else:
            yield Rule(index, tuple(matches), ports, action, entry.get("name", ""))


def _peer(peer: Mapping[str, Any], action: Action) -> PeerMatch:
    match = _pods(peer)
    if match is not None:
        return match
    if peer.get("networks") is not None:
        blocks = [block for cidr in peer["networks"] if (block := Block.of(cidr))]
        return BlockMatch(tuple(blocks))
    if peer.get("nodes") is not None:
        return NodeMatch(read_selector(peer["nodes"]))
    if peer.get("domainNames") is not None:
        return DOMAIN_NAMES
    return ConstantMatch(action is not Action.ACCEPT, "no field of the peer is known")


def _ports(entry: Mapping[str, Any]) -> Iterator[PortMatch]:
    for protocol in entry.get("protocols") or ():
        yield _protocol(protocol)
    for port in entry.get("ports") or ():
        yield _legacy_port(port)


def _protocol(entry: Mapping[str, Any]) -> PortMatch:
    """One item of v1alpha2 `protocols`; a named port takes the container port's protocol."""
    if entry.get("destinationNamedPort") is not None:
        return PortMatch("", name=entry["destinationNamedPort"])
    for field, protocol in (("tcp", "TCP"), ("udp", "UDP"), ("sctp", "SCTP")):
        if entry.get(field) is not None:
            return _numbers(protocol, entry[field].get("destinationPort") or {})
    return PortMatch("none")


def _numbers(protocol: str, port: Mapping[str, Any]) -> PortMatch:
    if port.get("number") is not None:
        return PortMatch(protocol, port["number"], port["number"])
    span = port.get("range")
    return PortMatch(protocol) if span is None else PortMatch(protocol, span["start"], span["end"])


def _legacy_port(entry: Mapping[str, Any]) -> PortMatch:
    """One item of v1alpha1 `ports`."""
    if entry.get("namedPort") is not None:
        return PortMatch("", name=entry["namedPort"])
    number = entry.get("portNumber")
    if number is not None:
        return PortMatch(number.get("protocol") or "TCP", number["port"], number["port"])
    span = entry.get("portRange") or {}
    return PortMatch(span.get("protocol") or "TCP", span.get("start", 1), span.get("end", 0))
