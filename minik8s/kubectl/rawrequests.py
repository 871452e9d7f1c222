"""`--raw`: asking a path of the server as it is."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from minik8s.kubectl.call import Call
from minik8s.kubectl.failures import Failure
from minik8s.kubectl.gotext import plain_json, quote


def raw_get(call: Call, path: str) -> None:
    """Print what the server answers to GET."""
    _print(call, _ask(call, "GET", path, None))


def raw_send(call: Call, method: str, path: str, body: Any) -> None:
    """Print what the server answers to a body."""
    _print(call, _ask(call, method, path, body))


def _ask(call: Call, method: str, path: str, body: Any) -> Any:
    parts = urlsplit(path)
    if not path.startswith("/"):
        raise Failure(
            f"--raw must be a valid URL path: parse {quote(path)}: invalid URI for request"
        )
    asked = parse_qs(parts.query, keep_blank_values=True)
    return call.client.request(method, parts.path, query=asked, body=body).body


def _print(call: Call, body: Any) -> None:
    if isinstance(body, bytes):
        call.out(body.decode(errors="replace"))
    elif isinstance(body, str):
        call.out(body)
    elif body is not None:
        call.out(plain_json(body) + "\n")
