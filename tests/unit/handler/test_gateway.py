"""The gateway: the errors that it retries, the errors that it raises, and its calls to Amazon ECR."""

from datetime import UTC, datetime

import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)
from harness import ARN, REPOSITORY
from imgver_handler.aws.arn import ImageVersionArn
from imgver_handler.aws.gateway import AwsGateway, ImageVersionDescription
from imgver_handler.aws.throttling import ThrottleState
from imgver_handler.deadline import Deadline
from imgver_handler.errors import AwsServiceError, ErrorKind
from imgver_handler.logging import JsonLogger
from imgver_sandbox.sagemaker.service import ServiceError

VERSION = ImageVersionArn.parse(ARN)
CREATE = {
    "image_name": "data-science",
    "base_image": f"{REPOSITORY}:1.0.0",
    "metadata": {},
    "client_token": "5b478341-0d43-4a8d-92ac-9b1a2a6f0d3c",
}
THROTTLED = ServiceError("ThrottlingException", "Rate exceeded")
BUSY = ServiceError("ResourceInUse", "busy")
CREATED_AT = datetime(2023, 11, 14, 22, 14, 20, tzinfo=UTC)


class RecordingClients:
    """Creates clients of an account, or a given one; records which were created."""

    def __init__(self, aws):
        self._aws = aws
        self.created = []
        self.client = None

    def __call__(self, service_name, region):
        self.created.append((service_name, region))
        return self.client or self._aws.handler_client(service_name)


@pytest.fixture
def clients(aws):
    return RecordingClients(aws)


@pytest.fixture
def gateway(aws, clients):
    """A gateway with 120 s, of which nothing is reserved."""
    end = aws.clock.now() + 120
    deadline = Deadline(
        time_left=lambda: end - aws.clock.now(),
        now=aws.clock.now,
        sleep=aws.clock.advance,
        random_fraction=lambda: 0.5,
        time_budget=0,
    )
    log = JsonLogger(write=lambda _line: None)
    return AwsGateway(deadline=deadline, log=log, throttle_state=ThrottleState(), create_client=clients)


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        (
            ServiceError("ResourceNotFound", "Image with ImageName data-science does not exist."),
            ErrorKind.NOT_FOUND,
            (
                "ResourceNotFound: Image with ImageName data-science does not exist. Declare the image in this app as "
                "an Image, or correct image_name."
            ),
        ),
        (
            ServiceError("ValidationException", "Image data-science does not exist."),
            ErrorKind.NOT_FOUND,
            (
                "ValidationException: Image data-science does not exist. Declare the image in this app as an Image, or "
                "correct image_name."
            ),
        ),
        (
            ServiceError("ValidationException", "1 validation error detected"),
            ErrorKind.FINAL,
            "ValidationException: 1 validation error detected.",
        ),
        (NoCredentialsError(), ErrorKind.FINAL, "NoCredentialsError: Unable to locate credentials."),
    ],
    ids=["not-found", "not-found-as-validation", "validation", "botocore"],
)
def test_other_errors_are_raised_at_once_with_the_remedy(aws, gateway, error, kind, reason):
    called = aws.refuse(None, error)

    with pytest.raises(AwsServiceError) as raised:
        gateway.create(**CREATE)

    assert raised.value.kind is kind
    assert raised.value.reason == f"CreateImageVersion failed for image data-science: {reason}"
    assert called == ["CreateImageVersion"]


@pytest.mark.parametrize("details", [{}, {"Error": {"Code": "", "Message": ""}}], ids=["nothing", "empty-strings"])
def test_an_error_without_code_and_message_is_final(aws, gateway, monkeypatch, details):
    def refuse(**_):
        raise ClientError(details, "DescribeStacks")

    monkeypatch.setattr(aws.cloudformation, "describe_stacks", refuse)

    with pytest.raises(AwsServiceError) as raised:
        gateway.is_rolling_back("stack")

    assert raised.value.kind is ErrorKind.FINAL
    assert raised.value.reason == "DescribeStacks failed for stack: Unknown: no reason given."


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (BUSY, ErrorKind.BUSY, "ResourceInUse: busy"),
        (
            ServiceError("ValidationException", "Image data-science is in an invalid state."),
            ErrorKind.BUSY,
            "ValidationException: Image data-science is in an invalid state",
        ),
        (THROTTLED, ErrorKind.THROTTLED, "ThrottlingException: Rate exceeded"),
        (ServiceError("TooManyRequestsException", "Slow"), ErrorKind.THROTTLED, "TooManyRequestsException: Slow"),
        (ServiceError("Whatever", "Slow down", status=429), ErrorKind.THROTTLED, "Whatever: Slow down"),
        (ServiceError("Whatever", "Slow down", status=503), ErrorKind.THROTTLED, "Whatever: Slow down"),
        (ServiceError("Whatever", "Oops", status=500), ErrorKind.UNREACHABLE, "Whatever: Oops"),
        (ServiceError("InternalFailure", "Oops"), ErrorKind.UNREACHABLE, "InternalFailure: Oops"),
        (
            ReadTimeoutError(endpoint_url="https://example.invalid"),
            ErrorKind.UNREACHABLE,
            'ReadTimeoutError: Read timeout on endpoint URL: "https://example.invalid"',
        ),
        (
            EndpointConnectionError(endpoint_url="https://example.invalid"),
            ErrorKind.UNREACHABLE,
            'EndpointConnectionError: Could not connect to the endpoint URL: "https://example.invalid"',
        ),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_r21_temporary_errors_are_retried_until_the_deadline(aws, gateway, error, kind, words):
    called = aws.refuse(None, error, error)
    assert gateway.create(**CREATE) == ARN
    assert called == ["CreateImageVersion"] * 3

    start = aws.clock.now()
    aws.refuse(None, error, forever=True)
    with pytest.raises(AwsServiceError) as raised:
        gateway.create(**CREATE)

    when = "when no other write to the image is running" if kind is ErrorKind.BUSY else "later"
    assert raised.value.kind is kind
    assert raised.value.reason == (
        f"CreateImageVersion failed for image data-science: {words}. "
        f"The error lasted until the function's time was up: deploy again {when}."
    )
    assert 100 < aws.clock.now() - start <= 120
    assert gateway.is_throttled() is (kind is ErrorKind.THROTTLED)


def test_a_throttled_call_is_remembered_for_a_minute(aws, gateway):
    # GIVEN two throttled calls, the second of which is half a second ago
    aws.refuse(None, THROTTLED, BUSY)
    gateway.create(**CREATE)
    aws.clock.advance(30)
    aws.refuse(None, THROTTLED)
    gateway.describe(VERSION)

    aws.clock.advance(59)
    assert gateway.is_throttled()
    aws.clock.advance(0.5)
    assert not gateway.is_throttled()


@pytest.mark.parametrize("denials", [2, 100])
def test_r22_a_denied_call_is_retried_for_half_a_minute(aws, gateway, denials):
    # GIVEN a policy that propagates after some seconds, or never
    start = aws.clock.now()
    denied = ServiceError("AccessDeniedException", "User is not authorized to perform: sagemaker:CreateImageVersion")
    aws.refuse("CreateImageVersion", *[denied] * denials)
    if denials == 2:
        assert gateway.create(**CREATE) == ARN
        return

    with pytest.raises(AwsServiceError) as raised:
        gateway.create(**CREATE)

    assert raised.value.kind is ErrorKind.DENIED
    assert raised.value.reason.endswith(
        "not authorized to perform: sagemaker:CreateImageVersion. "
        "The function's role must allow the action for CreateImageVersion on this resource."
    )
    assert 30 < aws.clock.now() - start < 60


@pytest.mark.parametrize(
    ("call", "subject"),
    [
        (lambda gateway: gateway.create(**CREATE), "CreateImageVersion failed for image data-science: "),
        (lambda gateway: gateway.list_versions("data-science"), "ListImageVersions failed for image data-science: "),
        (lambda gateway: gateway.list_aliases(VERSION), f"ListAliases failed for {ARN}: "),
        (lambda gateway: gateway.update(VERSION, {}), f"UpdateImageVersion failed for {ARN}: "),
        (lambda gateway: gateway.delete(VERSION), f"DeleteImageVersion failed for {ARN}: "),
        (lambda gateway: gateway.describe(VERSION), f"DescribeImageVersion failed for {ARN}: "),
        (
            lambda gateway: gateway.describe_alias("data-science", "latest"),
            "DescribeImageVersion failed for alias latest of image data-science: ",
        ),
    ],
)
def test_an_error_names_the_operation_and_the_resource(aws, gateway, call, subject):
    aws.refuse(None, ServiceError("ValidationException", "no"))

    with pytest.raises(AwsServiceError) as raised:
        call(gateway)
    assert raised.value.reason == f"{subject}ValidationException: no."


def test_every_call_about_a_version_names_it(aws, gateway):
    parameters = []
    aws.service.before_call = lambda call: parameters.append((call.operation, dict(call.parameters)))

    gateway.create(**CREATE)
    aws.clock.advance(5)
    gateway.describe(VERSION)
    gateway.describe_alias("data-science", "latest")
    gateway.list_aliases(VERSION)
    gateway.update(VERSION, {"ReleaseNotes": "Better"})
    aws.clock.advance(5)
    gateway.delete(VERSION)

    for operation, sent in parameters[1:]:
        assert sent.keys() & {"Version", "Alias"}, operation


def test_delete_does_not_retry_when_the_version_is_in_use(aws, gateway):
    called = aws.refuse(None, BUSY)

    with pytest.raises(AwsServiceError, match="ResourceInUse"):
        gateway.delete(VERSION)
    assert called == ["DeleteImageVersion"]


def test_an_error_of_the_second_page_names_the_image(aws, request):
    for _ in range(12):
        aws.create_version()
    gateway = request.getfixturevalue("gateway")

    def refuse_second_page(call):
        if "NextToken" in call.parameters:
            raise ServiceError("ValidationException", "no")

    aws.service.before_call = refuse_second_page

    with pytest.raises(AwsServiceError, match="ListImageVersions failed for image data-science: ValidationException"):
        gateway.list_versions("data-science")


class Responding:
    """A client whose DescribeImageVersion returns this response."""

    def __init__(self, response):
        self.describe_image_version = lambda **_: response


def test_r44_describe_ignores_fields_of_a_newer_service(aws, clients, gateway):
    gateway.create(**CREATE)
    clients.client = Responding({**aws.describe(1), "ImageVersionStatus": "OPTIMIZING", "Colour": "blue"})

    assert gateway.describe(VERSION).status == "OPTIMIZING"


def test_describe_accepts_that_the_service_omits_fields(clients, gateway):
    clients.client = Responding({"ImageVersionStatus": "CREATING", "CreationTime": CREATED_AT})

    assert gateway.describe(VERSION) == ImageVersionDescription(
        arn=VERSION,
        image_arn="",
        status="CREATING",
        base_image="",
        container_image="",
        failure_reason="",
        created_at=1_700_000_060,
        metadata={},
    )


def test_r07_an_alias_of_something_that_is_not_a_version(clients, gateway):
    clients.client = Responding({"ImageVersionArn": "arn:none"})

    with pytest.raises(AwsServiceError) as raised:
        gateway.describe_alias("data-science", "latest")

    assert raised.value.kind is ErrorKind.FINAL
    assert raised.value.reason == (
        "DescribeImageVersion failed for alias latest of image data-science: UnexpectedResponse: ImageVersionArn is "
        "'arn:none'."
    )


@pytest.mark.parametrize("tag", [":1.0.0", ""])
def test_ecr_is_called_for_a_tag_in_the_region_of_the_registry(aws, clients, gateway, tag):
    pushed = aws.registry.push(f"{REPOSITORY}{tag}")

    assert gateway.describe_ecr_image(f"{REPOSITORY}{tag}").digest == pushed
    assert clients.created == [("ecr", "eu-west-1")]


def test_ecr_is_called_for_a_digest(aws, gateway):
    pushed = aws.registry.push(f"{REPOSITORY}:1.0.0")
    aws.registry.push(f"{REPOSITORY}:1.0.0")

    assert gateway.describe_ecr_image(f"{REPOSITORY}@{pushed}").digest == pushed
    assert gateway.describe_ecr_image(f"{REPOSITORY}:1.0.0@{pushed}").digest == pushed


@pytest.mark.parametrize("uri", ["public.ecr.aws/docker/library/python:3.12", "python:3.12", ""])
def test_ecr_is_not_called_for_other_registries(clients, gateway, uri):
    assert gateway.describe_ecr_image(uri) is None
    assert clients.created == []


@pytest.mark.parametrize("empty", [False, True])
def test_a_missing_tag_is_not_found(aws, gateway, monkeypatch, empty):
    # GIVEN ECR refuses the call, or returns nothing as local registries do
    if empty:
        monkeypatch.setattr(aws.registry, "describe_images", lambda *_a, **_k: {"imageDetails": []})

    with pytest.raises(AwsServiceError) as raised:
        gateway.describe_ecr_image(f"{REPOSITORY}:missing")

    assert raised.value.kind is ErrorKind.NOT_FOUND
    assert raised.value.reason.startswith(f"DescribeImages failed for {REPOSITORY}:missing: ImageNotFoundException: ")
    assert not empty or raised.value.message == "the response is empty"


@pytest.mark.parametrize(("options", "retried"), [({}, True), ({"retry": False}, False)])
def test_calls_of_ecr_are_retried_unless_the_caller_can_do_without(aws, gateway, monkeypatch, options, retried):
    def refuse(*_args, **_parameters):
        raise THROTTLED

    monkeypatch.setattr(aws.registry, "describe_images", refuse)
    start = aws.clock.now()

    with pytest.raises(AwsServiceError, match=f"DescribeImages failed for {REPOSITORY}:1.0.0: ThrottlingException"):
        gateway.describe_ecr_image(f"{REPOSITORY}:1.0.0", **options)

    assert (aws.clock.now() > start) is retried


def test_a_registry_may_omit_the_media_type(aws, gateway, monkeypatch):
    digest = f"sha256:{'0' * 64}"
    monkeypatch.setattr(aws.registry, "describe_images", lambda *_a, **_k: {"imageDetails": [{"imageDigest": digest}]})

    image = gateway.describe_ecr_image(f"{REPOSITORY}:1.0.0")

    assert (image.digest, image.media_type) == (digest, "")
