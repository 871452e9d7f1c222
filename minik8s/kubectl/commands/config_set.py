"""`kubectl config set-...`, `set` and `unset`: changing entries of the kubeconfig."""

from __future__ import annotations

import base64
import binascii
import posixpath
from typing import Any

from minik8s.kubectl.call import Call
from minik8s.kubectl.commands.config import unexpected
from minik8s.kubectl.failures import Failure
from minik8s.kubectl.gotext import parse_bool, quote
from minik8s.kubectl.govalue import go_value
from minik8s.model.metadata import Document

_FIELDS = {
    "clusters": {
        "server": "string",
        "tls-server-name": "string",
        "insecure-skip-tls-verify": "bool",
        "certificate-authority": "string",
        "certificate-authority-data": "bytes",
        "proxy-url": "string",
        "disable-compression": "bool",
    },
    "users": {
        "client-certificate": "string",
        "client-certificate-data": "bytes",
        "client-key": "string",
        "client-key-data": "bytes",
        "token": "string",
        "tokenFile": "string",
        "username": "string",
        "password": "string",
    },
    "contexts": {"cluster": "string", "user": "string", "namespace": "string"},
}
"""The fields of the kubeconfig's entries, and what they hold."""


def _name(call: Call, what: str, word: str = "Unexpected") -> str:
    if len(call.arguments) != 1:
        raise unexpected(call, word)
    (name,) = call.arguments
    if not name:
        raise Failure(f"you must specify a non-empty {what} name")
    return name


def set_context(call: Call) -> None:
    """Set fields of a context, a new one if there is none of that name."""
    if len(call.arguments) > 1:
        raise unexpected(call)
    flags, contexts = call.flags, call.io.contexts
    name = call.arguments[0] if call.arguments else ""
    if not (name or flags.on("current")):
        raise Failure("you must specify a non-empty context name or --current")
    if name and flags.on("current"):
        raise Failure("you cannot specify both a context name and --current")
    if flags.on("current"):
        name = contexts.current
        if not name:
            raise Failure("no current context is set")
    done = "modified" if name in contexts.contexts else "created"
    context = contexts.contexts.setdefault(name, {})
    for field in ("cluster", "user", "namespace"):
        if flags.given(field):
            _put(context, field, flags.text(field))
    call.out(f"Context {quote(name)} {done}.\n")


def _put(entry: Document, field: str, value: Any) -> None:
    """Set a field; an empty value is no field at all."""
    if value:
        entry[field] = value
    else:
        entry.pop(field, None)


def set_cluster(call: Call) -> None:
    """Set fields of a cluster."""
    flags, name = call.flags, _name(call, "cluster")
    insecure, authority = flags.on("insecure-skip-tls-verify"), flags.text("certificate-authority")
    if insecure and authority:
        raise Failure(
            "you cannot specify a certificate authority and insecure mode at the same time"
        )
    embedded = _embedded(call, "certificate-authority") if flags.on("embed-certs") else None
    cluster = call.io.contexts.clusters.setdefault(name, {})
    if flags.given("server"):
        _put(cluster, "server", flags.text("server"))
        _put(cluster, "tls-server-name", "")
    if flags.given("tls-server-name"):
        _put(cluster, "tls-server-name", flags.text("tls-server-name"))
    if flags.given("insecure-skip-tls-verify"):
        _put(cluster, "insecure-skip-tls-verify", insecure)
        if insecure:
            _put(cluster, "certificate-authority", "")
            _put(cluster, "certificate-authority-data", "")
    if flags.given("certificate-authority"):
        path = posixpath.join(call.io.cwd, authority)
        _put(cluster, "certificate-authority", "" if embedded else path)
        _put(cluster, "certificate-authority-data", embedded)
        _put(cluster, "insecure-skip-tls-verify", False)
    if flags.given("proxy-url"):
        _put(cluster, "proxy-url", flags.text("proxy-url"))
    call.out(f"Cluster {quote(name)} set.\n")


def _embedded(call: Call, flag: str) -> str:
    """A file's content for the kubeconfig."""
    path = call.flags.text(flag)
    if not path:
        raise Failure(f"you must specify a --{flag} to embed")
    try:
        return base64.b64encode(call.io.read_file(path)).decode()
    except OSError:
        raise Failure(
            f"could not stat {flag} file {path}: stat {path}: no such file or directory"
        ) from None


def set_credentials(call: Call) -> None:
    """Set fields of a user."""
    flags, name = call.flags, _name(call, "user", "unexpected")
    token, basic = flags.text("token"), flags.text("username") or flags.text("password")
    if token and basic:
        raise Failure(
            "you cannot specify more than one authentication method at the same time: --token, "
            "--username/--password"
        )
    files = ("client-certificate", "client-key")
    embedded = {}
    if flags.on("embed-certs"):
        embedded = {field: _embedded(call, field) for field in files if flags.text(field)}
        if not embedded:
            raise Failure("you must specify a --client-certificate or --client-key to embed")
    user = call.io.contexts.users.setdefault(name, {})
    for field in files:
        if flags.given(field):
            path = posixpath.join(call.io.cwd, flags.text(field))
            _put(user, field, "" if field in embedded else path)
            _put(user, f"{field}-data", embedded.get(field, ""))
    for field in ("token", "username", "password"):
        replaced = basic if field == "token" else token
        if flags.given(field) or replaced:
            _put(user, field, flags.text(field))
    call.out(f"User {quote(name)} set.\n")


# -- single properties


def set_value(call: Call) -> None:
    """Set one property by its path."""
    if len(call.arguments) != 2:
        raise unexpected(call)
    path, value = call.arguments
    if not value:
        raise Failure("you cannot use set to unset a property")
    if not path:
        raise Failure("you must specify a property")
    contexts = call.io.contexts
    if path == "current-context":
        contexts.current = value
    else:
        entries, kinds, name, field = _located(call, path)
        if not name:
            raise Failure("unrecognized type: api.Config")
        if not field:
            raise Failure(f"can't set a map to a value: {go_value(entries)}")
        raw = call.flags.on("set-raw-bytes")
        converted = _converted(value, kinds[field], raw=raw)
        _put(entries.setdefault(name, {}), field, converted)
    call.out(f"Property {quote(path)} set.\n")


def unset(call: Call) -> None:
    """Remove one property, an entry or all entries by the path."""
    if len(call.arguments) != 1:
        raise unexpected(call)
    (path,) = call.arguments
    if not path:
        raise Failure("you must specify a property")
    if path == "current-context":
        call.io.contexts.current = ""
    else:
        entries, _, name, field = _located(call, path)
        if not name:
            entries.clear()
        elif not field:
            entries.pop(name, None)
        elif name not in entries:
            raise Failure(f"current map key `{name}` is invalid")
        else:
            entries[name].pop(field, None)
    call.out(f"Property {quote(path)} unset.\n")


def _located(call: Call, path: str) -> tuple[dict[str, Document], dict[str, str], str, str]:
    """The entries that a path is about, their fields, the entry's name and the field in it.

    A name may have dots in it: it ends where a field's name follows, or at the end.
    """
    section, _, rest = path.partition(".")
    if section not in _FIELDS:
        raise Failure(f"unable to parse {path} after [] at api.Config")
    entries: dict[str, Document] = getattr(call.io.contexts, section)
    kinds = _FIELDS[section]
    parts = rest.split(".") if rest else []
    for place in range(1, len(parts)):
        if parts[place] in kinds:
            if place < len(parts) - 1:
                raise Failure(f"unable to parse one or more field values of {path}")
            return entries, kinds, ".".join(parts[:place]), parts[place]
    return entries, kinds, rest, ""


def _converted(value: str, kind: str, *, raw: bool) -> Any:
    if kind == "bool":
        try:
            return parse_bool(value)
        except ValueError:
            raise Failure(f"strconv.ParseBool: parsing {quote(value)}: invalid syntax") from None
    if kind == "bytes":
        if raw:
            return base64.b64encode(value.encode()).decode()
        try:
            base64.b64decode(value, validate=True)
        except binascii.Error:
            raise Failure(
                "error decoding input value: illegal base64 data at input byte 0"
            ) from None
    return value
