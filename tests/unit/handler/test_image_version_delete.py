"""Delete of Custom::SageMakerImageVersion: deletes, archives, or leaves the version alone."""

import pytest
from botocore.exceptions import ClientError
from harness import ARN, ID, REPOSITORY, Aws, Function
from imgver_sandbox.sagemaker.service import ServiceError

ARCHIVE = {"OnReplace": "ARCHIVE", "OnDelete": "ARCHIVE"}
MIXED = [("ARCHIVE", "DELETE"), ("DELETE", "ARCHIVE")]
REMEDY_OF_A_DELETED_STACK = (
    "If the stack is being deleted, its function is deleted too: repeat the deletion with aws cloudformation "
    "delete-stack --stack-name DataScience --retain-resources Version, and delete by hand what is left."
)
BUSY = ServiceError("ResourceInUse", "Resource was modified concurrently")


@pytest.fixture
def created(create):
    """The response to the Create of version 1."""
    return create()


def gone(arn):
    return ("INFO", "nothing to delete: the version is gone", {"arn": arn})


def test_delete_waits_until_the_version_is_gone(aws, function, delete, created):
    aws.clock.advance(60)

    response = delete()

    assert response["Status"] == "SUCCESS"
    assert response["PhysicalResourceId"] == ID
    assert response["Data"] == {}
    assert function.names() == ["DescribeImageVersion", "DeleteImageVersion", *["DescribeImageVersion"] * 2]
    assert [parameters for _, parameters in function.calls] == [{"ImageName": "data-science", "Version": 1}] * 4
    assert aws.versions() == {}


def test_r06_delete_with_an_id_that_cloudformation_invented(function, delete):
    physical_id = "DataScience-Version-1A2B3C4D5E6F"

    assert delete(physical_id=physical_id)["Status"] == "SUCCESS"
    assert function.names() == []
    assert function.decisions() == [
        ("INFO", "nothing to delete: the physical id is not an image version", {"physical_id": physical_id})
    ]


@pytest.mark.parametrize("missing", ["version", "image"])
@pytest.mark.parametrize("on_delete", ["DELETE", "ARCHIVE"])
def test_r16_delete_of_a_missing_version(function, delete, missing, on_delete):
    image = "data-science" if missing == "version" else "other"
    arn = ARN.replace("data-science", image)
    policies = {"OnReplace": on_delete, "OnDelete": on_delete}

    assert delete(physical_id=arn, ImageName=image, **policies)["Status"] == "SUCCESS"
    assert function.names() == ["DescribeStacks"] * (on_delete == "ARCHIVE") + ["DescribeImageVersion"] * 2
    assert function.decisions() == [gone(arn)]


def test_r17_delete_while_deleting(aws, function, delete, created):
    aws.sagemaker.delete_image_version(ImageName="data-science", Version=1)

    assert delete()["Status"] == "SUCCESS"
    assert function.names().count("DeleteImageVersion") == 1
    assert aws.versions() == {}


def test_r17_a_deletion_that_takes_a_while_is_not_repeated(event):
    aws = Aws(delete_seconds=60)
    function = Function(aws)
    aws.create_version()

    assert function.deliver(event("image_version_delete", physical_id=aws.physical_id(1)))["Status"] == "SUCCESS"
    assert function.names().count("DeleteImageVersion") == 1
    assert aws.versions() == {}


def test_r18_the_deletion_fails(aws, delete, created):
    aws.service.faults.fail("internal trouble.", operation="DeleteImageVersion")

    response = delete()

    assert response["Status"] == "FAILED"
    assert response["Reason"] == (
        f"{ARN} could not be deleted: internal trouble. Remove what uses it, then delete it. "
        f"{REMEDY_OF_A_DELETED_STACK}"
    )


def test_r18_r47_r81_in_use(aws, function, update, delete, created):
    # GIVEN a replaced version that a running app uses
    update(BaseImage=f"{REPOSITORY}:1.1.0")
    aws.service.mark_in_use(ARN)
    start = aws.clock.now()

    response = delete()

    # THEN the reason and the log name the version, which CloudFormation does not know any more
    assert 180 < aws.clock.now() - start <= 190
    assert function.names().count("DeleteImageVersion") > 10
    assert response["Status"] == "FAILED"
    assert response["Reason"] == (
        f"DeleteImageVersion failed for {ARN}: ResourceInUse: ImageVersion ({ARN}) is in use. Remove the "
        "version from domains, spaces and running apps, then delete it. "
        f"{REMEDY_OF_A_DELETED_STACK}"
    )
    assert (function.logs[-1]["level"], function.logs[-1]["reason"]) == ("ERROR", response["Reason"])


WITH_IMAGE = {"DeletedWithImage": "true"}


@pytest.mark.parametrize("status", ["DELETE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS"])
@pytest.mark.parametrize("problem", ["in use", "failing"])
def test_r69_a_version_that_is_deleted_together_with_its_image(aws, function, delete, created, status, problem):
    # GIVEN the deletion of the stack, which deletes the function even if the Delete of the version fails
    aws.cloudformation.status = status
    if problem == "in use":
        aws.service.mark_in_use(ARN)
    else:
        aws.service.faults.fail("internal trouble", operation="DeleteImageVersion")
    start = aws.clock.now()

    response = delete(**WITH_IMAGE)

    # THEN the deletion of the image, which CloudFormation can repeat, reports the problem
    assert response["Status"] == "SUCCESS"
    ((level, message, fields),) = function.decisions()
    assert (level, message) == ("WARNING", "left for the deletion of the image, which reports what uses the version")
    assert fields["arn"] == ARN
    assert function.names()[-1] == "DescribeStacks"
    assert aws.clock.now() - start < 60


@pytest.mark.parametrize("status", ["UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS"])
@pytest.mark.parametrize("use_ends", [True, False])
def test_r69_a_version_that_its_image_may_outlive(aws, function, delete, created, status, use_ends):
    # GIVEN a stack that is not deleted
    aws.cloudformation.status = status
    aws.service.mark_in_use(ARN)
    start = aws.clock.now()

    def end_use(_operation, _parameters):
        if use_ends and aws.clock.now() - start > 120 and aws.versions():
            aws.service.mark_in_use(ARN, in_use=False)

    function.before_call = end_use

    response = delete(**WITH_IMAGE)

    level, message, fields = function.decisions()[0]
    assert (level, message, fields["arn"]) == ("WARNING", "the deletion is tried again", ARN)
    assert fields["reason"].startswith(f"DeleteImageVersion failed for {ARN}: ResourceInUse: ")
    assert function.names().count("DescribeStacks") == 1
    if use_ends:
        assert response["Status"] == "SUCCESS"
        assert aws.versions() == {}
    else:
        assert response["Status"] == "FAILED"
        assert response["Reason"].endswith(REMEDY_OF_A_DELETED_STACK)


def test_r69_a_version_that_can_be_deleted_costs_no_question(aws, function, delete, created):
    assert delete(**WITH_IMAGE)["Status"] == "SUCCESS"
    assert "DescribeStacks" not in function.names()
    assert aws.versions() == {}


def test_r69_a_denied_deletion_is_not_left_for_the_image(aws, function, delete, created):
    aws.cloudformation.status = "DELETE_IN_PROGRESS"
    aws.refuse("DeleteImageVersion", ServiceError("AccessDeniedException", "no policy allows it"), forever=True)

    response = delete(**WITH_IMAGE)

    assert response["Status"] == "FAILED"
    assert "no policy allows it" in response["Reason"]
    assert "DescribeStacks" not in function.names()


def test_r69_a_version_of_an_image_that_stays(aws, function, event, created):
    aws.cloudformation.status = "DELETE_IN_PROGRESS"
    aws.service.mark_in_use(ARN)

    response = function.deliver(event("image_version_delete") | {"LogicalResourceId": "Other"})

    assert response["Status"] == "FAILED"
    assert "DescribeStacks" not in function.names()
    assert response["Reason"].endswith(REMEDY_OF_A_DELETED_STACK.replace("-resources Version", "-resources Other"))


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        (
            "create",
            (
                "was not CREATED before the function's time was up. Deploy again; if it happens again, check the "
                "version in SageMaker."
            ),
        ),
        ("delete", "was not gone before the function's time was up. Check the version in SageMaker, and delete it."),
    ],
)
def test_r31_the_deadline_is_near(event, action, reason):
    # GIVEN a service that takes longer than the function may
    aws = Aws(create_seconds=1_000 if action == "create" else 2, delete_seconds=1_000)
    function = Function(aws, seconds=200)
    if action == "delete":
        function.deliver(event("image_version_create"))

    # WHEN the harness checks that the response is sent in time
    response = function.deliver(event(f"image_version_{action}"))

    assert response["Status"] == "FAILED"
    assert response["PhysicalResourceId"] == ID
    assert response["Reason"].startswith(f"{ARN} {reason} ")


def test_r36_properties_of_an_older_release(aws, delete, created):
    # GIVEN a release with fewer properties, and one that does not exist any more
    older = dict.fromkeys(["OnDelete", "Horovod", "JobType", "BaseImage", "ImageName"]) | {"Colour": "blue"}

    response = delete(**older)

    assert response["Status"] == "SUCCESS", response["Reason"]
    assert aws.versions() == {}


def test_r58_a_proxy_responds_in_the_place_of_sagemaker(aws, function, delete, created):
    aws.clock.advance(60)
    call, refused = aws.service.call, []

    def respond(operation, parameters, **where):
        if operation == "DeleteImageVersion" and not refused:
            refused.append(operation)
            return {}
        return call(operation, parameters, **where)

    aws.service.call = respond

    assert delete()["Status"] == "SUCCESS"
    assert aws.versions() == {}
    assert function.names().count("DeleteImageVersion") == 2
    # THEN the service had four polls to show that it deletes the version
    polls = [name for name in function.names() if name != "DescribeStacks"]
    assert polls[:7] == [
        "DescribeImageVersion",
        "DeleteImageVersion",
        *["DescribeImageVersion"] * 4,
        "DeleteImageVersion",
    ]


def test_r39_archived_on_teardown(aws, function, create, delete):
    create(**ARCHIVE)

    assert delete(**ARCHIVE)["Status"] == "SUCCESS"
    assert aws.describe(1)["VendorGuidance"] == "ARCHIVED"
    assert function.names() == ["DescribeStacks", "DescribeImageVersion", "UpdateImageVersion"]


def test_r39_archived_on_replacement(aws, create, update, delete):
    create(**ARCHIVE)
    update(BaseImage=f"{REPOSITORY}:1.1.0", **ARCHIVE)

    delete(**ARCHIVE)

    assert aws.describe(1)["VendorGuidance"] == "ARCHIVED"
    assert aws.versions() == {1: "CREATED", 2: "CREATED"}


@pytest.mark.parametrize(("code", "status"), [("ResourceInUse", "SUCCESS"), ("ValidationException", "FAILED")])
def test_r58_a_repeated_deletion_is_refused(aws, delete, created, code, status):
    aws.clock.advance(60)
    call, deletions = aws.service.call, []

    def respond(operation, parameters, **where):
        if operation == "DeleteImageVersion":
            deletions.append(operation)
            if len(deletions) == 1:
                return {}
            if len(deletions) == 2:
                raise ServiceError(code, "no")
        return call(operation, parameters, **where)

    aws.service.call = respond

    assert delete()["Status"] == status
    assert len(deletions) == (3 if status == "SUCCESS" else 2)


@pytest.mark.parametrize(("on_replace", "on_delete"), MIXED)
@pytest.mark.parametrize("case", ["replaced", "removed", "not in the stack", "stack deleted"])
def test_r39_a_replaced_and_a_removed_version_are_told_apart(
    aws, function, delete, created, on_replace, on_delete, case
):
    # GIVEN what CloudFormation says in the cleanup of an update, or in the deletion of the stack
    aws.cloudformation.status = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
    if case == "replaced":
        aws.cloudformation.physical_ids["Version"] = ID.replace("/1#", "/2#")
    elif case != "not in the stack":
        aws.cloudformation.physical_ids["Version"] = ID
    if case == "stack deleted":
        aws.cloudformation.status = "DELETE_IN_PROGRESS"

    assert delete(OnReplace=on_replace, OnDelete=on_delete)["Status"] == "SUCCESS"

    policy = on_replace if case == "replaced" else on_delete
    assert aws.versions() == ({1: "CREATED"} if policy == "ARCHIVE" else {})
    assert [name for name in function.names() if "Stack" in name] == ["DescribeStacks", "DescribeStackResource"]


@pytest.mark.parametrize(("on_replace", "on_delete"), [*MIXED, ("ARCHIVE", "ARCHIVE")])
@pytest.mark.parametrize("status", ["ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"])
@pytest.mark.parametrize("is_of_deployment", [True, False])
def test_r39_the_version_of_a_failed_deployment_is_deleted(
    aws, delete, created, on_replace, on_delete, status, is_of_deployment
):
    # GIVEN a rollback, and the version of its deployment, or an older one, whose Delete Lambda delivers again
    aws.cloudformation.status = status
    aws.cloudformation.physical_ids["Version"] = ID.replace("/1#", "/2#" if on_replace == "ARCHIVE" else "/1#")
    aws.cloudformation.began_at = aws.clock.now() - (600 if is_of_deployment else -600)

    delete(OnReplace=on_replace, OnDelete=on_delete)

    assert aws.versions() == ({} if is_of_deployment else {1: "CREATED"})


@pytest.mark.parametrize(("on_replace", "on_delete"), MIXED)
def test_r39_a_version_is_archived_if_its_case_cannot_be_told(
    aws, function, delete, created, monkeypatch, on_replace, on_delete
):
    def deny(**_):
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DescribeStackResource")

    monkeypatch.setattr(aws.cloudformation, "describe_stack_resource", deny)

    assert delete(OnReplace=on_replace, OnDelete=on_delete)["Status"] == "SUCCESS"
    assert aws.describe(1)["VendorGuidance"] == "ARCHIVED"
    level, message, fields = function.decisions()[0]
    assert (level, message) == ("WARNING", "could not read the physical id of the resource")
    assert fields["reason"].startswith("DescribeStackResource failed for ")


@pytest.mark.parametrize("status", ["CREATE_FAILED", "DELETE_FAILED", "DELETING"])
def test_r39_a_version_that_cannot_be_archived_is_deleted(aws, function, delete, created, status):
    aws.describe_as(status)

    assert delete(**ARCHIVE)["Status"] == "SUCCESS"
    assert "UpdateImageVersion" not in function.names()
    assert aws.versions() == {}


@pytest.mark.parametrize("forever", [False, True])
def test_r39_archived_while_another_write_is_running(aws, function, delete, created, forever):
    function.seconds = 100
    aws.refuse("UpdateImageVersion", BUSY, BUSY, forever=forever)

    response = delete(**ARCHIVE)

    if forever:
        assert response["Status"] == "FAILED"
        assert response["Reason"].startswith(f"UpdateImageVersion failed for {ARN}: ResourceInUse: ")
    else:
        assert aws.describe(1)["VendorGuidance"] == "ARCHIVED"


@pytest.mark.parametrize(
    ("on_delete", "first_calls"),
    [
        ("ARCHIVE", ["DescribeStacks", *["DescribeImageVersion"] * 2, "UpdateImageVersion"]),
        ("DELETE", ["DescribeImageVersion", "DeleteImageVersion"]),
    ],
)
def test_delete_waits_for_a_creation_only_to_archive_the_version(aws, function, delete, on_delete, first_calls):
    aws.sagemaker.create_image_version(
        ImageName="data-science", BaseImage=f"{REPOSITORY}:1.0.0", ClientToken="without-the-handler"
    )

    assert delete(OnReplace=on_delete, OnDelete=on_delete)["Status"] == "SUCCESS"
    assert function.names()[: len(first_calls)] == first_calls


@pytest.mark.parametrize("on_delete", ["DELETE", "ARCHIVE"])
@pytest.mark.parametrize("busy", [False, True])
def test_a_version_that_is_deleted_right_before_the_write(aws, function, delete, created, on_delete, busy):
    # GIVEN the version is deleted between Describe and the write, which the service refuses in one way or the other
    write = "DeleteImageVersion" if on_delete == "DELETE" else "UpdateImageVersion"

    def delete_first(operation, _parameters):
        if operation == write and aws.versions():
            aws.delete_version(1)
            aws.refuse(write, *[BUSY] * busy)

    function.before_call = delete_first

    response = delete(OnReplace=on_delete, OnDelete=on_delete)

    assert response["Status"] == "SUCCESS", response["Reason"]
    assert aws.versions() == {}


@pytest.mark.parametrize("polls", [1, 2])
def test_the_number_of_a_deleted_version_is_used_again(aws, function, delete, created, polls):
    # GIVEN a service that gives the number to a new version before the first or the second poll
    described = []
    call = aws.service.call

    def describe(operation, parameters, **where):
        if operation != "DescribeImageVersion":
            return call(operation, parameters, **where)
        again = len(described) == polls
        version = described[0] | {"CreationTime": aws.clock.now()} if again else call(operation, parameters, **where)
        described.append(version)
        return version

    aws.service.call = describe

    response = delete()

    assert response["Status"] == "SUCCESS"
    assert function.names() == ["DescribeImageVersion", "DeleteImageVersion", *["DescribeImageVersion"] * polls]


@pytest.mark.parametrize(
    ("physical_id", "reason"),
    [
        (ARN.replace("123456789012", "210987654321"), "belongs to another account or region than the stack"),
        (ARN.replace("eu-west-1", "us-east-1"), "belongs to another account or region than the stack"),
        (ARN.replace("arn:aws:", "arn:aws-cn:"), "belongs to another account or region than the stack"),
        (ARN.replace("data-science", "other"), "is not a version of the image data-science that the resource declares"),
    ],
    ids=["account", "region", "partition", "image"],
)
def test_delete_refuses_a_version_of_another_stack(function, delete, created, physical_id, reason):
    response = delete(physical_id=physical_id)

    assert response["Status"] == "FAILED"
    assert f"{physical_id} {reason}" in response["Reason"]
    assert response["Reason"].endswith("nothing was deleted.")
    assert function.names() == []
