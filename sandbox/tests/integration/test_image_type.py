"""The CloudFormation type AWS::SageMaker::Image."""

import pytest
from botocore.exceptions import ClientError


def image(name, **properties):
    return {
        "Type": "AWS::SageMaker::Image",
        "Properties": {"ImageName": name, "ImageRoleArn": "arn:aws:iam::000000000000:role/images", **properties},
    }


def read_tags(sagemaker, arn):
    """The tags of an image, and those that CloudFormation has added, without their prefix."""
    tags = {tag["Key"]: tag["Value"] for tag in sagemaker.list_tags(ResourceArn=arn)["Tags"]}
    prefix = "aws:cloudformation:"
    added = {key.removeprefix(prefix): tags.pop(key) for key in list(tags) if key.startswith(prefix)}
    return tags, added


def test_the_lifecycle_of_an_image(sandbox, sagemaker, stack, name):
    # WHEN a stack has an image and a parameter with its attributes
    reader = {
        "Type": "AWS::SSM::Parameter",
        "Properties": {"Type": "String", "Value": {"Fn::Sub": "${Image} ${Image.ImageArn}"}},
    }
    tags = [{"Key": "team", "Value": "science"}]
    resources = {"Image": image(name, ImageDisplayName="Science", ImageDescription="For science", Tags=tags)}
    of_stack = [{"Key": "cost", "Value": "1"}, {"Key": "team", "Value": "of the stack"}]
    assert stack.create({**resources, "Reader": reader}, Tags=of_stack) == "CREATE_COMPLETE"

    # THEN the image is ready with all properties, and both attributes are its ARN
    arn = f"arn:aws:sagemaker:{sandbox.region}:{sandbox.account}:image/{name}"
    described = sagemaker.describe_image(ImageName=name)
    assert (described["ImageStatus"], described["DisplayName"], described["Description"], described["RoleArn"]) == (
        "CREATED",
        "Science",
        "For science",
        "arn:aws:iam::000000000000:role/images",
    )
    own, added = read_tags(sagemaker, arn)
    assert own == {"cost": "1", "team": "science"}
    assert added == {"logical-id": "Image", "stack-id": stack.describe()["StackId"], "stack-name": stack.name}
    physical = stack.resources()
    assert physical["Image"] == arn
    assert sandbox.client("ssm").get_parameter(Name=physical["Reader"])["Parameter"]["Value"] == f"{arn} {arn}"

    # WHEN properties are changed and removed
    changed = image(name, ImageDescription="For everybody", ImageRoleArn="arn:aws:iam::000000000000:role/others")
    assert stack.update({"Image": changed}) == "UPDATE_COMPLETE"

    # THEN the same image is updated
    described = sagemaker.describe_image(ImageName=name)
    assert (described["ImageStatus"], described["Description"], described["RoleArn"], "DisplayName" in described) == (
        "CREATED",
        "For everybody",
        "arn:aws:iam::000000000000:role/others",
        False,
    )
    assert stack.resources() == {"Image": arn}
    assert read_tags(sagemaker, arn) == ({"cost": "1", "team": "of the stack"}, added)

    # WHEN the stack is deleted, THEN the image is deleted
    stack.delete()
    with pytest.raises(ClientError, match="ResourceNotFound"):
        sagemaker.describe_image(ImageName=name)


def test_a_new_name_is_a_new_image(sagemaker, stack, name):
    stack.create({"Image": image(name)})

    assert stack.update({"Image": image(f"{name}-2")}) == "UPDATE_COMPLETE"

    assert stack.resources()["Image"].endswith(f":image/{name}-2")
    assert [found["ImageName"] for found in sagemaker.list_images(NameContains=name)["Images"]] == [f"{name}-2"]
