"""The kubeconfig as a tree: single values set and removed, entries made from flags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minik8s.kubectl.call import Call
from minik8s.kubectl.failures import Failure
from minik8s.kubectl.gotext import parse_bool
from minik8s.model.metadata import Document

CLUSTER_FIELDS: Mapping[str, str] = {
    "server": "server",
    "certificate-authority": "certificate-authority",
    "proxy-url": "proxy-url",
    "tls-server-name": "tls-server-name",
    "insecure-skip-tls-verify": "insecure-skip-tls-verify",
}
"""Flags of `set-cluster`, and the fields that they set."""

USER_FIELDS: Mapping[str, str] = {
    name: name for name in ("token", "username", "password", "client-certificate", "client-key")
}
CONTEXT_FIELDS: Mapping[str, str] = {"cluster": "cluster", "user": "user", "namespace": "namespace"}

_BOOLEANS = ("insecure-skip-tls-verify", "disable-compression")
_KNOWN: Mapping[str, frozenset[str]] = {
    "clusters": frozenset((*CLUSTER_FIELDS.values(), "certificate-authority-data")),
    "users": frozenset((*USER_FIELDS.values(), "client-certificate-data", "client-key-data")),
    "contexts": frozenset(CONTEXT_FIELDS.values()),
}


def config_path(call: Call) -> str:
    """Where the kubeconfig is, as messages name it."""
    home = call.io.env.get("HOME", "")
    return call.flags.text("kubeconfig") or call.io.env.get("KUBECONFIG") or f"{home}/.kube/config"


def fields_from_flags(call: Call, fields: Mapping[str, str]) -> Document:
    """The fields that the flags of a command set."""
    entry: Document = {}
    for flag, name in fields.items():
        if call.flags.given(flag):
            on = flag in _BOOLEANS
            entry[name] = call.flags.on(flag) if on else call.flags.text(flag)
    return entry


def shelf(call: Call, name: str) -> dict[str, Document]:
    """The entries of `clusters`, `users` or `contexts`."""
    entries: dict[str, Document] = getattr(call.io.contexts, name)
    return entries


def set_property(call: Call, path: str, value: str) -> None:
    """Set one value: `current-context`, or `clusters.NAME.server` and the like."""
    if path == "current-context":
        call.io.contexts.current = value
        return
    section, name, field = _parts(path)
    if field not in _KNOWN[section]:
        raise _unparsable(path, section, name)
    converted: Any = value
    if field in _BOOLEANS:
        try:
            converted = parse_bool(value)
        except ValueError:
            raise Failure(f"error parsing {value!r} as a boolean") from None
    shelf(call, section).setdefault(name, {})[field] = converted


def unset_property(call: Call, path: str) -> None:
    """Remove one value, or a whole entry."""
    if path == "current-context":
        call.io.contexts.current = ""
        return
    if path in _KNOWN:
        shelf(call, path).clear()
        return
    section, name, field = _parts(path)
    if not field:
        shelf(call, section).pop(name, None)
    elif field in _KNOWN[section]:
        shelf(call, section).get(name, {}).pop(field, None)
    else:
        raise _unparsable(path, section, name)


def _parts(path: str) -> tuple[str, str, str]:
    section, _, rest = path.partition(".")
    if section not in _KNOWN:
        raise Failure(f"unable to parse {path} after [] at api.Config")
    name, _, field = rest.partition(".")
    return section, name, field


def _unparsable(path: str, section: str, name: str) -> Failure:
    types = {"clusters": "api.Cluster", "users": "api.AuthInfo", "contexts": "api.Context"}
    steps = [f"{{{section} struct}}", f"{{{name} map}}"]
    return Failure(f"unable to parse {path} after [{' '.join(steps)}] at {types[section]}")
