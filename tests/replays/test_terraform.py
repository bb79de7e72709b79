"""The acceptance tests of Terraform's aws_sagemaker_image_version, case by case under their names.

https://github.com/hashicorp/terraform-provider-aws (internal/service/sagemaker/image_version_test.go)
"""

import pytest
from imgver_handler.aws.arn import ImageVersionArn

PREFIX = "arn:aws:sagemaker:us-west-2:123456789012"


@pytest.mark.parametrize(
    ("arn", "want"),
    [
        pytest.param(f"{PREFIX}:image-version/my-image/42", 42, id="valid ARN with version"),
        pytest.param(f"{PREFIX}:image-version/my-image/999999", 999999, id="valid ARN with large version"),
        pytest.param(PREFIX, None, id="invalid ARN - too few parts"),
        pytest.param(f"{PREFIX}:image-version/my-image/latest", None, id="invalid ARN - non-numeric version"),
        pytest.param("", None, id="empty ARN"),
    ],
)
def test_image_version_from_arn(arn, want):
    parsed = ImageVersionArn.parse(arn)

    assert (parsed and parsed.version) == want


def test_basic(aws, create, arn, base_image):
    data = create()["Data"]

    assert data == {
        "ImageName": "data-science",
        "BaseImage": base_image,
        "Version": "1",
        "ImageArn": "arn:aws:sagemaker:eu-west-1:123456789012:image/data-science",
        "ImageVersionArn": arn,
        "ContainerImage": aws.describe(1)["ContainerImage"],
    }
    assert aws.describe(1)["Horovod"] is False


def test_update(aws, create, update, arn):
    create()

    answer = update(ReleaseNotes="updated")

    assert answer["PhysicalResourceId"] == arn
    assert answer["Data"]["Version"] == "1"
    assert aws.describe(1)["ReleaseNotes"] == "updated"
    assert aws.describe(1)["MLFramework"] == "PyTorch 2.5"


def test_disappears(aws, create, update):
    """We differ: nothing plans a Create here; the next Update finds the version gone and makes one."""
    create()
    aws.create_version()
    aws.sagemaker.delete_image_version(ImageName="data-science", Version=1)
    aws.clock.advance(60)

    answer = update(ReleaseNotes="updated")

    assert answer["Status"] == "SUCCESS"
    assert answer["Data"]["Version"] == "3"


def test_disappears_image(aws, create, update, delete):
    """We differ: CloudFormation makes the image again in the same deployment, before the version's Update."""
    create()
    aws.sagemaker.delete_image(ImageName="data-science")
    aws.clock.advance(60)

    assert delete()["Status"] == "SUCCESS"
    aws.create_image("data-science")
    assert update(ReleaseNotes="updated")["Data"]["Version"] == "1"


def test_multiple(aws, create):
    first, second = create()["Data"], create()["Data"]

    assert (first["Version"], second["Version"]) == ("1", "2")
    assert first["BaseImage"] == second["BaseImage"]
    assert aws.versions() == {1: "CREATED", 2: "CREATED"}


def test_aliases(aws, create, function, event):
    """We differ: an alias is a resource of its own."""
    create()

    def has(*aliases):
        for alias in aliases:
            function.deliver(event("image_alias_create", Alias=alias))
        return aws.aliases(1)

    assert has("latest", "stable") == ["latest", "stable"]
    for alias in ("latest", "stable"):
        function.deliver(event("image_alias_delete", Alias=alias, physical_id=f"data-science/{alias}"))
    assert aws.aliases(1) == []
    assert has("latest", "stable") == ["latest", "stable"]


# The tenth acceptance case, ten versions of one image at once, is R25 of the model's tests, in simulated time.
