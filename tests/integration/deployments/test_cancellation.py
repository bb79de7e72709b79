"""Deployments that fail while a version is being created, or after a new retention, with the real CDK CLI."""

import json
import re
import time
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from imgver_handler.cloudformation.operation import CLOCK_TOLERANCE

APP = Path(__file__).with_name("cancellation_app.py")
STACK, IMAGE = "Cancellation", "cancelled"
SLOW = 8
"""Seconds that the creation of a version takes."""
VERSION = "Custom::SageMakerImageVersion"


@pytest.fixture
def stack(account):
    """The account with an image that does not belong to the stack."""
    iam = account.sandbox.client("iam")
    role = iam.create_role(RoleName=IMAGE, AssumeRolePolicyDocument=policy("sts:AssumeRole"))["Role"]["Arn"]
    pull = policy("ecr:GetAuthorizationToken", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
    iam.put_role_policy(RoleName=IMAGE, PolicyName="Pull", PolicyDocument=pull)
    account.sagemaker.create_image(ImageName=IMAGE, RoleArn=role)
    eventually(lambda: account.sagemaker.describe_image(ImageName=IMAGE)["ImageStatus"], "CREATED")
    yield account
    account.sandbox.faults.reset()
    account.hurry()
    account.deployment.destroy(STACK)
    account.sagemaker.delete_image(ImageName=IMAGE)
    eventually(lambda: [image["ImageName"] for image in account.sagemaker.list_images()["Images"]].count(IMAGE), 0)
    iam.delete_role_policy(RoleName=IMAGE, PolicyName="Pull")
    iam.delete_role(RoleName=IMAGE)


@pytest.fixture
def slow(stack):
    """Let the creation of a version take so long that the other resource fails before."""

    def let_creations_take_long():
        stack.sandbox.faults.reset()
        stack.sandbox.faults.slow(SLOW)

    return let_creations_take_long


def policy(*actions):
    return json.dumps({"Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]})


def eventually(read, expected):
    end = time.monotonic() + 30
    while True:
        try:
            found = read()
        except ClientError as error:
            # A version was deleted between two reads.
            found = error
        if found == expected:
            return
        assert time.monotonic() < end, found
        time.sleep(0.2)


def actions(account):
    """The actions that the roles of the stack have used."""
    return {call.action for call in account.calls(f"{STACK}-")}


def test_r50_a_cancelled_create_leaves_no_version(stack, slow):
    # GIVEN a version whose creation takes long
    slow()

    # WHEN another resource of the first deployment fails while the version is being created
    code, output = stack.cdk_deploy(STACK, APP, tags="1.0.0", fails="during-creation")

    # THEN CloudFormation cancels the creation, and sends a Delete with a physical id that it invented
    assert code != 0, output
    assert stack.deployment.status(STACK) == "ROLLBACK_COMPLETE"
    assert "Resource creation cancelled" in stack.reasons(STACK, "CREATE_FAILED")
    assert re.fullmatch(rf"{STACK}-Version1[A-F0-9]{{8}}-[A-Z0-9]{{12}}", stack.physical_id(STACK, VERSION))
    # AND the version that the Create had begun to create is deleted
    assert "sagemaker:CreateImageVersion" in actions(stack)
    assert stack.versions(IMAGE) == {}


def test_r51_a_cancelled_replacement_leaves_the_old_version(stack, slow):
    # GIVEN a stack with a version that has an alias, and that is older than the update by any clock
    assert stack.deploy(STACK, APP, tags="1.0.0") == "CREATE_COMPLETE"
    time.sleep(CLOCK_TOLERANCE + 1)
    slow()

    # WHEN a resource that an update adds fails while the version is being replaced
    code, output = stack.cdk_deploy(STACK, APP, tags="1.1.0", fails="during-creation")

    # THEN the rollback keeps the old version with its alias
    assert code != 0, output
    assert stack.deployment.status(STACK) == "UPDATE_ROLLBACK_COMPLETE"
    assert "Resource update cancelled" in stack.reasons(STACK, "UPDATE_FAILED")
    assert stack.describe(IMAGE, 1)["ImageVersionStatus"] == "CREATED"
    # AND the cancelled Update deletes the new version when it ends
    eventually(lambda: stack.versions(IMAGE), {1: ("CREATED", ["alias-1"])})
    assert "sagemaker:DeleteImageVersion" in actions(stack)


def test_r55_a_deployment_that_adds_a_retention_and_fails_keeps_the_old_versions(stack):
    # GIVEN a stack with two versions of one image
    assert stack.deploy(STACK, APP, tags="1.0.0 1.1.0") == "CREATE_COMPLETE"
    before = stack.versions(IMAGE)

    # WHEN a deployment adds a retention that keeps one version, replaces both versions, and then fails
    code, output = stack.cdk_deploy(STACK, APP, tags="1.1.0 1.2.0", fails="after-retention")

    # THEN both old versions still exist with their aliases
    assert code != 0, output
    assert stack.deployment.status(STACK) == "UPDATE_ROLLBACK_COMPLETE"
    assert stack.versions(IMAGE) == before
    assert sorted(before.values()) == [("CREATED", ["alias-1"]), ("CREATED", ["alias-2"])]
