"""A door for the real kubectl to a cluster in this process, and twins to compare it with ours.

Plain HTTP, one thread for each connection, one lock around the cluster; no exec. It is for tests
alone: the product's own door is another.
"""

from __future__ import annotations

import json
import re
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from minik8s.apiserver import ApiServer, Request, Response
from minik8s.client import Contexts, InProcessTransport
from minik8s.cluster import Cluster
from minik8s.kubectl import MemoryIO, main

_OPENAPI_V2 = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *args: object) -> None: ...

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length) if length else None
        if parts.path == "/openapi/v2":
            self._send(200, _OPENAPI_V2, b"")
            return
        request = Request(
            self.command,
            parts.path,
            parse_qs(parts.query, keep_blank_values=True),
            {key.lower(): value for key, value in self.headers.items()},
            body,
        )
        with self.server.lock:
            response = self.server.api.handle(request)
        if response.stream is not None:
            self._stream(response)
            return
        data = response.body
        if isinstance(data, (dict, list)):
            data = json.dumps(data).encode()
        elif isinstance(data, str):
            data = data.encode()
        warnings = [("Warning", f"299 - {json.dumps(text)}") for text in response.warnings]
        self._send(response.code, response.content_type, data or b"", warnings)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer

    def _send(
        self, code: int, kind: str, data: bytes, headers: list[tuple[str, str]] | None = None
    ) -> None:
        self.send_response(code)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        for name, value in headers or ():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, response: Response) -> None:
        self.send_response(200)
        self.send_header("content-type", response.content_type)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        stream = response.stream
        assert stream is not None
        try:
            while not stream.closed and not self.server.stopping:
                with self.server.lock:
                    events = stream.poll()
                for event in events:
                    data = json.dumps(event).encode() + b"\n"
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
                self.wfile.flush()
                time.sleep(0.01)
            self.wfile.write(b"0\r\n\r\n")
        except OSError:
            stream.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, api: ApiServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.api = api
        self.lock = threading.Lock()
        self.stopping = False


class Twins:
    """Two clusters of one seed: one behind our kubectl, one behind the real one."""

    def __init__(self, kubectl: str, folder: Path, server: _Server, files: Mapping[str, bytes]):
        self._kubectl = kubectl
        self._folder = folder
        self._server = server
        self.editor = "true"
        """The command that edits a file, for `kubectl edit`."""
        self.files = dict(files)
        self._ours = Cluster(nodes=2, seed=1)
        self.contexts = Contexts()
        self.address = f"http://127.0.0.1:{server.server_address[1]}"
        self.contexts.add(
            "minik8s",
            InProcessTransport(ApiServer(self._ours.runtime)),
            cluster={"server": self.address},
            user={},
        )
        for name, data in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "minik8s", "cluster": {"server": self.address}}],
            "users": [{"name": "minik8s", "user": {}}],
            "contexts": [{"name": "minik8s", "context": {"cluster": "minik8s", "user": "minik8s"}}],
            "current-context": "minik8s",
        }
        (folder / "kubeconfig").write_text(json.dumps(config))

    def ours(self, arguments: list[str], stdin: str | None = None) -> tuple[str, str, int]:
        """What our kubectl prints, and its exit code."""
        clock = self._ours.clock
        io = MemoryIO(self.contexts, files=self.files, now=lambda: clock.now, stdin=stdin or "")
        io.editor = self._edited
        io.env = {"KUBECONFIG": str(self._folder / "kubeconfig")}
        code = main(arguments, io)
        return io.stdout, io.stderr, code

    def _edited(self, text: str) -> str:
        path = self._folder / "edited"
        path.write_text(text)
        subprocess.run(["sh", "-c", f"{self.editor} {path}"], check=False, timeout=20)
        return path.read_text()

    def real(
        self, arguments: list[str], stdin: str | None = None, timeout: float = 20
    ) -> tuple[str, str, int]:
        """What the real kubectl prints, and its exit code."""
        environment = {
            "KUBECONFIG": str(self._folder / "kubeconfig"),
            "KUBECACHEDIR": str(self._folder / ".cache"),
            "KUBECTL_KUBERC": "false",
            "PATH": "/usr/bin:/bin",
            "TZ": "UTC",
            "KUBE_EDITOR": self.editor,
        }
        ran = subprocess.run(
            [self._kubectl, *arguments],
            cwd=self._folder,
            env=environment,
            input=(stdin or "").encode(),
            capture_output=True,
            timeout=timeout,
        )
        return ran.stdout.decode(), ran.stderr.decode(), ran.returncode


@contextmanager
def twins(kubectl: str, folder: Path, files: Mapping[str, bytes]) -> Iterator[Twins]:
    """Two clusters of one seed, for as long as the block runs."""
    theirs = Cluster(nodes=2, seed=1)
    server = _Server(ApiServer(theirs.runtime))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield Twins(kubectl, folder, server, files)
    finally:
        server.stopping = True
        server.shutdown()
        server.server_close()
        thread.join()


_AGE = re.compile(r"(?<![\w.-])(\d+[smhdy])+(?![\w.-])|<invalid>")


_PASSING = (
    (_AGE, "AGE"),
    (re.compile(r"(LIVE|MERGED)-\d+"), r"\1"),
    (re.compile(r"\t\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ \+0000"), "\tNOW"),
    (re.compile(r"^I\d{4} .*\n", re.MULTILINE), ""),
    (re.compile(r"^([WEF])\d{4} [\d:.]+ +\d+ [\w.]+:\d+\]", re.MULTILINE), r"\1 "),
    (re.compile(r"-edit-\d+"), "-edit-N"),
    (re.compile(r" +"), " "),
)
"""What differs from one run to the next, and the spaces that line it up."""


def without_ages(text: str) -> str:
    """A text without ages, names of temporary files and the times of log lines."""
    for pattern, replacement in _PASSING:
        text = pattern.sub(replacement, text)
    return text


def plain(result: tuple[str, str, int]) -> tuple[Any, ...]:
    """A result that can be compared although clocks differ."""
    return without_ages(result[0]), without_ages(result[1]), result[2]
