"""The resolvers of the C libraries musl and glibc, as measured.

musl asks A and AAAA at once, again after 2.5 s, and fails after 5. glibc asks twice for 5 s
each, then once more for the bare name, and goes to TCP when an answer is cut off.
"""

from __future__ import annotations

from minik8s.guests.base import Close, OpenDatagram, SendTo, Steps
from minik8s.guests.dns_client import Reply, ask_over_tcp
from minik8s.guests.resolver_search import (
    FAILED,
    NO_DATA,
    NOT_FOUND,
    REFUSED,
    TIMED_OUT,
    Answer,
    Search,
    candidates,
    receive,
)
from minik8s.network.dns import NOERROR, NXDOMAIN, SERVFAIL

# -- musl


def musl(search: Search) -> Steps[Answer]:
    """Every nameserver at once, everything again at half time; a time-out ends the search."""
    for name in candidates(search.host, search.config, bare_first=False):
        replies = yield from _musl_exchange(search, name)
        if len(replies) < len(search.types):
            return Answer(reason=TIMED_OUT, name=search.host)
        found = search.answer(replies, NO_DATA)
        if found.addresses or any(reply.rcode == NOERROR for reply in replies):
            return found
        if any(reply.rcode != NXDOMAIN for reply in replies):
            return Answer(reason=FAILED, name=search.host)
    return Answer(reason=NOT_FOUND, name=search.host)


def _musl_exchange(search: Search, name: str) -> Steps[list[Reply]]:
    config, clock = search.config, search.process.clock
    open_queries = search.queries(name)
    replies: dict[str, Reply] = {}
    socket = yield OpenDatagram()
    end = clock.now + config.timeout
    again = clock.now
    pause = config.timeout / config.attempts
    while open_queries and clock.now < end:
        if clock.now >= again:
            for _, message in open_queries.values():
                for server in config.nameservers:
                    yield SendTo(socket, message, server, 53)
            again += pause
        reply = yield from receive(socket, set(open_queries), min(again, end) - clock.now)
        if isinstance(reply, Reply) and reply.rcode in (NOERROR, NXDOMAIN):
            kind, _ = open_queries.pop(reply.id)
            replies[kind] = reply
    yield Close(socket)
    return [replies[kind] for kind in search.types if kind in replies]


# -- glibc


def glibc(search: Search) -> Steps[Answer]:
    """Server by server, attempt by attempt; after a time-out only the bare name is tried."""
    names = candidates(search.host, search.config, bare_first=True)
    bare = f"{search.host.rstrip('.')}."
    reason = NOT_FOUND
    for place, name in enumerate(names):
        replies = yield from _glibc_exchange(search, name)
        if replies == TIMED_OUT and bare not in names[: place + 1]:
            replies = yield from _glibc_exchange(search, bare)
            if isinstance(replies, list):
                return search.answer(replies)
        if isinstance(replies, str):
            return Answer(reason=replies, name=search.host)
        found = search.answer(replies)
        if found.addresses:
            return found
        if any(reply.rcode == NOERROR for reply in replies):
            reason = NO_DATA
    return Answer(reason=reason, name=search.host)


def _glibc_exchange(search: Search, name: str) -> Steps[list[Reply] | str]:
    """The replies for one name, or why there are none."""
    config = search.config
    queries = search.queries(name)
    refused = 0
    for _attempt in range(config.attempts):
        for server in config.nameservers:
            replies = yield from _ask_one(search, server, queries, config.timeout)
            if replies == REFUSED:
                refused += 1
            elif isinstance(replies, list) and all(r.rcode != SERVFAIL for r in replies):
                return replies
            elif isinstance(replies, list):
                return FAILED
    return REFUSED if refused else TIMED_OUT


def _ask_one(
    search: Search, server: str, queries: dict[int, tuple[str, bytes]], timeout: float
) -> Steps[list[Reply] | str]:
    """Both questions to one server over one connected socket."""
    clock = search.process.clock
    socket = yield OpenDatagram(server, 53)
    for _, message in queries.values():
        yield SendTo(socket, message)
    replies: dict[str, Reply] = {}
    end = clock.now + timeout
    while len(replies) < len(queries):
        reply = yield from receive(socket, set(queries), max(0.0, end - clock.now))
        if reply is None or reply == "refused":
            yield Close(socket)
            return REFUSED if reply else TIMED_OUT
        if isinstance(reply, Reply):
            kind, message = queries[reply.id]
            if reply.truncated:
                whole = yield from ask_over_tcp(server, message)
                if whole is None:
                    yield Close(socket)
                    return TIMED_OUT
                reply = whole
            replies[kind] = reply
    yield Close(socket)
    return [replies[kind] for kind in search.types]
