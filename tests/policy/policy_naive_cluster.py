"""A second opinion on cluster-wide policy, from the facts of ClusterNetworkPolicy v1alpha2.

Works on raw documents, one direction at a time, first match wins; shares no code with the
engine. Peers, subjects and ports are tried one by one as the API describes them.
"""

from __future__ import annotations

from policy_naive import World, container_ports, selects, within

KINDS = ("ClusterNetworkPolicy", "AdminNetworkPolicy", "BaselineAdminNetworkPolicy")


def renewed(document):
    """An AdminNetworkPolicy or BaselineAdminNetworkPolicy in the words of v1alpha2.

    What the one API calls by which name in the other is in its documentation; the sole
    BaselineAdminNetworkPolicy has no priority, and is asked first of its tier here.
    """
    kind = document["kind"]
    if kind == "ClusterNetworkPolicy":
        return document
    old = document["spec"]
    spec = {"subject": old["subject"], "priority": old.get("priority", 0)}
    spec["tier"] = "Admin" if kind == "AdminNetworkPolicy" else "Baseline"
    for section in ("ingress", "egress"):
        spec[section] = [renewed_rule(rule) for rule in old.get(section) or []]
    return {"kind": kind, "metadata": document["metadata"], "spec": spec}


def renewed_rule(rule):
    new = {key: value for key, value in rule.items() if key != "ports"}
    if rule["action"] == "Allow":
        new["action"] = "Accept"
    if "ports" in rule:
        new["protocols"] = [renewed_port(entry) for entry in rule["ports"]]
    return new


def renewed_port(entry):
    if "namedPort" in entry:
        return {"destinationNamedPort": entry["namedPort"]}
    ((name, value),) = entry.items()
    protocol = value.get("protocol", "TCP").lower()
    if name == "portNumber":
        return {protocol: {"destinationPort": {"number": value["port"]}}}
    return {protocol: {"destinationPort": {"range": value}}}


def rank(policy):
    """The order of asking: by number; the API leaves ties open, ours go by kind and name."""
    return (policy["spec"]["priority"], policy["kind"], policy["metadata"]["name"])


class ClusterWorld(World):
    def __init__(self, documents):
        super().__init__(documents)
        self.cluster = [renewed(d) for d in documents if d["kind"] in KINDS]
        self.nodes = [d for d in documents if d["kind"] == "Node"]

    def node_at(self, address):
        for node in self.nodes:
            if any(a["address"] == address for a in node["status"]["addresses"]):
                return node
        return None

    def allows(self, source, target, protocol, port, via_service=False):
        itself = source[0] is not None and source[0] is target[0] and not via_service
        if itself and not source[0]["spec"].get("hostNetwork"):
            return True
        return self.direction("egress", source, target, protocol, port) and self.direction(
            "ingress", target, source, protocol, port
        )

    def direction(self, section, judged, other, protocol, port):
        pod = judged[0]
        if pod is None or pod["spec"].get("hostNetwork"):
            return True
        if section == "ingress" and self.on_own_node(pod, other):
            return True
        for tier in ("Admin", "NetworkPolicy", "Baseline"):
            if tier == "NetworkPolicy":
                direction = section.capitalize()
                if self.isolating(pod, direction):
                    judge = self.ingress if section == "ingress" else self.egress
                    ends = (other, judged) if section == "ingress" else (judged, other)
                    return judge(*ends, protocol, port)
                continue
            action = self.first_action(tier, section, judged, other, protocol, port)
            if action == "Accept":
                return True
            if action == "Deny":
                return False
        return True

    def on_own_node(self, pod, other):
        where = pod["spec"].get("nodeName")
        if other[0] is not None:
            spec = other[0]["spec"]
            return bool(spec.get("hostNetwork")) and spec.get("nodeName") == where
        node = self.node_at(other[1])
        return node is not None and node["metadata"]["name"] == where

    def first_action(self, tier, section, judged, other, protocol, port):
        policies = [p for p in self.cluster if p["spec"]["tier"] == tier]
        for policy in sorted(policies, key=rank):
            if not self.in_group(policy["spec"]["subject"], judged[0]):
                continue
            for rule in policy["spec"].get(section) or []:
                peers = rule["from" if section == "ingress" else "to"]
                target = judged if section == "ingress" else other
                if any(self.peer(p, other) for p in peers) and self.protocols(
                    rule.get("protocols"), target, protocol, port
                ):
                    return rule["action"]
        return None

    def in_group(self, group, pod):
        if pod is None or pod["spec"].get("hostNetwork"):
            return False
        labels = self.labels_of(pod["metadata"]["namespace"])
        if "namespaces" in group:
            return selects(group["namespaces"], labels)
        pods = group["pods"]
        return selects(pods.get("namespaceSelector") or {}, labels) and selects(
            pods["podSelector"], pod["metadata"].get("labels") or {}
        )

    def peer(self, peer, end):
        pod, address = end
        if "networks" in peer:
            return any(within(address, cidr) for cidr in peer["networks"])
        if "nodes" in peer:
            return self.node_peer(peer["nodes"], pod, address)
        if "domainNames" in peer:
            return False  # only a resolver knows the addresses behind a name
        return self.in_group(peer, pod)

    def node_peer(self, selector, pod, address):
        if pod is not None:
            if not pod["spec"].get("hostNetwork"):
                return False
            name = pod["spec"].get("nodeName")
            node = next((n for n in self.nodes if n["metadata"]["name"] == name), None)
        else:
            node = self.node_at(address)
        return node is not None and selects(selector, node["metadata"].get("labels") or {})

    def protocols(self, entries, target, protocol, port):
        if entries is None:
            return True
        return any(self.protocol(entry, target, protocol, port) for entry in entries)

    def protocol(self, entry, target, protocol, port):
        if protocol not in ("TCP", "UDP", "SCTP"):
            return False
        if "destinationNamedPort" in entry:
            return port in container_ports(target[0], entry["destinationNamedPort"], protocol)
        if protocol.lower() not in entry:
            return False
        wanted = entry[protocol.lower()]["destinationPort"]
        if "number" in wanted:
            return wanted["number"] == port
        return wanted["range"]["start"] <= port <= wanted["range"]["end"]
