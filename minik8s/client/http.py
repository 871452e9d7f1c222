"""A running server over HTTP: one kept connection, JSON both ways, no streams.

The file that says where it is is a kubeconfig (client-go's clientcmd api/v1): server, CA,
bearer token or client certificate of the current context.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import ssl
import time
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlencode, urlsplit

from minik8s.apiserver import Request, Response
from minik8s.model.metadata import Document

TIMEOUT = 60.0
"""Seconds to wait for the server."""


class KubeconfigError(Exception):
    """A kubeconfig that cannot be used; the text is one line."""


class Unreachable(Exception):
    """The server does not answer; the text is one line."""


class HttpTransport:
    """Carries requests to one server; raises Unreachable if it does not answer."""

    def __init__(
        self, server: str, *, context: ssl.SSLContext | None = None, token: str = ""
    ) -> None:
        self.server = server.rstrip("/")
        self._parts = urlsplit(self.server)
        self._context = context
        self._token = token
        self._connection: http.client.HTTPConnection | None = None

    @classmethod
    def from_kubeconfig(cls, path: Path) -> HttpTransport:
        """The way to the server of a kubeconfig's current context; raises KubeconfigError."""
        cluster, user = _current(_read(path))
        server = str(cluster.get("server") or "")
        if urlsplit(server).scheme not in ("http", "https"):
            raise KubeconfigError(f"{path}: the cluster has no server address")
        for plugin in ("exec", "auth-provider"):
            if plugin in user:
                raise KubeconfigError(f"{path}: users that need {plugin!r} are not supported")
        try:
            context = _tls(path.parent, cluster, user) if server.startswith("https") else None
            token = str(user.get("token") or "")
            if not token and user.get("tokenFile"):
                token = (path.parent / user["tokenFile"]).read_text(encoding="utf-8").strip()
        except (OSError, ssl.SSLError, Base64Error, ValueError) as error:
            raise KubeconfigError(f"{path}: {error}") from None
        return cls(server, context=context, token=token)

    def handle(self, request: Request) -> Response:
        """Carry a request there and its answer back."""
        try:
            return self._exchange(request)
        except (http.client.HTTPException, ConnectionError):
            self.close()  # a kept connection may have gone stale; once more with a fresh one
        except OSError as error:
            raise self._unreachable(error) from None
        try:
            return self._exchange(request)
        except (http.client.HTTPException, OSError) as error:
            raise self._unreachable(error) from None

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _unreachable(self, error: Exception) -> Unreachable:
        self.close()
        return Unreachable(f"{self.server}: {getattr(error, 'strerror', None) or error}")

    def _exchange(self, request: Request) -> Response:
        if self._connection is None:
            self._connection = self._connect()
        target = self._parts.path + request.path
        if request.query:
            target += f"?{urlencode(request.query, doseq=True)}"
        body = request.body
        data = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
        headers = {"accept": "application/json", **request.headers}
        if data is not None:
            headers.setdefault("content-type", "application/json")
        if self._token:
            headers["authorization"] = f"Bearer {self._token}"
        self._connection.request(request.method, target, data, headers)
        return _response(self._connection.getresponse())

    def _connect(self) -> http.client.HTTPConnection:
        host, port = self._parts.hostname or "", self._parts.port
        if self._parts.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=TIMEOUT)
        return http.client.HTTPSConnection(host, port, timeout=TIMEOUT, context=self._context)


def _response(answer: http.client.HTTPResponse) -> Response:
    raw, kind = answer.read(), answer.headers.get("content-type", "")
    body: Any = raw
    if kind.startswith("application/json"):
        body = json.loads(raw)
    elif kind.startswith("text/"):
        body = raw.decode(errors="replace")
    headers = {name.lower(): value for name, value in answer.getheaders()}
    return Response(answer.status, body, kind, headers)


def _read(path: Path) -> Document:
    import yaml

    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise KubeconfigError(f"{path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise KubeconfigError(f"{path}: {str(error).partition(chr(10))[0]}") from None
    if not isinstance(document, dict) or document.get("kind") != "Config":
        raise KubeconfigError(f"{path}: not a kubeconfig")
    return document


def _current(config: Document) -> tuple[Document, Document]:
    name = config.get("current-context") or ""
    context = _named(config, "contexts", name).get("context") or {}
    cluster = _named(config, "clusters", context.get("cluster")).get("cluster") or {}
    user = _named(config, "users", context.get("user")).get("user") or {}
    return cluster, user


def _named(config: Document, what: str, name: str | None) -> Document:
    for entry in config.get(what) or ():
        if entry.get("name") == name:
            found: Document = entry
            return found
    raise KubeconfigError(f"the kubeconfig has no entry {name!r} among its {what}")


def _tls(folder: Path, cluster: Document, user: Document) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if cluster.get("insecure-skip-tls-verify"):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif cluster.get("certificate-authority-data"):
        pem = b64decode(cluster["certificate-authority-data"]).decode("ascii")
        context = ssl.create_default_context(cadata=pem)
    elif cluster.get("certificate-authority"):
        context = ssl.create_default_context(cafile=folder / cluster["certificate-authority"])
    with _certificate(folder, user) as files:
        if files is not None:
            context.load_cert_chain(*files)
    return context


@contextlib.contextmanager
def _certificate(folder: Path, user: Document) -> Iterator[tuple[Path, Path] | None]:
    """The files of a client certificate and its key; `ssl` reads them from nowhere else."""
    names = ("client-certificate", "client-key")
    if all(user.get(name) for name in names):
        yield folder / user[names[0]], folder / user[names[1]]
    elif all(user.get(f"{name}-data") for name in names):
        with TemporaryDirectory() as place:
            files = Path(place) / "crt", Path(place) / "key"
            for file, name in zip(files, names, strict=True):
                file.touch(0o600)
                file.write_bytes(b64decode(user[f"{name}-data"]))
            yield files
    else:
        yield None
