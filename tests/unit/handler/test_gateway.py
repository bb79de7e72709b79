"""The gateway: the errors that it retries, the errors that it raises, and its calls to Amazon ECR."""

import itertools
import json
import re
import types
from datetime import UTC, datetime

import botocore.loaders
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)
from harness import ARN, REPOSITORY
from imgver_handler.aws import clients as handler_clients
from imgver_handler.aws.arn import ImageVersionArn
from imgver_handler.aws.gateway import AwsGateway, ImageVersionDescription, ListedVersion, StackDescription
from imgver_handler.aws.throttling import ThrottleState
from imgver_handler.deadline import Deadline
from imgver_handler.errors import AwsServiceError, ErrorKind
from imgver_handler.logging import JsonLogger
from imgver_sandbox.sagemaker.service import ServiceError

VERSION = ImageVersionArn.parse(ARN)
assert VERSION is not None
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
def start_gateway(aws, clients):
    """Creates a gateway with a number of seconds, of which nothing is reserved."""

    def start(seconds):
        end = aws.clock.now() + seconds
        deadline = Deadline(
            time_left=lambda: end - aws.clock.now(),
            now=aws.clock.now,
            sleep=aws.clock.advance,
            random_fraction=lambda: 0.5,
            time_budget=0,
        )
        log = JsonLogger(write=lambda _line: None)
        return AwsGateway(deadline=deadline, log=log, throttle_state=ThrottleState(), create_client=clients)

    return start


@pytest.fixture
def gateway(start_gateway):
    """A gateway with 120 s."""
    return start_gateway(120)


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
        gateway.describe_stack("stack")

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


def test_an_error_of_the_second_page_names_the_image(aws, start_gateway):
    for _ in range(12):
        aws.create_version()
    gateway = start_gateway(120)

    def refuse_second_page(call):
        if "NextToken" in call.parameters:
            raise ServiceError("ValidationException", "no")

    aws.service.before_call = refuse_second_page

    with pytest.raises(AwsServiceError, match="ListImageVersions failed for image data-science: ValidationException"):
        gateway.list_versions("data-science")


CODES = {
    ErrorKind.THROTTLED: (
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "Throttling.User",
        "Throttling.Account",
        "ThrottlingError",
        "ProvisionedThroughputExceededException",
        "BandwidthLimitExceeded",
        "PriorRequestNotComplete",
        "TransactionInProgressException",
        "LimitExceededException",
    ),
    ErrorKind.UNREACHABLE: (
        "ServiceUnavailableException",
        "InternalServerException",
        "InternalServerErrorException",
        "ServiceException",
        "ServerException",
        "UnavailableException",
        "RequestTimeoutException",
    ),
    ErrorKind.DENIED: (
        "ExpiredToken",
        "RequestExpired",
        "RequestInTheFuture",
        "RequestTimeTooSkewed",
        "InvalidSignatureException",
    ),
    ErrorKind.BUSY: ("ConcurrentModificationException",),
}


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        *((ServiceError(code, "no"), kind) for kind, codes in CODES.items() for code in codes),
        (ServiceError("ValidationException", "Rate exceeded"), ErrorKind.THROTTLED),
        (ServiceError("ValidationException", "Rate limit exceeded"), ErrorKind.THROTTLED),
        (ServiceError("ValidationException", "Too many requests"), ErrorKind.THROTTLED),
        (ServiceError("Whatever", "no", status=408), ErrorKind.UNREACHABLE),
        (ServiceError("Whatever", "no", status=509), ErrorKind.THROTTLED),
    ],
    ids=lambda value: getattr(value, "code", None),
)
def test_r62_codes_of_temporary_errors_are_retried_whatever_the_http_status(aws, gateway, error, kind):
    called = aws.refuse(None, error, error)
    assert gateway.create(**CREATE) == ARN
    assert called == ["CreateImageVersion"] * 3

    aws.refuse(None, error, forever=True)
    with pytest.raises(AwsServiceError) as raised:
        gateway.create(**CREATE)
    assert raised.value.kind is kind
    assert gateway.is_throttled() is (kind is ErrorKind.THROTTLED)


def test_r62_every_code_that_botocore_retries_is_retried(aws, gateway):
    table = json.dumps(botocore.loaders.create_loader().load_data("_retry"))
    codes = set(re.findall(r'"service_error_code": "([^"]+)"', table))
    assert len(codes) > 10
    aws.refuse(None, *(ServiceError(code, "no") for code in sorted(codes)))

    assert gateway.create(**CREATE) == ARN


class Http:
    """The handler's clients, to which these bodies respond with HTTP 200 in turn, the last one from then on."""

    def __init__(self, *bodies):
        self.bodies = list(bodies)
        self.requests = []

    def client(self, service):
        client = handler_clients.session().create_client(
            service, region_name="eu-west-1", aws_access_key_id="key", aws_secret_access_key="secret"
        )
        client.meta.events.register("before-send", self._respond)
        return client

    def _respond(self, request, **_):
        self.requests.append(request.body)
        body = self.bodies.pop(0) if len(self.bodies) > 1 else self.bodies[0]
        return AWSResponse(request.url, 200, {}, types.SimpleNamespace(stream=lambda **_: iter([body])))


DESCRIBED = b'{"ImageVersionArn": "%s", "ImageVersionStatus": "CREATED", "CreationTime": 1700000060}' % ARN.encode()
STACK_RESOURCE = (
    b"<R><DescribeStackResourceResult><StackResourceDetail>%s</StackResourceDetail></DescribeStackResourceResult></R>"
)
STACK = b"<R><DescribeStacksResult><Stacks>%s</Stacks></DescribeStacksResult></R>"
CALLS = {
    "create": (lambda gateway: gateway.create(**CREATE), b'{"ImageVersionArn": "%s"}' % ARN.encode(), ARN, []),
    "describe": (
        lambda gateway: gateway.describe(VERSION).created_at,
        DESCRIBED,
        1_700_000_060,
        [
            DESCRIBED.replace(b"1700000060", b'"soon"'),
            DESCRIBED.replace(b"1700000060", b"1e400"),
            DESCRIBED.replace(b"CREATED", b""),
            DESCRIBED.replace(b'"CREATED"', b"3"),
        ],
    ),
    "describe_alias": (
        lambda gateway: gateway.describe_alias("data-science", "latest").arn,
        DESCRIBED,
        VERSION,
        [DESCRIBED.replace(b'"ImageVersionArn"', b'"Arn"')],
    ),
    "list_versions": (
        lambda gateway: gateway.list_versions("data-science"),
        b'{"ImageVersions": [%s, {"ImageVersionArn": "arn:none"}]}' % DESCRIBED,
        [ListedVersion(VERSION, "CREATED", 1_700_000_060)],
        [
            b'{"ImageVersions": [%s]}' % body
            for body in (b"null", b"3", DESCRIBED.replace(b"Status", b""), DESCRIBED.replace(b"CreationTime", b""))
        ],
    ),
    "list_aliases": (
        lambda gateway: gateway.list_aliases(VERSION),
        b'{"SageMakerImageVersionAliases": ["latest"]}',
        ["latest"],
        [b'{"SageMakerImageVersionAliases": null}'],
    ),
    "update": (lambda gateway: gateway.update(VERSION, {}), b'{"ImageVersionArn": "%s"}' % ARN.encode(), None, []),
    "describe_ecr_image": (
        lambda gateway: gateway.describe_ecr_image(f"{REPOSITORY}:1.0.0").digest,
        b'{"imageDetails": [{"imageDigest": "sha256:0"}]}',
        "sha256:0",
        [b'{"imageDetails": [null]}', b'{"imageDetails": [{}]}'],
    ),
    "describe_stack": (
        lambda gateway: gateway.describe_stack("stack"),
        STACK % b"<member><StackStatus>CREATE_COMPLETE</StackStatus></member>",
        StackDescription("CREATE_COMPLETE", None),
        [STACK % b"", STACK % b"<member></member>"],
    ),
    "describe_stack_resource": (
        lambda gateway: gateway.describe_stack_resource("stack", "Version"),
        STACK_RESOURCE % b"<PhysicalResourceId>id</PhysicalResourceId>",
        "id",
        [STACK_RESOURCE % b""],
    ),
}
"""The operations: the call, a body, what the call then returns, and bodies that lack what this call needs."""
OPTIONAL = ["describe_stack", "describe_stack_resource", "describe_ecr_image"]
"""The operations that the handler can do without."""
UNUSABLE = [b"", b"null", b"[]", b'"x"', b"3", b"{}", b"<html><body>Bad</body></html>", b"<html>", b"\xff\xfe"]


@pytest.mark.parametrize("name", CALLS)
def test_r58_a_response_without_what_the_caller_needs_is_retried(start_gateway, clients, name):
    call, usable, result, unusable = CALLS[name]
    services = {"describe_ecr_image": "ecr"} | dict.fromkeys(OPTIONAL[:2], "cloudformation")
    service = services.get(name, "sagemaker")
    for body in UNUSABLE + unusable:
        http = Http(body, body, usable)
        clients.client = http.client(service)

        assert call(start_gateway(120)) == result, body
        # All requests are equal: a creation with the same ClientToken creates only one version.
        assert len(http.requests) == 3, body
        assert len(set(http.requests)) == 1, body

    http.bodies = [b"<html></html>"]
    with pytest.raises(AwsServiceError, match=r"failed for .*: UnusableResponse: KeyError: ") as raised:
        call(start_gateway(120))
    assert raised.value.kind is ErrorKind.UNREACHABLE
    assert len(http.requests) > 5


@pytest.fixture
def unreachable(aws, clients):
    """Lets every call fail after a number of seconds, the first ones at once with the given errors."""

    def unreachable(seconds, error=None, first=()):
        errors = iter(first)
        starts = []

        def call(**_):
            starts.append(aws.clock.now())
            for each in errors:
                raise each
            aws.clock.advance(seconds)
            raise error or ConnectTimeoutError(endpoint_url="https://api.sagemaker.eu-west-1.amazonaws.com/")

        names = ("describe_image_version", "describe_stacks", "describe_stack_resource", "describe_images")
        clients.client = types.SimpleNamespace(**dict.fromkeys(names, call))
        return starts

    return unreachable


THROTTLING = ClientError({"Error": {"Code": "Throttling", "Message": "Rate exceeded"}}, "Any")


@pytest.mark.parametrize("name", OPTIONAL)
@pytest.mark.parametrize(
    ("seconds", "error", "attempts"), [(12, None, 2), (2, None, 4), (16, None, 1), (0, THROTTLING, 6)]
)
def test_r65_a_call_that_the_handler_can_do_without_takes_half_a_minute(
    aws, start_gateway, unreachable, name, seconds, error, attempts
):
    start = aws.clock.now()
    attempted = unreachable(seconds, error)

    with pytest.raises(AwsServiceError) as raised:
        CALLS[name][0](start_gateway(900))

    assert len(attempted) >= attempts
    # Every attempt had the time that the slowest one needs.
    assert max(attempted) + max(12, seconds) <= start + 30
    # The handler goes on, and there is nothing that a user has to do.
    assert str(raised.value).endswith(f"{raised.value.message}.")


@pytest.mark.parametrize("name", OPTIONAL)
def test_r65_a_service_that_did_not_respond_is_not_called_again_by_the_same_event(start_gateway, unreachable, name):
    gateway, attempted = start_gateway(900), unreachable(12)
    for _ in range(2):
        with pytest.raises(AwsServiceError, match="ConnectTimeoutError"):
            CALLS[name][0](gateway)

    assert len(attempted) == 2


@pytest.mark.parametrize("name", OPTIONAL)
def test_a_call_that_the_handler_can_do_without_is_not_retried_when_it_is_denied(start_gateway, unreachable, name):
    attempted = unreachable(0, ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "Any"))

    with pytest.raises(AwsServiceError, match="The function's role must allow the action for Describe"):
        CALLS[name][0](start_gateway(900))

    assert len(attempted) == 1


@pytest.mark.parametrize("seconds", [0, 12, 16])
def test_r66_when_sagemaker_was_never_reached_calls_end_after_five_minutes(
    aws, start_gateway, clients, unreachable, seconds
):
    # GIVEN an invocation in which another service responded, after a while
    gateway = start_gateway(900)
    start = aws.clock.now()
    assert gateway.describe_stack("stack")
    aws.clock.advance(100)
    attempted = unreachable(seconds)

    with pytest.raises(AwsServiceError) as raised:
        gateway.describe(VERSION)

    assert 260 < aws.clock.now() - start <= 300
    assert max(attempted) + max(12, seconds) <= start + 300
    assert raised.value.kind is ErrorKind.UNREACHABLE
    assert raised.value.reason == (
        f"DescribeImageVersion failed for {ARN}: ConnectTimeoutError: Connect timeout on endpoint URL: "
        '"https://api.sagemaker.eu-west-1.amazonaws.com/". No call has reached this endpoint: check the VPC endpoint '
        "or the NAT gateway of the function's subnets, their DNS resolution, and the function's security groups."
    )


@pytest.mark.parametrize("response", ["usable", THROTTLING, KeyError("body")], ids=["usable", "throttling", "unusable"])
def test_r66_after_any_response_calls_are_retried_until_the_deadline(aws, start_gateway, unreachable, response):
    gateway = start_gateway(900)
    start = aws.clock.now()
    if response == "usable":
        gateway.create(**CREATE)
    unreachable(12, first=[] if response == "usable" else [response])

    with pytest.raises(AwsServiceError, match="until the function's time was up"):
        gateway.describe(VERSION)

    assert aws.clock.now() - start > 880


LISTINGS = {
    "ListImageVersions": (
        lambda gateway: gateway.list_versions("data-science"),
        {"ImageVersions": [{"ImageVersionArn": ARN, "ImageVersionStatus": "CREATED", "CreationTime": CREATED_AT}]},
    ),
    "ListAliases": (lambda gateway: gateway.list_aliases(VERSION), {"SageMakerImageVersionAliases": ["latest"]}),
}


def _listing(aws, clients, page, tokens):
    """Lets both listings return ``page`` with these tokens in turn, each page after 10 s."""
    received = []

    def call(**parameters):
        received.append(parameters.get("NextToken"))
        aws.clock.advance(10)
        token = next(tokens)
        return page if token is None else {**page, "NextToken": token}

    clients.client = types.SimpleNamespace(list_image_versions=call, list_aliases=call)
    return received


@pytest.mark.parametrize("operation", LISTINGS)
@pytest.mark.parametrize(
    ("tokens", "pages"), [([None], 1), (["a", None], 2), ([""], 1), (["a", "a"], 2), (["a", "b", "a"], 3)]
)
def test_r68_an_empty_or_a_repeated_token_ends_a_list(aws, gateway, clients, operation, tokens, pages):
    call, page = LISTINGS[operation]
    received = _listing(aws, clients, page, iter(tokens))

    # A service that repeats a token may repeat a page, and each version counts once.
    assert len(call(gateway)) == (1 if operation == "ListImageVersions" else pages)
    assert received == [None, *tokens[: pages - 1]]


@pytest.mark.parametrize("operation", LISTINGS)
def test_r68_a_list_without_end_fails_at_the_deadline(aws, gateway, clients, operation):
    call, page = LISTINGS[operation]
    received = _listing(aws, clients, page, map(str, itertools.count()))

    with pytest.raises(AwsServiceError) as raised:
        call(gateway)

    assert len(received) == 13
    assert raised.value.kind is ErrorKind.UNREACHABLE
    assert raised.value.reason.startswith(f"{operation} failed for ")
    assert "IncompleteList: the service returned more pages than could be read. " in raised.value.reason


CREATED, UPDATED = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("times", "began_at"),
    [
        ({"CreationTime": CREATED}, CREATED.timestamp()),
        ({"CreationTime": CREATED, "LastUpdatedTime": UPDATED}, UPDATED.timestamp()),
        ({}, None),
    ],
)
def test_a_stack_is_described_with_the_start_of_its_last_update(aws, gateway, monkeypatch, times, began_at):
    stacks = [{"StackStatus": "UPDATE_ROLLBACK_IN_PROGRESS", **times}]
    monkeypatch.setattr(aws.cloudformation, "describe_stacks", lambda **_: {"Stacks": stacks})

    assert gateway.describe_stack("stack") == StackDescription("UPDATE_ROLLBACK_IN_PROGRESS", began_at)


def test_a_stack_that_cloudformation_does_not_know_any_more_is_deleted(aws, gateway, monkeypatch):
    def refuse(**_):
        raise ClientError({"Error": {"Code": "ValidationError", "Message": "Stack with id A does not exist"}}, "Any")

    monkeypatch.setattr(aws.cloudformation, "describe_stacks", refuse)

    assert gateway.describe_stack("stack") == StackDescription("DELETE_COMPLETE", None)


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
