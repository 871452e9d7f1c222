"""curl's way to a server: names, addresses, connections, and what is said about them."""

from __future__ import annotations

from minik8s.guests import tls
from minik8s.guests.addresses import is_address
from minik8s.guests.base import Sleep, Steps
from minik8s.guests.connecting import Attempts
from minik8s.guests.curl_context import TICK, Context, TransferError
from minik8s.guests.curl_texts import Failure
from minik8s.guests.paused import Paused
from minik8s.guests.resolver import Answer, lookup
from minik8s.guests.urls import Url
from minik8s.network import Connection


def connection_to(context: Context, url: Url) -> Steps[tuple[Connection, int]]:
    """A connection to a URL's server, kept or new, with its number; raises TransferError."""
    kept = context.pool.connections.pop((url.scheme, url.host, url.port), None)
    if kept is not None:
        yield Sleep(0.0)  # a FIN may be on its heels
    if kept is not None and not kept[0].eof and kept[0].state == "established":
        heap = 0x55D000000000 + context.process.random("heap").randrange(1 << 32) * 16
        context.say(context.texts.reused(url.host, kept[0].remote, kept[1], heap))
        return kept
    target = _target(context, url)
    addresses = yield from _addresses(context, target)
    report, texts = context.report, context.texts
    report.lookup = context.spent()
    if not is_address(target.host):
        context.say(texts.resolved(target.host, target.port, addresses))
    connection = yield from _connect(context, target, addresses)
    number = context.pool.opened
    context.pool.opened += 1
    report.connects += 1
    report.connect = context.spent()
    report.remote, report.local, report.scheme = connection.remote, connection.local, url.scheme
    context.say(texts.connected(url.host, connection.remote, connection.local, number))
    if url.scheme == "https":
        yield from _handshake(context, connection, url.host)
    return connection, number


def _target(context: Context, url: Url) -> Url:
    """The server to connect to, which `--connect-to` may change."""
    for host, port, other_host, other_port in context.settings.connect_to:
        if host in ("", url.host) and port in ("", str(url.port)):
            place = int(other_port) if other_port else url.port
            return Url(url.scheme, other_host or url.host, place)
    return url


def _addresses(context: Context, url: Url) -> Steps[list[str]]:
    host, port = url.host, url.port
    for key in ((host.lower(), str(port)), ("*", str(port))):
        given = context.settings.resolve.get(key)
        if given is not None:
            context.say(f"* Added {host}:{port}:{given[0]} to DNS cache\n")
            context.say(f"* Hostname {host} was found in DNS cache\n")
            return given
    if is_address(host):
        return [host]
    if host in context.pool.names:
        context.say(f"* Hostname {host} was found in DNS cache\n")
        return context.pool.names[host].addresses
    answer = yield from _resolve(context, host)
    if not answer.addresses:
        failed = context.texts.unresolved(host, answer.reason)
        context.say(f"* {failed.text}\n{context.texts.closing(context.pool.opened)}")
        raise TransferError(failed)
    context.pool.names[host] = answer
    return answer.addresses


def _resolve(context: Context, host: str) -> Steps[Answer]:
    deadline = context.connect_deadline()
    steps = lookup(context.process, host, context.settings.family)
    task = Paused(steps, context.process.clock)
    while True:
        finished = yield from task.until(context.next_stop(deadline))
        if context.now >= deadline:
            why = context.texts.resolving_timed_out(context.ms())
            if context.texts.waits_for_resolver:
                yield from task.until(None)
            raise TransferError(why)
        context.meter.tick()
        if finished:
            answer: Answer = task.result
            return answer


def _connect(context: Context, url: Url, addresses: list[str]) -> Steps[Connection]:
    deadline = context.connect_deadline()
    attempts = Attempts(
        context.process,
        addresses,
        url.port,
        deadline,
        on_try=lambda address: context.say(context.texts.connecting(address, url.port)),
        sport=context.settings.local_port or None,
    )
    while True:
        done = yield from attempts.until(context.next_stop(deadline + TICK))
        if attempts.connection is not None:
            return attempts.connection
        if context.now >= deadline + TICK:
            attempts.abandon()
            raise TransferError(_late(context, url, addresses, deadline))
        context.meter.tick()
        if done:
            raise TransferError(_refused(context, url, attempts))


def _late(context: Context, url: Url, addresses: list[str], deadline: float) -> Failure:
    why = context.texts.connect_timed_out(
        url.host,
        url.port,
        context.ms(),
        by_max_time=deadline == context.deadline(),
        several=len(addresses) > 1,
    )
    context.say(f"* {why.text}\n{context.texts.closing(context.pool.opened)}")
    return why


def _refused(context: Context, url: Url, attempts: Attempts) -> Failure:
    why = context.texts.connect_failed(url.host, url.port, context.ms(), attempts.error)
    for tried in attempts.tried:
        context.say(context.texts.attempt_failed(tried.remote, tried.local, attempts.error))
    context.say(f"* {why.text}\n{context.texts.closing(context.pool.opened)}")
    return why


def _handshake(context: Context, connection: Connection, host: str) -> Steps[None]:
    whole = context.deadline()
    left = None if whole is None else whole + TICK - context.now
    session = yield from tls.connect(connection, host, left)
    if session is None:
        raise TransferError(context.texts.operation_timed_out(context.ms(), 0, None))
    if not session.spoken:
        raise TransferError(context.texts.not_tls())
    if session.problem and not context.settings.insecure:
        context.report.verify_result = session.verify_result
        raise TransferError(context.texts.unverified(session.problem))
    context.report.app_connect = context.spent()
