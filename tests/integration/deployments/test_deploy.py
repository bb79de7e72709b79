"""The life of an image version, deployed to the sandbox, where the real function handles the real events."""

import re
import sys
import time

import pytest
from botocore.exceptions import ClientError

STACK = "EndToEnd"
IMAGE = "notebooks"
ARN = f"arn:aws:sagemaker:eu-west-1:000000000000:image-version/{IMAGE}"
RESOURCES = 4
"""The version, two aliases and the retention, which the function creates."""
OCI = "application/vnd.oci.image.manifest.v1+json"

# A version's number and the name of a log stream are unknown when permissions are granted.
WILDCARDS = [(r"(:image-version/[^/]+/)[^/]+", r"\1*"), (r"(:log-group:[^:]+:).*", r"\1*")]


@pytest.fixture(scope="module")
def granted():
    """The permissions of the function in the test of the whole life, by the name of its role."""
    return {}


def test_an_image_version_through_its_whole_life(account, granted):
    # WHEN the CDK CLI deploys it
    code, output = account.cdk_deploy(STACK, tag="1.0.0", notes="First")

    # THEN the version and its aliases exist
    assert code == 0, output
    assert f"{STACK}.ImageVersionArn = {ARN}/1" in output
    assert account.versions(IMAGE) == {1: ("CREATED", ["latest", "stable"])}
    first = account.describe(IMAGE, 1)
    assert first["ReleaseNotes"] == "First"
    # One poll sees the version CREATED, and each alias is read once; two more polls are allowed. The log of a function
    # appears when it ends, some seconds after its response.
    end = time.monotonic() + 30
    while [line["message"] for line in account.log(STACK)].count("done") < RESOURCES:
        assert time.monotonic() < end, account.log(STACK)
        time.sleep(0.2)
    operations = [line["operation"] for line in account.log(STACK) if "operation" in line]
    assert 1 + 2 <= operations.count("DescribeImageVersion") <= 1 + 2 + 2
    granted[account.role(STACK)] = account.granted(STACK)

    # WHEN its metadata changes, and its policies differ, so that the function has to ask whether it was replaced
    assert account.deploy(STACK, tag="1.0.0", notes="Second", deletion="ARCHIVE") == "UPDATE_COMPLETE"
    granted[account.role(STACK)] |= account.granted(STACK)

    # THEN it is the same version
    assert account.versions(IMAGE) == {1: ("CREATED", ["latest", "stable"])}
    assert account.describe(IMAGE, 1)["ReleaseNotes"] == "Second"
    assert account.describe(IMAGE, 1)["CreationTime"] == first["CreationTime"]

    # WHEN its base image changes, after others have registered versions
    account.register(IMAGE, "1.2.0")
    account.register(IMAGE, "1.2.0")
    assert account.deploy(STACK, tag="1.1.0", notes="Second", build="1") == "UPDATE_COMPLETE"

    # THEN a new version has the aliases, the old one is deleted, and the retention keeps the one before the new one
    assert account.versions(IMAGE) == {3: ("CREATED", []), 4: ("CREATED", ["latest", "stable"])}
    second = account.describe(IMAGE, 4)
    assert second["BaseImage"].endswith("/data-science:1.1.0")
    assert second["ContainerImage"] != first["ContainerImage"]

    # WHEN the tag that it follows is pushed again
    account.push("1.1.0", build="b")
    assert account.deploy(STACK, tag="1.1.0", notes="Second", build="2") == "UPDATE_COMPLETE"

    # THEN a new version has the new container image
    assert account.versions(IMAGE) == {3: ("CREATED", []), 5: ("CREATED", ["latest", "stable"])}
    assert account.describe(IMAGE, 5)["BaseImage"] == second["BaseImage"]
    assert account.describe(IMAGE, 5)["ContainerImage"] != second["ContainerImage"]

    # WHEN a deployment fails after the aliases have moved, because SageMaker refuses the manifest of another version
    code, output = account.cdk_deploy(STACK, tag="1.2.0", notes="Third", build="3", late="oci")

    # THEN the CLI prints the reason and the remedy, and everything is as before
    assert code != 0
    assert f"{ARN}/7 could not be created: " in output
    assert f"has the unsupported media type {OCI}" in output
    assert "docker buildx build --provenance=false" in output
    assert account.deployment.status(STACK) == "UPDATE_ROLLBACK_COMPLETE"
    assert account.versions(IMAGE) == {3: ("CREATED", []), 5: ("CREATED", ["latest", "stable"])}
    assert account.describe(IMAGE, 5)["ReleaseNotes"] == "Second"

    # WHEN the stack is destroyed, THEN nothing is left
    assert account.deployment.destroy(STACK) == "DELETE_COMPLETE"
    assert_that_image_is_gone(account)
    names = [function["FunctionName"] for function in account.lambda_.list_functions()["Functions"]]
    assert [name for name in names if name.startswith(f"{STACK}-")] == []


def test_a_first_deployment_that_fails_leaves_nothing(account):
    assert account.deploy(STACK, tag="missing", notes="First") == "ROLLBACK_COMPLETE"

    # THEN CloudFormation has deleted the failed version, whose physical id was in the FAILED response
    (reason,) = [reason for reason in account.reasons(STACK, "CREATE_FAILED") if "in Amazon ECR" in reason]
    assert "push it, or correct base_image" in reason
    assert_that_image_is_gone(account)
    deleted = [
        event["PhysicalResourceId"]
        for event in account.events(STACK)
        if (event["ResourceType"], event["ResourceStatus"]) == ("Custom::SageMakerImageVersion", "DELETE_COMPLETE")
    ]
    assert [physical_id.partition("#")[0] for physical_id in deleted] == [f"{ARN}/1"]


def assert_that_image_is_gone(account):
    with pytest.raises(ClientError, match="does not exist"):
        account.versions(IMAGE)


def test_the_function_uses_exactly_the_permissions_that_it_is_granted(account, granted):
    # GIVEN the calls of the function in the test of the whole life; no role of the stack was refused anything
    ((role, granted),) = granted.items()
    used = {(call.action, call.resource) for call in account.calls(role)}
    assert [call for call in account.calls(f"{STACK}-") if call.decision != "allowed"] == []
    for pattern, wildcard in WILDCARDS:
        used = {(action, re.sub(pattern, wildcard, resource)) for action, resource in used}

    # THEN; `make permissions` shows the table
    rows = [
        f"{'yes' if pair in used else 'NO':5} {'yes' if pair in granted else 'NO':8} {' on '.join(pair)}"
        for pair in sorted(used | granted)
    ]
    sys.stdout.write("\n".join(["", f"{'used':5} {'granted':8} action on resource", *rows, ""]))
    assert used == granted
