"""What the log tells of each decision: every line is asserted as a whole."""

import json

import pytest
from botocore.exceptions import ClientError
from imgver_handler.logging import JsonLogger
from imgver_sandbox.sagemaker.service import ServiceError

ARN = "arn:aws:sagemaker:eu-west-1:123456789012:image-version/data-science/1"
REPOSITORY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/data-science"
SAME = {"BaseImage": f"{REPOSITORY}:1.0.0", "ReleaseNotes": "First release"}
EVENT = ("request_type", "resource_type", "stack_id", "logical_resource_id", "request_id")


@pytest.fixture
def told(function):
    """Delivers an event; answers the log's lines without those about calls and without the event's own fields."""

    def deliver(event):
        function.logs.clear()
        function.deliver(event)
        lines = [line for line in function.logs if "operation" not in line]
        return [{name: value for name, value in line.items() if name not in EVENT} for line in lines]

    return deliver


def info(message, **fields):
    return {"level": "INFO", "message": message, **fields}


def warning(message, **fields):
    return {"level": "WARNING", "message": message, **fields}


def error(message, **fields):
    return {"level": "ERROR", "message": message, **fields}


@pytest.fixture
def created(function, event):
    function.deliver(event("image_version_create"))


def test_a_line_is_a_json_object_on_standard_output(capsys):
    # GIVEN
    log = JsonLogger()
    log.bind({"request_id": "one"})

    # WHEN
    log.info("hello", number=1, thing={1}.__class__)

    # THEN
    assert json.loads(capsys.readouterr().out) == {
        "level": "INFO",
        "message": "hello",
        "request_id": "one",
        "number": 1,
        "thing": "<class 'set'>",
    }


def test_every_line_names_the_event_and_every_call_is_a_line(function, event):
    # WHEN
    create = event("image_version_create")
    function.deliver(create)

    # THEN
    for line in function.logs:
        assert {name: line[name] for name in EVENT} == {
            "request_type": "Create",
            "resource_type": "Custom::SageMakerImageVersion",
            "stack_id": create["StackId"],
            "logical_resource_id": "Version",
            "request_id": create["RequestId"],
        }
    calls = [line for line in function.logs if "operation" in line]
    assert [(line["operation"], line["outcome"], line["seconds"]) for line in calls] == [
        ("CreateImageVersion", "OK", 0.0),
        *[("DescribeImageVersion", "OK", 0.0)] * 2,
    ]
    assert calls[1]["parameters"] == {"ImageName": "data-science", "Version": 1}


def test_a_call_that_fails_is_told_with_its_code_and_time(aws, function, event):
    # GIVEN
    def before_call(call):
        aws.clock.advance(1.23456)
        raise ServiceError("ValidationException", "no")

    aws.service.before_call = before_call

    # WHEN
    function.deliver(event("image_version_delete"))

    # THEN
    (line,) = [line for line in function.logs if "operation" in line]
    assert line["message"] == "DescribeImageVersion: ValidationException"
    assert (line["outcome"], line["seconds"]) == ("ValidationException", 1.235)
    assert line["parameters"] == {"ImageName": "data-science", "Version": 1}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"BaseImage": f"{REPOSITORY}:1.1.0"}, "BaseImage changed"),
        ({"ReleaseNotes": None}, "ReleaseNotes cannot be unset"),
        ({"ReleaseNotes": None, "Processor": None}, "Processor, ReleaseNotes cannot be unset"),
    ],
)
def test_why_a_version_is_replaced(told, event, created, changes, why):
    lines = told(event("image_version_update", **SAME | changes))

    assert lines == [
        info("replacing the image version", physical_id=ARN, why=why),
        info("done", physical_id=ARN.replace("/1", "/2")),
    ]


def test_why_a_version_of_another_image_is_replaced(aws, told, event, created):
    aws.create_image("deep-learning")

    lines = told(event("image_version_update", ImageName="deep-learning"))

    assert lines[0] == info("replacing the image version", physical_id=ARN, why="ImageName changed")


def test_why_a_version_that_is_gone_is_replaced(told, event):
    lines = told(event("image_version_update"))

    assert lines[0] == info("replacing the image version", physical_id=ARN, why="the version is gone")


def test_why_a_version_whose_tag_moved_is_replaced(aws, told, event, created):
    aws.registry.push(f"{REPOSITORY}:1.0.0")

    lines = told(event("image_version_update", **SAME, FollowTag="2"))

    assert lines[0] == info("replacing the image version", physical_id=ARN, why="the tag names another container image")


@pytest.mark.parametrize(
    ("state", "finding"), [("moved", "the tag names another container image"), ("gone", "the tag is gone")]
)
def test_a_rollback_keeps_the_version_of_a_tag(aws, told, event, created, state, finding):
    aws.cloudformation.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    if state == "moved":
        aws.registry.push(f"{REPOSITORY}:1.0.0")
    else:
        aws.registry.untag(f"{REPOSITORY}:1.0.0")

    lines = told(event("image_version_update", **SAME, FollowTag="2"))

    assert lines == [warning("ignored because the stack is rolling back", finding=finding), info("done", physical_id=ARN)]


def test_a_rollback_keeps_the_version_with_metadata_that_cannot_be_unset(aws, told, event, created):
    aws.cloudformation.status = "UPDATE_ROLLBACK_IN_PROGRESS"

    lines = told(event("image_version_update", **SAME | {"ReleaseNotes": None, "Processor": None}))

    assert lines[0] == warning("ignored because the stack is rolling back", finding="Processor, ReleaseNotes cannot be unset")


def test_a_rollback_adopts_nothing(aws, told, event, created):
    aws.cloudformation.status = "UPDATE_ROLLBACK_IN_PROGRESS"

    lines = told(event("image_version_update", **SAME, AdoptVersion="2"))

    assert lines == [warning("ignored because the stack is rolling back", finding="AdoptVersion changed"), info("done", physical_id=ARN)]


def test_cloudformation_does_not_say_whether_it_rolls_back(aws, told, event, created, monkeypatch):
    def denied(**_):
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DescribeStacks")

    monkeypatch.setattr(aws.cloudformation, "describe_stacks", denied)
    update = event("image_version_update", **SAME | {"ReleaseNotes": None})

    lines = told(update)

    assert lines[0] == warning(
        "could not read the stack's status: it counts as not rolling back",
        reason=(
            f"DescribeStacks failed for {update['StackId']}: AccessDenied: no. "
            "The function's role must allow the action for DescribeStacks on this resource."
        ),
    )


def test_a_tag_that_cannot_be_read(aws, told, event, created, monkeypatch):
    denied = ServiceError("AccessDeniedException", "not authorized")
    monkeypatch.setattr(aws.registry, "describe_images", lambda *_a, **_k: (_ for _ in ()).throw(denied))

    lines = told(event("image_version_update", **SAME, FollowTag="2"))

    reason = (
        f"DescribeImages failed for {REPOSITORY}:1.0.0: AccessDeniedException: not authorized. "
        "The function's role must allow the action for DescribeImages on this resource."
    )
    assert lines == [
        warning("the tag was not compared", base_image=f"{REPOSITORY}:1.0.0", reason=reason),
        info("done", physical_id=ARN),
    ]


def test_a_base_image_without_a_tag_to_follow(aws, told, event, created, monkeypatch):
    call = aws.service.call
    elsewhere = "registry.example.com/data-science:1.0.0"
    monkeypatch.setattr(
        aws.service,
        "call",
        lambda operation, parameters, **w: call(operation, parameters, **w) | {"BaseImage": elsewhere},
    )

    lines = told(event("image_version_update", **SAME | {"BaseImage": elsewhere}, FollowTag="2"))

    assert lines[0] == warning("the tag was not compared: it is not in Amazon ECR", base_image=elsewhere)


def test_an_adoption_that_changes_nothing_yet(aws, told, event):
    aws.create_version(ReleaseNotes="Made by hand", Horovod=False)

    lines = told(event("image_version_create", AdoptVersion="1"))

    assert lines == [
        warning(
            "the adopted version differs from its declaration until the next update",
            arn=ARN,
            metadata=["JobType", "MLFramework", "Processor", "ProgrammingLang", "ReleaseNotes", "VendorGuidance"],
        ),
        info("done", physical_id=ARN),
    ]


def test_an_adoption_of_what_is_declared(aws, told, event):
    same = dict.fromkeys(("Horovod", "JobType", "MLFramework", "Processor", "ProgrammingLang"))
    aws.create_version(ReleaseNotes="First release", VendorGuidance="STABLE")

    lines = told(event("image_version_create", AdoptVersion="1", **same))

    assert lines == [info("done", physical_id=ARN)]


def test_deletes_that_touch_nothing(told, event):
    assert told(event("image_version_delete", physical_id="invented")) == [
        info("nothing to delete: the physical id is not an image version", physical_id="invented"),
        info("done", physical_id="invented"),
    ]
    assert told(event("image_version_delete"))[0] == info("nothing to delete: the version is gone", arn=ARN)
    assert told(event("image_version_delete", AdoptVersion="1"))[0] == info(
        "retained: the version was adopted, not created", arn=ARN
    )
    assert told(event("image_alias_delete", physical_id="invented"))[0] == info(
        "nothing to delete: the physical id is not this alias", physical_id="invented"
    )
    assert told(event("image_alias_delete", physical_id="data-science/latest/1"))[0] == info(
        "retained: the version had the alias before this resource", alias="latest"
    )


def test_a_dead_version_and_one_that_cannot_be_deleted(aws, told, event):
    # GIVEN a failed version of an earlier delivery, and a deletion that will fail
    create = event("image_version_create")
    aws.service.faults.fail("internal trouble")
    told(create)
    aws.clock.advance(60)
    aws.service.faults.fail("more trouble", operation="DeleteImageVersion")

    # WHEN
    lines = told(create)

    # THEN
    assert lines == [
        error(
            "could not delete a version that nothing uses",
            arn=ARN,
            reason=f"{ARN} could not be deleted: more trouble. Remove what uses it, then delete it.",
        ),
        info("done", physical_id=ARN.replace("/1", "/2")),
    ]


def test_a_version_that_is_gone_behind_its_token(aws, told, event):
    create = event("image_version_create")
    told(create)
    told(event("image_version_delete"))

    lines = told(create)

    assert lines[0] == warning("the version of this client token is gone", arn=ARN, attempt=0)


def test_aliases_that_are_not_given_back(aws, told, event):
    for _ in range(2):
        aws.create_version(tag="1.0.0")
    aws.sagemaker.update_image_version(ImageName="data-science", Version=2, AliasesToAdd=["latest"])
    aws.clock.advance(1)

    assert told(event("image_alias_delete"))[0] == info(
        "retained: another version has the alias now", alias="latest", owner=ARN.replace("/1", "/2")
    )
    aws.sagemaker.update_image_version(ImageName="data-science", Version=2, AliasesToDelete=["latest"])
    aws.clock.advance(1)
    assert told(event("image_alias_delete", physical_id="data-science/latest/7"))[0] == info(
        "not given back: the previous version is gone", alias="latest", version=7
    )


def test_an_alias_that_cannot_be_put_back(aws, told, event):
    for _ in range(2):
        aws.create_version()
    aws.sagemaker.update_image_version(ImageName="data-science", Version=2, AliasesToAdd=["latest"])
    aws.clock.advance(1)

    def before_call(call):
        if "AliasesToAdd" in call.parameters:
            raise ServiceError("ResourceLimitExceeded", "Too many")

    aws.service.before_call = before_call

    lines = told(event("image_alias_create"))

    second = ARN.replace("/1", "/2")
    remedy = "Delete versions that are not used any more, or request a higher limit in Service Quotas."
    assert lines == [
        error(
            "could not give the alias back",
            alias="latest",
            arn=second,
            reason=f"UpdateImageVersion failed for {second}: ResourceLimitExceeded: Too many. {remedy}",
        ),
        error(
            "failed",
            physical_id="data-science/latest/2",
            reason=f"UpdateImageVersion failed for {ARN}: ResourceLimitExceeded: Too many. {remedy}",
        ),
    ]


def test_what_a_retention_did(aws, told, event):
    for _ in range(4):
        aws.create_version()
    aws.sagemaker.update_image_version(ImageName="data-science", Version=1, AliasesToAdd=["studio"])
    aws.clock.advance(1)
    aws.service.faults.fail("internal trouble", operation="DeleteImageVersion")

    lines = told(event("image_retention_create", Keep="1", Versions=[]))

    second, third = ARN.replace("/1", "/2"), ARN.replace("/1", "/3")
    assert lines == [
        info("retained: the version has aliases", arn=ARN, aliases=["studio"]),
        warning(
            "left for the next deployment",
            arn=second,
            reason=f"{second} could not be deleted: internal trouble. Remove what uses it, then delete it.",
        ),
        info("deleted by the retention", arn=third),
        info("done", physical_id="data-science/retention"),
    ]
