"""Create of Custom::SageMakerImageVersion."""

import itertools

import pytest
from harness import ACCOUNT, ARN, ID, METADATA, REGION, REPOSITORY, SECOND_ARN, Aws, Function
from imgver_handler.aws.gateway import AwsGateway
from imgver_handler.cloudformation.request import parse
from imgver_handler.resources.image_version import client_token
from imgver_sandbox.sagemaker.assumptions import Assumptions
from imgver_sandbox.sagemaker.service import ServiceError

OCI = "application/vnd.oci.image.index.v1+json"
BUSY = ServiceError("ResourceInUse", "Resource was modified concurrently")


def assuming(**values):
    """Run a test under every combination of the assumptions about AWS."""
    combinations = [dict(zip(values, chosen, strict=True)) for chosen in itertools.product(*values.values())]
    return pytest.mark.parametrize("aws", combinations, indirect=True, ids=lambda chosen: "-".join(chosen.values()))


TOKENS = {"repeat_of_dead_create": ["old_arn", "new_version"], "highest_number_after_delete": ["reused", "retired"]}


@pytest.fixture
def aws(request):
    return Aws(assumptions=Assumptions(**getattr(request, "param", {})))


def test_create_sends_the_declaration_and_waits_until_the_version_is_created(aws, function, create):
    response = create()

    digest = aws.registry.resolve(f"{REPOSITORY}:1.0.0").digest
    assert response["Status"] == "SUCCESS"
    assert response["PhysicalResourceId"] == ID
    assert response["Data"] == {
        "ImageVersionArn": ARN,
        "ImageArn": "arn:aws:sagemaker:eu-west-1:123456789012:image/data-science",
        "ImageName": "data-science",
        "Version": "1",
        "BaseImage": f"{REPOSITORY}:1.0.0",
        "ContainerImage": f"{REPOSITORY}@{digest}",
    }
    created = aws.describe(1)
    assert created["ImageVersionStatus"] == "CREATED"
    assert {name: created[name] for name in METADATA} == METADATA
    # The service needs 2 s: the polls are sent at once and after 2.5 s.
    assert function.names() == ["CreateImageVersion", *["DescribeImageVersion"] * 2, "DescribeStacks"]
    (_, sent), *polls, (_, question) = function.calls
    assert set(sent) == {"ImageName", "BaseImage", "ClientToken", *METADATA}
    assert all(parameters == {"ImageName": "data-science", "Version": 1} for _, parameters in polls)
    assert set(question) == {"StackName"}


def test_create_sends_nothing_that_is_not_declared(function, create):
    create(**dict.fromkeys(METADATA))

    assert set(function.calls[0][1]) == {"ImageName", "BaseImage", "ClientToken"}


@assuming(**TOKENS)
def test_r01_create_delivered_twice(aws, function, event):
    create = event("image_version_create")

    assert function.deliver(create) == function.deliver(create)
    assert aws.versions() == {1: "CREATED"}


def test_r01_create_delivered_twice_at_once(aws, function, event):
    # GIVEN the second delivery begins when the first is about to poll
    create = event("image_version_create")
    responses = []

    def deliver_again(operation, _parameters):
        if operation == "DescribeImageVersion" and not responses:
            function.before_call = None
            responses.append(Function(aws).deliver(create))

    function.before_call = deliver_again

    responses.append(function.deliver(create))

    assert responses[0] == responses[1]
    assert aws.versions() == {1: "CREATED"}


def test_r02_crash_before_the_response(aws, function, event, crash_before_poll):
    create = event("image_version_create")
    crash_before_poll(create)

    assert function.deliver(create)["PhysicalResourceId"] == ID
    assert aws.versions() == {1: "CREATED"}


@assuming(**TOKENS)
def test_r03_request_id_reused_after_a_failed_creation(aws, function, event, crash_before_poll):
    # GIVEN the process died while the version was being created, and the creation failed
    create = event("image_version_create")
    aws.service.faults.fail("internal trouble")
    crash_before_poll(create)
    aws.clock.advance(60)

    response = function.deliver(create)

    assert response["Status"] == "SUCCESS", response["Reason"]
    number = int(response["Data"]["Version"])
    failed = {1: "CREATE_FAILED"} if aws.assumptions.repeat_of_dead_create == "new_version" else {}
    assert aws.versions() == {**failed, number: "CREATED"}


@pytest.mark.parametrize("status", ["DELETING", "gone"])
@assuming(**TOKENS)
def test_r03_request_id_reused_after_the_version_was_deleted(aws, function, event, status):
    create = event("image_version_create")
    function.deliver(create)
    aws.sagemaker.delete_image_version(ImageName="data-science", Version=1)
    aws.clock.advance(60 if status == "gone" else 0.6)

    response = function.deliver(create)

    assert response["Status"] == "SUCCESS", response["Reason"]
    assert aws.versions() == {int(response["Data"]["Version"]): "CREATED"}
    if status == "gone" and aws.assumptions.repeat_of_dead_create == "old_arn":
        assert function.decisions() == [
            ("WARNING", "the version of this client token is gone", {"arn": ARN, "attempt": 0})
        ]


@pytest.mark.parametrize("status", ["CREATED", "CREATE_FAILED"])
@assuming(highest_number_after_delete=["reused"])
def test_r03_the_number_of_the_token_belongs_to_another_version(aws, function, event, delete, status):
    # GIVEN a version was deleted, and its number was used again
    create = event("image_version_create")
    function.deliver(create)
    delete()
    if status == "CREATE_FAILED":
        aws.service.faults.fail("internal trouble")
    assert aws.create_version(tag="1.1.0") == 1

    response = function.deliver(create)

    assert response["PhysicalResourceId"] == aws.physical_id(2)
    assert aws.versions() == {1: status, 2: "CREATED"}


def test_r03_a_failed_version_that_cannot_be_deleted(aws, function, event, crash_before_poll):
    create = event("image_version_create")
    aws.service.faults.fail("internal trouble")
    crash_before_poll(create)
    aws.clock.advance(60)
    aws.service.faults.fail("more trouble", operation="DeleteImageVersion")

    response = function.deliver(create)

    assert response["PhysicalResourceId"] == aws.physical_id(2)
    reason = f"{ARN} could not be deleted: more trouble. Remove what uses it, then delete it."
    assert function.decisions() == [
        ("ERROR", "could not delete a version that nothing uses", {"arn": ARN, "reason": reason})
    ]


def test_r03_the_number_of_the_failed_version_is_used_again(aws, function, event, crash_before_poll):
    # GIVEN a failed version, whose number another version has at the first poll after its deletion
    create = event("image_version_create")
    aws.service.faults.fail("internal trouble")
    crash_before_poll(create)
    aws.clock.advance(60)
    call = aws.service.call
    failed = call("DescribeImageVersion", {"ImageName": "data-science", "Version": 1}, account=ACCOUNT, region=REGION)

    def describe(operation, parameters, **where):
        deleted = "DeleteImageVersion" in function.names()
        if deleted and operation == "DescribeImageVersion":
            return failed | {"CreationTime": failed["CreationTime"] + 60, "ImageVersionStatus": "CREATED"}
        return call(operation, parameters, **where)

    aws.service.call = describe

    # THEN the handler does not wait until the other version is gone
    assert function.deliver(create)["PhysicalResourceId"].startswith(f"{SECOND_ARN}#")
    assert function.decisions() == []


@pytest.mark.parametrize(("status", "deleted"), [("DELETING", False), ("DELETE_FAILED", True)])
def test_r03_the_first_poll_finds_a_deletion(aws, create, status, deleted):
    aws.describe_as(status)

    # THEN the handler deletes a version only if nothing else does
    assert create()["PhysicalResourceId"] == aws.physical_id(2)
    assert (1 not in aws.versions()) is deleted


def test_r03_every_attempt_leads_to_a_deleted_version(aws, function, create):
    aws.describe_as(*["DELETING"] * 9)

    response = create()

    assert response["Reason"] == (
        "CreateImageVersion returned a failed or deleted version of image data-science 5 times. Deploy again."
    )
    assert len([line for line in function.logs if line["message"] == "CreateImageVersion: OK"]) == 5
    assert len({parameters["ClientToken"] for name, parameters in function.calls if name == "CreateImageVersion"}) == 5


@pytest.mark.parametrize(
    ("failure", "hint"),
    [
        ("internal trouble", ""),
        (
            "Access denied while pulling the image.",
            (
                " The image's role needs ecr:BatchGetImage and ecr:GetDownloadUrlForLayer on the repository, and "
                "ecr:GetAuthorizationToken; a repository of another account must also allow it in its policy."
            ),
        ),
    ],
)
def test_r04_r61_creation_fails(aws, create, delete, failure, hint):
    aws.service.faults.fail(failure)

    response = create()

    assert response["Status"] == "FAILED"
    assert response["PhysicalResourceId"] == ID
    assert response["Reason"] == f"{ARN} could not be created: {failure.removesuffix('.')}.{hint}"
    # THEN the version is gone before any Delete, which CloudFormation does not send for a resource that it retains
    assert aws.versions() == {}
    assert delete()["Status"] == "SUCCESS"


@assuming(rejected_manifest=["create_failed", "validation_exception"])
def test_r04_the_manifest_is_rejected(aws, create, delete):
    aws.registry.push(f"{REPOSITORY}:oci", media_type=OCI)

    response = create(BaseImage=f"{REPOSITORY}:oci")

    assert response["Status"] == "FAILED"
    assert (
        f"The manifest of {REPOSITORY}:oci is of type {OCI}, but SageMaker needs "
        "application/vnd.docker.distribution.manifest.v2+json: build for one platform, with docker buildx build "
        "--provenance=false --output type=image,oci-mediatypes=false,push=true"
    ) in response["Reason"]
    assert aws.versions() == {}
    assert delete(physical_id=response["PhysicalResourceId"])["Status"] == "SUCCESS"


def test_r61_a_failed_version_that_cannot_be_deleted_is_named(aws, create):
    aws.service.faults.fail("internal trouble")
    aws.service.faults.fail("more trouble", operation="DeleteImageVersion")

    response = create()

    assert (response["Status"], response["PhysicalResourceId"]) == ("FAILED", ID)
    assert response["Reason"] == (
        f"{ARN} could not be created: internal trouble. The new version still exists and must be deleted by hand: "
        f"{ARN} could not be deleted: more trouble. Remove what uses it, then delete it."
    )


def test_r61_a_version_that_is_created_when_the_time_is_up_is_deleted(event):
    aws = Aws(create_seconds=820)

    response = Function(aws).deliver(event("image_version_create"))

    assert (response["Status"], response["PhysicalResourceId"]) == ("FAILED", ID)
    assert aws.versions() == {}


@pytest.mark.parametrize(
    ("base_image", "hint"),
    [
        (f"{REPOSITORY}:missing", f"Amazon ECR does not have {REPOSITORY}:missing: push it, or correct base_image."),
        (
            "public.ecr.aws/data-science:1.0.0",
            (
                "public.ecr.aws/data-science:1.0.0 is not an Amazon ECR address, and SageMaker pulls from Amazon ECR "
                "only."
            ),
        ),
    ],
)
def test_r04_the_base_image_is_missing(create, base_image, hint):
    response = create(BaseImage=base_image)

    assert (response["Status"], response["PhysicalResourceId"]) == ("FAILED", ID)
    assert response["Reason"].endswith(hint)


@pytest.mark.parametrize("error", [ZeroDivisionError(), ServiceError("ThrottlingException", "Rate exceeded")])
def test_r04_an_error_of_the_hint_hides_nothing_and_is_not_retried(aws, create, monkeypatch, error):
    calls = []

    def fail(*_args, **_parameters):
        calls.append(None)
        raise error

    if isinstance(error, ServiceError):
        monkeypatch.setattr(aws.registry, "describe_images", fail)
    else:
        monkeypatch.setattr(AwsGateway, "describe_ecr_image", fail)
    aws.service.faults.fail("internal trouble")

    response = create()

    assert response["PhysicalResourceId"] == ID
    assert response["Reason"] == f"{ARN} could not be created: internal trouble."
    assert len(calls) == 1


@pytest.mark.parametrize("seconds", [0, 10])
def test_r04_a_version_that_fails_before_the_first_poll_belongs_to_the_event(event, seconds):
    # GIVEN a service whose clock is some seconds behind
    aws = Aws(create_seconds=0)
    function = Function(aws)
    aws.service.faults.fail("internal trouble")
    call = aws.service.call

    def behind(operation, parameters, **where):
        response = call(operation, parameters, **where)
        return response | ({"CreationTime": response["CreationTime"] - seconds} if "CreationTime" in response else {})

    aws.service.call = behind

    response = function.deliver(event("image_version_create"))

    # THEN it does not count as an earlier delivery's
    assert response["Reason"] == f"{ARN} could not be created: internal trouble."
    assert function.names().count("CreateImageVersion") == 1


def test_r05_create_fails_before_there_is_an_arn(aws, function, event, delete):
    aws.refuse("CreateImageVersion", ServiceError("ValidationException", "1 validation error detected"))
    create = event("image_version_create")

    response = function.deliver(create)

    assert response["Status"] == "FAILED"
    assert response["PhysicalResourceId"] == f"not-created:{create['RequestId']}"
    assert delete(physical_id=response["PhysicalResourceId"])["Status"] == "SUCCESS"
    assert function.names() == []


def test_r07_the_response_contains_another_arn(aws, create):
    arn = "arn:aws:sagemaker:eu-west-1:123456789012:image/data-science"
    aws.service.call = lambda *_args, **_where: {"ImageVersionArn": arn}

    response = create()

    assert response["Status"] == "FAILED"
    assert response["PhysicalResourceId"].startswith("not-created:")
    assert response["Reason"] == (
        f"CreateImageVersion of image data-science returned {arn!r}, which is not the ARN of an image version. "
        "Search for a new version of the image, and delete it."
    )


@pytest.mark.parametrize("operation", ["CreateImageVersion", "UpdateImageVersion", "DeleteImageVersion"])
def test_r19_in_use_for_a_while(aws, function, event, create, operation):
    action = operation.removesuffix("ImageVersion").lower()
    if action != "create":
        create()
    aws.refuse(operation, BUSY, BUSY, BUSY)

    response = function.deliver(event(f"image_version_{action}", BaseImage=f"{REPOSITORY}:1.0.0"))

    assert response["Status"] == "SUCCESS", response["Reason"]
    assert function.names().count(operation) == 4


def test_r20_the_image_is_still_being_created(aws, create):
    aws.sagemaker.create_image(ImageName="new", RoleArn="arn:aws:iam::123456789012:role/image")

    response = create(ImageName="new")

    assert response["Status"] == "SUCCESS", response["Reason"]


def test_r23_the_limit_is_reached(aws, function, create):
    aws.refuse("CreateImageVersion", ServiceError("ResourceLimitExceeded", "The limit is 100."))

    response = create()

    assert response["Status"] == "FAILED"
    assert response["Reason"] == (
        "CreateImageVersion failed for image data-science: ResourceLimitExceeded: The limit is 100. Delete versions "
        "that are not used any more, or request a higher limit in Service Quotas."
    )
    assert function.names() == ["CreateImageVersion"]


def test_r24_the_image_does_not_exist(create):
    response = create(ImageName="missing")

    assert response["Status"] == "FAILED"
    assert response["Reason"].endswith("Declare the image in this app as an Image, or correct image_name.")


def test_r32_a_long_failure_reason(aws, create):
    # GIVEN the longest reason that the API allows, of characters that take four bytes
    aws.service.faults.fail("😀" * 1024)

    # WHEN the harness checks the size of the response
    response = create()

    assert response["Status"] == "FAILED"
    assert response["Reason"].endswith("…")


def test_r44_an_unknown_status_is_waited_for(aws, function, create):
    aws.describe_as("SCANNING", "SCANNING", "SCANNING")

    assert create()["Status"] == "SUCCESS"
    assert function.names().count("DescribeImageVersion") == 4


def test_r45_delete_while_the_create_still_runs(aws, function, event):
    # GIVEN CloudFormation deletes the resource between two polls of the Create
    deleted = []

    def delete_meanwhile(operation, _parameters):
        if operation == "DescribeImageVersion" and len(function.calls) == 2 and not deleted:
            deleted.append(Function(aws).deliver(event("image_version_delete")))

    function.before_call = delete_meanwhile

    response = function.deliver(event("image_version_create"))

    assert deleted[0]["Status"] == "SUCCESS"
    assert response["Status"] == "FAILED"
    assert response["Reason"] == f"{ARN} was deleted while it was being created. Deploy again."
    assert aws.versions() == {}


@pytest.mark.parametrize("status", ["DELETING", "DELETE_FAILED"])
def test_r45_a_deletion_between_two_polls(aws, create, status):
    aws.describe_as("CREATING", status)

    response = create()

    assert response["Reason"] == f"{ARN} was deleted while it was being created. Deploy again."
    assert response["PhysicalResourceId"] == ID


@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException", "ValidationException"])
def test_the_id_of_a_version_that_cannot_be_described_is_returned(aws, function, create, code):
    function.seconds = 100
    aws.refuse("DescribeImageVersion", ServiceError(code, "no"), forever=True)

    # THEN CloudFormation knows which version to delete
    response = create()
    assert (response["Status"], response["PhysicalResourceId"]) == ("FAILED", ARN)
    assert f"DescribeImageVersion failed for {ARN}: {code}: no." in response["Reason"]


def test_the_client_token_depends_on_the_event_and_the_attempt_and_not_on_a_physical_id(event):
    create = event("image_version_create")
    request = parse(create)

    assert request.physical_resource_id == ""
    assert client_token(request, 0) == client_token(parse(dict(create)), 0)
    others = [
        client_token(request, 1),
        client_token(parse(event("image_version_create")), 0),
        client_token(parse(create | {"LogicalResourceId": "Other"}), 0),
        client_token(parse(create | {"StackId": create["StackId"] + "0"}), 0),
    ]
    assert len({client_token(request, 0), *others}) == 5
