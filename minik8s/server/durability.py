"""Writes go to the disk on a thread of their own; an answer waits until its writes are there."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from contextlib import suppress

from minik8s.errors import InternalError
from minik8s.journal import Journal, JournalError
from minik8s.store import StoreEvent

_log = logging.getLogger("minik8s.server")


class Scribe:
    """Writes batches of events in order, all that wait in one transaction (group commit)."""

    def __init__(self, journal: Journal, loop: asyncio.AbstractEventLoop) -> None:
        self._journal = journal
        self._loop = loop
        self._batches: deque[list[StoreEvent]] = deque()
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._taken = self._written = 0
        self._failure = ""
        self._ready = threading.Semaphore(0)
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="minik8s-journal", daemon=True)
        self._thread.start()

    def keep(self, events: list[StoreEvent]) -> None:
        """Write these events next; called with the cluster's lock held."""
        self._batches.append(events)
        self._taken += 1
        self._ready.release()

    async def durable(self) -> None:
        """Until everything kept so far is on the disk; raises InternalError if it cannot be."""
        if self._failure:
            raise InternalError.wrap(self._failure)
        if self._written >= self._taken:
            return
        future = self._loop.create_future()
        self._waiting.append((self._taken, future))
        await future

    def close(self) -> None:
        """Write what is left and end."""
        self._closing = True
        self._ready.release()
        self._thread.join()

    def _work(self) -> None:
        while True:
            self._ready.acquire()
            count, events = 0, []
            while self._batches:
                events += self._batches.popleft()
                count += 1
            if events:
                self._write(events)
                self._tell(count)
            elif self._closing and not self._batches:
                return

    def _write(self, events: list[StoreEvent]) -> None:
        if self._failure:
            return  # a later state without an earlier one is not what anybody was told
        try:
            self._journal.write(events)
        except JournalError as error:
            self._failure = f"the data file cannot be written: {error}"
            _log.error("%s", self._failure)

    def _tell(self, count: int) -> None:
        with suppress(RuntimeError):  # the loop has ended, and with it everybody who waited
            self._loop.call_soon_threadsafe(self._wrote, count)

    def _wrote(self, count: int) -> None:
        self._written += count
        while self._waiting and self._waiting[0][0] <= self._written:
            _, future = self._waiting.popleft()
            if future.done():
                continue
            if self._failure:
                future.set_exception(InternalError.wrap(self._failure))
            else:
                future.set_result(None)
