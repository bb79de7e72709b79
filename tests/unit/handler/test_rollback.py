"""The events that CloudFormation sends when a deployment fails and rolls back."""

import pytest
from harness import ID, REPOSITORY, UNCHANGED, Aws, Function
from imgver_sandbox.sagemaker.assumptions import Assumptions


@pytest.mark.parametrize("rollback", ["delete only", "update first"])
@pytest.mark.parametrize("number", ["reused", "retired"])
def test_r12_rollback_after_a_replacement_gives_the_alias_back(event, rollback, number):
    # GIVEN version 1 with the alias was replaced by version 2, to which the alias moved
    aws = Aws(assumptions=Assumptions(highest_number_after_delete=number))
    function = Function(aws)
    update = event("image_version_update")
    function.deliver(event("image_version_create"))
    function.deliver(event("image_alias_create"))
    aws.clock.advance(60)
    aws.cloudformation.began_at = aws.clock.now()
    second = function.deliver(update)["PhysicalResourceId"]
    function.deliver(event("image_alias_update"))

    # WHEN CloudFormation gives the alias back and then deletes the new physical id
    aws.cloudformation.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    current = "1"
    if rollback == "update first":
        swapped = event("image_version_update", physical_id=second, **UNCHANGED, old=update["ResourceProperties"])
        current = function.deliver(swapped)["Data"]["Version"]
    function.deliver(event("image_alias_update", Version=current, old={"Version": "2"}))
    aws.cloudformation.status = "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"
    function.deliver(event("image_version_delete", physical_id=second))

    assert aws.describe(int(current))["BaseImage"] == UNCHANGED["BaseImage"]
    assert aws.aliases(int(current)) == ["latest"]
    assert 2 not in aws.versions()


def test_r46_a_failed_update_is_followed_by_an_update_with_swapped_properties(aws, function, event, create):
    create()
    update = event("image_version_update", BaseImage=f"{REPOSITORY}:missing")
    assert function.deliver(update)["Status"] == "FAILED"

    response = function.deliver(event("image_version_update", **UNCHANGED, old=update["ResourceProperties"]))

    assert response["Status"] == "SUCCESS"
    assert response["PhysicalResourceId"] == ID
    assert function.names() == ["DescribeImageVersion"]
    assert aws.versions() == {1: "CREATED"}
