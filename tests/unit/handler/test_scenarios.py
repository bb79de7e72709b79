"""What must survive: one test per scenario, named by its number.

`pytest -k r08` finds any of them: some are where the calls are counted (test_image_versions.py), where errors are
taken one by one (test_gateway.py), over real HTTP (test_response.py), on the simulated clock (tests/model), or about
the constructs' part (tests/unit/constructs).

Where AWS's behaviour is not known, the scenario runs under every answer (``Assumptions`` of the images service).
"""

import itertools
import json
import threading

import pytest
from botocore.exceptions import ClientError
from imgver_handler import dispatch
from imgver_handler.cloudformation.request import parse
from imgver_handler.resources.image_version import client_token
from imgver_sandbox.sagemaker.assumptions import Assumptions
from imgver_sandbox.sagemaker.service import ServiceError

ARN = "arn:aws:sagemaker:eu-west-1:123456789012:image-version/data-science/1"
REPOSITORY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/data-science"
OCI = "application/vnd.oci.image.index.v1+json"
SAME = {"BaseImage": f"{REPOSITORY}:1.0.0", "ReleaseNotes": "First release"}


def under(**values):
    """Every combination of the named assumptions."""
    names = list(values)
    return pytest.mark.parametrize(
        "aws",
        [
            pytest.param(dict(zip(names, combination, strict=True)), id="-".join(combination))
            for combination in itertools.product(*values.values())
        ],
        indirect=True,
    )


TOKENS = {"repeat_of_dead_create": ["old_arn", "new_version"], "highest_number_after_delete": ["reused", "retired"]}
ALIASES = {"alias_held_elsewhere": ["resource_in_use", "validation_exception", "moved"]}


@pytest.fixture
def aws(request, make_aws):
    return make_aws(assumptions=Assumptions(**getattr(request, "param", {})))


@pytest.fixture
def refused(aws):
    """Lets the service refuse the first calls of an operation with these errors."""

    def refuse(operation, *errors):
        remaining = list(errors)

        def before_call(call):
            if call.operation == operation and remaining:
                raise remaining.pop(0)

        aws.service.before_call = before_call

    return refuse


@pytest.fixture
def crashing(function):
    """Ends the process, as it were, right before the nth call of the next event."""

    class Crash(BaseException):
        pass

    def deliver(event, *, before_call):
        counter = itertools.count(1)

        def before(_name, _parameters):
            if next(counter) == before_call:
                raise Crash

        function.before_call = before
        try:
            function.deliver(event)
        except Crash:
            return True
        finally:
            function.before_call = None
        return False

    return deliver


@under(**TOKENS)
def test_r01_create_delivered_twice(aws, function, event):
    create = event("image_version_create")

    first, second = function.deliver(create), function.deliver(create)

    assert first == second
    assert aws.versions() == {1: "CREATED"}


def test_r01_create_delivered_twice_at_once(aws, function, event):
    # GIVEN the second delivery begins when the first is about to poll
    create = event("image_version_create")
    answers = []

    def deliver_again(name, _parameters):
        if name == "DescribeImageVersion" and not answers:
            answers.append(None)
            answers[0] = type(function)(aws).deliver(create)

    function.before_call = deliver_again

    # WHEN
    answers.append(function.deliver(create))

    # THEN
    assert answers[0] == answers[1]
    assert aws.versions() == {1: "CREATED"}


def test_r02_crash_before_the_response(aws, function, event, crashing):
    create = event("image_version_create")
    assert crashing(create, before_call=2)

    answer = function.deliver(create)

    assert answer["PhysicalResourceId"] == ARN
    assert aws.versions() == {1: "CREATED"}


@under(**TOKENS)
def test_r03_request_id_reused_after_a_failed_creation(aws, function, event, crashing):
    # GIVEN the process died while the version was being created, and the creation failed
    create = event("image_version_create")
    aws.service.faults.fail("internal trouble")
    assert crashing(create, before_call=2)
    aws.clock.advance(60)

    # WHEN
    answer = function.deliver(create)

    # THEN
    assert answer["Status"] == "SUCCESS", answer["Reason"]
    number = int(answer["Data"]["Version"])
    assert aws.describe(number)["ImageVersionStatus"] == "CREATED"
    dead = {1: "CREATE_FAILED"} if aws.assumptions.repeat_of_dead_create == "new_version" else {}
    assert aws.versions() == {**dead, number: "CREATED"}


@pytest.mark.parametrize("seconds", [0, 10])
def test_r04_a_version_that_fails_at_once_is_the_events_own(make_aws, function_of, event, seconds):
    # GIVEN a service whose clock is some seconds behind, and that fails before the first poll
    aws = make_aws(create_seconds=0.5)
    function = function_of(aws)
    aws.service.faults.fail("internal trouble")
    call = aws.service.call

    def behind(operation, parameters, **where):
        answer = call(operation, parameters, **where)
        return answer | ({"CreationTime": answer["CreationTime"] - seconds} if "CreationTime" in answer else {})

    aws.service.call = behind

    # WHEN
    answer = function.deliver(event("image_version_create"))

    # THEN it is not taken for an earlier delivery's
    assert answer["Reason"] == f"{ARN} could not be created: internal trouble."
    assert function.names().count("CreateImageVersion") == 1


@pytest.mark.parametrize("status", ["DELETING", "gone"])
@under(**TOKENS)
def test_r03_request_id_reused_after_the_version_was_deleted(aws, function, event, status):
    # GIVEN
    create = event("image_version_create")
    function.deliver(create)
    aws.sagemaker.delete_image_version(ImageName="data-science", Version=1)
    aws.clock.advance(60 if status == "gone" else 0.6)

    # WHEN
    answer = function.deliver(create)

    # THEN
    assert answer["Status"] == "SUCCESS", answer["Reason"]
    assert aws.versions() == {int(answer["Data"]["Version"]): "CREATED"}


@pytest.mark.parametrize("state", ["CREATED", "CREATE_FAILED"])
@under(highest_number_after_delete=["reused"])
def test_r03_the_number_behind_the_token_was_given_to_somebody_else(aws, function, event, state):
    # GIVEN a version whose process died, which was deleted, and whose number was given again
    create = event("image_version_create")
    function.deliver(create)
    function.deliver(event("image_version_delete"))
    if state == "CREATE_FAILED":
        aws.service.faults.fail("internal trouble")
    assert aws.create_version(tag="1.1.0") == 1

    # WHEN
    answer = function.deliver(create)

    # THEN
    assert answer["PhysicalResourceId"] == ARN.replace("/1", "/2")
    assert aws.versions() == {1: state, 2: "CREATED"}


def test_r04_creation_fails(aws, function, event):
    # GIVEN
    aws.service.faults.fail("Access denied while pulling the image.")

    # WHEN
    answer = function.deliver(event("image_version_create"))

    # THEN
    assert answer["Status"] == "FAILED"
    assert answer["PhysicalResourceId"] == ARN
    assert answer["Reason"] == (
        f"{ARN} could not be created: Access denied while pulling the image. The image's role needs ecr:BatchGetImage "
        "and ecr:GetDownloadUrlForLayer on the repository, and ecr:GetAuthorizationToken; a repository of another "
        "account must also allow it in its policy."
    )
    assert function.deliver(event("image_version_delete"))["Status"] == "SUCCESS"
    assert aws.versions() == {}


@under(rejected_manifest=["create_failed", "validation_exception"])
def test_r04_the_manifest_is_rejected(aws, function, event):
    # GIVEN
    aws.registry.push(f"{REPOSITORY}:oci", media_type=OCI)

    # WHEN
    answer = function.deliver(event("image_version_create", BaseImage=f"{REPOSITORY}:oci"))

    # THEN
    assert answer["Status"] == "FAILED"
    assert (
        f"The manifest of {REPOSITORY}:oci is of type {OCI}, but SageMaker needs "
        "application/vnd.docker.distribution.manifest.v2+json: build for one platform, with docker buildx build "
        "--provenance=false --output type=image,oci-mediatypes=false,push=true"
    ) in answer["Reason"]
    function.deliver(event("image_version_delete", physical_id=answer["PhysicalResourceId"]))
    assert aws.versions() == {}


@pytest.mark.parametrize(
    ("base_image", "hint"),
    [
        (f"{REPOSITORY}:missing", f"ECR does not have {REPOSITORY}:missing: push it, or correct base_image."),
        (
            "public.ecr.aws/data-science:1.0.0",
            "public.ecr.aws/data-science:1.0.0 is no Amazon ECR address, and SageMaker pulls from ECR only.",
        ),
    ],
)
def test_r04_the_base_image_is_missing(function, event, base_image, hint):
    answer = function.deliver(event("image_version_create", BaseImage=base_image))

    assert answer["Status"] == "FAILED"
    assert answer["PhysicalResourceId"] == ARN
    assert answer["Reason"].endswith(hint)


def test_r04_a_hint_that_goes_wrong_hides_nothing(aws, function, event, monkeypatch):
    # GIVEN
    aws.service.faults.fail("internal trouble")
    monkeypatch.setattr(dispatch.AwsGateway, "describe_ecr_image", lambda *_args, **_parameters: 1 / 0)

    # WHEN
    answer = function.deliver(event("image_version_create"))

    # THEN
    assert answer["PhysicalResourceId"] == ARN
    assert answer["Reason"] == f"{ARN} could not be created: internal trouble."


def test_r04_a_hint_is_worth_no_waiting(aws, function, event, monkeypatch):
    # GIVEN a registry that is busy for good
    busy = ServiceError("ThrottlingException", "Rate exceeded")
    monkeypatch.setattr(aws.registry, "describe_images", lambda *_a, **_k: (_ for _ in ()).throw(busy))
    aws.service.faults.fail("internal trouble")

    # WHEN
    answer = function.deliver(event("image_version_create"))

    # THEN
    assert answer["Reason"] == f"{ARN} could not be created: internal trouble."
    assert function.names().count("DescribeImages") == 1


def test_r05_create_fails_before_there_is_an_arn(function, event, refused):
    refused("CreateImageVersion", ServiceError("ValidationException", "1 validation error detected"))

    create = event("image_version_create")
    answer = function.deliver(create)

    assert answer["Status"] == "FAILED"
    assert answer["PhysicalResourceId"] == f"not-created:{create['RequestId']}"
    deleted = function.deliver(event("image_version_delete", physical_id=answer["PhysicalResourceId"]))
    assert deleted["Status"] == "SUCCESS"
    assert function.names() == []


def test_r06_delete_with_an_id_that_cloudformation_invented(function, event):
    answer = function.deliver(event("image_version_delete", physical_id="DataScience-Version-1A2B3C4D5E6F"))

    assert answer["Status"] == "SUCCESS"
    assert function.names() == []


@pytest.mark.parametrize("arn", ["", "arn:aws:sagemaker:eu-west-1:123456789012:image/data-science"])
def test_r07_the_answer_carries_no_image_version_arn(aws, function, event, arn):
    aws.service.call = lambda *_args, **_where: {"ImageVersionArn": arn} if arn else {}

    answer = function.deliver(event("image_version_create"))

    assert answer["Status"] == "FAILED"
    assert answer["PhysicalResourceId"].startswith("not-created:")
    assert answer["Reason"] == (
        f"CreateImageVersion of image data-science answered {arn!r}, which is no image version ARN. "
        "Look for a new version of the image and delete it."
    )


def test_r11_replacement_fails_after_the_new_version_exists(aws, function, event):
    # GIVEN
    function.deliver(event("image_version_create"))
    aws.service.faults.fail("internal trouble")

    # WHEN
    answer = function.deliver(event("image_version_update"))

    # THEN
    assert answer["Status"] == "FAILED"
    assert answer["PhysicalResourceId"] == ARN
    assert answer["Reason"] == f"{ARN.replace('/1', '/2')} could not be created: internal trouble."
    assert aws.versions() == {1: "CREATED"}


def test_r11_the_failed_version_cannot_be_deleted_either(aws, function, event):
    # GIVEN
    function.deliver(event("image_version_create"))
    aws.service.faults.fail("internal trouble")
    aws.service.faults.fail("more trouble", operation="DeleteImageVersion")

    # WHEN
    answer = function.deliver(event("image_version_update"))

    # THEN the reason names what is left
    second = ARN.replace("/1", "/2")
    assert answer["PhysicalResourceId"] == ARN
    assert answer["Reason"] == (
        f"{second} could not be created: internal trouble. The new version is still there and must be deleted by "
        f"hand: {second} could not be deleted: more trouble. Remove what uses it, then delete it."
    )


@pytest.mark.parametrize("rollback", ["delete only", "update first"])
@under(highest_number_after_delete=["reused", "retired"])
def test_r12_rollback_after_a_successful_replacement(aws, function, event, rollback):
    # GIVEN version 1 with the alias, replaced by version 2, to which the alias moved
    function.deliver(event("image_version_create"))
    function.deliver(event("image_alias_create"))
    update = event("image_version_update")
    function.deliver(update)
    second = ARN.replace("/1", "/2")
    function.deliver(event("image_alias_update"))

    # WHEN CloudFormation rolls back: the alias returns, then the new id goes
    current = "1"
    new_id = second
    if rollback == "update first":
        swapped = event("image_version_update", physical_id=second, **SAME, old=update["ResourceProperties"])
        new_id = function.deliver(swapped)["PhysicalResourceId"]
        current = new_id.rpartition("/")[2]
    function.deliver(event("image_alias_update", Version=current, old={"Version": "2"}))
    function.deliver(event("image_version_delete", physical_id=second))

    # THEN a live version with the old base image has the alias, and the new one is gone
    assert aws.describe(int(current))["BaseImage"] == f"{REPOSITORY}:1.0.0"
    assert aws.aliases(int(current)) == ["latest"]
    assert 2 not in aws.versions()


def test_r13_update_of_a_version_that_was_deleted_out_of_band(aws, function, event):
    # GIVEN
    function.deliver(event("image_version_create"))
    aws.create_version()
    aws.sagemaker.delete_image_version(ImageName="data-science", Version=1)
    aws.clock.advance(60)

    # WHEN
    answer = function.deliver(event("image_version_update", **SAME | {"ReleaseNotes": "Better"}))

    # THEN
    assert answer["Status"] == "SUCCESS"
    assert answer["PhysicalResourceId"] == ARN.replace("/1", "/3")


def test_r14_metadata_drifted_out_of_band(aws, function, event):
    # GIVEN
    function.deliver(event("image_version_create"))
    aws.sagemaker.update_image_version(ImageName="data-science", Version=1, Processor="CPU")
    aws.clock.advance(1)

    # WHEN the next update changes something else
    answer = function.deliver(event("image_version_update", **SAME | {"ReleaseNotes": "Better"}))

    # THEN
    assert answer["PhysicalResourceId"] == ARN
    assert aws.describe(1)["Processor"] == "GPU"
    assert aws.describe(1)["ReleaseNotes"] == "Better"


@pytest.mark.parametrize("missing", ["version", "image"])
def test_r16_delete_of_what_is_missing(aws, function, event, missing):
    # GIVEN
    properties = {} if missing == "version" else {"ImageName": "other"}
    physical_id = ARN if missing == "version" else ARN.replace("data-science", "other")

    # WHEN
    answer = function.deliver(event("image_version_delete", physical_id=physical_id, **properties))

    # THEN
    assert answer["Status"] == "SUCCESS"
    assert function.names() == ["DescribeImageVersion"]


def test_r17_delete_while_deleting(aws, function, event):
    # GIVEN
    function.deliver(event("image_version_create"))
    aws.sagemaker.delete_image_version(ImageName="data-science", Version=1)

    # WHEN
    answer = function.deliver(event("image_version_delete"))

    # THEN
    assert answer["Status"] == "SUCCESS"
    assert function.names().count("DeleteImageVersion") == 1
    assert aws.versions() == {}


def test_r18_the_deletion_fails(aws, function, event):
    # GIVEN
    function.deliver(event("image_version_create"))
    aws.service.faults.fail("internal trouble.", operation="DeleteImageVersion")

    # WHEN
    answer = function.deliver(event("image_version_delete"))

    # THEN
    assert answer["Status"] == "FAILED"
    assert answer["Reason"] == (f"{ARN} could not be deleted: internal trouble. Remove what uses it, then delete it.")


def test_r18_in_use_until_the_deadline(aws, function, event):
    # GIVEN
    function.deliver(event("image_version_create"))
    aws.service.mark_in_use(ARN)
    began = aws.clock.now()

    # WHEN
    answer = function.deliver(event("image_version_delete"))

    # THEN
    assert answer["Status"] == "FAILED"
    assert answer["Reason"] == (
        f"DeleteImageVersion failed for {ARN}: ResourceInUse: ImageVersion ({ARN}) is in use. It stayed in use until "
        "the time was up: remove it from domains, spaces and running apps, then delete it."
    )
    assert aws.clock.now() - began > 800


@pytest.mark.parametrize(
    ("operation", "events"),
    [
        ("CreateImageVersion", ["image_version_create"]),
        ("UpdateImageVersion", ["image_version_create", "image_version_update"]),
        ("DeleteImageVersion", ["image_version_create", "image_version_delete"]),
    ],
)
def test_r19_in_use_for_a_while(aws, function, event, refused, operation, events):
    # GIVEN
    *before, last = events
    for name in before:
        function.deliver(event(name))
    busy = ServiceError("ResourceInUse", "Resource was modified concurrently")
    refused(operation, busy, busy, busy)

    # WHEN
    answer = function.deliver(event(last, BaseImage=f"{REPOSITORY}:1.0.0"))

    # THEN
    assert answer["Status"] == "SUCCESS", answer["Reason"]
    assert function.names().count(operation) == 4


def test_r20_the_image_is_still_being_made(aws, function, event):
    # GIVEN
    aws.sagemaker.create_image(ImageName="new", RoleArn="arn:aws:iam::123456789012:role/image")

    # WHEN
    answer = function.deliver(event("image_version_create", ImageName="new"))

    # THEN
    assert answer["Status"] == "SUCCESS", answer["Reason"]


def test_r22_a_denial_of_some_seconds(aws, function, event, refused):
    denied = ServiceError(
        "AccessDeniedException",
        "User is not authorized to perform: sagemaker:CreateImageVersion on resource: image/data-science",
    )
    refused("CreateImageVersion", denied, denied)

    assert function.deliver(event("image_version_create"))["Status"] == "SUCCESS"


def test_r23_the_limit_is_reached(function, event, refused):
    refused("CreateImageVersion", ServiceError("ResourceLimitExceeded", "The limit is 100."))

    answer = function.deliver(event("image_version_create"))

    assert answer["Status"] == "FAILED"
    assert answer["Reason"] == (
        "CreateImageVersion failed for image data-science: ResourceLimitExceeded: The limit is 100. Make room: delete "
        "versions that nobody uses, or ask for a higher limit in Service Quotas."
    )
    assert function.names() == ["CreateImageVersion"]


def test_r24_the_image_does_not_exist(function, event):
    answer = function.deliver(event("image_version_create", ImageName="missing"))

    assert answer["Status"] == "FAILED"
    assert answer["Reason"].endswith("Declare the image in this app as an Image, or correct image_name.")


def test_r25_ten_versions_of_one_image_at_once(aws, function, event):
    # GIVEN ten events in threads of their own, interleaved call by call
    turn = threading.Lock()
    creates = [event("image_version_create") for _ in range(10)]
    answers = []

    def deliver(create):
        mine = type(function)(aws)
        mine.before_call = lambda _name, _parameters: (turn.release(), turn.acquire())
        with turn:
            answers.append(mine.deliver(create))

    # WHEN
    threads = [threading.Thread(target=deliver, args=(create,)) for create in creates]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    # THEN
    assert sorted(int(answer["Data"]["Version"]) for answer in answers) == list(range(1, 11))
    assert aws.versions() == dict.fromkeys(range(1, 11), "CREATED")


@under(**ALIASES)
def test_r27_alias_held_by_another_version(aws, function, event):
    # GIVEN
    for _ in range(2):
        aws.create_version()
    function.deliver(event("image_alias_create"))

    # WHEN
    answer = function.deliver(event("image_alias_update"))

    # THEN
    assert answer["Status"] == "SUCCESS", answer["Reason"]
    assert aws.aliases(1) == []
    assert aws.aliases(2) == ["latest"]


@pytest.mark.parametrize("before_call", range(1, 5))
@under(**ALIASES)
def test_r27_crash_between_the_calls_of_a_move(aws, function, event, crashing, before_call):
    # GIVEN
    for _ in range(2):
        aws.create_version()
    function.deliver(event("image_alias_create"))
    update = event("image_alias_update")
    crashing(update, before_call=before_call)

    # WHEN Lambda delivers the event again
    answer = function.deliver(update)

    # THEN
    assert answer["Status"] == "SUCCESS", answer["Reason"]
    assert aws.aliases(1) == []
    assert aws.aliases(2) == ["latest"]


@under(**ALIASES)
def test_r27_the_second_call_of_a_move_fails(aws, function, event):
    # GIVEN
    for _ in range(2):
        aws.create_version()
    function.deliver(event("image_alias_create"))

    def before_call(call):
        if call.operation == "UpdateImageVersion" and call.parameters["Version"] == 2:
            raise ServiceError("ResourceLimitExceeded", "Too many aliases.")

    aws.service.before_call = before_call

    # WHEN
    answer = function.deliver(event("image_alias_update"))

    # THEN it is back where it was
    assert answer["Status"] == "FAILED"
    assert answer["PhysicalResourceId"] == "data-science/latest"
    assert aws.aliases(1) == ["latest"]


@under(**ALIASES)
def test_r28_two_aliases_swapped(aws, function, event):
    # GIVEN
    for _ in range(2):
        aws.create_version()
    stable = {"Alias": "stable", "physical_id": "data-science/stable"}
    function.deliver(event("image_alias_create"))
    function.deliver(event("image_alias_create", Alias="stable", Version="2"))

    # WHEN
    function.deliver(event("image_alias_update"))
    function.deliver(event("image_alias_update", **stable, Version="1", old={"Alias": "stable", "Version": "2"}))

    # THEN
    assert aws.aliases(1) == ["stable"]
    assert aws.aliases(2) == ["latest"]


def test_r29_someone_else_moved_the_alias(aws, function, event):
    # GIVEN
    for _ in range(2):
        aws.create_version()
    function.deliver(event("image_alias_create"))
    function.deliver(event("image_alias_update"))

    # WHEN
    answer = function.deliver(event("image_alias_delete"))

    # THEN
    assert answer["Status"] == "SUCCESS"
    assert function.names() == ["DescribeImageVersion"]
    assert aws.aliases(2) == ["latest"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (
            "image_version_create",
            (
                f"{ARN} was not CREATED before the function's time was up. Deploy again; if it happens again, look at "
                "the version in SageMaker."
            ),
        ),
        (
            "image_version_delete",
            f"{ARN} was not gone before the function's time was up. Look at it in SageMaker and delete it.",
        ),
    ],
    ids=["create", "delete"],
)
def test_r31_the_deadline_is_near(make_aws, function_of, event, name, reason):
    # GIVEN a service that takes longer than the function may
    aws = make_aws(create_seconds=10_000 if name == "image_version_create" else 2, delete_seconds=10_000)
    function = function_of(aws)
    if name == "image_version_delete":
        function.deliver(event("image_version_create"))

    # WHEN the harness sees to it that the answer comes in time
    answer = function.deliver(event(name))

    # THEN
    assert answer["Status"] == "FAILED"
    assert answer["PhysicalResourceId"] == ARN
    assert answer["Reason"] == reason


def test_r31_the_deadline_is_near_in_an_update(make_aws, function_of, event):
    # GIVEN
    aws = make_aws(create_seconds=100)
    function = function_of(aws)
    function.deliver(event("image_version_create"))
    function.seconds = 150

    # WHEN the new version is not ready when the time for it ends
    answer = function.deliver(event("image_version_update"))

    # THEN it is gone, or named with what to do
    assert answer["Status"] == "FAILED"
    assert answer["PhysicalResourceId"] == ARN
    assert aws.versions() == {1: "CREATED"} or "must be deleted by hand" in answer["Reason"]


def test_r32_a_long_failure_reason(aws, function, event):
    # GIVEN the longest reason that the API has, of characters that take four bytes
    aws.service.faults.fail("😀" * 1024)

    # WHEN the harness checks the size of the answer
    answer = function.deliver(event("image_version_create"))

    # THEN
    assert answer["Status"] == "FAILED"
    assert answer["Reason"].endswith("…")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"RequestType": "Recreate"}, "malformed event: RequestType is 'Recreate', not one of Create, Update, Delete"),
        ({"RequestType": None}, "malformed event: RequestType is missing or not a string"),
        ({"StackId": "stack"}, "malformed event: StackId 'stack' is not an ARN"),
        ({"StackId": None}, "malformed event: StackId is missing or not a string"),
        ({"RequestId": None}, "malformed event: RequestId is missing or not a string"),
        ({"RequestId": ""}, "malformed event: RequestId is missing or not a string"),
        ({"RequestId": 7}, "malformed event: RequestId is missing or not a string"),
        ({"LogicalResourceId": None}, "malformed event: LogicalResourceId is missing or not a string"),
        ({"ResourceType": None}, "malformed event: ResourceType is missing or not a string"),
        ({"ResourceProperties": None}, "malformed event: ResourceProperties is missing or not an object"),
        ({"ResourceProperties": "text"}, "malformed event: ResourceProperties is missing or not an object"),
        (
            {"ResourceType": "Custom::Other"},
            (
                "malformed event: ResourceType 'Custom::Other' is not one of Custom::SageMakerImageVersion, "
                "Custom::SageMakerImageAlias, Custom::SageMakerImageRetention"
            ),
        ),
        ({"RequestType": "Update"}, "malformed event: PhysicalResourceId is missing or not a string"),
        ({"RequestType": "Delete"}, "malformed event: PhysicalResourceId is missing or not a string"),
        (
            {"RequestType": "Update", "PhysicalResourceId": ARN},
            "malformed event: OldResourceProperties is missing or not an object",
        ),
    ],
)
def test_r35_malformed_event(function, event, change, reason):
    # GIVEN
    malformed = event("image_version_create") | change
    malformed = {name: value for name, value in malformed.items() if value is not None}

    # WHEN
    answer = function.deliver(malformed)

    # THEN
    assert answer["Status"] == "FAILED"
    assert answer["PhysicalResourceId"] == malformed.get(
        "PhysicalResourceId", f"not-created:{malformed.get('RequestId', '')}"
    )
    assert answer["Reason"] == reason
    assert function.names() == []


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        ("image_version_create", {"ImageName": None}, "property ImageName is missing or not a string"),
        ("image_version_create", {"ImageName": ""}, "property ImageName is missing or not a string"),
        ("image_version_create", {"BaseImage": None}, "property BaseImage is missing or not a string"),
        ("image_version_create", {"Horovod": "maybe"}, "property Horovod is 'maybe', not one of true, false"),
        ("image_version_create", {"ReleaseNotes": ""}, "property ReleaseNotes is missing or not a string"),
        ("image_version_create", {"OnDelete": "KEEP"}, "property OnDelete is 'KEEP', not one of DELETE, ARCHIVE"),
        (
            "image_version_create",
            {"AdoptVersion": "latest"},
            "property AdoptVersion is 'latest', not a whole number",
        ),
        ("image_version_delete", {"OnDelete": "KEEP"}, "property OnDelete is 'KEEP', not one of DELETE, ARCHIVE"),
        ("image_alias_create", {"Alias": None}, "property Alias is missing or not a string"),
        ("image_alias_create", {"Version": None}, "property Version is '', not a whole number"),
        ("image_alias_create", {"Version": "²"}, "property Version is '²', not a whole number"),
    ],
)
def test_r35_properties_that_make_no_sense(function, event, name, change, reason):
    answer = function.deliver(event(name, **change))

    assert answer["Status"] == "FAILED"
    assert answer["Reason"] == reason
    assert function.names() == []


def test_r36_properties_of_an_older_release(aws, function, event):
    # GIVEN a release that wrote less, and something that is no more
    function.deliver(event("image_version_create"))
    older = dict.fromkeys(["OnDelete", "Horovod", "JobType", "BaseImage", "ImageName"]) | {"Colour": "blue"}

    # WHEN
    answer = function.deliver(event("image_version_delete", **older))

    # THEN
    assert answer["Status"] == "SUCCESS", answer["Reason"]
    assert aws.versions() == {}


@pytest.mark.parametrize("name", ["image_version_create", "image_version_delete"])
def test_r37_anything_at_all_goes_wrong(function, event, name):
    # GIVEN
    def explode(_name, _parameters):
        raise ZeroDivisionError("with a secret in its text")

    function.before_call = explode

    # WHEN
    broken = event(name)
    answer = function.deliver(broken)

    # THEN
    physical_id = broken.get("PhysicalResourceId", f"not-created:{broken['RequestId']}")
    assert answer["Status"] == "FAILED"
    assert answer["PhysicalResourceId"] == physical_id
    assert answer["Reason"] == (
        "internal error of the handler (ZeroDivisionError): the function's log contains its traceback."
    )
    line = function.logs[-1]
    assert (line["level"], line["message"], line["physical_id"]) == ("ERROR", "internal error", physical_id)
    assert line["error"] == "ZeroDivisionError('with a secret in its text')"
    assert "Traceback" in line["trace"]


@pytest.mark.parametrize("state", ["same", "changed", "unreadable", "gone"])
def test_r38_follow_tag(aws, function, event, refused, state, monkeypatch):
    # GIVEN
    following = SAME | {"FollowTag": "build-2"}
    function.deliver(event("image_version_create", FollowTag="build-1"))
    if state == "changed":
        aws.registry.push(f"{REPOSITORY}:1.0.0")
    elif state == "gone":
        aws.registry.untag(f"{REPOSITORY}:1.0.0")
    elif state == "unreadable":
        denied = ServiceError("AccessDeniedException", "not authorized to perform: ecr:DescribeImages")
        monkeypatch.setattr(aws.registry, "describe_images", lambda *_a, **_k: (_ for _ in ()).throw(denied))

    # WHEN
    answer = function.deliver(event("image_version_update", **following))

    # THEN one more read is what it costs
    assert function.names().count("DescribeImages") == 1
    match state:
        case "same":
            assert answer["PhysicalResourceId"] == ARN
            assert function.names() == ["DescribeImageVersion", "DescribeImages"]
        case "changed":
            assert answer["PhysicalResourceId"] == ARN.replace("/1", "/2")
        case "unreadable":
            assert answer["PhysicalResourceId"] == ARN
            assert [line["message"] for line in function.logs if line["level"] == "WARNING"] == [
                "the tag was not compared"
            ]
        case "gone":
            assert answer["Status"] == "FAILED"
            assert answer["PhysicalResourceId"] == ARN
            assert answer["Reason"].startswith(f"cannot follow {REPOSITORY}:1.0.0: ")
            assert answer["Reason"].endswith("Push the tag again, or declare another one.")


@pytest.mark.parametrize("state", ["changed", "gone"])
def test_r38_a_rollback_keeps_the_version_whatever_became_of_the_tag(aws, function, event, state):
    # GIVEN an update that failed
    function.deliver(event("image_version_create", FollowTag="build-1"))
    update = event("image_version_update", BaseImage=f"{REPOSITORY}:missing", FollowTag="build-2")
    function.deliver(update)
    if state == "changed":
        aws.registry.push(f"{REPOSITORY}:1.0.0")
    else:
        aws.registry.untag(f"{REPOSITORY}:1.0.0")

    # WHEN
    aws.cloudformation.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    swapped = event("image_version_update", **SAME, FollowTag="build-1", old=update["ResourceProperties"])
    answer = function.deliver(swapped)

    # THEN
    assert answer["Status"] == "SUCCESS", answer["Reason"]
    assert answer["PhysicalResourceId"] == ARN
    assert function.names() == ["DescribeImageVersion", "DescribeImages", "DescribeStacks"]
    assert aws.versions() == {1: "CREATED"}


def test_r46_a_rollback_keeps_the_version_although_metadata_cannot_be_unset(aws, function, event):
    # GIVEN an update that added notes in place, and whose deployment failed elsewhere
    function.deliver(event("image_version_create", ReleaseNotes=None))
    update = event("image_version_update", **SAME, old={"ReleaseNotes": None})
    function.deliver(update)
    assert aws.describe(1)["ReleaseNotes"] == "First release"

    # WHEN
    aws.cloudformation.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    swapped = event("image_version_update", **SAME | {"ReleaseNotes": None}, old=update["ResourceProperties"])
    answer = function.deliver(swapped)

    # THEN a new version would not have the aliases, and nothing would move them
    assert answer["PhysicalResourceId"] == ARN
    assert aws.versions() == {1: "CREATED"}


def test_r46_cloudformation_does_not_say_whether_it_rolls_back(aws, function, event, monkeypatch):
    # GIVEN
    def denied(**_):
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DescribeStacks")

    monkeypatch.setattr(aws.cloudformation, "describe_stacks", denied)
    function.deliver(event("image_version_create"))

    # WHEN
    answer = function.deliver(event("image_version_update", **SAME | {"ReleaseNotes": None}))

    # THEN it is taken for what it nearly always is
    assert answer["PhysicalResourceId"] == ARN.replace("/1", "/2")
    assert "could not read the stack's status: it counts as not rolling back" in [line["message"] for line in function.logs]


def test_r39_archived_on_teardown(aws, function, event):
    # GIVEN
    function.deliver(event("image_version_create", OnDelete="ARCHIVE"))

    # WHEN
    answer = function.deliver(event("image_version_delete", OnDelete="ARCHIVE"))

    # THEN
    assert answer["Status"] == "SUCCESS"
    assert aws.describe(1)["VendorGuidance"] == "ARCHIVED"
    assert function.names() == ["DescribeImageVersion", "UpdateImageVersion"]


def test_r39_a_version_that_failed_is_not_worth_an_archive(aws, function, event):
    # GIVEN
    aws.service.faults.fail("internal trouble")
    function.deliver(event("image_version_create", OnDelete="ARCHIVE"))

    # WHEN
    answer = function.deliver(event("image_version_delete", OnDelete="ARCHIVE"))

    # THEN
    assert answer["Status"] == "SUCCESS"
    assert aws.versions() == {}


def test_r39_archived_while_another_write_is_under_way(aws, function, event, refused):
    # GIVEN
    function.deliver(event("image_version_create", OnDelete="ARCHIVE"))
    busy = ServiceError("ResourceInUse", "Resource was modified concurrently")
    refused("UpdateImageVersion", busy, busy)

    # WHEN
    function.deliver(event("image_version_delete", OnDelete="ARCHIVE"))

    # THEN
    assert aws.describe(1)["VendorGuidance"] == "ARCHIVED"


def test_r39_archived_although_it_is_gone(function, event):
    assert function.deliver(event("image_version_delete", OnDelete="ARCHIVE"))["Status"] == "SUCCESS"


@pytest.mark.parametrize("state", ["missing", "failed", "other base image", "right"])
def test_r40_adoption(aws, function, event, state):
    # GIVEN
    if state == "failed":
        aws.service.faults.fail("internal trouble")
    if state != "missing":
        aws.create_version(tag="1.1.0" if state == "other base image" else "1.0.0")

    # WHEN
    answer = function.deliver(event("image_version_create", AdoptVersion="1"))

    # THEN
    assert function.names() == ["DescribeImageVersion"]
    if state == "right":
        assert answer["Status"] == "SUCCESS"
        assert answer["PhysicalResourceId"] == ARN
        assert answer["Data"]["Version"] == "1"
        return
    assert answer["Status"] == "FAILED"
    assert answer["PhysicalResourceId"].startswith("not-created:")
    assert answer["Reason"] == {
        "missing": f"cannot adopt {ARN}: it does not exist. Correct adopt_version, or leave it out to create one.",
        "failed": f"cannot adopt {ARN}: its status is CREATE_FAILED, not CREATED. Adopt another version.",
        "other base image": (
            f"cannot adopt {ARN}: its base image is {REPOSITORY}:1.1.0, not {REPOSITORY}:1.0.0. "
            "Declare the base image that the version has; change it in a later deployment."
        ),
    }.get(state)


@pytest.mark.parametrize("old", [{}, {"AdoptVersion": "1"}])
def test_r40_an_update_adopts_nothing(aws, function, event, old):
    # GIVEN a resource with a version of its own, or an adopted one
    aws.create_version()
    function.deliver(event("image_version_create", **(old or {"AdoptVersion": None})))
    at_hand = ARN if old else ARN.replace("/1", "/2")
    aws.create_version()
    before = aws.versions()

    # WHEN
    answer = function.deliver(event("image_version_update", **SAME, AdoptVersion="3", old=old, physical_id=at_hand))

    # THEN
    assert function.names() == ["DescribeStacks"]
    assert answer["Status"] == "FAILED"
    assert answer["PhysicalResourceId"] == at_hand
    assert answer["Reason"] == (
        f"cannot adopt version 3 of image data-science: this resource stands for {at_hand} already, and would lose it. "
        "Declare another ImageVersion to adopt it."
    )
    assert aws.versions() == before


def test_r40_an_update_adopts_no_version_of_another_image(aws, function, event):
    # GIVEN an adopted version, and another image with a version of the same number
    aws.create_version()
    adopting = {"AdoptVersion": "1"}
    function.deliver(event("image_version_create", **adopting))
    aws.create_image("deep-learning")
    aws.create_version("deep-learning")

    # WHEN
    renamed = event("image_version_update", **SAME, **adopting, ImageName="deep-learning", old=adopting)
    answer = function.deliver(renamed)

    # THEN
    assert answer["Status"] == "FAILED"
    assert answer["Reason"].startswith("cannot adopt version 1 of image deep-learning: this resource stands for")
    assert aws.versions("deep-learning") == {1: "CREATED"}


def test_r40_ownership_passes_when_adopt_version_is_dropped(aws, function, event):
    # GIVEN
    aws.create_version()
    function.deliver(event("image_version_create", AdoptVersion="1"))

    # WHEN
    dropped = function.deliver(event("image_version_update", **SAME, old={"AdoptVersion": "1"}))
    function.deliver(event("image_version_delete"))

    # THEN
    assert dropped["PhysicalResourceId"] == ARN
    assert aws.versions() == {}


def test_r45_delete_while_the_create_still_runs(aws, function, event):
    # GIVEN CloudFormation gave up and deletes, while the Create is between two polls
    create = event("image_version_create")
    deleted = []

    def delete_meanwhile(name, _parameters):
        if name == "DescribeImageVersion" and len(function.calls) == 2 and not deleted:
            deleted.append(None)
            deleted[0] = type(function)(aws).deliver(event("image_version_delete"))

    function.before_call = delete_meanwhile

    # WHEN
    answer = function.deliver(create)

    # THEN
    assert deleted[0]["Status"] == "SUCCESS"
    assert answer["Status"] == "FAILED"
    assert answer["Reason"] == f"{ARN} was deleted while it was being created. Deploy again."
    assert aws.versions() == {}


def test_r46_a_failed_update_is_followed_by_an_update_with_swapped_properties(aws, function, event):
    # GIVEN
    function.deliver(event("image_version_create"))
    update = event("image_version_update", BaseImage=f"{REPOSITORY}:missing")
    assert function.deliver(update)["Status"] == "FAILED"

    # WHEN
    swapped = event("image_version_update", **SAME, old=update["ResourceProperties"])
    answer = function.deliver(swapped)

    # THEN
    assert answer["Status"] == "SUCCESS"
    assert answer["PhysicalResourceId"] == ARN
    assert function.names() == ["DescribeImageVersion"]
    assert aws.versions() == {1: "CREATED"}


def test_r42_the_image_is_renamed(aws, function, event):
    # GIVEN
    aws.create_image("deep-learning")
    function.deliver(event("image_version_create"))
    function.deliver(event("image_alias_create"))

    # WHEN the version and the alias move to the other image, and CloudFormation cleans up
    version = function.deliver(event("image_version_update", ImageName="deep-learning"))
    alias = function.deliver(event("image_alias_update", ImageName="deep-learning", Version="1"))
    cleanup = [function.deliver(event("image_alias_delete")), function.deliver(event("image_version_delete"))]

    # THEN
    assert version["PhysicalResourceId"] == ARN.replace("data-science", "deep-learning")
    assert alias["PhysicalResourceId"] == "deep-learning/latest"
    assert [answer["Status"] for answer in cleanup] == ["SUCCESS", "SUCCESS"]
    assert aws.aliases(1, "deep-learning") == ["latest"]
    assert aws.versions() == {}


def test_r47_the_delete_of_a_replaced_version_fails_in_the_cleanup(aws, function, event):
    # GIVEN a replaced version that a running app uses for good
    function.deliver(event("image_version_create"))
    function.deliver(event("image_version_update"))
    aws.service.mark_in_use(ARN)
    began = aws.clock.now()

    # WHEN
    answer = function.deliver(event("image_version_delete"))

    # THEN it was tried to the deadline, and what CloudFormation forgets now is in the reason and in the log
    assert aws.clock.now() - began > 800
    assert function.names().count("DeleteImageVersion") > 50
    assert answer["Status"] == "FAILED"
    assert ARN in answer["Reason"]
    assert answer["Reason"].endswith("remove it from domains, spaces and running apps, then delete it.")
    assert function.logs[-1]["level"] == "ERROR"
    assert function.logs[-1]["reason"] == answer["Reason"]


@pytest.mark.parametrize("how", ["rollback", "stack deleted"])
def test_r49_an_adopted_version_is_untouched(aws, function, event, how):
    # GIVEN
    aws.create_version(ReleaseNotes="Made by hand")
    before = aws.describe(1)
    function.deliver(event("image_version_create", AdoptVersion="1"))
    if how == "stack deleted":
        function.deliver(event("image_version_update", **SAME, AdoptVersion="1", old={"AdoptVersion": "1"}))
        before = aws.describe(1)

    # WHEN
    answer = function.deliver(event("image_version_delete", AdoptVersion="1"))

    # THEN
    assert answer["Status"] == "SUCCESS"
    assert function.names() == []
    after = aws.describe(1)
    assert {**after, "ResponseMetadata": None} == {**before, "ResponseMetadata": None}


@pytest.mark.parametrize("base_image", [f"{REPOSITORY}:1.0.0", f"{REPOSITORY}:missing"])
def test_r46_a_rollback_keeps_the_own_version_that_was_to_be_adopted(aws, function, event, base_image):
    # GIVEN an update that names the resource's own version as the one to adopt, and whose deployment failed
    function.deliver(event("image_version_create"))
    adopting = event("image_version_update", BaseImage=base_image, AdoptVersion="1", old=SAME)
    function.deliver(adopting)

    # WHEN
    aws.cloudformation.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    answer = function.deliver(event("image_version_update", **SAME, old=adopting["ResourceProperties"]))

    # THEN
    assert answer["PhysicalResourceId"] == ARN
    assert aws.versions() == {1: "CREATED"}


def test_r49_taking_back_that_adopt_version_was_dropped_heals_the_metadata(aws, function, event):
    # GIVEN an adopted version, and an update that dropped adopt_version and changed the notes in place
    aws.create_version()
    adopting = SAME | {"AdoptVersion": "1"}
    function.deliver(event("image_version_create", **adopting))
    dropped = event("image_version_update", **SAME | {"ReleaseNotes": "Mine now"}, old=adopting)
    assert function.deliver(dropped)["PhysicalResourceId"] == ARN
    assert aws.describe(1)["ReleaseNotes"] == "Mine now"

    # WHEN
    aws.cloudformation.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    answer = function.deliver(event("image_version_update", **adopting, old=dropped["ResourceProperties"]))

    # THEN
    assert answer["PhysicalResourceId"] == ARN
    assert aws.describe(1)["ReleaseNotes"] == "First release"


def test_r46_a_rollback_keeps_the_version_that_took_the_adopted_ones_place(aws, function, event):
    # GIVEN an adopted version that a new base image replaced, and an update without adopt_version that failed
    aws.create_version()
    adopting = {"AdoptVersion": "1"}
    function.deliver(event("image_version_create", **adopting))
    second = function.deliver(event("image_version_update", **adopting, old=adopting))["PhysicalResourceId"]
    assert second == ARN.replace("/1", "/2")
    failing = event("image_version_update", BaseImage=f"{REPOSITORY}:missing", physical_id=second, old=adopting)
    assert function.deliver(failing)["Status"] == "FAILED"

    # WHEN
    aws.cloudformation.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    swapped = event("image_version_update", **adopting, physical_id=second, old=failing["ResourceProperties"])
    answer = function.deliver(swapped)

    # THEN
    assert answer["Status"] == "SUCCESS", answer["Reason"]
    assert answer["PhysicalResourceId"] == second
    assert aws.versions() == {1: "CREATED", 2: "CREATED"}


def test_r12_a_rollback_that_updates_first_needs_no_adopted_version(aws, function, event):
    # GIVEN a version whose template still says adopt_version, and another image in its place
    aws.create_image("deep-learning")
    swapped = event(
        "image_version_update",
        physical_id=ARN.replace("data-science/1", "deep-learning/1"),
        **SAME,
        AdoptVersion="1",
        old={"ImageName": "deep-learning"},
    )

    # WHEN
    aws.cloudformation.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    answer = function.deliver(swapped)

    # THEN
    assert answer["Status"] == "SUCCESS", answer["Reason"]
    assert answer["PhysicalResourceId"] == ARN


def test_r49_an_alias_of_the_adopted_version_survives_the_rollback(aws, function, event):
    # GIVEN
    aws.create_version(Aliases=["latest"])
    function.deliver(event("image_version_create", AdoptVersion="1"))
    alias = function.deliver(event("image_alias_create"))["PhysicalResourceId"]

    # WHEN
    function.deliver(event("image_alias_delete", physical_id=alias))
    function.deliver(event("image_version_delete", AdoptVersion="1"))

    # THEN
    assert aws.aliases(1) == ["latest"]


def test_security_the_signed_address_is_never_logged(function, event):
    for name in ("image_version_create", "image_version_update", "image_alias_create", "image_version_delete"):
        function.deliver(event(name))

    assert "X-Amz-Signature" not in json.dumps(function.logs)


@pytest.mark.parametrize("change", [{}, {"ResponseURL": ""}, {"ResponseURL": 7}], ids=["none", "empty", "no-text"])
def test_security_an_event_without_an_address_is_only_logged(aws, function, event, change):
    # GIVEN
    nobody = event("image_version_create")
    del nobody["ResponseURL"]
    nobody |= change

    # WHEN / THEN nothing is answered, which the harness cannot unpack
    with pytest.raises(ValueError, match="not enough values to unpack"):
        function.deliver(nobody)
    assert function.names() == []
    assert function.logs[-1]["message"].startswith("malformed event: it has no ResponseURL")


def test_tokens_differ_by_event_and_attempt_and_nothing_else(event):
    # GIVEN
    create = event("image_version_create")
    request = parse(create)

    # THEN
    assert client_token(request, 0) == client_token(parse(dict(create)), 0)
    others = [
        client_token(request, 1),
        client_token(parse(event("image_version_create")), 0),
        client_token(parse(create | {"LogicalResourceId": "Other"}), 0),
        client_token(parse(create | {"StackId": create["StackId"] + "0"}), 0),
    ]
    assert len({client_token(request, 0), *others}) == 5


def test_a_create_has_no_physical_id_yet(event):
    assert parse(event("image_version_create")).physical_resource_id == ""
