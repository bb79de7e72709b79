"""What IAM is asked about for each call."""

import json

import pytest
from imgver_sandbox.ministack.sagemaker import authorised_arns

PREFIX = "arn:aws:sagemaker:eu-west-1:123456789012"


@pytest.fixture
def authorised(aws):
    """The ARNs for a call in an account where version 1 of data-science has the alias first, and 2 is the latest."""
    aws.version(Aliases=["first"])
    aws.version()

    def find(operation, body):
        return authorised_arns(aws.service, f"SageMaker.{operation}", body, account="123456789012", region="eu-west-1")

    return find


@pytest.mark.parametrize(
    ("operation", "parameters", "arns"),
    [
        ("CreateImage", {"ImageName": "i"}, ["image/i"]),
        ("CreateImageVersion", {"ImageName": "i"}, ["image/i"]),
        ("ListImageVersions", {"ImageName": "i"}, ["image/i"]),
        ("ListAliases", {"ImageName": "i"}, ["image/i"]),
        (
            "ListAliases",
            {"ImageName": "data-science", "Alias": "first"},
            ["image/data-science", "image-version/data-science/1"],
        ),
        ("ListAliases", {"ImageName": "i", "Version": 7}, ["image/i", "image-version/i/7"]),
        ("DescribeImageVersion", {"ImageName": "i", "Version": 7}, ["image-version/i/7"]),
        ("DescribeImageVersion", {"ImageName": "data-science"}, ["image-version/data-science/2"]),
        ("DescribeImageVersion", {"ImageName": "data-science", "Version": None}, ["image-version/data-science/2"]),
        ("UpdateImageVersion", {"ImageName": "data-science", "Alias": "first"}, ["image-version/data-science/1"]),
        ("DeleteImageVersion", {"ImageName": "data-science", "Alias": "none"}, ["image-version/data-science/*"]),
        ("DeleteImageVersion", {"ImageName": "data-science", "Version": 0}, ["image-version/data-science/*"]),
        ("CreateAppImageConfig", {"AppImageConfigName": "c"}, ["app-image-config/c"]),
        ("DeleteAppImageConfig", {"AppImageConfigName": "c"}, ["app-image-config/c"]),
        ("CreateDomain", {"DomainName": "d"}, ["domain/*"]),
        ("UpdateDomain", {"DomainId": "d-1"}, ["domain/d-1"]),
    ],
)
def test_it_is_asked_about_what_the_call_touches(authorised, operation, parameters, arns):
    assert authorised(operation, json.dumps(parameters).encode()) == [f"{PREFIX}:{arn}" for arn in arns]


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("ListImages", b""),
        ("ListAppImageConfigs", b'{"NameContains": "c"}'),
        ("ListDomains", b"{}"),
        ("DescribeImageVersion", b"[]"),
        ("DescribeImageVersion", b"{"),
        ("DescribeImageVersion", b"[" * 100_000),
    ],
)
def test_it_is_asked_about_anything_where_the_call_names_nothing(authorised, operation, body):
    assert authorised(operation, body) == ["*"]


@pytest.mark.parametrize("version", ["one", [1], {"a": 1}, 1.5, True])
def test_a_version_that_is_no_number_is_left_to_the_service_to_refuse(authorised, version):
    body = json.dumps({"ImageName": "data-science", "Version": version}).encode()

    assert authorised("DescribeImageVersion", body) == [f"{PREFIX}:image-version/data-science/{version}"]


def test_asking_is_no_call(aws, authorised):
    calls = []
    aws.service.before_call = calls.append

    authorised("DeleteImageVersion", b'{"ImageName": "data-science", "Alias": "first"}')

    assert calls == []
