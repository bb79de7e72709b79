"""Faults on demand, in process: what each does, what is left of it, and how it is written."""

import re

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError
from imgver_sandbox.faults.kinds import (
    FAULT_KINDS as KINDS,
    CHANGE_OPERATIONS as OUTCOMES,
    DropFault as Drop,
    FailFault as Fail,
    LimitFault as Limit,
    from_json,
    to_json,
)
from imgver_sandbox.in_process import SageMakerImages

BASE_IMAGE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/data-science:1.0.0"
ARN = "arn:aws:sagemaker:eu-west-1:123456789012:image-version/data-science"


@pytest.fixture
def aws():
    """An account with the image `data-science`."""
    made = SageMakerImages()
    made.registry.push(BASE_IMAGE)
    made.client("sagemaker").create_image(ImageName="data-science", RoleArn="arn:aws:iam::123456789012:role/images")
    made.clock.advance(60)
    return made


@pytest.fixture
def sagemaker(aws):
    return aws.client("sagemaker")


@pytest.fixture
def create(sagemaker):
    """Create a version; answer its number."""

    def make():
        answer = sagemaker.create_image_version(ImageName="data-science", BaseImage=BASE_IMAGE)
        return int(answer["ImageVersionArn"].rpartition("/")[2])

    return make


@pytest.fixture
def status(sagemaker):
    """A version's status."""
    return lambda number: sagemaker.describe_image_version(ImageName="data-science", Version=number)[
        "ImageVersionStatus"
    ]


@pytest.fixture
def left(aws):
    """What is left, as people read it."""
    return lambda: [f"{fault.kind} ({fault.left})" for fault in aws.faults.left()]


@pytest.fixture
def refusing():
    """Expect a ValueError with this whole text."""
    return lambda message: pytest.raises(ValueError, match=f"^{re.escape(message)}$")


class TestOutcomes:
    def test_the_next_creations_fail(self, aws, create, sagemaker, left):
        aws.faults.fail("no space left", times=2)

        seen = []
        for _ in range(3):
            seen.append(left())
            number = create()
            aws.clock.advance(60)
            version = sagemaker.describe_image_version(ImageName="data-science", Version=number)
            seen.append((version["ImageVersionStatus"], version.get("FailureReason")))

        assert seen == [
            ["CreateImageVersion fails: no space left (2 times)"],
            ("CREATE_FAILED", "no space left"),
            ["CreateImageVersion fails: no space left (once)"],
            ("CREATE_FAILED", "no space left"),
            [],
            ("CREATED", None),
        ]

    def test_a_creation_that_is_refused_does_not_count(self, aws, create, left):
        create()
        aws.faults.fail("why")

        with pytest.raises(ClientError, match="ResourceInUse"):
            create()  # the image was written just now

        assert left() == ["CreateImageVersion fails: why (once)"]

    def test_the_next_creation_takes_its_time(self, aws, create, status, left):
        aws.faults.slow(100)
        assert left() == ["CreateImageVersion takes 100 s (once)"]

        slow = create()
        aws.clock.advance(99)
        usual = create()
        aws.clock.advance(0.5)
        assert (status(slow), status(usual)) == ("CREATING", "CREATING")
        aws.clock.advance(2)

        assert (status(slow), status(usual)) == ("CREATED", "CREATED")
        assert left() == []

    def test_other_operations_fail_and_are_slow(self, aws, create, status, sagemaker, left):
        create()
        aws.clock.advance(60)
        aws.faults.slow(100, operation="DeleteImageVersion")
        aws.faults.fail("pinned", operation="DeleteImageVersion")
        aws.faults.fail("never seen")

        sagemaker.delete_image_version(ImageName="data-science", Version=1)
        aws.clock.advance(99)
        assert status(1) == "DELETING"
        aws.clock.advance(1)

        assert status(1) == "DELETE_FAILED"
        assert left() == ["CreateImageVersion fails: never seen (once)"]

    def test_a_version_is_held_until_it_is_let_go(self, aws, create, sagemaker, left):
        # GIVEN a version that is held before it is there
        hold = aws.faults.hold("Data-Science", 1)
        create()
        aws.clock.advance(60)

        # THEN neither it nor its image can be deleted, however often that is tried
        def delete_version():
            sagemaker.delete_image_version(ImageName="data-science", Version=1)

        for delete in (delete_version, delete_version, lambda: sagemaker.delete_image(ImageName="data-science")):
            with pytest.raises(sagemaker.exceptions.ResourceInUse, match=rf"ImageVersion \({ARN}/1\) is in use\.$"):
                delete()
        assert left() == ["version 1 of Data-Science is in use (until removed)"]

        # WHEN it is let go THEN it can
        aws.faults.remove(hold.id)
        delete_version()
        assert left() == []

    def test_other_versions_and_images_are_free(self, aws, create, sagemaker):
        create()
        aws.clock.advance(60)
        aws.faults.hold("data-science", 2)
        aws.faults.hold("other", 1)

        sagemaker.delete_image_version(ImageName="data-science", Version=1)
        aws.clock.advance(60)
        sagemaker.delete_image(ImageName="data-science")


class TestWire:
    def test_the_connection_is_lost_before_the_effect(self, aws, create, sagemaker, left):
        aws.faults.drop("before")
        assert left() == ["any call loses its connection before its effect (once)"]

        with pytest.raises(ConnectionClosedError):
            create()

        assert sagemaker.list_image_versions(ImageName="data-science")["ImageVersions"] == []
        assert left() == []

    def test_the_connection_is_lost_after_the_effect(self, aws, create, sagemaker):
        aws.faults.drop("after", operation="CreateImageVersion")
        sagemaker.list_images()

        with pytest.raises(ConnectionClosedError):
            create()

        assert len(sagemaker.list_image_versions(ImageName="data-science")["ImageVersions"]) == 1

    def test_what_is_refused_loses_it_as_well(self, aws, sagemaker, left):
        aws.faults.drop("after")

        with pytest.raises(ConnectionClosedError):
            sagemaker.describe_image(ImageName="none")

        assert left() == []

    def test_an_internal_error(self, aws, create, sagemaker, left):
        aws.faults.error(operation="CreateImageVersion", times=2)
        sagemaker.list_images()

        for expected in ("2 times", "once"):
            assert left() == [f"CreateImageVersion is answered with status 500 ({expected})"]
            with pytest.raises(
                ClientError, match=r"\(InternalFailure\).*: The request processing has failed\.$"
            ) as error:
                create()
            assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500

        assert create() == 1

    def test_a_limit(self, aws, create, sagemaker, left):
        aws.faults.limit()
        aws.faults.limit(operation="CreateDomain", times=2)

        with pytest.raises(sagemaker.exceptions.ResourceLimitExceeded) as refused:
            create()

        assert refused.value.response["Error"]["Message"] == "CreateImageVersion exceeds a limit of this account."
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
        assert left() == ["CreateDomain exceeds a limit (2 times)"]
        assert create() == 1

    def test_denied_for_the_first_seconds(self, aws, sagemaker, left):
        aws.faults.deny(10, operation="ListImages")
        aws.clock.advance(100)
        assert left() == ["ListImages is denied for 10 s (10 s from the first call)"]

        # WHEN the first call comes THEN the time begins
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

    def test_throttled_above_a_rate(self, aws, sagemaker, left):
        aws.faults.throttle(2)
        answers = []
        for _ in range(8):
            try:
                sagemaker.list_images()
                answers.append("ok")
            except ClientError as error:
                answers.append(error.response["Error"])
            aws.clock.advance(0.3)

        throttled = {"Code": "ThrottlingException", "Message": "Rate exceeded"}
        assert answers == ["ok", "ok", throttled, throttled, "ok", "ok", throttled, throttled]
        assert left() == ["any call above 2 a second is throttled (until removed)"]

    def test_the_first_that_applies_is_all_that_a_request_meets(self, aws, sagemaker, left):
        aws.faults.error(operation="DescribeImage")
        aws.faults.drop("before")
        aws.faults.error()

        with pytest.raises(ConnectionClosedError):
            sagemaker.list_images()

        assert left() == [
            "DescribeImage is answered with status 500 (once)",
            "any call is answered with status 500 (once)",
        ]

    def test_what_is_no_request_meets_none(self, aws, left):
        aws.faults.error()

        aws.service.call("ListImages", {}, account=aws.account, region=aws.region)

        assert left() == ["any call is answered with status 500 (once)"]

    def test_ecr_meets_none(self, aws, left):
        aws.faults.error()

        assert aws.client("ecr").describe_images(repositoryName="data-science")["imageDetails"]
        assert left() == ["any call is answered with status 500 (once)"]


class TestEnd:
    @pytest.mark.parametrize("reset", ["faults", "service"])
    def test_reset_ends_all_of_them(self, aws, left, reset):
        for add in (
            lambda: aws.faults.fail("why"),
            lambda: aws.faults.slow(1),
            lambda: aws.faults.hold("i", 1),
            lambda: aws.faults.throttle(1),
            lambda: aws.faults.deny(1),
            lambda: aws.faults.drop("after"),
            aws.faults.error,
            aws.faults.limit,
        ):
            add()
        assert len(left()) == len(KINDS)

        getattr(aws, reset).reset()

        assert left() == []

    def test_only_one_that_is_left_can_be_removed(self, aws, left):
        first, second = aws.faults.error(), aws.faults.error(times=3)
        aws.faults.remove(first.id)
        assert left() == ["any call is answered with status 500 (3 times)"]

        with pytest.raises(ValueError, match=rf"^id {first.id} must be that of a fault that is left: {second.id}$"):
            aws.faults.remove(first.id)
        aws.faults.remove(second.id)
        with pytest.raises(ValueError, match=r"^id 9 must be that of a fault that is left: there is none$"):
            aws.faults.remove(9)

    def test_one_that_is_over_is_not_left(self, aws, sagemaker):
        denied = aws.faults.deny(10)
        with pytest.raises(ClientError):
            sagemaker.list_images()
        aws.clock.advance(10)

        with pytest.raises(ValueError, match=r"there is none$"):
            aws.faults.remove(denied.id)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda faults: faults.fail(" "), "reason ' ' must be a text with something in it"),
        (lambda faults: faults.fail(7), "reason 7 must be a text with something in it"),
        (lambda faults: faults.fail("why", times=0), "times 0 must be a whole number, 1 or more"),
        (lambda faults: faults.error(times=True), "times True must be a whole number, 1 or more"),
        (lambda faults: faults.error(times=1.5), "times 1.5 must be a whole number, 1 or more"),
        (lambda faults: faults.slow(0), "seconds 0 must be a number above 0"),
        (lambda faults: faults.slow("9"), "seconds '9' must be a number above 0"),
        (lambda faults: faults.deny(float("inf")), "seconds inf must be a number above 0"),
        (lambda faults: faults.deny(float("nan")), "seconds nan must be a number above 0"),
        (lambda faults: faults.throttle(0), "per_second 0 must be a whole number, 1 or more"),
        (lambda faults: faults.hold("", 1), "image '' must be the name of an image"),
        (lambda faults: faults.hold("i", 0), "version 0 must be a whole number, 1 or more"),
        (lambda faults: faults.drop("during"), "when 'during' must be before or after"),
        (
            lambda faults: faults.fail("why", operation="DescribeImage"),
            f"operation 'DescribeImage' of fault 'fail' must be one of {', '.join(OUTCOMES)}",
        ),
        (
            lambda faults: faults.limit(operation="DeleteImage"),
            ("operation 'DeleteImage' of fault 'limit' must be one of CreateImage, CreateImageVersion, CreateDomain"),
        ),
        (
            lambda faults: faults.slow(1, operation=None),
            f"operation None of fault 'slow' must be one of {', '.join(OUTCOMES)}",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(aws, left, refusing, make, message):
    with refusing(message):
        make(aws.faults)

    assert left() == []


@pytest.mark.parametrize("operation", ["Fly", "describe_image", "CreateTrainingJob", ["ListImages"]])
def test_an_operation_that_the_service_does_not_have_is_refused(aws, operation):
    which = re.escape(f"operation {operation!r} of fault 'error' must be one of CreateImage, DescribeImage, ")

    with pytest.raises(ValueError, match=rf"^{which}"):
        aws.faults.error(operation=operation)


class TestJson:
    @pytest.mark.parametrize("kind", [Fail("why", "CreateImage", 3), Drop("after"), Limit("CreateImage")])
    def test_what_is_written_is_read(self, kind):
        assert from_json(to_json(kind)) == kind

    def test_what_has_a_default_can_be_left_out(self):
        assert from_json({"kind": "drop", "when": "after"}) == Drop("after")

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            (None, 'a fault must be a JSON object like {"kind": "fail", "reason": "no space left"}'),
            (["fail"], 'a fault must be a JSON object like {"kind": "fail", "reason": "no space left"}'),
            ({}, "kind None must be one of fail, slow, hold, throttle, deny, drop, error, limit"),
            ({"kind": []}, "kind [] must be one of fail, slow, hold, throttle, deny, drop, error, limit"),
            ({"kind": "fly"}, "kind 'fly' must be one of fail, slow, hold, throttle, deny, drop, error, limit"),
            ({"kind": "fail"}, "setting 'reason' of fault 'fail' must be given"),
            (
                {"kind": "fail", "reason": "why", "name": "x"},
                "setting 'name' of fault 'fail' must be one of reason, operation, times",
            ),
            ({"kind": "drop", "when": []}, "when [] must be before or after"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, refusing, settings, message):
        with refusing(message):
            from_json(settings)
