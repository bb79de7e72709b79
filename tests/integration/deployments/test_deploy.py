"""The whole way: the real CDK CLI deploys to the sandbox, where the real function handles real events."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

PERMISSIONS = Path(__file__).parents[3] / "build" / "permissions.json"
ARN = "arn:aws:sagemaker:eu-west-1:000000000000:image-version/notebooks"
OCI = "application/vnd.oci.image.manifest.v1+json"


@pytest.fixture(scope="module")
def granted():
    """What the function's role was granted in each of the deployments, by the role's name."""
    return {}


def test_an_image_version_through_its_whole_life(account, granted):
    # WHEN it is deployed
    code, output = account.deploy(tag="1.0.0", notes="First")

    # THEN
    assert code == 0, output
    assert f"EndToEnd.ImageVersionArn = {ARN}/1" in output
    assert account.versions() == {1: ("CREATED", ["latest", "stable"])}
    first = account.describe(1)
    assert first["ReleaseNotes"] == "First"
    assert len(account.lambda_.list_functions()["Functions"]) == 1
    # One read sees the version CREATED, and each alias is looked up once; two more reads are what polling may cost.
    operations = [line["operation"] for line in account.log() if "operation" in line]
    assert 1 + 2 <= operations.count("DescribeImageVersion") <= 1 + 2 + 2
    granted[account.role()] = account.granted()

    # WHEN its metadata changes
    code, output = account.deploy(tag="1.0.0", notes="Second")

    # THEN it is the same version
    assert code == 0, output
    assert account.versions() == {1: ("CREATED", ["latest", "stable"])}
    assert account.describe(1)["ReleaseNotes"] == "Second"
    assert account.describe(1)["CreationTime"] == first["CreationTime"]

    # WHEN its base image changes, after others have registered versions, too
    account.register("1.2.0")
    account.register("1.2.0")
    code, output = account.deploy(tag="1.1.0", notes="Second", build=1)

    # THEN there is a new version with the aliases, the old one is gone, and the retention has left the one before it
    assert code == 0, output
    assert account.versions() == {3: ("CREATED", []), 4: ("CREATED", ["latest", "stable"])}
    second = account.describe(4)
    assert second["BaseImage"].endswith("/data-science:1.1.0")
    assert second["ContainerImage"] != first["ContainerImage"]

    # WHEN the tag that it follows is pushed again
    account.push("1.1.0", build="b")
    code, output = account.deploy(tag="1.1.0", notes="Second", build=2)

    # THEN there is a new version of the new container image
    assert code == 0, output
    assert account.versions() == {3: ("CREATED", []), 5: ("CREATED", ["latest", "stable"])}
    assert account.describe(5)["BaseImage"] == second["BaseImage"]
    assert account.describe(5)["ContainerImage"] != second["ContainerImage"]

    # WHEN a deployment fails after the aliases have moved, because SageMaker does not take another version's manifest
    code, output = account.deploy(tag="1.2.0", notes="Third", build=3, late="oci")

    # THEN the CLI says why and, as ECR knows it, what to do, and all is as before
    assert code != 0
    assert f"{ARN}/7 could not be created: " in output
    assert f"has the unsupported media type {OCI}" in output
    assert f"data-science:oci is of type {OCI}, but SageMaker needs " in output
    assert "docker buildx build --provenance=false" in output
    assert account.status() == "UPDATE_ROLLBACK_COMPLETE"
    assert account.versions() == {3: ("CREATED", []), 5: ("CREATED", ["latest", "stable"])}
    assert account.describe(5)["ReleaseNotes"] == "Second"

    # WHEN the stack is destroyed
    code, output = account.cdk("destroy", "EndToEnd", "--force", "--app", "cdk.out")

    # THEN nothing is left
    assert code == 0, output
    with pytest.raises(ClientError, match="does not exist"):
        account.versions()
    assert account.lambda_.list_functions()["Functions"] == []


def test_a_first_deployment_that_fails_leaves_nothing(account):
    # WHEN
    code, output = account.deploy(tag="missing", notes="First")

    # THEN CloudFormation's Delete with the id of the FAILED answer has removed the failed version
    assert code != 0
    assert "does not exist in Amazon ECR" in output
    assert "push it, or correct base_image" in output
    assert account.status() == "ROLLBACK_COMPLETE"
    with pytest.raises(ClientError, match="does not exist"):
        account.versions()
    deleted = account.events("Custom::SageMakerImageVersion", "DELETE_COMPLETE")
    assert [event["PhysicalResourceId"] for event in deleted] == [f"{ARN}/1"]


def test_what_the_function_used_above_is_what_it_was_granted(account, granted):
    # GIVEN what IAM was asked about for the function's role, and everything that it refused to anybody
    used = [call for role in granted for call in account.calls(role)]
    refused = [call for call in account.sandbox.calls() if call.decision != "allowed"]
    pairs = {
        "used": sorted({(call.action, call.resource) for call in [*used, *refused]}),
        "granted": sorted(pair for pairs in granted.values() for pair in pairs),
    }

    # WHEN the script compares it with what was granted
    PERMISSIONS.parent.mkdir(exist_ok=True)
    PERMISSIONS.write_text(json.dumps(pairs))
    script = [sys.executable, Path(__file__).with_name("permissions_used.py"), PERMISSIONS]
    compared = subprocess.run(script, capture_output=True, text=True, check=False)

    # THEN they are the same
    assert compared.returncode == 0, compared.stdout + compared.stderr
