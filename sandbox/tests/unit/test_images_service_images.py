"""Images: their life, what can be changed, and lists of them."""

import pytest
from imgver_sandbox.sagemaker.service import ServiceCall, ServiceError

NOT_THERE = "Image with ImageName nothing does not exist. Please provide a valid ImageName."
ARN = "arn:aws:sagemaker:eu-west-1:123456789012:image/data-science"


def test_an_image_is_created_over_time(make_aws):
    aws = make_aws(image_seconds=5)
    start = aws.clock.now()

    answer = aws.CreateImage(ImageName="data-science", RoleArn=aws.role, DisplayName="Data", Description="For all")

    assert answer == {"ImageArn": ARN}
    described = {
        "ImageArn": ARN,
        "ImageName": "data-science",
        "RoleArn": aws.role,
        "DisplayName": "Data",
        "Description": "For all",
        "CreationTime": start,
    }
    aws.clock.advance(4.9)
    assert aws.DescribeImage(ImageName="data-science") == described | {
        "ImageStatus": "CREATING",
        "LastModifiedTime": start,
    }
    aws.clock.advance(0.1)
    assert aws.DescribeImage(ImageName="data-science") == described | {
        "ImageStatus": "CREATED",
        "LastModifiedTime": start + 5,
    }


@pytest.mark.parametrize("wait", [False, True])
def test_a_name_is_taken_once(aws, wait, refused):
    aws.CreateImage(ImageName="twice", RoleArn=aws.role)
    if wait:
        aws.wait()

    with refused("ResourceInUse", "The Image with ImageName twice already exists. Please use a different ImageName."):
        aws.CreateImage(ImageName="twice", RoleArn=aws.role)


@pytest.mark.parametrize(
    "operation", ["DescribeImage", "UpdateImage", "DeleteImage", "ListImageVersions", "ListAliases"]
)
def test_an_image_that_is_not_there(aws, operation, refused):
    with refused("ResourceNotFound", NOT_THERE):
        getattr(aws, operation)(ImageName="nothing")


def test_an_update_changes_what_it_names(aws):
    other_role = f"{aws.role}-2"
    aws.UpdateImage(ImageName="data-science", DisplayName="Data", Description="For all")
    assert aws.DescribeImage(ImageName="data-science")["ImageStatus"] == "UPDATING"
    aws.wait()

    aws.UpdateImage(ImageName="data-science", RoleArn=other_role, DeleteProperties=["Description"])
    aws.wait()

    image = aws.DescribeImage(ImageName="data-science")
    assert (image["ImageStatus"], image["RoleArn"], image["DisplayName"]) == ("CREATED", other_role, "Data")
    assert "Description" not in image


def test_a_property_is_not_set_and_deleted_at_once(aws, refused):
    with refused("ValidationException", "DisplayName cannot be both set and deleted."):
        aws.UpdateImage(ImageName="data-science", DisplayName="Data", DeleteProperties=["DisplayName"])


@pytest.mark.parametrize("operation", ["UpdateImage", "DeleteImage"])
def test_an_image_that_is_changing_cannot_be_changed(aws, operation, refused):
    aws.UpdateImage(ImageName="data-science", DisplayName="Data")

    with refused("ResourceInUse", f"Image ({ARN}) is being updated"):
        getattr(aws, operation)(ImageName="data-science")


def test_deleting_an_image_deletes_its_versions(aws, refused):
    aws.version(Aliases=["latest"])

    assert aws.DeleteImage(ImageName="data-science") == {}

    assert aws.DescribeImage(ImageName="data-science")["ImageStatus"] == "DELETING"
    assert aws.status(1) == "DELETING"
    aws.wait()
    with refused(
        "ResourceNotFound",
        "ImageVersion with ImageName data-science and Version 1 does not exist. "
        "Please provide a valid ImageName and Version.",
    ):
        aws.describe(1)
    assert aws.ListImages() == {"Images": []}
    # THEN the name is free, and nothing of the old image is left
    aws.image()
    assert aws.aliases() == []
    assert aws.version(Aliases=["latest"]) == 1


def test_an_image_is_not_deleted_while_a_version_is(aws, refused):
    aws.version()
    aws.DeleteImageVersion(ImageName="data-science", Version=1)

    with refused("ResourceInUse", f"ImageVersion ({ARN.replace('image/', 'image-version/')}/1) is being deleted"):
        aws.DeleteImage(ImageName="data-science")


@pytest.mark.parametrize(
    ("operation", "status"),
    [("CreateImage", "CREATE_FAILED"), ("UpdateImage", "UPDATE_FAILED"), ("DeleteImage", "DELETE_FAILED")],
)
def test_a_change_of_an_image_can_fail(make_aws, operation, status):
    aws = make_aws()
    aws.service.faults.fail("the role cannot be assumed", operation=operation)
    aws.image()
    if operation != "CreateImage":
        aws.version()
        getattr(aws, operation)(ImageName="data-science")
    aws.wait()

    image = aws.DescribeImage(ImageName="data-science")

    assert (image["ImageStatus"], image["FailureReason"]) == (status, "the role cannot be assumed")
    # THEN it can be tried again, and the versions are what they were
    if operation != "CreateImage":
        assert aws.status(1) == "CREATED"
    aws.DeleteImage(ImageName="data-science")
    aws.wait()
    assert aws.ListImages() == {"Images": []}


def test_only_what_can_fail_can_be_made_to(aws):
    with pytest.raises(
        ValueError,
        match=r"^operation 'DescribeImage' of fault 'fail' must be one of CreateImage, UpdateImage, DeleteImage, "
        r"CreateImageVersion, DeleteImageVersion$",
    ):
        aws.service.faults.fail("why", operation="DescribeImage")


def test_an_image_that_was_never_created_cannot_be_updated(make_aws, refused):
    aws = make_aws()
    aws.service.faults.fail("why", operation="CreateImage")
    aws.image()

    with refused("ValidationException", "Image data-science is in an invalid state."):
        aws.UpdateImage(ImageName="data-science", DisplayName="Data")


def test_accounts_and_regions_are_apart(aws, refused):
    def call(operation, account, region):
        parameters = {"ImageName": "data-science", "RoleArn": aws.role}
        return aws.service.call(operation, parameters, account=account, region=region)

    for account, region in [("210987654321", "eu-west-1"), ("123456789012", "us-east-1")]:
        with refused("ResourceNotFound", NOT_THERE.replace("nothing", "data-science")):
            call("DescribeImage", account, region)
        assert call("CreateImage", account, region) == {
            "ImageArn": f"arn:aws:sagemaker:{region}:{account}:image/data-science"
        }


@pytest.mark.parametrize(
    ("region", "partition"), [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov"), ("us-east-1", "aws")]
)
def test_the_partition_follows_from_the_region(make_aws, region, partition):
    aws = make_aws()
    parameters = {"ImageName": "i", "RoleArn": aws.role}

    answer = aws.service.call("CreateImage", parameters, account="123456789012", region=region)

    assert answer["ImageArn"] == f"arn:{partition}:sagemaker:{region}:123456789012:image/i"


def test_an_operation_it_does_not_have(aws, refused):
    with refused("UnknownOperationException", "Unknown operation CreateApp"):
        aws.CreateApp()


def test_calls_can_be_watched_and_answered_with_an_error(aws, refused):
    # GIVEN someone who watches
    calls = []
    aws.service.before_call = calls.append
    aws.DescribeImage(ImageName="data-science")
    assert calls == [ServiceCall("DescribeImage", {"ImageName": "data-science"}, "123456789012", "eu-west-1")]

    # WHEN he refuses a call
    def throttle(call):
        raise ServiceError("ThrottlingException", f"Rate exceeded for {call.operation}", status=429)

    aws.service.before_call = throttle

    # THEN that is the answer
    with refused("ThrottlingException", "Rate exceeded for ListImages"):
        aws.ListImages()


def test_reset_forgets_everything(aws):
    aws.start(ClientToken="t")
    aws.service.faults.fail("never seen")

    aws.service.reset()

    assert aws.ListImages() == {"Images": []}
    aws.image()
    assert aws.start(ClientToken="t", ReleaseNotes="other").endswith("/1")
    aws.wait()
    assert aws.status(1) == "CREATED"
