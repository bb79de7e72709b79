"""The unit tests of CloudFormation's own provider of AWS::SageMaker::ImageVersion, case by case under its names.

https://github.com/aws-cloudformation/aws-cloudformation-resource-providers-sagemaker (CreateHandlerTest,
DeleteHandlerTest, ExceptionMapperTest)
"""

import pytest
from imgver_sandbox.sagemaker.service import ServiceError


def test_create_handler_simple_success(create, arn, base_image):
    answer = create()

    assert answer["Status"] == "SUCCESS"
    assert answer["PhysicalResourceId"] == arn
    assert answer["Data"]["BaseImage"] == base_image
    assert answer["Data"]["Version"] == "1"


def test_create_handler_resource_in_use_exception(create, answering):
    """We differ: the provider fails at once; here it is waited for, and only the deadline makes it a failure."""
    busy = ServiceError("ResourceInUse", "Resource was modified concurrently")
    answering("CreateImageVersion", busy)
    assert create()["Status"] == "SUCCESS"

    answering("CreateImageVersion", busy, forever=True)
    answer = create()
    assert answer["Status"] == "FAILED"
    assert "ResourceInUse: Resource was modified concurrently" in answer["Reason"]


def test_create_handler_service_internal_exception(create, answering):
    """We differ: an error of the server is retried; when it stays, its text is in the reason."""
    answering("CreateImageVersion", ServiceError("InternalFailure", "test error message"), forever=True)

    answer = create()

    assert answer["Status"] == "FAILED"
    assert "InternalFailure: test error message" in answer["Reason"]


def test_create_handler_resource_limit_exceeded_exception(create, answering, function):
    answering("CreateImageVersion", ServiceError("ResourceLimitExceeded", "test error message"))

    answer = create()

    assert answer["Status"] == "FAILED"
    assert "ResourceLimitExceeded: test error message" in answer["Reason"]
    assert function.names() == ["CreateImageVersion"]


def test_create_handler_invalid_request_model(create, function, base_image):
    """We differ: the provider refuses read-only properties; here properties that are not known are ignored, since those
    of any other release may come, and the properties that make no sense are refused."""
    assert create(ImageVersionArn="arn", Version="9", ContainerImage="image")["Data"]["Version"] == "1"

    answer = create(BaseImage=None)
    assert answer["Reason"] == "property BaseImage is missing or not a string"
    assert function.names() == []


def test_create_handler_verify_stabilization_created_status(create, function):
    assert create()["Status"] == "SUCCESS"
    assert function.names() == ["CreateImageVersion", *["DescribeImageVersion"] * 2]


def test_create_handler_verify_stabilization_create_failed(aws, create, arn):
    """We differ: the provider drops the FailureReason; here it is the reason."""
    aws.service.faults.fail("test error message")

    answer = create()

    assert answer["Status"] == "FAILED"
    assert answer["Reason"] == f"{arn} could not be created: test error message."


def test_delete_handler_simple_success(aws, create, delete):
    create()

    assert delete()["Status"] == "SUCCESS"
    assert aws.versions() == {}


def test_delete_handler_resource_already_deleting(aws, create, delete, function):
    """We differ: the provider describes first; here the Delete itself is the question, and is asked once."""
    create()
    aws.sagemaker.delete_image_version(ImageName="data-science", Version=1)

    assert delete()["Status"] == "SUCCESS"
    assert function.names().count("DeleteImageVersion") == 1


def test_delete_handler_resource_already_deleted(delete):
    """We differ: the provider answers NotFound, as its contract wants; to a custom resource that would be a failure."""
    assert delete()["Status"] == "SUCCESS"


def test_delete_handler_verify_stabilization_successful_delete(make_aws, function_of, event):
    aws = make_aws(delete_seconds=3)
    function = function_of(aws)
    function.deliver(event("image_version_create"))

    assert function.deliver(event("image_version_delete"))["Status"] == "SUCCESS"
    assert function.names() == ["DescribeImageVersion", "DeleteImageVersion", *["DescribeImageVersion"] * 3]


def test_delete_handler_verify_stabilization_delete_failed(aws, create, delete, arn):
    create()
    aws.service.faults.fail("test error message", operation="DeleteImageVersion")

    answer = delete()

    assert answer["Status"] == "FAILED"
    assert answer["Reason"].startswith(f"{arn} could not be deleted: test error message.")


@pytest.mark.parametrize(
    ("code", "waits"),
    [
        ("UnauthorizedOperation", True),
        ("AccessDenied", True),
        ("InvalidParameter", False),
        ("InvalidParameterValue", False),
        ("ValidationError", False),
        ("InternalError", True),
        ("ResourceLimitExceeded", False),
        ("ResourceNotFound", False),
        ("ResourceInUseException", True),
        ("ThrottlingException", True),
        ("UnknownException", False),
        ("ValidationException", False),
    ],
)
def test_exception_mapper(create, answering, function, code, waits):
    """We differ: what is temporary is waited for (a denial for seconds only); every code and text reach the user."""
    answering("CreateImageVersion", ServiceError(code, "testErrorMessage"), forever=True)

    answer = create()

    assert answer["Status"] == "FAILED"
    assert f"{code}: testErrorMessage" in answer["Reason"]
    assert (function.names().count("CreateImageVersion") > 1) is waits
