"""Go's zero values: a required field that a client left out is written all the same.

The types of the API are structs, so a condition without a type comes out of the real server as
`{"type": "", "status": ""}`; whoever reads a stored status may count on its required fields.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minik8s.admission.schema import Schema, Shape

_ZEROS: dict[Shape, Any] = {
    Shape.BOOL: False,
    Shape.DOUBLE: 0,
    Shape.INT32: 0,
    Shape.INT64: 0,
    Shape.STRING: "",
}

_OF_CONDITIONS = ("type", "status")


def with_zeros(schema: Schema, value: Any) -> Any:
    """A decoded value with the required scalars of all its objects filled in."""
    if schema.shape in (Shape.LIST, Shape.MAP):
        return _with_zeros_inside(schema.item, value)
    if schema.shape is not Shape.OBJECT or not isinstance(value, dict):
        return value
    fields = schema.fields
    filled = {
        name: with_zeros(fields[name], each) if name in fields else each
        for name, each in value.items()
    }
    for name in _written(schema):
        if filled.get(name) is None and (zero := _ZEROS.get(fields[name].shape)) is not None:
            filled[name] = zero
    return filled


def _written(schema: Schema) -> Iterable[str]:
    """The fields that Go writes always; the API description leaves them out for the apps group."""
    return _OF_CONDITIONS if schema.struct.endswith("Condition") else schema.required


def _with_zeros_inside(item: Schema, value: Any) -> Any:
    if isinstance(value, dict):
        return {key: with_zeros(item, each) for key, each in value.items()}
    if isinstance(value, list):
        return [with_zeros(item, each) for each in value]
    return value
