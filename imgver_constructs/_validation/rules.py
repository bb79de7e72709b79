"""The constraints of the SageMaker image API as data; ``checks.py`` applies them.

Each constraint of a string is a :class:`StringRule` with the name of the parameter: the rule for the characters of an
alias is ``ALIAS``. This module does not import the CDK.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateImageVersion.html
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateImage.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class StringRule:
    r"""The strings that the API accepts for a parameter.

    The whole string has to match the pattern, which is the API's own. Python's ``$`` would accept a trailing line
    feed, and ``\d`` without ``re.ASCII`` the digits of every script.

    Attributes:
        maximum: the maximum length in characters.
        pattern: the regular expression.
        rule: the constraint in words, as an error states it after "must be".
        remedy: what the user can do, as an error states it after the rule.
        minimum: the minimum length in characters. Default: 1.
    """

    maximum: int
    pattern: str
    rule: str
    remedy: str
    minimum: int = 1

    def accepts(self, value: object) -> bool:
        """Whether the API accepts ``value``."""
        return (
            isinstance(value, str)
            and self.minimum <= len(value) <= self.maximum
            and re.fullmatch(self.pattern, value, re.ASCII) is not None
        )


# In the API's patterns "." excludes every Unicode line separator, in Python's only "\n".
ONE_LINE = r"[^\n\r\u0085\u2028\u2029]*"

# Images. https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateImage.html

IMAGE_NAME = StringRule(
    maximum=63,
    pattern=r"[a-zA-Z0-9]([-.]?[a-zA-Z0-9]){0,62}",
    rule="1 to 63 letters and digits, with single hyphens or dots between them",
    remedy="write it like 'data-science'",
)
DISPLAY_NAME = StringRule(
    maximum=128,
    # The pattern of CloudFormation, "^[A-Za-z0-9 -_]+$", with that of the API, which allows no space at either end.
    pattern=r"[!-_a-z]([ -_a-z]*[!-_a-z])?",
    rule=(
        "1 to 128 unaccented letters, digits, spaces and ASCII punctuation (but no braces, bars, tildes and "
        "backticks), with no space at either end"
    ),
    remedy="write it like 'Data Science', or leave it out",
)
DESCRIPTION = StringRule(
    maximum=512,
    pattern=ONE_LINE,
    rule="1 to 512 characters on one line",
    remedy="shorten it, or leave it out",
)

# Image versions. https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateImageVersion.html

ALIAS = StringRule(
    maximum=128,
    pattern=r"(?!^[.-])^([a-zA-Z0-9-_.]+)",
    rule="1 to 128 letters, digits, dots, hyphens and underscores, and must not start with a dot or hyphen",
    remedy="write it like 'latest' or '1.4.0'",
)
_NAME_AND_VERSION = r"[a-zA-Z]+ ?\d+\.\d+(\.\d+)?"
_NAME_AND_VERSION_RULE = (
    "at most 128 characters: letters, at most one space, then two or three numbers separated by dots"
)
ML_FRAMEWORK = StringRule(
    maximum=128,
    pattern=_NAME_AND_VERSION,
    rule=_NAME_AND_VERSION_RULE,
    remedy="write it like 'PyTorch 2.5'",
)
PROGRAMMING_LANG = StringRule(
    maximum=128,
    pattern=_NAME_AND_VERSION,
    rule=_NAME_AND_VERSION_RULE,
    remedy="write it like 'Python 3.12'",
)
RELEASE_NOTES = StringRule(
    maximum=255,
    pattern=ONE_LINE,
    rule="1 to 255 characters on one line",
    remedy="shorten it, or leave it out",
)
# This library's own parameter.
FOLLOW_TAG = StringRule(
    maximum=255,
    pattern=ONE_LINE,
    rule="1 to 255 characters on one line, different in each deployment that should compare the tag",
    remedy="give a build number or a commit hash",
)

# Base images: addresses of container images in Amazon ECR.

_WRITE_AN_ADDRESS = "write it like '123456789012.dkr.ecr.eu-west-1.amazonaws.com/data-science:1.0.0'"
# https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html
REPOSITORY_NAME_PATTERN = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*"
# https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageIdentifier.html
IMAGE_TAG = StringRule(
    maximum=128,
    pattern=r"[a-zA-Z0-9_][a-zA-Z0-9_.-]*",
    rule="1 to 128 letters, digits, dots, hyphens and underscores, and must not start with a dot or hyphen",
    remedy="write it like '1.0.0'",
)
IMAGE_DIGEST = StringRule(
    maximum=71,
    pattern=r"sha256:[0-9a-f]{64}",
    rule="'sha256:' and 64 lower-case hexadecimal digits",
    remedy="copy it from the output of 'aws ecr describe-images'",
)
BASE_IMAGE = StringRule(
    maximum=255,
    # The API's pattern is ".*"; its documentation says that the path is one in Amazon ECR.
    pattern=r"[^<>\x00-\x20\x7f-\x9f\u2028\u2029]*",
    rule="1 to 255 characters without spaces, control characters and angle brackets",
    remedy=_WRITE_AN_ADDRESS,
)
# https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-requests.html
ECR_ADDRESS = StringRule(
    maximum=BASE_IMAGE.maximum,
    pattern=(
        r"(?P<account>[0-9]{12})\.dkr[.-]ecr(-fips)?\.(?P<region>[a-z0-9-]+)\.[a-z0-9.-]+"
        rf"/(?P<repository>{REPOSITORY_NAME_PATTERN})(:{IMAGE_TAG.pattern})?(@{IMAGE_DIGEST.pattern})?"
    ),
    rule="a valid Amazon ECR address of at most 255 characters",
    remedy=_WRITE_AN_ADDRESS,
)
# A string that matches this is meant as an address in Amazon ECR, even if it is malformed.
LIKE_AN_ECR_ADDRESS = re.compile(r"([a-z]+://)?[^/]*\.dkr[.-]ecr.*", re.IGNORECASE | re.DOTALL)

# AppImageConfigs. Where the API and CloudFormation differ, the narrower constraint of the two.
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateAppImageConfig.html
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sagemaker-appimageconfig.html

_NOT_BLANK = r"(?!\s*$)"
APP_IMAGE_CONFIG_NAME = StringRule(
    maximum=63,
    pattern=r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}",
    rule="1 to 63 letters, digits and hyphens, with no hyphen at either end",
    remedy="write it like 'data-science'",
)
DOMAIN_ID = StringRule(
    maximum=63,
    pattern=r"d-(-*[a-z0-9]){1,61}",
    rule="the id of a Studio domain, which starts with 'd-'",
    remedy="write it like 'd-a1b2c3d4e5f6', or pass the domain itself",
)
USER_PROFILE_NAME = StringRule(
    maximum=63,
    pattern=r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}",
    rule="1 to 63 letters, digits and hyphens, with no hyphen at either end",
    remedy="write it like 'ann', or leave it out for all users of the domain",
)
CUSTOM_IMAGES_MAXIMUM = 200
CONTAINER_ARGUMENT = StringRule(
    maximum=64,
    pattern=rf"{_NOT_BLANK}{ONE_LINE}",
    rule="1 to 64 characters on one line, and not only spaces",
    remedy="shorten it, or set it in container_environment_variables",
)
CONTAINER_ARGUMENTS_MAXIMUM = 50
CONTAINER_ENTRYPOINT = StringRule(
    maximum=256,
    pattern=rf"{_NOT_BLANK}{ONE_LINE}",
    rule="the path of one program, of 1 to 256 characters",
    remedy="write it like '/usr/local/bin/start', and its arguments in container_arguments",
)
ENVIRONMENT_VARIABLE_NAME = StringRule(
    maximum=256,
    pattern=rf"{_NOT_BLANK}{ONE_LINE}",
    rule="a name of 1 to 256 characters on one line, and not only spaces",
    remedy="write it like 'LOG_LEVEL'",
)
# The API accepts an empty value, CloudFormation does not.
ENVIRONMENT_VARIABLE_VALUE = StringRule(
    maximum=256,
    pattern=rf"{_NOT_BLANK}{ONE_LINE}",
    rule="1 to 256 characters on one line, and not only spaces",
    remedy="shorten it, or leave the variable out",
)
ENVIRONMENT_VARIABLES_MAXIMUM = 25
KERNEL_NAME = StringRule(
    maximum=1024,
    pattern=r"[\s\S]*",
    rule="1 to 1024 characters",
    remedy="write it as 'jupyter kernelspec list' shows it, like 'python3'",
)
KERNEL_DISPLAY_NAME = StringRule(
    maximum=1024,
    pattern=r"[\s\S]*",
    rule="1 to 1024 characters",
    remedy="shorten it, or leave it out",
)
MOUNT_PATH = StringRule(
    maximum=1024,
    pattern=rf"/{ONE_LINE}",
    rule="an absolute path of at most 1024 characters on one line",
    remedy="write it like '/home/sagemaker-user'",
)
# POSIX user and group IDs of a kernel gateway app. The API accepts 0 to 65535; Studio Classic supports these.
# https://docs.aws.amazon.com/sagemaker/latest/dg/studio-byoi-specs.html
DEFAULT_USER = (1000, 100)
ROOT_USER = (0, 0)

# Environment variables of the function.
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html

FUNCTION_VARIABLE_NAME = StringRule(
    maximum=4096,
    pattern=r"[a-zA-Z][a-zA-Z0-9_]+",
    rule="a name of at least two letters, digits and underscores, which starts with a letter",
    remedy="write it like 'HTTPS_PROXY'",
)
FUNCTION_VARIABLES_MAXIMUM = 4096
"""Bytes of all names and values."""
RESERVED_FUNCTION_VARIABLES = frozenset(
    (
        *("AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_EXECUTION_ENV"),
        *("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION"),
        *("AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME"),
        *("AWS_LAMBDA_MAX_CONCURRENCY", "AWS_LAMBDA_METADATA_API", "AWS_LAMBDA_METADATA_TOKEN"),
        *("AWS_LAMBDA_RUNTIME_API", "AWS_REGION", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_SESSION_TOKEN"),
        *("LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT"),
    )
)

# Studio. An app or a space can name a version only by an alias of this form, which is narrower than ALIAS.
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceSpec.html

STUDIO_ALIAS = StringRule(
    maximum=128,
    pattern=(
        r"(^\d+$)|(^\d+.\d+$)"
        r"|(^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
        r"(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?"
        r"(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?$)"
    ),
    rule="a number, two numbers separated by a dot, or a semantic version",
    remedy="add one like '1.4.0'",
)
