"""The unit tests of CloudFormation's own provider of AWS::SageMaker::ImageVersion, by their names.

https://github.com/aws-cloudformation/aws-cloudformation-resource-providers-sagemaker (CreateHandlerTest,
DeleteHandlerTest, ExceptionMapperTest)
"""

import pytest
from harness import ARN, REPOSITORY, Aws, Function
from imgver_sandbox.sagemaker.service import ServiceError


@pytest.fixture(autouse=True)
def two_minutes(function):
    """Retries until the deadline need not take the simulated time of the whole function."""
    function.seconds = 120


def test_create_handler_simple_success_and_verify_stabilization_created_status(create, function):
    response = create()

    assert response["Status"] == "SUCCESS"
    assert response["PhysicalResourceId"] == ARN
    assert (response["Data"]["BaseImage"], response["Data"]["Version"]) == (f"{REPOSITORY}:1.0.0", "1")
    assert function.names() == ["CreateImageVersion", *["DescribeImageVersion"] * 2]


def test_create_handler_resource_in_use_exception(aws, create):
    """We differ: the provider fails at once, and the handler only at the deadline."""
    busy = ServiceError("ResourceInUse", "Resource was modified concurrently")
    aws.refuse("CreateImageVersion", busy)
    assert create()["Status"] == "SUCCESS"

    aws.refuse("CreateImageVersion", busy, forever=True)
    response = create()
    assert response["Status"] == "FAILED"
    assert "ResourceInUse: Resource was modified concurrently" in response["Reason"]


def test_create_handler_invalid_request_model(create, function):
    """We differ: the provider refuses read-only properties. The handler ignores unknown properties, which another
    release may have written, and refuses invalid ones."""
    assert create(ImageVersionArn="arn", Version="9", ContainerImage="image")["Data"]["Version"] == "1"

    assert create(BaseImage=None)["Reason"] == "property BaseImage is missing or not a string"
    assert function.names() == []


def test_create_handler_verify_stabilization_create_failed(aws, create):
    """We differ: the provider drops the FailureReason, and the handler returns it as the reason."""
    aws.service.faults.fail("test error message")

    response = create()

    assert response["Status"] == "FAILED"
    assert response["Reason"] == f"{ARN} could not be created: test error message."


def test_delete_handler_resource_already_deleting(aws, create, delete, function):
    """We differ: the provider describes the version first, and the handler calls Delete once."""
    create()
    aws.sagemaker.delete_image_version(ImageName="data-science", Version=1)

    assert delete()["Status"] == "SUCCESS"
    assert function.names().count("DeleteImageVersion") == 1


def test_delete_handler_simple_success_and_resource_already_deleted(aws, create, delete):
    """We differ: the provider returns NotFound, as its contract says. For a custom resource that would be a failure."""
    create()

    assert delete()["Status"] == "SUCCESS"
    assert aws.versions() == {}
    assert delete()["Status"] == "SUCCESS"


def test_delete_handler_verify_stabilization_successful_delete(event):
    function = Function(Aws(delete_seconds=3))
    function.deliver(event("image_version_create"))

    assert function.deliver(event("image_version_delete"))["Status"] == "SUCCESS"
    assert function.names() == ["DescribeImageVersion", "DeleteImageVersion", *["DescribeImageVersion"] * 3]


def test_delete_handler_verify_stabilization_delete_failed(aws, create, delete):
    create()
    aws.service.faults.fail("test error message", operation="DeleteImageVersion")

    response = delete()

    assert response["Status"] == "FAILED"
    assert response["Reason"].startswith(f"{ARN} could not be deleted: test error message.")


@pytest.mark.parametrize(
    ("code", "retried"),
    [
        ("UnauthorizedOperation", True),
        ("AccessDenied", True),
        ("InvalidParameter", False),
        ("InvalidParameterValue", False),
        ("ValidationError", False),
        ("InternalError", True),
        ("InternalFailure", True),
        ("ResourceLimitExceeded", False),
        ("ResourceNotFound", False),
        ("ResourceInUseException", True),
        ("ThrottlingException", True),
        ("UnknownException", False),
        ("ValidationException", False),
    ],
)
def test_exception_mapper(aws, create, function, code, retried):
    """We differ: temporary errors are retried (denied calls for seconds only), and every code reaches the user."""
    aws.refuse("CreateImageVersion", ServiceError(code, "testErrorMessage"), forever=True)

    response = create()

    assert response["Status"] == "FAILED"
    assert f"{code}: testErrorMessage" in response["Reason"]
    assert (function.names().count("CreateImageVersion") > 1) is retried
