"""BaseImage: the address on the wire, the repository behind it, and the permission to pull."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Template

from imgver_constructs import BaseImage

REGISTRY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
DIGEST = f"sha256:{'0123456789abcdef' * 4}"
PULL = ["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"]


@pytest.fixture
def role(stack: cdk.Stack) -> iam.Role:
    return iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"))


@pytest.fixture
def repository(stack: cdk.Stack) -> ecr.IRepository:
    return ecr.Repository.from_repository_name(stack, "Repository", "data-science")


def statements(stack: cdk.Stack) -> list[dict[str, Any]]:
    policies = Template.from_stack(stack).find_resources("AWS::IAM::Policy").values()
    return [statement for policy in policies for statement in policy["Properties"]["PolicyDocument"]["Statement"]]


def in_this_account(name: str) -> dict[str, Any]:
    parts = ["arn:", {"Ref": "AWS::Partition"}, ":ecr:", {"Ref": "AWS::Region"}, ":", {"Ref": "AWS::AccountId"}]
    return {"Fn::Join": ["", [*parts, f":repository/{name}"]]}


@pytest.mark.parametrize("suffix", ["", ":1.0.0", f"@{DIGEST}", f":1.0.0@{DIGEST}"])
def test_address_goes_over_the_wire_as_it_is(stack: cdk.Stack, suffix: str) -> None:
    uri = f"{REGISTRY}/team/data-science{suffix}"

    bound = BaseImage.from_uri(uri).bind(None)

    assert bound.uri == uri
    assert bound.pull_permission == ()
    assert stack.resolve(bound.repository_arn) == {
        "Fn::Join": [
            "",
            ["arn:", {"Ref": "AWS::Partition"}, ":ecr:eu-west-1:123456789012:repository/team/data-science"],
        ]
    }


def test_address_grants_pull_on_its_repository_only(stack: cdk.Stack, role: iam.Role) -> None:
    bound = BaseImage.from_uri(f"{REGISTRY}/data-science:1.0.0").bind(role)

    assert statements(stack) == [
        {"Action": PULL, "Effect": "Allow", "Resource": stack.resolve(bound.repository_arn)},
        {"Action": "ecr:GetAuthorizationToken", "Effect": "Allow", "Resource": "*"},
    ]


def test_address_that_is_a_token(stack: cdk.Stack, role: iam.Role) -> None:
    uri = f"{cdk.Aws.ACCOUNT_ID}.dkr.ecr.{cdk.Aws.REGION}.amazonaws.com/x"

    bound = BaseImage.from_uri(uri).bind(role)

    assert (bound.uri, bound.repository_arn, bound.pull_permission) == (uri, None, ())
    assert statements(stack) == []


@pytest.mark.parametrize("uri", ["python:3.12", "", None, f"{REGISTRY}/x@sha256:0", f"{REGISTRY}/x:-1"])
def test_address_outside_ecr_is_refused(uri: Any) -> None:
    with pytest.raises(ValueError, match="uri") as refusal:
        BaseImage.from_uri(uri)

    assert str(refusal.value) == (
        f"uri {uri!r} must be an amazon ecr address of at most 255 characters, its tag or digest whole: "
        "write it like '123456789012.dkr.ecr.eu-west-1.amazonaws.com/data-science:1.0.0'"
    )


@pytest.mark.parametrize(
    ("which", "suffix"), [({"tag": "1.0.0"}, ":1.0.0"), ({"digest": DIGEST}, f"@{DIGEST}")], ids=["tag", "digest"]
)
def test_repository(
    stack: cdk.Stack, role: iam.Role, repository: ecr.IRepository, which: dict[str, str], suffix: str
) -> None:
    bound = BaseImage.from_ecr_repository(repository, **which).bind(role)

    registry = [{"Ref": "AWS::AccountId"}, ".dkr.ecr.", {"Ref": "AWS::Region"}, ".", {"Ref": "AWS::URLSuffix"}]
    assert stack.resolve(bound.uri) == {"Fn::Join": ["", [*registry, f"/data-science{suffix}"]]}
    assert stack.resolve(bound.repository_arn) == in_this_account("data-science")
    assert statements(stack) == [
        {"Action": PULL, "Effect": "Allow", "Resource": in_this_account("data-science")},
        {"Action": "ecr:GetAuthorizationToken", "Effect": "Allow", "Resource": "*"},
    ]


def test_repository_without_a_role_grants_nothing(stack: cdk.Stack, repository: ecr.IRepository) -> None:
    bound = BaseImage.from_ecr_repository(repository, tag="1.0.0").bind(None)

    assert bound.pull_permission == ()
    assert statements(stack) == []


@pytest.mark.parametrize(
    ("which", "message"),
    [
        (
            {},
            (
                "tag None and digest None must be given one without the other: "
                "name the image by its tag, or pin it by its digest"
            ),
        ),
        (
            {"tag": "1.0.0", "digest": "sha256:0"},
            (
                "tag '1.0.0' and digest 'sha256:0' must be given one without the other: "
                "name the image by its tag, or pin it by its digest"
            ),
        ),
        (
            {"tag": ""},
            (
                "tag '' must be 1 to 128 letters, digits, dots, hyphens and underscores, "
                "and start with no dot or hyphen: write it like '1.0.0'"
            ),
        ),
        (
            {"digest": "0" * 8},
            (
                "digest '00000000' must be 'sha256:' and 64 lower-case hexadecimal digits: "
                "copy it from ecr's describe-images"
            ),
        ),
    ],
)
def test_repository_needs_one_valid_tag_or_digest(
    repository: ecr.IRepository, which: dict[str, str], message: str
) -> None:
    with pytest.raises(ValueError, match="must be") as refusal:
        BaseImage.from_ecr_repository(repository, **which)

    assert str(refusal.value) == message


@pytest.mark.parametrize("repository", ["data-science", None])
def test_what_is_no_repository_is_refused(repository: Any) -> None:
    with pytest.raises(ValueError, match="repository") as refusal:
        BaseImage.from_ecr_repository(repository, tag="1.0.0")

    assert str(refusal.value) == (
        f"repository {repository!r} must be an ecr repository: for a name use ecr.Repository.from_repository_name(…)"
    )


@pytest.mark.parametrize("which", ["tag", "digest"])
def test_tokens_are_not_inspected(stack: cdk.Stack, repository: ecr.IRepository, which: str) -> None:
    token = cdk.CfnParameter(stack, "Given").value_as_string

    bound = BaseImage.from_ecr_repository(repository, **{which: token}).bind(None)

    assert {"Ref": "Given"} in stack.resolve(bound.uri)["Fn::Join"][1]
