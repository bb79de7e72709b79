"""The function's clients send what boto3's would, and understand what comes back."""

import gzip
import itertools
import json
import types
from pathlib import Path

import boto3
import botocore
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, EndpointProviderError, EndpointVariantError
from botocore.loaders import JSONFileLoader, Loader
from botocore.model import ServiceModel
from imgver_handler.aws import clients

OPERATIONS = {
    "cloudformation": {"DescribeStacks"},
    "ecr": {"DescribeImages"},
    "sagemaker": {
        "CreateImageVersion",
        "DeleteImageVersion",
        "DescribeImageVersion",
        "ListAliases",
        "ListImageVersions",
        "UpdateImageVersion",
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
    """Lambda's environment, in which every client is new."""
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
    clients.client.cache_clear()
    clients._session.cache_clear()
    yield
    clients.client.cache_clear()
    clients._session.cache_clear()


@pytest.fixture(scope="module")
def session():
    """boto3 as everybody uses it."""
    return boto3.session.Session()


def _modelled(service):
    """What botocore knows of a service, and what the function does."""
    (ours,) = (clients.MODELS / service).glob("*/service-2.json")
    theirs = Path(botocore.BOTOCORE_ROOT, "data", service, ours.parent.name, "service-2.json.gz")
    return (
        ServiceModel(json.loads(ours.read_bytes()), service),
        ServiceModel(json.loads(gzip.decompress(theirs.read_bytes())), service),
    )


def _assert_part_of(ours, theirs, where):
    """Everything that ``ours`` says of a shape, ``theirs`` says too."""
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
def test_the_models_say_what_botocores_say(service):
    # GIVEN
    ours, theirs = _modelled(service)

    # THEN the API is called and answers in the same way
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


def _sent(client, service):
    """What a call sends, and to where."""
    sent = []

    def keep(request, **_):
        sent.append(request)
        raise _SentError

    client.meta.events.register(f"before-send.{service}", keep)
    operation, parameters = CALLS[service]
    with pytest.raises(_SentError):
        getattr(client, operation)(**parameters)
    (request,) = sent
    headers = {name.lower(): _text(value) for name, value in request.headers.items()}
    # What the signature covers, and for whom: it differs by the second in which it was made.
    signed = headers.pop("authorization").partition(", Signature=")[0].partition("/")[2].partition("/")[2]
    for name in ("amz-sdk-invocation-id", "x-amz-date"):
        headers.pop(name)
    agent = headers.pop("user-agent")
    assert agent.partition(" ")[0] in (f"Boto3/{boto3.__version__}", f"Botocore/{botocore.__version__}")
    return request.method, request.url, _text(request.body), signed, headers


def _text(value):
    return value.decode() if isinstance(value, bytes) else value


class _SentError(Exception):
    """Nothing went over the wire."""


REGIONS = ("eu-west-1", "us-east-1", "us-gov-west-1", "cn-north-1", "us-iso-east-1", "eusc-de-east-1", "eu-new-9")
VARIANTS = (
    {},
    {"AWS_USE_FIPS_ENDPOINT": "true"},
    {"AWS_USE_DUALSTACK_ENDPOINT": "true"},
    {"AWS_USE_FIPS_ENDPOINT": "true", "AWS_USE_DUALSTACK_ENDPOINT": "true"},
    {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"},
    {"AWS_ENDPOINT_URL_SAGEMAKER": "https://vpce.example.com"},
)


@pytest.mark.parametrize("region", REGIONS)
def test_every_call_goes_where_boto3_sends_it(session, region, monkeypatch):
    config = Config(connect_timeout=2, read_timeout=10, retries={"total_max_attempts": 1})
    for service, variant in itertools.product(CALLS, VARIANTS):
        # GIVEN
        with monkeypatch.context() as environment:
            for name, value in variant.items():
                environment.setenv(name, value)
            clients.client.cache_clear()
            try:
                expected = _sent(session.client(service, region_name=region, config=config), service)
            except (EndpointProviderError, EndpointVariantError):
                # There is no such endpoint.
                with pytest.raises(BotoCoreError):
                    _sent(clients.client(service, region), service)
                continue

            # WHEN
            sent = _sent(clients.client(service, region), service)

            # THEN
            assert sent == expected, (service, variant)


@pytest.mark.parametrize(
    ("status", "body", "understood"),
    [
        (
            200,
            (
                "<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>A</StackName>"
                "<StackStatus>UPDATE_ROLLBACK_IN_PROGRESS</StackStatus></member></Stacks></DescribeStacksResult>"
                "</DescribeStacksResponse>"
            ),
            [{"StackStatus": "UPDATE_ROLLBACK_IN_PROGRESS"}],
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
def test_what_cloudformation_answers_is_understood(status, body, understood):
    # GIVEN
    client = clients.client("cloudformation", None)
    body = body.replace("Response>", 'Response xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/">', 1)
    raw = types.SimpleNamespace(stream=lambda **_: iter([body.encode()]))
    client.meta.events.register("before-send", lambda request, **_: AWSResponse(request.url, status, {}, raw))

    # WHEN
    try:
        answer = client.describe_stacks(StackName="A")["Stacks"]
    except ClientError as error:
        answer = (error.response["Error"]["Code"], error.response["Error"]["Message"])

    # THEN
    assert answer == understood


def test_a_client_is_made_from_the_models_and_without_the_table_of_endpoints(monkeypatch):
    # GIVEN
    read = []

    def load(self, path):
        found = load_file(self, path)
        if found is not None:
            read.append(Path(path))
        return found

    load_file = JSONFileLoader.load_file
    monkeypatch.setattr(JSONFileLoader, "load_file", load)

    # WHEN
    clients.client("sagemaker", None)

    # THEN
    assert [path.parents[2] for path in read if path.name == "service-2"] == [clients.MODELS]
    assert "endpoints" not in {path.name for path in read}


def test_a_botocore_that_wants_more_gets_all_there_is(monkeypatch, capsys):
    # GIVEN a runtime whose botocore cannot do without the table of endpoints
    def load(self, name):
        if name == "endpoints":
            return {}, self.BUILTIN_DATA_PATH
        return Loader.load_data_with_path(self, name)

    monkeypatch.setattr(clients._Loader, "load_data_with_path", load)

    # WHEN
    client = clients.client("sagemaker", None)

    # THEN
    assert client.meta.partition == "aws"
    assert "CreateDomain" in client.meta.service_model.operation_names
    line = json.loads(capsys.readouterr().out)
    assert (line["level"], line["message"]) == ("WARNING", "clients are made with all of botocore's data")
    assert "partitions" in line["error"]
