"""The unit tests of CloudFormation's own provider of AWS::SageMaker::ImageVersion, by their names.

https://github.com/aws-cloudformation/aws-cloudformation-resource-providers-sagemaker (CreateHandlerTest,
DeleteHandlerTest, ExceptionMapperTest)

The other cases are scenarios of tests/SCENARIOS.md. Where the provider fails at once, the handler retries (R19); it
returns the FailureReason, which the provider drops (R04); and it deletes a version that is already being deleted with
one call (R17). A deletion may fail (R18).
"""

import pytest
from harness import ID, REPOSITORY, Aws, Function
from imgver_sandbox.sagemaker.service import ServiceError


@pytest.fixture(autouse=True)
def two_minutes(function):
    """Retries until the deadline need not take the simulated time of the whole function."""
    function.seconds = 120


def test_create_handler_simple_success_and_verify_stabilization_created_status(create, function):
    response = create()

    assert response["Status"] == "SUCCESS"
    assert response["PhysicalResourceId"] == ID
    assert (response["Data"]["BaseImage"], response["Data"]["Version"]) == (f"{REPOSITORY}:1.0.0", "1")
    assert function.names() == ["CreateImageVersion", *["DescribeImageVersion"] * 2, "DescribeStacks"]


def test_create_handler_invalid_request_model(create, function):
    """We differ: the provider refuses read-only properties. The handler ignores unknown properties, which another
    release may have written, and refuses invalid ones."""
    assert create(ImageVersionArn="arn", Version="9", ContainerImage="image")["Data"]["Version"] == "1"

    assert create(BaseImage=None)["Reason"] == "property BaseImage is missing or not a string"
    assert function.names() == []


def test_delete_handler_simple_success_and_resource_already_deleted(aws, create, delete):
    """We differ: the provider returns NotFound, as its contract says. For a custom resource that would be a failure."""
    create()

    assert delete()["Status"] == "SUCCESS"
    assert aws.versions() == {}
    assert delete()["Status"] == "SUCCESS"


def test_delete_handler_verify_stabilization_successful_delete(event):
    aws = Aws(delete_seconds=3)
    function = Function(aws)
    function.deliver(event("image_version_create"))
    aws.clock.advance(60)

    assert function.deliver(event("image_version_delete"))["Status"] == "SUCCESS"
    assert function.names() == ["DescribeImageVersion", "DeleteImageVersion", *["DescribeImageVersion"] * 3]


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
