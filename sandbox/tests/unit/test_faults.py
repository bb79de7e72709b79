"""Faults in this process: the effect of each kind, what is left of it, and its JSON form."""

import operator
import re

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError
from imgver_sandbox.faults import kinds
from imgver_sandbox.in_process import client
from imgver_sandbox.sagemaker.errors import ServiceError

ARN = "arn:aws:sagemaker:eu-west-1:123456789012:image-version/data-science"


@pytest.fixture(scope="module")
def shared_account(make_aws):
    return make_aws()


@pytest.fixture(scope="module")
def sagemaker(shared_account):
    """A boto3 client, which is slow to create, for the account of all tests."""
    return client("sagemaker", shared_account.service)


@pytest.fixture
def aws(shared_account):
    """An account with the image `data-science` and without faults."""
    shared_account.service.reset()
    shared_account.image()
    return shared_account


@pytest.fixture
def faults(aws):
    return aws.service.faults


@pytest.fixture
def left(faults):
    """The active faults as the command line shows them."""
    return lambda: [f"{fault.kind} ({fault.left})" for fault in faults.left()]


@pytest.fixture
def create(aws, sagemaker):
    """Create a version with boto3."""
    return lambda: sagemaker.create_image_version(ImageName="data-science", BaseImage=aws.base_image)


def invalid(message):
    return pytest.raises(ValueError, match=f"^{re.escape(message)}")


class TestChanges:
    def test_fail_applies_to_the_next_creations(self, aws, faults, left, refused):
        faults.fail("no space left", times=2)
        for remainder in ("2 times", "once"):
            assert left() == [f"CreateImageVersion fails: no space left ({remainder})"]
            version = aws.describe(aws.version())
            assert (version["ImageVersionStatus"], version["FailureReason"]) == ("CREATE_FAILED", "no space left")
        assert left() == []
        assert aws.status(aws.version()) == "CREATED"

    def test_a_refused_creation_does_not_use_the_fault(self, aws, faults, left, refused):
        aws.start()
        faults.fail("why")

        with refused("ResourceInUse", "Resource was modified concurrently"):
            aws.start()

        assert left() == ["CreateImageVersion fails: why (once)"]

    def test_slow_applies_to_the_next_creation_only(self, aws, faults, left):
        faults.slow(100)
        assert left() == ["CreateImageVersion takes 100 s (once)"]

        aws.start()
        aws.clock.advance(97.5)
        aws.start()
        aws.clock.advance(2)
        assert (aws.status(1), aws.status(2), left()) == ("CREATING", "CREATED", [])
        aws.clock.advance(0.5)
        assert aws.status(1) == "CREATED"

    def test_fail_and_slow_together_apply_to_another_operation(self, aws, faults, left):
        aws.version()
        faults.slow(100, operation="DeleteImageVersion")
        faults.fail("pinned", operation="DeleteImageVersion")
        faults.fail("for another operation")

        aws.DeleteImageVersion(Version=1)
        aws.clock.advance(99)
        assert aws.status(1) == "DELETING"
        aws.clock.advance(1)

        assert aws.status(1) == "DELETE_FAILED"
        assert left() == ["CreateImageVersion fails: for another operation (once)"]

    def test_hold_keeps_a_version_in_use_until_it_is_removed(self, aws, faults, left, refused):
        hold = faults.hold("Data-Science", 1)
        faults.hold("other", 2)
        aws.version()
        aws.version()

        aws.delete(2)
        for delete in (lambda: aws.delete(1), aws.DeleteImage):
            with refused("ResourceInUse", f"ImageVersion ({ARN}/1) is in use."):
                delete()
        assert left()[0] == "version 1 of Data-Science is in use (until removed)"

        faults.remove(hold.id)
        aws.delete(1)

    @pytest.mark.parametrize(
        ("given", "effect", "applies"),
        [(None, "every domain", True), ("this", "d-", True), ("d-0", "d-0", False)],
    )
    def test_in_service_refuses_updates_of_a_domain(self, aws, faults, left, given, effect, applies):
        settings = {"ExecutionRole": aws.role}
        domain = aws.CreateDomain(DomainName="d", AuthMode="IAM", DefaultUserSettings=settings)["DomainId"]
        aws.wait()

        fault = faults.in_service(domain if given == "this" else given)

        assert left()[0].startswith(f"an app runs in {effect}")
        if applies:
            with pytest.raises(ServiceError, match="with InService App"):
                aws.UpdateDomain(DomainId=domain)
            faults.remove(fault.id)
        aws.UpdateDomain(DomainId=domain)


class TestRequests:
    def test_drop_before_and_after_the_effect(self, aws, faults, create, sagemaker, left):
        faults.drop("before")
        assert left() == ["any call loses its connection before its effect (once)"]
        with pytest.raises(ConnectionClosedError):
            create()
        assert (aws.versions(), left()) == ([], [])

        faults.drop("after", operation="CreateImageVersion")
        sagemaker.list_images()
        with pytest.raises(ConnectionClosedError):
            create()
        assert (aws.versions(), left()) == ([1], [])

        # A request that the service refuses loses its connection too.
        faults.drop("after")
        with pytest.raises(ConnectionClosedError):
            sagemaker.describe_image(ImageName="none")

    def test_error(self, faults, create, sagemaker, left):
        faults.error(operation="CreateImageVersion", times=2)
        sagemaker.list_images()

        for expected in ("2 times", "once"):
            assert left() == [f"CreateImageVersion gets the status 500 ({expected})"]
            with pytest.raises(ClientError, match=r"\(InternalFailure\).*: The request processing has failed\.$") as e:
                create()
            assert e.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500

        create()

    def test_limit(self, faults, create, sagemaker, left):
        faults.limit()
        faults.limit(operation="CreateDomain", times=2)

        with pytest.raises(sagemaker.exceptions.ResourceLimitExceeded) as refused:
            create()

        assert refused.value.response["Error"]["Message"] == "CreateImageVersion exceeds a limit of this account."
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
        assert left() == ["CreateDomain exceeds a limit (2 times)"]
        create()

    def test_deny_begins_with_the_first_request(self, aws, faults, sagemaker, left):
        faults.deny(10, operation="ListImages")
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

    def test_throttle_counts_requests_in_any_second(self, aws, faults, sagemaker, left):
        faults.throttle(2)
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

    def test_only_the_first_fault_that_applies_takes_effect(self, aws, faults, sagemaker, left):
        faults.error(operation="DescribeImage")
        faults.drop("before")
        faults.error()

        with pytest.raises(ConnectionClosedError):
            sagemaker.list_images()

        assert left() == [
            "DescribeImage gets the status 500 (once)",
            "any call gets the status 500 (once)",
        ]

    def test_calls_in_the_process_and_calls_of_ecr_have_no_faults(self, aws, faults, left):
        faults.error()

        aws.ListImages()
        client("ecr", aws.service).describe_images(repositoryName="team/data-science")

        assert left() == ["any call gets the status 500 (once)"]


class TestRemove:
    @pytest.mark.parametrize("reset", ["faults.reset", "reset"])
    def test_reset_removes_all_faults(self, aws, faults, left, reset):
        settings = {"reason": "why", "seconds": 1, "image": "i", "version": 1, "per_second": 1, "when": "after"}
        for name, kind in kinds.FAULT_KINDS.items():
            required = {setting: value for setting, value in settings.items() if setting in kind.__annotations__}
            faults.add(kinds.from_json({"kind": name, **required}))
        assert len(left()) == len(kinds.FAULT_KINDS)

        operator.attrgetter(reset)(aws.service)()

        assert left() == []

    def test_only_an_active_fault_can_be_removed(self, aws, faults, sagemaker):
        first, second = faults.error(), faults.deny(10)
        faults.remove(first.id)
        with invalid(f"id {first.id} must be the id of an active fault: {second.id}"):
            faults.remove(first.id)
        with pytest.raises(ClientError):
            sagemaker.list_images()
        aws.clock.advance(10)

        with invalid(f"id {second.id} must be the id of an active fault: no fault is active"):
            faults.remove(second.id)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (None, 'a fault must be a JSON object like {"kind": "fail", "reason": "no space left"}'),
        (["fail"], "a fault must be a JSON object like "),
        ({}, "kind None must be one of fail, slow, hold, in-service, throttle, deny, drop, error, limit"),
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
        ({"kind": "in-service", "domain": ""}, "domain '' must be the id of a domain"),
        ({"kind": "drop", "when": "during"}, "when 'during' must be before or after"),
        ({"kind": "drop", "when": []}, "when [] must be before or after"),
        (
            {"kind": "fail", "reason": "why", "operation": "DescribeImage"},
            f"operation 'DescribeImage' of fault 'fail' must be one of {', '.join(kinds.CHANGE_OPERATIONS)}",
        ),
        (
            {"kind": "slow", "seconds": 1, "operation": None},
            f"operation None of fault 'slow' must be one of {', '.join(kinds.CHANGE_OPERATIONS)}",
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
def test_an_invalid_fault_is_refused(faults, left, settings, message):
    with invalid(message):
        faults.add(kinds.from_json(settings))
    assert left() == []


@pytest.mark.parametrize(
    "kind", [kinds.FailFault("why", "CreateImage", 3), kinds.DropFault("after"), kinds.InServiceFault()]
)
def test_json_keeps_all_settings(kind):
    assert kinds.from_json(kinds.to_json(kind)) == kind
