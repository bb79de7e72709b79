"""Warnings about declarations that can be deployed but are probably wrong. Each can be acknowledged by its ID."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ecr as ecr
from aws_cdk.assertions import Annotations, Match
from cdk_release import needs_recent_cdk

from imgver_constructs import BaseImage, IImage, Image, ImageVersion, ImageVersionPolicy, VendorGuidance

Declare = Callable[..., ImageVersion]

ADDRESS = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/data-science"
ELSEWHERE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/data-science:1.0.0"
DIGEST = f"sha256:{'0' * 64}"


@pytest.fixture
def stack(app: cdk.App) -> cdk.Stack:
    return cdk.Stack(app, "Stack", env=cdk.Environment(account="123456789012", region="eu-west-1"))


def warnings(stack: cdk.Stack) -> list[str]:
    return [str(found.entry.data) for found in Annotations.from_stack(stack).find_warning("*", Match.any_value())]


def outside_ecr(uri: str) -> str:
    return (
        f"base_image {uri!r} should be in Amazon ECR: SageMaker documents no other registry; push it to a repository "
        "there [ack: imgver-constructs:baseImageOutsideEcr]"
    )


OTHER_REGION = (
    "base_image should be in region eu-west-1 of the stack, not in us-east-1: SageMaker documents no pull from another "
    "region; replicate the repository [ack: imgver-constructs:baseImageInOtherRegion]"
)
TO_BE_ARCHIVED = (
    "vendor_guidance should not remain TO_BE_ARCHIVED: SageMaker archives the version after three months; declare "
    "ARCHIVED or another version by then [ack: imgver-constructs:toBeArchived]"
)


def moving_tag(tag: str) -> str:
    return (
        f"base_image should not have the tag {tag!r}: such a tag moves to newer images, which a deployment does not "
        "notice; use a tag that does not move, or give follow_tag a build number [ack: imgver-constructs:movingTag]"
    )


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("docker.io/library/python:3.12", [outside_ecr("docker.io/library/python:3.12")]),
        ("python", [outside_ecr("python"), moving_tag("latest")]),
        (ELSEWHERE, [OTHER_REGION]),
        (f"{ADDRESS}:nightly", [moving_tag("nightly")]),
        (ADDRESS, [moving_tag("latest")]),
        (f"{ADDRESS}:1.0.0", []),
        (f"{ADDRESS}:latest@{DIGEST}", []),
        pytest.param(cdk.Aws.NO_VALUE, [], id="token"),
    ],
)
def test_address(stack: cdk.Stack, declare: Declare, uri: str, expected: list[str]) -> None:
    declare(base_image=BaseImage.from_uri(uri))

    assert warnings(stack) == expected


def test_repository_of_another_region(stack: cdk.Stack, declare: Declare) -> None:
    arn = "arn:aws:ecr:us-east-1:123456789012:repository/data-science"
    repository = ecr.Repository.from_repository_arn(stack, "Repository", arn)

    declare(base_image=BaseImage.from_ecr_repository(repository, tag="1.0.0"))

    assert warnings(stack) == [OTHER_REGION]


def test_no_warning_if_the_region_of_the_stack_is_not_known(app: cdk.App, declare: Declare) -> None:
    agnostic = cdk.Stack(app, "Agnostic")

    ImageVersion(agnostic, "Version", image=declare().image, base_image=BaseImage.from_uri(ELSEWHERE))

    assert warnings(agnostic) == []


def test_no_warning_of_a_moving_tag_with_follow_tag(stack: cdk.Stack, declare: Declare) -> None:
    declare(base_image=BaseImage.from_uri(f"{ADDRESS}:nightly"), follow_tag="build 7")

    assert warnings(stack) == []


@pytest.mark.parametrize("guidance", [None, *VendorGuidance, "TO_BE_ARCHIVED"])
def test_vendor_guidance(stack: cdk.Stack, declare: Declare, guidance: Any) -> None:
    declare(vendor_guidance=guidance)

    warned = guidance in (VendorGuidance.TO_BE_ARCHIVED, "TO_BE_ARCHIVED")
    assert warnings(stack) == ([TO_BE_ARCHIVED] if warned else [])


DESTROY, RETAIN = cdk.RemovalPolicy.DESTROY, cdk.RemovalPolicy.RETAIN
RETAIN_EXCEPT_ON_CREATE = cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE


@pytest.mark.parametrize(
    ("image_policy", "version_policy", "warned"),
    [
        (DESTROY, RETAIN, True),
        (DESTROY, RETAIN_EXCEPT_ON_CREATE, True),
        (DESTROY, DESTROY, False),
        (RETAIN, RETAIN, False),
        (RETAIN_EXCEPT_ON_CREATE, RETAIN, False),
        (RETAIN, DESTROY, False),
    ],
)
@pytest.mark.parametrize("given", ["declared", "applied later", "by an aspect"])
def test_a_version_that_is_deleted_with_its_image(
    stack: cdk.Stack,
    declare: Declare,
    given: str,
    image_policy: cdk.RemovalPolicy,
    version_policy: cdk.RemovalPolicy,
    warned: bool,
) -> None:
    if given == "declared":
        image = Image(stack, "Own", removal_policy=image_policy)
        declare(image=image, deletion_policy=ImageVersionPolicy.DELETE if version_policy is DESTROY else None)
    else:
        image = Image(stack, "Own", removal_policy={DESTROY: RETAIN}.get(image_policy, DESTROY))
        version = declare(image=image)
        for construct, policy in ((image, image_policy), (version, version_policy)):
            if given == "applied later":
                construct.apply_removal_policy(policy)
            else:
                cdk.RemovalPolicies.of(construct).apply(policy)

    expected = (
        "deletion_policy should not retain the version alone: image 'Stack/Own' is deleted with its stack, and all of "
        "its versions with it; give the image removal_policy=RemovalPolicy.RETAIN, or the version "
        "deletion_policy=ImageVersionPolicy.DELETE "
        "[ack: imgver-constructs:deletedWithImage]"
    )
    assert warnings(stack) == ([expected] if warned else [])


@pytest.mark.parametrize("is_imported", [True, False])
def test_an_archived_version_is_deleted_with_its_image_too(
    stack: cdk.Stack, declare: Declare, is_imported: bool
) -> None:
    image: IImage = Image(stack, "Own", image_name="data-science", removal_policy=DESTROY)
    if is_imported:
        image = Image.from_image_name(stack, "Imported", "Data-Science")
    declare(image=image, deletion_policy=ImageVersionPolicy.ARCHIVE)

    assert [warning.partition(":")[0] for warning in warnings(stack)] == [
        "deletion_policy should not retain the version alone"
    ]


DELETED = {"update_replace_policy": ImageVersionPolicy.DELETE, "deletion_policy": ImageVersionPolicy.DELETE}


@pytest.mark.parametrize(
    ("policies", "is_warned"),
    [
        ({}, True),
        (DELETED | {"deletion_policy": ImageVersionPolicy.RETAIN}, True),
        (DELETED | {"update_replace_policy": ImageVersionPolicy.ARCHIVE}, True),
        (DELETED, False),
    ],
)
def test_a_retained_version_loses_an_asset_to_cdk_gc(
    stack: cdk.Stack, declare: Declare, tmp_path: Path, policies: dict[str, ImageVersionPolicy], is_warned: bool
) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")

    declare(base_image=BaseImage.from_asset(tmp_path), **policies)

    message = "base_image should not be an asset if the version is retained or archived"
    assert [warning.partition(": ")[0] for warning in warnings(stack)] == ([message] if is_warned else [])


POLICIES = {
    "retain": [
        ({"update_replace_policy": ImageVersionPolicy.ARCHIVE}, "update_replace_policy ARCHIVE"),
        ({"deletion_policy": ImageVersionPolicy.DELETE}, "deletion_policy DELETE"),
        ({"deletion_policy": ImageVersionPolicy.RETAIN}, None),
        ({}, None),
    ],
    "destroy": [
        ({"update_replace_policy": ImageVersionPolicy.RETAIN}, "update_replace_policy RETAIN"),
        ({"deletion_policy": ImageVersionPolicy.RETAIN}, "deletion_policy RETAIN"),
        ({"deletion_policy": ImageVersionPolicy.ARCHIVE}, None),
        ({}, None),
    ],
}


@pytest.mark.parametrize(
    ("applied", "declared", "subject"), [(applied, *case) for applied, cases in POLICIES.items() for case in cases]
)
def test_a_policy_that_an_aspect_overrides(
    stack: cdk.Stack, declare: Declare, applied: str, declared: dict[str, Any], subject: str | None
) -> None:
    declare(**declared)

    getattr(cdk.RemovalPolicies.of(stack), applied)()

    policy, parameter = applied.upper().replace("DESTROY", "DELETE"), str(subject).partition(" ")[0]
    expected = (
        f"{subject} should not be overridden with {policy} by RemovalPolicies or another aspect: leave {parameter} "
        "out, or exclude Custom::SageMakerImageVersion from the aspect [ack: imgver-constructs:policyOverridden]"
    )
    assert warnings(stack) == ([] if subject is None else [expected])


@pytest.mark.parametrize(
    "acknowledge",
    [
        lambda version, name: cdk.Annotations.of(version).acknowledge_warning(name),
        pytest.param(
            lambda version, name: cdk.Validations.of(version).acknowledge(
                cdk.Acknowledgment(id=name, reason="It is intended")
            ),
            marks=needs_recent_cdk,
        ),
    ],
    ids=["annotations", "validations"],
)
def test_each_can_be_acknowledged(
    stack: cdk.Stack, declare: Declare, acknowledge: Callable[[ImageVersion, str], None]
) -> None:
    outside = declare("Outside", base_image=BaseImage.from_uri("python"))
    base_image, guidance = BaseImage.from_uri(ELSEWHERE), VendorGuidance.TO_BE_ARCHIVED
    elsewhere = declare("Elsewhere", base_image=base_image, vendor_guidance=guidance)
    assert len(warnings(stack)) == 4

    for version, names in (
        (outside, ["baseImageOutsideEcr", "movingTag"]),
        (elsewhere, ["baseImageInOtherRegion", "toBeArchived"]),
    ):
        for name in names:
            acknowledge(version, f"imgver-constructs:{name}")

    assert warnings(stack) == []
