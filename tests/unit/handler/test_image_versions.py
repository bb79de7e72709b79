"""Custom::SageMakerImageVersion, event by event, with the calls that each may cost."""

import itertools
from datetime import UTC, datetime

import pytest
from imgver_sandbox.sagemaker.service import ServiceError

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

    # THEN the version is looked at at once and after 2.12 s
    assert function.names() == ["CreateImageVersion", *["DescribeImageVersion"] * 2]
    create, *polls = [parameters for _, parameters in function.calls]
    assert set(create) == {"ImageName", "BaseImage", "ClientToken", *METADATA}
    assert all(poll == {"ImageName": "data-science", "Version": 1} for poll in polls)


def test_create_sends_only_what_is_declared(function, event):
    # WHEN
    function.deliver(event("image_version_create", **dict.fromkeys(METADATA)))

    # THEN
    assert set(function.calls[0][1]) == {"ImageName", "BaseImage", "ClientToken"}


def test_r08_update_of_metadata_keeps_the_version_and_sends_what_differs(aws, function, event, created):
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


def test_r09_update_that_changes_nothing_writes_nothing(function, event, created):
    # WHEN
    unchanged = {"BaseImage": f"{REPOSITORY}:1.0.0", "ReleaseNotes": "First release"}
    answer = function.deliver(event("image_version_update", **unchanged))

    # THEN
    assert answer["PhysicalResourceId"] == ARN
    assert function.names() == ["DescribeImageVersion"]


def test_r10_update_of_the_base_image_makes_a_new_version_and_leaves_the_old_one(aws, function, event, created):
    # WHEN
    answer = function.deliver(event("image_version_update"))

    # THEN
    assert answer["Status"] == "SUCCESS"
    assert answer["PhysicalResourceId"] == ARN.replace("/1", "/2")
    assert answer["Data"]["Version"] == "2"
    assert aws.versions() == {1: "CREATED", 2: "CREATED"}
    assert aws.describe(2)["ReleaseNotes"] == "Second release"


def test_r10_update_of_the_image_makes_a_version_of_the_other_image(aws, function, event, created):
    # GIVEN
    aws.create_image("deep-learning")

    # WHEN
    answer = function.deliver(event("image_version_update", ImageName="deep-learning"))

    # THEN
    assert answer["PhysicalResourceId"] == ARN.replace("data-science", "deep-learning")
    assert aws.versions() == {1: "CREATED"}
    assert aws.versions("deep-learning") == {1: "CREATED"}


@pytest.mark.parametrize("name", ["JobType", "MLFramework", "Processor", "ProgrammingLang", "ReleaseNotes"])
def test_r15_removed_metadata_that_cannot_be_unset_makes_a_new_version(aws, function, event, created, name):
    # WHEN
    removed = {"BaseImage": f"{REPOSITORY}:1.0.0", "ReleaseNotes": "First release", name: None}
    answer = function.deliver(event("image_version_update", **removed))

    # THEN
    assert answer["PhysicalResourceId"] == ARN.replace("/1", "/2")
    assert name not in aws.describe(2)


def test_r15_removed_vendor_guidance_and_horovod_are_reset_in_place(aws, function, event):
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
    assert function.names() == ["DescribeImageVersion", "DeleteImageVersion", *["DescribeImageVersion"] * 2]
    assert [parameters for _, parameters in function.calls] == [{"ImageName": "data-science", "Version": 1}] * 4
    assert aws.versions() == {}


def test_a_deleted_version_is_gone_when_its_number_is_another_versions(aws, function, event, created):
    # GIVEN a service that gives the number to a new version between the first look after the deletion and the second
    looks = []
    call = aws.service.call

    def described(operation, parameters, **where):
        if operation != "DescribeImageVersion":
            return call(operation, parameters, **where)
        is_another = len(looks) == 2
        looks.append(
            looks[0] | {"CreationTime": aws.clock.now()} if is_another else call(operation, parameters, **where)
        )
        return looks[-1]

    aws.service.call = described

    # WHEN
    answer = function.deliver(event("image_version_delete"))

    # THEN
    assert answer["Status"] == "SUCCESS"
    assert function.names() == ["DescribeImageVersion", "DeleteImageVersion", *["DescribeImageVersion"] * 2]


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ("X-Amz-Date=20231114T221420Z", False),
        ("X-Amz-Date=20231114T221419Z", True),
        ("X-Amz-Date=20231399T221419Z", False),
        ("Expires=1699999999", False),
    ],
)
def test_delete_leaves_a_version_that_is_younger_than_the_event(aws, function, event, query, left):
    # GIVEN a version made at 22:14:20, whose number a deleted version may have had before
    assert aws.clock.now() == datetime(2023, 11, 14, 22, 14, 20, tzinfo=UTC).timestamp()
    aws.create_version()

    # WHEN a Delete comes that was sent in that second, or before, or nobody knows when
    delete = event("image_version_delete")
    answer = function.deliver({**delete, "ResponseURL": f"https://example.invalid/answer?{query}"})

    # THEN
    assert answer["Status"] == "SUCCESS"
    assert aws.versions() == ({1: "CREATED"} if left else {})
    if left:
        line = next(line for line in function.logs if line["message"] == "retained: the version was created after the event")
        assert (line["level"], line["arn"]) == ("WARNING", ARN)


@pytest.mark.parametrize("on_delete", ["DELETE", "ARCHIVE"])
@pytest.mark.parametrize("busy", [False, True])
def test_a_version_that_goes_right_before_the_write_is_gone(aws, function, event, created, on_delete, busy):
    # GIVEN somebody else deletes it between the look and the write, which the service refuses either way
    write = "DeleteImageVersion" if on_delete == "DELETE" else "UpdateImageVersion"
    refusals = [ServiceError("ResourceInUse", "Resource was modified concurrently")] if busy else []

    def before_call(call):
        if call.operation == write and refusals:
            raise refusals.pop()

    def delete_first(name, _parameters):
        if name == write and aws.versions():
            aws.sagemaker.delete_image_version(ImageName="data-science", Version=1)
            aws.clock.advance(60)
            aws.service.before_call = before_call

    function.before_call = delete_first

    # WHEN
    answer = function.deliver(event("image_version_delete", OnDelete=on_delete))

    # THEN
    assert answer["Status"] == "SUCCESS", answer["Reason"]
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
    assert {parameters["ImageName"] for _, parameters in function.calls} == {"Deep-Learning"}
    assert aws.versions("Deep-Learning") == {}


def test_the_id_keeps_its_spelling_when_the_service_changes_its_own(aws, function, event):
    # GIVEN an id with the capitals that the ARNs of the service have no more
    name = {"ImageName": "Deep-Learning"}
    aws.create_image("Deep-Learning")
    aws.create_version("Deep-Learning")
    physical_id = ARN.replace("data-science", "Deep-Learning")

    # WHEN
    kept = name | {"BaseImage": f"{REPOSITORY}:1.0.0"}
    answer = function.deliver(event("image_version_update", **kept, old=name, physical_id=physical_id))

    # THEN
    assert aws.describe(1, "Deep-Learning")["ImageVersionArn"] == physical_id.lower()
    assert answer["PhysicalResourceId"] == physical_id


def _describing(aws, *statuses):
    """Let the service describe versions with these statuses first, whatever they are."""
    remaining = list(statuses)
    call = aws.service.call

    def described(operation, parameters, **where):
        answer = call(operation, parameters, **where)
        if operation == "DescribeImageVersion" and remaining:
            answer["ImageVersionStatus"] = remaining.pop(0)
        return answer

    aws.service.call = described


def test_r44_an_unknown_status_is_waited_for(aws, function, event):
    # GIVEN a service that is newer than the handler
    _describing(aws, "SCANNING", "SCANNING", "SCANNING")

    # WHEN
    answer = function.deliver(event("image_version_create"))

    # THEN
    assert answer["Status"] == "SUCCESS"
    assert function.names().count("DescribeImageVersion") == 4


@pytest.mark.parametrize(("misses", "made"), [(3, 1), (4, 2)])
def test_a_new_version_that_cannot_be_seen_counts_as_gone_after_four_looks(aws, function, event, misses, made):
    # GIVEN reads that lag behind writes
    remaining = [ServiceError("ResourceNotFound", "ImageVersion does not exist.")] * misses

    def before_call(call):
        if call.operation == "DescribeImageVersion" and remaining:
            raise remaining.pop()

    aws.service.before_call = before_call

    # WHEN
    answer = function.deliver(event("image_version_create"))

    # THEN
    assert answer["Data"]["Version"] == str(made)
    assert function.names().count("CreateImageVersion") == made


@pytest.mark.parametrize("status", ["DELETING", "DELETE_FAILED"])
def test_a_version_that_is_deleted_while_it_is_created_fails_with_its_id(aws, function, event, status):
    # GIVEN
    _describing(aws, "CREATING", status)

    # WHEN
    answer = function.deliver(event("image_version_create"))

    # THEN
    assert answer["Reason"] == f"{ARN} was deleted while it was being created. Deploy again."
    assert answer["PhysicalResourceId"] == ARN


@pytest.mark.parametrize(("status", "goes"), [("DELETING", False), ("DELETE_FAILED", True)])
def test_a_version_that_is_dead_at_first_sight_is_made_anew(aws, function, event, status, goes):
    # GIVEN
    _describing(aws, status)

    # WHEN
    answer = function.deliver(event("image_version_create"))

    # THEN one that nobody deletes any more is deleted here
    assert answer["PhysicalResourceId"] == ARN.replace("/1", "/2")
    assert (1 not in aws.versions()) is goes
    (line,) = [line for line in function.logs if line["message"].startswith("found a dead")] or [None]
    assert (line is None) is goes


def test_dead_versions_without_end_are_a_failure(aws, function, event):
    # GIVEN
    _describing(aws, *["DELETING"] * 9)

    # WHEN
    answer = function.deliver(event("image_version_create"))

    # THEN
    assert answer["Reason"] == (
        "CreateImageVersion of image data-science answered dead versions 5 times. Deploy again."
    )
    made = [line for line in function.logs if line["message"] == "CreateImageVersion: OK"]
    assert len(made) == 5
    assert len({parameters["ClientToken"] for name, parameters in function.calls if name == "CreateImageVersion"}) == 5


@pytest.mark.parametrize("status", ["CREATE_FAILED", "DELETE_FAILED", "DELETING"])
def test_update_replaces_a_version_that_is_not_usable(aws, function, event, created, status):
    # GIVEN
    _describing(aws, status)

    # WHEN
    answer = function.deliver(event("image_version_update", BaseImage=f"{REPOSITORY}:1.0.0"))

    # THEN
    assert answer["PhysicalResourceId"] == ARN.replace("/1", "/2")
    (line,) = [line for line in function.logs if line["message"] == "replacing the image version"]
    assert line["why"] == f"the version is {status}"


def test_update_gives_up_on_a_version_that_is_never_created(aws, function, event, created):
    # GIVEN
    _describing(aws, *["CREATING"] * 1000)

    # WHEN
    answer = function.deliver(event("image_version_update", BaseImage=f"{REPOSITORY}:1.0.0"))

    # THEN
    assert answer["Status"] == "FAILED"
    assert answer["Reason"] == f"{ARN} was still CREATING when the function's time was up. Deploy again."


def test_a_base_image_that_is_no_ecr_address_cannot_be_followed(aws, function, event, created):
    # GIVEN a version of an image that is not in ECR
    call = aws.service.call
    elsewhere = "registry.example.com/data-science:1.0.0"

    def described(operation, parameters, **where):
        return call(operation, parameters, **where) | {"BaseImage": elsewhere}

    aws.service.call = described

    # WHEN
    answer = function.deliver(event("image_version_update", BaseImage=elsewhere, FollowTag="build-2"))

    # THEN
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", ARN)
    assert "CreateImageVersion" not in function.names()
    (line,) = [line for line in function.logs if line["level"] == "WARNING"]
    assert line["message"] == "the tag was not compared: it is not in Amazon ECR"
    assert "DescribeImages" not in function.names()


def test_archiving_what_stays_busy_fails_at_the_deadline(aws, function, event):
    # GIVEN
    function.deliver(event("image_version_create", OnDelete="ARCHIVE"))

    def before_call(call):
        if call.operation == "UpdateImageVersion":
            raise ServiceError("ResourceInUse", "Resource was modified concurrently")

    aws.service.before_call = before_call

    # WHEN
    answer = function.deliver(event("image_version_delete", OnDelete="ARCHIVE"))

    # THEN
    assert answer["Status"] == "FAILED"
    assert answer["Reason"].startswith(f"UpdateImageVersion failed for {ARN}: ResourceInUse: ")


def test_adoption_tells_what_differs_in_the_log(aws, function, event):
    # GIVEN
    aws.create_version(ReleaseNotes="Made by hand", **{k: v for k, v in METADATA.items() if k != "ReleaseNotes"})

    # WHEN
    function.deliver(event("image_version_create", AdoptVersion="1"))

    # THEN
    (line,) = [line for line in function.logs if line["level"] == "WARNING"]
    assert (line["message"], line["arn"]) == ("the adopted version differs from its declaration until the next update", ARN)
    assert line["metadata"] == ["ReleaseNotes"]


def test_a_replacement_that_is_refused_leaves_nothing_to_remove(aws, function, event, created):
    # WHEN
    answer = function.deliver(event("image_version_update", ImageName="missing"))

    # THEN
    assert answer["Status"] == "FAILED"
    assert answer["PhysicalResourceId"] == ARN
    assert answer["Reason"].endswith("Declare the image in this app as an Image, or correct image_name.")
    assert function.names() == ["CreateImageVersion"]


def test_a_describe_that_is_refused_is_a_failure(aws, function, event):
    # GIVEN
    def before_call(call):
        raise ServiceError("ValidationException", "1 validation error detected")

    aws.service.before_call = before_call

    # WHEN
    answer = function.deliver(event("image_version_update"))

    # THEN
    assert answer["Status"] == "FAILED"
    assert (
        answer["Reason"] == f"DescribeImageVersion failed for {ARN}: ValidationException: 1 validation error detected."
    )


@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException", "ValidationException"])
def test_a_new_version_that_may_not_be_looked_at_is_no_orphan(aws, function, event, code):
    # GIVEN
    def before_call(call):
        if call.operation == "DescribeImageVersion":
            raise ServiceError(code, "no")

    aws.service.before_call = before_call

    # WHEN
    answer = function.deliver(event("image_version_create"))

    # THEN the answer tells CloudFormation what to delete
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("FAILED", ARN)
    assert f"DescribeImageVersion failed for {ARN}: {code}: no." in answer["Reason"]


@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException"])
def test_a_replacement_that_may_not_be_looked_at_is_deleted(aws, function, event, created, code):
    # GIVEN
    def before_call(call):
        if call.operation == "DescribeImageVersion" and "CreateImageVersion" in function.names():
            raise ServiceError(code, "no")

    aws.service.before_call = before_call

    # WHEN
    answer = function.deliver(event("image_version_update", BaseImage=f"{REPOSITORY}:1.1.0"))

    # THEN CloudFormation, which keeps the old version, never hears of the new one
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("FAILED", ARN)
    aws.clock.advance(60)
    assert aws.versions() == {1: "CREATED"}


@pytest.mark.parametrize(
    ("on_delete", "first_calls"),
    [
        ("ARCHIVE", [*["DescribeImageVersion"] * 3, "UpdateImageVersion"]),
        ("DELETE", ["DescribeImageVersion", "DeleteImageVersion"]),
    ],
)
def test_a_version_that_is_still_being_created_is_waited_for_only_to_be_archived(
    aws, function, event, on_delete, first_calls
):
    # GIVEN
    aws.sagemaker.create_image_version(
        ImageName="data-science", BaseImage=f"{REPOSITORY}:1.0.0", ClientToken="made-elsewhere"
    )

    # WHEN
    answer = function.deliver(event("image_version_delete", OnDelete=on_delete))

    # THEN
    assert answer["Status"] == "SUCCESS"
    assert function.names()[: len(first_calls)] == first_calls


@pytest.mark.parametrize(
    ("name", "throttled"),
    [
        ("image_version_create", "CreateImageVersion"),
        ("image_version_update", "DescribeImageVersion"),
        ("image_version_delete", "DeleteImageVersion"),
    ],
)
def test_who_was_throttled_polls_later(aws, function, event, name, throttled):
    # GIVEN a service that refuses the call before the first poll once
    if name == "image_version_update":
        aws.sagemaker.create_image_version(
            ImageName="data-science", BaseImage=f"{REPOSITORY}:1.0.0", ClientToken="made-elsewhere"
        )
    elif name == "image_version_delete":
        aws.create_version()
    remaining = [ServiceError("ThrottlingException", "Rate exceeded")]

    def before_call(call):
        if call.operation == throttled and remaining:
            raise remaining.pop()

    times = []
    aws.service.before_call = before_call
    function.before_call = lambda operation, _parameters: times.append((operation, aws.clock.now()))

    # WHEN
    function.deliver(event(name, BaseImage=f"{REPOSITORY}:1.0.0"))

    # THEN two seconds go by, not one
    (_, _), (_, called), (_, polled), *_ = itertools.dropwhile(lambda call: call[0] != throttled, times)
    assert polled - called == 2.0


@pytest.mark.parametrize("status", ["CREATE_FAILED", "DELETE_FAILED", "DELETING"])
def test_what_cannot_be_archived_is_deleted(aws, function, event, status):
    # GIVEN
    function.deliver(event("image_version_create"))

    _describing(aws, status)

    # WHEN
    answer = function.deliver(event("image_version_delete", OnDelete="ARCHIVE"))

    # THEN
    assert answer["Status"] == "SUCCESS"
    assert "UpdateImageVersion" not in function.names()
    assert aws.versions() == {}


def test_adopting_the_version_at_hand_is_an_update_in_place(aws, function, event, created):
    # WHEN
    declared = {"BaseImage": f"{REPOSITORY}:1.0.0", "ReleaseNotes": "Better", "AdoptVersion": "1"}
    answer = function.deliver(event("image_version_update", **declared))

    # THEN
    assert answer["PhysicalResourceId"] == ARN
    assert function.names() == ["DescribeImageVersion", "UpdateImageVersion"]
    assert aws.describe(1)["ReleaseNotes"] == "Better"
