"""The polls of the CDK CLI, which gets the status of a stack when the operation on the stack ends."""

import time

import boto3
import pytest
from botocore.config import Config


@pytest.fixture
def describe(sandbox):
    """Describe a stack as a client with this user agent, and return its status and the duration."""

    def call(stack_name, user_agent):
        client = boto3.client(
            "cloudformation",
            endpoint_url=sandbox.url,
            region_name=sandbox.region,
            **sandbox.credentials,
            config=Config(user_agent_extra=user_agent),
        )
        began = time.monotonic()
        (stack,) = client.describe_stacks(StackName=stack_name)["Stacks"]
        return stack["StackStatus"], time.monotonic() - began

    return call


@pytest.mark.parametrize("by", ["name", "arn"])
def test_only_the_cdk_cli_waits_for_the_end_of_the_operation(sandbox, stack, describe, by):
    # GIVEN a stack whose creation takes 1 s
    sandbox.faults.slow(1, operation="CreateImage")
    role = "arn:aws:iam::000000000000:role/images"
    image = {"Type": "AWS::SageMaker::Image", "Properties": {"ImageName": stack.name, "ImageRoleArn": role}}
    stack.start_create({"Image": image})
    name = stack.name if by == "name" else stack.describe()["StackId"]

    # WHEN both kinds of client poll
    other, other_seconds = describe(name, "aws-sdk-js/3")
    cdk, _ = describe(name, "aws-cdk/2.1148.1")

    assert (other, cdk) == ("CREATE_IN_PROGRESS", "CREATE_COMPLETE")
    assert other_seconds < 1
    assert describe(name, "aws-cdk/2.1148.1")[1] < 1
