"""The rules are those of the API."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import botocore.session
import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from imgver_constructs import JobType, Processor, VendorGuidance
from imgver_constructs._validation import rules
from imgver_constructs._validation.rules import StringRule

REGISTRY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
# A digit for Python's \d, but not for the API's.
ARABIC_ONE = "\N{ARABIC-INDIC DIGIT ONE}"
CONTAINER = "JupyterLabAppImageConfig.ContainerConfig"
KERNEL_GATEWAY = "KernelGatewayImageConfig"


@cache
def api(service: str = "sagemaker") -> Any:
    """The service model that boto3 has."""
    return botocore.session.get_session().get_service_model(service)


def shape(operation: str, path: str) -> Any:
    """The shape at a path of an operation's input: the items of a list, and the values or the key of a map."""
    found = api().operation_model(operation).input_shape
    for name in path.split("."):
        found = found.key if found.type_name == "map" and name == "key" else found.members[name]
        found = found.member if found.type_name == "list" else found
    return found


@pytest.mark.parametrize(
    ("operation", "parameter", "rule"),
    [
        ("CreateImage", "ImageName", rules.IMAGE_NAME),
        ("CreateImage", "Description", rules.DESCRIPTION),
        ("CreateImageVersion", "ImageName", rules.IMAGE_NAME),
        ("CreateImageVersion", "Aliases", rules.ALIAS),
        ("CreateImageVersion", "MLFramework", rules.ML_FRAMEWORK),
        ("CreateImageVersion", "ProgrammingLang", rules.PROGRAMMING_LANG),
        ("CreateImageVersion", "ReleaseNotes", rules.RELEASE_NOTES),
        ("CreateAppImageConfig", "AppImageConfigName", rules.APP_IMAGE_CONFIG_NAME),
        ("CreateAppImageConfig", f"{KERNEL_GATEWAY}.FileSystemConfig.MountPath", rules.MOUNT_PATH),
        ("CreateAppImageConfig", f"{CONTAINER}.ContainerArguments", rules.CONTAINER_ARGUMENT),
        ("CreateAppImageConfig", f"{CONTAINER}.ContainerEntrypoint", rules.CONTAINER_ENTRYPOINT),
        ("CreateAppImageConfig", f"{CONTAINER}.ContainerEnvironmentVariables.key", rules.ENVIRONMENT_VARIABLE_NAME),
    ],
)
def test_pattern_and_lengths_are_the_apis(operation: str, parameter: str, rule: StringRule) -> None:
    theirs = shape(operation, parameter).metadata

    # CloudFormation requires at least one character.
    assert (rule.minimum, rule.maximum) == (max(theirs["min"], 1), theirs["max"])
    pattern = theirs["pattern"].replace(r"(?!\s*$).+", r"(?!\s*$).*").replace(r"\/", "/")
    assert rule.pattern.replace(rules.ONE_LINE, ".*") == pattern


@pytest.mark.parametrize(
    ("operation", "parameter", "rule"),
    [
        ("CreateImageVersion", "BaseImage", rules.BASE_IMAGE),
        ("CreateAppImageConfig", f"{KERNEL_GATEWAY}.KernelSpecs.Name", rules.KERNEL_NAME),
        ("CreateAppImageConfig", f"{KERNEL_GATEWAY}.KernelSpecs.DisplayName", rules.KERNEL_DISPLAY_NAME),
    ],
)
def test_maximum_is_the_apis(operation: str, parameter: str, rule: StringRule) -> None:
    assert rule.maximum == shape(operation, parameter).metadata["max"]


@pytest.mark.parametrize(
    ("resource_type", "path", "name"),
    [
        ("Image", "ImageName", "IMAGE_NAME"),
        ("Image", "ImageDisplayName", "DISPLAY_NAME"),
        ("Image", "ImageDescription", "DESCRIPTION"),
        ("AppImageConfig", "AppImageConfigName", "APP_IMAGE_CONFIG_NAME"),
        ("AppImageConfig", "CustomImageContainerArguments", "CONTAINER_ARGUMENT"),
        ("AppImageConfig", "CustomImageContainerEntrypoint", "CONTAINER_ENTRYPOINT"),
        ("AppImageConfig", "CustomImageContainerEnvironmentVariable.Key", "ENVIRONMENT_VARIABLE_NAME"),
        ("AppImageConfig", "CustomImageContainerEnvironmentVariable.Value", "ENVIRONMENT_VARIABLE_VALUE"),
        ("AppImageConfig", "KernelSpec.Name", "KERNEL_NAME"),
        ("AppImageConfig", "KernelSpec.DisplayName", "KERNEL_DISPLAY_NAME"),
        ("AppImageConfig", "FileSystemConfig.MountPath", "MOUNT_PATH"),
    ],
)
def test_cloudformation_accepts_each_character_that_a_rule_accepts(resource_type: str, path: str, name: str) -> None:
    """CloudFormation checks a template against the schema of a resource before it calls the API."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", f"AWS::SageMaker::{resource_type}").schema
    found = {**schema["properties"], **schema["definitions"]}
    for key in path.split("."):
        found = found.get("properties", found)[key]
    rule = getattr(rules, name)

    assert (rule.minimum, rule.maximum) == (found["minLength"], found["maxLength"])
    candidates = [f"{before}{chr(code)}x" for before in ("/", "x") for code in range(0x3000)]
    accepted = [value for value in (*ACCEPTED.get(name, ()), *candidates) if rule.accepts(value)]
    assert len(accepted) > 60
    assert [value for value in accepted if re.search(found.get("pattern", ""), value) is None] == []


def test_environment_variables_have_the_apis_maximum() -> None:
    values = api().operation_model("CreateAppImageConfig").input_shape.members["JupyterLabAppImageConfig"]
    values = values.members["ContainerConfig"].members

    assert set(values) == {"ContainerArguments", "ContainerEntrypoint", "ContainerEnvironmentVariables"}
    assert values["ContainerArguments"].metadata["max"] == rules.CONTAINER_ARGUMENTS_MAXIMUM
    assert values["ContainerEnvironmentVariables"].metadata["max"] == rules.ENVIRONMENT_VARIABLES_MAXIMUM
    assert values["ContainerEnvironmentVariables"].value.metadata["max"] == rules.ENVIRONMENT_VARIABLE_VALUE.maximum


def test_studio_alias_is_the_apis() -> None:
    theirs = api().shape_for("ResourceSpec").members["SageMakerImageVersionAlias"].metadata

    ours = rules.STUDIO_ALIAS
    assert (ours.minimum, ours.maximum, ours.pattern) == (theirs["min"], theirs["max"], theirs["pattern"])


def test_repository_name_is_ecrs() -> None:
    assert api("ecr").shape_for("RepositoryName").metadata["pattern"] == rules.REPOSITORY_NAME_PATTERN


@pytest.mark.parametrize("choices", [JobType, Processor, VendorGuidance])
def test_choices_are_the_apis(choices: Any) -> None:
    theirs = shape("CreateImageVersion", choices.__name__).enum

    assert [choice.value for choice in choices] == list(theirs)


def test_no_parameter_of_the_api_is_missing() -> None:
    assert set(api().operation_model("CreateImageVersion").input_shape.members) == {
        *("Aliases", "BaseImage", "ClientToken", "Horovod", "ImageName", "JobType", "MLFramework", "Processor"),
        *("ProgrammingLang", "ReleaseNotes", "VendorGuidance"),
    }


ACCEPTED: dict[str, list[str]] = {
    "IMAGE_NAME": ["a", "Data-Science.2", "a" * 63, "a-" * 31 + "a"],
    "DISPLAY_NAME": ["D", "Data Science: Team_2 [GPU] (v1.5), 50% & more?", "x" * 128],
    "DESCRIPTION": ["x" * 512],
    "BASE_IMAGE": ["x", "public.ecr.aws/docker/library/python:3.12", f"{REGISTRY}/data-science:-x", "x" * 255],
    "ECR_ADDRESS": [
        f"{REGISTRY}/data-science",
        f"{REGISTRY}/team/data-science:1.0.0",
        f"{REGISTRY}/team.x/data_science-x--y__z",
        f"{REGISTRY}/data-science@sha256:{'0' * 64}",
        f"{REGISTRY}/data-science:1.0.0@sha256:{'0' * 64}",
        f"{REGISTRY}/" + "x" * (255 - len(REGISTRY) - 1),
        "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/x:1",
        "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com/x:1",
        "123456789012.dkr.ecr.us-iso-east-1.c2s.ic.gov/x:1",
        "123456789012.dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk/x:1",
        "123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu/x:1",
        "123456789012.dkr-ecr.eu-west-1.on.aws/x:1",
        "123456789012.dkr-ecr-fips.us-east-1.on.aws/x:1",
        "123456789012.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn/x:1",
    ],
    "ALIAS": ["latest", "1.4.0", "_x-y.", "x" * 128],
    "ML_FRAMEWORK": ["PyTorch 2.5", "PyTorch2.5.1", "x" * 124 + " 2.5"],
    "PROGRAMMING_LANG": ["Python 3.12"],
    "RELEASE_NOTES": [" ", "x" * 255],
    "IMAGE_TAG": ["1.0.0_a-b"],
    "IMAGE_DIGEST": [f"sha256:{'0123456789abcdef' * 4}"],
    "STUDIO_ALIAS": ["1", "007", "1.4", "1.4.0", "0.0.0", "1.4.0-rc.1", "1.4.0-gpu", "1" * 128],
}
REJECTED: dict[str, list[object]] = {
    "IMAGE_NAME": ["", "a" * 64, "bad name!", "-a", "a-", "a--b", "a_b", "a\n", "ä", ARABIC_ONE],
    "DISPLAY_NAME": [
        *("", " x", "x ", "x\ny", "x" * 129, "x\n", "x\ty", "x\x7f"),
        *("Données", "A|B", "Team ~ 1", "{x}", "x}", "`x`"),
    ],
    "DESCRIPTION": ["", "x" * 513, "x\ny"],
    "BASE_IMAGE": ["", "x" * 256, "x\n", "x\ty", "x\0y", "x\x7f", "x\x85y", "x\u2028y", None, 7, b"x"],
    "ECR_ADDRESS": [
        "",
        "python:3.12",
        "12345678901.dkr.ecr.eu-west-1.amazonaws.com/data-science:1.0.0",
        f"{REGISTRY}:1.0.0",
        f"{REGISTRY}/Data-Science:1.0.0",
        f"{REGISTRY}/-data:1.0.0",
        f"{REGISTRY}/data//science:1.0.0",
        f"{REGISTRY}/data-science:-1",
        f"{REGISTRY}/data-science:",
        f"{REGISTRY}/data-science:1.0.0\n",
        f"{REGISTRY}/data-science@sha256:{'0' * 63}",
        f"{REGISTRY}/data-science@sha256:{'A' * 64}",
        f"{REGISTRY}/data-science@sha256:{'0' * 64}:1.0.0",
        f"https://{REGISTRY}/data-science:1.0.0",
        f"{REGISTRY}/",
        f"{REGISTRY}/" + "x" * (255 - len(REGISTRY)),
        f"{REGISTRY.replace('1', ARABIC_ONE)}/data-science",
    ],
    "ALIAS": ["", ".x", "-x", "x y", "x/y", "x" * 129, "latest\n", "ä", None, 2.5, b"latest", ["x"]],
    "ML_FRAMEWORK": ["", "PyTorch", f"PyTorch {ARABIC_ONE}.{ARABIC_ONE}", "x" * 125 + " 2.5", None, 2.5],
    "PROGRAMMING_LANG": ["Python 3", "Python  3.12", "Python 3.12.1.0", "scikit-learn 1.5", "Python 3.12\n"],
    "RELEASE_NOTES": ["", "x" * 256, "x\ny", "x\r", "x\u2028y"],
    "IMAGE_TAG": ["", "-x", ".x", "x:y", "x" * 129, "x\n"],
    "IMAGE_DIGEST": ["", "0" * 64, f"sha256:{'A' * 64}", f"sha256:{'0' * 64}\n"],
    "STUDIO_ALIAS": ["latest", "v1.4.0", "1.4.0.1", "01.4.0", "1.4.0-", "1.4.0-01", "1.4.0_1", "1.x.0", "1\n", ""],
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_values_that_a_rule_accepts_and_rejects(name: str) -> None:
    rule = getattr(rules, name)

    assert [value for value in ACCEPTED[name] if not rule.accepts(value)] == []
    assert [value for value in REJECTED[name] if rule.accepts(value)] == []


@pytest.mark.parametrize(
    ("value", "alike"),
    [
        (f" {REGISTRY}/data-science:1.0.0\n", True),
        (f"https://{REGISTRY}/data-science", True),
        (REGISTRY.upper(), True),
        ("123456789012.dkr-ecr.eu-west-1.on.aws/", True),
        ("public.ecr.aws/docker/library/python:3.12", False),
        ("python:3.12", False),
        (f"mirror.example.com/{REGISTRY}/data-science:1.0.0", False),
        ("", False),
    ],
)
def test_strings_that_are_meant_as_ecr_addresses(value: str, alike: bool) -> None:
    assert bool(rules.LIKE_AN_ECR_ADDRESS.fullmatch(value)) is alike
