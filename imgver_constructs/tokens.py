"""What is known at synth, and what CloudFormation resolves at deployment."""

import aws_cdk as cdk


def is_token(value: object) -> bool:
    """Whether ``value`` is, or as a text holds, something that CloudFormation resolves: nothing to be inspected."""
    # What has no form in jsii cannot be asked about there, and is no token.
    could_be = isinstance(value, str | int | float) or hasattr(value, "__jsii_ref__") or _is_list_of_texts(value)
    return could_be and cdk.Token.is_unresolved(value)


def is_known(value: object) -> bool:
    """Whether ``value`` was given and can be checked now."""
    return value is not None and not is_token(value)


def _is_list_of_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
