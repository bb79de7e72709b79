"""The identity of a version is its ARN and its creation time: versions of others are never changed or deleted."""

import itertools

import pytest
from harness import ARN, ID, REPOSITORY, UNCHANGED, Aws, Function
from imgver_handler.aws.arn import ImageVersionArn, VersionId
from imgver_sandbox.sagemaker.assumptions import Assumptions
from imgver_sandbox.sagemaker.service import ServiceError

FOREIGN = ("WARNING", "not touched: another version has this ARN", {"arn": ARN})
WRITES = {"CreateImageVersion", "UpdateImageVersion", "DeleteImageVersion"}


@pytest.fixture
def aws(request):
    return Aws(assumptions=Assumptions(**getattr(request, "param", {})))


@pytest.fixture(params=["the image was created again", "the number was given again"])
def foreign(request, aws, create):
    """Version 1, which somebody else has created after the version of the stack was deleted."""
    create()
    aws.clock.advance(60)
    if request.param == "the image was created again":
        aws.sagemaker.delete_image(ImageName="data-science")
        aws.clock.advance(60)
        aws.create_image("data-science")
    else:
        aws.delete_version(1)
    aws.create_version(ReleaseNotes="By somebody else")
    return aws.describe(1)


def is_same(version, other):
    return version | {"ResponseMetadata": None} == other | {"ResponseMetadata": None}


@pytest.mark.parametrize(
    ("value", "created_at"),
    [
        (ARN, None),
        (f"{ARN}#1700000060", 1_700_000_060.0),
        (f"{ARN}#1700000060.123457", 1_700_000_060.123457),
        (f"{ARN}#", "invalid"),
        (f"{ARN}#yesterday", "invalid"),
        (f"{ARN}#1700000060#1", "invalid"),
        ("data-science/latest", "invalid"),
    ],
)
def test_a_physical_id_is_parsed_and_formatted(value, created_at):
    identity = VersionId.parse(value)

    if created_at == "invalid":
        assert identity is None
    else:
        assert identity == (ImageVersionArn.parse(ARN), created_at)
        assert str(identity) == value


def test_a_creation_time_has_at_most_six_decimals():
    assert str(VersionId(ImageVersionArn.parse(ARN), 1_700_000_060.1234567)) == f"{ARN}#1700000060.123457"


@pytest.mark.parametrize("seconds", [-3, -2, 2, 3])
def test_creation_times_may_differ_by_two_seconds(seconds):
    identity = VersionId(ImageVersionArn.parse(ARN), 1_700_000_060.0)

    assert identity.is_created_at(1_700_000_060.0 + seconds) is (abs(seconds) == 2)


@pytest.mark.parametrize(
    "change", [{}, {"ReleaseNotes": "Better"}, {"BaseImage": f"{REPOSITORY}:1.1.0"}], ids=["nothing", "notes", "image"]
)
def test_r56_an_update_replaces_a_version_that_is_not_its_own(aws, function, update, foreign, change):
    response = update(**change)

    assert response["Status"] == "SUCCESS", response["Reason"]
    assert response["PhysicalResourceId"] == aws.physical_id(2)
    assert function.decisions()[0] == FOREIGN
    assert is_same(aws.describe(1), foreign)
    declared = UNCHANGED | change
    assert {name: aws.describe(2)[name] for name in declared} == declared


@pytest.mark.parametrize("on_delete", ["DELETE", "ARCHIVE"])
def test_r56_a_delete_does_not_touch_a_version_that_is_not_its_own(aws, function, delete, foreign, on_delete):
    assert delete(OnDelete=on_delete)["Status"] == "SUCCESS"
    assert function.decisions()[0] == FOREIGN
    assert not WRITES & set(function.names())
    assert is_same(aws.describe(1), foreign)


@pytest.mark.parametrize("owner", [None, 2])
@pytest.mark.parametrize("action", ["create", "update"])
def test_r56_an_alias_is_not_added_to_a_version_that_is_not_the_declared_one(aws, alias, foreign, action, owner):
    aws.create_version()
    if owner:
        aws.update_version(owner, AliasesToAdd=["latest"])

    response = alias(action, Version=ID)

    assert response["Status"] == "FAILED"
    assert response["Reason"] == (
        f"{ARN} is not the version that this stack created: its creation time differs, because the image or the "
        "version was created again. Change the declaration of the version, for example its release_notes, so that it "
        "gets a new version."
    )
    assert is_same(aws.describe(1), foreign)
    assert (aws.aliases(1), aws.aliases(2)) == ([], ["latest"] * bool(owner))


def test_r56_an_alias_moves_from_a_foreign_version_with_the_declared_number(aws, alias, foreign):
    aws.update_version(1, AliasesToAdd=["latest"])
    aws.create_version()

    assert alias("update", Version=aws.physical_id(2), old={"Version": ID})["Status"] == "SUCCESS"
    assert (aws.aliases(1), aws.aliases(2)) == ([], ["latest"])


def test_r56_the_alias_of_a_foreign_version_is_not_deleted(aws, function, alias, foreign):
    aws.update_version(1, AliasesToAdd=["latest"])

    assert alias("delete", Version=ID)["Status"] == "SUCCESS"
    assert function.decisions() == [
        ("INFO", "retained: another version has the alias now", {"alias": "latest", "owner": ARN})
    ]
    assert aws.aliases(1) == ["latest"]


def test_r56_an_alias_is_not_given_back_to_a_younger_version(aws, alias, foreign):
    # GIVEN the stack took the alias from version 1, and then both the image and its versions were created again
    response = alias("delete", Version="2", physical_id="data-science/latest/1#1700000060")

    assert response["Status"] == "SUCCESS"
    assert aws.aliases(1) == []


def test_r56_an_alias_of_a_younger_version_with_the_number_of_the_previous_owner_is_deleted(aws, alias, foreign):
    aws.update_version(1, AliasesToAdd=["latest"])

    alias("delete", Version=aws.physical_id(1), physical_id="data-science/latest/1#1700000060")

    assert aws.aliases(1) == []


def test_r56_an_alias_of_a_version_that_is_gone_is_given_back(aws, alias):
    aws.create_version()
    aws.create_version()
    second = aws.physical_id(2)
    aws.delete_version(2)

    alias("delete", Version=second, physical_id=f"data-science/latest/1#{aws.physical_id(1).partition('#')[2]}")

    assert aws.aliases(1) == ["latest"]


@pytest.mark.parametrize("when", ["while it is created", "before it is removed"])
def test_r56_a_create_does_not_delete_a_version_that_got_its_number(event, when):
    # GIVEN the new version is deleted by somebody else, and another version gets its number
    aws = Aws(create_seconds=4)
    function = Function(aws)
    polls = itertools.count(1)

    def take_the_number(operation, _parameters):
        if (operation, when) == ("DescribeImageVersion", "while it is created") and next(polls) == 2:
            aws.clock.advance(2)
        elif (operation, when) != ("DescribeStacks", "before it is removed"):
            return
        aws.delete_version(1)
        aws.create_version(tag="1.1.0")

    function.before_call = take_the_number
    aws.cloudformation.status = "ROLLBACK_IN_PROGRESS"

    function.deliver(event("image_version_create"))

    assert aws.versions() == {1: "CREATED"}
    assert "DeleteImageVersion" not in function.names()


def test_r56_a_retention_does_not_delete_a_version_that_got_the_number_of_a_listed_one(aws, function, retention):
    for _ in range(6):
        aws.create_version()
    lists = []

    def create_again(operation, _parameters):
        if operation == "ListAliases" and not lists:
            lists.append(operation)
            aws.sagemaker.delete_image(ImageName="data-science")
            aws.clock.advance(60)
            aws.create_image("data-science")
            for _ in range(6):
                aws.create_version()

    function.before_call = create_again

    retention("update", Versions=["6"], old={"Versions": ["6"]})

    assert aws.versions() == dict.fromkeys(range(1, 7), "CREATED")


@pytest.mark.parametrize("aws", [{"arn_case": "lower"}, {"arn_case": "kept"}], indirect=True, ids=str)
@pytest.mark.parametrize("replaced", [False, True])
@pytest.mark.parametrize(("old", "new"), [("Deep-Learning", "deep-learning"), ("deep-learning", "Deep-Learning")])
def test_r57_only_the_case_of_the_name_changes(aws, function, event, old, new, replaced):
    # GIVEN a version with an alias. Where case matters, the other spelling is another image.
    aws.create_image(old)
    if aws.assumptions.arn_case == "kept":
        aws.create_image(new)
    names = {"ImageName": new, "old": {"ImageName": old}}
    version = function.deliver(event("image_version_create", ImageName=old))
    alias = function.deliver(event("image_alias_create", ImageName=old))

    # WHEN the spelling changes, with or without a new base image, and CloudFormation cleans up
    change = {"BaseImage": f"{REPOSITORY}:1.1.0"} if replaced else {}
    physical_id = version["PhysicalResourceId"]
    updated = function.deliver(event("image_version_update", physical_id=physical_id, **UNCHANGED | change, **names))
    number = updated["Data"]["Version"]
    moved = function.deliver(
        event("image_alias_update", physical_id=alias["PhysicalResourceId"], Version=number, **names)
    )
    if moved["PhysicalResourceId"] != alias["PhysicalResourceId"]:
        function.deliver(event("image_alias_delete", physical_id=alias["PhysicalResourceId"], ImageName=old))
    if updated["PhysicalResourceId"] != physical_id:
        function.deliver(event("image_version_delete", physical_id=physical_id, ImageName=old))

    assert [each["Status"] for each in (updated, moved)] == ["SUCCESS", "SUCCESS"]
    assert aws.versions(new) == {int(number): "CREATED"}
    assert aws.aliases(int(number), new) == ["latest"]
    is_same_image = aws.assumptions.arn_case == "lower"
    assert (updated["PhysicalResourceId"] == physical_id) is (is_same_image and not replaced)
    assert (moved["PhysicalResourceId"] == alias["PhysicalResourceId"]) is is_same_image
    if not is_same_image:
        assert aws.versions(old) == {}

    # WHEN the stack is deleted
    function.deliver(
        event("image_alias_delete", physical_id=moved["PhysicalResourceId"], ImageName=new, Version=number)
    )
    assert aws.aliases(int(number), new) == []
    function.deliver(event("image_version_delete", physical_id=updated["PhysicalResourceId"], ImageName=new))
    assert aws.versions(new) == {}


@pytest.fixture(params=[-10, 10], ids=["behind", "ahead"])
def clock_of_the_service(request, aws):
    """SageMaker's clock, which differs from that of the function and of CloudFormation."""
    call = aws.service.call

    def shifted(operation, parameters, **where):
        if "CreationTimeAfter" in parameters:
            parameters = parameters | {"CreationTimeAfter": parameters["CreationTimeAfter"] - request.param}
        response = call(operation, parameters, **where)
        for one in [response, *response.get("ImageVersions", [])]:
            if "CreationTime" in one:
                one["CreationTime"] += request.param
        return response

    aws.service.call = shifted


@pytest.mark.usefixtures("clock_of_the_service")
def test_r60_a_delete_soon_after_the_create(aws, function, event, create):
    created = create()
    delete = event("image_version_delete", physical_id=created["PhysicalResourceId"], sent_at=aws.clock.now() - 3)

    assert function.deliver(delete)["Status"] == "SUCCESS"
    assert aws.versions() == {}


@pytest.mark.usefixtures("clock_of_the_service")
def test_r60_a_cancelled_replacement_and_the_update_of_the_rollback(aws, function, event, update, create):
    # GIVEN an update that began half a minute after the Create
    first = create()["PhysicalResourceId"]
    aws.clock.advance(30)
    aws.cloudformation.began_at = aws.clock.now()
    second = update(physical_id=first, BaseImage=f"{REPOSITORY}:1.1.0")["PhysicalResourceId"]
    aws.cloudformation.status = "UPDATE_ROLLBACK_IN_PROGRESS"

    # THEN an Update of the old version is cancelled, and one of the new version belongs to the rollback
    update(physical_id=first, BaseImage=f"{REPOSITORY}:1.1.0")
    assert aws.versions() == {1: "CREATED", 2: "CREATED"}
    assert update(physical_id=second)["PhysicalResourceId"] == aws.physical_id(3)


@pytest.mark.usefixtures("clock_of_the_service")
def test_r60_a_late_create_finds_the_version_of_a_delivery_that_ended(aws, function, event, crash_before_poll):
    create = event("image_version_create", sent_at=aws.clock.now())

    crash_before_poll(create)
    aws.cloudformation.status = "ROLLBACK_IN_PROGRESS"
    aws.clock.advance(60)

    assert function.deliver(create)["Status"] == "FAILED"
    assert aws.versions() == {}


def test_r56_a_refused_deletion_is_not_repeated_for_another_version(aws, function, create, delete):
    # GIVEN the version is deleted, and its number is given again, while DeleteImageVersion is refused
    create()

    def create_again(operation, _parameters):
        if operation == "DeleteImageVersion":
            aws.delete_version(1)
            aws.create_version()
            aws.refuse(operation, ServiceError("ResourceInUse", "Resource was modified concurrently"))

    function.before_call = create_again

    assert delete()["Status"] == "SUCCESS"
    assert function.names().count("DeleteImageVersion") == 1
    assert aws.versions() == {1: "CREATED"}
