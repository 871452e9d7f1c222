"""What both kinds of nc share: the plan of a command line, and moving bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from minik8s.guests.base import (
    Close,
    FirstOf,
    Input,
    Process,
    ReadInput,
    Receive,
    ReceiveFrom,
    Send,
    SendTo,
    Shutdown,
    Steps,
)
from minik8s.guests.options import getopt
from minik8s.guests.programs import find_program
from minik8s.network import Connection, Datagram, DatagramSocket


@dataclass(slots=True)
class Plan:
    """What the command line asks for."""

    listen: bool = False
    keep: bool = False
    udp: bool = False
    zero: bool = False
    verbose: int = 0
    numeric: bool = False
    shuts_down: bool = False
    wait: float | None = None
    quit: float | None = None
    local_port: int = 0
    family: str = ""
    program: list[str] = field(default_factory=list)
    operands: list[str] = field(default_factory=list)

    @property
    def protocol(self) -> str:
        """The name of the transport protocol, as messages have it."""
        return "udp" if self.udp else "tcp"


def parse(process: Process, short: str) -> Plan:
    """Read a command line; raises OptionError, or ValueError for a bad number."""
    plan = Plan()
    arguments, plan.program = _split_program(process.arguments, short)
    options, plan.operands = getopt(arguments, short)
    for name, value in options:
        if name == "l":
            plan.listen = True
        elif name == "k":
            plan.keep = True
        elif name == "u":
            plan.udp = True
        elif name == "z":
            plan.zero = True
        elif name == "v":
            plan.verbose += 1
        elif name == "n":
            plan.numeric = True
        elif name == "N":
            plan.shuts_down = True
        elif name == "w":
            plan.wait = float(value)
        elif name == "q":
            plan.quit = float(value)
        elif name == "p":
            plan.local_port = int(value)
        elif name in "46":
            plan.family = f"ipv{name}"
    return plan


def _split_program(arguments: list[str], short: str) -> tuple[list[str], list[str]]:
    """What stands before `-e`, and the program behind it, which takes all the rest."""
    if "e:" not in short:
        return arguments, []
    for place, word in enumerate(arguments):
        if re.fullmatch(r"-[nuvlkz]*e", word):
            flags = [word[:-1]] if len(word) > 2 else []
            return arguments[:place] + flags, arguments[place + 1 :]
    return arguments, []


def parse_ports(text: str) -> list[int]:
    """A port or a range of ports; raises ValueError."""
    low, dash, high = text.partition("-")
    ports = list(range(int(low), int(high) + 1)) if dash else [int(low)]
    if not ports or not all(0 < port < 65536 for port in ports):
        raise ValueError(text)
    return ports


def serve_program(process: Process, connection: Connection, words: list[str]) -> Steps[int]:
    """Run a program whose input and output are a connection (`nc -e`)."""
    program = find_program(process.container.image, words[0])
    if program is None:
        yield Close(connection)
        process.err(f"nc: can't execute '{words[0]}': No such file or directory\n")
        return 127
    stdin = Input()

    def hear() -> None:
        data = connection.receive()
        if data:
            stdin.feed(data)
        if connection.eof:
            stdin.close()

    connection.wake = hear
    hear()
    child = process.child(
        words,
        stdin=stdin,
        output=lambda _stream, data: connection.send(data),
        tty=False,
        interactive=False,
    )
    code: int = yield from program(child)
    yield Close(connection)
    return code


def shovel(process: Process, connection: Connection, plan: Plan) -> Steps[None]:
    """Input to the connection and back, until the other end is done.

    At the end of input the other end is told so, as `shuts_down` says; `-q` ends it then.
    """
    reading = True
    while True:
        waits = (
            (Receive(connection), ReadInput(process.stdin)) if reading else (Receive(connection),)
        )
        result = yield FirstOf(waits, plan.wait)
        if result is None:
            return
        source, data = result
        if source == 0:
            if not data:
                return
            process.out(data)
        elif data:
            yield Send(connection, data)
        else:
            reading = False
            if plan.shuts_down:
                yield Shutdown(connection)
            if plan.quit is not None:
                yield from _drain(process, connection, plan.quit)
                return


def _drain(process: Process, connection: Connection, seconds: float) -> Steps[None]:
    end = process.clock.now + seconds
    while process.clock.now < end:
        data = yield Receive(connection, end - process.clock.now)
        if not data:
            return
        process.out(data)


def shovel_datagrams(
    process: Process, socket: DatagramSocket, plan: Plan, peer: tuple[str, int] | None
) -> Steps[int]:
    """Input to the other end and back; a listener answers whoever spoke first."""
    reading = True
    last: Datagram | None = None
    while True:
        waits = (
            (ReceiveFrom(socket), ReadInput(process.stdin)) if reading else (ReceiveFrom(socket),)
        )
        result = yield FirstOf(waits, plan.wait)
        if result is None:
            return 0
        source, data = result
        if isinstance(data, str):
            return 1
        if source == 0:
            last = data
            process.out(data.data)
        elif not data:
            reading = False
        elif peer is not None:
            yield SendTo(socket, data)
        elif last is not None:
            socket.reply(last, data)
