"""`kubectl config set*` and `unset`: change the kubeconfig."""

from __future__ import annotations

from collections.abc import Mapping

from minik8s.kubectl.call import Call
from minik8s.kubectl.commands import helping
from minik8s.kubectl.failures import Failure
from minik8s.kubectl.gotext import quote
from minik8s.kubectl.kubeconfig import (
    CLUSTER_FIELDS,
    CONTEXT_FIELDS,
    USER_FIELDS,
    fields_from_flags,
    set_property,
    shelf,
    unset_property,
)


def set_value(call: Call) -> None:
    """Set one value."""
    if len(call.arguments) != 2:
        _unexpected(call)
    path, value = call.arguments
    set_property(call, path, value)
    call.out(f"Property {quote(path)} set.\n")


def unset(call: Call) -> None:
    """Remove one value."""
    if len(call.arguments) != 1:
        _unexpected(call)
    [path] = call.arguments
    unset_property(call, path)
    call.out(f"Property {quote(path)} unset.\n")


def set_context(call: Call) -> None:
    """Make or change a context."""
    current = call.flags.on("current")
    if current and call.arguments:
        raise Failure("you cannot specify both a context name and --current")
    if not current and not call.arguments:
        raise Failure("you must specify a non-empty context name or --current")
    if len(call.arguments) > 1:
        _unexpected(call)
    name = call.io.contexts.current if current else call.arguments[0]
    if not name:
        raise Failure("no current context is set")
    fresh = name not in call.io.contexts.contexts
    _merge(call, "contexts", name, CONTEXT_FIELDS, {"cluster": "", "user": ""})
    call.out(f"Context {quote(name)} {'created' if fresh else 'modified'}.\n")


def set_cluster(call: Call) -> None:
    """Make or change a cluster."""
    name = _one_name(call)
    _merge(call, "clusters", name, CLUSTER_FIELDS, {"server": ""})
    call.out(f"Cluster {quote(name)} set.\n")


def set_credentials(call: Call) -> None:
    """Make or change a user; a token and a password exclude each other."""
    name = _one_name(call)
    _merge(call, "users", name, USER_FIELDS, {})
    user = shelf(call, "users")[name]
    if call.flags.given("token"):
        user.pop("username", None)
        user.pop("password", None)
    elif call.flags.given("username"):
        user.pop("token", None)
    call.out(f"User {quote(name)} set.\n")


def _merge(
    call: Call, section: str, name: str, fields: Mapping[str, str], empty: Mapping[str, str]
) -> None:
    entries = shelf(call, section)
    entries[name] = {**empty, **entries.get(name, {}), **fields_from_flags(call, fields)}


def _one_name(call: Call) -> str:
    if len(call.arguments) != 1:
        _unexpected(call)
    return call.arguments[0]


def _unexpected(call: Call) -> None:
    helping.show(call)
    raise Failure(f"Unexpected args: [{' '.join(call.arguments)}]")
