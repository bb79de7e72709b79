"""Events that Lambda delivers late or again, after CloudFormation has got a response or has moved on."""

import itertools

import pytest
from botocore.exceptions import ClientError
from harness import ID, METADATA, REPOSITORY, UNCHANGED, Aws
from imgver_sandbox.sagemaker.assumptions import Assumptions

REFUSED = (
    "nothing was changed: CloudFormation does not wait for this event any more, because its deployment is over or "
    "rolls back."
)
WRITES = {"CreateImageVersion", "UpdateImageVersion", "DeleteImageVersion"}
TOKENS = [
    {"repeat_of_dead_create": repeat, "highest_number_after_delete": number}
    for repeat, number in itertools.product(["old_arn", "new_version"], ["reused", "retired"])
]


@pytest.fixture
def aws(request):
    return Aws(assumptions=Assumptions(**getattr(request, "param", {})))


every_token_assumption = pytest.mark.parametrize(
    "aws", TOKENS, indirect=True, ids=lambda chosen: "-".join(chosen.values())
)


@pytest.fixture
def deploy(aws):
    """Begins an update of the stack, or moves it to another status, a minute later."""

    def deploy(status="UPDATE_IN_PROGRESS"):
        aws.clock.advance(60)
        if status == "UPDATE_IN_PROGRESS":
            aws.cloudformation.began_at = aws.clock.now()
        aws.cloudformation.status = status

    return deploy


def state_of(aws, image="data-science"):
    """Everything that a late event could change."""
    fields = ("CreationTime", "LastModifiedTime", "ImageVersionStatus", "ReleaseNotes", "VendorGuidance")
    described = {number: aws.describe(number, image) for number in aws.versions(image)}
    return {
        number: ([one.get(field) for field in fields], aws.aliases(number, image)) for number, one in described.items()
    }


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "DELETE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"])
@every_token_assumption
def test_r53_a_create_is_delivered_again_after_the_stack_rolled_back(aws, function, event, delete, deploy, status):
    create = event("image_version_create", sent_at=aws.clock.now())
    function.deliver(create)
    delete()
    deploy(status)

    response = function.deliver(create)

    assert (response["Status"], response["Reason"]) == ("FAILED", REFUSED)
    assert not WRITES & set(function.names())
    assert aws.versions() == {}


@pytest.mark.parametrize("action", ["create", "update"])
@every_token_assumption
def test_r53_r54_a_late_event_of_a_deleted_stack_deletes_nothing_that_the_stack_retained(
    aws, function, event, create, deploy, action
):
    # GIVEN a version that its stack retained when it was deleted
    if action == "update":
        create()
        deploy()
    late = event(f"image_version_{action}", sent_at=aws.clock.now())
    function.deliver(late)
    retained = state_of(aws)
    deploy("DELETE_COMPLETE")

    assert function.deliver(late)["Reason"] == REFUSED
    assert state_of(aws) == retained


@pytest.mark.parametrize("status", ["UPDATE_COMPLETE", "DELETE_COMPLETE"])
@pytest.mark.parametrize("on_delete", ["ARCHIVE", "DELETE"])
def test_r54_a_late_delete_of_an_archived_version_changes_nothing(
    aws, function, event, create, deploy, on_delete, status
):
    # GIVEN a version that was archived when it was replaced, and that somebody uses again
    policies = {"OnReplace": "ARCHIVE", "OnDelete": on_delete}
    create(**policies)
    aws.cloudformation.physical_ids["Version"] = ID.replace("/1#", "/2#")
    deploy("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
    late = event("image_version_delete", **policies, sent_at=aws.clock.now())
    function.deliver(late)
    assert aws.describe(1)["VendorGuidance"] == "ARCHIVED"
    aws.clock.advance(60)
    aws.update_version(1, VendorGuidance="STABLE")
    aws.cloudformation.physical_ids.clear()
    deploy(status)

    assert function.deliver(late)["Reason"] == REFUSED
    assert aws.describe(1)["VendorGuidance"] == "STABLE"


@pytest.mark.parametrize("others", ["later", "just before", "a minute before", "soon, but different"])
@every_token_assumption
def test_r53_a_late_create_finds_a_version_that_somebody_else_has_created(aws, function, event, delete, deploy, others):
    if others == "a minute before":
        aws.create_version(**METADATA)
    create = event("image_version_create", sent_at=aws.clock.now())
    if others == "just before":
        aws.sagemaker.create_image_version(
            ImageName="data-science", BaseImage=f"{REPOSITORY}:1.0.0", ClientToken="somebody-else", **METADATA
        )
    delete(physical_id=function.deliver(create)["PhysicalResourceId"])
    if others == "soon, but different":
        aws.create_version(ReleaseNotes="By somebody else")
    deploy("ROLLBACK_COMPLETE")
    aws.create_version(**METADATA)
    before = state_of(aws)

    assert function.deliver(create)["Status"] == "FAILED"
    assert others == "just before" or not WRITES & set(function.names())
    assert state_of(aws) == before


@pytest.mark.parametrize("aws", [{"repeat_of_dead_create": "new_version"}], indirect=True)
def test_r53_a_late_create_removes_the_version_that_it_creates_because_its_own_was_just_deleted(
    aws, function, event, deploy, crash_before_poll
):
    # GIVEN another delivery deletes the version between two calls of this one, and its number is given again
    create = event("image_version_create", sent_at=aws.clock.now())
    crash_before_poll(create)
    deploy("ROLLBACK_COMPLETE")

    def delete_first(operation, _parameters):
        if operation == "CreateImageVersion":
            aws.sagemaker.delete_image_version(ImageName="data-science", Version=1)
            aws.clock.advance(60)

    function.before_call = delete_first

    assert function.deliver(create)["Reason"] == REFUSED
    assert function.names().count("CreateImageVersion") == 1
    assert aws.versions() == {}


@pytest.mark.parametrize("outcome", ["created", "failed"])
@every_token_assumption
def test_r53_a_late_create_removes_the_version_of_a_delivery_that_ended_without_a_response(
    aws, function, event, deploy, outcome, crash_before_poll
):
    # GIVEN the process ended right after CreateImageVersion, and the stack rolled back
    create = event("image_version_create", sent_at=aws.clock.now())
    if outcome == "failed":
        aws.service.faults.fail("internal trouble")

    crash_before_poll(create)
    deploy("ROLLBACK_COMPLETE")

    # THEN only a failed version remains, if the service does not return it for the same token
    assert function.deliver(create)["Status"] == "FAILED"
    unknown = outcome == "failed" and aws.assumptions.repeat_of_dead_create == "new_version"
    assert aws.versions() == ({1: "CREATE_FAILED"} if unknown else {})


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"])
def test_r53_a_create_is_delivered_again_after_the_deployment(aws, function, event, deploy, status):
    create = event("image_version_create", sent_at=aws.clock.now())
    function.deliver(create)
    before = state_of(aws)
    deploy(status)

    assert function.deliver(create)["Reason"] == REFUSED
    assert state_of(aws) == before


@pytest.mark.parametrize("seconds", [29, 30])
@pytest.mark.parametrize("answer", ["CREATE_IN_PROGRESS", "no answer"])
def test_r53_a_late_create_that_cloudformation_waits_for_creates_the_version(
    aws, function, event, monkeypatch, answer, seconds
):
    def deny(**_):
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DescribeStacks")

    create = event("image_version_create", sent_at=aws.clock.now())
    aws.cloudformation.status = answer
    if answer == "no answer":
        monkeypatch.setattr(aws.cloudformation, "describe_stacks", deny)
    aws.clock.advance(seconds)

    assert function.deliver(create)["Status"] == "SUCCESS"
    assert function.names().count("DescribeStacks") == (2 if seconds == 30 else 1)
    assert aws.versions() == {1: "CREATED"}


@pytest.mark.parametrize("query", ["X-Amz-Date=20231399T221419Z", "Expires=1699999999"])
def test_r53_an_event_without_a_time_does_not_count_as_late(aws, function, event, query):
    create = event("image_version_create") | {"ResponseURL": f"https://example.invalid/response?{query}"}
    aws.clock.advance(3600)

    assert function.deliver(create)["Status"] == "SUCCESS"
    assert function.names().count("DescribeStacks") == 1


@pytest.mark.parametrize("status", ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"])
@every_token_assumption
def test_r54_an_update_is_delivered_again_after_two_more_deployments(
    aws, function, event, update, delete, deploy, status
):
    # GIVEN three deployments, each of which replaces the version
    function.deliver(event("image_version_create"))
    deploy()
    late = event("image_version_update", BaseImage=f"{REPOSITORY}:1.1.0", sent_at=aws.clock.now())
    second = function.deliver(late)["PhysicalResourceId"]
    delete()
    deploy()
    update(old=late["ResourceProperties"], physical_id=second)
    delete(physical_id=second)
    deploy(status)
    before = state_of(aws)

    response = function.deliver(late)

    assert (response["Status"], response["PhysicalResourceId"]) == ("FAILED", ID)
    assert response["Reason"] == REFUSED
    assert state_of(aws) == before


def test_r54_a_late_update_finds_the_version_of_a_delivery_that_ended(
    aws, function, event, create, deploy, crash_before_poll
):
    # GIVEN a replacement because of metadata that cannot be unset, whose process ended, and a rollback
    create()
    deploy()
    late = event("image_version_update", **UNCHANGED | {"ReleaseNotes": None}, sent_at=aws.clock.now())
    crash_before_poll(late)
    aws.cloudformation.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    aws.clock.advance(60)

    function.deliver(late)

    assert aws.versions() == {1: "CREATED"}


def test_r54_an_update_of_metadata_is_delivered_again(aws, function, event, create, update, deploy):
    create()
    late = event("image_version_update", **UNCHANGED | {"ReleaseNotes": "Second"}, sent_at=aws.clock.now())
    function.deliver(late)
    deploy()
    update(ReleaseNotes="Third")
    before = state_of(aws)

    assert function.deliver(late)["Reason"] == REFUSED
    assert state_of(aws) == before


def test_r54_a_late_update_of_the_rollback_restores_the_metadata(aws, function, event, create, update, deploy):
    # GIVEN an update changed the metadata in place, and the process ended when the rollback sent its Update
    create()
    deploy()
    update(ReleaseNotes="Second")
    aws.cloudformation.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    swapped = event("image_version_update", **UNCHANGED, old={"ReleaseNotes": "Second"}, sent_at=aws.clock.now())
    aws.clock.advance(60)

    response = function.deliver(swapped)

    assert response["Status"] == "SUCCESS", response["Reason"]
    assert aws.describe(1)["ReleaseNotes"] == "First release"


def test_r54_a_late_update_of_the_cancelled_update_writes_no_metadata(aws, function, event, create):
    # GIVEN the rollback ends while the event waits
    create()
    aws.cloudformation.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    late = event("image_version_update", **UNCHANGED | {"ReleaseNotes": "Second"}, sent_at=aws.clock.now() - 60)

    def end_of_rollback(operation, _parameters):
        if function.names().count("DescribeStacks") == 3:
            aws.cloudformation.status = "UPDATE_ROLLBACK_COMPLETE"

    function.before_call = end_of_rollback

    assert function.deliver(late)["Reason"] == REFUSED
    assert aws.describe(1)["ReleaseNotes"] == "First release"


def test_r54_a_late_update_of_a_running_update_changes_the_metadata(aws, function, event, create):
    create()
    late = event("image_version_update", **UNCHANGED | {"ReleaseNotes": "Second"}, sent_at=aws.clock.now())
    aws.clock.advance(60)

    assert function.deliver(late)["Status"] == "SUCCESS"
    assert aws.describe(1)["ReleaseNotes"] == "Second"
    assert function.names() == ["DescribeImageVersion", "DescribeStacks", "UpdateImageVersion"]


@pytest.mark.parametrize("status", ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"])
@pytest.mark.parametrize("action", ["create", "update", "delete"])
def test_r53_r54_a_late_event_of_an_alias_changes_nothing(aws, function, event, alias, deploy, action, status):
    # GIVEN an alias that the stack, or somebody else, has moved to another version since
    for _ in range(3):
        aws.create_version()
    alias("create")
    deploy()
    late = event(f"image_alias_{action}", sent_at=aws.clock.now())
    function.deliver(late)
    deploy()
    if action == "delete":
        alias("create")
    else:
        alias("update", Version="3", old={"Version": late["ResourceProperties"]["Version"]})
    deploy(status)
    before = state_of(aws)

    response = function.deliver(late)

    assert response["Reason"] == REFUSED
    assert not WRITES & set(function.names())
    assert state_of(aws) == before


def test_r54_a_late_delete_that_cloudformation_waits_for_removes_the_alias(aws, function, event, alias):
    aws.create_version()
    alias("create")
    late = event("image_alias_delete", sent_at=aws.clock.now())
    aws.cloudformation.status = "DELETE_IN_PROGRESS"
    aws.clock.advance(60)

    assert function.deliver(late)["Status"] == "SUCCESS"
    assert aws.aliases(1) == []


@pytest.mark.parametrize("status", ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE", "DELETE_COMPLETE"])
@pytest.mark.parametrize("action", ["create", "update"])
def test_r53_r54_a_late_event_of_a_retention_deletes_nothing(aws, function, event, deploy, action, status):
    # GIVEN more versions than the retention keeps
    late = event(f"image_retention_{action}", sent_at=aws.clock.now())
    for _ in range(6):
        aws.create_version()
    deploy(status)

    function.deliver(late)

    assert aws.versions() == dict.fromkeys(range(1, 7), "CREATED")
