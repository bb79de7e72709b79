"""Custom::SageMakerImageRetention."""

import pytest
from botocore.exceptions import ClientError
from harness import ARN, Aws, Function
from imgver_handler.aws.arn import ImageVersionArn
from imgver_handler.aws.gateway import ListedVersion
from imgver_handler.resources.image_retention import superseded
from imgver_sandbox.sagemaker.service import ServiceError

ID = "data-science/retention"


@pytest.fixture
def aws():
    """A new stack, and an image with the versions 1 to 6. The recorded events declare Keep=2."""
    aws = Aws()
    aws.cloudformation.status = "CREATE_IN_PROGRESS"
    for _ in range(6):
        aws.create_version()
    return aws


def deny(**_):
    raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DescribeStacks")


def arn(number):
    return ARN.replace("/1", f"/{number}")


def test_r43_the_oldest_versions_are_deleted_first(aws, function, retention):
    response = retention("create", Versions=["6"])

    assert response["Status"] == "SUCCESS", response["Reason"]
    assert response["PhysicalResourceId"] == ID
    assert response["Data"] == {}
    assert aws.versions() == dict.fromkeys([5, 6], "CREATED")
    deleted = [parameters["Version"] for name, parameters in function.calls if name == "DeleteImageVersion"]
    assert list(dict.fromkeys(deleted)) == [1, 2, 3, 4]
    assert function.decisions() == [
        ("INFO", "deleted by the retention", {"arn": arn(number)}) for number in (1, 2, 3, 4)
    ]


@pytest.mark.parametrize("call", ["ListAliases", "DescribeImageVersion"])
def test_r43_a_version_that_somebody_else_deletes_meanwhile_is_passed_over(aws, function, retention, call):
    def before_call(operation, parameters):
        if operation == call and parameters.get("Version") == 2 and 2 in aws.versions():
            aws.delete_version(2)

    function.before_call = before_call

    assert retention("create", Versions=["6"])["Status"] == "SUCCESS"
    assert aws.versions() == dict.fromkeys([5, 6], "CREATED")
    assert "left for the next deployment" not in [message for _, message, _ in function.decisions()]


@pytest.mark.parametrize(
    ("declared", "before", "retained"), [("4", [], [3, 4, 5, 6]), ("6", ["2"], [1, 2, 5, 6])], ids=["now", "before"]
)
def test_r43_declared_versions_and_their_predecessors_are_retained(aws, retention, declared, before, retained):
    # A rollback needs the versions that the stack declared before.
    retention("update", Versions=[declared], old={"Versions": before})

    assert aws.versions() == dict.fromkeys(retained, "CREATED")


def test_r43_a_version_with_an_alias_is_retained(aws, function, retention):
    aws.update_version(2, AliasesToAdd=["studio"])

    retention("create", Versions=["6"])

    assert aws.versions() == dict.fromkeys([2, 5, 6], "CREATED")
    assert len(function.decisions()) == 4
    assert function.decisions()[1] == (
        "INFO",
        "retained: the version has aliases",
        {"arn": arn(2), "aliases": ["studio"]},
    )


def test_r43_the_next_deployment_deletes_a_version_that_was_in_use(aws, function, retention):
    aws.service.mark_in_use(ARN)
    start = aws.clock.now()

    response = retention("create", Versions=["6"])

    assert response["Status"] == "SUCCESS"
    assert aws.versions() == dict.fromkeys([1, 5, 6], "CREATED")
    reason = (
        f"DeleteImageVersion failed for {ARN}: ResourceInUse: ImageVersion ({ARN}) is in use. Remove the version from "
        "domains, spaces and running apps, then delete it."
    )
    failed = ("WARNING", "could not delete a version", {"arn": ARN, "reason": reason})
    assert function.decisions() == [
        failed,
        *[("INFO", "deleted by the retention", {"arn": arn(number)}) for number in (2, 3, 4)],
        failed,
        ("WARNING", "left for the next deployment", {"image_name": "data-science", "versions": 1}),
    ]
    assert 10 < aws.clock.now() - start < 60
    aws.service.mark_in_use(ARN, in_use=False)

    retention("update", Versions=["6"], old={"Versions": ["6"]})

    assert aws.versions() == dict.fromkeys([5, 6], "CREATED")


def test_r67_versions_in_use_do_not_take_the_time_of_the_others(aws, function, retention):
    for _ in range(40):
        aws.create_version()
    for number in range(1, 31):
        aws.service.mark_in_use(arn(number))

    assert retention("update", Versions=["46"], old={"Versions": ["46"]})["Status"] == "SUCCESS"

    assert list(aws.versions()) == [46, 45, *range(30, 0, -1)]
    assert function.decisions()[-1][2]["versions"] == 30


@pytest.mark.parametrize("operation", ["DeleteImageVersion", "ListAliases", "DescribeImageVersion"])
def test_r67_throttling_does_not_fail_the_deployment(aws, function, retention, operation):
    throttled = ServiceError("ThrottlingException", "Rate exceeded")
    aws.refuse(operation, throttled, forever=True)

    assert retention("update", Versions=["6"], old={"Versions": ["6"]})["Status"] == "SUCCESS"

    assert function.decisions()[-1][1:] == (
        "left for the next deployment",
        {"image_name": "data-science", "versions": 4},
    )


def test_r43_a_version_whose_deletion_failed_is_deleted_again(aws, retention):
    aws.service.faults.fail("internal trouble", operation="DeleteImageVersion")

    retention("create", Versions=["6"])

    assert aws.versions() == dict.fromkeys([5, 6], "CREATED")


def test_r55_the_retention_of_another_image_begins_with_the_next_update(aws, event, retention):
    # GIVEN an update that replaces version 4 and lets the retention name this image instead of another one
    retention("update", Versions=["6"], old={"ImageName": "other", "Versions": []})
    assert list(aws.versions()) == [6, 5, 4, 3, 2, 1]

    retention("update", Versions=["6"], old={"Versions": ["6"]})
    assert list(aws.versions()) == [6, 5]


@pytest.mark.parametrize("operation", ["DeleteImageVersion", "ListAliases"])
def test_r43_any_other_error_is_a_failure(aws, retention, operation):
    denied = ServiceError("AccessDeniedException", f"not authorized to perform: sagemaker:{operation}")
    aws.refuse(operation, denied, forever=True)

    response = retention("create", Versions=["6"])

    assert response["Status"] == "FAILED"
    assert f"The function's role must allow the action for {operation}" in response["Reason"]


@pytest.mark.parametrize(("seconds", "limit"), [(60, 60), (900, 300)])
def test_r31_r67_too_many_versions_for_the_time(event, seconds, limit):
    # GIVEN an image with far more versions than can be deleted in the time of the function, or in 5 minutes
    aws = Aws(delete_seconds=10)
    function = Function(aws, seconds=seconds)
    function.before_call = lambda _operation, _parameters: aws.clock.advance(0.3)
    for _ in range(40):
        aws.create_version()
    update = event("image_retention_update", Versions=["40"], old={"Versions": ["40"]})
    start = aws.clock.now()

    response = function.deliver(update)

    # THEN the log says how many are left, and the next deployment continues
    assert response["Status"] == "SUCCESS"
    assert limit - 40 < aws.clock.now() - start < limit + 2
    tried = {parameters["Version"] for name, parameters in function.calls if name == "DeleteImageVersion"}
    fields = {"image_name": "data-science", "versions": 38 - len(tried)}
    assert function.decisions()[-1] == ("WARNING", "left for the next deployment", fields)
    aws.clock.advance(60)
    left = aws.versions()
    assert 2 < len(left) < 40
    function.deliver(update)
    assert len(aws.versions()) < len(left)


@pytest.mark.parametrize(
    "status", ["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "CREATE_COMPLETE", "ROLLBACK_COMPLETE", "unknown"]
)
def test_r55_a_retention_of_a_stack_that_exists_begins_with_the_next_update(
    aws, function, retention, monkeypatch, status
):
    # GIVEN a stack that had the versions 3 and 4 before, and now has 5 and 6, as a retention is added or renamed
    aws.cloudformation.status = status
    if status == "unknown":
        monkeypatch.setattr(aws.cloudformation, "describe_stacks", deny)

    response = retention("create", Versions=["5", "6"])

    # THEN a rollback finds the versions that it needs
    assert response["Status"] == "SUCCESS"
    assert aws.versions() == dict.fromkeys(range(1, 7), "CREATED")
    assert function.decisions()[-1] == (
        "WARNING",
        "left for the next deployment",
        {"image_name": "data-science", "versions": 3},
    )

    retention("update", Versions=["5", "6"], old={"Versions": ["5", "6"]})

    assert sorted(aws.versions()) == [4, 5, 6]


def test_r30_more_than_a_hundred_versions(event):
    aws = Aws()
    function = Function(aws)
    aws.cloudformation.status = "CREATE_IN_PROGRESS"
    for _ in range(103):
        aws.create_version()

    response = function.deliver(event("image_retention_create", Keep="101", Versions=["103"]))

    assert response["Status"] == "SUCCESS", response["Reason"]
    assert function.names().count("ListImageVersions") > 1
    assert sorted(aws.versions()) == list(range(3, 104))


def test_r30_more_than_a_hundred_aliases(aws, function, retention):
    aliases = [f"alias-{number:03}" for number in range(103)]
    for some in (aliases[:60], aliases[60:]):
        aws.update_version(1, AliasesToAdd=some)

    retention("create", Versions=["6"])

    _, _, fields = function.decisions()[0]
    assert sorted(fields["aliases"]) == aliases
    assert 1 in aws.versions()


def test_nothing_is_deleted_while_there_are_few_versions(function, retention):
    assert retention("create", Keep="6", Versions=["1"])["Status"] == "SUCCESS"
    assert function.names() == ["DescribeStacks", "ListImageVersions"]


def test_delete_sends_no_call(function, retention):
    response = retention("delete")

    assert (response["Status"], response["PhysicalResourceId"]) == ("SUCCESS", ID)
    assert function.names() == []


@pytest.mark.parametrize(
    ("statuses", "keep", "of_stack", "deleted"),
    [
        ({}, 1, set(), []),
        ({1: "CREATED", 2: "CREATED"}, 2, set(), []),
        ({1: "CREATED", 2: "CREATED"}, 3, set(), []),
        ({1: "CREATED", 2: "CREATED"}, 1, set(), [1]),
        ({1: "CREATED", 2: "CREATED"}, 0, set(), [1, 2]),
        ({1: "CREATED", 2: "CREATED"}, 0, {2}, []),
        ({1: "CREATED", 2: "CREATED", 3: "CREATED"}, 0, {3}, [1]),
        ({1: "CREATED", 2: "CREATED", 4: "CREATED"}, 0, {4, 1}, []),
        ({1: "CREATED", 2: "CREATE_FAILED", 3: "CREATED"}, 1, {3}, []),
        ({1: "CREATED", 2: "CREATING", 3: "DELETING", 4: "CREATED"}, 1, set(), [1]),
        ({1: "DELETE_FAILED", 2: "CREATED"}, 1, set(), [1]),
        ({10: "CREATED", 9: "CREATED", 2: "CREATED"}, 1, set(), [2, 9]),
    ],
)
def test_superseded_versions(statuses, keep, of_stack, deleted):
    versions = [ListedVersion(ImageVersionArn.parse(arn(number)), status, 0.0) for number, status in statuses.items()]

    assert [each.arn.version for each in superseded(versions, keep, of_stack)] == deleted
