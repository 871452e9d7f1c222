"""Rules in CEL (`x-kubernetes-validations`), of which a few are known by their text.

They are the rules of the network policy API's definitions. A rule with any other text is not
evaluated; whoever stores a definition with such a rule is told so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from ipaddress import IPv6Address, ip_address
from typing import Any

from minik8s.admission.problems import Problems

RULES = "x-kubernetes-validations"

Schema = Mapping[str, Any]


def check_rules(problems: Problems, value: Any, schema: Schema, path: str = "") -> None:
    """Evaluate the known rules of a value that fits its schema, from the outside in."""
    for rule in schema.get(RULES) or ():
        holds = _KNOWN.get(rule["rule"])
        if holds is None or holds(value):
            continue
        if isinstance(value, str):
            problems.invalid(path, value, rule["message"])
        else:
            problems.object_invalid(path or "<nil>", rule["message"])
    if isinstance(value, dict):
        for name, field in (schema.get("properties") or {}).items():
            if name in value and name != "metadata":
                check_rules(problems, value[name], field, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        items = schema.get("items") or {}
        for index, each in enumerate(value):
            check_rules(problems, each, items, f"{path}[{index}]")


def has_rules(schema: Schema) -> bool:
    """Whether a schema has any rule."""
    return next(rules_in(schema), None) is not None


def rules_in(schema: Schema, path: str = "") -> Iterator[tuple[str, str]]:
    """Every rule of a schema, with the place of the schema that has it."""
    for rule in schema.get(RULES) or ():
        yield path, str(rule.get("rule"))
    for name, field in (schema.get("properties") or {}).items():
        yield from rules_in(field, f"{path}.properties[{name}]")
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            yield from rules_in(schema[name], f"{path}.{name}")


def is_known(rule: str) -> bool:
    """Whether a rule is evaluated."""
    return rule in _KNOWN


def is_cidr(text: str) -> bool:
    """Whether a text is a CIDR for CEL's `isCIDR` (net/netip.ParsePrefix); host bits pass."""
    head, slash, bits = text.partition("/")
    if not slash or "%" in head or not bits.isascii() or not bits.isdigit():
        return False
    if len(bits) > 3 or (len(bits) > 1 and bits[0] == "0"):
        return False
    try:
        address = ip_address(head)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return False
    return int(bits) <= address.max_prefixlen


def _no_named_ports(peers: tuple[str, ...], ports: str, name: str, rule: Mapping[str, Any]) -> bool:
    """No port name beside a peer that has none: an address, a node, a domain name."""
    nameless = any(peer.get(field) is not None for peer in rule["to"] for field in peers)
    return not (nameless and any(port.get(name) is not None for port in rule.get(ports) or ()))


def _named_ports_rule(peers: tuple[str, ...], ports: str, port: str, name: str) -> str:
    """The text of the rule that `_no_named_ports` evaluates."""
    has = " || ".join(f"has(peer.{field})" for field in peers)
    exists = f"self.{ports}.exists({port}, has({port}.{name}))"
    return f"!(self.to.exists(peer, {has}) && has(self.{ports}) && {exists})"


_NAMELESS = ("networks", "nodes", "domainNames")
_KNOWN: dict[str, Callable[[Any], bool]] = {
    "self.start < self.end": lambda span: bool(span["start"] < span["end"]),
    "isCIDR(self)": is_cidr,
    "self.metadata.name == 'default'": lambda root: root["metadata"].get("name") == "default",
}
for _peers, _ports, _port, _name in (
    (_NAMELESS, "protocols", "protocol", "destinationNamedPort"),
    (_NAMELESS, "ports", "port", "namedPort"),
    (_NAMELESS[:2], "ports", "port", "namedPort"),
):
    _KNOWN[_named_ports_rule(_peers, _ports, _port, _name)] = partial(
        _no_named_ports, _peers, _ports, _name
    )
