"""Who may come in: a table of bearer tokens."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from hashlib import sha256

from minik8s.apiserver import ADMIN, User
from minik8s.errors import Unauthorized

ANONYMOUS = User("system:anonymous", ("system:unauthenticated",))

OPEN_PATHS = ("healthz", "livez", "readyz", "version")
"""What the role system:public-info-viewer shows to everybody."""

PUBLISHED_PATHS = ("docs", "openapi")
"""The documentation of the API, which a browser without a token can read."""


def _nobody(_token: str) -> User | None:
    return None


class Identities:
    """Tokens and whose they are; without a table everybody is the administrator.

    `others` is asked about tokens that are not in the table, those of service accounts.
    """

    def __init__(
        self,
        tokens: Mapping[str, User] | None,
        others: Callable[[str], User | None] = _nobody,
    ) -> None:
        self._others = others
        # Looked up by digest, so how long a look-up takes says nothing about the tokens.
        self._users = (
            None if tokens is None else {_digest(token): user for token, user in tokens.items()}
        )

    def known(self, token: str) -> User | None:
        """Whose token it is by the table; None for nobody's."""
        return (self._users or {}).get(_digest(token))

    def authenticate(self, token: str) -> User:
        """Whose token it is; raises Unauthorized."""
        user = self.known(token) or self._others(token)
        if user is None:
            raise Unauthorized
        return user

    def of(self, authorization: str, path: str) -> User:
        """Who sends a request, by its Authorization header; raises Unauthorized."""
        if self._users is None:
            return ADMIN
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() == "bearer" and token.strip():
            return self.authenticate(token.strip())
        first = path.split("/")[1] if path.startswith("/") else path
        if first in OPEN_PATHS or first in PUBLISHED_PATHS:
            return ANONYMOUS
        raise Unauthorized


def _digest(token: str) -> bytes:
    return sha256(token.encode("utf-8", errors="replace")).digest()


def new_token() -> str:
    """A token that nobody can guess."""
    return secrets.token_urlsafe(32)


def signing_key(secret: str) -> bytes:
    """A key of its own made of another secret."""
    return sha256(f"service accounts {secret}".encode()).digest()
