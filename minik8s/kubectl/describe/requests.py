"""What a pod as a whole asks for (component-helpers/resource): the sums behind a node's load."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from minik8s.kubectl.quantities import parse, write
from minik8s.model.metadata import Document
from minik8s.model.workloads import is_sidecar


@dataclass(frozen=True, slots=True)
class Quantity:
    """A resource quantity: its value in base units, and the form that it is written in."""

    value: Decimal
    form: str

    @classmethod
    def of(cls, text: object) -> Quantity:
        """Read a quantity; raises ValueError."""
        return cls(*parse(str(text)))

    @property
    def text(self) -> str:
        """The quantity as it is printed."""
        return write(self.value, self.form)

    def plus(self, other: Quantity) -> Quantity:
        """The sum, in the form of what is not zero."""
        return Quantity(self.value + other.value, self.form if self.value else other.form)


Amounts: TypeAlias = dict[str, Quantity]
"""Resource name to quantity."""


def pod_amounts(pod: Document, field: str) -> Amounts:
    """What a pod's containers need together; `field` is `requests` or `limits`."""
    spec = pod.get("spec") or {}
    running = total(_amounts(each, field) for each in spec.get("containers") or ())
    starting: Amounts = {}
    sidecars: Amounts = {}
    for container in spec.get("initContainers") or ():
        own = _amounts(container, field)
        if is_sidecar(container):
            running, sidecars = total((running, own)), total((sidecars, own))
            starting = _most(starting, sidecars)
        else:
            starting = _most(starting, total((own, sidecars)))
    amounts = _most(running, starting)
    whole = _amounts(spec, field)
    amounts = {**amounts, **whole}
    overhead = {k: Quantity.of(v) for k, v in (spec.get("overhead") or {}).items()}
    if field == "limits":
        overhead = {k: v for k, v in overhead.items() if k in amounts}
    return total((amounts, overhead))


def total(several: Iterable[Amounts]) -> Amounts:
    """The sum, resource by resource."""
    result: Amounts = {}
    for amounts in several:
        for name, quantity in amounts.items():
            result[name] = result[name].plus(quantity) if name in result else quantity
    return result


def _amounts(holder: Document, field: str) -> Amounts:
    values = (holder.get("resources") or {}).get(field) or {}
    return {name: Quantity.of(value) for name, value in values.items()}


def _most(one: Amounts, other: Amounts) -> Amounts:
    result = dict(one)
    for name, quantity in other.items():
        if name not in result or quantity.value > result[name].value:
            result[name] = quantity
    return result
