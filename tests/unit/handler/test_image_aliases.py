"""Custom::SageMakerImageAlias, event by event, with the calls that each may cost."""

import pytest
from botocore.exceptions import ClientError
from imgver_sandbox.sagemaker.service import ServiceError

ID = "data-science/latest"


@pytest.fixture
def versions(aws):
    """Three versions without aliases."""
    return [aws.create_version() for _ in range(3)]


def test_create_adds_the_alias(aws, function, event, versions):
    # WHEN
    answer = function.deliver(event("image_alias_create"))

    # THEN
    assert answer["Status"] == "SUCCESS"
    assert answer["PhysicalResourceId"] == ID
    assert answer["Data"] == {"Alias": "latest", "Version": "1"}
    assert aws.aliases(1) == ["latest"]
    assert function.calls == [
        ("DescribeImageVersion", {"ImageName": "data-science", "Alias": "latest"}),
        ("UpdateImageVersion", {"ImageName": "data-science", "Version": 1, "AliasesToAdd": ["latest"]}),
    ]


def test_create_changes_nothing_when_the_alias_is_there_and_remembers_that(aws, function, event, versions):
    # GIVEN an alias that the version, adopted perhaps, had before
    aws.sagemaker.update_image_version(ImageName="data-science", Version=1, AliasesToAdd=["latest"])
    aws.clock.advance(1)

    # WHEN
    answer = function.deliver(event("image_alias_create"))

    # THEN
    assert answer["PhysicalResourceId"] == "data-science/latest/1"
    assert function.names() == ["DescribeImageVersion"]


def test_delete_leaves_an_alias_that_was_there_before(aws, function, event, versions):
    # GIVEN
    aws.sagemaker.update_image_version(ImageName="data-science", Version=1, AliasesToAdd=["latest"])
    aws.clock.advance(1)
    physical_id = function.deliver(event("image_alias_create"))["PhysicalResourceId"]

    # WHEN
    answer = function.deliver(event("image_alias_delete", physical_id=physical_id))

    # THEN
    assert answer["Status"] == "SUCCESS"
    assert function.names() == []
    assert aws.aliases(1) == ["latest"]


def test_create_takes_the_alias_and_remembers_from_whom(aws, function, event, versions):
    # GIVEN
    aws.sagemaker.update_image_version(ImageName="data-science", Version=3, AliasesToAdd=["latest"])
    aws.clock.advance(1)

    # WHEN
    answer = function.deliver(event("image_alias_create"))

    # THEN
    assert answer["PhysicalResourceId"] == "data-science/latest/3"
    assert aws.aliases(1) == ["latest"]
    assert aws.aliases(3) == []


def test_update_moves_the_alias_under_the_same_id(aws, function, event, versions):
    # GIVEN
    function.deliver(event("image_alias_create"))

    # WHEN
    answer = function.deliver(event("image_alias_update"))

    # THEN
    assert answer["PhysicalResourceId"] == ID
    assert answer["Data"] == {"Alias": "latest", "Version": "2"}
    assert aws.aliases(1) == []
    assert aws.aliases(2) == ["latest"]
    # The service refuses a write right after another one to the same image: that is one write more.
    assert [name for name, _ in function.calls if name == "DescribeImageVersion"] == ["DescribeImageVersion"]
    assert function.calls[1][1] == {"ImageName": "data-science", "Version": 1, "AliasesToDelete": ["latest"]}
    assert function.calls[-1][1] == {"ImageName": "data-science", "Version": 2, "AliasesToAdd": ["latest"]}


def test_update_keeps_the_id_that_remembers_the_former_owner(function, event, versions):
    # WHEN
    answer = function.deliver(event("image_alias_update", physical_id="data-science/latest/3"))

    # THEN
    assert answer["PhysicalResourceId"] == "data-science/latest/3"


def test_update_of_the_alias_itself_is_a_replacement(aws, function, event, versions):
    # GIVEN
    function.deliver(event("image_alias_create"))

    # WHEN
    answer = function.deliver(event("image_alias_update", Alias="stable", Version="1"))

    # THEN the old alias stays until CloudFormation deletes the old id
    assert answer["PhysicalResourceId"] == "data-science/stable"
    assert aws.aliases(1) == ["latest", "stable"]


def test_update_of_the_image_is_a_replacement(aws, function, event, versions):
    # GIVEN
    aws.create_image("deep-learning")
    aws.create_version("deep-learning")
    function.deliver(event("image_alias_create"))

    # WHEN
    answer = function.deliver(event("image_alias_update", ImageName="deep-learning", Version="1"))

    # THEN
    assert answer["PhysicalResourceId"] == "deep-learning/latest"
    assert aws.aliases(1, "deep-learning") == ["latest"]
    assert aws.aliases(1) == ["latest"]


def test_delete_removes_the_alias(aws, function, event, versions):
    # GIVEN
    function.deliver(event("image_alias_create"))

    # WHEN
    answer = function.deliver(event("image_alias_delete"))

    # THEN
    assert answer["Status"] == "SUCCESS"
    assert aws.aliases(1) == []
    assert function.names()[:2] == ["DescribeImageVersion", "UpdateImageVersion"]


def test_delete_hands_the_alias_back(aws, function, event, versions):
    # GIVEN an alias that was taken from version 3
    aws.sagemaker.update_image_version(ImageName="data-science", Version=3, AliasesToAdd=["latest"])
    aws.clock.advance(1)
    physical_id = function.deliver(event("image_alias_create"))["PhysicalResourceId"]

    # WHEN
    answer = function.deliver(event("image_alias_delete", physical_id=physical_id))

    # THEN
    assert answer["Status"] == "SUCCESS"
    assert aws.aliases(3) == ["latest"]
    assert aws.aliases(1) == []


def test_delete_hands_nothing_back_to_a_version_that_is_gone(aws, function, event, versions):
    # GIVEN
    function.deliver(event("image_alias_create"))
    aws.clock.advance(1)
    aws.sagemaker.delete_image_version(ImageName="data-science", Version=3)
    aws.clock.advance(60)

    # WHEN
    answer = function.deliver(event("image_alias_delete", physical_id="data-science/latest/3"))

    # THEN
    assert answer["Status"] == "SUCCESS"
    with pytest.raises(ClientError, match="does not exist"):
        aws.sagemaker.describe_image_version(ImageName="data-science", Alias="latest")


@pytest.mark.parametrize(
    "physical_id",
    ["not-created:5b478341", "data-science", "data-science/stable", "other/latest", "data-science/latest/x", "a/b/c/d"],
)
def test_delete_of_another_id_makes_no_call(function, event, versions, physical_id):
    # WHEN
    answer = function.deliver(event("image_alias_delete", physical_id=physical_id))

    # THEN
    assert answer["Status"] == "SUCCESS"
    assert answer["PhysicalResourceId"] == physical_id
    assert function.names() == []


def test_a_missing_version_fails_and_the_alias_stays_where_it_was(aws, function, event, versions):
    # GIVEN
    aws.sagemaker.update_image_version(ImageName="data-science", Version=3, AliasesToAdd=["latest"])
    aws.clock.advance(1)

    # WHEN
    answer = function.deliver(event("image_alias_create", Version="9"))

    # THEN the id says that nothing is left to hand back
    assert answer["Status"] == "FAILED"
    assert answer["PhysicalResourceId"] == ID
    assert answer["Reason"].startswith(
        "UpdateImageVersion failed for arn:aws:sagemaker:eu-west-1:123456789012:image-version/data-science/9: "
        "ResourceNotFound: "
    )
    assert aws.aliases(3) == ["latest"]


def _refuse(aws, *refused, code="ResourceLimitExceeded"):
    """Let updates of aliases fail: of these versions, or with these fields."""

    def before_call(call):
        named = {call.parameters.get("Version"), *call.parameters}
        if call.operation == "UpdateImageVersion" and named & set(refused):
            raise ServiceError(code, "Too many aliases.")

    aws.service.before_call = before_call


def test_an_alias_that_cannot_be_added_fails_under_an_id_that_was_never_made(aws, function, event, versions):
    # GIVEN
    _refuse(aws, 1)

    # WHEN
    answer = function.deliver(event("image_alias_create"))

    # THEN
    assert answer["Status"] == "FAILED"
    assert answer["PhysicalResourceId"].startswith("not-created:")
    assert function.names() == ["DescribeImageVersion", "UpdateImageVersion"]


def test_an_alias_that_cannot_be_put_back_is_left_to_cloudformations_delete(aws, function, event, versions):
    # GIVEN
    aws.sagemaker.update_image_version(ImageName="data-science", Version=3, AliasesToAdd=["latest"])
    aws.clock.advance(1)
    _refuse(aws, "AliasesToAdd")

    # WHEN
    answer = function.deliver(event("image_alias_create"))

    # THEN the id tells the Delete whom to give it to
    assert answer["Status"] == "FAILED"
    assert answer["PhysicalResourceId"] == "data-science/latest/3"
    (line,) = [line for line in function.logs if line["message"] == "could not give the alias back"]
    assert (line["alias"], line["arn"].rpartition("/")[2]) == ("latest", "3")
    assert "Too many aliases" in line["reason"]

    # WHEN
    aws.service.before_call = None
    function.deliver(event("image_alias_delete", physical_id=answer["PhysicalResourceId"]))

    # THEN
    assert aws.aliases(3) == ["latest"]


@pytest.mark.parametrize("code", ["ResourceNotFound", "ResourceLimitExceeded"])
def test_the_version_that_had_the_alias_goes_meanwhile(aws, function, event, versions, code):
    # GIVEN
    aws.sagemaker.update_image_version(ImageName="data-science", Version=3, AliasesToAdd=["latest"])
    aws.clock.advance(1)
    _refuse(aws, "AliasesToDelete", code=code)

    # WHEN
    answer = function.deliver(event("image_alias_create"))

    # THEN a missing version has no alias any more; anything else is a failure
    if code == "ResourceNotFound":
        assert function.calls[-1][1]["AliasesToAdd"] == ["latest"]
    else:
        assert "Too many aliases." in answer["Reason"]
        assert function.names() == ["DescribeImageVersion", "UpdateImageVersion"]


def test_delete_of_an_alias_that_nobody_has(function, event, versions):
    # WHEN
    answer = function.deliver(event("image_alias_delete"))

    # THEN
    assert answer["Status"] == "SUCCESS"
    assert function.names() == ["DescribeImageVersion"]


def test_moving_an_alias_costs_a_describe_and_two_updates(make_aws, function_of, event):
    # GIVEN a service that takes one write right after another
    aws = make_aws(write_seconds=0)
    function = function_of(aws)
    for _ in range(2):
        aws.create_version()
    function.deliver(event("image_alias_create"))

    # WHEN
    function.deliver(event("image_alias_update"))

    # THEN
    assert function.names() == ["DescribeImageVersion", "UpdateImageVersion", "UpdateImageVersion"]
