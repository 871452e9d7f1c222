"""nc of BusyBox, which is netcat 1.10."""

from __future__ import annotations

from minik8s.guests.addresses import with_port
from minik8s.guests.base import (
    Accept,
    Bind,
    Close,
    Connect,
    Interrupted,
    Listen,
    OpenDatagram,
    Process,
    ReceiveFrom,
    SendTo,
    Steps,
)
from minik8s.guests.errors import failure, strerror
from minik8s.guests.nc import Plan, parse, serve_program, shovel, shovel_datagrams
from minik8s.guests.options import OptionError
from minik8s.guests.resolver import lookup
from minik8s.network import Connection

_BUSYBOX_USAGE = """\
BusyBox v1.37.0 () multi-call binary.

Usage: nc [OPTIONS] HOST PORT  - connect
nc [OPTIONS] -l -p PORT [HOST] [PORT]  - listen

	-e PROG	Run PROG after connect (must be last)
	-l	Listen mode, for inbound connects
	-lk	With -e, provides persistent server
	-p PORT	Local port
	-s ADDR	Local address
	-w SEC	Timeout for connects and final net reads
	-i SEC	Delay interval for lines sent
	-n	Don't do DNS resolution
	-u	UDP mode
	-b	Allow broadcasts
	-v	Verbose
	-o FILE	Hex dump traffic
	-z	Zero-I/O mode (scanning)
"""


def busybox_nc(process: Process) -> Steps[int]:
    """nc of BusyBox."""
    try:
        plan = parse(process, "np:s:uvw:lki:o:zbe:")
        plan.shuts_down = True
    except OptionError as error:
        process.err(f"nc: {error.busybox}\n{_BUSYBOX_USAGE}")
        return 1
    except ValueError:
        process.err("nc: invalid number\n")
        return 1
    try:
        if plan.listen:
            return (yield from _busybox_listen(process, plan))
        return (yield from _busybox_connect(process, plan))
    except Interrupted as signal:
        process.err("punt!\n")
        return signal.exit_code


def _busybox_listen(process: Process, plan: Plan) -> Steps[int]:
    port = plan.local_port or (int(plan.operands[-1]) if plan.operands else 0)
    if plan.udp:
        socket = yield Bind(port)
        if socket is None:
            return _bind_failed(process)
        return (yield from shovel_datagrams(process, socket, plan, None))
    listener = yield Listen("TCP", port)
    if listener is None:
        return _bind_failed(process)
    if plan.verbose:
        process.err(f"listening on [::]:{port} ...\n")
    while True:
        connection = yield Accept(listener, plan.wait)
        if connection is None:
            process.err("nc: timeout\n")
            return 1
        if not (plan.keep and plan.program):
            yield Close(listener)
        if plan.verbose:
            local, remote = with_port(*connection.local), with_port(*connection.remote)
            process.err(f"connect to {local} from {remote} ({remote})\n")
        code = yield from _use(process, plan, connection)
        if not (plan.keep and plan.program):
            return code


def _use(process: Process, plan: Plan, connection: Connection) -> Steps[int]:
    """What is done with a connection once it stands."""
    if plan.program:
        return (yield from serve_program(process, connection, plan.program))
    yield from shovel(process, connection, plan)
    yield Close(connection)
    return 0


def _bind_failed(process: Process) -> int:
    process.err(f"nc: bind: {strerror('in use', process.container.image.libc)}\n")
    return 1


def _busybox_connect(process: Process, plan: Plan) -> Steps[int]:
    if len(plan.operands) < 2:
        process.err(_BUSYBOX_USAGE)
        return 1
    host, service = plan.operands[:2]
    if not service.isdigit():
        process.err(f"nc: bad port '{service}'\n")
        return 1
    answer = yield from lookup(process, host, plan.family)
    if not answer.addresses:
        process.err(f"nc: bad address '{host}'\n")
        return 1
    address, port = answer.addresses[0], int(service)
    shown = f"{host} ({with_port(address, port)})"
    if plan.udp:
        return (yield from _busybox_udp(process, plan, address, port, shown))
    connection = yield Connect("TCP", address, port, plan.wait, plan.local_port or None)
    if connection.state != "established":
        error = "timed out" if connection.state == "connecting" else failure(connection)
        connection.abort()
        if plan.verbose > 1 or (plan.verbose and error != "refused"):
            process.err(f"nc: {shown}: {strerror(error, process.container.image.libc)}\n")
        return 1
    if plan.verbose:
        process.err(f"{shown} open\n")
    if not plan.zero:
        return (yield from _use(process, plan, connection))
    yield Close(connection)
    return 0


def _busybox_udp(process: Process, plan: Plan, address: str, port: int, shown: str) -> Steps[int]:
    socket = yield OpenDatagram(address, port, plan.local_port or None)
    if plan.zero:
        yield SendTo(socket, b"\0")
        refused = yield ReceiveFrom(socket, plan.wait or 5.0)
        if isinstance(refused, str):
            if plan.verbose > 1:
                process.err(f"nc: {shown}: {strerror(refused, process.container.image.libc)}\n")
            return 1
    if plan.verbose:
        process.err(f"{shown} open\n")
    code = 0 if plan.zero else (yield from shovel_datagrams(process, socket, plan, (shown, port)))
    yield Close(socket)
    return code
