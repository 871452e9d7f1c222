"""A simulated kubeconfig: clusters, users and contexts, as `kubectl config` keeps them.

The document is that of `$KUBECONFIG` (client-go's clientcmd api/v1). What the file cannot say
in process is kept beside it: the transport to each cluster, and who each user is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from minik8s.apiserver import ADMIN, User
from minik8s.client.calls import Client
from minik8s.client.transport import Transport
from minik8s.model.metadata import Document

OMITTED = "DATA+OMITTED"
REDACTED = "REDACTED"

_SECRETS = {
    "certificate-authority-data": OMITTED,
    "client-certificate-data": OMITTED,
    "client-key-data": OMITTED,
    "token": REDACTED,
    "password": REDACTED,
}


class Contexts:
    """The contexts of one terminal, one of which is current.

    A context, cluster or user that does not exist raises KeyError.
    """

    def __init__(self) -> None:
        self.clusters: dict[str, Document] = {}
        self.users: dict[str, Document] = {}
        self.contexts: dict[str, Document] = {}
        self.current = ""
        self._transports: dict[str, Transport] = {}
        self._identities: dict[str, User] = {}

    def add(
        self,
        name: str,
        transport: Transport,
        *,
        cluster: Document,
        user: Document,
        namespace: str = "",
        identity: User = ADMIN,
        use: bool = True,
    ) -> None:
        """Add a cluster, a user and a context, all of one name, and make the context current.

        `cluster` and `user` are the entries of the kubeconfig (`server`, `token`, ...).
        """
        self.clusters[name] = cluster
        self.users[name] = user
        self.contexts[name] = {"cluster": name, "user": name}
        self._transports[name] = transport
        self._identities[name] = identity
        if namespace:
            self.set_namespace(namespace, name)
        if use:
            self.current = name

    def names(self) -> list[str]:
        """The names of the contexts, sorted."""
        return sorted(self.contexts)

    def use(self, name: str) -> None:
        """Make a context the current one."""
        self._context(name)
        self.current = name

    def remove(self, name: str) -> None:
        """Forget a context; its cluster and user stay."""
        del self.contexts[name]

    def rename(self, old: str, new: str) -> None:
        """Give a context another name."""
        self.contexts[new] = self.contexts.pop(old)
        if self.current == old:
            self.current = new

    def forget(self, cluster: str) -> None:
        """Remove a cluster with its user and every context that uses it (as `minikube delete`)."""
        self.clusters.pop(cluster, None)
        self.users.pop(cluster, None)
        self._transports.pop(cluster, None)
        for name in [n for n, c in self.contexts.items() if c.get("cluster") == cluster]:
            del self.contexts[name]
            if self.current == name:
                self.current = ""

    def namespace(self, name: str = "") -> str:
        """The namespace of a context (by default the current one): `default` if it names none."""
        context = self.contexts.get(name or self.current, {})
        return str(context.get("namespace") or "default")

    def set_namespace(self, namespace: str, name: str = "") -> None:
        """Set a context's namespace."""
        self._context(name or self.current)["namespace"] = namespace

    def client(self, name: str = "", *, warn: Callable[[str], None] | None = None) -> Client:
        """A client for a context (by default the current one)."""
        context = self._context(name or self.current)
        user = self._identities.get(context.get("user", ""), ADMIN)
        transport = self._transports[context["cluster"]]
        return Client(transport, namespace=self.namespace(name), user=user, warn=warn)

    def document(self, *, raw: bool = False, minify: bool = False) -> Document:
        """The kubeconfig, as `kubectl config view [--raw] [--minify]` shows it.

        With `minify` only what the current context uses is left.
        """
        contexts, clusters, users = self.contexts, self.clusters, self.users
        if minify:
            context = self._context(self.current)
            contexts = {self.current: context}
            clusters = _only(clusters, context.get("cluster", ""))
            users = _only(users, context.get("user", ""))
        show = _as_is if raw else _redacted
        return {
            "kind": "Config",
            "apiVersion": "v1",
            "clusters": _entries("cluster", clusters, show),
            "users": _entries("user", users, show),
            "contexts": _entries("context", contexts, _as_is),
            "current-context": self.current,
        }

    def _context(self, name: str) -> Document:
        return self.contexts[name]


def _only(entries: Mapping[str, Document], name: str) -> dict[str, Document]:
    return {name: entries[name]} if name in entries else {}


def _entries(
    key: str, entries: Mapping[str, Document], show: Callable[[Document], Document]
) -> list[Document]:
    return [{"name": name, key: show(entries[name])} for name in sorted(entries)]


def _as_is(entry: Document) -> Document:
    return entry


def _redacted(entry: Document) -> Document:
    shown: dict[str, Any] = {}
    for key, value in entry.items():
        shown[key] = _SECRETS[key] if value and key in _SECRETS else value
    return shown
