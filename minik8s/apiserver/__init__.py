"""REST semantics without a socket: `ApiServer.handle(Request) -> Response`."""

from __future__ import annotations

from minik8s.apiserver.backend import (
    Backend,
    EventStream,
    ExecSession,
    LogOptions,
    LogStream,
    PortForward,
)
from minik8s.apiserver.messages import ADMIN, Request, Response, User
from minik8s.apiserver.server import ApiServer
from minik8s.apiserver.watch import WatchStream

__all__ = [
    "ADMIN",
    "ApiServer",
    "Backend",
    "EventStream",
    "ExecSession",
    "LogOptions",
    "LogStream",
    "PortForward",
    "Request",
    "Response",
    "User",
    "WatchStream",
]
