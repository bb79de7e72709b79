"""Values in templates: CloudFormation takes "2" and "true" for a number and a boolean where a schema asks for those."""

from collections.abc import Mapping
from typing import Any

import botocore.model


def typed(shape: botocore.model.Shape, value: Any) -> Any:  # noqa: ANN401  any JSON value
    """`value` with its scalars of the types that `shape` has, as far as they can be; what it lacks stays as it is."""
    kind = shape.type_name
    if kind == "structure" and isinstance(value, Mapping):
        members = shape.members
        return {name: typed(members[name], item) if name in members else item for name, item in value.items()}
    if kind == "map" and isinstance(value, Mapping):
        return {name: typed(shape.value, item) for name, item in value.items()}
    if kind == "list" and isinstance(value, list):
        return [typed(shape.member, item) for item in value]
    if kind == "string" and isinstance(value, bool):
        return str(value).lower()
    if kind == "string" and isinstance(value, int | float):
        return str(value)
    if kind == "boolean" and value in ("true", "false"):
        return value == "true"
    if kind == "integer" and isinstance(value, str) and value.isdecimal():
        return int(value)
    return value
