"""Validation of NetworkPolicies (pkg/apis/networking/validation/validation.go)."""

from __future__ import annotations

from collections.abc import Iterator

from minik8s.admission.problems import Problems
from minik8s.admission.validation.addresses import Network, check_block, parse_network
from minik8s.admission.validation.common import check_selector
from minik8s.model.formats import port_name, port_number
from minik8s.model.metadata import Document

PROTOCOLS = ("TCP", "UDP", "SCTP")
POLICY_TYPES = ("Ingress", "Egress")

_PEERS = {"ingress": "from", "egress": "to"}


class _Rules:
    """What the rules of one check depend on: the problems so far, and what old objects may keep."""

    __slots__ = ("known_blocks", "lenient", "problems")

    def __init__(self, problems: Problems, old: Document | None) -> None:
        self.problems = problems
        self.known_blocks: frozenset[str] = frozenset(_blocks(old) if old else ())
        self.lenient = False
        if old is not None:
            doubts = Problems()
            check_selector(doubts, "", (old.get("spec") or {}).get("podSelector"))
            self.lenient = bool(doubts)

    def check_spec(self, spec: Document) -> None:
        self.check_selector("spec.podSelector", spec.get("podSelector") or {})
        for direction, peers in _PEERS.items():
            for index, rule in enumerate(spec.get(direction) or ()):
                self.check_rule(f"spec.{direction}[{index}]", rule, peers)
        self.check_types(spec.get("policyTypes") or [])

    def check_selector(self, path: str, selector: Document) -> None:
        check_selector(self.problems, path, selector, lenient=self.lenient)

    def check_types(self, types: list[str]) -> None:
        if len(types) > len(POLICY_TYPES):
            self.problems.invalid(
                "spec.policyTypes", types, "may not specify more than two policyTypes"
            )
            return
        for index, policy_type in enumerate(types):
            if policy_type not in POLICY_TYPES:
                path = f"spec.policyTypes[{index}]"
                self.problems.not_supported(path, policy_type, POLICY_TYPES)

    def check_rule(self, path: str, rule: Document, peers: str) -> None:
        for index, port in enumerate(rule.get("ports") or ()):
            self.check_port(f"{path}.ports[{index}]", port)
        for index, peer in enumerate(rule.get(peers) or ()):
            self.check_peer(f"{path}.{peers}[{index}]", peer)

    def check_port(self, path: str, port: Document) -> None:
        problems = self.problems
        protocol = port.get("protocol")
        if protocol is not None and protocol not in PROTOCOLS:
            problems.not_supported(f"{path}.protocol", protocol, PROTOCOLS)
        number, end = port.get("port"), port.get("endPort")
        if isinstance(number, str):
            if end is not None:
                problems.invalid(
                    f"{path}.endPort", end, "may not be specified when `port` is non-numeric"
                )
            problems.each_invalid(f"{path}.port", number, port_name(number))
        elif number is not None:
            problems.each_invalid(f"{path}.port", number, port_number(number))
            if end is not None:
                self.check_end(f"{path}.endPort", number, end)
        elif end is not None:
            problems.invalid(
                f"{path}.endPort", end, "may not be specified when `port` is not specified"
            )

    def check_end(self, path: str, start: int, end: int) -> None:
        if end < start:
            self.problems.invalid(path, end, "must be greater than or equal to `port`")
        self.problems.each_invalid(path, end, port_number(end))

    def check_peer(self, path: str, peer: Document) -> None:
        selectors = [field for field in ("podSelector", "namespaceSelector") if field in peer]
        for field in selectors:
            self.check_selector(f"{path}.{field}", peer[field])
        block = peer.get("ipBlock")
        if block is not None:
            self.check_ip_block(f"{path}.ipBlock", block)
        if block is None and not selectors:
            self.problems.required(path, "must specify a peer")
        elif block is not None and selectors:
            self.problems.forbidden(path, "may not specify both ipBlock and another peer")

    def check_ip_block(self, path: str, block: Document) -> None:
        text = block.get("cidr", "")
        if not text:
            self.problems.required(f"{path}.cidr")
            return
        network = self.check_cidr(f"{path}.cidr", text)
        if network is None:
            return
        for index, exception in enumerate(block.get("except") or ()):
            inner_path = f"{path}.except[{index}]"
            inner = self.check_cidr(inner_path, exception)
            if inner is not None and not _strictly_inside(inner, network):
                self.problems.invalid(inner_path, exception, "must be a strict subset of `cidr`")

    def check_cidr(self, path: str, text: str) -> Network | None:
        """Check a block and return it; one that the old object has may stay as it is."""
        if text not in self.known_blocks:
            check_block(self.problems, path, text)
        parsed = parse_network(text)
        return parsed[0] if parsed else None


def _strictly_inside(inner: Network, outer: Network) -> bool:
    return (
        inner.version == outer.version
        and inner.network_address in outer
        and inner.prefixlen > outer.prefixlen
    )


def _blocks(policy: Document) -> Iterator[str]:
    """Every CIDR that a stored policy names."""
    spec = policy.get("spec") or {}
    for direction, peers in _PEERS.items():
        for rule in spec.get(direction) or ():
            for peer in rule.get(peers) or ():
                block = peer.get("ipBlock") or {}
                yield block.get("cidr", "")
                yield from block.get("except") or ()


def check_network_policy(problems: Problems, document: Document) -> None:
    """The spec of a new NetworkPolicy."""
    _Rules(problems, None).check_spec(document.get("spec") or {})


def check_network_policy_update(problems: Problems, new: Document, old: Document) -> None:
    """The spec of a changed NetworkPolicy."""
    _Rules(problems, old).check_spec(new.get("spec") or {})
