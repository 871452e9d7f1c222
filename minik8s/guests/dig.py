"""dig and host of BIND."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from minik8s.guests.addresses import is_address, reverse_name
from minik8s.guests.base import Process, Steps
from minik8s.guests.dns_client import ask_over_tcp
from minik8s.guests.dns_tools import exchange, record_data
from minik8s.guests.resolver import candidates, lookup, read_config
from minik8s.network.dns import (
    AAAA,
    CNAME,
    NOERROR,
    NXDOMAIN,
    PTR,
    RCODE_NAMES,
    TYPE_NAMES,
    TYPES,
    A,
    Message,
    Record,
    encode,
    query,
)

VERSION = "9.18.49-1~deb12u3-Debian"
NO_SERVER = 9
EDNS_SIZE = 1232


@dataclass(slots=True)
class _Plan:
    """What the command line asks for; `shown` are the parts of the output."""

    name: str = "."
    type: int = A
    server: str = ""
    port: int = 53
    tcp: bool = False
    edns: bool = True
    tries: int = 3
    time: float = 5.0
    search: bool = False
    short: bool = False
    ignore: bool = False
    recurse: bool = True
    shown: set[str] = field(
        default_factory=lambda: (
            {"cmd", "comments", "question", "answer", "authority", "stats"} | {"additional"}
        )
    )


class _Usage(Exception):
    """A command line that dig refuses."""


_PARTS = frozenset(("cmd", "comments", "question", "answer", "authority", "additional", "stats"))


def _plus(plan: _Plan, word: str) -> None:
    """One of dig's `+` options."""
    name, _, value = word.partition("=")
    wanted = not name.startswith("no")
    bare = name if wanted else name[2:]
    if bare == "all":
        plan.shown = set(_PARTS) if wanted else set()
    elif bare in _PARTS:
        plan.shown = plan.shown | {bare} if wanted else plan.shown - {bare}
    elif bare in ("tcp", "vc"):
        plan.tcp = wanted
    elif bare in ("edns", "short", "search", "ignore", "recurse"):
        setattr(plan, bare, wanted)
    elif name == "tries" and value.isdigit():
        plan.tries = max(1, int(value))
    elif name == "retry" and value.isdigit():
        plan.tries = int(value) + 1
    elif name in ("time", "timeout") and value.isdigit():
        plan.time = max(1.0, float(value))
    elif bare not in _IGNORED:
        raise _Usage(f"Invalid option: +{word}")


_IGNORED = frozenset(
    ("dnssec", "cookie", "multiline", "trace", "ttlid", "identify", "crypto", "bufsize", "ndots")
)


def _parse(arguments: list[str]) -> _Plan:
    plan = _Plan()
    words = list(arguments)
    while words:
        word = words.pop(0)
        if word.startswith("@"):
            plan.server = word[1:]
        elif word.startswith("+"):
            _plus(plan, word[1:])
        elif word in ("-t", "-p", "-x", "-q", "-b", "-c"):
            if not words:
                raise _Usage(f"option {word} requires an argument")
            _option(plan, word, words.pop(0))
        elif word in ("-4", "-6", "-u", "-r", "-m"):
            continue
        elif word.startswith("-"):
            raise _Usage(f"Invalid option: {word}")
        elif word.upper() in TYPES:
            plan.type = TYPES[word.upper()]
        elif word.upper() != "IN":
            plan.name = word
    return plan


def _option(plan: _Plan, option: str, value: str) -> None:
    if option == "-t":
        if value.upper() not in TYPES:
            raise _Usage(f";; Warning, ignoring invalid type {value}")
        plan.type = TYPES[value.upper()]
    elif option == "-p":
        plan.port = int(value)
    elif option == "-x":
        plan.name, plan.type = reverse_name(value), PTR
    elif option == "-q":
        plan.name = value


def dig(process: Process) -> Steps[int]:
    """Ask a DNS server and show its whole answer."""
    try:
        plan = _parse(process.arguments)
    except (_Usage, ValueError) as error:
        process.err(f"{error}\n\nUsage:  dig [@global-server] [domain] [q-type] {{q-opt}}\n")
        return 1
    return (yield from _Dig(process, plan).run())


class _Dig:
    """One run of dig."""

    def __init__(self, process: Process, plan: _Plan) -> None:
        self.process = process
        self.plan = plan
        self.server = ""
        self.failures = ""

    @property
    def _place(self) -> str:
        return f"{self.server}#{self.plan.port}"

    def run(self) -> Steps[int]:
        """Ask, and show; gives dig's exit code."""
        plan = self.plan
        config = read_config(self.process)
        self.server = config.nameservers[0]
        if plan.server:
            answer = yield from lookup(self.process, plan.server)
            if not answer.addresses:
                self.process.err(f"dig: couldn't get address for '{plan.server}': not found\n")
                return 10
            self.server = answer.addresses[0]
        names = [plan.name]
        if plan.search:
            names = candidates(plan.name, config, bare_first=True)
        for name in names:
            start = self.process.clock.now
            outcome = yield from self._ask(name)
            if isinstance(outcome, str):
                self.process.out(self._banner() + outcome)
                return NO_SERVER
            if outcome.rcode != NXDOMAIN or name == names[-1]:
                self._show(outcome, start)
                break
        return 0

    def _banner(self) -> str:
        if "cmd" not in self.plan.shown or self.plan.short:
            return self.failures
        words = " ".join(self.process.arguments)
        return f"{self.failures}\n; <<>> DiG {VERSION} <<>> {words}\n;; global options: +cmd\n"

    def _query(self, name: str) -> bytes:
        number = self.process.random("dns").randrange(1, 65536)
        edns = EDNS_SIZE if self.plan.edns else None
        return query(number, name.rstrip("."), self.plan.type, edns=edns)

    def _ask(self, name: str) -> Steps[Message | str]:
        """The answer, or what dig says when there is none."""
        plan = self.plan
        message = self._query(name)
        if not plan.tcp:
            reply = yield from self._ask_over_udp(message)
            if isinstance(reply, str):
                return reply
            if not reply.truncated or plan.ignore:
                return reply
            self.failures += ";; Truncated, retrying in TCP mode.\n"
        for _ in range(plan.tries):
            whole = yield from ask_over_tcp(self.server, message, plan.time)
            if whole is not None:
                return whole.message
            shown = name.rstrip(".")
            self.failures += (
                f";; Connection to {self._place}({self.server}) for {shown} failed: timed out.\n"
            )
        return ";; no servers could be reached\n"

    def _ask_over_udp(self, message: bytes) -> Steps[Message | str]:
        plan = self.plan
        for _ in range(plan.tries):
            outcome = yield from exchange(self.process, self.server, plan.port, message, plan.time)
            if isinstance(outcome, Message):
                return outcome
            why = "timed out" if outcome == "timed out" else "connection refused"
            self.failures += f";; communications error to {self._place}: {why}\n"
        return ";; no servers could be reached\n"

    def _show(self, message: Message, start: float) -> None:
        plan = self.plan
        if plan.short:
            lines = [record_data(record) + "\n" for record in message.answers]
            self.process.out("".join([self.failures, *lines]))
            return
        text = self._banner()
        comments = "comments" in plan.shown
        if comments:
            text += _header(message, plan)
        if "question" in plan.shown and message.questions:
            text += ";; QUESTION SECTION:\n" if comments else ""
            for question in message.questions:
                kind = TYPE_NAMES.get(question.type, str(question.type))
                text += _columns([(0, f";{question.name}."), (32, "IN"), (40, kind)]) + "\n"
        sections = {
            "answer": message.answers,
            "authority": message.authority,
            "additional": message.additional,
        }
        for name, records in sections.items():
            if name in plan.shown and records:
                title = f";; {name.upper()} SECTION:\n" if comments else ""
                text += ("\n" if "question" in plan.shown else "") + title
                text += "".join(_line(record) for record in records)
                text += "" if "question" in plan.shown else "\n"
        self.process.out(text + self._stats(message, start))

    def _stats(self, message: Message, start: float) -> str:
        if "stats" not in self.plan.shown:
            return ""
        now = self.process.clock.now
        when = datetime.fromtimestamp(now, UTC).strftime("%a %b %d %H:%M:%S UTC %Y")
        protocol = "TCP" if self.plan.tcp or "TCP mode" in self.failures else "UDP"
        return (
            f"\n;; Query time: {(now - start) * 1000:.0f} msec\n"
            f";; SERVER: {self._place}({self.server}) ({protocol})\n"
            f";; WHEN: {when}\n;; MSG SIZE  rcvd: {len(encode(message))}\n\n"
        )


def _header(message: Message, plan: _Plan) -> str:
    text = ";; Got answer:\n"
    if plan.name.rstrip(".").endswith(".local"):
        text += (
            ";; WARNING: .local is reserved for Multicast DNS\n"
            ";; You are currently testing what happens when an mDNS query is leaked to DNS\n"
        )
    additional = len(message.additional) + (message.edns is not None)
    text += (
        f";; ->>HEADER<<- opcode: QUERY, status: {RCODE_NAMES[message.rcode]}, "
        f"id: {message.identifier}\n"
        f";; flags: {' '.join(message.flags)}; QUERY: {len(message.questions)}, "
        f"ANSWER: {len(message.answers)}, AUTHORITY: {len(message.authority)}, "
        f"ADDITIONAL: {additional}\n"
    )
    if plan.recurse and not message.recursion_available:
        text += ";; WARNING: recursion requested but not available\n"
    text += "\n"
    if message.edns is not None:
        text += f";; OPT PSEUDOSECTION:\n; EDNS: version: 0, flags:; udp: {message.edns}\n"
    return text


def _columns(cells: list[tuple[int, str]]) -> str:
    """Cells at tab stops; one that would begin too late stands behind a space."""
    text, width = "", 0
    for column, cell in cells:
        if text and width >= column:
            text, width = text + " ", width + 1
        while width < column:
            text += "\t"
            width = (width // 8 + 1) * 8
        text, width = text + cell, width + len(cell)
    return text


def _line(record: Record) -> str:
    kind = TYPE_NAMES.get(record.type, str(record.type))
    cells = [(0, f"{record.name}."), (24, str(record.ttl)), (32, "IN"), (40, kind)]
    return _columns([*cells, (48, record_data(record))]) + "\n"


# -- host


def host(process: Process) -> Steps[int]:
    """host NAME [SERVER]: addresses in sentences."""
    words = [word for word in process.arguments if not word.startswith("-")]
    if not words:
        process.err("Usage: host [-aCdilrTvVw] [-c class] [-t type] hostname [server]\n")
        return 1
    config = read_config(process)
    server = words[1] if len(words) > 1 else config.nameservers[0]
    if is_address(words[0]):
        names, types = [reverse_name(words[0])], [PTR]
    else:
        names, types = candidates(words[0], config, bare_first=True), [A, AAAA]
    rcode = NXDOMAIN
    for name in names:
        outcome = yield from _host_lookup(process, server, name, types)
        if isinstance(outcome, str):
            process.out(f";; communications error to {server}#53: {outcome}\n")
            process.out(";; no servers could be reached\n")
            return 1
        if outcome == NOERROR:
            return 0
        rcode = outcome
    process.out(f"Host {words[0]} not found: {rcode}({RCODE_NAMES[rcode]})\n")
    return 1


def _host_lookup(process: Process, server: str, name: str, types: list[int]) -> Steps[int | str]:
    """Show what there is of one name: the response code, or why there is none."""
    for kind in types:
        number = process.random("dns").randrange(1, 65536)
        message = query(number, name.rstrip("."), kind)
        outcome = yield from exchange(process, server, 53, message, 5.0)
        if isinstance(outcome, str):
            return outcome
        if outcome.rcode != NOERROR:
            return outcome.rcode
        process.out("".join(_sentence(record) for record in outcome.answers))
    return NOERROR


def _sentence(record: Record) -> str:
    if record.type == PTR:
        return f"{record.name} domain name pointer {record.data}.\n"
    if record.type == CNAME:
        return f"{record.name} is an alias for {record.data}.\n"
    words = {A: "has address", AAAA: "has IPv6 address"}.get(record.type)
    return f"{record.name} {words} {record.data}\n" if words else ""
