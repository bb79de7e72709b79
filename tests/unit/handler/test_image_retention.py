"""Custom::SageMakerImageRetention: R43, and R30's versions and aliases on more than one page."""

import pytest
from imgver_handler.aws.arn import ImageVersionArn
from imgver_handler.resources.image_retention import superseded
from imgver_sandbox.sagemaker.service import ServiceError

ID = "data-science/retention"
ARN = "arn:aws:sagemaker:eu-west-1:123456789012:image-version/data-science/"


@pytest.fixture
def versions(aws):
    """Versions 1 to 6."""
    return [aws.create_version() for _ in range(6)]


def test_r43_what_is_beyond_the_newest_goes_oldest_first(aws, function, event, versions):
    # WHEN two are kept, and the stack declares the newest
    answer = function.deliver(event("image_retention_create", Versions=["6"]))

    # THEN
    assert answer["Status"] == "SUCCESS", answer["Reason"]
    assert answer["PhysicalResourceId"] == ID
    assert answer["Data"] == {}
    assert aws.versions() == dict.fromkeys([5, 6], "CREATED")
    deleted = [parameters["Version"] for name, parameters in function.calls if name == "DeleteImageVersion"]
    assert list(dict.fromkeys(deleted)) == [1, 2, 3, 4]


def test_r43_declared_versions_and_their_predecessors_stay(aws, function, event, versions):
    # WHEN
    function.deliver(event("image_retention_create", Versions=["4"]))

    # THEN the two newest, the declared one, and the one before it are there
    assert aws.versions() == dict.fromkeys([3, 4, 5, 6], "CREATED")


def test_r43_what_the_stack_declared_before_stays_for_a_rollback(aws, function, event, versions):
    # WHEN
    function.deliver(event("image_retention_update", Versions=["6"], old={"Versions": ["2"]}))

    # THEN
    assert aws.versions() == dict.fromkeys([1, 2, 5, 6], "CREATED")


def test_r43_what_an_alias_names_stays(aws, function, event, versions):
    # GIVEN
    aws.sagemaker.update_image_version(ImageName="data-science", Version=2, AliasesToAdd=["studio"])
    aws.clock.advance(1)

    # WHEN
    function.deliver(event("image_retention_create", Versions=["6"]))

    # THEN
    assert aws.versions() == dict.fromkeys([2, 5, 6], "CREATED")
    assert {"message": "retained: the version has aliases", "aliases": ["studio"]}.items() <= next(
        line for line in function.logs if line["message"].startswith("kept")
    ).items()


def test_r43_what_is_in_use_stays_until_the_next_deployment(aws, function, event, versions):
    # GIVEN
    aws.service.mark_in_use(f"{ARN}1")
    began = aws.clock.now()

    # WHEN
    answer = function.deliver(event("image_retention_create", Versions=["6"]))

    # THEN it is not waited for
    assert answer["Status"] == "SUCCESS"
    assert aws.versions() == dict.fromkeys([1, 5, 6], "CREATED")
    assert [line["arn"] for line in function.logs if line["message"] == "left for the next deployment"] == [f"{ARN}1"]
    assert 10 < aws.clock.now() - began < 60

    # WHEN it is used no longer
    aws.service.mark_in_use(f"{ARN}1", in_use=False)
    function.deliver(event("image_retention_update", Versions=["6"], old={"Versions": ["6"]}))

    # THEN
    assert aws.versions() == dict.fromkeys([5, 6], "CREATED")


def test_r43_a_deletion_that_fails_is_tried_at_the_next_deployment(aws, function, event, versions):
    # GIVEN
    aws.service.faults.fail("internal trouble", operation="DeleteImageVersion")

    # WHEN
    answer = function.deliver(event("image_retention_create", Versions=["6"]))

    # THEN
    assert answer["Status"] == "SUCCESS"
    assert aws.versions() == {1: "DELETE_FAILED", 5: "CREATED", 6: "CREATED"}
    function.deliver(event("image_retention_create", Versions=["6"]))
    assert aws.versions() == dict.fromkeys([5, 6], "CREATED")


def test_r31_there_is_an_answer_when_the_versions_are_too_many_for_the_time(aws, function, event):
    # GIVEN
    for _ in range(100):
        aws.create_version()
    function.seconds = 60
    function.before_call = lambda _operation, _parameters: aws.clock.advance(0.3)

    # WHEN
    answer = function.deliver(event("image_retention_create", Versions=["100"]))

    # THEN the next deployment goes on with those that are left
    assert answer["Status"] == "SUCCESS"
    assert function.logs[-2]["message"] == "left for the next deployment: the time is up"
    left = len(aws.versions())
    function.deliver(event("image_retention_update", Versions=["100"], old={"Versions": ["100"]}))
    assert len(aws.versions()) < left


def test_r43_another_error_is_the_users_to_know(aws, function, event, versions):
    # GIVEN
    def before_call(call):
        if call.operation == "DeleteImageVersion":
            raise ServiceError("AccessDeniedException", "not authorized to perform: sagemaker:DeleteImageVersion")

    aws.service.before_call = before_call

    # WHEN
    answer = function.deliver(event("image_retention_create", Versions=["6"]))

    # THEN
    assert answer["Status"] == "FAILED"
    assert "The function's role must allow the action for DeleteImageVersion" in answer["Reason"]


def test_nothing_is_deleted_while_there_are_few(function, event, aws):
    # GIVEN
    aws.create_version()

    # WHEN
    answer = function.deliver(event("image_retention_create", Versions=["1"]))

    # THEN
    assert answer["Status"] == "SUCCESS"
    assert function.names() == ["ListImageVersions"]


def test_delete_makes_no_call(function, event, aws, versions):
    # WHEN
    answer = function.deliver(event("image_retention_delete"))

    # THEN
    assert answer["Status"] == "SUCCESS"
    assert answer["PhysicalResourceId"] == ID
    assert function.names() == []


def test_r30_more_than_a_hundred_versions(aws, function, event):
    # GIVEN
    for _ in range(103):
        aws.create_version()

    # WHEN
    answer = function.deliver(event("image_retention_create", Keep="101", Versions=["103"]))

    # THEN
    assert answer["Status"] == "SUCCESS", answer["Reason"]
    assert function.names().count("ListImageVersions") > 1
    assert sorted(aws.versions()) == list(range(3, 104))


def test_r30_more_than_a_hundred_aliases(aws, function, event, versions):
    # GIVEN
    aliases = [f"alias-{number:03}" for number in range(103)]
    for some in (aliases[:60], aliases[60:]):
        aws.sagemaker.update_image_version(ImageName="data-science", Version=1, AliasesToAdd=some)
        aws.clock.advance(1)

    # WHEN
    function.deliver(event("image_retention_create", Versions=["6"]))

    # THEN
    (kept,) = [line for line in function.logs if line["message"].startswith("kept")]
    assert sorted(kept["aliases"]) == aliases
    assert 1 in aws.versions()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"Keep": None}, "property Keep is '', not a whole number"),
        ({"Keep": "few"}, "property Keep is 'few', not a whole number"),
        ({"Versions": "4"}, "property Versions is '4', not a list"),
        ({"Versions": ["latest"]}, "property Versions is 'latest', not a whole number"),
        ({"ImageName": None}, "property ImageName is missing or not a string"),
    ],
)
def test_r35_properties_that_make_no_sense(function, event, change, reason):
    answer = function.deliver(event("image_retention_create", **change))

    assert answer["Status"] == "FAILED"
    assert answer["Reason"] == reason
    assert function.names() == []


def _arns(statuses):
    parsed = {ImageVersionArn.parse(f"{ARN}{number}"): status for number, status in statuses.items()}
    return {arn: status for arn, status in parsed.items() if arn is not None}


@pytest.mark.parametrize(
    ("statuses", "keep", "of_stack", "goes"),
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
def test_which_versions_are_superseded(statuses, keep, of_stack, goes):
    assert [arn.version for arn in superseded(_arns(statuses), keep, of_stack)] == goes
