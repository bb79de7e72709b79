"""boto3 clients whose calls the service handles in this process."""

import json
import socket
from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError, WaiterError
from imgver_sandbox.in_process import client
from imgver_sandbox.sagemaker.clock import ManualClock
from imgver_sandbox.sagemaker.service import ImagesService, ServiceError, respond


def test_a_version_from_create_to_delete_without_network_and_user_settings(make_aws, monkeypatch):
    def refuse(*_):
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setenv("AWS_PROFILE", "not-there")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "not a URL")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    aws = make_aws()
    sagemaker = client("sagemaker", aws.service)
    start = datetime.fromtimestamp(aws.clock.now(), UTC)

    sagemaker.create_image(ImageName="i", RoleArn=aws.role)
    aws.wait()
    arn = sagemaker.create_image_version(ImageName="i", BaseImage=aws.base_image, Aliases=["latest"])["ImageVersionArn"]
    aws.wait()
    version = sagemaker.describe_image_version(ImageName="i", Alias="latest")
    sagemaker.delete_image_version(ImageName="i", Version=1)
    aws.wait()

    assert arn == "arn:aws:sagemaker:eu-west-1:123456789012:image-version/i/1"
    assert (version["ImageVersionArn"], version["ImageVersionStatus"]) == (arn, "CREATED")
    assert (version["CreationTime"] - start).total_seconds() == 60
    assert sagemaker.list_image_versions(ImageName="i")["ImageVersions"] == []


def test_the_client_determines_account_and_region(aws):
    sagemaker = client("sagemaker", aws.service, region="cn-north-1", account="210987654321")

    arn = sagemaker.create_image(ImageName="i", RoleArn=aws.role)["ImageArn"]

    assert arn == "arn:aws-cn:sagemaker:cn-north-1:210987654321:image/i"


def test_errors_are_those_of_boto3_and_nothing_is_repeated(aws):
    sagemaker = client("sagemaker", aws.service)
    with pytest.raises(sagemaker.exceptions.ResourceNotFound) as caught:
        sagemaker.describe_image_version(ImageName="data-science")
    assert str(caught.value) == (
        "An error occurred (ResourceNotFound) when calling the DescribeImageVersion operation: Latest ImageVersion "
        "with ImageName data-science does not exist. Please provide a valid ImageName."
    )
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400

    calls = []

    def throttle(call):
        calls.append(call.operation)
        raise ServiceError("ThrottlingException", "Rate exceeded", status=429)

    aws.service.before_call = throttle
    with pytest.raises(ClientError, match=r"\(ThrottlingException\).*: Rate exceeded$"):
        sagemaker.list_images()
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


def test_an_ecr_client_reads_the_registry_of_the_service(aws):
    ecr = client("ecr", aws.service)

    (image,) = ecr.describe_images(repositoryName="team/data-science", imageIds=[{"imageTag": "1.0.0"}])["imageDetails"]

    assert image["imageDigest"] == aws.digest
    with pytest.raises(ecr.exceptions.ImageNotFoundException, match="does not exist within the repository"):
        ecr.describe_images(repositoryName="team/data-science", imageIds=[{"imageTag": "none"}])
    with pytest.raises(ecr.exceptions.RepositoryNotFoundException, match="'none' does not exist in the registry"):
        ecr.describe_images(repositoryName="none")
    with pytest.raises(ClientError, match=r"\(UnknownOperationException\).*Unknown operation DescribeRepositories$"):
        ecr.describe_repositories()


def test_an_ecr_client_needs_the_registry_in_memory():
    service = ImagesService(clock=ManualClock(), registry="another registry")

    with pytest.raises(
        TypeError, match=r"^registry 'another registry' of the service must be an InMemoryRegistry for calls of ECR$"
    ):
        client("ecr", service).describe_images(repositoryName="ds")


class TestWireProtocol:
    """Requests and responses that boto3 would not send or show."""

    def post(self, aws, target, body):
        place = {"account": "123456789012", "region": "eu-west-1"}
        status, headers, response = respond(aws.service, target=target, body=body, **place)
        assert headers["Content-Type"] == "application/x-amz-json-1.1"
        assert headers["x-amzn-requestid"]
        return status, json.loads(response)

    def test_an_empty_body_means_no_parameters_and_times_are_numbers(self, aws):
        status, response = self.post(aws, "SageMaker.ListImages", b"")

        assert (status, response["Images"][0]["CreationTime"]) == (200, 1_700_000_000.0)

    @pytest.mark.parametrize(
        ("target", "body", "code", "message"),
        [
            ("SageMaker.Fly", b"{}", "UnknownOperationException", "Unknown operation Fly"),
            ("SageMaker", b"{}", "UnknownOperationException", "Unknown operation SageMaker"),
            ("Other.ListImages", b"{}", "UnknownOperationException", "Unknown operation Other.ListImages"),
            ("SageMaker.ListImages", b"{", "SerializationException", "The request body is not JSON"),
            ("SageMaker.ListImages", b"\xff", "SerializationException", "The request body is not JSON"),
            ("SageMaker.ListImages", b"[" * 100_000, "SerializationException", "The request body is nested too deeply"),
            ("SageMaker.ListImages", b"[]", "SerializationException", "The request body is not a JSON object"),
        ],
    )
    def test_an_invalid_request_is_refused(self, aws, target, body, code, message):
        assert self.post(aws, target, body) == (400, {"__type": code, "Message": message})

    def test_a_defect_is_not_a_response(self, aws):
        def defect(_call):
            raise ZeroDivisionError

        aws.service.before_call = defect

        with pytest.raises(ZeroDivisionError):
            self.post(aws, "SageMaker.ListImages", b"{}")
