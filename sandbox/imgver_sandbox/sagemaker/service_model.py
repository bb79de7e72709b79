"""What a service takes and answers, read from botocore's own model of it."""

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import botocore.loaders
import botocore.model


class ServiceError(Exception):
    """An error as the service answers it.

    `code` is the wire's error code (`ResourceInUse`, no "Exception" suffix), `message` the text, `status` the HTTP
    status.
    """

    def __init__(self, code: str, message: str, *, status: int = 400) -> None:
        """Make an error of `code` with the text `message`; `status` is 400 unless told."""
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


class ModelledService:
    """One service's operations: inputs are validated by its model, answers are held to it."""

    def __init__(self, name: str) -> None:
        """Load the model of the service that botocore calls `name`, e.g. `sagemaker`."""
        self._model = botocore.model.ServiceModel(botocore.loaders.Loader().load_service_model(name, "service-2"), name)

    def accept(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The modelled members of `parameters`; null counts as absent, timestamps become seconds since the epoch.

        Members that the model lacks are ignored, as JSON services do. Raises ServiceError: SerializationException for
        a wrong JSON type, ValidationException for anything missing or out of bounds.
        """
        shape = self.input_shape(operation)
        accepted: dict[str, Any] = _read(shape, parameters)
        problems = [
            f"Value {_shown(value)} at '{path}' failed to satisfy constraint: {constraint}"
            for path, value, constraint in _violations(shape, accepted, "")
        ]
        if problems:
            errors = "1 validation error" if len(problems) == 1 else f"{len(problems)} validation errors"
            raise ServiceError("ValidationException", f"{errors} detected: {'; '.join(problems)}")
        return accepted

    def input_shape(self, operation: str) -> botocore.model.Shape:
        """What the operation takes."""
        return self._model.operation_model(operation).input_shape

    def answer(self, operation: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """`values` without its Nones. Raises TypeError when they are not what the model says the operation answers."""
        shape = self._model.operation_model(operation).output_shape
        answered: dict[str, Any] = {} if shape is None else _written(shape, values, operation)
        return answered


@functools.cache
def modelled_service(name: str) -> ModelledService:
    """The service that botocore calls `name`; its model is read once (about 60 ms for SageMaker)."""
    return ModelledService(name)


_JSON_TYPES: dict[str, type] = {
    "string": str,
    "integer": int,
    "long": int,
    "boolean": bool,
    "list": list,
    "map": Mapping,
    "structure": Mapping,
}
_BITS = {"integer": 32, "long": 64}
_JSON_NAMES = {
    "string": "a String",
    "integer": "an Integer",
    "long": "a Long",
    "boolean": "a Boolean",
    "timestamp": "a Timestamp",
}


def _read(shape: botocore.model.Shape, value: Any) -> Any:  # noqa: ANN401  any JSON value
    if shape.type_name == "timestamp" and isinstance(value, datetime):
        return value.timestamp()
    expected: Any = (int, float) if shape.type_name == "timestamp" else _JSON_TYPES[shape.type_name]
    # In Python a bool is an int; in JSON it is not.
    fits = isinstance(value, expected) and (not isinstance(value, bool) or shape.type_name == "boolean")
    if fits and shape.type_name in _BITS:
        limit = 2 ** (_BITS[shape.type_name] - 1)
        fits = -limit <= value < limit
    if not fits:
        wanted = _JSON_NAMES.get(shape.type_name)
        message = f"{_token(value)} can not be converted to {wanted}" if wanted else f"Unexpected {_token(value)}"
        raise ServiceError("SerializationException", message)
    if shape.type_name == "structure":
        read = {
            name: _read(member, value[name]) for name, member in shape.members.items() if value.get(name) is not None
        }
        if shape.is_tagged_union and len(read) != 1:
            raise ServiceError("SerializationException", f"{shape.name} must have exactly one member set")
        return read
    if shape.type_name == "list":
        return [_read(shape.member, item) for item in value]
    if shape.type_name == "map":
        return {key: _read(shape.value, item) for key, item in value.items()}
    return value


def _token(value: Any) -> str:  # noqa: ANN401  any JSON value
    """The name AWS's parser has for the kind of JSON token it met."""
    if isinstance(value, bool):
        return "TRUE_VALUE" if value else "FALSE_VALUE"
    names: dict[type, str] = {str: "STRING_VALUE", dict: "START_OBJECT", list: "START_ARRAY", type(None): "NULL_VALUE"}
    return names.get(type(value), "NUMBER_VALUE")


_Violation = tuple[str, Any, str]


def _violations(shape: botocore.model.Shape, value: Any, path: str) -> Iterator[_Violation]:  # noqa: ANN401  any JSON value
    """Every (path, value, constraint) that `value` breaks."""
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            member_path = f"{path}.{name[0].lower()}{name[1:]}".lstrip(".")
            if name in value:
                yield from _violations(member, value[name], member_path)
            elif name in shape.required_members:
                yield member_path, None, "Member must not be null"
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


def _violations_of_items(
    shape: botocore.model.Shape,
    items: Iterable[Any],
    name: str,
    path: str,
    value: Any,  # noqa: ANN401  any JSON value
) -> Iterator[_Violation]:
    """All that a single item breaks is told together, and of the whole collection."""
    constraints = list(_constraints(shape))
    if not all(holds(item) for item in items for _, holds in constraints):
        each = ", ".join(constraint for constraint, _ in constraints)
        yield path, value, f"{name} must satisfy constraint: [{each}]"


def _constraints(shape: botocore.model.Shape) -> Iterator[tuple[str, Callable[[Any], bool]]]:
    """What the model asks of a value of `shape`, in AWS's words, and the check of it."""
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
        yield constraint, lambda value: _pattern(limits["pattern"]).fullmatch(value) is not None
    if "enum" in limits:
        constraint = f"Member must satisfy enum value set: [{', '.join(limits['enum'])}]"
        yield constraint, lambda value: value in limits["enum"]


def _shown(value: Any) -> str:  # noqa: ANN401  any JSON value
    return "null" if value is None else f"'{_as_text(value)}'"


def _as_text(value: Any) -> str:  # noqa: ANN401  any JSON value
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}={_as_text(item)}' for key, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_as_text, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


_CATEGORIES = {
    r"\p{L}": r"\w",
    r"\p{N}": r"\d",
    r"\p{Z}": " \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000",
}
# It tries every way to cut the text into three parts or more; the same without that.
_TOO_SLOW = {
    r"https://([.\-_a-zA-Z0-9]+/?){3,1016}": (r"https://(?=(?:/?[.\-_a-zA-Z0-9]){3})(?:[.\-_a-zA-Z0-9]++/?){1,1016}")
}


@functools.cache
def _pattern(pattern: str) -> re.Pattern[str]:
    """The model's (Java) pattern. Python lacks Unicode categories; the model uses these three, inside of one class."""
    pattern = _TOO_SLOW.get(pattern, pattern)
    for category, meaning in _CATEGORIES.items():
        pattern = pattern.replace(category, meaning)
    return re.compile(pattern)


def _written(shape: botocore.model.Shape, value: Any, path: str) -> Any:  # noqa: ANN401  any JSON value
    if shape.type_name == "structure":
        present = {name: member for name, member in value.items() if member is not None}
        unknown = present.keys() - shape.members.keys()
        missing = set(shape.required_members) - present.keys()
        if unknown or missing:
            raise TypeError(f"{path}: the model lacks {sorted(unknown)} and requires {sorted(missing)}")
        return {name: _written(shape.members[name], member, f"{path}.{name}") for name, member in present.items()}
    if shape.type_name == "list":
        return [_written(shape.member, item, path) for item in value]
    if shape.type_name == "map":
        return {key: _written(shape.value, item, path) for key, item in value.items()}
    if shape.type_name == "timestamp":
        return round(value, 3)
    if not isinstance(value, _JSON_TYPES[shape.type_name]) or value not in shape.metadata.get("enum", [value]):
        raise TypeError(f"{path}: {value!r} is no {shape.type_name} that the model allows")
    return value
