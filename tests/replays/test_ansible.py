"""The integration tests of Ansible's amazon.ai.sagemaker_image_version, step by step under their names.

https://github.com/ansible-collections/amazon.ai (tests/integration/targets/sagemaker_image_version)

Its check mode has no counterpart: a dry run is CloudFormation's change set, which sends no event.
"""

import pytest
from harness import ARN, REPOSITORY


def test_refusal_create_without_base_image(create, function):
    assert create(BaseImage=None)["Reason"] == "property BaseImage is missing or not a string"
    assert function.names() == []


def test_refusal_delete_without_version(delete, function):
    """We differ: CloudFormation sends a Delete for every id, and one without a version means that nothing exists."""
    assert delete(physical_id="data-science")["Status"] == "SUCCESS"
    assert function.names() == []


def test_refusal_create_for_missing_image(create):
    response = create(ImageName="missing")

    assert response["Status"] == "FAILED"
    assert "Declare the image in this app as an Image, or correct image_name." in response["Reason"]


def test_refusal_changed_base_image(aws, create, update):
    """We differ: the module refuses to change what is immutable, and the handler creates a new version."""
    create()

    assert update(BaseImage=f"{REPOSITORY}:1.1.0")["Data"]["Version"] == "2"
    assert aws.describe(1)["BaseImage"] == f"{REPOSITORY}:1.0.0"


def test_refusal_update_of_missing_version(aws, update):
    """We differ: the module refuses, and the handler creates the declared version."""
    assert update()["Status"] == "SUCCESS"
    assert aws.versions() == {1: "CREATED"}


@pytest.mark.parametrize("image", ["data-science", "missing"])
def test_version_999_or_missing_image_is_nothing(delete, image):
    physical_id = ARN.replace("data-science/1", f"{image}/999")

    assert delete(physical_id=physical_id, ImageName=image)["Status"] == "SUCCESS"


def test_create_with_alias_and_update_swaps_alias_and_metadata_and_a_rerun_changes_nothing(
    aws, create, update, alias, function
):
    create()
    alias("create")
    assert aws.aliases(1) == ["latest"]
    assert (aws.describe(1)["ReleaseNotes"], aws.describe(1)["Processor"]) == ("First release", "GPU")

    update(ReleaseNotes="updated")
    alias("delete")
    alias("create", Alias="stable")
    assert aws.aliases(1) == ["stable"]
    assert aws.describe(1)["ReleaseNotes"] == "updated"

    update(ReleaseNotes="updated")
    assert function.names() == ["DescribeImageVersion"]
    alias("update", Alias="stable", Version="1", physical_id="data-science/stable")
    assert function.names() == ["DescribeImageVersion"]
