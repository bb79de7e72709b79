"""Custom::SageMakerImageVersion, event by event, with the calls that each may cost."""

import pytest

ARN = "arn:aws:sagemaker:eu-west-1:123456789012:image-version/data-science/1"
REPOSITORY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/data-science"
METADATA = {
    "Horovod": False,
    "JobType": "NOTEBOOK_KERNEL",
    "MLFramework": "PyTorch 2.5",
    "Processor": "GPU",
    "ProgrammingLang": "Python 3.12",
    "ReleaseNotes": "First release",
    "VendorGuidance": "STABLE",
}


@pytest.fixture
def created(function, event):
    """The image version 1, made by a Create that has been answered."""
    answer = function.deliver(event("image_version_create"))
    assert answer["Status"] == "SUCCESS", answer["Reason"]
    return answer


def test_create_makes_the_declared_version_and_waits_until_it_is_created(aws, function, event):
    # WHEN
    answer = function.deliver(event("image_version_create"))

    # THEN
    digest = aws.registry.resolve(f"{REPOSITORY}:1.0.0").digest
    assert answer["Status"] == "SUCCESS"
    assert answer["PhysicalResourceId"] == ARN
    assert answer["Data"] == {
        "ImageVersionArn": ARN,
        "ImageArn": "arn:aws:sagemaker:eu-west-1:123456789012:image/data-science",
        "ImageName": "data-science",
        "Version": "1",
        "BaseImage": f"{REPOSITORY}:1.0.0",
        "ContainerImage": f"{REPOSITORY}@{digest}",
    }
    made = aws.describe(1)
    assert made["ImageVersionStatus"] == "CREATED"
    assert {name: made[name] for name in METADATA} == METADATA


def test_create_costs_one_create_and_the_polls(function, event):
    # GIVEN a service that needs 2 s
    # WHEN
    function.deliver(event("image_version_create"))

    # THEN the version is polled after 1 s and after 2.25 s
    assert function.names() == ["CreateImageVersion", "DescribeImageVersion", "DescribeImageVersion"]
    create, *polls = [parameters for _, parameters in function.calls]
    assert set(create) == {"ImageName", "BaseImage", "ClientToken", *METADATA}
    assert all(poll == {"ImageName": "data-science", "Version": 1} for poll in polls)


def test_create_sends_only_what_is_declared(function, event):
    # WHEN
    function.deliver(event("image_version_create", **dict.fromkeys(METADATA)))

    # THEN
    assert set(function.calls[0][1]) == {"ImageName", "BaseImage", "ClientToken"}


def test_update_of_metadata_keeps_the_version_and_sends_what_differs(aws, function, event, created):
    # WHEN
    changed = {"BaseImage": f"{REPOSITORY}:1.0.0", "ReleaseNotes": "Better notes", "Horovod": "true"}
    answer = function.deliver(event("image_version_update", **changed))

    # THEN
    assert answer["Status"] == "SUCCESS"
    assert answer["PhysicalResourceId"] == ARN
    assert answer["Data"] == created["Data"]
    assert function.names() == ["DescribeImageVersion", "UpdateImageVersion"]
    assert function.calls[1][1] == {
        "ImageName": "data-science",
        "Version": 1,
        "ReleaseNotes": "Better notes",
        "Horovod": True,
    }
    assert aws.versions() == {1: "CREATED"}


def test_update_that_changes_nothing_writes_nothing(function, event, created):
    # WHEN
    unchanged = {"BaseImage": f"{REPOSITORY}:1.0.0", "ReleaseNotes": "First release"}
    answer = function.deliver(event("image_version_update", **unchanged))

    # THEN
    assert answer["PhysicalResourceId"] == ARN
    assert function.names() == ["DescribeImageVersion"]


def test_update_of_the_base_image_makes_a_new_version_and_leaves_the_old_one(aws, function, event, created):
    # WHEN
    answer = function.deliver(event("image_version_update"))

    # THEN
    assert answer["Status"] == "SUCCESS"
    assert answer["PhysicalResourceId"] == ARN.replace("/1", "/2")
    assert answer["Data"]["Version"] == "2"
    assert aws.versions() == {1: "CREATED", 2: "CREATED"}
    assert aws.describe(2)["ReleaseNotes"] == "Second release"


def test_update_of_the_image_makes_a_version_of_the_other_image(aws, function, event, created):
    # GIVEN
    aws.create_image("deep-learning")

    # WHEN
    answer = function.deliver(event("image_version_update", ImageName="deep-learning"))

    # THEN
    assert answer["PhysicalResourceId"] == ARN.replace("data-science", "deep-learning")
    assert aws.versions() == {1: "CREATED"}
    assert aws.versions("deep-learning") == {1: "CREATED"}


@pytest.mark.parametrize("name", ["JobType", "MLFramework", "Processor", "ProgrammingLang", "ReleaseNotes"])
def test_removed_metadata_that_cannot_be_unset_makes_a_new_version(aws, function, event, created, name):
    # WHEN
    removed = {"BaseImage": f"{REPOSITORY}:1.0.0", "ReleaseNotes": "First release", name: None}
    answer = function.deliver(event("image_version_update", **removed))

    # THEN
    assert answer["PhysicalResourceId"] == ARN.replace("/1", "/2")
    assert name not in aws.describe(2)


def test_removed_vendor_guidance_and_horovod_are_reset_in_place(aws, function, event):
    # GIVEN
    function.deliver(event("image_version_create", Horovod="true"))

    # WHEN
    removed = {"BaseImage": f"{REPOSITORY}:1.0.0", "ReleaseNotes": "First release"}
    answer = function.deliver(event("image_version_update", **removed, VendorGuidance=None, Horovod=None))

    # THEN
    assert answer["PhysicalResourceId"] == ARN
    assert aws.describe(1)["VendorGuidance"] == "NOT_PROVIDED"
    assert aws.describe(1)["Horovod"] is False
    assert set(function.calls[1][1]) == {"ImageName", "Version", "VendorGuidance", "Horovod"}


def test_metadata_that_the_template_never_declared_is_left_alone(aws, function, event):
    # GIVEN a version to which somebody gave a guidance that no template names
    function.deliver(event("image_version_create", VendorGuidance=None))
    aws.sagemaker.update_image_version(ImageName="data-science", Version=1, VendorGuidance="STABLE")
    aws.clock.advance(1)

    # WHEN
    kept = {"BaseImage": f"{REPOSITORY}:1.0.0", "VendorGuidance": None}
    function.deliver(event("image_version_update", **kept, old={"VendorGuidance": None}))

    # THEN
    assert set(function.calls[1][1]) == {"ImageName", "Version", "ReleaseNotes"}
    assert aws.describe(1)["VendorGuidance"] == "STABLE"


def test_update_waits_for_a_version_that_is_still_being_created(aws, function, event):
    # GIVEN
    aws.sagemaker.create_image_version(
        ImageName="data-science", BaseImage=f"{REPOSITORY}:1.0.0", ClientToken="made-elsewhere"
    )

    # WHEN
    answer = function.deliver(event("image_version_update", BaseImage=f"{REPOSITORY}:1.0.0"))

    # THEN
    assert answer["PhysicalResourceId"] == ARN
    assert aws.describe(1)["ReleaseNotes"] == "Second release"


def test_delete_removes_the_version_and_waits_until_it_is_gone(aws, function, event, created):
    # WHEN
    answer = function.deliver(event("image_version_delete"))

    # THEN
    assert answer["Status"] == "SUCCESS"
    assert answer["PhysicalResourceId"] == ARN
    assert answer["Data"] == {}
    assert function.names() == ["DeleteImageVersion", "DescribeImageVersion"]
    assert function.calls[0][1] == {"ImageName": "data-science", "Version": 1}
    assert aws.versions() == {}


def test_delete_touches_only_the_version_behind_the_id(aws, function, event, created):
    # GIVEN a later version, which is what the service takes when none is named
    aws.create_version()

    # WHEN
    function.deliver(event("image_version_delete"))

    # THEN
    assert aws.versions() == {2: "CREATED"}


@pytest.mark.parametrize(
    ("physical_id", "reason"),
    [
        (ARN.replace("123456789012", "210987654321"), "is of another account or region than the stack"),
        (ARN.replace("eu-west-1", "us-east-1"), "is of another account or region than the stack"),
        (ARN.replace("arn:aws:", "arn:aws-cn:"), "is of another account or region than the stack"),
        (ARN.replace("data-science", "other"), "is no version of the image data-science that the resource names"),
    ],
)
def test_delete_refuses_what_is_not_this_stacks(function, event, created, physical_id, reason):
    # WHEN
    answer = function.deliver(event("image_version_delete", physical_id=physical_id))

    # THEN
    assert answer["Status"] == "FAILED"
    assert f"{physical_id} {reason}" in answer["Reason"]
    assert answer["Reason"].endswith("nothing was deleted.")
    assert function.names() == []


def test_capitals_in_the_name_of_the_image(aws, function, event):
    # GIVEN a name that the service may lower-case in ARNs
    aws.create_image("Deep-Learning")
    name = {"ImageName": "Deep-Learning"}
    physical_id = function.deliver(event("image_version_create", **name))["PhysicalResourceId"]

    # WHEN it is updated in place, and deleted
    kept = name | {"BaseImage": f"{REPOSITORY}:1.0.0"}
    updated = function.deliver(event("image_version_update", **kept, old=name, physical_id=physical_id))
    deleted = function.deliver(event("image_version_delete", **name, physical_id=physical_id))

    # THEN
    assert updated["PhysicalResourceId"] == physical_id
    assert deleted["Status"] == "SUCCESS"
    assert aws.versions("Deep-Learning") == {}
