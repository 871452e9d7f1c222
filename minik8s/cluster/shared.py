"""A cluster that is being served, as its owner's own thread sees it.

The server works on the cluster from a thread of its own. Whoever holds the lock is alone
with it, so each call of the owner's, and each step of a session that he has opened, takes it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Generic, Protocol, TypeVar

from minik8s.apiserver import (
    ApiServer,
    ExecSession,
    LogStream,
    PortForward,
    Request,
    Response,
)
from minik8s.client import InProcessTransport

T_co = TypeVar("T_co", covariant=True)


class SharedTransport(InProcessTransport):
    """The way to a cluster that others use at the same time; waiting is real."""

    def __init__(self, server: ApiServer, lock: threading.RLock) -> None:
        super().__init__(server)
        self._lock = lock

    def handle(self, request: Request) -> Response:
        """Have the server answer, when it is the caller's turn."""
        with self._lock:
            response = super().handle(request)
        lock, session = self._lock, response.session
        return replace(
            response,
            stream=None if response.stream is None else _Stream(response.stream, lock),
            log=None if response.log is None else _Log(response.log, lock),
            session=_Program(session, lock)
            if session is not None and not isinstance(session, PortForward)
            else session,
        )

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)


class _Polled(Protocol[T_co]):
    """An EventStream or a LogStream."""

    closed: bool

    def poll(self) -> T_co: ...

    def close(self) -> None: ...


class _Stream(Generic[T_co]):
    def __init__(self, inner: _Polled[T_co], lock: threading.RLock) -> None:
        self._inner, self._lock = inner, lock
        self.closed = inner.closed

    def poll(self) -> T_co:
        with self._lock:
            found = self._inner.poll()
        self.closed = self._inner.closed
        return found

    def close(self) -> None:
        with self._lock:
            self._inner.close()
        self.closed = True


class _Log(_Stream[bytes]):
    def __init__(self, inner: LogStream, lock: threading.RLock) -> None:
        super().__init__(inner, lock)
        self._followed = inner

    def listen(self, wake: Callable[[], None]) -> None:
        with self._lock:
            self._followed.listen(wake)


class _Program:
    def __init__(self, inner: ExecSession, lock: threading.RLock) -> None:
        self._inner, self._lock = inner, lock

    @property
    def exit_code(self) -> int | None:
        return self._inner.exit_code

    @property
    def waiting(self) -> str:
        return getattr(self._inner, "waiting", "")

    def write_stdin(self, data: bytes) -> None:
        with self._lock:
            self._inner.write_stdin(data)

    def close_stdin(self) -> None:
        with self._lock:
            self._inner.close_stdin()

    def resize(self, width: int, height: int) -> None:
        with self._lock:
            self._inner.resize(width, height)

    def run(self, seconds: float | None = None) -> bool:
        with self._lock:
            return self._inner.run(seconds)

    def output(self) -> list[tuple[int, bytes]]:
        with self._lock:
            return self._inner.output()

    def kill(self) -> None:
        with self._lock:
            self._inner.kill()
