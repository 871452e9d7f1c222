"""python: its version, and `-m http.server`; it runs no programs of its own."""

from __future__ import annotations

from urllib.parse import unquote

from minik8s.guests.base import Forever, Process, Steps
from minik8s.guests.http import Headers, Response, http_date
from minik8s.guests.httpd import HttpServer, Visit, plain
from minik8s.guests.options import getopt

VERSION = "3.14.2"


def python(process: Process) -> Steps[int]:
    """Run the little that this python can."""
    words = process.arguments
    if words[:1] in (["--version"], ["-V"]):
        process.out(f"Python {VERSION}\n")
        return 0
    words = [word for word in words if word != "-u"]
    if words[:2] == ["-m", "http.server"]:
        return (yield from _http_server(process, words[2:]))
    if not words:
        return 0
    process.err(f"{process.name}: this simulated Python only runs `-m http.server`\n")
    return 1


def _http_server(process: Process, words: list[str]) -> Steps[int]:
    options, operands = getopt(words, "b:d:p:", ["bind=", "directory=", "protocol=", "cgi"])
    folder = dict(options).get("d") or dict(options).get("directory") or process.cwd
    port = int(operands[0]) if operands else 8000
    server = HttpServer(process, lambda visit: _page(visit, folder), log=_log)
    if not (yield from server.listen(port)):
        process.err("OSError: [Errno 98] Address already in use\n")
        return 1
    process.out(f"Serving HTTP on 0.0.0.0 port {port} (http://0.0.0.0:{port}/) ...\n")
    yield Forever()
    return 0


def _log(visit: Visit, response: Response) -> str:
    request = visit.request
    line = f"{request.method} {request.target} {request.version}"
    return f'{visit.remote[0]} - - [{http_date(visit.now)}] "{line}" {response.status} -'


def _page(visit: Visit, folder: str) -> Response:
    if visit.request.method not in ("GET", "HEAD"):
        return plain("Unsupported method\n", 501)
    path = unquote(visit.request.path)
    disk = visit.process.container.disk
    full = visit.process.resolve(f"{folder}/{path}")
    body = disk.read(full if not path.endswith("/") else f"{full}/index.html")
    names = disk.list(full)
    kind = "application/octet-stream" if body is not None else "text/html; charset=utf-8"
    status = 200
    if body is None and names is not None:
        items = "".join(f'<li><a href="{name}">{name}</a></li>\n' for name in names)
        title = f"Directory listing for {path}"
        body = (
            f'<!DOCTYPE HTML>\n<html lang="en">\n<head>\n<title>{title}</title>\n</head>\n<body>\n'
            f"<h1>{title}</h1>\n<hr>\n<ul>\n{items}</ul>\n<hr>\n</body>\n</html>\n"
        ).encode()
    if body is None:
        body, status = b"<h1>Error response</h1>\n<p>Error code: 404</p>\n", 404
    headers: Headers = [
        ("Server", f"SimpleHTTP/0.6 Python/{VERSION}"),
        ("Date", http_date(visit.now)),
        ("Content-type", kind),
        ("Content-Length", str(len(body))),
    ]
    return Response(status, headers, body, "File not found" if status == 404 else "")
