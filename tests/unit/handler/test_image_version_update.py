"""Update of Custom::SageMakerImageVersion: in place, by a replacement, and in a rollback."""

import itertools

import pytest
from botocore.exceptions import ClientError
from harness import ARN, ID, REPOSITORY, SECOND_ARN, SECOND_ID, UNCHANGED, Aws, Function
from imgver_sandbox.sagemaker.service import ServiceError

NEW_BASE_IMAGE = f"{REPOSITORY}:1.1.0"
MISSING = f"{REPOSITORY}:missing"
ELSEWHERE = "registry.example.com/data-science:1.0.0"
DENIED = ServiceError("AccessDeniedException", "not authorized")


def replaced(why):
    return ("INFO", "replacing the image version", {"physical_id": ID, "why": why})


def ignored(finding):
    return ("WARNING", "ignored because the stack is rolling back", {"finding": finding})


@pytest.fixture
def created(create):
    """The response to the Create of version 1."""
    response = create()
    assert response["Status"] == "SUCCESS", response["Reason"]
    return response


def refuse_ecr(monkeypatch, aws, error):
    def refuse(*_args, **_parameters):
        raise error

    monkeypatch.setattr(aws.registry, "describe_images", refuse)


@pytest.mark.parametrize("code", ["ResourceInUse", "ValidationException"])
def test_r19_metadata_that_cannot_be_written(aws, update, created, code):
    aws.refuse("UpdateImageVersion", ServiceError(code, "no"), forever=True)

    response = update(ReleaseNotes="Better notes")

    assert (response["Status"], response["PhysicalResourceId"]) == ("FAILED", ID)
    assert response["Reason"].startswith(f"UpdateImageVersion failed for {ARN}: {code}: no.")


def test_r08_metadata_changes_in_place(aws, function, update, created):
    response = update(ReleaseNotes="Better notes", Horovod="true")

    assert response["Status"] == "SUCCESS"
    assert response["PhysicalResourceId"] == ID
    assert response["Data"] == created["Data"]
    assert function.names() == ["DescribeImageVersion", "UpdateImageVersion"]
    changes = {"ReleaseNotes": "Better notes", "Horovod": True}
    assert function.calls[1][1] == {"ImageName": "data-science", "Version": 1, **changes}
    assert aws.versions() == {1: "CREATED"}


def test_r09_nothing_changes(function, update, created):
    assert update()["PhysicalResourceId"] == ID
    assert function.names() == ["DescribeImageVersion"]


def test_r10_a_new_base_image_is_a_replacement(aws, function, update, created):
    response = update(BaseImage=NEW_BASE_IMAGE, ReleaseNotes="Second release")

    assert response["Status"] == "SUCCESS"
    assert response["PhysicalResourceId"] == SECOND_ID
    assert response["Data"]["Version"] == "2"
    described = ["DescribeImageVersion"] * 2
    assert function.names() == ["DescribeImageVersion", "CreateImageVersion", *described, "DescribeStacks"]
    assert aws.versions() == {1: "CREATED", 2: "CREATED"}
    assert aws.describe(2)["ReleaseNotes"] == "Second release"
    assert function.decisions() == [replaced("BaseImage changed")]


def test_r10_another_image_is_a_replacement(aws, function, update, created):
    aws.create_image("deep-learning")

    response = update(ImageName="deep-learning")

    assert response["PhysicalResourceId"] == aws.physical_id(1, "deep-learning")
    assert aws.versions() == {1: "CREATED"}
    assert aws.versions("deep-learning") == {1: "CREATED"}
    assert function.decisions() == [replaced("ImageName changed")]


@pytest.mark.parametrize("deletable", [True, False])
def test_r11_the_replacement_fails(aws, update, created, deletable):
    aws.service.faults.fail("internal trouble")
    if not deletable:
        aws.service.faults.fail("more trouble", operation="DeleteImageVersion")

    response = update(BaseImage=NEW_BASE_IMAGE)

    # THEN the new version is deleted, or named
    assert response["Status"] == "FAILED"
    assert response["PhysicalResourceId"] == ID
    remains = (
        " The new version still exists and must be deleted by hand: "
        f"{SECOND_ARN} could not be deleted: more trouble. Remove what uses it, then delete it."
    )
    assert response["Reason"] == f"{SECOND_ARN} could not be created: internal trouble.{'' if deletable else remains}"
    assert aws.versions() == ({1: "CREATED"} if deletable else {1: "CREATED", 2: "DELETE_FAILED"})


@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException"])
def test_r11_the_replacement_cannot_be_described(aws, function, update, created, code):
    def before_call(call):
        if call.operation == "DescribeImageVersion" and "CreateImageVersion" in function.names():
            raise ServiceError(code, "no")

    aws.service.before_call = before_call

    response = update(BaseImage=NEW_BASE_IMAGE)

    # THEN it is deleted, since CloudFormation keeps the old version and does not know the new one
    assert (response["Status"], response["PhysicalResourceId"]) == ("FAILED", ID)
    aws.clock.advance(60)
    assert aws.versions() == {1: "CREATED"}


def test_r11_the_replacement_is_refused(function, update, created):
    response = update(ImageName="missing")

    assert response["Status"] == "FAILED"
    assert response["PhysicalResourceId"] == ID
    assert response["Reason"].endswith("Declare the image in this app as an Image, or correct image_name.")
    assert function.names() == ["CreateImageVersion"]


def test_r13_the_version_was_deleted_out_of_band(aws, function, update, created):
    aws.create_version()
    aws.delete_version(1)

    response = update(ReleaseNotes="Better")

    assert response["Status"] == "SUCCESS"
    assert response["PhysicalResourceId"] == aws.physical_id(3)
    assert function.decisions() == [replaced("the version is gone")]


def test_r14_metadata_drifted_out_of_band(aws, update, created):
    aws.update_version(1, Processor="CPU")

    assert update(ReleaseNotes="Better")["PhysicalResourceId"] == ID
    assert (aws.describe(1)["Processor"], aws.describe(1)["ReleaseNotes"]) == ("GPU", "Better")


@pytest.mark.parametrize(
    "names",
    [["JobType"], ["MLFramework"], ["Processor"], ["ProgrammingLang"], ["ReleaseNotes"], ["Processor", "ReleaseNotes"]],
    ids=",".join,
)
def test_r15_metadata_that_cannot_be_unset_is_a_replacement(aws, function, update, created, names):
    assert update(**dict.fromkeys(names))["PhysicalResourceId"] == SECOND_ID
    assert not set(names) & set(aws.describe(2))
    assert function.decisions() == [replaced(f"{', '.join(names)} cannot be unset")]


def test_r15_vendor_guidance_and_horovod_are_reset_in_place(aws, function, create, update):
    create(Horovod="true")

    assert update(VendorGuidance=None, Horovod=None)["PhysicalResourceId"] == ID
    assert aws.describe(1)["VendorGuidance"] == "NOT_PROVIDED"
    assert aws.describe(1)["Horovod"] is False
    assert set(function.calls[1][1]) == {"ImageName", "Version", "VendorGuidance", "Horovod"}


def test_metadata_that_the_template_never_declared_is_not_changed(aws, function, create, update):
    create(VendorGuidance=None)
    aws.update_version(1, VendorGuidance="STABLE")

    update(ReleaseNotes="Better", VendorGuidance=None, old={"VendorGuidance": None})

    assert set(function.calls[1][1]) == {"ImageName", "Version", "ReleaseNotes"}


def test_update_waits_for_a_version_that_is_still_being_created(aws, update):
    aws.sagemaker.create_image_version(
        ImageName="data-science", BaseImage=f"{REPOSITORY}:1.0.0", ClientToken="without-the-handler"
    )

    assert update()["PhysicalResourceId"] == ID
    assert aws.describe(1)["ReleaseNotes"] == "First release"


def test_r31_the_version_is_creating_until_the_deadline(aws, function, update, created):
    function.seconds = 100
    aws.describe_as(*["CREATING"] * 1000)

    response = update()

    assert response["Status"] == "FAILED"
    assert response["Reason"] == f"{ARN} was still CREATING when the function's time was up. Deploy again."


@pytest.mark.parametrize("status", ["CREATE_FAILED", "DELETE_FAILED", "DELETING"])
def test_update_replaces_a_version_that_is_not_usable(aws, function, update, created, status):
    aws.describe_as(status)

    assert update()["PhysicalResourceId"] == SECOND_ID
    assert function.decisions() == [replaced(f"the version is {status}")]


def test_capitals_in_the_name_of_the_image(aws, function, create, update, delete):
    # GIVEN a name that the service may change to lower case in ARNs
    aws.create_image("Deep-Learning")
    name = {"ImageName": "Deep-Learning"}
    physical_id = create(**name)["PhysicalResourceId"]

    assert update(**name, old=name, physical_id=physical_id)["PhysicalResourceId"] == physical_id
    assert delete(**name, physical_id=physical_id)["Status"] == "SUCCESS"
    assert {parameters["ImageName"] for _, parameters in function.calls} == {"Deep-Learning"}
    assert aws.versions("Deep-Learning") == {}


def test_the_physical_id_keeps_its_spelling_when_the_service_changes_its_own(aws, update):
    name = {"ImageName": "Deep-Learning"}
    aws.create_image("Deep-Learning")
    aws.create_version("Deep-Learning")
    physical_id = ARN.replace("data-science", "Deep-Learning")

    assert update(**name, old=name, physical_id=physical_id)["PhysicalResourceId"] == physical_id
    assert aws.describe(1, "Deep-Learning")["ImageVersionArn"] == physical_id.lower()


@pytest.mark.parametrize("state", ["same", "moved", "unreadable", "gone"])
def test_r38_follow_tag(aws, function, create, update, state, monkeypatch):
    create(FollowTag="build-1")
    if state == "moved":
        aws.registry.push(f"{REPOSITORY}:1.0.0")
    elif state == "gone":
        aws.registry.untag(f"{REPOSITORY}:1.0.0")
    elif state == "unreadable":
        refuse_ecr(monkeypatch, aws, DENIED)

    response = update(FollowTag="build-2")

    assert function.names().count("DescribeImages") == 1
    assert response["PhysicalResourceId"] == (SECOND_ID if state == "moved" else ID)
    if state == "gone":
        assert response["Status"] == "FAILED"
        assert response["Reason"].startswith(f"cannot follow {REPOSITORY}:1.0.0: ")
        assert response["Reason"].endswith("Push the tag again, or declare another one.")
        return
    assert response["Status"] == "SUCCESS"
    reason = (
        f"DescribeImages failed for {REPOSITORY}:1.0.0: AccessDeniedException: not authorized. "
        "The function's role must allow the action for DescribeImages on this resource."
    )
    assert function.decisions() == {
        "same": [],
        "moved": [replaced("the tag names another container image")],
        "unreadable": [
            ("WARNING", "the tag was not compared", {"base_image": f"{REPOSITORY}:1.0.0", "reason": reason})
        ],
    }.get(state)


def test_r38_a_base_image_outside_of_ecr_cannot_be_followed(aws, function, update, created):
    call = aws.service.call
    aws.service.call = lambda *args, **where: call(*args, **where) | {"BaseImage": ELSEWHERE}

    response = update(BaseImage=ELSEWHERE, FollowTag="build-2")

    assert (response["Status"], response["PhysicalResourceId"]) == ("SUCCESS", ID)
    assert "DescribeImages" not in function.names()
    assert function.decisions() == [
        ("WARNING", "the tag was not compared: it is not in Amazon ECR", {"base_image": ELSEWHERE})
    ]


@pytest.mark.parametrize(
    ("state", "finding"), [("moved", "the tag names another container image"), ("gone", "the tag is gone")]
)
def test_r38_a_rollback_keeps_the_version_of_a_tag(aws, function, event, create, state, finding):
    # GIVEN an update that failed, and a tag that changed since
    create(FollowTag="build-1")
    update = event("image_version_update", BaseImage=MISSING, FollowTag="build-2")
    function.deliver(update)
    if state == "moved":
        aws.registry.push(f"{REPOSITORY}:1.0.0")
    else:
        aws.registry.untag(f"{REPOSITORY}:1.0.0")

    aws.cloudformation.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    swapped = event("image_version_update", **UNCHANGED, FollowTag="build-1", old=update["ResourceProperties"])
    response = function.deliver(swapped)

    assert response["Status"] == "SUCCESS", response["Reason"]
    assert response["PhysicalResourceId"] == ID
    assert function.names() == ["DescribeImageVersion", "DescribeImages", "DescribeStacks"]
    assert function.decisions() == [ignored(finding)]
    assert aws.versions() == {1: "CREATED"}


def test_r42_the_image_is_renamed(aws, create, update, delete, alias):
    aws.create_image("deep-learning")
    old = create()["PhysicalResourceId"]
    alias("create")

    # WHEN the version and the alias move to the other image, and CloudFormation cleans up
    version = update(ImageName="deep-learning", physical_id=old)
    moved = alias("update", ImageName="deep-learning", Version="1")
    cleanup = [alias("delete"), delete(physical_id=old)]

    assert version["PhysicalResourceId"] == aws.physical_id(1, "deep-learning")
    assert moved["PhysicalResourceId"] == "deep-learning/latest"
    assert [response["Status"] for response in cleanup] == ["SUCCESS", "SUCCESS"]
    assert aws.aliases(1, "deep-learning") == ["latest"]
    assert aws.versions() == {}


def test_r46_a_rollback_keeps_the_version_although_metadata_cannot_be_unset(aws, function, create, update):
    # GIVEN an update added metadata in place, and its deployment failed elsewhere
    create(ReleaseNotes=None, Processor=None)
    update(old={"ReleaseNotes": None, "Processor": None})
    assert aws.describe(1)["ReleaseNotes"] == "First release"

    aws.cloudformation.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    response = update(ReleaseNotes=None, Processor=None)

    # THEN there is no new version, which would not get the aliases
    assert response["PhysicalResourceId"] == ID
    assert aws.versions() == {1: "CREATED"}
    assert function.decisions() == [ignored("Processor, ReleaseNotes cannot be unset")]


def test_r46_the_status_of_the_stack_cannot_be_read(aws, function, event, created, monkeypatch):
    def deny(**_):
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DescribeStacks")

    monkeypatch.setattr(aws.cloudformation, "describe_stacks", deny)
    update = event("image_version_update", **UNCHANGED | {"ReleaseNotes": None})

    # THEN the update does not count as a rollback, which is far more likely
    assert function.deliver(update)["PhysicalResourceId"] == SECOND_ID
    reason = (
        f"DescribeStacks failed for {update['StackId']}: AccessDenied: no. "
        "The function's role must allow the action for DescribeStacks on this resource."
    )
    assert function.decisions() == [
        ("WARNING", "could not read the status of the stack", {"reason": reason}),
        replaced("ReleaseNotes cannot be unset"),
        ("WARNING", "could not read the status of the stack", {"reason": reason}),
    ]


def test_r31_the_deadline_is_near_in_a_replacement(event):
    aws = Aws(create_seconds=100)
    Function(aws).deliver(event("image_version_create"))
    function = Function(aws, seconds=150)

    # WHEN the new version is not ready when the time for it ends
    response = function.deliver(event("image_version_update"))

    # THEN it is deleted, or named
    assert response["Status"] == "FAILED"
    assert response["PhysicalResourceId"] == ID
    assert aws.versions() == {1: "CREATED"} or "must be deleted by hand" in response["Reason"]


@pytest.mark.parametrize(
    ("action", "throttled"),
    [("create", "CreateImageVersion"), ("update", "DescribeImageVersion"), ("delete", "DeleteImageVersion")],
)
def test_a_throttled_call_delays_the_polls(aws, function, event, action, throttled):
    # GIVEN a service that throttles the call before the first poll once
    if action == "update":
        aws.sagemaker.create_image_version(
            ImageName="data-science", BaseImage=f"{REPOSITORY}:1.0.0", ClientToken="without-the-handler"
        )
    elif action == "delete":
        aws.create_version()
    aws.refuse(throttled, ServiceError("ThrottlingException", "Rate exceeded"))
    times = []
    function.before_call = lambda operation, _parameters: times.append((operation, aws.clock.now()))

    function.deliver(event(f"image_version_{action}", **UNCHANGED))

    _, (_, repeated), (_, polled), *_ = itertools.dropwhile(lambda call: call[0] != throttled, times)
    assert polled - repeated == 5.0
