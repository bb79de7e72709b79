"""The acceptance tests of Terraform's aws_sagemaker_image_version, by their names.

https://github.com/hashicorp/terraform-provider-aws (internal/service/sagemaker/image_version_test.go)

The other cases are scenarios of tests/SCENARIOS.md: update (R08), several versions of one image (R10), and ten at once
(R25). The basic case is the first test of tests/unit/handler/test_image_version_create.py.
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


def test_disappears(aws, create, update):
    """We differ: nothing plans a Create. The next Update finds that the version is gone, and creates one."""
    create()
    aws.create_version()
    aws.delete_version(1)

    assert update(ReleaseNotes="updated")["Data"]["Version"] == "3"


def test_disappears_image(aws, create, update, delete):
    """We differ: CloudFormation creates the image again in the same deployment, before the version's Update."""
    create()
    aws.sagemaker.delete_image(ImageName="data-science")
    aws.clock.advance(60)

    assert delete()["Status"] == "SUCCESS"
    aws.create_image("data-science")
    assert update(ReleaseNotes="updated")["Data"]["Version"] == "1"


def test_aliases(aws, create, alias):
    """We differ: an alias is a resource of its own."""
    create()
    for _ in range(2):
        for name in ("latest", "stable"):
            alias("create", Alias=name)
        assert aws.aliases(1) == ["latest", "stable"]
        for name in ("latest", "stable"):
            alias("delete", Alias=name, physical_id=f"data-science/{name}")
        assert aws.aliases(1) == []
