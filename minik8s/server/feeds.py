"""Answers that go on: the events of a watch, and the output of a followed container."""

from __future__ import annotations

import asyncio

from minik8s.apiserver import EventStream, LogStream, Response
from minik8s.apiserver.server import refusal
from minik8s.errors import ApiError
from minik8s.model.metadata import Document
from minik8s.server.answers import Answers, Send, head_of
from minik8s.server.connection import HttpConnection
from minik8s.server.hub import Hub
from minik8s.server.limits import Counter, Limits

LOG_PAUSE = 0.05
"""Seconds between two looks at a followed log."""

WATCH_PAUSE = 0.01
"""Seconds between two looks at a watch that has much to tell."""

PIECE = 256 * 1024


class Feeds:
    """The watches and followed logs of one server."""

    def __init__(self, hub: Hub, limits: Limits, answers: Answers) -> None:
        self._hub = hub
        self._answers = answers
        self._slow = limits.slow
        self._ending = False
        self._watches = Counter("watches", limits.watches)
        self._follows = Counter("followed logs", limits.follows)

    def close(self) -> None:
        """The server ends: let them end first."""
        self._ending = True
        self._hub.tell_all()

    # -- watches

    async def watch(
        self, response: Response, stream: EventStream, link: HttpConnection, send: Send
    ) -> None:
        """Send events, a line for each; whoever does not read them is dropped."""
        try:
            counter = self._watches.__enter__()
        except ApiError as error:
            stream.close()
            await self._answers.send(refusal(error), link, send)
            return
        listener = self._hub.listen(stream.kind.plural)  # type: ignore[attr-defined]
        link.on_close = listener.told.set
        try:
            await send(head_of(response))
            while not link.closed:
                with self._hub.lock:
                    events = stream.poll()
                if events and not await self._send_lines(events, link, send):
                    return
                if stream.closed or self._ending:
                    await send({"type": "http.response.body", "body": b""})
                    return
                await listener.wait()
                if events:
                    await asyncio.sleep(WATCH_PAUSE)
            link.abort()
        finally:
            link.on_close = None
            self._hub.forget(listener)
            stream.close()
            counter.__exit__()

    async def _send_lines(self, events: list[Document], link: HttpConnection, send: Send) -> bool:
        """Send events in pieces; False if the client is too slow."""
        lines: list[bytes] = []
        size = 0
        for event in events:
            line = self._answers.encoder.event(event)
            lines.append(line)
            size += len(line)
            if size > PIECE:
                if not await self._send_piece(b"".join(lines), link, send):
                    return False
                lines, size = [], 0
        return await self._send_piece(b"".join(lines), link, send)

    async def _send_piece(self, data: bytes, link: HttpConnection, send: Send) -> bool:
        try:
            async with asyncio.timeout(self._slow):
                await send({"type": "http.response.body", "body": data, "more_body": True})
        except TimeoutError:
            link.abort()
            return False
        return True

    # -- logs

    async def follow(
        self, response: Response, stream: LogStream, link: HttpConnection, send: Send
    ) -> None:
        """Send a container's output as it comes, as fast as the client reads it.

        Somebody may read in front of `less`; nothing is kept for them but their place.
        """
        try:
            counter = self._follows.__enter__()
        except ApiError as error:
            stream.close()
            await self._answers.send(refusal(error), link, send)
            return
        listener = self._hub.listen("")
        link.on_close = listener.told.set
        stream.listen(listener.tell_soon)
        try:
            await send(head_of(response))
            while not link.closed:
                with self._hub.activity():
                    data = stream.poll()
                if data:
                    await send({"type": "http.response.body", "body": data, "more_body": True})
                if stream.closed or self._ending:
                    await send({"type": "http.response.body", "body": b""})
                    return
                await listener.wait()
                await asyncio.sleep(LOG_PAUSE)
            link.abort()
        finally:
            link.on_close = None
            self._hub.forget(listener)
            stream.close()
            counter.__exit__()
