"""A container's environment, described: what is set, and where it comes from."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_CEILING, Decimal

from minik8s.kubectl.describe.writer import Writer
from minik8s.kubectl.quantities import parse
from minik8s.model.metadata import (
    Document,
    name_of,
    namespace_of,
)

_SOURCES = (("configMapRef", "ConfigMap"), ("secretRef", "Secret"))


def environment(out: Writer, container: Document, field_of: Callable[[str], str]) -> None:
    """The variables of a container, with the sources that they are taken from as a whole."""
    sources = container.get("envFrom") or []
    if sources:
        out.line(2, "Environment Variables from:")
    for source in sources:
        _source(out, source)
    variables = container.get("env") or []
    out.line(2, "Environment:" + ("" if variables else "\t<none>"))
    for variable in variables:
        if variable.get("valueFrom") is None:
            first, *rest = str(variable.get("value") or "").split("\n")
            out.line(3, f"{variable['name']}:", first)
            for line in rest:
                out.line(3, "", line)
        else:
            _reference(out, variable["name"], variable["valueFrom"], container, field_of)


def _source(out: Writer, source: Document) -> None:
    kind, reference = next(
        ((kind, source[field]) for field, kind in _SOURCES if source.get(field) is not None),
        ("", Document()),
    )
    if source.get("prefix"):
        kind = f"{kind} with prefix '{source['prefix']}'"
    out.line(3, reference.get("name", ""), kind, _optional(reference))


def _optional(reference: Document) -> str:
    return f"Optional: {'true' if reference.get('optional') else 'false'}"


def _reference(
    out: Writer,
    name: str,
    origin: Document,
    container: Document,
    field_of: Callable[[str], str],
) -> None:
    title = f"{name}:"
    if "fieldRef" in origin:
        field = origin["fieldRef"]
        path = field.get("fieldPath", "")
        out.line(3, title, f"{field_of(path)} ({field.get('apiVersion', '')}:{path})")
    elif "resourceFieldRef" in origin:
        field = origin["resourceFieldRef"]
        out.line(3, title, f"{_resource(container, field)} ({field.get('resource', '')})")
    elif "secretKeyRef" in origin:
        key = origin["secretKeyRef"]
        text = f"<set to the key '{key.get('key', '')}' in secret '{key.get('name', '')}'>"
        out.line(3, title, text, _optional(key))
    elif "configMapKeyRef" in origin:
        key = origin["configMapKeyRef"]
        text = f"<set to the key '{key.get('key', '')}' of config map '{key.get('name', '')}'>"
        out.line(3, title, text, _optional(key))


def _resource(container: Document, reference: Document) -> str:
    """A request or limit of the container in units of the reference's divisor, rounded up."""
    group, _, name = str(reference.get("resource", "")).partition(".")
    if group not in ("limits", "requests") or not name:
        return ""
    amounts = (container.get("resources") or {}).get(group) or {}
    value = parse(str(amounts.get(name, "0")))[0]
    divisor = parse(str(reference.get("divisor") or "1"))[0] or Decimal(1)
    text = str(int((value / divisor).to_integral_value(rounding=ROUND_CEILING)))
    return "node allocatable" if text == "0" and group == "limits" else text


def pod_field(pod: Document, path: str) -> str:
    """A field of a pod by its path, where describe knows its value; empty for others."""
    return {"metadata.name": name_of(pod), "metadata.namespace": namespace_of(pod)}.get(path, "")
