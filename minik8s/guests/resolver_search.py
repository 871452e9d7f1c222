"""What all resolvers share: the pod's configuration, names to ask for, questions, answers."""

from __future__ import annotations

from dataclasses import dataclass, field

from minik8s.guests.base import Process, ReceiveFrom, Steps
from minik8s.guests.dns_client import Reply, query
from minik8s.network import DatagramSocket

NOT_FOUND = "Domain name not found"
TIMED_OUT = "Timeout while contacting DNS servers"
REFUSED = "Could not contact DNS servers"
NO_DATA = "DNS server returned answer with no data"
FAILED = "DNS server returned general failure"


@dataclass(frozen=True, slots=True)
class Answer:
    """Addresses in the order in which they are tried; `reason` says why there are none."""

    addresses: list[str] = field(default_factory=list)
    reason: str = ""
    name: str = ""

    @property
    def gai_error(self) -> str:
        """Why there are none, in glibc's words (gai_strerror)."""
        if self.reason == NOT_FOUND:
            return "Name or service not known"
        return "Temporary failure in name resolution"


@dataclass(frozen=True, slots=True)
class Config:
    """/etc/resolv.conf."""

    nameservers: tuple[str, ...] = ("127.0.0.1",)
    search: tuple[str, ...] = ()
    ndots: int = 1
    timeout: float = 5.0
    attempts: int = 2


def read_config(process: Process) -> Config:
    """The pod's /etc/resolv.conf."""
    return parse_config(process.container.read_text("/etc/resolv.conf"))


def parse_config(text: str) -> Config:
    """A resolv.conf(5).

    >>> parse_config("nameserver 10.96.0.10\\noptions ndots:5").ndots
    5
    """
    servers: list[str] = []
    search: tuple[str, ...] = ()
    numbers = {"ndots": 1, "timeout": 5, "attempts": 2}
    for line in text.splitlines():
        words = line.split("#")[0].split()
        if not words:
            continue
        if words[0] == "nameserver" and len(words) > 1:
            servers.append(words[1])
        elif words[0] in ("search", "domain"):
            search = tuple(words[1:])
        elif words[0] == "options":
            for option in words[1:]:
                name, _, value = option.partition(":")
                if name in numbers and value.isdigit():
                    numbers[name] = int(value)
    return Config(
        tuple(servers[:3]) or ("127.0.0.1",),
        search,
        numbers["ndots"],
        float(numbers["timeout"]),
        max(1, numbers["attempts"]),
    )


def from_hosts(process: Process, host: str) -> list[str]:
    """What /etc/hosts says of a name."""
    found = []
    for line in process.container.read_text("/etc/hosts").splitlines():
        words = line.split("#")[0].split()
        if host.lower() in (word.lower() for word in words[1:]):
            found.append(words[0])
    return found


def candidates(host: str, config: Config, *, bare_first: bool) -> list[str]:
    """The absolute names to ask for, in order.

    >>> candidates("a.b", Config(search=("x",), ndots=5), bare_first=True)
    ['a.b.x.', 'a.b.']
    """
    if host.endswith("."):
        return [host]
    searched = [f"{host}.{domain.rstrip('.')}." for domain in config.search]
    if host.count(".") < config.ndots:
        return [*searched, f"{host}."]
    return [f"{host}.", *searched] if bare_first else [f"{host}."]


def sort_addresses(process: Process, addresses: list[str]) -> list[str]:
    """IPv6 first where the host has such an address itself (RFC 6724)."""
    v6 = any(
        ":" in address and not address.startswith("fe80") for address in process.host.addresses
    )
    return sorted(addresses, key=lambda address: (":" in address) is not v6)


class Search:
    """One lookup: name, types, and the pod's configuration."""

    def __init__(self, process: Process, host: str, types: tuple[str, ...]) -> None:
        self.process = process
        self.host = host
        self.types = types
        self.config = read_config(process)
        self.random = process.random("dns")

    def answer(self, replies: list[Reply], reason: str = NOT_FOUND) -> Answer:
        """The addresses that replies hold."""
        addresses = [address for reply in replies for address in reply.addresses]
        name = next((reply.canonical for reply in replies if reply.addresses), self.host)
        if not addresses:
            return Answer(reason=reason, name=self.host)
        return Answer(sort_addresses(self.process, addresses), name=name)

    def queries(self, name: str) -> dict[int, tuple[str, bytes]]:
        """One query for each type, by id."""
        made: dict[int, tuple[str, bytes]] = {}
        for kind in self.types:
            number = self.random.randrange(1, 65536)
            while number in made:
                number = self.random.randrange(1, 65536)
            made[number] = (kind, query(number, name, kind))
        return made


def receive(socket: DatagramSocket, wanted: set[int], timeout: float) -> Steps[Reply | str | None]:
    """The next reply to one of the wanted queries, the socket's error, or None in vain."""
    datagram = yield ReceiveFrom(socket, timeout)
    if datagram is None or isinstance(datagram, str):
        return datagram
    reply = Reply.parse(datagram.data)
    return reply if reply is not None and reply.id in wanted else ""
