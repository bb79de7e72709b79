"""CloudFormation's contract tests for resource types, by their names, as far as a custom resource can be asked.

https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/contract-tests.html

A custom resource has no read and no list: where the contract reads or lists, the account is looked at instead.
"""


def test_contract_create_create(aws, function, event, arn):
    """We differ: no AlreadyExists. The same request is answered with the same version."""
    once = event("image_version_create")

    assert {function.deliver(once)["PhysicalResourceId"] for _ in range(2)} == {arn}
    assert aws.versions() == {1: "CREATED"}


def test_contract_create_delete(aws, create, delete):
    create()

    assert delete()["Status"] == "SUCCESS"
    assert aws.versions() == {}


def test_contract_create_read(aws, create, base_image):
    data = create()["Data"]

    seen = aws.describe(1)
    assert (seen["ImageVersionArn"], seen["BaseImage"]) == (data["ImageVersionArn"], base_image)


def test_contract_create_list(aws, create):
    create()

    assert aws.versions() == {1: "CREATED"}


def test_contract_update_read(aws, create, update):
    create()
    answer = update(ReleaseNotes="updated")

    assert answer["Data"]["ImageVersionArn"] == aws.describe(1)["ImageVersionArn"]
    assert aws.describe(1)["ReleaseNotes"] == "updated"


def test_contract_update_list(aws, create, update):
    create()
    update(ReleaseNotes="updated")

    assert aws.versions() == {1: "CREATED"}


def test_contract_update_without_create(aws, update):
    """We differ: no NotFound. What is declared is made."""
    answer = update()

    assert answer["Status"] == "SUCCESS"
    assert aws.versions() == {1: "CREATED"}


def test_contract_delete_read(aws, create, delete):
    create()
    delete()

    try:
        aws.describe(1)
    except aws.sagemaker.exceptions.ResourceNotFound:
        return
    raise AssertionError("the version is still there")


def test_contract_delete_list(aws, create, delete):
    create()
    delete()

    assert aws.versions() == {}


def test_contract_delete_delete(create, delete):
    """We differ: no NotFound. A Delete of nothing succeeds, or the stack could never go."""
    create()

    assert [delete()["Status"], delete()["Status"]] == ["SUCCESS", "SUCCESS"]


def test_contract_check_asserts_work(create, answering):
    """The contract's own check that a failing handler is seen to fail."""
    assert create(ImageName="missing")["Status"] == "FAILED"
