"""Images: their statuses, their properties, and the service as a whole."""

import pytest
from imgver_sandbox.sagemaker.service import ServiceCall, ServiceError

ARN = "arn:aws:sagemaker:eu-west-1:123456789012:image/data-science"


def test_creating_an_image_takes_time(make_aws):
    aws = make_aws(image_seconds=5)
    start = aws.clock.now()

    response = aws.CreateImage(RoleArn=aws.role, DisplayName="Data", Description="For all")

    assert response == {"ImageArn": ARN}
    creating = {
        "ImageArn": ARN,
        "ImageName": "data-science",
        "ImageStatus": "CREATING",
        "RoleArn": aws.role,
        "DisplayName": "Data",
        "Description": "For all",
        "CreationTime": start,
        "LastModifiedTime": start,
    }
    aws.clock.advance(4.9)
    assert aws.DescribeImage() == creating
    aws.clock.advance(0.1)
    created = creating | {"ImageStatus": "CREATED", "LastModifiedTime": start + 5}
    assert aws.DescribeImage() == created


@pytest.mark.parametrize("seconds", [0, 60])
def test_two_images_cannot_have_the_same_name(aws, seconds, refused):
    aws.CreateImage(ImageName="twice")
    aws.clock.advance(seconds)

    with refused("ResourceInUse", "The Image with ImageName twice already exists. Please use a different ImageName."):
        aws.CreateImage(ImageName="twice")


@pytest.mark.parametrize(
    "operation", ["DescribeImage", "UpdateImage", "DeleteImage", "ListImageVersions", "ListAliases"]
)
def test_an_image_that_does_not_exist(aws, operation, not_found):
    with not_found("Image", ImageName="nothing"):
        getattr(aws, operation)(ImageName="nothing")


def test_an_update_changes_only_the_given_properties(aws):
    other_role = f"{aws.role}-2"
    aws.UpdateImage(DisplayName="Data", Description="For all")
    assert aws.DescribeImage()["ImageStatus"] == "UPDATING"
    aws.wait()

    aws.UpdateImage(RoleArn=other_role, DeleteProperties=["Description"])
    aws.wait()

    image = aws.DescribeImage()
    assert (image["ImageStatus"], image["RoleArn"], image["DisplayName"]) == ("CREATED", other_role, "Data")
    assert "Description" not in image


def test_one_call_cannot_set_and_delete_a_property(aws, refused):
    with refused("ValidationException", "DisplayName cannot be both set and deleted."):
        aws.UpdateImage(DisplayName="Data", DeleteProperties=["DisplayName"])


@pytest.mark.parametrize("operation", ["UpdateImage", "DeleteImage"])
def test_an_image_that_is_changing_cannot_be_changed(aws, operation, refused):
    aws.UpdateImage(DisplayName="Data")

    with refused("ResourceInUse", f"Image ({ARN}) is being updated"):
        getattr(aws, operation)()


def test_deleting_an_image_deletes_its_versions(aws, not_found):
    aws.version(Aliases=["latest"])

    assert aws.DeleteImage() == {}

    assert aws.DescribeImage()["ImageStatus"] == "DELETING"
    assert aws.status(1) == "DELETING"
    aws.wait()
    with not_found("ImageVersion", ImageName="data-science", Version=1):
        aws.describe(1)
    assert aws.ListImages() == {"Images": []}
    # The name can be used again, and the new image has no versions.
    aws.image()
    assert aws.aliases() == []
    assert aws.version(Aliases=["latest"]) == 1


def test_an_image_cannot_be_deleted_while_a_version_is_being_deleted(aws, refused):
    aws.version()
    aws.DeleteImageVersion(Version=1)

    with refused("ResourceInUse", f"ImageVersion ({ARN.replace('image/', 'image-version/')}/1) is being deleted"):
        aws.DeleteImage()


@pytest.mark.parametrize(
    ("operation", "status"),
    [("CreateImage", "CREATE_FAILED"), ("UpdateImage", "UPDATE_FAILED"), ("DeleteImage", "DELETE_FAILED")],
)
def test_a_failed_change_of_an_image(make_aws, operation, status, refused):
    aws = make_aws()
    aws.service.faults.fail("the role cannot be assumed", operation=operation)
    aws.image()
    if operation != "CreateImage":
        aws.version()
        getattr(aws, operation)()
        aws.wait()

    image = aws.DescribeImage()

    assert (image["ImageStatus"], image["FailureReason"]) == (status, "the role cannot be assumed")
    # The versions stay, a failed image cannot be updated, and the image can be deleted.
    if operation == "CreateImage":
        with refused("ValidationException", "Image data-science is in an invalid state."):
            aws.UpdateImage(DisplayName="Data")
    else:
        assert aws.status(1) == "CREATED"
    aws.DeleteImage()
    aws.wait()
    assert aws.ListImages() == {"Images": []}


def test_each_account_and_region_has_its_own_resources(aws):
    for account, region, partition in [
        ("210987654321", "eu-west-1", "aws"),
        ("123456789012", "us-east-1", "aws"),
        ("123456789012", "cn-north-1", "aws-cn"),
        ("123456789012", "us-gov-west-1", "aws-us-gov"),
    ]:
        place = {"account": account, "region": region}
        assert aws.service.call("ListImages", {}, **place) == {"Images": []}
        parameters = {"ImageName": "data-science", "RoleArn": aws.role}
        arn = f"arn:{partition}:sagemaker:{region}:{account}:image/data-science"
        assert aws.service.call("CreateImage", parameters, **place) == {"ImageArn": arn}
        config = f"arn:{partition}:sagemaker:{region}:{account}:app-image-config/lab"
        created = aws.service.call("CreateAppImageConfig", {"AppImageConfigName": "lab"}, **place)
        assert created == {"AppImageConfigArn": config}


def test_an_operation_that_the_service_does_not_have(aws, refused):
    with refused("UnknownOperationException", "Unknown operation CreateEndpoint"):
        aws.CreateEndpoint()


def test_before_call_receives_every_call_and_can_refuse_it(aws, refused):
    calls = []

    def throttle(call):
        calls.append(call)
        raise ServiceError("ThrottlingException", "Rate exceeded", status=429)

    aws.service.before_call = throttle

    with refused("ThrottlingException", "Rate exceeded"):
        aws.DescribeImage()
    assert calls == [ServiceCall("DescribeImage", {"ImageName": "data-science"}, "123456789012", "eu-west-1")]


def test_reset_deletes_all_resources_and_faults(aws):
    aws.start(ClientToken="t")
    aws.service.faults.fail("this reason does not appear")

    aws.service.reset()

    assert aws.ListImages() == {"Images": []}
    aws.image()
    assert aws.start(ClientToken="t", ReleaseNotes="other").endswith("/1")
    aws.wait()
    assert aws.status(1) == "CREATED"
