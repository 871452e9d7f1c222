"""HTTP to localhost: what a forwarded port leads to."""

from __future__ import annotations

from urllib.parse import urlsplit

from minik8s.network import Connection
from minik8s.terminal.io import LaptopIO
from minik8s.terminal.standins.flags import Flags

LOCAL = ("localhost", "127.0.0.1", "::1")
_PATIENCE = 30.0
"""How long an answer is waited for without `--max-time`, in simulated seconds."""


def request(url: str, flags: Flags, io: LaptopIO) -> int:
    """Send one request to a port of this computer and print the answer; curl's exit code."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    connection = io.dial(port)
    if connection is None:
        host = parts.hostname
        return _fail(
            7, f"Failed to connect to {host} port {port} after 0 ms: {_REFUSED}", flags, io
        )
    body = flags.get("data")
    method = flags.get("request") or ("HEAD" if flags.on("head") else "POST" if body else "GET")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [f"{method} {path} HTTP/1.1", f"Host: {parts.netloc}", "User-Agent: curl/7.88.1"]
    lines += ["Accept: */*", *flags.values.get("header", []), "Connection: close"]
    if body:
        lines += [f"Content-Length: {len(body.encode())}"]
        lines += ["Content-Type: application/x-www-form-urlencoded"]
    connection.send(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
    answer = _answer(connection, io, float(flags.get("max-time", "0")) or _PATIENCE)
    connection.close()
    if not answer:
        return _fail(52, "Empty reply from server", flags, io)
    head, _, content = answer.partition(b"\r\n\r\n")
    text = head.decode(errors="replace") + "\r\n\r\n"
    status = text.split(" ", 2)[1] if text.count(" ") > 1 else ""
    if flags.on("fail") and status >= "400":
        return _fail(22, f"The requested URL returned error: {status}", flags, io)
    if flags.on("head") or flags.on("include"):
        io.out(text)
    if not flags.on("head"):
        _deliver(content, flags, io)
    if flags.get("write-out"):
        io.out(flags.get("write-out").replace("%{http_code}", status).replace("\\n", "\n"))
    return 0


_REFUSED = "Connection refused"


def _deliver(content: bytes, flags: Flags, io: LaptopIO) -> None:
    name = flags.get("output")
    if name and name != "/dev/null":
        io.write_file(name, content)
    elif name:
        return
    else:
        io.out(content.decode(errors="replace"))


def _answer(connection: Connection, io: LaptopIO, seconds: float) -> bytes:
    """Everything that comes back until the other side closes."""
    timeline = io.terminal.timeline
    deadline = timeline.now + seconds
    data = b""
    while True:
        data += connection.receive()
        if connection.eof or connection.state in ("reset", "refused", "closed", "timed out"):
            return data + connection.receive()
        due = timeline.next_event()
        if due is None or due > deadline:
            timeline.run_until(deadline)
            return data
        timeline.step()


def _fail(code: int, message: str, flags: Flags, io: LaptopIO) -> int:
    if not flags.on("silent") or flags.on("show-error"):
        io.err(f"curl: ({code}) {message}\n")
    return code
