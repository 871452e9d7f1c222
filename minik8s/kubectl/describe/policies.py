"""NetworkPolicies, PodDisruptionBudgets and PriorityClasses, described."""

from __future__ import annotations

from minik8s.kubectl.describe.base import Subject, about, heading, pairs, plain_time
from minik8s.kubectl.describe.events import object_events
from minik8s.kubectl.describe.writer import Writer
from minik8s.kubectl.govalue import go_value
from minik8s.model.metadata import Document, annotations_of
from minik8s.model.selectors import format_label_selector

_RULE_END = "-" * 10


def network_policy(subject: Subject, out: Writer) -> None:
    """A NetworkPolicy, each rule in words."""
    heading(subject, out)
    out.line(0, "Created on:", plain_time(subject.object["metadata"].get("creationTimestamp")))
    about(subject, out)
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


def disruption_budget(subject: Subject, out: Writer) -> None:
    """A PodDisruptionBudget."""
    spec, status = subject.spec, subject.status
    heading(subject, out)
    if spec.get("minAvailable") is not None:
        out.line(0, "Min available:", spec["minAvailable"])
    elif spec.get("maxUnavailable") is not None:
        out.line(0, "Max unavailable:", spec["maxUnavailable"])
    selector = spec.get("selector")
    out.line(0, "Selector:", "<unset>" if selector is None else format_label_selector(selector))
    out.line(0, "Status:")
    for title, field in (
        ("Allowed disruptions:", "disruptionsAllowed"),
        ("Current:", "currentHealthy"),
        ("Desired:", "desiredHealthy"),
        ("Total:", "expectedPods"),
    ):
        out.line(2, title, status.get(field, 0))
    object_events(subject, out)


def priority_class(subject: Subject, out: Writer) -> None:
    """A PriorityClass."""
    document = subject.object
    heading(subject, out)
    out.line(0, "Value:", document.get("value", 0))
    out.line(0, "GlobalDefault:", go_value(bool(document.get("globalDefault"))))
    out.line(0, "PreemptionPolicy:", document.get("preemptionPolicy", ""))
    out.line(0, "Description:", document.get("description", ""))
    out.line(0, "Annotations:", pairs(annotations_of(document)))
    object_events(subject, out)
