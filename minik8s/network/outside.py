"""The world outside the cluster: a few public hosts and names, from `data/outside.json`.

Everybody else is silent there. Hosts are made on first use.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from struct import pack
from typing import Any

from minik8s.network.datagrams import DatagramSocket
from minik8s.network.dns import (
    AAAA,
    CNAME,
    NOERROR,
    NXDOMAIN,
    SOA,
    A,
    Question,
    Record,
    Soa,
)
from minik8s.network.dnsserver import Answer, respond
from minik8s.network.packet import canonical
from minik8s.network.sockets import Connection, Listener
from minik8s.network.stack import Host

TTL = 30
_TYPES = {"A": A, "AAAA": AAAA}
_ROOT = Record(
    "",
    SOA,
    TTL,
    Soa("a.root-servers.net", "nstld.verisign-grs.com", 2026030800, 1800, 900, 604800, 86400),
)


@dataclass(frozen=True, slots=True)
class _Data:
    names: Mapping[str, Mapping[str, Any]]
    hosts: Mapping[str, Mapping[str, Any]]


@cache
def _data() -> _Data:
    text = files("minik8s").joinpath("data/outside.json").read_text(encoding="utf-8")
    raw = json.loads(text)
    hosts = {address: host for host in raw["hosts"] for address in host["addresses"]}
    return _Data(raw["names"], hosts)


def resolve(question: Question) -> Answer:
    """What the public DNS says of a name, as a forwarder passes it on."""
    names, name = _data().names, question.name.lower()
    answers: list[Record] = []
    entry = names.get(name)
    while entry is not None and "CNAME" in entry:
        answers.append(Record(name, CNAME, TTL, entry["CNAME"]))
        name = entry["CNAME"]
        entry = None if question.type == CNAME else names.get(name)
    for kind, number in _TYPES.items():
        if entry is not None and number == question.type:
            answers += [Record(name, number, TTL, address) for address in entry.get(kind, ())]
    known = entry is not None or answers
    return Answer(
        NOERROR if known else NXDOMAIN,
        tuple(answers),
        () if answers else (_ROOT,),
        recursion_available=True,
    )


class OutsideWorld:
    """The hosts outside one cluster.

    `make` makes the network namespace of a host, from a name and its addresses.
    """

    __slots__ = ("_hosts", "_make")

    def __init__(self, make: Callable[[str, tuple[str, ...]], Host]) -> None:
        self._make = make
        self._hosts: dict[str, Host] = {}

    def exists(self, address: str) -> bool:
        """Whether somebody answers at an address."""
        return address in self._hosts or address in _data().hosts

    def host(self, address: str) -> Host:
        """The host at an address; one that nobody has described yet listens nowhere."""
        address = canonical(address)
        host = self._hosts.get(address)
        if host is None:
            described = _data().hosts.get(address)
            if described is None:
                host = self._make(address, (address,))
            else:
                host = self._make(described["name"], tuple(described["addresses"]))
                _serve(host, described)
            self._hosts |= dict.fromkeys(host.addresses, host)
        return host


def _serve(host: Host, described: Mapping[str, Any]) -> None:
    if "http" in described:
        _WebServer(host.listen("TCP", 80), described["http"])
    if "https" in described:
        name = described["name"]
        _WebServer(host.listen("TCP", 443), described["https"], (name, f"www.{name}"))
    if described.get("dns"):
        _serve_dns(host)


class _WebServer:
    """Answers every request in the same way; `names` are those of its certificate, if any."""

    def __init__(
        self, listener: Listener, answer: Mapping[str, str], names: tuple[str, ...] = ()
    ) -> None:
        self._answer = answer
        self._names = names
        self._listener = listener
        listener.wake = self._accept

    def _accept(self) -> None:
        while (connection := self._listener.accept()) is not None:
            _WebConnection(connection, self._answer, self._names)


class _WebConnection:
    """One client; with names it must say a TLS hello before it asks."""

    def __init__(
        self, connection: Connection, answer: Mapping[str, str], names: tuple[str, ...]
    ) -> None:
        self._connection = connection
        self._answer = answer
        self._names = names
        self._data = b""
        connection.wake = self._read
        self._read()

    def _read(self) -> None:
        self._data += self._connection.receive()
        if self._names and self._data:
            self._shake_hands()
        if not self._names:
            self._answer_requests()
        if self._connection.eof:
            self._connection.close()

    def _shake_hands(self) -> None:
        if not self._data.startswith(_CLIENT_HELLO):
            self._connection.send(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
            self._connection.close()
        elif len(self._data) >= (end := 5 + int.from_bytes(self._data[3:5], "big")):
            self._connection.send(_server_hello(self._names))
            self._data, self._names = self._data[end:], ()

    def _answer_requests(self) -> None:
        while b"\r\n\r\n" in self._data:
            head, _, self._data = self._data.partition(b"\r\n\r\n")
            lines = head.decode("latin-1").split("\r\n")
            self._connection.send(_response(lines, self._answer, self._connection.clock.now))
            if "connection: close" in (line.lower() for line in lines):
                self._connection.close()


_CLIENT_HELLO, _SERVER_HELLO = b"\x16\x03\x01", b"\x16\x03\x03"


def _server_hello(names: tuple[str, ...]) -> bytes:
    """A TLS server's hello as the programs in pods speak it (`guests.tls`), and no secrecy."""
    content = {"names": names, "issuer": "A public authority", "trusted": True}
    body = json.dumps(content).encode()
    return _SERVER_HELLO + len(body).to_bytes(2, "big") + body


def _response(request: list[str], answer: Mapping[str, str], now: float) -> bytes:
    method, path, *_ = [*request[0].split(), "/", "/"]
    host = next((line[5:].strip() for line in request if line.lower().startswith("host:")), "")
    title = answer.get("title")
    body = f"<!doctype html><title>{title}</title><h1>{title}</h1>\n".encode() if title else b""
    date = datetime.fromtimestamp(now, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    head = [f"HTTP/1.1 {answer['status']}", f"Date: {date}", "Content-Type: text/html"]
    if "location" in answer:
        head.append("Location: " + answer["location"].format(host=host, path=path))
    head += [f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(head).encode() + (b"" if method == "HEAD" else body)


def _serve_dns(host: Host) -> None:
    socket = host.bind(53)
    socket.wake = lambda: _answer_datagrams(socket)
    listener = host.listen("TCP", 53)
    listener.wake = lambda: _accept_queries(listener)


def _answer_datagrams(socket: DatagramSocket) -> None:
    while (datagram := socket.receive()) is not None:
        answer = respond(datagram.data, "udp", resolve)
        if answer:
            socket.reply(datagram, answer)


def _accept_queries(listener: Listener) -> None:
    while (connection := listener.accept()) is not None:
        _QueryConnection(connection)


class _QueryConnection:
    """DNS over TCP: each message with its length before it (RFC 7766)."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._data = b""
        connection.wake = self._read
        self._read()

    def _read(self) -> None:
        connection = self._connection
        self._data += connection.receive()
        while len(self._data) >= 2:
            length = int.from_bytes(self._data[:2], "big")
            if len(self._data) < 2 + length:
                break
            message, self._data = self._data[2 : 2 + length], self._data[2 + length :]
            answer = respond(message, "tcp", resolve)
            connection.send(pack("!H", len(answer)) + answer)
        if connection.eof:
            connection.close()
