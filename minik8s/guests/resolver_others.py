"""The resolvers of c-ares and of Go.

c-ares lets A and AAAA search on their own and doubles its patience; Go asks each on a socket
of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from minik8s.guests.base import Close, FirstOf, OpenDatagram, ReceiveFrom, SendTo, Steps
from minik8s.guests.dns_client import Reply, ask_over_tcp, query
from minik8s.guests.resolver_search import (
    NO_DATA,
    NOT_FOUND,
    TIMED_OUT,
    Answer,
    Search,
    candidates,
    receive,
)
from minik8s.network.dns import NOERROR

# -- c-ares


def ares(search: Search) -> Steps[Answer]:
    """A and AAAA search independently over one socket; patience doubles from 5 seconds."""
    server = search.config.nameservers[0]
    socket = yield OpenDatagram(server, 53)
    chains = {kind: _AresChain(search, kind) for kind in search.types}
    for chain in chains.values():
        yield SendTo(socket, chain.message)
    clock = search.process.clock
    while any(not chain.done for chain in chains.values()):
        due = min(chain.due for chain in chains.values() if not chain.done)
        wanted = {chain.id: chain for chain in chains.values() if not chain.done}
        reply = yield from receive(socket, set(wanted), max(0.0, due - clock.now))
        if isinstance(reply, Reply):
            chain = wanted[reply.id]
            if reply.truncated:
                whole = yield from ask_over_tcp(server, chain.message)
                if whole is None:
                    chain.finish(TIMED_OUT)
                    continue
                reply = whole
            chain.take(reply)
            if not chain.done:
                yield SendTo(socket, chain.message)
        for chain in wanted.values():
            if not chain.done and chain.due <= clock.now and chain.retry():
                yield SendTo(socket, chain.message)
    yield Close(socket)
    reasons = [chain.reason for chain in chains.values()]
    return search.answer([r for chain in chains.values() for r in chain.replies], reasons[0])


class _AresChain:
    """The search of one record type."""

    TRIES = 4

    def __init__(self, search: Search, kind: str) -> None:
        self._search = search
        self._kind = kind
        self._names: Iterator[str] = iter(candidates(search.host, search.config, bare_first=True))
        self.done = False
        self.reason = NOT_FOUND
        self.replies: list[Reply] = []
        self._next()

    def _next(self) -> None:
        name = next(self._names, None)
        if name is None:
            self.done = True
            return
        self.id = self._search.random.randrange(1, 65536)
        self.message = query(self.id, name, self._kind)
        self._tries = 1
        self.due = self._search.process.clock.now + self._search.config.timeout

    def take(self, reply: Reply) -> None:
        """A reply: addresses end the search, anything else goes on to the next name."""
        if reply.addresses:
            self.replies.append(reply)
            self.done = True
            return
        if reply.rcode == NOERROR:
            self.reason = NO_DATA
        self._next()

    def retry(self) -> bool:
        """The patience is over: whether the question is asked again."""
        if self._tries >= self.TRIES:
            self.finish(TIMED_OUT)
            return False
        self.due += self._search.config.timeout * 2**self._tries
        self._tries += 1
        return True

    def finish(self, reason: str) -> None:
        """Give up."""
        self.done, self.reason = True, reason


# -- Go


def go(search: Search) -> Steps[Answer]:
    """A and AAAA on sockets of their own, each tried twice for 5 seconds."""
    reason = NOT_FOUND
    for name in candidates(search.host, search.config, bare_first=True):
        replies = yield from _go_exchange(search, name)
        found = search.answer(replies)
        if found.addresses:
            return found
        if len(replies) < len(search.types):
            reason = TIMED_OUT
    return Answer(reason=reason, name=search.host)


def _go_exchange(search: Search, name: str) -> Steps[list[Reply]]:
    clock = search.process.clock
    replies: dict[str, Reply] = {}
    for _attempt in range(search.config.attempts):
        missing = [kind for kind in search.types if kind not in replies]
        sockets = []
        for kind in missing:
            number = search.random.randrange(1, 65536)
            socket = yield OpenDatagram(search.config.nameservers[0], 53)
            yield SendTo(socket, query(number, name, kind))
            sockets.append((socket, kind, number))
        end = clock.now + search.config.timeout
        while sockets and clock.now < end:
            waits = tuple(ReceiveFrom(socket) for socket, _, _ in sockets)
            result = yield FirstOf(waits, end - clock.now)
            if result is None:
                break
            socket, kind, number = sockets[result[0]]
            reply = None if isinstance(result[1], str) else Reply.parse(result[1].data)
            if reply is not None and reply.id == number:
                replies[kind] = reply
            sockets.pop(result[0])
            yield Close(socket)
        for socket, _, _ in sockets:
            yield Close(socket)
        if len(replies) == len(search.types):
            break
    return list(replies.values())
