"""Values that are known at synth, and tokens, which CloudFormation resolves in the deployment."""

import aws_cdk as cdk
from constructs import Construct

from imgver_constructs._validation.checks import check_string, shown
from imgver_constructs._validation.rules import StringRule


def is_token(value: object) -> bool:
    """Return whether ``value`` is a token, or a string with a token in it, so that no check may inspect it.

    The CDK knows. Values that cannot be tokens are sorted out first: a call into jsii takes longer than all checks.
    """
    match value:
        case str():
            # The second is how Python writes a token that is a number into a string.
            may_be_token = "${Token[" in value or "e+289" in value
        case int() | float():
            may_be_token = value < -1e288
        case list():
            may_be_token = len(value) == 1 and isinstance(value[0], str) and "#{Token[" in value[0]
        case _:
            # jsii cannot pass other objects to the CDK, which takes a stack for a token.
            may_be_token = hasattr(value, "__jsii_ref__") and not isinstance(value, Construct)
    return may_be_token and cdk.Token.is_unresolved(value)


def is_known(value: object) -> bool:
    """Return whether ``value`` is given and is not a token, so that it can be checked."""
    return value is not None and not is_token(value)


def check_string_or_token(parameter: str, value: object, rule: StringRule) -> None:
    """Check a string against its rule; a token only has to be a string, the form in which jsii accepts it.

    Raises:
        ValueError: the API or jsii would refuse the value.
    """
    if is_token(value):
        check_is_string(parameter, value)
    else:
        check_string(parameter, value, rule)


def check_is_string(parameter: str, value: object) -> None:
    """Check that ``value``, a token or not, is a string.

    Raises:
        ValueError: ``value`` is not a string.
    """
    if not isinstance(value, str):
        raise ValueError(  # noqa: TRY004 (every mistake in a declaration is a ValueError)
            f"{parameter} {shown(value)} must be a string: write it in quotes, and a token as cdk.Token.as_string(…)"
        )


def check_is_number(parameter: str, value: object) -> None:
    """Check that ``value``, a token or not, is a number.

    Raises:
        ValueError: ``value`` is not a number.
    """
    if not isinstance(value, int | float):
        raise ValueError(  # noqa: TRY004 (every mistake in a declaration is a ValueError)
            f"{parameter} {shown(value)} must be a number: write it without quotes, and a token as "
            "cdk.Token.as_number(…)"
        )


def plain(value: str) -> str:
    """Return the value of a string that is a member of an enum, whose name an f-string would write; or the string."""
    return str.__str__(value)
