"""The rules of SageMaker's image API as data, and checks of single values against them.

Nothing here knows the CDK: what CloudFormation resolves only at deployment has to be left out by the caller.
Every check raises a ``ValueError`` of one line: parameter, value, rule, remedy.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateImageVersion.html
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateImage.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence, Sized
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

Choice = TypeVar("Choice", bound=Enum)

_SHOWN = 60
"""Characters of a wrong value that a message repeats."""


@dataclass(frozen=True, kw_only=True)
class Text:
    """What the API takes for a parameter that is a text.

    The pattern is the API's own, to be matched in full: in Python ``$`` would let a line end through, and ``\\d`` the
    digits of every script.
    """

    maximum: int
    pattern: str
    rule: str
    remedy: str
    minimum: int = 1

    def accepts(self, value: object) -> bool:
        """Whether the API takes ``value``."""
        return (
            isinstance(value, str)
            and self.minimum <= len(value) <= self.maximum
            and re.fullmatch(self.pattern, value, re.ASCII) is not None
        )


# The API's ".*" ends at every line separator of Unicode, Python's only at "\n".
_ONE_LINE = r"[^\n\r\u0085\u2028\u2029]*"
_NAME_AND_VERSION = r"[a-zA-Z]+ ?\d+\.\d+(\.\d+)?"
_NAME_AND_VERSION_RULE = "at most 128 characters: letters, at most one space, then two or three numbers with dots"

_WRITE_AN_ADDRESS = "write it like '123456789012.dkr.ecr.eu-west-1.amazonaws.com/data-science:1.0.0'"
# https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html
_REPOSITORY_NAME = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*"

IMAGE_NAME = Text(
    maximum=63,
    pattern=r"[a-zA-Z0-9]([-.]?[a-zA-Z0-9]){0,62}",
    rule="1 to 63 letters and digits, with single hyphens or dots between them",
    remedy="write it like 'data-science'",
)
DISPLAY_NAME = Text(
    maximum=128,
    pattern=rf"\S({_ONE_LINE}\S)?",
    rule="1 to 128 characters on one line, with no space at either end",
    remedy="shorten or trim it, or leave it out",
)
DESCRIPTION = Text(
    maximum=512,
    pattern=_ONE_LINE,
    rule="1 to 512 characters on one line",
    remedy="shorten it, or leave it out",
)
# https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageIdentifier.html
IMAGE_TAG = Text(
    maximum=128,
    pattern=r"[a-zA-Z0-9_][a-zA-Z0-9_.-]*",
    rule="1 to 128 letters, digits, dots, hyphens and underscores, and start with no dot or hyphen",
    remedy="write it like '1.0.0'",
)
IMAGE_DIGEST = Text(
    maximum=71,
    pattern=r"sha256:[0-9a-f]{64}",
    rule="'sha256:' and 64 lower-case hexadecimal digits",
    remedy="copy it from ecr's describe-images",
)
BASE_IMAGE = Text(
    maximum=255,
    # The API's pattern is ".*"; its text says that the path is one in Amazon ECR.
    pattern=r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]*",
    rule="1 to 255 characters, none of them a control character",
    remedy=_WRITE_AN_ADDRESS,
)
# https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-requests.html
ECR_ADDRESS = Text(
    maximum=BASE_IMAGE.maximum,
    pattern=(
        r"(?P<account>[0-9]{12})\.dkr[.-]ecr(-fips)?\.(?P<region>[a-z0-9-]+)\.[a-z0-9.-]+"
        rf"/(?P<repository>{_REPOSITORY_NAME})(:{IMAGE_TAG.pattern})?(@{IMAGE_DIGEST.pattern})?"
    ),
    rule="an amazon ecr address of at most 255 characters, its tag or digest whole",
    remedy=_WRITE_AN_ADDRESS,
)
LIKE_AN_ECR_ADDRESS = re.compile(r"([a-z]+://)?[^/]*\.dkr[.-]ecr.*", re.IGNORECASE | re.DOTALL)
"""What only an address in Amazon ECR, or an attempt at one, looks like."""
ALIAS = Text(
    maximum=128,
    pattern=r"(?!^[.-])^([a-zA-Z0-9-_.]+)",
    rule="1 to 128 letters, digits, dots, hyphens and underscores, and start with no dot or hyphen",
    remedy="write it like 'latest' or '1.4.0'",
)
ML_FRAMEWORK = Text(
    maximum=128,
    pattern=_NAME_AND_VERSION,
    rule=_NAME_AND_VERSION_RULE,
    remedy="write it like 'PyTorch 2.5'",
)
PROGRAMMING_LANG = Text(
    maximum=128,
    pattern=_NAME_AND_VERSION,
    rule=_NAME_AND_VERSION_RULE,
    remedy="write it like 'Python 3.12'",
)
RELEASE_NOTES = Text(
    maximum=255,
    pattern=_ONE_LINE,
    rule="1 to 255 characters on one line",
    remedy="shorten it, or leave it out",
)
FOLLOW_TAG = Text(
    maximum=255,
    pattern=_ONE_LINE,
    rule="1 to 255 characters on one line, another text whenever the tag is to be looked at",
    remedy="give a build number or a commit",
)


def check_text(parameter: str, value: object, rule: Text) -> None:
    """Check a text against its rule.

    Raises:
        ValueError: the API would refuse it.
    """
    if not rule.accepts(value):
        raise ValueError(f"{parameter} {shown(value)} must be {rule.rule}: {rule.remedy}")


def check_choice(parameter: str, value: object, choices: type[Choice]) -> Choice:
    """The member of ``choices`` that ``value`` is or names.

    Raises:
        ValueError: it is none of them.
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
        ValueError: it is not.
    """
    if not isinstance(value, bool):
        raise ValueError(  # noqa: TRY004 (every mistake in a declaration is a ValueError)
            f"{parameter} {shown(value)} must be a bool: write True or False, or leave it out"
        )


def check_number(parameter: str, value: object, remedy: str) -> None:
    """Check that ``value`` counts something that there is: versions have numbers from 1.

    Raises:
        ValueError: it is no whole number from 1.
    """
    # bool is a subclass of int.
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{parameter} {shown(value)} must be a whole number from 1: {remedy}")


def check_distinct(parameter: str, values: Sequence[str]) -> None:
    """Check that no value comes twice.

    Raises:
        ValueError: one does.
    """
    for position, value in enumerate(values):
        if value in values[:position]:
            raise ValueError(f"{parameter} {shown(value)} must be named once: remove the repetition")


def shown(value: object) -> str:
    """A value as messages show it: on one line, not too long."""
    text = repr(value)
    if len(text) <= _SHOWN:
        return text
    length = f" ({len(value)} characters)" if isinstance(value, str) else ""
    return f"{text[: _SHOWN - 1]}…{length}"


# What CreateAppImageConfig and CloudFormation take of an AppImageConfig; where they differ, the narrower of the two.
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateAppImageConfig.html
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sagemaker-appimageconfig.html
_NOT_BLANK = r"(?!\s*$)"

APP_IMAGE_CONFIG_NAME = Text(
    maximum=63,
    pattern=r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}",
    rule="1 to 63 letters, digits and hyphens, with no hyphen at either end",
    remedy="write it like 'data-science'",
)
CONTAINER_ARGUMENT = Text(
    maximum=64,
    pattern=rf"{_NOT_BLANK}{_ONE_LINE}",
    rule="1 to 64 characters on one line, and not only spaces",
    remedy="shorten it, or set it in container_environment_variables",
)
CONTAINER_ARGUMENTS_MAXIMUM = 50
CONTAINER_ENTRYPOINT = Text(
    maximum=256,
    pattern=rf"{_NOT_BLANK}{_ONE_LINE}",
    rule="the path of one program, of 1 to 256 characters",
    remedy="write it like '/usr/local/bin/start', and its arguments in container_arguments",
)
ENVIRONMENT_VARIABLE_NAME = Text(
    maximum=256,
    pattern=rf"{_NOT_BLANK}{_ONE_LINE}",
    rule="named with 1 to 256 characters on one line, and not only spaces",
    remedy="write it like 'LOG_LEVEL'",
)
# The API takes an empty value, CloudFormation does not.
ENVIRONMENT_VARIABLE_VALUE = Text(
    maximum=256,
    pattern=rf"{_NOT_BLANK}{_ONE_LINE}",
    rule="1 to 256 characters on one line, and not only spaces",
    remedy="shorten it, or leave the variable out",
)
ENVIRONMENT_VARIABLES_MAXIMUM = 25
KERNEL_NAME = Text(
    maximum=1024,
    pattern=r"[\s\S]*",
    rule="1 to 1024 characters",
    remedy="write it as 'jupyter kernelspec list' shows it, like 'python3'",
)
KERNEL_DISPLAY_NAME = Text(
    maximum=1024,
    pattern=r"[\s\S]*",
    rule="1 to 1024 characters",
    remedy="shorten it, or leave it out",
)
MOUNT_PATH = Text(
    maximum=1024,
    pattern=rf"/{_ONE_LINE}",
    rule="an absolute path of at most 1024 characters on one line",
    remedy="write it like '/home/sagemaker-user'",
)
# The API takes 0 to 65535. https://docs.aws.amazon.com/sagemaker/latest/dg/studio-byoi-specs.html
DEFAULT_USER = (1000, 100)
ROOT_USER = (0, 0)

# What ResourceSpec takes, where an app or a space names the version it runs; ALIAS is what CreateImageVersion takes.
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceSpec.html
STUDIO_ALIAS = Text(
    maximum=128,
    pattern=(
        r"(^\d+$)|(^\d+.\d+$)"
        r"|(^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
        r"(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?"
        r"(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?$)"
    ),
    rule="a number, two numbers with a dot, or a semantic version",
    remedy="add one like '1.4.0'",
)


def check_at_most(parameter: str, values: Sized, maximum: int, remedy: str) -> None:
    """Check that there are not too many values.

    Raises:
        ValueError: there are more than ``maximum``.
    """
    if len(values) > maximum:
        raise ValueError(f"{parameter} {shown(values)} must be at most {maximum}, not {len(values)}: {remedy}")


def check_user(default_uid: object, default_gid: object) -> None:
    """Check the POSIX user that a kernel gateway app runs as.

    Raises:
        ValueError: Studio Classic does not support it.
    """
    if (default_uid, default_gid) not in (DEFAULT_USER, ROOT_USER):
        raise ValueError(
            f"default_uid {shown(default_uid)} with default_gid {shown(default_gid)} must be 1000 with 100, or 0 with "
            "0 for root: give both, or leave both out"
        )
