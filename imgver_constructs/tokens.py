"""What is known at synth, and what CloudFormation resolves at deployment."""

import re

import aws_cdk as cdk

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
    # What has no form in jsii cannot be asked about there, and is no token.
    return hasattr(value, "__jsii_ref__") and cdk.Token.is_unresolved(value)


def is_known(value: object) -> bool:
    """Whether ``value`` was given and can be checked now."""
    return value is not None and not is_token(value)
