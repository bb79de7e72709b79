"""The ARNs that IAM checks for each call."""

import json

import pytest
from imgver_sandbox.ministack.sagemaker import authorised_arns

PREFIX = "arn:aws:sagemaker:eu-west-1:123456789012"


@pytest.fixture
def authorised(aws):
    """The ARNs for a call. The image data-science has version 1 with the alias `first`, and version 2."""
    aws.version(Aliases=["first"])
    aws.version()

    def find(operation, body):
        return authorised_arns(aws.service, f"SageMaker.{operation}", body, account="123456789012", region="eu-west-1")

    return find


@pytest.mark.parametrize(
    ("operation", "parameters", "arns"),
    [
        ("CreateImage", {"ImageName": "i"}, ["image/i"]),
        ("ListAliases", {"ImageName": "i"}, ["image/i"]),
        ("ListAliases", {"ImageName": "i", "Version": 7}, ["image/i", "image-version/i/7"]),
        (
            "ListAliases",
            {"ImageName": "data-science", "Alias": "first"},
            ["image/data-science", "image-version/data-science/1"],
        ),
        ("DescribeImageVersion", {"ImageName": "i", "Version": 7}, ["image-version/i/7"]),
        ("DescribeImageVersion", {"ImageName": "data-science"}, ["image-version/data-science/2"]),
        ("DescribeImageVersion", {"ImageName": "data-science", "Version": None}, ["image-version/data-science/2"]),
        ("UpdateImageVersion", {"ImageName": "data-science", "Alias": "first"}, ["image-version/data-science/1"]),
        ("DeleteImageVersion", {"ImageName": "data-science", "Alias": "none"}, ["image-version/data-science/*"]),
        ("DeleteImageVersion", {"ImageName": "data-science", "Version": 0}, ["image-version/data-science/*"]),
        ("DeleteAppImageConfig", {"AppImageConfigName": "c"}, ["app-image-config/c"]),
        ("CreateDomain", {"DomainName": "d"}, ["domain/*"]),
        ("UpdateDomain", {"DomainId": "d-1"}, ["domain/d-1"]),
        ("CreateUserProfile", {"DomainId": "d-1", "UserProfileName": "ann"}, ["user-profile/d-1/ann"]),
        ("UpdateUserProfile", {"DomainId": "d-1", "UserProfileName": "ann"}, ["user-profile/d-1/ann"]),
        ("DescribeSpace", {"DomainId": "d-1", "SpaceName": "lab"}, ["space/d-1/lab"]),
        (
            "CreateApp",
            {"DomainId": "d-1", "SpaceName": "lab", "AppType": "JupyterLab", "AppName": "default"},
            ["app/d-1/lab/JupyterLab/default"],
        ),
        (
            "DeleteApp",
            {"DomainId": "d-1", "UserProfileName": "ann", "AppType": "KernelGateway", "AppName": "k"},
            ["app/d-1/ann/KernelGateway/k"],
        ),
        # Other parameters than those of the operation, and nulls, do not count.
        ("UpdateDomain", {"DomainId": "d-1", "UserProfileName": "ann", "AppImageConfigName": "c"}, ["domain/d-1"]),
        ("CreateDomain", {"DomainId": "d-1"}, ["domain/*"]),
        ("DescribeUserProfile", {"DomainId": "d-1", "UserProfileName": None}, ["user-profile/d-1/*"]),
        (
            "DescribeApp",
            {"DomainId": "d-1", "SpaceName": None, "UserProfileName": "ann", "AppType": "Canvas", "AppName": "default"},
            ["app/d-1/ann/Canvas/default"],
        ),
        ("CreateStudioLifecycleConfig", {"StudioLifecycleConfigName": "c"}, ["studio-lifecycle-config/c"]),
        # The service refuses a version that is not a number.
        ("DescribeImageVersion", {"ImageName": "i", "Version": {"a": 1}}, ["image-version/i/{'a': 1}"]),
    ],
)
def test_iam_checks_the_resources_of_the_call(aws, authorised, operation, parameters, arns):
    calls = []
    aws.service.before_call = calls.append

    assert authorised(operation, json.dumps(parameters).encode()) == [f"{PREFIX}:{arn}" for arn in arns]
    assert calls == []


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("ListImages", b""),
        ("ListUserProfiles", b'{"DomainIdEquals": "d-1"}'),
        ("ListAppImageConfigs", b'{"NameContains": "c"}'),
        ("DescribeImageVersion", b"[]"),
        ("DescribeImageVersion", b"{"),
        ("DescribeImageVersion", b"[" * 100_000),
    ],
)
def test_iam_checks_all_resources_if_the_call_names_none(authorised, operation, body):
    assert authorised(operation, body) == ["*"]
