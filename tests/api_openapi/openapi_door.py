"""A plain HTTP door to an API server, just wide enough for the real kubectl."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from minik8s.apiserver import ApiServer, Request, Response
from minik8s.cluster import Cluster
from minik8s.kubectl import MemoryIO, main

Outcome = tuple[str, str, int]
Kubectl = Callable[..., Outcome]


def _handler(server: ApiServer, lock: threading.Lock) -> type[BaseHTTPRequestHandler]:
    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None: ...

        def _answer(self) -> None:
            url = urlsplit(self.path)
            length = int(self.headers.get("content-length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            query = parse_qs(url.query, keep_blank_values=True)
            body = self.rfile.read(length) if length else None
            with lock:
                response = server.handle(Request(self.command, url.path, query, headers, body))
                if response.stream is not None:
                    events = response.stream.poll()
                    response.stream.close()
                    response.body = "".join(json.dumps(event) + "\n" for event in events)
            self._send(response)

        def _send(self, response: Response) -> None:
            body = response.body or b""
            if isinstance(body, dict):
                body = json.dumps(body)
            data = body.encode() if isinstance(body, str) else body
            self.send_response(response.code)
            self.send_header("content-type", response.content_type)
            self.send_header("content-length", str(len(data)))
            for name, value in response.headers.items():
                self.send_header(name, value)
            for warning in response.warnings:
                self.send_header("warning", f"299 - {json.dumps(warning)}")
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer

    return Door


@contextmanager
def served(server: ApiServer) -> Iterator[str]:
    """Serve on a free port of the loopback; gives the address."""
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(server, threading.Lock()))
    http.daemon_threads = True
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{http.server_port}"
    finally:
        http.shutdown()
        thread.join()
        http.server_close()


def in_process(cluster: Cluster, *argv: str, stdin: str | None = None) -> Outcome:
    """Run our kubectl."""
    io = MemoryIO(cluster.contexts, stdin=stdin)
    code = main(list(argv), io)
    out = "".join(text for channel, text in io.written if channel == 1)
    err = "".join(text for channel, text in io.written if channel == 2)
    return out, err, code
