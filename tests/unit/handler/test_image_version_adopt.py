"""AdoptVersion of Custom::SageMakerImageVersion: only a Create adopts, and only a later deployment owns the version."""

import pytest
from harness import ARN, ID, METADATA, REPOSITORY, SECOND_ARN, UNCHANGED

ADOPT = {"AdoptVersion": "1"}
ROLLBACK = "UPDATE_ROLLBACK_IN_PROGRESS"
DIFFERS = "the adopted version differs from its declaration until the next update"


@pytest.mark.parametrize(
    ("state", "problem"),
    [
        ("missing", "it does not exist. Correct adopt_version, or omit it to create a version."),
        ("failed", "its status is CREATE_FAILED, not CREATED. Adopt another version."),
        (
            "other base image",
            (
                f"its base image is {REPOSITORY}:1.1.0, not {REPOSITORY}:1.0.0. "
                "Declare the base image that the version has; change it in a later deployment."
            ),
        ),
    ],
)
def test_r40_a_version_that_cannot_be_adopted(aws, function, create, state, problem):
    if state == "failed":
        aws.service.faults.fail("internal trouble")
    if state != "missing":
        aws.create_version(tag="1.1.0" if state == "other base image" else "1.0.0")

    response = create(**ADOPT)

    assert function.names() == ["DescribeImageVersion"]
    assert response["Status"] == "FAILED"
    assert response["PhysicalResourceId"].startswith("not-created:")
    assert response["Reason"] == f"cannot adopt {ARN}: {problem}"


@pytest.mark.parametrize(
    ("existing", "differing"),
    [
        (METADATA, []),
        (
            {"Horovod": False, "VendorGuidance": "STABLE", "ReleaseNotes": "By hand"},
            sorted(METADATA.keys() - {"Horovod", "VendorGuidance"}),
        ),
    ],
)
def test_r40_adoption(aws, function, create, existing, differing):
    aws.create_version(**existing)

    response = create(**ADOPT)

    assert function.names() == ["DescribeImageVersion"]
    assert response["Status"] == "SUCCESS"
    assert response["PhysicalResourceId"] == ID
    assert response["Data"]["Version"] == "1"
    assert function.decisions() == ([("WARNING", DIFFERS, {"arn": ARN, "metadata": differing})] if differing else [])


@pytest.mark.parametrize("old", [{}, ADOPT])
def test_r40_an_update_adopts_nothing(aws, function, create, update, old):
    # GIVEN a resource that created its version, or adopted it
    aws.create_version()
    create(**old)
    current = ARN if old else SECOND_ARN
    aws.create_version()
    before = aws.versions()

    response = update(AdoptVersion="3", old=old, physical_id=current)

    assert function.names() == ["DescribeStacks"]
    assert response["Status"] == "FAILED"
    assert response["PhysicalResourceId"] == current
    assert response["Reason"] == (
        f"cannot adopt version 3 of image data-science: this resource already has {current}, and would lose it. "
        "Declare another ImageVersion to adopt the version."
    )
    assert aws.versions() == before


def test_r40_an_update_adopts_no_version_of_another_image(aws, create, update):
    # GIVEN an adopted version, and another image with a version of the same number
    aws.create_version()
    create(**ADOPT)
    aws.create_image("deep-learning")
    aws.create_version("deep-learning")

    response = update(**ADOPT, ImageName="deep-learning", old=ADOPT)

    assert response["Status"] == "FAILED"
    assert response["Reason"].startswith("cannot adopt version 1 of image deep-learning: this resource already has")
    assert aws.versions("deep-learning") == {1: "CREATED"}


def test_r40_ownership_passes_when_adopt_version_is_dropped(aws, create, update, delete):
    aws.create_version()
    create(**ADOPT)

    assert update(old=ADOPT)["PhysicalResourceId"] == ID
    delete()

    assert aws.versions() == {}


def test_adopting_the_current_version_is_an_update_in_place(aws, function, create, update):
    create()

    assert update(**ADOPT, ReleaseNotes="Better")["PhysicalResourceId"] == ID
    assert function.names() == ["DescribeImageVersion", "UpdateImageVersion"]
    assert aws.describe(1)["ReleaseNotes"] == "Better"


def test_r46_a_rollback_adopts_nothing(aws, function, create, update):
    create()
    aws.cloudformation.status = ROLLBACK

    assert update(AdoptVersion="2")["PhysicalResourceId"] == ID
    assert function.decisions() == [
        ("WARNING", "ignored because the stack is rolling back", {"finding": "AdoptVersion changed"})
    ]


@pytest.mark.parametrize("base_image", [f"{REPOSITORY}:1.0.0", f"{REPOSITORY}:missing"])
def test_r46_a_rollback_keeps_the_own_version_that_was_to_be_adopted(aws, function, event, create, update, base_image):
    # GIVEN an update that names the resource's own version, and whose deployment failed
    create()
    adopting = event("image_version_update", BaseImage=base_image, **ADOPT, old=UNCHANGED)
    function.deliver(adopting)

    aws.cloudformation.status = ROLLBACK
    response = update(old=adopting["ResourceProperties"])

    assert response["PhysicalResourceId"] == ID
    assert aws.versions() == {1: "CREATED"}


def test_r46_a_rollback_keeps_the_version_that_replaced_the_adopted_one(aws, function, event, create, update):
    # GIVEN a new base image replaced the adopted version, and an update without adopt_version failed
    aws.create_version()
    create(**ADOPT)
    second = update(**ADOPT, BaseImage=f"{REPOSITORY}:1.1.0", old=ADOPT)["PhysicalResourceId"]
    assert second == aws.physical_id(2)
    failing = event("image_version_update", BaseImage=f"{REPOSITORY}:missing", physical_id=second, old=ADOPT)
    assert function.deliver(failing)["Status"] == "FAILED"

    aws.cloudformation.status = ROLLBACK
    new = {"BaseImage": f"{REPOSITORY}:1.1.0"}
    response = update(**ADOPT, **new, physical_id=second, old=failing["ResourceProperties"])

    assert response["Status"] == "SUCCESS", response["Reason"]
    assert response["PhysicalResourceId"] == second
    assert aws.versions() == {1: "CREATED", 2: "CREATED"}


def test_r12_a_rollback_that_updates_first_needs_no_adopted_version(aws, update):
    # GIVEN a version of another image replaced a version whose template still says adopt_version
    aws.create_image("deep-learning")
    aws.cloudformation.status = ROLLBACK

    physical_id = ARN.replace("data-science", "deep-learning")
    response = update(**ADOPT, physical_id=physical_id, old={"ImageName": "deep-learning"})

    assert response["Status"] == "SUCCESS", response["Reason"]
    assert response["PhysicalResourceId"] == aws.physical_id(1)


@pytest.mark.parametrize("updated", [False, True], ids=["rollback", "stack deleted"])
def test_r49_delete_retains_an_adopted_version(aws, function, create, update, delete, updated):
    aws.create_version(ReleaseNotes="Created by hand")
    create(**ADOPT)
    if updated:
        update(**ADOPT, old=ADOPT)
    before = aws.describe(1)

    response = delete(**ADOPT)

    assert response["Status"] == "SUCCESS"
    assert function.names() == []
    assert function.decisions() == [("INFO", "retained: the version was adopted, not created", {"arn": ARN})]
    assert aws.describe(1) | {"ResponseMetadata": None} == before | {"ResponseMetadata": None}


def test_r49_the_rollback_of_a_dropped_adopt_version_restores_the_metadata(aws, function, event, create, update):
    # GIVEN an update dropped adopt_version and changed the metadata of the version in place
    aws.create_version()
    create(**ADOPT)
    dropped = event("image_version_update", **UNCHANGED | {"ReleaseNotes": "Changed"}, old=UNCHANGED | ADOPT)
    assert function.deliver(dropped)["PhysicalResourceId"] == ID
    assert aws.describe(1)["ReleaseNotes"] == "Changed"

    aws.cloudformation.status = ROLLBACK
    response = update(**ADOPT, old=dropped["ResourceProperties"])

    assert response["PhysicalResourceId"] == ID
    assert aws.describe(1)["ReleaseNotes"] == "First release"


def test_r49_an_alias_of_the_adopted_version_survives_the_rollback(aws, create, delete, alias):
    aws.create_version(Aliases=["latest"])
    create(**ADOPT)
    physical_id = alias("create")["PhysicalResourceId"]

    alias("delete", physical_id=physical_id)
    delete(**ADOPT)

    assert aws.aliases(1) == ["latest"]
