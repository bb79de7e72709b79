"""Rules for the events that SageMaker sends when the status of an image or a version changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sqs as sqs

from imgver_constructs import Image, ImageVersion

RULE = "AWS::Events::Rule"
OF_IMAGE, OF_VERSION = "SageMaker Image State Change", "SageMaker Image Version State Change"
IMAGE_ARN = "arn:aws:sagemaker:eu-west-1:123456789012:image/data-science"
VERSION_ARN = "arn:aws:sagemaker:eu-west-1:123456789012:image-version/data-science/7"

Declare = Callable[..., ImageVersion]
Only = Callable[[str], dict[str, Any]]
AddRule = Callable[..., events.Rule]


@pytest.fixture
def methods(stack: cdk.Stack, declare: Declare) -> dict[str, AddRule]:
    """Every method that adds a rule."""
    declared, imported = Image(stack, "Image"), Image.from_image_arn(stack, "Imported", IMAGE_ARN)
    return {
        "declared image": declared.on_state_change,
        "imported image": imported.on_state_change,
        "versions of an imported image": imported.on_version_state_change,
        "declared version": declare().on_state_change,
        "imported version": ImageVersion.from_image_version_arn(stack, "ImportedVersion", VERSION_ARN).on_state_change,
    }


@pytest.mark.parametrize(
    ("method", "detail_type", "field", "arn"),
    [
        ("declared image", OF_IMAGE, "ImageArn", {"Fn::GetAtt": ["Image9D742C96", "ImageArn"]}),
        ("imported image", OF_IMAGE, "ImageArn", IMAGE_ARN),
        ("versions of an imported image", OF_VERSION, "ImageArn", IMAGE_ARN),
        ("declared version", OF_VERSION, "ImageVersionArn", {"Fn::GetAtt": ["Version6A868472", "ImageVersionArn"]}),
        ("imported version", OF_VERSION, "ImageVersionArn", VERSION_ARN),
    ],
)
def test_pattern(
    only: Only, methods: dict[str, AddRule], method: str, detail_type: str, field: str, arn: object
) -> None:
    methods[method]("Rule")

    assert only(RULE)["Properties"] == {
        "EventPattern": {
            "source": ["aws.sagemaker"],
            "detail-type": [detail_type],
            "detail": {field: [{"equals-ignore-case": arn}]},
        },
        "State": "ENABLED",
    }


METHODS = pytest.mark.parametrize("method", ["imported image", "versions of an imported image", "imported version"])


@METHODS
def test_options(stack: cdk.Stack, only: Only, methods: dict[str, AddRule], method: str) -> None:
    queue = sqs.Queue.from_queue_arn(stack, "Queue", "arn:aws:sqs:eu-west-1:123456789012:changes")

    methods[method](
        "Rule",
        target=targets.SqsQueue(queue),
        description="Tell the team",
        event_pattern=events.EventPattern(account=["123456789012"], detail={"Version": [1]}),
        rule_name="changes",
    )

    rule = only(RULE)["Properties"]
    assert (rule["Name"], rule["Description"]) == ("changes", "Tell the team")
    assert rule["Targets"] == [{"Arn": queue.queue_arn, "Id": "Target0"}]
    assert rule["EventPattern"]["account"] == ["123456789012"]
    assert rule["EventPattern"]["source"] == ["aws.sagemaker"]
    assert len(rule["EventPattern"]["detail"]) == 2
    assert rule["EventPattern"]["detail"]["Version"] == [1]


@METHODS
def test_rule_in_another_stack(app: cdk.App, methods: dict[str, AddRule], method: str) -> None:
    elsewhere = cdk.Stack(app, "Elsewhere")

    assert cdk.Stack.of(methods[method]("Rule", cross_stack_scope=elsewhere)) is elsewhere


def test_rule_of_a_declared_version_stays_in_its_stack(app: cdk.App, stack: cdk.Stack, declare: Declare) -> None:
    version = declare()
    elsewhere, nested = cdk.Stack(app, "Elsewhere"), cdk.NestedStack(stack, "Nested")

    # CloudFormation would refuse to change an export that is in use.
    with pytest.raises(ValueError, match="cross_stack_scope") as refusal:
        version.on_state_change("Rule", cross_stack_scope=elsewhere)
    assert str(refusal.value) == (
        "Stack/Version: cross_stack_scope 'Elsewhere' must be in stack 'Stack' of version 'Stack/Version', since a "
        "version whose ARN another stack imports could not be replaced: use the image's on_version_state_change, or "
        "leave it out"
    )
    assert elsewhere.node.children == []

    # A nested stack gets the ARN as a parameter.
    assert cdk.Stack.of(version.on_state_change("Rule", cross_stack_scope=nested)) is nested
