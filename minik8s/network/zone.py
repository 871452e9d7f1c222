"""What CoreDNS knows of a cluster (its `kubernetes` plugin), as a function of the Services.

The names are those of the Kubernetes DNS specification 1.1.0; where it leaves room, CoreDNS
1.13 with kubeadm's Corefile decides (`pods insecure`, `ttl 30`, fall-through of reverse names).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address

from minik8s.model.metadata import Document, name_of, namespace_of
from minik8s.model.services import (
    ServicePort,
    SlicePort,
    cluster_ips,
    external_name,
    is_headless,
    service_ports,
    slice_endpoints,
    slice_ports,
)
from minik8s.network.dns import (
    AAAA,
    CNAME,
    NOERROR,
    NS,
    NXDOMAIN,
    PTR,
    SOA,
    SRV,
    TXT,
    A,
    Question,
    Record,
    Soa,
    Srv,
)
from minik8s.network.dnsserver import Answer, Transport, respond
from minik8s.network.service import ServiceTable

TTL = 30
"""Seconds (`ttl 30`); what comes from outside is cached as long (`cache 30`)."""

Upstream = Callable[[Question], Answer]
"""Answers what is not the cluster's own (`forward . /etc/resolv.conf`)."""


@dataclass(frozen=True, slots=True)
class _Target:
    """One SRV target: a port of a Service, or of one endpoint of a headless one."""

    name: str
    address: str
    port: ServicePort | SlicePort


class ClusterZone:
    """The zone of one cluster. `has_namespace` tells whether a namespace exists."""

    __slots__ = ("_has_namespace", "_services", "_upstream", "domain")

    def __init__(
        self,
        services: ServiceTable,
        has_namespace: Callable[[str], bool],
        upstream: Upstream,
        domain: str = "cluster.local",
    ) -> None:
        self.domain = domain
        self._services = services
        self._has_namespace = has_namespace
        self._upstream = upstream

    def answer(self, query: bytes, transport: Transport = "udp") -> bytes:
        """The response to a query, both as bytes (over TCP without the length before it)."""
        return respond(query, transport, self.lookup)

    def lookup(self, question: Question) -> Answer:
        """What the zone, or else the world outside, knows about a name."""
        name = question.name.lower()
        if name == self.domain or name.endswith("." + self.domain):
            labels = name[: -len(self.domain)].rstrip(".")
            return self._own(question, labels.split(".") if labels else [])
        if name.endswith((".in-addr.arpa", ".ip6.arpa")):
            found = self._reverse(question, name)
            if found is not None:
                return found
        return self._upstream(question)

    # -- names of the cluster

    def _own(self, question: Question, labels: list[str]) -> Answer:
        if not labels:
            return self._apex(question)
        if labels == ["dns-version"]:
            return self._answer(question, [(TXT, "1.1.0")])
        if labels == ["ns", "dns"]:
            service = self._services.services.get(("kube-system", "kube-dns"))
            return self._answer(question, _addresses(cluster_ips(service or {})))
        if labels[-1] == "pod":
            return self._pod(question, labels[:-1])
        if labels[-1] != "svc":
            return self._nothing()
        *labels, _ = labels
        if not labels:
            return self._empty()
        *labels, namespace = labels
        if not labels:
            return self._empty() if self._has_namespace(namespace) else self._nothing()
        *labels, name = labels
        service = self._services.services.get((namespace, name))
        if service is None:
            return self._nothing()
        return self._service(question, service, labels)

    def _apex(self, question: Question) -> Answer:
        if question.type == SOA:
            return self._records([self._soa()])
        return self._answer(question, [(NS, f"ns.dns.{self.domain}")])

    def _service(self, question: Question, service: Document, prefix: list[str]) -> Answer:
        if target := external_name(service):
            return self._nothing() if prefix else self._alias(question, target)
        endpoint = prefix[0] if len(prefix) == 1 else ""
        if prefix and not endpoint and not _is_port(prefix):
            return self._nothing()
        if endpoint or is_headless(service):
            targets = list(self._endpoints(service, endpoint))
        else:
            targets = list(self._of_cluster_ip(service))
        if len(prefix) == 2:
            port, protocol = prefix[0][1:], prefix[1][1:]
            targets = [
                each
                for each in targets
                if each.port.name.lower() == port and each.port.protocol.lower() == protocol
            ]
        if not targets:
            return self._nothing()
        if question.type == SRV:
            return self._srv(question, targets)
        return self._answer(question, _addresses(each.address for each in targets))

    def _srv(self, question: Question, targets: list[_Target]) -> Answer:
        pairs = dict.fromkeys((each.name, each.port.port) for each in targets)
        weight = max(1, 100 // len(pairs))
        records = [
            Record(question.name, SRV, TTL, Srv(0, weight, port, name)) for name, port in pairs
        ]
        hosts = dict.fromkeys((each.name, each.address) for each in targets)
        additional = [Record(name, _type_of(address), TTL, address) for name, address in hosts]
        return self._records(records, additional)

    def _alias(self, question: Question, target: str) -> Answer:
        """A CNAME, followed where it leads (an ExternalName Service)."""
        alias = Record(question.name, CNAME, TTL, target)
        if question.type == CNAME:
            return self._records([alias])
        behind = self.lookup(Question(target.removesuffix("."), question.type))
        return self._records([alias, *behind.answers])

    def _pod(self, question: Question, labels: list[str]) -> Answer:
        """`10-244-0-5.default.pod`: any address is answered as it is asked."""
        if len(labels) == 1:
            return self._empty() if self._has_namespace(labels[0]) else self._nothing()
        if len(labels) != 2:
            return self._nothing()
        dashed = labels[0]
        four = dashed.count("-") == 3 and "--" not in dashed
        try:
            address = str(ip_address(dashed.replace("-", "." if four else ":")))
        except ValueError:
            return self._nothing()
        return self._answer(question, _addresses([address]))

    # -- Services and their endpoints

    def _of_cluster_ip(self, service: Document) -> Iterator[_Target]:
        name = self._name(service)
        for address in cluster_ips(service):
            for port in service_ports(service):
                yield _Target(name, address, port)

    def _endpoints(self, service: Document, only: str = "") -> Iterator[_Target]:
        """The ready endpoints, one target for each port; `only` is the name of one of them."""
        base = self._name(service)
        for document in self._services.slices(namespace_of(service), name_of(service)):
            ports = list(slice_ports(document)) or [SlicePort("", "", 0)]
            for endpoint in slice_endpoints(document):
                for address in endpoint.addresses if endpoint.ready else ():
                    host = endpoint.hostname or _dashed(address)
                    if only in ("", host):
                        for port in ports:
                            yield _Target(f"{host}.{base}", address, port)

    def _reverse(self, question: Question, name: str) -> Answer | None:
        address = reversed_address(name)
        if not address:
            return None
        names = [
            self._name(service)
            for service in self._services.services.values()
            if address in cluster_ips(service)
        ]
        if not names:
            names = [
                target.name
                for service in self._services.services.values()
                for target in self._endpoints(service)
                if target.address == address
            ]
        if not names:
            return None
        return self._answer(question, [(PTR, each) for each in dict.fromkeys(names)])

    def _name(self, service: Document) -> str:
        return f"{name_of(service)}.{namespace_of(service)}.svc.{self.domain}"

    # -- answers

    def _answer(self, question: Question, data: Iterable[tuple[int, str]]) -> Answer:
        """The records of the type that was asked for; without any, NODATA."""
        found = dict.fromkeys(each for each in data if each[0] == question.type)
        if not found:
            return self._empty()
        return self._records([Record(question.name, kind, TTL, text) for kind, text in found])

    def _records(self, records: list[Record], additional: Iterable[Record] = ()) -> Answer:
        return Answer(NOERROR, tuple(records), additional=tuple(additional), authoritative=True)

    def _empty(self) -> Answer:
        return Answer(NOERROR, authority=(self._soa(),), authoritative=True)

    def _nothing(self) -> Answer:
        return Answer(NXDOMAIN, authority=(self._soa(),), authoritative=True)

    def _soa(self) -> Record:
        server, keeper = f"ns.dns.{self.domain}", f"hostmaster.{self.domain}"
        return Record(self.domain, SOA, TTL, Soa(server, keeper, 1, 7200, 1800, 86400, TTL))


def _addresses(addresses: Iterable[str]) -> Iterator[tuple[int, str]]:
    for address in addresses:
        yield _type_of(address), address


def _type_of(address: str) -> int:
    return AAAA if ":" in address else A


def _is_port(prefix: list[str]) -> bool:
    return len(prefix) == 2 and all(label.startswith("_") for label in prefix)


def _dashed(address: str) -> str:
    return address.replace(".", "-").replace(":", "-")


def reversed_address(name: str) -> str:
    """The address that a reverse name asks about, or the empty string.

    >>> reversed_address("10.0.96.10.in-addr.arpa")
    '10.96.0.10'
    """
    labels = name.lower().split(".")[:-2]
    labels.reverse()
    if name.endswith(".ip6.arpa"):
        digits = "".join(labels)
        text = ":".join(digits[start : start + 4] for start in range(0, len(digits), 4))
    else:
        text = ".".join(labels)
    try:
        return str(ip_address(text))
    except ValueError:
        return ""


def reverse_name(address: str) -> str:
    """The name to ask about an address.

    >>> reverse_name("10.96.0.10")
    '10.0.96.10.in-addr.arpa'
    """
    return ip_address(address).reverse_pointer
