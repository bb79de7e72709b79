"""The gateway: which errors are waited out, which are raised, and what is asked of ECR."""

import itertools
from datetime import UTC, datetime

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)
from imgver_handler.aws.arn import ImageVersionArn
from imgver_handler.aws.gateway import AwsGateway, ImageVersionDescription
from imgver_handler.aws.throttling import ThrottleState
from imgver_handler.deadline import Deadline
from imgver_handler.errors import AwsServiceError, ErrorKind
from imgver_handler.logging import JsonLogger
from imgver_sandbox.sagemaker.service import ServiceError

REPOSITORY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/data-science"
VERSION = ImageVersionArn.from_parts(
    partition="aws", region="eu-west-1", account="123456789012", image_name="data-science", version=1
)
CREATE = {
    "image_name": "data-science",
    "base_image": f"{REPOSITORY}:1.0.0",
    "metadata": {},
    "client_token": "5b478341-0d43-4a8d-92ac-9b1a2a6f0d3c",
}


@pytest.fixture
def gateway(aws):
    """A gateway with 120 s, in which nothing is kept back."""
    end = aws.clock.now() + 120
    deadline = Deadline(
        time_left=lambda: end - aws.clock.now(),
        now=aws.clock.now,
        sleep=aws.clock.advance,
        random_fraction=lambda: 0.5,
        time_budget=0,
    )
    return AwsGateway(
        deadline=deadline,
        log=JsonLogger(write=lambda _line: None),
        throttle_state=ThrottleState(),
        create_client=aws.handler_client,
    )


def answering(aws, *errors):
    """Let the service answer these errors first; returns the list of operations that came in."""
    seen = []
    remaining = list(errors)

    def before_call(call):
        seen.append(call.operation)
        if remaining:
            raise remaining.pop(0)

    aws.service.before_call = before_call
    return seen


@pytest.mark.parametrize(
    "error",
    [
        ServiceError("ResourceInUse", "Resource was modified concurrently"),
        ServiceError("ValidationException", "Image data-science is in an invalid state."),
        ServiceError("ThrottlingException", "Rate exceeded"),
        ServiceError("TooManyRequestsException", "Slow down"),
        ServiceError("Whatever", "Slow down", status=429),
        ServiceError("Whatever", "Try later", status=503),
        ServiceError("InternalFailure", "Oops", status=500),
        ServiceError("Whatever", "Oops", status=500),
        ServiceError("AccessDeniedException", "not authorized to perform: sagemaker:CreateImageVersion"),
    ],
    ids=lambda error: f"{error.code}-{error.status}",
)
def test_r21_temporary_errors_are_waited_out(aws, gateway, error):
    # GIVEN
    seen = answering(aws, error, error)

    # WHEN
    arn = gateway.create(**CREATE)

    # THEN
    assert arn == VERSION.value
    assert seen == ["CreateImageVersion"] * 3


@pytest.mark.parametrize(
    "error",
    [
        ConnectionClosedError(endpoint_url="https://example.invalid"),
        EndpointConnectionError(endpoint_url="https://example.invalid"),
        ReadTimeoutError(endpoint_url="https://example.invalid"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_r21_broken_connections_are_waited_out(aws, gateway, error):
    # GIVEN
    answering(aws, error)

    # WHEN / THEN
    assert gateway.create(**CREATE) == VERSION.value


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        (
            ServiceError("ResourceLimitExceeded", "The limit is 100."),
            ErrorKind.FINAL,
            (
                "CreateImageVersion failed for image data-science: ResourceLimitExceeded: The limit is 100. "
                "Delete versions that are not used any more, or request a higher limit in Service Quotas."
            ),
        ),
        (
            ServiceError("ResourceNotFound", "Image with ImageName data-science does not exist."),
            ErrorKind.NOT_FOUND,
            (
                "CreateImageVersion failed for image data-science: ResourceNotFound: Image with ImageName data-science "
                "does not exist. Declare the image in this app as an Image, or correct image_name."
            ),
        ),
        (
            ServiceError("ValidationException", "Image data-science does not exist."),
            ErrorKind.NOT_FOUND,
            (
                "CreateImageVersion failed for image data-science: ValidationException: Image data-science does not "
                "exist. Declare the image in this app as an Image, or correct image_name."
            ),
        ),
        (
            ServiceError("ValidationException", "1 validation error detected"),
            ErrorKind.FINAL,
            "CreateImageVersion failed for image data-science: ValidationException: 1 validation error detected.",
        ),
        (
            NoCredentialsError(),
            ErrorKind.FINAL,
            "CreateImageVersion failed for image data-science: NoCredentialsError: Unable to locate credentials.",
        ),
    ],
    ids=["limit", "not-found", "not-found-as-validation", "validation", "botocore"],
)
def test_other_errors_are_raised_at_once_with_the_remedy(aws, gateway, error, kind, reason):
    # GIVEN
    seen = answering(aws, error)

    # WHEN
    with pytest.raises(AwsServiceError) as raised:
        gateway.create(**CREATE)

    # THEN
    assert raised.value.kind is kind
    assert raised.value.reason == reason
    assert seen == ["CreateImageVersion"]


@pytest.mark.parametrize("answer", [{}, {"Error": {"Code": "", "Message": ""}}], ids=["empty", "empty-texts"])
def test_an_error_that_says_nothing_is_raised_at_once(aws, gateway, monkeypatch, answer):
    # GIVEN
    def refuse(**_):
        raise ClientError(answer, "DescribeStacks")

    monkeypatch.setattr(aws.cloudformation, "describe_stacks", refuse)

    # WHEN
    with pytest.raises(AwsServiceError) as raised:
        gateway.is_rolling_back("stack")

    # THEN
    assert raised.value.kind is ErrorKind.FINAL
    assert raised.value.reason == "DescribeStacks failed for stack: Unknown: no reason given."


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (
            ServiceError("ResourceInUse", "Resource was modified concurrently"),
            ErrorKind.BUSY,
            "ResourceInUse: Resource was modified concurrently",
        ),
        (
            ServiceError("ValidationException", "Image data-science is in an invalid state."),
            ErrorKind.BUSY,
            "ValidationException: Image data-science is in an invalid state",
        ),
        (ServiceError("ThrottlingException", "Slow down"), ErrorKind.THROTTLED, "ThrottlingException: Slow down"),
        (ServiceError("Whatever", "Slow down", status=429), ErrorKind.THROTTLED, "Whatever: Slow down"),
        (ServiceError("Whatever", "Slow down", status=503), ErrorKind.THROTTLED, "Whatever: Slow down"),
        (ServiceError("Whatever", "Oops", status=500), ErrorKind.UNREACHABLE, "Whatever: Oops"),
        (ServiceError("InternalFailure", "Oops"), ErrorKind.UNREACHABLE, "InternalFailure: Oops"),
        (
            ReadTimeoutError(endpoint_url="https://example.invalid"),
            ErrorKind.UNREACHABLE,
            'ReadTimeoutError: Read timeout on endpoint URL: "https://example.invalid"',
        ),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_what_stays_so_is_raised_at_the_deadline_with_the_remedy(aws, gateway, error, kind, words):
    # GIVEN
    began = aws.clock.now()
    answering(aws, *itertools.repeat(error, 100))

    # WHEN
    with pytest.raises(AwsServiceError) as raised:
        gateway.create(**CREATE)

    # THEN the retries used the time that there was
    when = "when no other write to the image is under way" if kind is ErrorKind.BUSY else "later"
    assert raised.value.kind is kind
    assert raised.value.reason == (
        f"CreateImageVersion failed for image data-science: {words}. "
        f"It stayed so until the time was up: deploy again {when}."
    )
    assert 100 < aws.clock.now() - began <= 120
    assert gateway.is_throttled() is (kind is ErrorKind.THROTTLED)


def test_who_was_throttled_remembers_it_for_a_minute(aws, gateway):
    # GIVEN two throttled calls, the second one half a second ago
    throttled = ServiceError("ThrottlingException", "Rate exceeded")
    answering(aws, throttled, ServiceError("ResourceInUse", "busy"))
    gateway.create(**CREATE)
    aws.clock.advance(30)
    answering(aws, throttled)
    gateway.describe(VERSION)

    # WHEN / THEN
    aws.clock.advance(59)
    assert gateway.is_throttled()
    aws.clock.advance(0.5)
    assert not gateway.is_throttled()


def test_r22_a_lasting_denial_is_raised_before_the_deadline(aws, gateway):
    # GIVEN
    began = aws.clock.now()
    denied = ServiceError("AccessDeniedException", "User is not authorized to perform: sagemaker:CreateImageVersion")
    answering(aws, *itertools.repeat(denied, 100))

    # WHEN
    with pytest.raises(AwsServiceError) as raised:
        gateway.create(**CREATE)

    # THEN
    assert raised.value.kind is ErrorKind.DENIED
    assert raised.value.reason.endswith(
        "not authorized to perform: sagemaker:CreateImageVersion. "
        "The function's role must allow the action for CreateImageVersion on this resource."
    )
    assert 30 < aws.clock.now() - began < 60


def test_backoff_has_full_jitter_and_a_ceiling(aws):
    # GIVEN chances of 1, so that the waits are the ceilings
    waits = []
    deadline = Deadline(time_left=lambda: 900, now=aws.clock.now, sleep=waits.append, random_fraction=lambda: 1.0)
    backoff = deadline.backoff()

    # WHEN
    for _ in range(7):
        backoff.wait()

    # THEN
    assert waits == [1, 2, 4, 8, 8, 8, 8]


@pytest.mark.parametrize(
    ("throttled", "first", "others"),
    [(False, [0.0, 2.12, 2.12, 2.12], 2.37), (True, [2.0, 4.24, 4.24, 4.24], 4.74)],
    ids=["alone", "throttled"],
)
def test_polls_begin_at_once_and_slow_down_and_more_so_where_it_is_crowded(aws, throttled, first, others):
    # GIVEN
    waits = []
    deadline = Deadline(time_left=lambda: 900, now=aws.clock.now, sleep=waits.append)

    # WHEN
    for _ in itertools.islice(deadline.polls(throttled=lambda: throttled), 12):
        pass

    # THEN
    assert waits == [*first, *[others] * 8]


def test_polls_slow_down_further_once_one_was_throttled_and_come_back(aws):
    # GIVEN
    waits = []
    deadline = Deadline(time_left=lambda: 900, now=aws.clock.now, sleep=waits.append)

    # WHEN
    for _ in itertools.islice(deadline.polls(throttled=lambda: 6 < len(waits) < 9), 10):
        pass

    # THEN
    assert waits[4:] == [2.37, 2.37, 2.37, 4.74, 4.74, 2.37]


def test_nothing_is_waited_for_past_the_deadline(aws):
    # GIVEN
    deadline = Deadline(time_left=lambda: 16.0, now=aws.clock.now, sleep=aws.clock.advance)

    # THEN 15 s are kept for the answer
    assert deadline.wait(1.0)
    assert not deadline.wait(1.1)
    assert not deadline.reserving(1).wait(0.5)
    assert deadline.for_response().wait(15.0)


def test_keeping_time_back_changes_the_end_and_nothing_else():
    # GIVEN
    waits = []
    deadline = Deadline(time_left=lambda: 900, now=lambda: 7.0, sleep=waits.append, random_fraction=lambda: 0.25)

    # WHEN
    kept = deadline.reserving(60)

    # THEN
    assert (kept.now(), kept.jitter(8)) == (7.0, 2.0)
    assert kept.wait(825)
    assert not kept.wait(826)
    assert waits == [825]


def test_every_call_on_a_version_names_it(aws, gateway):
    # GIVEN
    parameters = []
    aws.service.before_call = lambda call: parameters.append((call.operation, dict(call.parameters)))

    # WHEN
    gateway.create(**CREATE)
    aws.clock.advance(5)
    gateway.describe(VERSION)
    gateway.describe_alias("data-science", "latest")
    gateway.update(VERSION, {"ReleaseNotes": "Better"})
    aws.clock.advance(5)
    gateway.delete(VERSION)

    # THEN
    for operation, sent in parameters[1:]:
        assert sent.keys() & {"Version", "Alias"}, operation


def test_describe_ignores_fields_of_a_newer_service(aws, gateway):
    # GIVEN
    gateway.create(**CREATE)
    answer = aws.sagemaker.describe_image_version(ImageName="data-science", Version=1)

    class Newer:
        def describe_image_version(self, **_):
            return {**answer, "ImageVersionStatus": "OPTIMIZING", "Colour": "blue"}

    gateway._clients["sagemaker", None] = Newer()

    # WHEN / THEN
    assert gateway.describe(VERSION).status == "OPTIMIZING"


def test_describe_makes_do_without_what_the_service_leaves_out(gateway):
    # GIVEN
    class Terse:
        def describe_image_version(self, **_):
            return {"ImageVersionArn": VERSION.value, "CreationTime": datetime(2023, 11, 14, 22, 14, 20, tzinfo=UTC)}

    gateway._clients["sagemaker", None] = Terse()

    # WHEN / THEN
    assert gateway.describe(VERSION) == ImageVersionDescription(
        arn=VERSION,
        image_arn="",
        status="",
        base_image="",
        container_image="",
        failure_reason="",
        created_at=1_700_000_060,
        metadata={},
    )


def test_an_answer_without_a_version_is_an_error(aws, gateway):
    # GIVEN
    aws.create_version(Aliases=["latest"])
    call = aws.service.call
    aws.service.call = lambda operation, parameters, **where: (
        call(operation, parameters, **where) | {"ImageVersionArn": "arn:none"}
    )

    # WHEN
    with pytest.raises(AwsServiceError) as raised:
        gateway.describe_alias("data-science", "latest")

    # THEN
    assert raised.value.kind is ErrorKind.FINAL
    assert raised.value.reason == (
        "DescribeImageVersion failed for alias latest of image data-science: UnexpectedResponse: ImageVersionArn is "
        "'arn:none'."
    )


@pytest.mark.parametrize("tag", [":1.0.0", ""])
def test_ecr_is_asked_for_the_tag(aws, gateway, tag):
    # GIVEN
    pushed = aws.registry.push(f"{REPOSITORY}{tag}")

    # WHEN / THEN
    assert gateway.describe_ecr_image(f"{REPOSITORY}{tag}").digest == pushed


def test_ecr_is_asked_for_the_digest(aws, gateway):
    # GIVEN
    pushed = aws.registry.push(f"{REPOSITORY}:1.0.0")
    aws.registry.push(f"{REPOSITORY}:1.0.0")

    # WHEN / THEN
    assert gateway.describe_ecr_image(f"{REPOSITORY}@{pushed}").digest == pushed
    assert gateway.describe_ecr_image(f"{REPOSITORY}:1.0.0@{pushed}").digest == pushed


def test_ecr_is_asked_in_the_region_of_the_registry(aws, gateway):
    # GIVEN
    regions = []

    def make_client(service, region):
        regions.append((service, region))
        return aws.handler_client(service)

    gateway._make_client = make_client

    # WHEN
    gateway.describe_ecr_image(f"{REPOSITORY}:1.0.0")

    # THEN
    assert regions == [("ecr", "eu-west-1")]


@pytest.mark.parametrize("uri", ["public.ecr.aws/docker/library/python:3.12", "python:3.12", ""])
def test_ecr_is_not_asked_about_other_registries(gateway, uri):
    assert gateway.describe_ecr_image(uri) is None


@pytest.mark.parametrize("empty", [False, True])
def test_a_missing_tag_is_not_found(aws, gateway, monkeypatch, empty):
    # GIVEN ECR refuses, or answers nothing as local registries do
    if empty:
        monkeypatch.setattr(aws.registry, "describe_images", lambda *_a, **_k: {"imageDetails": []})

    # WHEN
    with pytest.raises(AwsServiceError) as raised:
        gateway.describe_ecr_image(f"{REPOSITORY}:missing")

    # THEN
    assert raised.value.kind is ErrorKind.NOT_FOUND
    assert raised.value.reason.startswith(f"DescribeImages failed for {REPOSITORY}:missing: ImageNotFoundException: ")
    assert not empty or raised.value.message == "the response is empty"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "arn:aws:sagemaker:eu-west-1:123456789012:image-version/data-science",
        "arn:aws:sagemaker:eu-west-1:123456789012:image-version/data-science/latest",
        "arn:aws:sagemaker:eu-west-1:123456789012:image/data-science",
        "arn:aws:sagemaker:eu-west-1:12345678901:image-version/data-science/1",
        "arn:aws:sagemaker:eu-west-1:123456789012:image-version/data_science/1",
        "arn:aws:sagemaker:eu-west-1:123456789012:image-version/data-science/1\n",
        "arn:aws:sagemaker:eu-west-1:123456789012:image-version/" + "a" * 250 + "/1",
    ],
)
def test_what_is_no_image_version_arn(text):
    assert ImageVersionArn.parse(text) is None


@pytest.mark.parametrize("version", [1, 42, 999999])
@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov", "aws-iso-b"])
def test_image_version_arns(version, partition):
    # GIVEN
    text = f"arn:{partition}:sagemaker:eu-west-1:123456789012:image-version/data-science/{version}"

    # WHEN
    arn = ImageVersionArn.parse(text)

    # THEN
    assert (arn.value, arn.partition, arn.image_name, arn.version) == (text, partition, "data-science", version)


@pytest.mark.parametrize(("options", "waits"), [({}, True), ({"retry": False}, False)])
def test_a_busy_registry_is_waited_for_unless_it_does_not_matter(aws, gateway, monkeypatch, options, waits):
    # GIVEN
    busy = ServiceError("ThrottlingException", "Rate exceeded")
    monkeypatch.setattr(aws.registry, "describe_images", lambda *_a, **_k: (_ for _ in ()).throw(busy))
    began = aws.clock.now()

    # WHEN
    with pytest.raises(AwsServiceError, match=f"DescribeImages failed for {REPOSITORY}:1.0.0: ThrottlingException"):
        gateway.describe_ecr_image(f"{REPOSITORY}:1.0.0", **options)

    # THEN
    assert (aws.clock.now() > began) is waits


def test_a_registry_need_not_say_what_type_a_manifest_has(aws, gateway, monkeypatch):
    # GIVEN
    digest = f"sha256:{'0' * 64}"
    monkeypatch.setattr(aws.registry, "describe_images", lambda *_a, **_k: {"imageDetails": [{"imageDigest": digest}]})

    # WHEN
    found = gateway.describe_ecr_image(f"{REPOSITORY}:1.0.0")

    # THEN
    assert (found.digest, found.media_type) == (digest, "")


@pytest.mark.parametrize(
    ("call", "subject"),
    [
        (lambda gateway: gateway.create(**CREATE), "CreateImageVersion failed for image data-science: "),
        (lambda gateway: gateway.list_versions("data-science"), "ListImageVersions failed for image data-science: "),
        (lambda gateway: gateway.list_aliases(VERSION), f"ListAliases failed for {VERSION}: "),
        (lambda gateway: gateway.update(VERSION, {}), f"UpdateImageVersion failed for {VERSION}: "),
        (lambda gateway: gateway.delete(VERSION), f"DeleteImageVersion failed for {VERSION}: "),
        (lambda gateway: gateway.describe(VERSION), f"DescribeImageVersion failed for {VERSION}: "),
        (
            lambda gateway: gateway.describe_alias("data-science", "latest"),
            "DescribeImageVersion failed for alias latest of image data-science: ",
        ),
    ],
)
def test_an_error_names_what_was_called_on_what(aws, gateway, call, subject):
    # GIVEN
    answering(aws, ServiceError("ValidationException", "no"))

    # WHEN / THEN
    with pytest.raises(AwsServiceError) as raised:
        call(gateway)
    assert raised.value.reason == f"{subject}ValidationException: no."


def test_a_deletion_of_what_is_busy_is_left_to_the_caller(aws, gateway):
    # GIVEN
    seen = answering(aws, ServiceError("ResourceInUse", "busy"))

    # WHEN / THEN
    with pytest.raises(AwsServiceError, match="ResourceInUse"):
        gateway.delete(VERSION)
    assert len(seen) == 1


def test_the_next_page_is_asked_for_with_its_subject(aws, gateway):
    # GIVEN a service that refuses the second page
    def before_call(call):
        if "NextToken" in call.parameters:
            raise ServiceError("ValidationException", "no")

    for _ in range(12):
        aws.create_version()
    aws.service.before_call = before_call

    # WHEN / THEN
    with pytest.raises(
        AwsServiceError, match="ListImageVersions failed for image data-science: ValidationException: no"
    ):
        gateway.list_versions("data-science")


def test_the_parts_of_an_arn_make_it():
    # WHEN
    parts = {"partition": "aws", "region": "eu-west-1", "account": "123456789012", "image_name": "d", "version": 7}
    made = ImageVersionArn.from_parts(**parts)

    # THEN
    assert made == ImageVersionArn.parse("arn:aws:sagemaker:eu-west-1:123456789012:image-version/d/7")
    assert made.with_image_name("D").image_name == "D"
    assert made.with_image_name("D").text == made.value


@pytest.mark.parametrize(("length", "known"), [(256, True), (257, False)])
def test_how_long_an_arn_may_be(length, known):
    prefix = "arn:aws:sagemaker:eu-west-1:123456789012:image-version/"
    arn = f"{prefix}{'a' * (length - len(prefix) - 2)}/1"

    assert (ImageVersionArn.parse(arn) is not None) is known
