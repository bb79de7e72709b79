"""CloudFormation's contract tests for resource types, by their names.

https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/contract-tests.html

A custom resource can neither be read nor listed, so that these tests read the account instead.
"""

import pytest
from botocore.exceptions import ClientError
from harness import ID, REPOSITORY


def test_contract_create_create(aws, function, event):
    """We differ: instead of AlreadyExists, the same request returns the same version."""
    once = event("image_version_create")

    assert {function.deliver(once)["PhysicalResourceId"] for _ in range(2)} == {ID}
    assert aws.versions() == {1: "CREATED"}


def test_contract_create_read_and_create_list(aws, create):
    data = create()["Data"]

    assert aws.versions() == {1: "CREATED"}
    assert aws.describe(1)["ImageVersionArn"] == data["ImageVersionArn"]
    assert aws.describe(1)["BaseImage"] == f"{REPOSITORY}:1.0.0"


def test_contract_update_read_and_update_list(aws, create, update):
    create()
    data = update(ReleaseNotes="updated")["Data"]

    assert aws.versions() == {1: "CREATED"}
    assert aws.describe(1)["ImageVersionArn"] == data["ImageVersionArn"]
    assert aws.describe(1)["ReleaseNotes"] == "updated"


def test_contract_update_without_create(aws, update):
    """We differ: instead of NotFound, the declared version is created."""
    assert update()["Status"] == "SUCCESS"
    assert aws.versions() == {1: "CREATED"}


def test_contract_create_delete_and_delete_read_and_delete_list_and_delete_delete(aws, create, delete):
    """We differ: instead of NotFound, a second Delete succeeds, since the stack could not be deleted otherwise."""
    create()

    assert delete()["Status"] == "SUCCESS"
    assert aws.versions() == {}
    with pytest.raises(ClientError, match="does not exist"):
        aws.describe(1)
    assert delete()["Status"] == "SUCCESS"


def test_contract_check_asserts_work(create):
    """A handler that fails is seen to fail."""
    assert create(ImageName="missing")["Status"] == "FAILED"
