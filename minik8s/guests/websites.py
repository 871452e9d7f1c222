"""The sites of the web server images: nginx and Apache httpd."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import unquote

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
_NGINX_PAGE = """\
<!DOCTYPE html>
<html>
<head>
<title>Welcome to nginx!</title>
<style>
html { color-scheme: light dark; }
body { width: 35em; margin: 0 auto;
font-family: Tahoma, Verdana, Arial, sans-serif; }
</style>
</head>
<body>
<h1>Welcome to nginx!</h1>
<p>If you see this page, the nginx web server is successfully installed and
working. Further configuration is required.</p>

<p>For online documentation and support please refer to
<a href="http://nginx.org/">nginx.org</a>.<br/>
Commercial support is available at
<a href="http://nginx.com/">nginx.com</a>.</p>

<p><em>Thank you for using nginx.</em></p>
</body>
</html>
"""


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


def _file_handler(root: str, page: str) -> Callable[[Visit], Response]:
    """Serve files below a folder, `index.html` for a folder itself."""

    def handle(visit: Visit) -> Response:
        if visit.request.method not in ("GET", "HEAD"):
            return _nginx_head(_nginx_error(405), "text/html", visit.now, modified=False)
        path = unquote(visit.request.path)
        name = path + "index.html" if path.endswith("/") else path
        body = visit.process.container.read(visit.process.resolve(root + name))
        if body is None and name == "/index.html":
            body = page.encode()
        if body is None:
            return _nginx_head(_nginx_error(404), "text/html", visit.now, modified=False)
        kind = "text/html" if name.endswith(".html") else "text/plain"
        return _nginx_head(Response(200, [], body), kind, visit.now, modified=True)

    return handle


def nginx(process: Process) -> Steps[int]:
    """nginx on port 80, serving /usr/share/nginx/html."""
    handler = _file_handler("/usr/share/nginx/html", _NGINX_PAGE)

    def bad_request() -> Response:
        return _nginx_head(_nginx_error(400), "text/html", process.clock.now, modified=False)

    server = HttpServer(process, handler, log=common_log, bad_request=bad_request)
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


_APACHE_PAGE = "<html><body><h1>It works!</h1></body></html>\n"


def _apache_handler(visit: Visit) -> Response:
    path = unquote(visit.request.path)
    name = path + "index.html" if path.endswith("/") else path
    body = visit.process.container.read(f"/usr/local/apache2/htdocs{name}")
    if body is None and name == "/index.html":
        body = _APACHE_PAGE.encode()
    status = 200
    if body is None:
        status = 404
        body = (
            b'<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\n<html><head>\n'
            b"<title>404 Not Found</title>\n</head><body>\n<h1>Not Found</h1>\n"
            b"<p>The requested URL was not found on this server.</p>\n</body></html>\n"
        )
    headers: Headers = [
        ("Date", http_date(visit.now)),
        ("Server", "Apache/2.4.66 (Unix)"),
        ("Last-Modified", http_date(_STARTED)),
        ("ETag", f'"{len(body):x}-{int(_STARTED):x}"'),
        ("Accept-Ranges", "bytes"),
        ("Content-Length", str(len(body))),
        ("Content-Type", "text/html"),
    ]
    if status == 404:
        headers = [headers[0], headers[1], headers[5], ("Content-Type", "text/html")]
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
