"""Which function answers which method on which part of the API: one table."""

from __future__ import annotations

from collections.abc import Callable

from minik8s.apiserver import deleting, podactions, podlogs, reading, scale, streams, writing
from minik8s.apiserver.accessreviews import REVIEWS
from minik8s.apiserver.call import Call
from minik8s.apiserver.messages import Response
from minik8s.apiserver.patch import patcher
from minik8s.apiserver.proxying import proxy
from minik8s.apiserver.routing import PROXY, Route
from minik8s.errors import MethodNotAllowed
from minik8s.model.registry import CREATE_ONLY, POD

Handler = Callable[[Call], Response]

COLLECTION: dict[str, Handler] = {
    "GET": reading.list_or_watch,
    "POST": writing.create,
    "DELETE": deleting.delete_collection,
}
OBJECT: dict[str, Handler] = {
    "GET": reading.get,
    "PUT": writing.updater(writing.OBJECT),
    "PATCH": patcher(writing.OBJECT),
    "DELETE": deleting.delete_object,
}
_STREAMS = ("exec", "attach", "portforward")
SUBRESOURCES: dict[str, dict[str, Handler]] = {
    "approval": {
        "GET": reading.get,
        "PUT": writing.updater(writing.APPROVAL),
        "PATCH": patcher(writing.APPROVAL),
    },
    "attach": {"GET": streams.attach, "POST": streams.attach},
    "binding": {"POST": podactions.bind},
    "ephemeralcontainers": {
        "GET": reading.get,
        "PUT": writing.updater(writing.EPHEMERAL_CONTAINERS),
        "PATCH": patcher(writing.EPHEMERAL_CONTAINERS),
    },
    "eviction": {"POST": podactions.evict},
    "exec": {"GET": streams.exec_in_pod, "POST": streams.exec_in_pod},
    "finalize": {"PUT": writing.updater(writing.FINALIZE)},
    "log": {"GET": podlogs.logs},
    "portforward": {"GET": streams.port_forward, "POST": streams.port_forward},
    PROXY: dict.fromkeys(("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"), proxy),
    "scale": {"GET": scale.get_scale, "PUT": scale.update_scale, "PATCH": scale.patch_scale},
    "status": {
        "GET": reading.get,
        "PUT": writing.updater(writing.STATUS),
        "PATCH": patcher(writing.STATUS),
    },
    "token": {"POST": podactions.request_token},
}
"""The methods of each subresource; a kind has those that its registry row names."""

_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


def handler_of(method: str, route: Route) -> Handler:
    """The function that answers; raises MethodNotAllowed where none does."""
    if route.subresource:
        table = SUBRESOURCES[route.subresource]
    elif route.kind.verbs is CREATE_ONLY:
        table = {} if route.name else {"POST": REVIEWS[route.kind.resource]}
    else:
        table = OBJECT if route.name else COLLECTION
    handler = table.get("GET" if method == "HEAD" else method)
    if handler is None or not _offered(method, route):
        raise MethodNotAllowed("the server does not allow this method on the requested resource")
    return handler


def _offered(method: str, route: Route) -> bool:
    """Whether the kind has the verb, and the path is one for it."""
    if route.subresource:
        return True
    if route.namespace is None and method not in ("GET", "HEAD"):
        return False
    verb = _VERBS.get(method)
    if verb == "delete" and not route.name:
        verb = "deletecollection"
    return verb is None or verb in route.kind.verbs


def mutates(method: str, route: Route) -> bool:
    """Whether a request changes objects; a way into a pod and a review do not."""
    if method in ("GET", "HEAD") or route.kind.verbs is CREATE_ONLY or route.subresource == PROXY:
        return False
    return not (route.kind == POD and route.subresource in _STREAMS)
