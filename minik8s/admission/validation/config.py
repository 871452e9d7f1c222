"""Validation of ConfigMaps and Secrets."""

from __future__ import annotations

from binascii import a2b_base64

from minik8s.admission.problems import Problems
from minik8s.admission.validation.common import immutable
from minik8s.model.formats import config_map_key
from minik8s.model.metadata import Document, annotations_of

SIZE_MAX = 1024 * 1024
"""Bytes that the values of one object may take together."""

ACCOUNT = "kubernetes.io/service-account.name"
_FROZEN = "field is immutable when `immutable` is set"
_NEEDED = {
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
}
"""The keys that a Secret of a type must have."""


def check_config_map(problems: Problems, document: Document) -> None:
    """The keys and the size of a ConfigMap."""
    data, binary = document.get("data") or {}, document.get("binaryData") or {}
    for key in sorted(data):
        problems.each_invalid(f"data[{key}]", key, config_map_key(key))
        if key in binary:
            problems.invalid(f"data[{key}]", key, "duplicate of key present in binaryData")
    for key in sorted(binary):
        problems.each_invalid(f"binaryData[{key}]", key, config_map_key(key))
    size = sum(len(value.encode()) for value in data.values()) + _bytes(binary)
    if size > SIZE_MAX:
        problems.too_long("", SIZE_MAX)


def _bytes(values: dict[str, str]) -> int:
    return sum(len(a2b_base64(value)) for value in values.values())


def check_config_map_update(problems: Problems, new: Document, old: Document) -> None:
    """A ConfigMap that is marked immutable stays as it is."""
    _check_frozen(problems, new, old, ("data", "binaryData"))
    check_config_map(problems, new)


def _check_frozen(
    problems: Problems, new: Document, old: Document, fields: tuple[str, ...]
) -> None:
    if not old.get("immutable"):
        return
    if not new.get("immutable"):
        problems.forbidden("immutable", _FROZEN)
    for field in fields:
        if (new.get(field) or {}) != (old.get(field) or {}):
            problems.forbidden(field, _FROZEN)


def check_secret(problems: Problems, document: Document) -> None:
    """The keys, the size and the type of a Secret."""
    data = document.get("data") or {}
    for key in sorted(data):
        problems.each_invalid(f"data[{key}]", key, config_map_key(key))
    if _bytes(data) > SIZE_MAX:
        problems.too_long("data", SIZE_MAX)
    kind = document.get("type", "")
    if kind == "kubernetes.io/service-account-token":
        if not annotations_of(document).get(ACCOUNT):
            problems.required(f"metadata.annotations[{ACCOUNT}]")
    elif kind == "kubernetes.io/basic-auth":
        if not data.keys() & {"username", "password"}:
            problems.required("data[username]")
            problems.required("data[password]")
    else:
        for key in _NEEDED.get(kind, ()):
            if key not in data:
                problems.required(f"data[{key}]")


def check_secret_update(problems: Problems, new: Document, old: Document) -> None:
    """A Secret keeps its type, and all of it once it is marked immutable."""
    immutable(problems, "type", new.get("type"), old.get("type"))
    _check_frozen(problems, new, old, ("data",))
    check_secret(problems, new)
