"""A stand-in for TLS: hellos that carry names and certificates, and no secrecy.

After the hellos the bytes go in the clear, so that a trace stays readable. What matters for a
client is kept: whether the other end speaks TLS, and whether its certificate is trusted.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from minik8s.guests.base import Receive, Send, Steps
from minik8s.network import Connection

_CLIENT, _SERVER = b"\x16\x03\x01", b"\x16\x03\x03"


@dataclass(frozen=True, slots=True)
class Certificate:
    """Whom a certificate names, who signed it, and whether common systems know the signer."""

    names: tuple[str, ...]
    issuer: str
    trusted: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """The outcome of a handshake; `problem` is OpenSSL's verdict on the certificate."""

    spoken: bool
    certificate: Certificate | None = None
    problem: str = ""
    verify_result: int = 0


def _frame(kind: bytes, content: dict[str, object]) -> bytes:
    body = json.dumps(content).encode()
    return kind + len(body).to_bytes(2, "big") + body


def _unframe(kind: bytes, data: bytes) -> tuple[dict[str, object], bytes] | None:
    if len(data) < 5:
        return None
    end = 5 + int.from_bytes(data[3:5], "big")
    if not data.startswith(kind) or len(data) < end:
        return None
    content = json.loads(data[5:end])
    return (content, data[end:]) if isinstance(content, dict) else None


def connect(connection: Connection, host: str, timeout: float | None) -> Steps[Session | None]:
    """Shake hands as a client; None if the time ran out."""
    yield Send(connection, _frame(_CLIENT, {"server_name": host}))
    data = yield Receive(connection, timeout)
    if data is None:
        return None
    found = _unframe(_SERVER, data)
    if found is None:
        return Session(spoken=False)
    content, _ = found
    names = content.get("names")
    certificate = Certificate(
        tuple(str(name) for name in names) if isinstance(names, list) else (),
        str(content.get("issuer", "")),
        content.get("trusted") is True,
    )
    return _judge(certificate)


def _judge(certificate: Certificate) -> Session:
    if certificate.trusted:
        return Session(True, certificate)
    if certificate.issuer in certificate.names:
        return Session(True, certificate, "self-signed certificate", 18)
    return Session(True, certificate, "unable to get local issuer certificate", 20)


def is_hello(data: bytes) -> bool:
    """Whether a client begins to speak TLS."""
    return data.startswith(b"\x16\x03")


def accept(data: bytes, certificate: Certificate) -> tuple[bytes, bytes] | None:
    """A server's answer to a hello, and the bytes behind it; None while it is not whole."""
    found = _unframe(_CLIENT, data)
    if found is None:
        return None
    content: dict[str, object] = {
        "names": list(certificate.names),
        "issuer": certificate.issuer,
        "trusted": certificate.trusted,
    }
    return _frame(_SERVER, content), found[1]
