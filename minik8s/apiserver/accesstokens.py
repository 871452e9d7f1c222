"""Tokens of service accounts: made on request, and known again.

A token is a JSON Web Token as clients expect it, but signed with a key that only this server
has (HS256), so it needs no table. It is good until it expires, or until its account, or the pod
it is bound to, is gone or has been made anew.
"""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from minik8s.apiserver.access import AUTHENTICATED, account_groups, account_user_name
from minik8s.apiserver.messages import User
from minik8s.model.metadata import Document, name_of, namespace_of, uid_of
from minik8s.model.registry import POD, SERVICE_ACCOUNT, Kind
from minik8s.store import Store

ISSUER = "https://kubernetes.default.svc.cluster.local"
_PRIVATE = "kubernetes.io"
_HEADER = {"alg": "HS256", "typ": "JWT"}


class AccountTokens:
    """Signs and reads tokens. `key` is the secret of one server.

    In process nobody shows a token, so a key that anybody can know does no harm there; a
    server puts a secret in its place before it listens.
    """

    __slots__ = ("_store", "key")

    def __init__(self, store: Store, key: bytes = b"in process") -> None:
        self._store = store
        self.key = key

    def sign(
        self, account: Document, audiences: list[str], seconds: int, pod: Document | None = None
    ) -> tuple[str, float]:
        """A token for an account, and when it expires (seconds since the epoch)."""
        now = self._store.clock.now
        namespace = namespace_of(account)
        private: dict[str, Any] = {
            "namespace": namespace,
            "serviceaccount": {"name": name_of(account), "uid": uid_of(account)},
        }
        if pod is not None:
            private["pod"] = {"name": name_of(pod), "uid": uid_of(pod)}
        claims = {
            "aud": audiences,
            "exp": int(now) + seconds,
            "iat": int(now),
            "iss": ISSUER,
            _PRIVATE: private,
            "nbf": int(now),
            "sub": account_user_name(namespace, name_of(account)),
        }
        signed = f"{_encoded(_HEADER)}.{_encoded(claims)}"
        return f"{signed}.{self._signature(signed)}", now + seconds

    def user_of(self, token: str, audience: str = ISSUER) -> User | None:
        """Whose a token is; None if it is not good, or not for this audience."""
        signed, _, signature = token.rpartition(".")
        expected = self._signature(signed)
        if not hmac.compare_digest(signature.encode("utf-8", "replace"), expected.encode()):
            return None
        claims = _decoded(signed.partition(".")[2])
        private = claims.get(_PRIVATE) or {}
        if audience not in claims["aud"] or claims["exp"] <= self._store.clock.now:
            return None
        namespace, account = private["namespace"], private["serviceaccount"]
        if not self._same(SERVICE_ACCOUNT, namespace, account):
            return None
        extra: dict[str, tuple[str, ...]] = {}
        pod = private.get("pod")
        if pod is not None:
            if not self._same(POD, namespace, pod):
                return None
            extra["authentication.kubernetes.io/pod-name"] = (pod["name"],)
            extra["authentication.kubernetes.io/pod-uid"] = (pod["uid"],)
        groups = (*account_groups(namespace), AUTHENTICATED)
        name = account_user_name(namespace, account["name"])
        return User(name, groups, account["uid"], extra)

    def _same(self, kind: Kind, namespace: str, named: Mapping[str, str]) -> bool:
        """Whether the object that a token speaks of is still the same one."""
        found = self._store.get(kind, namespace, named["name"])
        return found is not None and uid_of(found) == named["uid"]

    def _signature(self, signed: str) -> str:
        digest = hmac.new(self.key, signed.encode("utf-8", "replace"), sha256).digest()
        return _base64(digest)


def _encoded(part: Mapping[str, Any]) -> str:
    return _base64(json.dumps(part, separators=(",", ":")).encode())


def _decoded(text: str) -> dict[str, Any]:
    padded = text + "=" * (-len(text) % 4)
    claims: dict[str, Any] = json.loads(urlsafe_b64decode(padded))
    return claims


def _base64(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")
