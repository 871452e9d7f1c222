"""Requests at the gate: what a request wants to do, and as whom (k8s.io/apiserver).

A path that leads to no kind is judged all the same: who may not look gets no answer to whether
something is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from urllib.parse import unquote

from minik8s.apiserver.access import (
    ANONYMOUS,
    AUTHENTICATED,
    MASTERS,
    UNAUTHENTICATED,
    Attributes,
    Rbac,
    account_groups,
    account_of,
)
from minik8s.apiserver.accesstokens import AccountTokens
from minik8s.apiserver.messages import Request, User
from minik8s.apiserver.routing import Route
from minik8s.errors import BadRequest
from minik8s.model.fields import parse_field_selector
from minik8s.model.formats import SelectorError, quote
from minik8s.store import Store

_IMPERSONATE = "impersonate-"
_EXTRA = "impersonate-extra-"
_AUTHENTICATION = "authentication.k8s.io"

ALWAYS_ALLOWED = ("healthz", "livez", "readyz", "openapi", "docs")
"""The first parts of the paths that nobody is refused (--authorization-always-allow-paths); the
documentation is among them, because a browser without a token shows it."""

_OBJECT_VERBS = {"GET": "get", "HEAD": "get", "POST": "create", "PUT": "update"}
_OBJECT_VERBS |= {"PATCH": "patch", "DELETE": "delete"}
_COLLECTION_VERBS = {"POST": "create", "DELETE": "deletecollection"}
_STREAMS = ("attach", "exec", "portforward")
_NAMESPACE_PARTS = ("status", "finalize")


class Access:
    """The gate of one cluster's API: who somebody is, and whether they may pass."""

    __slots__ = ("authenticate", "rbac", "tokens")

    def __init__(self, store: Store) -> None:
        self.rbac = Rbac(store)
        self.tokens = AccountTokens(store)
        self.authenticate: Callable[[str], User | None] = self.tokens.user_of
        """Whose a bearer token is; None for nobody's."""

    def serve(self, key: bytes, known: Callable[[str], User | None]) -> None:
        """Sign tokens with a server's own secret, and take the tokens that it knows as well."""
        self.tokens.key = key
        self.authenticate = lambda token: known(token) or self.tokens.user_of(token)

    def admit(self, request: Request, route: Route | None) -> Request:
        """The request in the name in which it is made; raises Forbidden."""
        headers = request.headers
        if headers and any(name.startswith(_IMPERSONATE) for name in headers):
            request = replace(request, user=impersonated(self.rbac, request))
        user = request.user
        if MASTERS in user.groups:
            return request
        if route is None:
            self._admit_path(request)
            return request
        kind, name, namespace = route.kind, route.name, route.namespace or ""
        verb = _OBJECT_VERBS.get(request.method, "") if name else _collection_verb(request)
        if not namespace and kind.plural == "namespaces" and not kind.group:
            namespace = name
        if not name and request.query:
            name = _selected_name(request, verb)
        rights = self.rbac.rights(user, namespace)
        if not rights.allows(verb, kind.group, kind.plural, route.subresource, name):
            self.rbac.check(_wanted(request, route, verb, name, namespace))
        if route.subresource in _STREAMS and verb == "get":
            # A WebSocket opens with GET; it needs what a POST needs as well.
            self.rbac.check(_wanted(request, route, "create", name, namespace))
        return request

    def check_create(self, request: Request, route: Route) -> None:
        """Raise Forbidden if a write that makes a new object is by somebody who may not."""
        self.rbac.check(_wanted(request, route, "create", route.name, route.home))

    def _admit_path(self, request: Request) -> None:
        wanted = path_attributes(request)
        first = wanted.path.split("/", 2)[1:2]
        if not first or first[0] not in ALWAYS_ALLOWED:
            self.rbac.check(wanted)


def _collection_verb(request: Request) -> str:
    """The verb of a request on a collection (request.RequestInfo)."""
    if request.method in ("GET", "HEAD"):
        return "watch" if request.query and request.flag("watch") else "list"
    return _COLLECTION_VERBS.get(request.method, "")


def _selected_name(request: Request, verb: str) -> str:
    """The one name that a list or watch is narrowed to by its field selector."""
    text = request.parameter("fieldSelector")
    if verb not in ("list", "watch") or "metadata.name" not in text:
        return ""
    try:
        return parse_field_selector(text).exact("metadata.name") or ""
    except SelectorError:
        return ""


def _wanted(request: Request, route: Route, verb: str, name: str, namespace: str) -> Attributes:
    kind = route.kind
    return Attributes(
        request.user, verb, kind.group, kind.plural, route.subresource, name, namespace
    )


def path_attributes(request: Request) -> Attributes:
    """What a request wants whose path leads to no kind that is served."""
    parts = [unquote(part) for part in request.path.split("/") if part]
    match parts:
        case ["api", _, *rest] if rest:
            group = ""
        case ["apis", group, _, *rest] if rest:
            pass
        case _:
            path = unquote(request.path) or "/"
            return Attributes(request.user, request.method.lower(), path=path)
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 1:
        namespace = rest[1]
        if len(rest) > 2 and rest[2] not in _NAMESPACE_PARTS:
            rest = rest[2:]
    resource, name, subresource, *_ = *rest, "", ""
    verb = _OBJECT_VERBS.get(request.method, "") if name else _collection_verb(request)
    return Attributes(request.user, verb, group, resource, subresource, name, namespace)


# -- impersonation


def header_values(headers: Mapping[str, str], name: str) -> list[str]:
    """The values of a header; one that was sent several times has a line for each."""
    value = headers.get(name)
    return value.split("\n") if value else []


def impersonated(rbac: Rbac, request: Request) -> User:
    """The user that a request asks to act as; raises Forbidden if it may not."""
    headers = request.headers
    name = headers.get("impersonate-user", "")
    groups = header_values(headers, "impersonate-group")
    uid = headers.get("impersonate-uid", "")
    extra = {
        unquote(key.removeprefix(_EXTRA)).lower(): tuple(header_values(headers, key))
        for key in headers
        if key.startswith(_EXTRA)
    }
    if not name:
        if not (groups or uid or extra):
            return request.user
        nobody = _go_user(uid, groups, extra)
        raise BadRequest(f"requested {nobody} without impersonating a user name")
    for wanted in _acts(request.user, name, groups, uid, extra):
        rbac.check(wanted)
    return User(name, _groups_of(name, groups), uid, extra)


def _go_user(uid: str, groups: list[str], extra: Mapping[str, tuple[str, ...]]) -> str:
    """A user without a name as Go prints the struct (%#v of user.DefaultInfo)."""
    entries = (f"{quote(key)}:{_go_strings(extra[key])}" for key in sorted(extra))
    more = f"{{{', '.join(entries)}}}" if extra else "(nil)"
    return (
        f'&user.DefaultInfo{{Name:"", UID:{quote(uid)}, Groups:{_go_strings(groups)}, '
        f"Extra:map[string][]string{more}}}"
    )


def _go_strings(values: Sequence[str]) -> str:
    return f"[]string{{{', '.join(map(quote, values))}}}" if values else "[]string(nil)"


def _acts(
    user: User, name: str, groups: list[str], uid: str, extra: Mapping[str, tuple[str, ...]]
) -> Iterator[Attributes]:
    """Everything that somebody must be allowed to impersonate, in the order it is asked."""
    verb = "impersonate"
    account = account_of(name)
    if account is not None:
        yield Attributes(user, verb, "", "serviceaccounts", "", account[1], account[0])
    else:
        yield Attributes(user, verb, "", "users", "", name)
    for group in groups:
        yield Attributes(user, verb, "", "groups", "", group)
    for key, values in extra.items():
        for value in values:
            yield Attributes(user, verb, _AUTHENTICATION, "userextras", key, value)
    if uid:
        yield Attributes(user, verb, _AUTHENTICATION, "uids", "", uid)


def _groups_of(name: str, asked: list[str]) -> tuple[str, ...]:
    """The groups of an impersonated user: those asked for, or those that it has anyway."""
    groups = list(asked)
    account = account_of(name)
    if account is not None and not asked:
        groups = list(account_groups(account[0]))
    if name == ANONYMOUS:
        implied, settled = UNAUTHENTICATED, {UNAUTHENTICATED}
    else:
        implied, settled = AUTHENTICATED, {AUTHENTICATED, UNAUTHENTICATED}
    if settled.isdisjoint(groups):
        groups.append(implied)
    return tuple(groups)
