"""Reads of SageMaker that lag behind writes, or that return nothing usable."""

import pytest
from harness import ARN, ID, REPOSITORY, Aws, Function
from imgver_sandbox.sagemaker.service import ServiceError

MISSING = "missing"
"""DescribeImageVersion responds that the version does not exist."""
CURRENT = "current"
"""DescribeImageVersion returns the version as it is."""
UNUSABLE = [{}, {"CreationTime": None}, {"ImageVersionStatus": None}, {"ImageVersionStatus": 3}]


@pytest.fixture
def aws():
    return Aws(create_seconds=20)


@pytest.fixture
def reads(aws):
    """Sets the responses of the next calls of DescribeImageVersion: ``reads(MISSING, CURRENT, {})``.

    Members of a dict replace those of the response, an empty dict the whole response. ``forever`` repeats the last one.
    """

    def set_responses(*responses, forever=False):
        call = aws.service.call
        remaining = list(responses)

        def respond(operation, parameters, **where):
            if operation != "DescribeImageVersion" or not remaining:
                return call(operation, parameters, **where)
            response = remaining[0] if forever and len(remaining) == 1 else remaining.pop(0)
            if response == MISSING:
                raise ServiceError("ResourceNotFound", "ImageVersion does not exist.")
            if response == {}:
                return {}
            return call(operation, parameters, **where) | ({} if response == CURRENT else response)

        aws.service.call = respond

    return set_responses


@pytest.mark.parametrize("unusable", UNUSABLE, ids=str)
@pytest.mark.parametrize("before", [[], [CURRENT]], ids=["at first", "later"])
def test_r58_unusable_responses_are_retried_while_the_version_is_created(
    aws, function, create, reads, before, unusable
):
    reads(*before, unusable, unusable, unusable)

    response = create()

    assert (response["Status"], response["PhysicalResourceId"]) == ("SUCCESS", ID)
    assert function.names().count("CreateImageVersion") == 1


@pytest.mark.parametrize(("before", "physical_id"), [([], ARN), ([CURRENT], ID)], ids=["at first", "later"])
@pytest.mark.parametrize("unusable", UNUSABLE, ids=str)
def test_r58_a_response_that_stays_unusable_fails_with_the_version(aws, create, reads, before, physical_id, unusable):
    reads(*before, unusable, forever=True)

    response = create()

    # THEN the version is named, and deleted although no response says so
    assert (response["Status"], response["PhysicalResourceId"]) == ("FAILED", physical_id)
    assert f"DescribeImageVersion failed for {ARN}: UnusableResponse: " in response["Reason"]
    aws.clock.advance(60)
    assert aws.versions() == {}


@pytest.mark.parametrize(
    "responses",
    [
        [MISSING],
        [MISSING] * 4,
        [CURRENT, MISSING],
        [MISSING, CURRENT, MISSING, CURRENT, *[MISSING] * 11],
        [MISSING, *[CURRENT] * 8, *[MISSING] * 11],
    ],
    ids=["once at first", "10 s", "once later", "on and off", "after the creation"],
)
def test_r59_a_new_version_that_is_not_found_for_some_seconds(aws, function, create, reads, responses):
    reads(*responses)

    response = create()

    assert (response["Status"], response["PhysicalResourceId"]) == ("SUCCESS", ID)
    assert function.names().count("CreateImageVersion") == 1
    assert aws.versions() == {1: "CREATED"}


@pytest.mark.parametrize("polls", [12, 13])
def test_r59_a_new_version_that_no_read_finds_for_half_a_minute_is_deleted(aws, function, create, reads, polls):
    reads(*[MISSING] * polls)

    response = create()

    is_found = polls == 12
    reason = f"{ARN} could not be read after it was created, and is deleted again. Deploy again."
    aws.clock.advance(60)
    assert (response["Reason"], response["PhysicalResourceId"]) == (("", ID) if is_found else (reason, ARN))
    assert function.names().count("CreateImageVersion") == 1
    assert aws.versions() == ({1: "CREATED"} if is_found else {})


def test_r59_a_version_that_was_found_counts_as_deleted_after_half_a_minute(aws, function, create, reads):
    reads(CURRENT, *[MISSING] * 12)

    response = create()

    # THEN no other version is created, and this one is deleted if it still exists
    assert response["Status"] == "FAILED"
    assert response["Reason"] == f"{ARN} was deleted while it was being created. Deploy again."
    assert response["PhysicalResourceId"] == ID
    assert function.names().count("CreateImageVersion") == 1
    assert aws.versions() == {}


@pytest.mark.parametrize(
    ("action", "age", "polls"), [("update", 0, 11), ("update", 10, 11), ("update", 60, 1), ("delete", 0, 1)]
)
def test_r59_a_version_of_the_stack_that_is_not_found_for_some_seconds(
    aws, function, event, create, reads, action, age, polls
):
    # A new version may not be found for half a minute, an old one is not found only now and then.
    physical_id = create()["PhysicalResourceId"]
    aws.clock.advance(age)
    reads(*[MISSING] * polls)

    response = function.deliver(
        event(f"image_version_{action}", BaseImage=f"{REPOSITORY}:1.0.0", physical_id=physical_id)
    )

    assert (response["Status"], response["PhysicalResourceId"]) == ("SUCCESS", physical_id)
    assert aws.versions() == ({1: "CREATED"} if action == "update" else {})


def test_r59_a_version_that_no_read_has_found_yet_is_deleted(event, delete, reads):
    # GIVEN a Delete a few seconds after the Create
    aws = Aws(create_seconds=2)
    function = Function(aws)
    physical_id = function.deliver(event("image_version_create"))["PhysicalResourceId"]
    call = aws.service.call

    def hide(operation, parameters, **where):
        if operation == "DescribeImageVersion" and aws.clock.now() < 1_700_000_074:
            raise ServiceError("ResourceNotFound", "ImageVersion does not exist.")
        return call(operation, parameters, **where)

    aws.service.call = hide

    assert function.deliver(event("image_version_delete", physical_id=physical_id))["Status"] == "SUCCESS"
    assert aws.versions() == {}


@pytest.mark.parametrize(("age", "seconds"), [(0, 2.5), (60, 2.5)])
def test_r59_a_version_that_stays_missing_is_gone(aws, delete, create, age, seconds):
    create()
    aws.delete_version(1)
    physical_id = f"{ARN}#{aws.clock.now() - age:.1f}"
    start = aws.clock.now()

    assert delete(physical_id=physical_id)["Status"] == "SUCCESS"
    assert aws.clock.now() - start == seconds


def test_r59_a_deletion_that_fails_while_reads_flap_is_not_taken_for_done(aws, delete, create, reads):
    create()
    aws.service.faults.fail("internal trouble", operation="DeleteImageVersion")
    deleting = {"ImageVersionStatus": "DELETING"}
    reads(CURRENT, deleting, MISSING, CURRENT)

    assert "internal trouble" in delete()["Reason"]


def test_r59_a_deletion_that_is_refused_while_reads_lag_is_repeated(aws, delete, create, reads):
    create()
    aws.clock.advance(60)
    aws.refuse("DeleteImageVersion", ServiceError("ResourceInUse", "Resource was modified concurrently"))
    reads(CURRENT, MISSING)

    assert delete()["Status"] == "SUCCESS"
    assert aws.versions() == {}


def test_r59_a_read_that_flaps_while_sagemaker_throttles(aws, function, create, reads, delete):
    # GIVEN throttling, because of which the first poll comes after a pause
    create(OnDelete="ARCHIVE")
    function.throttle_state.record_throttle(aws.clock.now())
    reads(MISSING, CURRENT)

    delete(OnDelete="ARCHIVE")

    assert aws.describe(1)["VendorGuidance"] == "ARCHIVED"


def test_r59_a_lagging_read_of_a_cancelled_create(event, reads, aws):
    function = Function(aws)
    aws.cloudformation.status = "ROLLBACK_IN_PROGRESS"
    reads(MISSING, MISSING, *[CURRENT] * 7, MISSING)

    function.deliver(event("image_version_create"))
    aws.clock.advance(60)
    assert aws.versions() == {}
