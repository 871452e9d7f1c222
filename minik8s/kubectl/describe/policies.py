"""NetworkPolicies, described."""

from __future__ import annotations

from minik8s.kubectl.describe.base import Subject, annotate, heading, labels, plain_time
from minik8s.kubectl.describe.writer import Writer
from minik8s.model.metadata import Document
from minik8s.model.selectors import format_label_selector

_RULE_END = "-" * 10


def network_policy(subject: Subject, out: Writer) -> None:
    """A NetworkPolicy, each rule in words."""
    heading(subject, out)
    out.line(0, "Created on:", plain_time(subject.object["metadata"].get("creationTimestamp")))
    labels(subject, out)
    annotate(subject.object, out)
    spec = subject.spec
    types = spec.get("policyTypes") or []
    out.line(0, "Spec:")
    selector = format_label_selector(spec.get("podSelector") or {})
    if selector == "<none>":
        selector += " (Allowing the specific traffic to all pods in this namespace)"
    out.write(1, f"PodSelector:     {selector}\n")
    for word, peers in (("ingress", "from"), ("egress", "to")):
        if word.title() not in types:
            out.line(1, f"Not affecting {word} traffic")
            continue
        out.line(1, f"Allowing {word} traffic:")
        _rules(out, word, peers, spec.get(word) or [])
    out.line(1, f"Policy Types: {', '.join(types) or '<none>'}")


def _rules(out: Writer, direction: str, peers: str, rules: list[Document]) -> None:
    if not rules:
        out.line(2, f"<none> (Selected pods are isolated for {direction} connectivity)")
    for place, rule in enumerate(rules):
        if place:
            out.line(2, _RULE_END)
        _ports(out, rule.get("ports") or [])
        _peers(out, peers.title(), rule.get(peers) or [])


def _ports(out: Writer, ports: list[Document]) -> None:
    if not ports:
        out.line(2, "To Port: <any> (traffic allowed to all ports)")
    for port in ports:
        protocol = port.get("protocol") or "TCP"
        number = port.get("port", "<nil>")
        if "endPort" in port:
            out.line(2, f"To Port Range: {number}-{port['endPort']}/{protocol}")
        else:
            out.line(2, f"To Port: {number}/{protocol}")


def _peers(out: Writer, title: str, peers: list[Document]) -> None:
    if not peers:
        end = "source" if title == "From" else "destination"
        out.line(2, f"{title}: <any> (traffic not restricted by {end})")
    for peer in peers:
        out.line(2, f"{title}:")
        if "ipBlock" in peer:
            block = peer["ipBlock"]
            out.line(3, "IPBlock:")
            out.line(4, f"CIDR: {block.get('cidr', '')}")
            out.line(4, f"Except: {', '.join(block.get('except') or ())}")
            continue
        for key, word in (("namespaceSelector", "Namespace"), ("podSelector", "Pod")):
            if key in peer:
                out.line(3, f"{word}Selector: {format_label_selector(peer[key])}")
