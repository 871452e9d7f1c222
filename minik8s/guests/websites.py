"""The sites of the web server images: nginx and Apache httpd."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from posixpath import dirname, normpath
from urllib.parse import quote, unquote

from minik8s.guests.base import Forever, Process, Steps
from minik8s.guests.http import REASONS, Headers, Response, http_date
from minik8s.guests.httpd import HttpServer, Visit

_STARTED = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
"""When the files that the images bring were last changed."""


def _stamp(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")


def common_log(visit: Visit, response: Response) -> str:
    """A line of the combined log format, as nginx and Apache write it."""
    request = visit.request
    agent = request.header("User-Agent", "-")
    return (
        f'{visit.remote[0]} - - [{_stamp(visit.now)}] "{request.method} {request.target} '
        f'{request.version}" {response.status} {len(response.body)} '
        f'"{request.header("Referer", "-")}" "{agent}" "-"'
    )


_NGINX_VERSION = "1.29.4"


def _nginx_error(status: int) -> Response:
    title = f"{status} {REASONS[status]}"
    body = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n"
        f"<center><h1>{title}</h1></center>\r\n<hr><center>nginx/{_NGINX_VERSION}</center>\r\n"
        "</body>\r\n</html>\r\n"
    )
    return Response(status, [], body.encode())


def _nginx_head(response: Response, kind: str, now: float, *, modified: bool) -> Response:
    size = len(response.body)
    headers: Headers = [
        ("Server", f"nginx/{_NGINX_VERSION}"),
        ("Date", http_date(now)),
        ("Content-Type", kind),
        ("Content-Length", str(size)),
    ]
    if modified:
        headers.append(("Last-Modified", http_date(_STARTED)))
    headers.append(("Connection", "keep-alive"))
    if modified:
        headers += [("ETag", f'"{int(_STARTED):x}-{size:x}"'), ("Accept-Ranges", "bytes")]
    response.headers = headers
    return response


_NGINX_ROOT = "/usr/share/nginx/html"
_NGINX_TYPES = {
    "css": "text/css",
    "gif": "image/gif",
    "htm": "text/html",
    "html": "text/html",
    "jpg": "image/jpeg",
    "js": "application/javascript",
    "json": "application/json",
    "png": "image/png",
    "svg": "image/svg+xml",
    "txt": "text/plain",
    "xml": "text/xml",
}
"""Of mime.types; what is not listed there is application/octet-stream (default_type)."""


def _nginx_handler(visit: Visit) -> Response:
    """Serve the files below the root, `index.html` for a folder."""
    if visit.request.method not in ("GET", "HEAD"):
        return _nginx_refusal(405, visit.now)
    path = normpath("/" + unquote(visit.request.path).lstrip("/"))
    if visit.request.path.endswith("/") and path != "/":
        path += "/"
    name = path + "index.html" if path.endswith("/") else path
    disk = visit.process.container.disk
    body = disk.read(_NGINX_ROOT + name)
    if body is not None:
        kind = _NGINX_TYPES.get(name.rpartition(".")[2], "application/octet-stream")
        return _nginx_head(Response(200, [], body), kind, visit.now, modified=True)
    if path != "/" and disk.list(_NGINX_ROOT + path) is None:
        return _nginx_refusal(404, visit.now)
    if path.endswith("/"):
        return _nginx_refusal(403, visit.now)
    moved = _nginx_refusal(301, visit.now)
    moved.headers.insert(4, ("Location", f"http://{visit.request.header('Host')}{path}/"))
    return moved


def _nginx_refusal(status: int, now: float) -> Response:
    return _nginx_head(_nginx_error(status), "text/html", now, modified=False)


def nginx(process: Process) -> Steps[int]:
    """nginx on port 80, serving /usr/share/nginx/html."""

    def bad_request() -> Response:
        return _nginx_refusal(400, process.clock.now)

    server = HttpServer(process, _nginx_handler, log=common_log, bad_request=bad_request)
    when = datetime.fromtimestamp(process.clock.now, UTC).strftime("%Y/%m/%d %H:%M:%S")
    process.err("/docker-entrypoint.sh: Configuration complete; ready for start up\n")
    if not (yield from server.listen(80)):
        process.err(
            f"{when} [emerg] 1#1: bind() to 0.0.0.0:80 failed (98: Address already in use)\n"
            "nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)\n"
        )
        return 1
    process.err(f"{when} [notice] 1#1: nginx/{_NGINX_VERSION}\n")
    process.err(f"{when} [notice] 1#1: start worker processes\n")
    yield Forever()
    return 0


_APACHE_ROOT = "/usr/local/apache2/htdocs"


def _apache_error(status: int, text: str) -> bytes:
    title = REASONS[status]
    return (
        '<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\n<html><head>\n'
        f"<title>{status} {title}</title>\n</head><body>\n<h1>{title}</h1>\n"
        f"<p>{text}</p>\n</body></html>\n"
    ).encode()


def _apache_listing(path: str, names: list[str]) -> bytes:
    title = escape(f"Index of {path.rstrip('/') or '/'}")
    above = escape(quote(dirname(path.rstrip("/"))))
    parent = f'<li><a href="{above}"> Parent Directory</a></li>\n' if path != "/" else ""
    items = "".join(
        f'<li><a href="{escape(quote(name))}"> {escape(name)}</a></li>\n' for name in names
    )
    return (
        '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 3.2 Final//EN">\n<html>\n <head>\n'
        f"  <title>{title}</title>\n </head>\n <body>\n<h1>{title}</h1>\n"
        f"<ul>{parent}{items}</ul>\n</body></html>\n"
    ).encode()


def _apache_handler(visit: Visit) -> Response:
    """Serve the files below htdocs; a folder without `index.html` is listed."""
    asked = unquote(visit.request.path)
    path = normpath("/" + asked.lstrip("/")) + (
        "/" if asked.strip("/") and asked[-1] == "/" else ""
    )
    disk = visit.process.container.disk
    body = disk.read(_APACHE_ROOT + (path + "index.html" if path.endswith("/") else path))
    status, stamped = 200, body is not None
    if body is None and path.endswith("/"):
        names = disk.list(_APACHE_ROOT + path)
        if names is not None or path == "/":
            body = _apache_listing(path, names or [])
    if body is None:
        status = 404
        body = _apache_error(404, "The requested URL was not found on this server.")
    headers: Headers = [("Date", http_date(visit.now)), ("Server", "Apache/2.4.66 (Unix)")]
    if stamped:
        headers += [
            ("Last-Modified", http_date(_STARTED)),
            ("ETag", f'"{len(body):x}-{int(_STARTED):x}"'),
            ("Accept-Ranges", "bytes"),
        ]
    headers += [("Content-Length", str(len(body))), ("Content-Type", "text/html")]
    return Response(status, headers, body)


def apache(process: Process) -> Steps[int]:
    """Apache httpd on port 80."""
    server = HttpServer(process, _apache_handler, log=common_log)
    if not (yield from server.listen(80)):
        process.err("(98)Address already in use: AH00072: make_sock: could not bind\n")
        return 1
    process.err("AH00558: httpd: Could not reliably determine the server's name\n")
    yield Forever()
    return 0
