"""kube-apiserver as pods see it on port 6443: TLS, versions and health, and no anonymous access.

The cluster's real API is not reachable over the simulated network; tools in pods that bring
a token are told that it is not valid.
"""

from __future__ import annotations

import json

from minik8s.guests.base import Forever, Process, Steps
from minik8s.guests.http import Response
from minik8s.guests.httpd import HttpServer, Visit, plain
from minik8s.guests.options import option_value
from minik8s.guests.tls import Certificate

VERSION = "v1.37.0"
_OPEN = ("/healthz", "/livez", "/readyz")


def _status(code: int, reason: str, message: str) -> Response:
    document = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code,
    }
    if code == 403:
        document["details"] = {}
    return plain(json.dumps(document, indent=2) + "\n", code, "application/json")


def _page(visit: Visit) -> Response:
    request = visit.request
    path = request.path
    if path in _OPEN:
        return plain("ok")
    if path == "/version":
        major, minor = VERSION[1:].split(".")[:2]
        version = {"major": major, "minor": minor, "gitVersion": VERSION, "platform": "linux/amd64"}
        return plain(json.dumps(version, indent=2), 200, "application/json")
    if request.header("Authorization"):
        return _status(401, "Unauthorized", "Unauthorized")
    verb = "get" if request.method in ("GET", "HEAD") else request.method.lower()
    text = f'forbidden: User "system:anonymous" cannot {verb} path "{path}"'
    return _status(403, "Forbidden", text)


def kube_apiserver(process: Process) -> Steps[int]:
    """Serve on `--secure-port` (default 6443)."""
    port = int(option_value(process.arguments, "secure-port") or 6443)
    names = ("kubernetes", "kubernetes.default", "kubernetes.default.svc", "localhost")
    server = HttpServer(process, _page, certificate=Certificate(names, "kubernetes-ca"))
    if not (yield from server.listen(port)):
        process.err(f"failed to listen on 0.0.0.0:{port}: bind: address already in use\n")
        return 1
    yield Forever()
    return 0
