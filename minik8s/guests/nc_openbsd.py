"""nc of OpenBSD, as Debian and most tool images have it."""

from __future__ import annotations

from minik8s.guests.addresses import is_address
from minik8s.guests.base import (
    Accept,
    Bind,
    Close,
    Connect,
    Listen,
    OpenDatagram,
    Process,
    ReceiveFrom,
    SendTo,
    Sleep,
    Steps,
)
from minik8s.guests.errors import failure, strerror
from minik8s.guests.nc import Plan, parse, parse_ports, shovel, shovel_datagrams
from minik8s.guests.options import OptionError
from minik8s.guests.resolver import lookup

SERVICES = {
    21: "ftp",
    22: "ssh",
    23: "telnet",
    25: "smtp",
    53: "domain",
    80: "http",
    110: "pop3",
    143: "imap2",
    443: "https",
    3306: "mysql",
    5432: "postgresql",
    6379: "redis",
    8080: "http-alt",
}

_OPENBSD_USAGE = """\
usage: nc [-46CDdFhklNnrStUuvZz] [-I length] [-i interval] [-M ttl]
\t  [-m minttl] [-O length] [-P proxy_username] [-p source_port]
\t  [-q seconds] [-s sourceaddr] [-T keyword] [-V rtable] [-W recvlimit]
\t  [-w timeout] [-X proxy_protocol] [-x proxy_address[:port]]
\t  [destination] [port]
"""


def openbsd_nc(process: Process) -> Steps[int]:
    """nc of OpenBSD, as Debian and most tool images have it."""
    try:
        plan = parse(process, "46CDdFhklNnrStUuvZzI:i:M:m:O:P:p:q:s:T:V:W:w:X:x:")
    except OptionError as error:
        process.err(f"nc: {error.gnu}\n{_OPENBSD_USAGE}")
        return 1
    except ValueError:
        process.err("nc: timeout invalid\n")
        return 1
    if plan.listen:
        return (yield from _openbsd_listen(process, plan))
    if len(plan.operands) < 2:
        process.err(_OPENBSD_USAGE)
        return 1
    host, service = plan.operands[:2]
    named = {name: port for port, name in SERVICES.items()}
    try:
        ports = [named[service]] if service in named else parse_ports(service)
    except ValueError:
        process.err(f"nc: port number invalid: {service}\n")
        return 1
    answer = yield from lookup(process, host, plan.family)
    if not answer.addresses:
        process.err(f'nc: getaddrinfo for host "{host}" port {ports[0]}: {answer.gai_error}\n')
        return 1
    code = 1
    for port in ports:
        for address in answer.addresses:
            done = yield from _openbsd_connect(process, plan, host, address, port)
            if done == 0:
                code = 0
                break
    return code


def _openbsd_name(host: str, address: str, plan: Plan) -> str:
    return host if is_address(host) or plan.numeric else f"{host} ({address})"


def _openbsd_connect(
    process: Process, plan: Plan, host: str, address: str, port: int
) -> Steps[int]:
    if plan.udp:
        return (yield from _openbsd_udp(process, plan, host, address, port))
    connection = yield Connect("TCP", address, port, plan.wait, plan.local_port or None)
    shown = _openbsd_name(host, address, plan)
    if connection.state != "established":
        late = connection.state == "connecting"
        error = failure(connection)
        connection.abort()
        if plan.verbose:
            why = strerror(error, process.container.image.libc)
            what = "timed out: Operation now in progress" if late else f"failed: {why}"
            process.err(f"nc: connect to {shown} port {port} (tcp) {what}\n")
        return 1
    yield from _openbsd_success(process, plan, shown, port)
    if not plan.zero:
        yield from shovel(process, connection, plan)
    yield Close(connection)
    return 0


def _openbsd_success(process: Process, plan: Plan, shown: str, port: int) -> Steps[None]:
    if plan.verbose:
        service = "*" if plan.numeric else SERVICES.get(port, "*")
        what = f"{shown} {port} port [{plan.protocol}/{service}] succeeded!"
        process.err(f"Connection to {what}\n")
    yield from ()


def _openbsd_udp(process: Process, plan: Plan, host: str, address: str, port: int) -> Steps[int]:
    socket = yield OpenDatagram(address, port, plan.local_port or None)
    shown = _openbsd_name(host, address, plan)
    if plan.zero or plan.verbose:
        for _ in range(4):  # OpenBSD's udptest: a few datagrams, and no complaint is success
            yield SendTo(socket, b"X")
            refused = yield ReceiveFrom(socket, 0.01)
            if isinstance(refused, str):
                yield Close(socket)
                return 1
            yield Sleep(1.0 if plan.zero else 0.0)
        yield from _openbsd_success(process, plan, shown, port)
    code = 0 if plan.zero else (yield from shovel_datagrams(process, socket, plan, (host, port)))
    yield Close(socket)
    return code


def _openbsd_listen(process: Process, plan: Plan) -> Steps[int]:
    text = plan.operands[-1] if plan.operands else str(plan.local_port)
    if not text.isdigit() or not int(text):
        process.err(_OPENBSD_USAGE)
        return 1
    port = int(text)
    if plan.udp:
        socket = yield Bind(port)
        if socket is None:
            process.err("nc: Address already in use\n")
            return 1
        if plan.verbose:
            process.err(f"Bound on 0.0.0.0 {port}\n")
        return (yield from shovel_datagrams(process, socket, plan, None))
    listener = yield Listen("TCP", port)
    if listener is None:
        process.err("nc: Address already in use\n")
        return 1
    if plan.verbose:
        process.err(f"Listening on 0.0.0.0 {port}\n")
    while True:
        connection = yield Accept(listener)
        if plan.verbose:
            process.err(f"Connection received on {connection.remote[0]} {connection.remote[1]}\n")
        yield from shovel(process, connection, plan)
        yield Close(connection)
        if not plan.keep:
            yield Close(listener)
            return 0
