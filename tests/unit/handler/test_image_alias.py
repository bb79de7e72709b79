"""Custom::SageMakerImageAlias, with the calls that each event may cost."""

import itertools

import pytest
from botocore.exceptions import ClientError
from harness import ARN, SECOND_ARN, Aws, Crash
from imgver_sandbox.sagemaker.assumptions import Assumptions
from imgver_sandbox.sagemaker.service import ServiceError

ID = "data-science/latest"
THIRD_ARN = ARN.replace("/1", "/3")
FULL = ServiceError("ResourceLimitExceeded", "Too many aliases.")
TAKEN = "the alias is taken from a version that another stack or person gave it to"
REMEDY = "Delete versions that are not used any more, or request a higher limit in Service Quotas."


every_assumption = pytest.mark.parametrize("aws", ["resource_in_use", "validation_exception", "moved"], indirect=True)
"""Run a test for everything that AWS may do when an alias is added that another version has."""


@pytest.fixture
def aws(request):
    """Three versions without aliases."""
    aws = Aws(assumptions=Assumptions(alias_held_elsewhere=getattr(request, "param", "resource_in_use")))
    for _ in range(3):
        aws.create_version()
    return aws


def owners(aws):
    return [number for number in aws.versions() if aws.aliases(number) == ["latest"]]


def refuse_updates(aws, *refused, error=FULL):
    """Refuse the updates of these versions, or with these parameters."""

    def before_call(call):
        named = {call.parameters.get("Version"), *call.parameters}
        if call.operation == "UpdateImageVersion" and named & set(refused):
            raise error

    aws.service.before_call = before_call


def test_create_adds_the_alias(aws, function, event, alias):
    response = alias("create")

    assert response["Status"] == "SUCCESS"
    assert response["PhysicalResourceId"] == ID
    assert response["Data"] == {"Alias": "latest", "Version": "1"}
    assert aws.aliases(1) == ["latest"]
    assert function.calls == [
        ("DescribeImageVersion", {"ImageName": "data-science", "Alias": "latest"}),
        ("UpdateImageVersion", {"ImageName": "data-science", "Version": 1, "AliasesToAdd": ["latest"]}),
        ("DescribeStacks", {"StackName": event("image_alias_create")["StackId"]}),
    ]


def test_an_alias_that_the_version_already_has_stays_after_the_delete(aws, function, alias):
    aws.update_version(1, AliasesToAdd=["latest"])

    physical_id = alias("create")["PhysicalResourceId"]
    assert physical_id == f"{ID}/{aws.physical_id(1).rpartition('/')[2]}"
    assert function.names() == ["DescribeImageVersion"]

    assert alias("delete", physical_id=physical_id)["Status"] == "SUCCESS"
    assert function.names() == []
    assert function.decisions() == [
        ("INFO", "retained: the version had the alias before this resource", {"alias": "latest"})
    ]
    assert aws.aliases(1) == ["latest"]


@every_assumption
def test_create_takes_the_alias_and_delete_gives_it_back(aws, alias):
    aws.update_version(3, AliasesToAdd=["latest"])

    physical_id = alias("create")["PhysicalResourceId"]
    assert physical_id == f"{ID}/{aws.physical_id(3).rpartition('/')[2]}"
    assert (aws.aliases(1), aws.aliases(3)) == (["latest"], [])

    assert alias("delete", physical_id=physical_id)["Status"] == "SUCCESS"
    assert (aws.aliases(1), aws.aliases(3)) == ([], ["latest"])


@pytest.mark.parametrize(("owner", "warnings"), [(1, []), (3, [TAKEN])])
def test_an_update_warns_if_somebody_else_has_moved_the_alias(aws, function, alias, owner, warnings):
    aws.update_version(owner, AliasesToAdd=["latest"])

    assert alias("update")["Status"] == "SUCCESS"

    assert [message for level, message, _ in function.decisions() if level == "WARNING"] == warnings


@every_assumption
def test_r27_update_moves_the_alias_under_the_same_id(aws, function, alias):
    alias("create")
    aws.clock.advance(1)

    response = alias("update")

    assert response["Status"] == "SUCCESS", response["Reason"]
    assert response["PhysicalResourceId"] == ID
    assert response["Data"] == {"Alias": "latest", "Version": "2"}
    assert (aws.aliases(1), aws.aliases(2)) == ([], ["latest"])
    # The service refuses a write right after another one to the same image, so that the second one is repeated after
    # a read of the alias.
    removal = {"ImageName": "data-science", "Version": 1, "AliasesToDelete": ["latest"]}
    addition = {"ImageName": "data-science", "Version": 2, "AliasesToAdd": ["latest"]}
    assert function.names()[:3] == ["DescribeImageVersion", "DescribeStacks", "UpdateImageVersion"]
    writes = [parameters for name, parameters in function.calls if name == "UpdateImageVersion"]
    assert writes == [removal, *[addition] * (len(writes) - 1)]


@pytest.mark.parametrize("call", range(1, 5))
@every_assumption
def test_r27_crash_between_the_calls_of_a_move(aws, function, event, alias, call):
    alias("create")
    numbers = itertools.count(1)

    def before_call(_operation, _parameters):
        if next(numbers) == call:
            raise Crash

    # WHEN Lambda delivers the event again after the crash
    update = event("image_alias_update")
    function.before_call = before_call
    with pytest.raises(Crash):
        function.deliver(update)
    function.before_call = None
    response = function.deliver(update)

    assert response["Status"] == "SUCCESS", response["Reason"]
    assert (aws.aliases(1), aws.aliases(2)) == ([], ["latest"])


@every_assumption
def test_r27_the_second_call_of_a_move_fails(aws, alias):
    alias("create")
    refuse_updates(aws, 2)

    response = alias("update")

    assert (response["Status"], response["PhysicalResourceId"]) == ("FAILED", ID)
    assert aws.aliases(1) == ["latest"]


def test_r27_the_declared_version_does_not_exist(aws, alias):
    aws.update_version(3, AliasesToAdd=["latest"])

    response = alias("create", Version="9")

    # THEN the alias is where it was, and the id says that a Delete has nothing to give back
    assert (response["Status"], response["PhysicalResourceId"]) == ("FAILED", ID)
    assert response["Reason"].startswith(f"UpdateImageVersion failed for {ARN.replace('/1', '/9')}: ResourceNotFound: ")
    assert aws.aliases(3) == ["latest"]


def test_r31_an_image_that_stays_busy(aws, function, alias):
    function.seconds = 60
    refuse_updates(aws, "AliasesToAdd", error=ServiceError("ResourceInUse", "Resource was modified concurrently"))
    start = aws.clock.now()

    response = alias("create")

    assert response["Status"] == "FAILED"
    assert "ResourceInUse" in response["Reason"]
    assert 30 < aws.clock.now() - start < 60


@every_assumption
def test_r27_the_alias_cannot_be_given_back_to_its_owner(aws, function, alias):
    aws.update_version(3, AliasesToAdd=["latest"])
    refuse_updates(aws, "AliasesToAdd")

    response = alias("create")

    # THEN CloudFormation's Delete knows from the id where the alias was
    reason = f"ResourceLimitExceeded: Too many aliases. {REMEDY}"
    assert response["Status"] == "FAILED"
    assert response["PhysicalResourceId"] == f"{ID}/{aws.physical_id(3).rpartition('/')[2]}"
    assert response["Reason"] == f"UpdateImageVersion failed for {ARN}: {reason}"
    fields = {"alias": "latest", "arn": THIRD_ARN, "reason": f"UpdateImageVersion failed for {THIRD_ARN}: {reason}"}
    assert function.decisions() == [
        ("WARNING", TAKEN, {"alias": "latest", "arn": THIRD_ARN}),
        ("ERROR", "could not give the alias back", fields),
    ]

    aws.service.before_call = None
    alias("delete", physical_id=response["PhysicalResourceId"])
    assert aws.aliases(3) == ["latest"]


@pytest.mark.parametrize("code", ["ResourceNotFound", "ResourceLimitExceeded"])
def test_r27_the_alias_cannot_be_removed_from_its_owner(aws, function, alias, code):
    aws.update_version(3, AliasesToAdd=["latest"])
    refuse_updates(aws, "AliasesToDelete", error=ServiceError(code, "Too many aliases."))

    response = alias("create")

    # THEN a version that was deleted in the meantime has no alias any more, and any other error is a failure
    if code == "ResourceNotFound":
        assert function.calls[-1][1]["AliasesToAdd"] == ["latest"]
    else:
        assert "Too many aliases." in response["Reason"]
        assert function.names() == ["DescribeImageVersion", "UpdateImageVersion"]


def test_an_alias_that_cannot_be_added(aws, function, alias):
    refuse_updates(aws, 1)

    response = alias("create")

    assert response["Status"] == "FAILED"
    assert response["PhysicalResourceId"].startswith("not-created:")
    assert function.names() == ["DescribeImageVersion", "UpdateImageVersion", "DescribeImageVersion"]


@pytest.mark.parametrize("aws", ["validation_exception"], indirect=True)
def test_r51_an_alias_that_a_cancelled_event_has_moved_meanwhile_is_taken_back(aws, function, alias):
    # GIVEN a cancelled event adds the alias to version 2 after this event has found it nowhere
    def move(operation, _parameters):
        if operation == "UpdateImageVersion" and "UpdateImageVersion" not in function.names():
            aws.update_version(2, AliasesToAdd=["latest"])

    function.before_call = move

    assert alias("create", Version="1")["Status"] == "SUCCESS"
    assert (aws.aliases(1), aws.aliases(2)) == (["latest"], [])


@every_assumption
def test_r28_two_aliases_are_swapped(aws, alias):
    alias("create")
    alias("create", Alias="stable", Version="2")

    alias("update")
    old = {"Alias": "stable", "Version": "2"}
    alias("update", Alias="stable", Version="1", old=old, physical_id="data-science/stable")

    assert (aws.aliases(1), aws.aliases(2)) == (["stable"], ["latest"])


def test_r29_another_version_has_the_alias_now(aws, function, alias):
    alias("create")
    alias("update")

    assert alias("delete")["Status"] == "SUCCESS"
    assert function.names() == ["DescribeImageVersion"]
    assert function.decisions() == [
        ("INFO", "retained: another version has the alias now", {"alias": "latest", "owner": SECOND_ARN})
    ]
    assert aws.aliases(2) == ["latest"]


def test_update_keeps_the_id_with_the_previous_owner(aws, alias):
    assert alias("update", physical_id="data-science/latest/3")["PhysicalResourceId"] == "data-science/latest/3"


@pytest.mark.parametrize("change", [{"Alias": "stable"}, {"ImageName": "deep-learning"}], ids=["alias", "image"])
def test_another_alias_or_another_image_is_a_replacement(aws, alias, change):
    aws.create_image("deep-learning")
    aws.create_version("deep-learning")
    alias("create")

    response = alias("update", Version="1", **change)

    # THEN the old alias stays until CloudFormation deletes the old id
    declared = {"ImageName": "data-science", "Alias": "latest"} | change
    assert response["PhysicalResourceId"] == f"{declared['ImageName']}/{declared['Alias']}"
    assert declared["Alias"] in aws.aliases(1, declared["ImageName"])
    assert "latest" in aws.aliases(1)


def test_delete_removes_the_alias(aws, function, alias):
    alias("create")
    aws.clock.advance(1)

    assert alias("delete")["Status"] == "SUCCESS"
    assert aws.aliases(1) == []
    assert function.names() == ["DescribeImageVersion", "UpdateImageVersion"]


@pytest.mark.parametrize("state", ["gone", "failed"])
def test_delete_gives_nothing_back_to_a_version_that_is_not_usable(aws, function, alias, state):
    alias("create")
    aws.clock.advance(1)
    if state == "failed":
        aws.service.faults.fail("internal trouble", operation="DeleteImageVersion")
    aws.delete_version(3)

    response = alias("delete", physical_id="data-science/latest/3")

    assert response["Status"] == "SUCCESS"
    assert function.decisions() == [
        ("INFO", "not given back: the previous version is gone", {"alias": "latest", "version": 3})
    ]
    with pytest.raises(ClientError, match="does not exist"):
        aws.sagemaker.describe_image_version(ImageName="data-science", Alias="latest")


def test_r59_an_alias_is_given_back_to_a_version_that_is_not_found_once(aws, alias):
    alias("create")
    aws.clock.advance(1)
    not_found = [ServiceError("ResourceNotFound", "ImageVersion does not exist.")]

    def before_call(call):
        if call.operation == "DescribeImageVersion" and call.parameters.get("Version") == 3 and not_found:
            raise not_found.pop()

    aws.service.before_call = before_call

    assert alias("delete", physical_id="data-science/latest/3")["Status"] == "SUCCESS"
    assert not not_found
    assert aws.aliases(3) == ["latest"]


@pytest.mark.parametrize("aws", ["resource_in_use", "validation_exception"], indirect=True)
def test_r59_a_read_that_misses_the_owner_of_an_alias(aws, function, alias):
    # GIVEN version 1 with the alias, which the first read does not find
    aws.update_version(1, AliasesToAdd=["latest"])
    missing = ServiceError("ResourceNotFound", "The alias does not exist.")
    aws.refuse("DescribeImageVersion", missing)

    created = alias("create", Version="2")
    assert owners(aws) == [2]

    # WHEN a read misses the alias again
    aws.refuse("DescribeImageVersion", missing)
    deleted = alias("delete", Version="2", physical_id=created["PhysicalResourceId"])

    assert (deleted["Status"], owners(aws)) == ("SUCCESS", [1])


def test_the_previous_version_is_deleted_while_the_alias_is_given_back(aws, function, alias):
    aws.update_version(1, AliasesToAdd=["latest"])
    created = alias("create", Version="2")

    def before_call(_operation, parameters):
        if "AliasesToAdd" in parameters:
            aws.delete_version(1)

    function.before_call = before_call

    assert alias("delete", Version="2", physical_id=created["PhysicalResourceId"])["Status"] == "SUCCESS"
    assert function.decisions()[-1][1] == "not given back: the previous version is gone"
    assert owners(aws) == []


def test_r69_an_alias_that_cannot_be_removed_names_the_way_to_delete_the_stack(aws, alias):
    alias("create", Version="1")
    aws.refuse("UpdateImageVersion", ServiceError("ResourceInUse", "Resource was modified concurrently"), forever=True)

    assert "--retain-resources LatestAlias, and delete by hand what is left." in alias("delete", Version="1")["Reason"]


def test_delete_of_an_alias_that_no_version_has(aws, function, alias):
    assert alias("delete")["Status"] == "SUCCESS"
    assert function.names() == ["DescribeImageVersion"] * 2


@pytest.mark.parametrize(
    "physical_id",
    ["not-created:5b478341", "data-science", "data-science/stable", "other/latest", "data-science/latest/x", "a/b/c/d"],
)
def test_delete_of_another_id_sends_no_call(function, event, physical_id):
    response = function.deliver(event("image_alias_delete", physical_id=physical_id))

    assert response["Status"] == "SUCCESS"
    assert response["PhysicalResourceId"] == physical_id
    assert function.names() == []
    assert function.decisions() == [
        ("INFO", "nothing to delete: the physical id is not this alias", {"physical_id": physical_id})
    ]


@pytest.mark.parametrize("status", ["CREATE_FAILED", "DELETE_FAILED", "DELETING"])
def test_delete_leaves_an_alias_to_a_version_that_cannot_be_updated(aws, function, alias, status):
    # SageMaker deletes the alias together with the version
    aws.create_version()
    alias("create", Version="1")
    aws.describe_as(status)

    assert alias("delete", Version="1")["Status"] == "SUCCESS"
    assert function.names() == ["DescribeImageVersion"]
    assert function.decisions() == [
        ("INFO", "retained: the version cannot be changed, only deleted", {"alias": "latest"})
    ]
