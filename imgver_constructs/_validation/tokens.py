"""What is known at synth, and what CloudFormation resolves at deployment."""

import re

import aws_cdk as cdk
from constructs import Construct

from imgver_constructs._validation.checks import check_string, shown
from imgver_constructs._validation.rules import StringRule

# How the CDK writes a token: into a text, into a text that Python made of a number, and as the only item of a list.
_IN_TEXT = re.compile(r"\$\{Token\[[a-zA-Z0-9:._-]+\]\}|-1\.[0-9]{10,16}e\+289")
_IN_LIST = re.compile(r"#\{Token\[[a-zA-Z0-9:._-]+\]\}")
# Tokens that are numbers: the doubles from 0xFBFF000000000000 to 0xFBFFFFFFFFFFFFFF.
_NUMBERS = (float.fromhex("-0x1.fp+960"), float.fromhex("-0x1.fffffffffffffp+960"))


def is_token(value: object) -> bool:
    """Whether ``value`` is, or as a text holds, something that CloudFormation resolves: nothing to be inspected."""
    # Checks ask this about every value, and a call into jsii takes longer than all of them together.
    if isinstance(value, str):
        return _IN_TEXT.search(value) is not None
    if isinstance(value, int | float):
        first, last = _NUMBERS
        return last <= value <= first
    if isinstance(value, list):
        return len(value) == 1 and isinstance(value[0], str) and _IN_LIST.search(value[0]) is not None
    # What has no form in jsii cannot be asked about there, and is no token. A stack has what jsii knows tokens by.
    return hasattr(value, "__jsii_ref__") and not isinstance(value, Construct) and cdk.Token.is_unresolved(value)


def is_known(value: object) -> bool:
    """Whether ``value`` was given and can be checked now."""
    return value is not None and not is_token(value)


def check_text_or_token(parameter: str, value: object, rule: StringRule) -> None:
    """Check a text against its rule, or that a token is a text: jsii takes no other.

    Raises:
        ValueError: the API or jsii would refuse it.
    """
    if is_token(value):
        check_is_text(parameter, value)
    else:
        check_string(parameter, value, rule)


def check_is_text(parameter: str, value: object) -> None:
    """Check that ``value``, a token or not, is a text.

    Raises:
        ValueError: it is not.
    """
    if not isinstance(value, str):
        raise ValueError(  # noqa: TRY004 (every mistake in a declaration is a ValueError)
            f"{parameter} {shown(value)} must be a text: write it in quotes, and a token as cdk.Token.as_string(…)"
        )


def check_is_number(parameter: str, value: object) -> None:
    """Check that ``value``, a token or not, is a number.

    Raises:
        ValueError: it is not.
    """
    if not isinstance(value, int | float):
        raise ValueError(  # noqa: TRY004 (as above)
            f"{parameter} {shown(value)} must be a number: write it without quotes, and a token as "
            "cdk.Token.as_number(…)"
        )


def plain(text: str) -> str:
    """The text alone: of an enum that is one, an f-string would write the member's name."""
    return str.__str__(text)
