"""A second opinion: NetworkPolicy evaluated straight from its API documentation.

Written from the field documentation of k8s.io/api/networking/v1 and of metav1.LabelSelector,
working on raw documents, slow and plain on purpose. It shares no code with the engine.
"""

from __future__ import annotations

import ipaddress


def allows(documents, source, target, protocol, port, via_service=False):
    """Whether policy allows a connection; ends are `namespace/pod` or `ip:ADDRESS`."""
    world = World(documents)
    return world.allows(*world.pair(source, target), protocol, port, via_service)


class World:
    def __init__(self, documents):
        of_kind = lambda kind: [d for d in documents if d["kind"] == kind]  # noqa: E731
        self.pods = {
            f"{d['metadata'].get('namespace', 'default')}/{d['metadata']['name']}": d
            for d in of_kind("Pod")
        }
        self.namespaces = {d["metadata"]["name"]: d for d in of_kind("Namespace")}
        self.policies = of_kind("NetworkPolicy")

    def end(self, text):
        """(pod document or None, address); a pod's address is the pod, while the pod lives."""
        if text.startswith("ip:"):
            return self.holder(text[3:]), text[3:]
        pod = self.pods[text]
        return pod, pod["status"]["podIP"]

    def holder(self, address):
        """The pod that has an address as its own; a host-network pod has its node's."""
        for pod in self.pods.values():
            lives = pod["status"].get("phase") not in ("Succeeded", "Failed")
            if lives and not pod["spec"].get("hostNetwork") and address in addresses(pod):
                return pod
        return None

    def pair(self, source, target):
        """Both ends under addresses of one IP version, if they have such.

        PodStatus.podIPs holds at most one address of each version. An address that was asked
        for decides; otherwise the source's first one does, then the target's.
        """
        ends = [self.end(source), self.end(target)]
        asked = [text[3:] for text in (source, target) if text.startswith("ip:")]
        for wanted in (*asked, *(address for _, address in ends)):
            found = [
                one_like(wanted, [address] if text.startswith("ip:") else addresses(pod))
                for text, (pod, address) in zip((source, target), ends, strict=True)
            ]
            if all(found):
                return [(pod, address) for (pod, _), address in zip(ends, found, strict=True)]
        return ends

    def allows(self, source, target, protocol, port, via_service=False):
        if source[0] is not None and source[0] is target[0] and not via_service:
            return True
        if self.from_own_node(source, target):
            return self.egress(source, target, protocol, port)
        return self.egress(source, target, protocol, port) and self.ingress(
            source, target, protocol, port
        )

    def from_own_node(self, source, target):
        pod, peer = target[0], source[0]
        return (
            pod is not None
            and peer is not None
            and peer["spec"].get("hostNetwork", False)
            and "nodeName" in pod["spec"]
            and peer["spec"].get("nodeName") == pod["spec"]["nodeName"]
        )

    def egress(self, source, target, protocol, port):
        policies = self.isolating(source[0], "Egress")
        if not policies:
            return True
        for policy in policies:
            for rule in policy["spec"].get("egress") or []:
                if self.peer_ok(policy, rule.get("to"), target) and self.port_ok(
                    rule.get("ports"), target, protocol, port
                ):
                    return True
        return False

    def ingress(self, source, target, protocol, port):
        policies = self.isolating(target[0], "Ingress")
        if not policies:
            return True
        for policy in policies:
            for rule in (policy.get("spec") or {}).get("ingress") or []:
                if self.peer_ok(policy, rule.get("from"), source) and self.port_ok(
                    rule.get("ports"), target, protocol, port
                ):
                    return True
        return False

    def isolating(self, pod, direction):
        """The policies that select the pod and have the direction among their policyTypes."""
        if pod is None or pod["spec"].get("hostNetwork"):
            return []
        chosen = []
        for policy in self.policies:
            spec = policy.get("spec") or {}
            here = policy["metadata"].get("namespace", "default")
            if here != pod["metadata"].get("namespace", "default"):
                continue
            if not selects(spec.get("podSelector") or {}, pod["metadata"].get("labels") or {}):
                continue
            types = spec.get("policyTypes")
            if not types:
                types = ["Ingress"]
                if len(spec.get("egress") or []) > 0:
                    types.append("Egress")
            if direction in types:
                chosen.append(policy)
        return chosen

    def peer_ok(self, policy, peers, end):
        if not peers:
            return True
        return any(self.one_peer_ok(policy, peer, end) for peer in peers)

    def one_peer_ok(self, policy, peer, end):
        pod, address = end
        if "ipBlock" in peer:
            block = peer["ipBlock"]
            return within(address, block["cidr"]) and not any(
                within(address, hole) for hole in block.get("except") or []
            )
        if pod is None or pod["spec"].get("hostNetwork"):
            return False
        namespace = pod["metadata"].get("namespace", "default")
        if peer.get("namespaceSelector") is None:
            if namespace != policy["metadata"].get("namespace", "default"):
                return False
        else:
            if not selects(peer["namespaceSelector"], self.labels_of(namespace)):
                return False
        if peer.get("podSelector") is None:
            return True
        return selects(peer["podSelector"], pod["metadata"].get("labels") or {})

    def labels_of(self, namespace):
        """The labels of a namespace; its name is always among them."""
        document = self.namespaces.get(namespace) or {"metadata": {}}
        labels = dict(document["metadata"].get("labels") or {})
        labels["kubernetes.io/metadata.name"] = namespace
        return labels

    def port_ok(self, ports, target, protocol, port):
        if not ports:
            return True
        for entry in ports:
            if entry.get("protocol", "TCP") != protocol:
                continue
            wanted = entry.get("port")
            if wanted is None:
                return True
            if isinstance(wanted, str):
                if port is not None and port in container_ports(target[0], wanted, protocol):
                    return True
            elif "endPort" in entry:
                if port is not None and wanted <= port <= entry["endPort"]:
                    return True
            elif wanted == port:
                return True
        return False


def container_ports(pod, name, protocol):
    if pod is None or pod["spec"].get("hostNetwork"):
        return []
    sidecars = [
        container
        for container in pod["spec"].get("initContainers") or []
        if container.get("restartPolicy") == "Always"
    ]
    return [
        port["containerPort"]
        for container in pod["spec"]["containers"] + sidecars
        for port in container.get("ports") or []
        if port.get("name") == name and port.get("protocol", "TCP") == protocol
    ]


def selects(selector, labels):
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    for expression in selector.get("matchExpressions") or []:
        key, operator = expression["key"], expression["operator"]
        if operator == "In":
            ok = key in labels and labels[key] in expression["values"]
        elif operator == "NotIn":
            ok = not (key in labels and labels[key] in expression["values"])
        elif operator == "Exists":
            ok = key in labels
        else:
            assert operator == "DoesNotExist"
            ok = key not in labels
        if not ok:
            return False
    return True


def addresses(pod):
    """The addresses of a pod, the first one first."""
    status = pod["status"]
    return [entry["ip"] for entry in status.get("podIPs") or [{"ip": status["podIP"]}]]


def one_like(wanted, among):
    """The address among some that has the IP version of another one."""
    version = ipaddress.ip_address(wanted).version
    return next((a for a in among if ipaddress.ip_address(a).version == version), None)


def within(address, cidr):
    network = ipaddress.ip_network(cidr)
    ip = ipaddress.ip_address(address)
    return ip.version == network.version and ip in network
