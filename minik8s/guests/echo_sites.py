"""Small web servers of teaching images: each tells something about itself or the request."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import parse_qsl

from minik8s.guests.base import Forever, Process, Steps
from minik8s.guests.http import Response
from minik8s.guests.httpd import HttpServer, Visit, plain
from minik8s.guests.options import option_value
from minik8s.model.metadata import Document


def _serve(process: Process, port: int, handler: Callable[[Visit], Response]) -> Steps[int]:
    server = HttpServer(process, handler)
    if not (yield from server.listen(port)):
        process.err(f"listen tcp :{port}: bind: address already in use\n")
        return 1
    yield Forever()
    return 0


def http_echo(process: Process) -> Steps[int]:
    """hashicorp/http-echo: answers its `-text`, on `-listen` (default :5678)."""
    text = option_value(process.arguments, "text") or process.env.get("ECHO_TEXT", "")
    if not text:
        process.err("Missing -text option or ECHO_TEXT env var!\n")
        return 127
    port = (option_value(process.arguments, "listen") or ":5678").rpartition(":")[2]
    stamp = datetime.fromtimestamp(process.clock.now, UTC).strftime("%Y/%m/%d %H:%M:%S")
    process.out(f"{stamp} [INFO] server is listening on :{port}\n")

    def handle(_visit: Visit) -> Response:
        response = plain(text + "\n")
        response.headers.insert(0, ("X-App-Name", "http-echo"))
        return response

    return (yield from _serve(process, int(port), handle))


def whoami(process: Process) -> Steps[int]:
    """traefik/whoami: tells about itself and the request, on `--port` (default 80)."""
    port = option_value(process.arguments, "port") or process.env.get("WHOAMI_PORT_NUMBER", "80")

    def handle(visit: Visit) -> Response:
        request = visit.request
        lines = [f"Hostname: {visit.hostname}", "IP: 127.0.0.1"]
        lines += [f"IP: {address}" for address in process.host.addresses]
        lines += [f"RemoteAddr: {visit.remote[0]}:{visit.remote[1]}"]
        lines += [f"{request.method} {request.target} {request.version}"]
        lines += [f"{name}: {value}" for name, value in sorted(request.headers)]
        return plain("\n".join([*lines, "", ""]))

    return (yield from _serve(process, int(port), handle))


def hello_app(process: Process) -> Steps[int]:
    """google-samples/hello-app: version and host name, on PORT (default 8080)."""
    tag = process.env.get("HELLO_VERSION", "1.0.0")

    def handle(visit: Visit) -> Response:
        return plain(f"Hello, world!\nVersion: {tag}\nHostname: {visit.hostname}\n")

    return (yield from _serve(process, int(process.env.get("PORT", "8080")), handle))


def httpbin(process: Process) -> Steps[int]:
    """httpbin: echoes requests (`/get`, `/headers`, `/ip`, `/status/N`, `/anything`)."""

    def handle(visit: Visit) -> Response:
        request = visit.request
        words = request.path.strip("/").split("/")
        if words[0] == "status" and len(words) > 1 and words[1].isdigit():
            return plain("", int(words[1]))
        value: Document = {
            "args": dict(parse_qsl(request.query)),
            "data": request.body.decode(errors="replace"),
            "headers": dict(request.headers),
            "method": request.method,
            "origin": visit.remote[0],
            "url": f"http://{request.header('Host')}{request.target}",
        }
        chosen = {
            "get": ("args", "headers", "origin", "url"),
            "post": ("args", "data", "headers", "origin", "url"),
            "headers": ("headers",),
            "ip": ("origin",),
            "anything": tuple(value),
            "": tuple(value),
        }.get(words[0])
        if words[0] == "user-agent":
            value, chosen = {"user-agent": request.header("User-Agent")}, ("user-agent",)
        if chosen is None:
            return plain("<title>404 Not Found</title>\n", 404, "text/html")
        text = json.dumps({key: value[key] for key in chosen}, indent=2) + "\n"
        return plain(text, 200, "application/json")

    port = process.env.get("PORT") or process.container.image.env.get("PORT", "80")
    return (yield from _serve(process, int(port), handle))


def echo_server(process: Process) -> Steps[int]:
    """registry.k8s.io/echoserver: shows the request as text, on port 8080."""

    def handle(visit: Visit) -> Response:
        request = visit.request
        lines = ["", "", f"Hostname: {visit.hostname}", "", "Pod Information:"]
        lines += ["\t-no pod information available-", "", "Request Information:"]
        lines += [f"\tclient_address={visit.remote[0]}", f"\tmethod={request.method}"]
        lines += [f"\treal path={request.target}", f"\tquery={request.query}"]
        lines += ["\trequest_version=1.1", "", "Request Headers:"]
        lines += [f"\t{name.lower()}={value}" for name, value in request.headers]
        lines += ["", "Request Body:", f"\t{request.body.decode(errors='replace') or '-no body'}"]
        return plain("\n".join([*lines, "", ""]))

    port = process.env.get("PORT") or process.container.image.env.get("PORT", "8080")
    return (yield from _serve(process, int(port), handle))
