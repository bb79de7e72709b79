"""Scalars in templates: CloudFormation accepts "2" for a number and "true" for a boolean."""

from collections.abc import Mapping
from typing import Any

import botocore.model


def typed(shape: botocore.model.Shape, value: Any) -> Any:  # noqa: ANN401  any JSON value
    """Return `value` with its scalars converted to the types of `shape` where that is possible."""
    shape_type = shape.type_name
    if shape_type == "structure" and isinstance(value, Mapping):
        members = shape.members
        return {name: typed(members[name], item) if name in members else item for name, item in value.items()}
    if shape_type == "map" and isinstance(value, Mapping):
        return {name: typed(shape.value, item) for name, item in value.items()}
    if shape_type == "list" and isinstance(value, list):
        return [typed(shape.member, item) for item in value]
    if shape_type == "string" and isinstance(value, bool):
        return str(value).lower()
    if shape_type == "string" and isinstance(value, int | float):
        return str(value)
    if shape_type == "boolean" and value in ("true", "false"):
        return value == "true"
    if shape_type == "integer" and isinstance(value, str) and value.isdecimal():
        return int(value)
    return value
