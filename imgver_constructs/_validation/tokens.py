"""Values that are known at synth, and tokens, which CloudFormation resolves in the deployment."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Protocol

import aws_cdk as cdk
from constructs import Construct

from imgver_constructs._validation.checks import check_is_string, check_string
from imgver_constructs._validation.rules import StringRule

_STRINGIFIED_NUMBER = "e+289"
"""A part of any token that is a number, as Python writes it into a string. The CDK resolves these strings, too."""

_BELOW_ALL_NUMBERS = -1e288
"""Tokens that are numbers are below this limit; other numbers in templates are not."""


def is_token(value: object) -> bool:
    """Return whether ``value`` is a token, or a string with a token in it, so that no check may inspect it."""
    # Only probable tokens are passed to the CDK: a call into jsii takes longer than all checks of a construct together.
    match value:
        case str():
            return _STRINGIFIED_NUMBER in value or ("${Token[" in value and _is_unresolved(value))
        case int() | float():
            return value < _BELOW_ALL_NUMBERS and cdk.Token.is_unresolved(value)
        case [str(item)] if isinstance(value, list):
            return "#{Token[" in item and cdk.Token.is_unresolved(value)
        case _:
            # jsii cannot pass other objects to the CDK; and the CDK mistakes a stack for a token.
            return (
                hasattr(value, "__jsii_ref__") and not isinstance(value, Construct) and cdk.Token.is_unresolved(value)
            )


@lru_cache
def _is_unresolved(value: str) -> bool:
    """Return whether a string contains a token. The same strings, such as the region, are checked many times."""
    return cdk.Token.is_unresolved(value)


def is_known(value: object) -> bool:
    """Return whether ``value`` is given and is not a token, so that it can be checked."""
    return value is not None and not is_token(value)


def check_string_or_token(parameter: str, value: object, rule: StringRule) -> None:
    """Check a string against its rule; a token only has to be a string, the form in which jsii accepts it.

    Raises:
        ValueError: the API or jsii would reject the value.
    """
    if is_token(value):
        check_is_string(parameter, value)
    else:
        check_string(parameter, value, rule)


class _Environment(Protocol):
    @property
    def account(self) -> str: ...
    @property
    def region(self) -> str: ...


def differences(first: _Environment, second: _Environment) -> Iterator[tuple[str, str, str]]:
    """Return the attributes of two environments that are known to differ, each with both values."""
    for attribute in ("account", "region"):
        values = getattr(first, attribute), getattr(second, attribute)
        if all(map(is_known, values)) and values[0] != values[1]:
            yield attribute, *values


def plain(value: str) -> str:
    """Return a string, or the value of an enum member that is a string: an f-string would write the member's name."""
    return str.__str__(value)
