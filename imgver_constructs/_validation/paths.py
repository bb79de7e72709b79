"""The path of a construct in the errors of its constructor and its methods."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import ParamSpec, TypeVar

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def errors_name_path(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Begin each ValueError of a constructor, a ``from_…`` method or another method with the construct's path.

    In a loop over many declarations, the line of the app does not tell which of them is invalid.
    """

    @wraps(function)
    def with_path(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        try:
            return function(*args, **kwargs)
        except ValueError as error:
            path = _path(function, *args, **kwargs)
            # The error may come from a construct that this one declares, and name the path already.
            if not str(error).startswith(path):
                error.args = (f"{path}: {error}",)
            raise

    return with_path


def errors_at_use(
    refused: Callable[[str], Result],
) -> Callable[[Callable[Parameters, Result]], Callable[Parameters, Result]]:
    """Let the construct that uses an object raise the ValueErrors of the object's creation.

    The object has no scope, and therefore no path that the error could name.

    Args:
        refused: creates an object from the message of an error, which the construct raises.
    """

    def decorate(create: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
        @wraps(create)
        def create_or_refuse(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
            try:
                return create(*args, **kwargs)
            except ValueError as error:
                return refused(str(error))

        return create_or_refuse

    return decorate


def _path(function: Callable[..., object], *args: object, **kwargs: object) -> str:
    """Return the path of the construct that a call declares, whose method it is, or that it is about."""
    arguments = signature(function).bind(*args, **kwargs).arguments
    if "scope" not in arguments:
        return str(arguments["self"].node.path)
    if "construct_id" not in arguments:
        return str(arguments["scope"].node.path)
    return child_path(arguments["scope"].node.path, arguments["construct_id"]).removeprefix("/")


def child_path(parent: str, construct_id: str) -> str:
    """Return the path of a construct before it exists, from the path of its parent and its ID."""
    # The CDK replaces the separators in an ID likewise, and refuses an ID that is not a string.
    return f"{parent}/{str(construct_id).replace('/', '--')}"
