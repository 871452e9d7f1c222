"""json-mock, the tutorial's backend (quay.io/cilium/json-mock): json-server on Node's Express."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from collections.abc import Callable
from urllib.parse import unquote

from minik8s.guests.base import Forever, Process, Steps
from minik8s.guests.http import Headers, Response, http_date
from minik8s.guests.httpd import HttpServer, Visit
from minik8s.model.metadata import Document

_MOCK: Document = {
    "private": [{"id": 1, "body": "secret information"}],
    "public": [{"id": 1, "body": "public information"}],
}


def _etag(body: bytes) -> str:
    """Express's weak entity tag: the length and 27 letters of a SHA-1."""
    digest = b64encode(hashlib.sha1(body, usedforsecurity=False).digest()).decode()[:27]
    return f'W/"{len(body):x}-{digest}"'


def _express(body: bytes, visit: Visit, status: int = 200) -> Response:
    headers: Headers = [
        ("X-Powered-By", "Express"),
        ("Vary", "Origin, Accept-Encoding"),
        ("Access-Control-Allow-Credentials", "true"),
        ("Cache-Control", "no-cache"),
        ("Pragma", "no-cache"),
        ("Expires", "-1"),
        ("X-Content-Type-Options", "nosniff"),
        ("Content-Type", "application/json; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("ETag", _etag(body)),
        ("Date", http_date(visit.now)),
        ("Connection", "keep-alive"),
        ("Keep-Alive", "timeout=5"),
    ]
    return Response(status, headers, body)


def _mock_value(data: Document, path: str) -> object | None:
    parts = [unquote(part) for part in path.strip("/").split("/") if part]
    if parts in ([], ["db"]):
        return data
    items = data.get(parts[0])
    if not isinstance(items, list) or len(parts) == 1:
        return items
    return next((item for item in items if str(item.get("id")) == parts[1]), None)


def _mock_handler(data: Document) -> Callable[[Visit], Response]:
    def handle(visit: Visit) -> Response:
        request = visit.request
        if request.path.startswith("/client-ip"):
            return _express(json.dumps({"client-ip": visit.remote[0]}).encode(), visit)
        if request.path.startswith("/hostname"):
            return _express(json.dumps({"hostname": visit.hostname}).encode(), visit)
        value = _mock_value(data, request.path)
        if value is None or request.method not in ("GET", "HEAD"):
            return _express(b"{}", visit, 404)
        return _express(json.dumps(value, indent=2).encode(), visit)

    return handle


def _mock_log(visit: Visit, response: Response) -> str:
    request = visit.request
    return f"{request.method} {request.target} {response.status} 0.000 ms - {len(response.body)}"


def json_mock(process: Process) -> Steps[int]:
    """json-server with the image's own data; PORT (default 80) and FILE count."""
    port = process.env.get("PORT") or "80"
    name = process.env.get("FILE") or "/default.json"
    text = process.container.read(name)
    data = json.loads(text) if text else _MOCK
    if not isinstance(data, dict):
        data = _MOCK
    server = HttpServer(process, _mock_handler(data), log=_mock_log)
    process.out(f"\n  \\{{^_^}}/ hi!\n\n  Loading {name}\n  Loading /auth-header.js\n  Done\n\n")
    if not port.isdigit() or not (yield from server.listen(int(port))):
        process.err(f"Cannot bind to the port {port}. Please specify another port number\n")
        return 1
    resources = "".join(f"  http://:{port}/{key}\n" for key in data)
    process.out(f"  Resources\n{resources}\n  Home\n  http://:{port}\n\n")
    process.out("  Type s + enter at any time to create a snapshot of the database\n")
    process.out("  Watching...\n\n")
    yield Forever()
    return 0
