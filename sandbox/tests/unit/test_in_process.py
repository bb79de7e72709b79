"""boto3's own clients, answered in process."""

import json
import socket
from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError, WaiterError
from imgver_sandbox.in_process import client
from imgver_sandbox.sagemaker.clock import ManualClock
from imgver_sandbox.sagemaker.service import ImagesService, ServiceError, respond


@pytest.fixture(autouse=True)
def no_network_and_no_settings(monkeypatch):
    """Whatever the user has set up, and without any way out."""

    def refuse(*_):
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setenv("AWS_PROFILE", "not-there")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://elsewhere.invalid")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)


def test_the_life_of_a_version_through_boto3(make_aws):
    aws = make_aws()
    sagemaker = client("sagemaker", aws.service)
    start = datetime.fromtimestamp(aws.clock.now(), UTC)

    sagemaker.create_image(ImageName="i", RoleArn=aws.role)
    aws.wait()
    arn = sagemaker.create_image_version(ImageName="i", BaseImage=aws.base_image, Aliases=["latest"])["ImageVersionArn"]
    aws.wait()
    version = sagemaker.describe_image_version(ImageName="i", Alias="latest")
    sagemaker.update_image_version(ImageName="i", Version=1, Horovod=True)
    aws.wait()
    sagemaker.delete_image_version(ImageName="i", Version=1)
    aws.wait()

    assert arn == "arn:aws:sagemaker:eu-west-1:123456789012:image-version/i/1"
    assert (version["ImageVersionArn"], version["ImageVersionStatus"]) == (arn, "CREATED")
    assert (version["CreationTime"] - start).total_seconds() == 60
    assert sagemaker.list_image_versions(ImageName="i")["ImageVersions"] == []


def test_account_and_region_are_the_clients(make_aws):
    aws = make_aws()
    sagemaker = client("sagemaker", aws.service, region="cn-north-1", account="210987654321")

    arn = sagemaker.create_image(ImageName="i", RoleArn=aws.role)["ImageArn"]

    assert arn == "arn:aws-cn:sagemaker:cn-north-1:210987654321:image/i"
    assert client("sagemaker", aws.service).list_images()["Images"] == []


def test_errors_are_boto3s_own(aws):
    sagemaker = client("sagemaker", aws.service)

    with pytest.raises(sagemaker.exceptions.ResourceNotFound) as caught:
        sagemaker.describe_image_version(ImageName="data-science")

    assert str(caught.value) == (
        "An error occurred (ResourceNotFound) when calling the DescribeImageVersion operation: Latest ImageVersion "
        "with ImageName data-science does not exist. Please provide a valid ImageName."
    )
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_nothing_is_tried_again(aws):
    calls = []

    def throttle(call):
        calls.append(call.operation)
        raise ServiceError("ThrottlingException", "Rate exceeded", status=429)

    aws.service.before_call = throttle

    with pytest.raises(ClientError, match=r"\(ThrottlingException\).*: Rate exceeded$"):
        client("sagemaker", aws.service).list_images()
    assert calls == ["ListImages"]


def test_filters_paginators_and_waiters_work(make_aws):
    aws = make_aws(write_seconds=0)
    aws.image()
    for _ in range(12):
        aws.start()
    sagemaker = client("sagemaker", aws.service)

    pages = list(sagemaker.get_paginator("list_image_versions").paginate(ImageName="data-science"))
    later = datetime.fromtimestamp(aws.clock.now() + 1, UTC)

    assert [len(page["ImageVersions"]) for page in pages] == [10, 2]
    assert sagemaker.list_images(CreationTimeAfter=later)["Images"] == []
    once = {"Delay": 0, "MaxAttempts": 1}
    with pytest.raises(WaiterError, match="Max attempts exceeded"):
        sagemaker.get_waiter("image_version_created").wait(ImageName="data-science", Version=1, WaiterConfig=once)
    aws.wait()
    sagemaker.get_waiter("image_version_created").wait(ImageName="data-science", Version=1, WaiterConfig=once)


def test_ecr_answers_from_the_same_registry(aws):
    ecr = client("ecr", aws.service)

    (image,) = ecr.describe_images(repositoryName="team/data-science", imageIds=[{"imageTag": "1.0.0"}])["imageDetails"]

    assert image["imageDigest"] == aws.digest
    with pytest.raises(ecr.exceptions.ImageNotFoundException, match="does not exist within the repository"):
        ecr.describe_images(repositoryName="team/data-science", imageIds=[{"imageTag": "none"}])
    with pytest.raises(ecr.exceptions.RepositoryNotFoundException, match="'none' does not exist in the registry"):
        ecr.describe_images(repositoryName="none-such-as-none".removeprefix("none-such-as-"))
    with pytest.raises(ClientError, match=r"\(UnknownOperationException\).*Unknown operation DescribeRepositories$"):
        ecr.describe_repositories()


def test_ecr_needs_the_registry_in_memory():
    class Elsewhere:
        def resolve(self, _uri):
            return None

        def __repr__(self):
            return "Elsewhere()"

    service = ImagesService(clock=ManualClock(), registry=Elsewhere())

    with pytest.raises(
        TypeError, match=r"^registry Elsewhere\(\) of the service must be an InMemoryRegistry to answer ECR calls$"
    ):
        client("ecr", service).describe_images(repositoryName="ds")


class TestWire:
    """What goes over the wire, where boto3 would not send it."""

    def post(self, aws, target, body):
        status, headers, answer = respond(
            aws.service, target=target, body=body, account="123456789012", region="eu-west-1"
        )
        assert headers["Content-Type"] == "application/x-amz-json-1.1"
        assert headers["x-amzn-RequestId"]
        return status, json.loads(answer)

    def test_times_are_numbers(self, aws):
        status, answer = self.post(aws, "SageMaker.DescribeImage", b'{"ImageName": "data-science"}')

        assert (status, answer["CreationTime"]) == (200, 1_700_000_000.0)

    def test_no_body_is_no_parameters(self, aws):
        assert self.post(aws, "SageMaker.ListImages", b"")[0] == 200

    @pytest.mark.parametrize(
        ("target", "body", "code", "message"),
        [
            ("SageMaker.Fly", b"{}", "UnknownOperationException", "Unknown operation Fly"),
            ("SageMaker", b"{}", "UnknownOperationException", "Unknown operation SageMaker"),
            ("Other.ListImages", b"{}", "UnknownOperationException", "Unknown operation Other.ListImages"),
            ("SageMaker.ListImages", b"{", "SerializationException", "The request body is no JSON"),
            ("SageMaker.ListImages", b"\xff", "SerializationException", "The request body is no JSON"),
            ("SageMaker.ListImages", b"[" * 100_000, "SerializationException", "The request body is no JSON"),
            ("SageMaker.ListImages", b"[]", "SerializationException", "The request body is no JSON object"),
            (
                "SageMaker.ListImages",
                b'{"MaxResults": "1"}',
                "SerializationException",
                "STRING_VALUE can not be converted to an Integer",
            ),
        ],
    )
    def test_what_is_no_request_is_refused(self, aws, target, body, code, message):
        assert self.post(aws, target, body) == (400, {"__type": code, "Message": message})

    def test_a_defect_is_no_answer(self, aws):
        def defect(_call):
            raise ZeroDivisionError

        aws.service.before_call = defect

        with pytest.raises(ZeroDivisionError):
            self.post(aws, "SageMaker.ListImages", b"{}")
