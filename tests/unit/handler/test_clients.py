"""The handler's clients send the same requests as boto3's, and parse the responses."""

import functools
import gzip
import json
import types
from datetime import UTC, datetime
from pathlib import Path

import boto3
import botocore
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.model import ServiceModel
from imgver_handler.aws import clients

OPERATIONS = {
    "cloudformation": {"DescribeStackResource", "DescribeStacks"},
    "ecr": {"DescribeImages"},
    "sagemaker": {
        "CreateImageVersion",
        "DeleteImageVersion",
        "DescribeDomain",
        "DescribeImageVersion",
        "DescribeUserProfile",
        "ListAliases",
        "ListImageVersions",
        "UpdateDomain",
        "UpdateImageVersion",
        "UpdateUserProfile",
    },
}
CALLS = {
    "cloudformation": ("describe_stacks", {"StackName": "arn:aws:cloudformation:eu-west-1:123456789012:stack/A/1"}),
    "ecr": (
        "describe_images",
        {"registryId": "123456789012", "repositoryName": "r/s", "imageIds": [{"imageTag": "1.0.0"}]},
    ),
    "sagemaker": (
        "update_image_version",
        {"ImageName": "data-science", "Version": 7, "Horovod": False, "AliasesToAdd": ["latest", "1.0"]},
    ),
}


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """Lambda's environment, with new clients."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_SESSION_TOKEN": "token",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    }.items():
        monkeypatch.setenv(name, value)
    # A session of the test's own: the harness keeps the other one.
    session = functools.cache(clients.session.__wrapped__)
    monkeypatch.setattr(clients, "session", session)
    clients.client.cache_clear()
    yield
    clients.client.cache_clear()


def _models(service):
    """The handler's model of a service, and botocore's."""
    (ours,) = (clients.MODELS / service).glob("*/service-2.json")
    theirs = Path(botocore.BOTOCORE_ROOT, "data", service, ours.parent.name, "service-2.json.gz")
    return (
        ServiceModel(json.loads(ours.read_bytes()), service),
        ServiceModel(json.loads(gzip.decompress(theirs.read_bytes())), service),
    )


def _assert_part_of(ours, theirs, where):
    """Check that ``theirs`` contains everything in ``ours``, which is a shape."""
    assert ours.type_name == theirs.type_name, where
    assert ours.serialization == theirs.serialization, where
    assert ours.type_name in ("structure", "list", "string", "integer", "boolean", "timestamp"), where
    if ours.type_name == "list":
        _assert_part_of(ours.member, theirs.member, f"{where}[]")
    elif ours.type_name == "structure":
        assert set(ours.members) <= set(theirs.members), where
        for name, member in ours.members.items():
            _assert_part_of(member, theirs.members[name], f"{where}.{name}")


@pytest.mark.parametrize("service", OPERATIONS)
def test_the_models_are_a_part_of_botocores(service):
    ours, theirs = _models(service)

    protocols = theirs.metadata.get("protocols", [theirs.metadata["protocol"]])
    assert ours.metadata["protocol"] in protocols
    assert ours.metadata.items() - {("protocol", ours.metadata["protocol"])} <= {
        (name, value) for name, value in theirs.metadata.items() if isinstance(value, str)
    }
    assert set(ours.operation_names) == OPERATIONS[service]
    for name in ours.operation_names:
        our, their = ours.operation_model(name), theirs.operation_model(name)
        assert our.http == their.http
        _assert_part_of(our.input_shape, their.input_shape, f"{name}Request")
        if our.output_shape is not None:
            _assert_part_of(our.output_shape, their.output_shape, f"{name}Response")
            assert our.output_shape.serialization == their.output_shape.serialization


class SentError(Exception):
    """Raised in place of sending a request."""


def _request(client, service):
    """The request of a call, without what differs from call to call."""
    requests = []

    def record(request, **_):
        requests.append(request)
        raise SentError

    client.meta.events.register(f"before-send.{service}", record)
    operation, parameters = CALLS[service]
    with pytest.raises(SentError):
        getattr(client, operation)(**parameters)
    (request,) = requests
    headers = {name.lower(): _string(value) for name, value in request.headers.items()}
    # The scope of the signature and the headers that it covers stay.
    signed = headers.pop("authorization").partition(", Signature=")[0].partition("/")[2].partition("/")[2]
    for name in ("amz-sdk-invocation-id", "x-amz-date", "user-agent"):
        headers.pop(name)
    return request.method, request.url, _string(request.body), signed, headers


def _string(value):
    return value.decode() if isinstance(value, bytes) else value


@pytest.mark.parametrize("service", CALLS)
@pytest.mark.parametrize("region", ["eu-west-1", "us-gov-west-1", "cn-north-1"])
def test_every_request_equals_that_of_boto3(service, region):
    config = Config(connect_timeout=2, read_timeout=10, retries={"total_max_attempts": 1})
    expected = _request(boto3.session.Session().client(service, region_name=region, config=config), service)

    assert _request(clients.client(service, region), service) == expected


def test_a_call_that_fails_is_sent_once_however_many_calls_have_failed_before():
    """By default, boto3 1.44 retries a call twice, with a quota that failed calls use up."""
    client = clients.client("sagemaker", "eu-west-1")
    sent = []

    def throttle(request, **_):
        sent.append(request.url)
        body = types.SimpleNamespace(stream=lambda **_: iter([b'{"__type": "ThrottlingException"}']))
        return AWSResponse(request.url, 400, {}, body)

    client.meta.events.register("before-send.sagemaker", throttle)
    for _ in range(100):
        with pytest.raises(ClientError, match="ThrottlingException"):
            client.describe_image_version(ImageName="data-science", Version=7)

    assert len(sent) == 100


@pytest.mark.parametrize(
    ("status", "body", "parsed"),
    [
        (
            200,
            (
                "<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>A</StackName>"
                "<CreationTime>2026-01-01T00:00:00.5Z</CreationTime>"
                "<LastUpdatedTime>2026-01-02T00:00:00Z</LastUpdatedTime>"
                "<StackStatus>UPDATE_ROLLBACK_IN_PROGRESS</StackStatus></member></Stacks></DescribeStacksResult>"
                "</DescribeStacksResponse>"
            ),
            [
                {
                    "CreationTime": datetime(2026, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC),
                    "LastUpdatedTime": datetime(2026, 1, 2, tzinfo=UTC),
                    "StackStatus": "UPDATE_ROLLBACK_IN_PROGRESS",
                }
            ],
        ),
        (
            403,
            (
                "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not authorized</Message>"
                "</Error></ErrorResponse>"
            ),
            ("AccessDenied", "not authorized"),
        ),
    ],
)
def test_responses_of_cloudformation_are_parsed(status, body, parsed):
    client = clients.client("cloudformation", None)
    body = body.replace("Response>", 'Response xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/">', 1)
    raw = types.SimpleNamespace(stream=lambda **_: iter([body.encode()]))
    client.meta.events.register("before-send", lambda request, **_: AWSResponse(request.url, status, {}, raw))

    try:
        response = client.describe_stacks(StackName="A")["Stacks"]
    except ClientError as error:
        response = (error.response["Error"]["Code"], error.response["Error"]["Message"])

    assert response == parsed


@pytest.mark.parametrize("configured", [None, "mine"])
def test_the_models_come_first_in_the_search_path_and_aws_data_path_next(monkeypatch, tmp_path, configured):
    if configured is not None:
        monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path))

    client = clients.client("sagemaker", None)

    assert set(client.meta.service_model.operation_names) == OPERATIONS["sagemaker"]
    added = [] if configured is None else [str(tmp_path)]
    assert clients.session().get_component("data_loader").search_paths[: 1 + len(added)] == [
        str(clients.MODELS),
        *added,
    ]
