"""The integration tests of Ansible's amazon.ai.sagemaker_image_version, step by step under what they check.

https://github.com/ansible-collections/amazon.ai (tests/integration/targets/sagemaker_image_version)
"""

import pytest


def test_refusal_create_without_base_image(create, function):
    assert create(BaseImage=None)["Reason"] == "property BaseImage is missing or not a string"
    assert function.names() == []


def test_refusal_delete_without_version(delete, function):
    """We differ: CloudFormation deletes what it has an id for; an id without a version means there is nothing."""
    assert delete(physical_id="data-science")["Status"] == "SUCCESS"
    assert function.names() == []


def test_refusal_create_for_missing_image(create):
    answer = create(ImageName="missing")

    assert answer["Status"] == "FAILED"
    assert "Declare the image in this app as an Image, or correct image_name." in answer["Reason"]


def test_refusal_changed_base_image(aws, create, update, base_image):
    """We differ: the module refuses to change what is immutable; here it becomes a new version."""
    create()

    assert update(BaseImage=base_image.replace("1.0.0", "1.1.0"))["Data"]["Version"] == "2"
    assert aws.describe(1)["BaseImage"] == base_image


def test_refusal_update_of_missing_version(aws, update):
    """We differ: the module refuses; here the declared version is made."""
    assert update()["Status"] == "SUCCESS"
    assert aws.versions() == {1: "CREATED"}


def test_check_mode_creates_nothing(aws):
    """We differ: a dry run is CloudFormation's change set, and sends no event."""
    assert aws.versions() == {}


def test_create_with_alias_and_metadata(aws, create, function, event):
    create()
    function.deliver(event("image_alias_create"))

    assert aws.aliases(1) == ["latest"]
    assert aws.describe(1)["ReleaseNotes"] == "First release"
    assert aws.describe(1)["Processor"] == "GPU"


def test_lookup_by_number_and_by_alias_agree(aws, create, function, event):
    create()
    function.deliver(event("image_alias_create"))

    by_number = aws.sagemaker.describe_image_version(ImageName="data-science", Version=1)
    by_alias = aws.sagemaker.describe_image_version(ImageName="data-science", Alias="latest")
    assert by_number["ImageVersionArn"] == by_alias["ImageVersionArn"]


@pytest.mark.parametrize("image", ["data-science", "missing"])
def test_version_999_or_missing_image_is_nothing(delete, arn, image):
    physical_id = arn.replace("data-science/1", f"{image}/999")

    assert delete(physical_id=physical_id, ImageName=image)["Status"] == "SUCCESS"


def test_second_create_has_a_higher_number(create):
    assert int(create()["Data"]["Version"]) < int(create()["Data"]["Version"])


@pytest.mark.parametrize("order", ["Ascending", "Descending"])
def test_list_versions(aws, create, order):
    create()
    create()

    listed = aws.sagemaker.list_image_versions(ImageName="data-science", SortBy="VERSION", SortOrder=order.upper())

    numbers = [version["Version"] for version in listed["ImageVersions"]]
    assert numbers == ([1, 2] if order == "Ascending" else [2, 1])


def test_update_swaps_alias_and_metadata_and_a_rerun_changes_nothing(aws, create, update, function, event):
    create()
    function.deliver(event("image_alias_create"))

    update(ReleaseNotes="updated")
    function.deliver(event("image_alias_delete"))
    function.deliver(event("image_alias_create", Alias="stable"))

    assert aws.aliases(1) == ["stable"]
    assert aws.describe(1)["ReleaseNotes"] == "updated"
    update(ReleaseNotes="updated")
    assert function.names() == ["DescribeImageVersion"]
    function.deliver(event("image_alias_update", Alias="stable", Version="1", physical_id="data-science/stable"))
    assert function.names() == ["DescribeImageVersion"]


def test_delete_and_delete_again(aws, create, delete):
    create()

    assert [delete()["Status"], delete()["Status"]] == ["SUCCESS", "SUCCESS"]
    assert aws.versions() == {}
