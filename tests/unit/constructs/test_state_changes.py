"""Rules for the events that SageMaker sends when the status of an image or a version changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sqs as sqs

from imgver_constructs import BaseImage, Image, ImageVersion

RULE = "AWS::Events::Rule"
OF_IMAGE, OF_VERSION = "SageMaker Image State Change", "SageMaker Image Version State Change"
IMAGE_ARN = "arn:aws:sagemaker:eu-west-1:123456789012:image/data-science"
VERSION_ARN = "arn:aws:sagemaker:eu-west-1:123456789012:image-version/data-science/7"

Declare = Callable[..., ImageVersion]
Only = Callable[[str], dict[str, Any]]


def pattern(detail_type: str, **detail: Any) -> dict[str, Any]:
    """What a rule is to match, by ARNs in the detail."""
    return {
        "source": ["aws.sagemaker"],
        "detail-type": [detail_type],
        "detail": {field: [{"equals-ignore-case": arn}] for field, arn in detail.items()},
    }


def test_of_a_declared_image(stack: cdk.Stack, only: Only) -> None:
    image = Image(stack, "Image")

    image.on_state_change("Rule")

    assert only(RULE)["Properties"] == {
        "EventPattern": pattern(OF_IMAGE, ImageArn={"Fn::GetAtt": ["Image9D742C96", "ImageArn"]}),
        "State": "ENABLED",
    }


def test_of_the_versions_of_an_imported_image(stack: cdk.Stack, only: Only) -> None:
    image = Image.from_image_arn(stack, "Image", IMAGE_ARN)

    image.on_version_state_change("Rule")

    assert only(RULE)["Properties"]["EventPattern"] == pattern(OF_VERSION, ImageArn=IMAGE_ARN)


def test_of_a_declared_version(declare: Declare, only: Only) -> None:
    version = declare()

    version.on_state_change("Rule")

    arn = {"Fn::GetAtt": ["Version", "ImageVersionArn"]}
    assert only(RULE)["Properties"]["EventPattern"] == pattern(OF_VERSION, ImageVersionArn=arn)


def test_of_an_imported_version(stack: cdk.Stack, only: Only) -> None:
    version = ImageVersion.from_image_version_arn(stack, "Version", VERSION_ARN)

    version.on_state_change("Rule")

    assert only(RULE)["Properties"]["EventPattern"] == pattern(OF_VERSION, ImageVersionArn=VERSION_ARN)


@pytest.fixture
def ways(stack: cdk.Stack) -> dict[str, Callable[..., events.Rule]]:
    """Every method that makes a rule."""
    image = Image.from_image_arn(stack, "Image", IMAGE_ARN)
    version = ImageVersion.from_image_version_arn(stack, "Version", VERSION_ARN)
    return {
        "image": image.on_state_change,
        "image_versions": image.on_version_state_change,
        "version": version.on_state_change,
    }


@pytest.mark.parametrize("way", ["image", "image_versions", "version"])
def test_options(
    app: cdk.App, stack: cdk.Stack, only: Only, ways: dict[str, Callable[..., events.Rule]], way: str
) -> None:
    # GIVEN
    queue = sqs.Queue.from_queue_arn(stack, "Queue", "arn:aws:sqs:eu-west-1:123456789012:changes")

    # WHEN
    made = ways[way](
        "Rule",
        target=targets.SqsQueue(queue),
        description="Tell the team",
        event_pattern=events.EventPattern(account=["123456789012"], detail={"Version": [1]}),
        rule_name="changes",
    )

    # THEN
    rule = only(RULE)["Properties"]
    assert made.node.scope in {stack.node.find_child("Image"), stack.node.find_child("Version")}
    assert (rule["Name"], rule["Description"]) == ("changes", "Tell the team")
    assert rule["Targets"] == [{"Arn": queue.queue_arn, "Id": "Target0"}]
    assert rule["EventPattern"]["account"] == ["123456789012"]
    assert rule["EventPattern"]["source"] == ["aws.sagemaker"]
    detail = dict(rule["EventPattern"]["detail"])
    assert detail.pop("Version") == [1]
    assert len(detail) == 1


@pytest.mark.parametrize("way", ["image", "image_versions", "version"])
def test_rule_in_another_stack(app: cdk.App, ways: dict[str, Callable[..., events.Rule]], way: str) -> None:
    elsewhere = cdk.Stack(app, "Elsewhere")

    rule = ways[way]("Rule", cross_stack_scope=elsewhere)

    assert cdk.Stack.of(rule) is elsewhere


def test_rule_of_a_declared_version_stays_with_its_stack(app: cdk.App, stack: cdk.Stack) -> None:
    # GIVEN
    version = ImageVersion(
        stack,
        "Version",
        image=Image.from_image_name(stack, "Image", "data-science"),
        base_image=BaseImage.from_uri("123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/data-science:1.0.0"),
    )
    elsewhere = cdk.Stack(app, "Elsewhere")

    # THEN CloudFormation would refuse to change an export that is in use
    with pytest.raises(
        ValueError,
        match=r"^cross_stack_scope 'Elsewhere' must be in stack 'Stack' of version 'Stack/Version', since a version "
        r"whose arn another stack imports could not be replaced: use the image's on_version_state_change, or leave it "
        r"out$",
    ):
        version.on_state_change("Rule", cross_stack_scope=elsewhere)
    assert elsewhere.node.children == []

    # BUT what is nested imports nothing
    nested = cdk.NestedStack(stack, "Nested")
    assert cdk.Stack.of(version.on_state_change("Rule", cross_stack_scope=nested)) is nested
