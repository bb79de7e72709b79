"""Faults in this process: the effect of each kind, what is left of it, and its JSON form."""

import re

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError
from imgver_sandbox.faults.kinds import (
    CHANGE_OPERATIONS,
    FAULT_KINDS,
    DropFault,
    FailFault,
    LimitFault,
    from_json,
    to_json,
)
from imgver_sandbox.in_process import SageMakerImages

BASE_IMAGE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/data-science:1.0.0"
ARN = "arn:aws:sagemaker:eu-west-1:123456789012:image-version/data-science"


@pytest.fixture(scope="module")
def account():
    images = SageMakerImages()
    images.registry.push(BASE_IMAGE)
    return images


@pytest.fixture(scope="module")
def sagemaker(account):
    return account.client("sagemaker")


@pytest.fixture
def aws(account, sagemaker):
    """An account with the image `data-science` and without faults."""
    account.service.reset()
    sagemaker.create_image(ImageName="data-science", RoleArn="arn:aws:iam::123456789012:role/images")
    account.clock.advance(60)
    return account


@pytest.fixture
def create(aws, sagemaker):
    """Create a version and return its number."""

    def create():
        response = sagemaker.create_image_version(ImageName="data-science", BaseImage=BASE_IMAGE)
        return int(response["ImageVersionArn"].rpartition("/")[2])

    return create


@pytest.fixture
def describe(sagemaker):
    return lambda number: sagemaker.describe_image_version(ImageName="data-science", Version=number)


@pytest.fixture
def left(aws):
    """The active faults as the command line shows them."""
    return lambda: [f"{fault.kind} ({fault.left})" for fault in aws.faults.left()]


def invalid(message):
    return pytest.raises(ValueError, match=f"^{re.escape(message)}")


class TestChanges:
    def test_fail_applies_to_the_next_creations(self, aws, create, describe, left):
        aws.faults.fail("no space left", times=2)

        seen = []
        for _ in range(3):
            seen.append(left())
            version = describe(create())
            assert version["ImageVersionStatus"] == "CREATING"
            aws.clock.advance(60)
            version = describe(version["Version"])
            seen.append((version["ImageVersionStatus"], version.get("FailureReason")))

        assert seen == [
            ["CreateImageVersion fails: no space left (2 times)"],
            ("CREATE_FAILED", "no space left"),
            ["CreateImageVersion fails: no space left (once)"],
            ("CREATE_FAILED", "no space left"),
            [],
            ("CREATED", None),
        ]

    def test_a_refused_creation_does_not_use_the_fault(self, aws, create, left):
        create()
        aws.faults.fail("why")

        with pytest.raises(ClientError, match="ResourceInUse"):
            create()  # a moment after another write

        assert left() == ["CreateImageVersion fails: why (once)"]

    def test_slow_applies_to_the_next_creation_only(self, aws, create, describe, left):
        aws.faults.slow(100)
        assert left() == ["CreateImageVersion takes 100 s (once)"]

        slow = create()
        aws.clock.advance(97.5)
        usual = create()
        aws.clock.advance(2)
        assert [describe(number)["ImageVersionStatus"] for number in (slow, usual)] == ["CREATING", "CREATED"]
        aws.clock.advance(0.5)
        assert describe(slow)["ImageVersionStatus"] == "CREATED"
        assert left() == []

    def test_fail_and_slow_together_apply_to_another_operation(self, aws, create, describe, sagemaker, left):
        create()
        aws.clock.advance(60)
        aws.faults.slow(100, operation="DeleteImageVersion")
        aws.faults.fail("pinned", operation="DeleteImageVersion")
        aws.faults.fail("for another operation")

        sagemaker.delete_image_version(ImageName="data-science", Version=1)
        aws.clock.advance(99)
        assert describe(1)["ImageVersionStatus"] == "DELETING"
        aws.clock.advance(1)

        assert describe(1)["ImageVersionStatus"] == "DELETE_FAILED"
        assert left() == ["CreateImageVersion fails: for another operation (once)"]

    def test_hold_keeps_a_version_in_use_until_it_is_removed(self, aws, create, sagemaker, left):
        hold = aws.faults.hold("Data-Science", 1)
        aws.faults.hold("other", 2)
        for _ in range(2):
            create()
            aws.clock.advance(60)

        def delete_version(number):
            sagemaker.delete_image_version(ImageName="data-science", Version=number)
            aws.clock.advance(60)

        delete_version(2)
        for delete in (lambda: delete_version(1), lambda: sagemaker.delete_image(ImageName="data-science")):
            with pytest.raises(sagemaker.exceptions.ResourceInUse, match=rf"ImageVersion \({ARN}/1\) is in use\.$"):
                delete()
        assert left()[0] == "version 1 of Data-Science is in use (until removed)"

        aws.faults.remove(hold.id)
        delete_version(1)


class TestRequests:
    def test_drop_before_and_after_the_effect(self, aws, create, sagemaker, left):
        def versions():
            return len(sagemaker.list_image_versions(ImageName="data-science")["ImageVersions"])

        aws.faults.drop("before")
        assert left() == ["any call loses its connection before its effect (once)"]
        with pytest.raises(ConnectionClosedError):
            create()
        assert (versions(), left()) == (0, [])

        aws.faults.drop("after", operation="CreateImageVersion")
        assert versions() == 0
        with pytest.raises(ConnectionClosedError):
            create()
        assert (versions(), left()) == (1, [])

        # A request that the service refuses loses its connection too.
        aws.faults.drop("after")
        with pytest.raises(ConnectionClosedError):
            sagemaker.describe_image(ImageName="none")

    def test_error(self, aws, create, sagemaker, left):
        aws.faults.error(operation="CreateImageVersion", times=2)
        sagemaker.list_images()

        for expected in ("2 times", "once"):
            assert left() == [f"CreateImageVersion is answered with status 500 ({expected})"]
            with pytest.raises(ClientError, match=r"\(InternalFailure\).*: The request processing has failed\.$") as e:
                create()
            assert e.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500

        assert create() == 1

    def test_limit(self, aws, create, sagemaker, left):
        aws.faults.limit()
        aws.faults.limit(operation="CreateDomain", times=2)

        with pytest.raises(sagemaker.exceptions.ResourceLimitExceeded) as refused:
            create()

        assert refused.value.response["Error"]["Message"] == "CreateImageVersion exceeds a limit of this account."
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
        assert left() == ["CreateDomain exceeds a limit (2 times)"]
        assert create() == 1

    def test_deny_begins_with_the_first_request(self, aws, sagemaker, left):
        aws.faults.deny(10, operation="ListImages")
        aws.clock.advance(100)
        assert left() == ["ListImages is denied for 10 s (10 s from the first call)"]

        for seconds_left in ("10.0 s", "5.0 s"):
            with pytest.raises(ClientError) as denied:
                sagemaker.list_images()
            assert denied.value.response["Error"] == {
                "Code": "AccessDeniedException",
                "Message": (
                    "User is not authorized to perform: sagemaker:ListImages because no identity-based policy allows "
                    "the sagemaker:ListImages action"
                ),
            }
            assert left() == [f"ListImages is denied for 10 s ({seconds_left})"]
            aws.clock.advance(5)

        assert left() == []
        sagemaker.list_images()

    def test_throttle_counts_requests_in_any_second(self, aws, sagemaker, left):
        aws.faults.throttle(2)
        results = []
        for _ in range(8):
            try:
                sagemaker.list_images()
                results.append("ok")
            except ClientError as error:
                results.append(error.response["Error"])
            aws.clock.advance(0.3)

        throttled = {"Code": "ThrottlingException", "Message": "Rate exceeded"}
        assert results == ["ok", "ok", throttled, throttled, "ok", "ok", throttled, throttled]
        assert left() == ["any call above 2 a second is throttled (until removed)"]

    def test_only_the_first_fault_that_applies_takes_effect(self, aws, sagemaker, left):
        aws.faults.error(operation="DescribeImage")
        aws.faults.drop("before")
        aws.faults.error()

        with pytest.raises(ConnectionClosedError):
            sagemaker.list_images()

        assert left() == [
            "DescribeImage is answered with status 500 (once)",
            "any call is answered with status 500 (once)",
        ]

    def test_calls_in_the_process_and_calls_of_ecr_have_no_faults(self, aws, left):
        aws.faults.error()

        aws.service.call("ListImages", {}, account=aws.account, region=aws.region)
        aws.client("ecr").describe_images(repositoryName="data-science")

        assert left() == ["any call is answered with status 500 (once)"]


class TestRemove:
    @pytest.mark.parametrize("reset", ["faults", "service"])
    def test_reset_removes_all_faults(self, aws, left, reset):
        settings = {"reason": "why", "seconds": 1, "image": "i", "version": 1, "per_second": 1, "when": "after"}
        for name, kind in FAULT_KINDS.items():
            required = {setting: value for setting, value in settings.items() if setting in kind.__annotations__}
            aws.faults.add(from_json({"kind": name, **required}))
        assert len(left()) == len(FAULT_KINDS)

        getattr(aws, reset).reset()

        assert left() == []

    def test_only_an_active_fault_can_be_removed(self, aws, sagemaker):
        first, second = aws.faults.error(), aws.faults.deny(10)
        aws.faults.remove(first.id)
        with invalid(f"id {first.id} must be the id of an active fault: {second.id}"):
            aws.faults.remove(first.id)
        with pytest.raises(ClientError):
            sagemaker.list_images()
        aws.clock.advance(10)

        with invalid(f"id {second.id} must be the id of an active fault: no fault is active"):
            aws.faults.remove(second.id)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (None, 'a fault must be a JSON object like {"kind": "fail", "reason": "no space left"}'),
        (["fail"], "a fault must be a JSON object like "),
        ({}, "kind None must be one of fail, slow, hold, throttle, deny, drop, error, limit"),
        ({"kind": []}, "kind [] must be one of fail, "),
        ({"kind": "fly"}, "kind 'fly' must be one of fail, "),
        ({"kind": "fail"}, "setting 'reason' of fault 'fail' must be given"),
        ({"kind": "fail", "name": "x"}, "setting 'name' of fault 'fail' must be one of reason, operation, times"),
        ({"kind": "fail", "reason": " "}, "reason ' ' must be a string that is not empty"),
        ({"kind": "fail", "reason": 7}, "reason 7 must be a string that is not empty"),
        ({"kind": "error", "times": 0}, "times 0 must be a whole number, 1 or more"),
        ({"kind": "error", "times": True}, "times True must be a whole number, 1 or more"),
        ({"kind": "error", "times": 1.5}, "times 1.5 must be a whole number, 1 or more"),
        ({"kind": "slow", "seconds": 0}, "seconds 0 must be a number above 0"),
        ({"kind": "slow", "seconds": "9"}, "seconds '9' must be a number above 0"),
        ({"kind": "deny", "seconds": float("inf")}, "seconds inf must be a number above 0"),
        ({"kind": "deny", "seconds": float("nan")}, "seconds nan must be a number above 0"),
        ({"kind": "throttle", "per_second": 0}, "per_second 0 must be a whole number, 1 or more"),
        ({"kind": "hold", "image": "", "version": 1}, "image '' must be the name of an image"),
        ({"kind": "hold", "image": "i", "version": 0}, "version 0 must be a whole number, 1 or more"),
        ({"kind": "drop", "when": "during"}, "when 'during' must be before or after"),
        ({"kind": "drop", "when": []}, "when [] must be before or after"),
        (
            {"kind": "fail", "reason": "why", "operation": "DescribeImage"},
            f"operation 'DescribeImage' of fault 'fail' must be one of {', '.join(CHANGE_OPERATIONS)}",
        ),
        (
            {"kind": "slow", "seconds": 1, "operation": None},
            f"operation None of fault 'slow' must be one of {', '.join(CHANGE_OPERATIONS)}",
        ),
        (
            {"kind": "limit", "operation": "DeleteImage"},
            "operation 'DeleteImage' of fault 'limit' must be one of CreateImage, CreateImageVersion, CreateDomain",
        ),
        (
            {"kind": "error", "operation": "describe_image"},
            "operation 'describe_image' of fault 'error' must be one of CreateImage, DescribeImage, ",
        ),
        ({"kind": "error", "operation": ["ListImages"]}, "operation ['ListImages'] of fault 'error' must be one of "),
    ],
)
def test_an_invalid_fault_is_refused(aws, left, settings, message):
    with invalid(message):
        aws.faults.add(from_json(settings))
    assert left() == []


@pytest.mark.parametrize("kind", [FailFault("why", "CreateImage", 3), DropFault("after"), LimitFault("CreateImage")])
def test_json_keeps_all_settings(kind):
    assert from_json(to_json(kind)) == kind
