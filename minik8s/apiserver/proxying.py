"""The API server as a web proxy: `pods/NAME/proxy/PATH` and `services/NAME/proxy/PATH`.

Names are `[SCHEME:]NAME[:PORT]`. Which address a name means, and what is said where it means
none, is pkg/registry/core/{pod,service} (ResourceLocation); how a request goes on and its answer
comes back is apimachinery's pkg/util/proxy.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from minik8s.apiserver.backend import HttpReply
from minik8s.apiserver.call import Call
from minik8s.apiserver.messages import TEXT, Request, Response
from minik8s.errors import ApiError, BadRequest, NotFound, ServiceUnavailable
from minik8s.model.metadata import Document, name_of
from minik8s.model.registry import ENDPOINT_SLICE, POD, SERVICE, Kind
from minik8s.model.workloads import pod_addresses

_BETWEEN_NEIGHBOURS = frozenset(
    [
        "connection",
        "proxy-connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "content-length",
    ]
)
"""Headers that are about one connection (RFC 9110 section 7.6.1); each side writes its own."""

_SECRETS = frozenset(("authorization",))
_OURS = frozenset(("content-type", "date", "location"))


@dataclass(frozen=True, slots=True)
class Target:
    """Where a proxied request goes."""

    scheme: str
    address: str
    port: int

    @property
    def netloc(self) -> str:
        """Address and port, as a URL has them."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}"


def proxy(call: Call) -> Response:
    """Hand a request on to a pod, and its answer back."""
    request, rest = call.request, call.route.rest
    if not rest and request.method in ("GET", "HEAD"):
        query = f"?{_query(request)}" if request.query else ""
        headers = {"location": f"{request.path}/{query}"}
        return Response(301, "", content_type=TEXT, headers=headers)
    target = _LOCATIONS[call.kind.plural](call)
    reply = call.backend.fetch(
        target.scheme,
        target.address,
        target.port,
        _message(request, rest),
        head_only=request.method == "HEAD",
    )
    prefix = request.path[: len(request.path) - len(rest)]
    return _answer(reply, target, prefix)


# -- where it goes


def split_name(text: str) -> tuple[str, str, str] | None:
    """Scheme, name and port of `[SCHEME:]NAME[:PORT]`; None if it is none of these.

    >>> split_name("https:web:443"), split_name("web:http"), split_name("a:b:c:d")
    (('https', 'web', '443'), ('', 'web', 'http'), None)
    """
    match text.split(":"):
        case [name] if name:
            return "", name, ""
        case [name, port] if name:
            return "", name, port
        case [("" | "http" | "https") as scheme, name, port] if name:
            return scheme, name, port
    return None


def _named(call: Call, kind: Kind, wrong: str) -> tuple[str, Document, str]:
    parts = split_name(call.route.name)
    if parts is None:
        raise BadRequest(wrong)
    scheme, name, port = parts
    found = call.store.get(kind, call.route.home, name)
    if found is None:
        raise NotFound.resource(kind.plural, "", name)
    return scheme, found, port


def _pod(call: Call) -> Target:
    wrong = f'invalid pod request "{call.route.name}"'
    scheme, pod, wanted = _named(call, POD, wrong)
    addresses = pod_addresses(pod)
    if not addresses:
        raise BadRequest("address not allowed")
    port = wanted or next(map(str, _container_ports(pod)), "443" if scheme == "https" else "80")
    if not port.isdigit():
        raise _unreachable(f'address tcp/{port}: unknown port "{port}"')
    return Target(scheme or "http", addresses[0], int(port))


def _container_ports(pod: Document) -> Iterator[int]:
    for container in pod["spec"].get("containers") or ():
        for port in container.get("ports") or ():
            yield port["containerPort"]


def _service(call: Call) -> Target:
    identity = call.route.name
    scheme, service, wanted = _named(call, SERVICE, f'invalid service request "{identity}"')
    name = name_of(service)
    if wanted.isdigit():
        wanted = _port_name(service, int(wanted))
    slices = [
        each
        for each in call.store.list(ENDPOINT_SLICE, call.route.home)
        if (each["metadata"].get("labels") or {}).get("kubernetes.io/service-name") == name
    ]
    ready = list(_ready(slices, wanted))
    if not ready:
        unknown = any(True for each in slices for _ in _addresses(each))
        raise ServiceUnavailable(
            f'no endpoints available for service "{identity if unknown else name}"'
        )
    address, port = call.backend.ids.stream("proxy").choice(ready)
    return Target(scheme or "http", address, port)


def _port_name(service: Document, number: int) -> str:
    for port in service["spec"].get("ports") or ():
        if port["port"] == number:
            return str(port.get("name") or "")
    raise ServiceUnavailable(f'no service port {number} found for service "{name_of(service)}"')


def _ready(slices: Iterable[Document], port_name: str) -> Iterator[tuple[str, int]]:
    for each in slices:
        ports = [p["port"] for p in each.get("ports") or () if (p.get("name") or "") == port_name]
        for address in _addresses(each):
            for port in ports:
                yield address, port


def _addresses(endpoint_slice: Document) -> Iterator[str]:
    for endpoint in endpoint_slice.get("endpoints") or ():
        if (endpoint.get("conditions") or {}).get("ready", True):
            yield from endpoint["addresses"][:1]


_LOCATIONS = {"pods": _pod, "services": _service}


def _unreachable(problem: str) -> ApiError:
    return ServiceUnavailable(f"error trying to reach service: {problem}")


# -- what is sent


def _query(request: Request) -> str:
    return urlencode(request.query, doseq=True)


def _message(request: Request, rest: str) -> bytes:
    """The request as the pod gets it."""
    body = _body(request.body)
    query = f"?{_query(request)}" if request.query else ""
    lines = [f"{request.method} {rest or '/'}{query} HTTP/1.1"]
    lines += [f"{_title(name)}: {value}" for name, value in _passed_on(request.headers)]
    if "host" not in request.headers:
        lines.append("Host: localhost")
    if body or request.method in ("POST", "PUT", "PATCH"):
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join([*lines, "Connection: close"]) + "\r\n\r\n").encode("latin-1") + body


def _passed_on(headers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in headers.items():
        if name not in _BETWEEN_NEIGHBOURS and name not in _SECRETS and value:
            yield name, value


def _title(name: str) -> str:
    return "-".join(part.capitalize() for part in name.split("-"))


def _body(body: Any) -> bytes:
    if body is None or isinstance(body, bytes):
        return body or b""
    return json.dumps(body).encode()


# -- what comes back


def _answer(reply: HttpReply, target: Target, prefix: str) -> Response:
    headers = {name.lower(): value for name, value in reply.headers}
    passed = {
        name: value
        for name, value in headers.items()
        if name not in _BETWEEN_NEIGHBOURS and name not in _OURS
    }
    if "location" in headers:
        passed["location"] = _seen_from_outside(headers["location"], target, prefix)
    media = headers.get("content-type", TEXT)
    return Response(reply.status, reply.body, content_type=media, headers=passed)


def _seen_from_outside(location: str, target: Target, prefix: str) -> str:
    """A redirect to a path of the same pod, as a path through the proxy."""
    path = location.removeprefix(f"{target.scheme}://{target.netloc}")
    return prefix + path if path.startswith("/") and not path.startswith("//") else location
