"""Validation of requests and responses against botocore's model of a service."""

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import botocore.loaders
import botocore.model

from imgver_sandbox.sagemaker.errors import ServiceError

# Shapes in which members that the model does not have are kept: the service can be newer than this model, and a client
# that changes settings must send such members back.
_OPEN_SHAPES = frozenset(
    {"UserSettings", "DefaultSpaceSettings", "DomainSettings", "DomainSettingsForUpdate", "SpaceSettings"}
)


class ModelledService:
    """The operations of one service with their input and output shapes."""

    def __init__(self, name: str) -> None:
        """Load the model of the service that botocore calls `name`, for example `sagemaker`."""
        self._model = botocore.model.ServiceModel(botocore.loaders.Loader().load_service_model(name, "service-2"), name)

    def input_shape(self, operation: str) -> botocore.model.Shape:
        """The shape of the operation's parameters."""
        return self._model.operation_model(operation).input_shape

    def parse_input(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Validate `parameters` and return those that the model has, with timestamps in seconds since the epoch.

        A null counts as an absent parameter. The settings of Studio keep members that the model
        does not have, as long as they contain no empty string. Raises ServiceError: SerializationException for a
        wrong JSON type, ValidationException for a missing parameter or an invalid value.
        """
        shape = self.input_shape(operation)
        accepted: dict[str, Any] = _parse(shape, parameters)
        problems = [
            f"Value {_quoted(value)} at '{path}' failed to satisfy constraint: {constraint}"
            for path, value, constraint in _violations(shape, accepted, "")
        ]
        if problems:
            errors = "1 validation error" if len(problems) == 1 else f"{len(problems)} validation errors"
            raise ServiceError("ValidationException", f"{errors} detected: {'; '.join(problems)}")
        return accepted

    def build_output(self, operation: str, members: Mapping[str, Any]) -> dict[str, Any]:
        """The members of a response without those that are None. Raises TypeError if the model does not allow them."""
        shape = self._model.operation_model(operation).output_shape
        output: dict[str, Any] = {} if shape is None else _build(shape, members, operation)
        return output


@functools.cache
def modelled_service(name: str) -> ModelledService:
    """The service that botocore calls `name`. Each model is loaded once (about 60 ms for SageMaker)."""
    return ModelledService(name)


_PYTHON_TYPES: dict[str, type] = {
    "string": str,
    "integer": int,
    "long": int,
    "boolean": bool,
    "list": list,
    "map": Mapping,
    "structure": Mapping,
}
_BITS = {"integer": 32, "long": 64}
_JSON_TYPE_NAMES = {
    "string": "a String",
    "integer": "an Integer",
    "long": "a Long",
    "boolean": "a Boolean",
    "timestamp": "a Timestamp",
}


def _parse(shape: botocore.model.Shape, value: Any, *, is_open: bool = False) -> Any:  # noqa: ANN401  any JSON value
    is_open = is_open or shape.name in _OPEN_SHAPES
    if shape.type_name == "timestamp" and isinstance(value, datetime):
        return value.timestamp()
    expected: Any = (int, float) if shape.type_name == "timestamp" else _PYTHON_TYPES[shape.type_name]
    # In Python a bool is an int; in JSON it is not.
    fits = isinstance(value, expected) and (not isinstance(value, bool) or shape.type_name == "boolean")
    if fits and shape.type_name in _BITS:
        limit = 2 ** (_BITS[shape.type_name] - 1)
        fits = -limit <= value < limit
    if not fits:
        type_name = _JSON_TYPE_NAMES.get(shape.type_name)
        message = f"{_token(value)} can not be converted to {type_name}" if type_name else f"Unexpected {_token(value)}"
        raise ServiceError("SerializationException", message)
    if shape.type_name == "structure":
        members = {
            name: _parse(member, value[name], is_open=is_open)
            for name, member in shape.members.items()
            if value.get(name) is not None
        }
        if is_open:
            members = {name: item for name, item in value.items() if item is not None} | members
        if shape.is_tagged_union and len(members) != 1:
            raise ServiceError("SerializationException", f"{shape.name} must have exactly one member set")
        return members
    if shape.type_name == "list":
        return [_parse(shape.member, item, is_open=is_open) for item in value]
    if shape.type_name == "map":
        return {key: _parse(shape.value, item, is_open=is_open) for key, item in value.items()}
    return value


def _token(value: Any) -> str:  # noqa: ANN401  any JSON value
    """The name of the JSON token of `value` in the error messages of AWS's parser."""
    if isinstance(value, bool):
        return "TRUE_VALUE" if value else "FALSE_VALUE"
    names: dict[type, str] = {str: "STRING_VALUE", dict: "START_OBJECT", list: "START_ARRAY", type(None): "NULL_VALUE"}
    return names.get(type(value), "NUMBER_VALUE")


_Violation = tuple[str, Any, str]


def _violations(shape: botocore.model.Shape, value: Any, path: str) -> Iterator[_Violation]:  # noqa: ANN401  any JSON value
    """The path, the value and the constraint of everything in `value` that the model does not allow."""
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            if name in value:
                yield from _violations(member, value[name], _member_path(path, name))
            elif name in shape.required_members:
                yield _member_path(path, name), None, "Member must not be null"
        for name in value.keys() - shape.members.keys():  # only an open structure has such members
            yield from _empty_strings(value[name], _member_path(path, name))
        return
    for constraint, holds in _constraints(shape):
        if not holds(value):
            yield path, value, constraint
    if shape.type_name == "list" and shape.member.type_name == "structure":
        for position, item in enumerate(value, start=1):
            yield from _violations(shape.member, item, f"{path}.{position}.member")
    elif shape.type_name == "list":
        yield from _violations_of_items(shape.member, value, "Member", path, value)
    elif shape.type_name == "map":
        yield from _violations_of_items(shape.key, value.keys(), "Map keys", path, value)
        yield from _violations_of_items(shape.value, value.values(), "Map value", path, value)


def _member_path(path: str, name: str) -> str:
    return f"{path}.{name[:1].lower()}{name[1:]}".lstrip(".")


def _empty_strings(value: Any, path: str) -> Iterator[_Violation]:  # noqa: ANN401  any JSON value
    """A violation for each empty string in `value`."""
    if not value and isinstance(value, str):
        yield path, value, "Member must have length greater than or equal to 1"
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _empty_strings(item, _member_path(path, name))
    elif isinstance(value, list):
        for position, item in enumerate(value, start=1):
            yield from _empty_strings(item, f"{path}.{position}.member")


def _violations_of_items(
    shape: botocore.model.Shape,
    items: Iterable[Any],
    name: str,
    path: str,
    value: Any,  # noqa: ANN401  any JSON value
) -> Iterator[_Violation]:
    """As AWS does, report one violation for the whole collection, with all constraints of its items."""
    constraints = list(_constraints(shape))
    if not all(holds(item) for item in items for _, holds in constraints):
        each = ", ".join(constraint for constraint, _ in constraints)
        yield path, value, f"{name} must satisfy constraint: [{each}]"


def _constraints(shape: botocore.model.Shape) -> Iterator[tuple[str, Callable[[Any], bool]]]:
    """The constraints of `shape` in AWS's words, each with a function that checks it."""
    limits = shape.metadata
    is_number = shape.type_name in {"integer", "long"}
    measure = "value" if is_number else "length"
    size: Callable[[Any], int] = int if is_number else len
    if "max" in limits:
        constraint = f"Member must have {measure} less than or equal to {limits['max']}"
        yield constraint, lambda value: size(value) <= limits["max"]
    if "min" in limits:
        constraint = f"Member must have {measure} greater than or equal to {limits['min']}"
        yield constraint, lambda value: size(value) >= limits["min"]
    if "pattern" in limits:
        constraint = f"Member must satisfy regular expression pattern: {limits['pattern']}"
        yield constraint, lambda value: python_pattern(limits["pattern"]).fullmatch(value) is not None
    if "enum" in limits:
        constraint = f"Member must satisfy enum value set: [{', '.join(limits['enum'])}]"
        yield constraint, lambda value: value in limits["enum"]


def _quoted(value: Any) -> str:  # noqa: ANN401  any JSON value
    return "null" if value is None else f"'{_java_string(value)}'"


def _java_string(value: Any) -> str:  # noqa: ANN401  any JSON value
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}={_java_string(item)}' for key, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_java_string, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


_UNICODE_CATEGORIES = {
    r"\p{L}": r"\w",
    r"\p{N}": r"\d",
    r"\p{Z}": " \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000",
}
# This pattern backtracks without end on some values; its replacement accepts the same values.
_FAST_PATTERNS = {
    r"https://([.\-_a-zA-Z0-9]+/?){3,1016}": r"https://(?=(?:/?[.\-_a-zA-Z0-9]){3})(?:[.\-_a-zA-Z0-9]++/?){1,1016}"
}


@functools.cache
def python_pattern(pattern: str) -> re.Pattern[str]:
    """A pattern of the model, which is written for Java, for Python.

    Python has no Unicode categories. The model uses three of them, each inside a character class.
    """
    pattern = _FAST_PATTERNS.get(pattern, pattern)
    for category, characters in _UNICODE_CATEGORIES.items():
        pattern = pattern.replace(category, characters)
    return re.compile(pattern)


def _build(shape: botocore.model.Shape, value: Any, path: str) -> Any:  # noqa: ANN401  any JSON value
    if shape.name in _OPEN_SHAPES:
        return value  # as it was sent
    if shape.type_name == "structure":
        present = {name: member for name, member in value.items() if member is not None}
        unknown = present.keys() - shape.members.keys()
        missing = set(shape.required_members) - present.keys()
        if unknown or missing:
            raise TypeError(f"{path}: the model does not have {sorted(unknown)} and requires {sorted(missing)}")
        return {name: _build(shape.members[name], member, f"{path}.{name}") for name, member in present.items()}
    if shape.type_name == "list":
        return [_build(shape.member, item, path) for item in value]
    if shape.type_name == "map":
        return {key: _build(shape.value, item, path) for key, item in value.items()}
    if shape.type_name == "timestamp":
        return round(value, 3)
    if not isinstance(value, _PYTHON_TYPES[shape.type_name]) or value not in shape.metadata.get("enum", [value]):
        raise TypeError(f"{path}: {value!r} is not a valid {shape.type_name}")
    return value
