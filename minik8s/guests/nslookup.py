"""nslookup, in the forms of BusyBox and of BIND."""

from __future__ import annotations

from dataclasses import dataclass, field

from minik8s.guests.addresses import is_address, reverse_name, with_port
from minik8s.guests.base import (
    Close,
    OpenDatagram,
    Process,
    ReadInput,
    ReceiveFrom,
    SendTo,
    Steps,
)
from minik8s.guests.dns_tools import exchange
from minik8s.guests.errors import strerror
from minik8s.guests.resolver import candidates, lookup, read_config
from minik8s.network import Datagram
from minik8s.network.dns import (
    AAAA,
    CNAME,
    NOERROR,
    NS,
    NXDOMAIN,
    PTR,
    RCODE_NAMES,
    SOA,
    SRV,
    TXT,
    TYPES,
    A,
    Message,
    Record,
    Soa,
    Srv,
    decode,
    query,
)


@dataclass(slots=True)
class _Plan:
    """What the command line asks for."""

    name: str = ""
    server: str = ""
    types: list[int] = field(default_factory=list)
    port: int = 53
    timeout: float = 5.0
    retry: int = 2
    search: bool = True
    debug: bool = False


class _Usage(Exception):
    """A command line that nslookup refuses."""


def _parse(arguments: list[str]) -> _Plan:
    plan = _Plan()
    words = list(arguments)
    while words and words[0].startswith("-"):
        name, _, value = words.pop(0)[1:].partition("=")
        if name in ("type", "querytype", "query", "q", "ty"):
            if value.upper() not in TYPES:
                raise _Usage(f'invalid query type "{value}"')
            plan.types.append(TYPES[value.upper()])
        elif name == "port":
            plan.port = int(value)
        elif name in ("timeout", "t"):
            plan.timeout = float(value)
        elif name in ("retry", "ret"):
            plan.retry = int(value)
        elif name == "debug":
            plan.debug = True
        elif name in ("nosearch", "search"):
            plan.search = name == "search"
    if not words or len(words) > 2:
        raise _Usage("")
    plan.name = words[0]
    plan.server = words[1] if len(words) > 1 else ""
    return plan


def _record(record: Record) -> str:
    """One record in nslookup's words."""
    name, data = record.name, record.data
    if record.type in (A, AAAA):
        return f"Name:\t{name}\nAddress: {data}\n"
    if record.type == CNAME:
        return f"{name}\tcanonical name = {data}\n"
    if record.type == PTR:
        return f"{name}\tname = {data}\n"
    if record.type == NS:
        return f"{name}\tnameserver = {data}\n"
    if record.type == TXT:
        return f'{name}\ttext = "{data}"\n'
    if record.type == SRV and isinstance(data, Srv):
        return f"{name}\tservice = {data.priority} {data.weight} {data.port} {data.target}\n"
    if record.type == SOA and isinstance(data, Soa):
        return (
            f"{name}\n\torigin = {data.server}\n\tmail addr = {data.mailbox}\n"
            f"\tserial = {data.serial}\n\trefresh = {data.refresh}\n\tretry = {data.retry}\n"
            f"\texpire = {data.expire}\n\tminimum = {data.minimum}\n"
        )
    return ""


# -- BusyBox

_BUSYBOX_USAGE = """\
BusyBox v1.37.0 () multi-call binary.

Usage: nslookup [-type=QUERY_TYPE] [-debug] HOST [DNS_SERVER]

Query DNS about HOST

QUERY_TYPE: soa,ns,a,aaaa,cname,mx,txt,ptr,srv,any
"""
_TIMED_OUT = ";; connection timed out; no servers could be reached\n\n"


def busybox_nslookup(process: Process) -> Steps[int]:
    """nslookup of BusyBox: asks for every name at once, over one socket.

    A name without a dot is asked for in each search domain, and nowhere else; a name with one
    just as it stands.
    """
    try:
        plan = _parse(process.arguments)
    except _Usage as error:
        process.err(f"nslookup: {error}\n" if str(error) else _BUSYBOX_USAGE)
        return 1
    except ValueError:
        process.err("nslookup: invalid number\n")
        return 1
    server = yield from _server_address(process, plan)
    if not server:
        process.err(f"nslookup: bad address '{plan.server}'\n")
        return 1
    questions = _busybox_questions(process, plan)
    return (yield from _busybox_ask(process, plan, server, questions))


def _server_address(process: Process, plan: _Plan) -> Steps[str]:
    if not plan.server:
        return read_config(process).nameservers[0]
    answer = yield from lookup(process, plan.server)
    return answer.addresses[0] if answer.addresses else ""


def _busybox_questions(process: Process, plan: _Plan) -> list[tuple[str, int]]:
    if is_address(plan.name) and not plan.types:
        return [(reverse_name(plan.name), PTR)]
    names = [plan.name.rstrip(".")]
    search = read_config(process).search
    if "." not in plan.name and search:
        names = [f"{plan.name}.{domain.rstrip('.')}" for domain in search]
    return [(name, kind) for kind in (plan.types or [A, AAAA]) for name in names]


def _busybox_ask(
    process: Process, plan: _Plan, server: str, questions: list[tuple[str, int]]
) -> Steps[int]:
    random, clock = process.random("dns"), process.clock
    waiting: dict[int, tuple[str, int]] = {}
    for question in questions:
        waiting[random.randrange(1, 65536)] = question
    socket = yield OpenDatagram(server, plan.port)
    heard, code = False, 0
    end = clock.now + plan.timeout
    again = clock.now
    while waiting and clock.now < end:
        if clock.now >= again:
            for number, (name, kind) in waiting.items():
                yield SendTo(socket, query(number, name, kind))
            again += plan.timeout / plan.retry
        datagram = yield ReceiveFrom(socket, max(0.0, min(again, end) - clock.now))
        if isinstance(datagram, str):
            why = strerror(datagram, process.container.image.libc)
            process.err(f"nslookup: read: {why}\n")
        if not isinstance(datagram, Datagram):
            continue
        reply = decode(datagram.data)
        if reply.identifier not in waiting:
            continue
        if not heard:
            place = with_port(server, plan.port)
            process.out(f"Server:\t\t{plan.server or server}\nAddress:\t{place}\n\n")
            heard = True
        name, _ = waiting.pop(reply.identifier)
        code |= _busybox_show(process, name, reply)
    yield Close(socket)
    if not heard:
        process.out(_TIMED_OUT)
        return 1
    process.out("".join(f"*** Can't find {name}: No answer\n" for name, _ in waiting.values()))
    return 1 if waiting else code


def _busybox_show(process: Process, name: str, reply: Message) -> int:
    if reply.rcode != NOERROR:
        process.out(f"** server can't find {name}: {RCODE_NAMES[reply.rcode]}\n\n")
        return 1
    if not reply.authoritative:
        process.out("Non-authoritative answer:\n")
    process.out("".join(_record(record) for record in reply.answers) + "\n")
    return 0


# -- BIND


def nslookup(process: Process) -> Steps[int]:
    """nslookup of BIND: follows the search list, and asks for A, then for AAAA."""
    try:
        plan = _parse(process.arguments)
    except _Usage as error:
        if str(error):
            process.err(f"unknown query type: {str(error).split(chr(34))[1]}\n")
            return 1
        return (yield from _interactive(process))
    except ValueError:
        process.err("nslookup: couldn't get a number\n")
        return 1
    return (yield from _bind_lookup(process, plan))


def _interactive(process: Process) -> Steps[int]:
    """Read names, one a line, until `exit` or the end of input."""
    while True:
        if process.tty:
            process.out("> ")
        line = yield ReadInput(process.stdin)
        if not line:
            return 0
        for text in line.decode(errors="replace").splitlines():
            words = text.split()
            if not words:
                continue
            if words[0] == "exit":
                return 0
            yield from _bind_lookup(process, _parse(words))


def _bind_lookup(process: Process, plan: _Plan) -> Steps[int]:
    server = yield from _server_address(process, plan)
    if not server:
        process.err(f"nslookup: couldn't get address for '{plan.server}': not found\n")
        return 1
    if is_address(plan.name):
        names, types = [f"{reverse_name(plan.name)}."], [PTR]
    else:
        config = read_config(process)
        names = candidates(plan.name, config, bare_first=True) if plan.search else [plan.name]
        types = plan.types or [A, AAAA]
    random = process.random("dns")
    for place, name in enumerate(names):
        replies: list[Message] = []
        for kind in types:
            message = query(random.randrange(1, 65536), name.rstrip("."), kind)
            outcome = yield from _bind_exchange(process, plan, server, message)
            if isinstance(outcome, str):
                return 1
            replies.append(outcome)
            if outcome.rcode != NOERROR:
                break
        if replies[0].rcode == NXDOMAIN and place + 1 < len(names):
            continue
        return _bind_show(process, plan, server, name, replies)
    return 1


def _bind_exchange(
    process: Process, plan: _Plan, server: str, message: bytes
) -> Steps[Message | str]:
    """Ask up to three times; says why there is no answer."""
    place = f"{server}#{plan.port}"
    outcome: Message | str = "timed out"
    for _ in range(plan.retry + 1):
        outcome = yield from exchange(process, server, plan.port, message, plan.timeout)
        if isinstance(outcome, Message):
            return outcome
        why = "timed out" if outcome == "timed out" else "connection refused"
        process.out(f";; communications error to {place}: {why}\n")
    process.out(";; no servers could be reached\n\n")
    return outcome


def _bind_show(
    process: Process, plan: _Plan, server: str, name: str, replies: list[Message]
) -> int:
    process.out(f"Server:\t\t{plan.server or server}\nAddress:\t{server}#{plan.port}\n\n")
    first = replies[0]
    if first.rcode != NOERROR:
        shown = plan.name if first.rcode == NXDOMAIN else name.rstrip(".")
        process.out(f"** server can't find {shown}: {RCODE_NAMES[first.rcode]}\n\n")
        return 1
    found = False
    for number, reply in enumerate(replies):
        text = "".join(_bind_record(record) for record in reply.answers)
        if not text and (number or any(other.answers for other in replies)):
            continue
        if not reply.authoritative and not found:
            process.out("Non-authoritative answer:\n")
        found = True
        process.out(text or f"*** Can't find {plan.name}: No answer\n")
    process.out("\n")
    return 0


def _bind_record(record: Record) -> str:
    """BIND ends the names in a record's data with a dot."""
    if record.type in (CNAME, PTR, NS, SRV):
        return _record(record).rstrip("\n") + ".\n"
    return _record(record)
