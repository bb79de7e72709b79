"""Checks of single values against the rules, and the sentences of their errors.

Every check raises a ``ValueError`` of one line that gives the parameter, the value, the rule and the remedy. This
module does not import the CDK: the caller leaves out values that CloudFormation resolves at deployment.
"""

from __future__ import annotations

from collections.abc import Sequence, Sized
from enum import Enum
from typing import TypeVar

from imgver_constructs._validation.rules import DEFAULT_USER, ROOT_USER, StringRule

Choice = TypeVar("Choice", bound=Enum)

_MAXIMUM_SHOWN = 60
"""The number of characters of an invalid value that an error repeats."""


def shown(value: object) -> str:
    """The representation of a value in an error: on one line, and shortened if it is long."""
    representation = repr(value)
    if len(representation) <= _MAXIMUM_SHOWN:
        return representation
    length = f" ({len(value)} characters)" if isinstance(value, str) else ""
    return f"{representation[: _MAXIMUM_SHOWN - 1]}…{length}"


def check_is_string(parameter: str, value: object) -> None:
    """Check that ``value``, a token or not, is a string.

    Raises:
        ValueError: ``value`` is not a string.
    """
    if not isinstance(value, str):
        raise ValueError(
            f"{parameter} {shown(value)} must be a string: write it in quotes, and a token as cdk.Token.as_string(…)"
        )


def check_is_number(parameter: str, value: object) -> None:
    """Check that ``value``, a token or not, is a number.

    Raises:
        ValueError: ``value`` is not a number.
    """
    # bool is a subclass of int.
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(
            f"{parameter} {shown(value)} must be a number: write it without quotes, and a token as "
            "cdk.Token.as_number(…)"
        )


def check_grantee(grantee: object) -> None:
    """Check that ``grantee`` can get permissions.

    Raises:
        ValueError: ``grantee`` is not a principal.
    """
    if not hasattr(grantee, "grant_principal"):
        raise ValueError(
            f"grantee {shown(grantee)} must be a principal, such as a role: for an ARN use iam.Role.from_role_arn(…)"
        )


def check_string(parameter: str, value: object, rule: StringRule) -> None:
    """Check a string against its rule.

    Raises:
        ValueError: the API would reject the value.
    """
    if value is not None:
        check_is_string(parameter, value)
    if not rule.accepts(value):
        raise ValueError(f"{parameter} {shown(value)} must be {rule.rule}: {rule.remedy}")


def check_choice(parameter: str, value: object, choices: type[Choice]) -> Choice:
    """Return the member of ``choices`` that ``value`` is or names.

    Raises:
        ValueError: ``value`` is not a member of ``choices``.
    """
    try:
        return choices(value)
    except ValueError:
        allowed = ", ".join(str(choice.value) for choice in choices)
        example = next(iter(choices))
        raise ValueError(
            f"{parameter} {shown(value)} must be one of {allowed}: use {choices.__name__}, for example {example}"
        ) from None


def check_flag(parameter: str, value: object) -> None:
    """Check that ``value`` is a bool.

    Raises:
        ValueError: ``value`` is not a bool.
    """
    if not isinstance(value, bool):
        raise ValueError(f"{parameter} {shown(value)} must be a bool: write True or False, or leave it out")


def check_number(parameter: str, value: object, remedy: str) -> None:
    """Check that ``value`` is a whole number of at least 1, as version numbers and counts are.

    Raises:
        ValueError: ``value`` is not such a number.
    """
    # bool is a subclass of int.
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{parameter} {shown(value)} must be a whole number of at least 1: {remedy}")


def check_distinct(parameter: str, values: Sequence[str]) -> None:
    """Check that no value appears twice.

    Raises:
        ValueError: a value appears twice.
    """
    for position, value in enumerate(values):
        if value in values[:position]:
            raise ValueError(f"{parameter} {shown(value)} must be named only once: remove the repetition")


def check_at_most(parameter: str, values: Sized, maximum: int, remedy: str) -> None:
    """Check the number of values.

    Raises:
        ValueError: there are more than ``maximum`` values.
    """
    if len(values) > maximum:
        raise ValueError(f"{parameter} {shown(values)} must have at most {maximum} items, not {len(values)}: {remedy}")


def check_user(default_uid: object, default_gid: object) -> None:
    """Check the POSIX user and group of a kernel gateway app.

    Raises:
        ValueError: Studio Classic does not support the pair.
    """
    if (default_uid, default_gid) not in (DEFAULT_USER, ROOT_USER):
        raise ValueError(
            f"default_uid {shown(default_uid)} with default_gid {shown(default_gid)} must be 1000 with 100, or 0 with "
            "0 for root: give both, or leave both out"
        )
