"""What is not known of the API: every switch under all of its values."""

from typing import get_args, get_type_hints

import pytest
from imgver_sandbox.sagemaker import assumptions
from imgver_sandbox.sagemaker.assumptions import Assumptions
from imgver_sandbox.sagemaker.container_registry import OCI_INDEX

ARN = "arn:aws:sagemaker:eu-west-1:123456789012:image-version/data-science"
HELD = f"Alias latest is already used by ImageVersion ({ARN}/1)."


def every(switch):
    return pytest.mark.parametrize(switch, get_args(get_type_hints(Assumptions)[switch]))


def test_the_default_is_the_first_value_the_harder_one():
    hints = get_type_hints(Assumptions)

    assert len(hints) == 7
    for switch, kind in hints.items():
        assert getattr(Assumptions(), switch) == get_args(kind)[0]
    assert assumptions.ArnCase.__args__ == ("lower", "kept")


def test_switches_on_the_command_line():
    assert Assumptions.parse([]) == Assumptions()
    assert Assumptions.parse(["u1=moved", "arn_case=kept"]) == Assumptions(
        alias_held_elsewhere="moved", arn_case="kept"
    )
    assert set(assumptions.SHORT_NAMES.values()) == Assumptions.choices().keys()


@pytest.mark.parametrize("name", Assumptions.choices())
def test_switches_go_there_and_back(name):
    for value in Assumptions.choices()[name]:
        assumed = Assumptions(**{name: value})
        assert Assumptions.parse(assumed.switches()) == assumed


@pytest.mark.parametrize(
    ("switch", "message"),
    [
        ("u9=moved", r"'u9=moved' must name one of alias_held_elsewhere, .*, rejected_manifest, like u1=moved"),
        ("u1", r"'u1' must have one of the values resource_in_use, validation_exception, moved"),
        ("u4=moved", r"'u4=moved' must have one of the values reused, retired"),
    ],
)
def test_wrong_switches(switch, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        Assumptions.parse([switch])


@every("alias_held_elsewhere")
@pytest.mark.parametrize("operation", ["CreateImageVersion", "UpdateImageVersion"])
def test_an_alias_that_another_version_holds(make_aws, alias_held_elsewhere, operation, refused):
    # GIVEN a version with an alias
    aws = make_aws(alias_held_elsewhere=alias_held_elsewhere)
    aws.image()
    aws.version(Aliases=["latest"])
    if operation == "UpdateImageVersion":
        aws.version()

    def take():
        if operation == "CreateImageVersion":
            aws.version(Aliases=["new", "latest"])
        else:
            aws.UpdateImageVersion(ImageName="data-science", Version=2, AliasesToAdd=["new", "latest"])

    # WHEN another one is to have it
    if alias_held_elsewhere == "moved":
        take()
        assert (aws.aliases(Version=1), aws.aliases(Version=2)) == ([], ["latest", "new"])
        return
    codes = {"resource_in_use": "ResourceInUse", "validation_exception": "ValidationException"}
    with refused(codes[alias_held_elsewhere], HELD):
        take()

    # THEN nothing changed, and nothing is held up
    assert aws.aliases() == ["latest"]
    assert aws.owner("latest") == 1
    assert aws.version() == (2 if operation == "CreateImageVersion" else 3)


@every("repeat_of_dead_create")
@pytest.mark.parametrize("death", ["failed", "deleting", "deleted", "image deleted"])
def test_a_token_whose_version_is_dead(make_aws, repeat_of_dead_create, death):
    # GIVEN a version that came to an end
    aws = make_aws(repeat_of_dead_create=repeat_of_dead_create, highest_number_after_delete="retired", delete_seconds=5)
    aws.image()
    aws.version()
    if death == "failed":
        aws.service.faults.fail("why")
    first = aws.start(ClientToken="t")
    aws.wait()
    if death == "deleting":
        aws.DeleteImageVersion(ImageName="data-science", Version=2)
        aws.clock.advance(1)
    elif death == "deleted":
        aws.delete(2)
    elif death == "image deleted":
        aws.DeleteImage(ImageName="data-science")
        aws.wait()
        aws.image()

    # WHEN its token comes again
    second = aws.start(ClientToken="t")

    # THEN
    assert first == f"{ARN}/2"
    new = f"{ARN}/1" if death == "image deleted" else f"{ARN}/3"
    assert second == (first if repeat_of_dead_create == "old_arn" else new)
    # and from now on the token stands for what it made last
    assert aws.start(ClientToken="t") == second


@every("repeat_of_dead_create")
def test_a_token_whose_version_lives(make_aws, repeat_of_dead_create):
    aws = make_aws(repeat_of_dead_create=repeat_of_dead_create)
    aws.image()
    first = aws.start(ClientToken="t")

    assert aws.start(ClientToken="t") == first
    aws.wait()
    assert aws.start(ClientToken="t") == first


@every("repeat_with_other_parameters")
def test_a_token_with_other_parameters(make_aws, repeat_with_other_parameters, refused):
    aws = make_aws(repeat_with_other_parameters=repeat_with_other_parameters)
    aws.image()
    first = aws.start(ClientToken="t")
    aws.wait()

    if repeat_with_other_parameters == "old_arn":
        assert aws.start(ClientToken="t", ReleaseNotes="other") == first
    else:
        with refused("ValidationException", "ClientToken t was already used with different parameters."):
            aws.start(ClientToken="t", ReleaseNotes="other")
    assert len(aws.ListImageVersions(ImageName="data-science")["ImageVersions"]) == 1


@every("delete_of_version_in_use")
@pytest.mark.parametrize("operation", ["DeleteImageVersion", "DeleteImage"])
def test_a_version_in_use_is_deleted(make_aws, delete_of_version_in_use, operation, refused):
    # GIVEN a version that something uses
    aws = make_aws(delete_of_version_in_use=delete_of_version_in_use)
    aws.image()
    aws.version()
    aws.service.mark_in_use(f"{ARN}/1")
    which = {"Version": 1} if operation == "DeleteImageVersion" else {}

    # WHEN it is deleted
    if delete_of_version_in_use == "refused":
        with refused("ResourceInUse", f"ImageVersion ({ARN}/1) is in use."):
            getattr(aws, operation)(ImageName="data-science", **which)
        assert aws.status(1) == "CREATED"
        # and once nothing uses it any more
        aws.service.mark_in_use(f"{ARN}/1", in_use=False)

    # THEN it goes
    getattr(aws, operation)(ImageName="data-science", **which)
    assert aws.status(1) == "DELETING"


def test_only_a_version_that_is_there_can_be_in_use(aws, refused):
    with refused(
        "ResourceNotFound",
        "ImageVersion with ImageName data-science and Version 9 does not exist. "
        "Please provide a valid ImageName and Version.",
    ):
        aws.service.mark_in_use(f"{ARN}/9")
    with pytest.raises(ValueError, match=r"^image_version_arn 'data-science/9' must be the ARN of an image version$"):
        aws.service.mark_in_use("data-science/9")


@every("highest_number_after_delete")
def test_the_number_of_the_highest_version_after_it_was_deleted(make_aws, highest_number_after_delete):
    aws = make_aws(highest_number_after_delete=highest_number_after_delete)
    aws.image()
    for _ in range(3):
        aws.version()
    aws.delete(2)
    aws.delete(3)

    assert aws.version() == (2 if highest_number_after_delete == "reused" else 4)


def test_the_number_of_a_version_that_is_going_is_not_free_yet(aws):
    aws.version()
    aws.DeleteImageVersion(ImageName="data-science", Version=1)
    aws.clock.advance(0.5)

    assert aws.start() == f"{ARN}/2"


@every("arn_case")
def test_a_name_with_capitals(make_aws, arn_case, refused):
    aws = make_aws(arn_case=arn_case)
    aws.image("Data-Science")

    arn = aws.start("Data-Science")

    aws.wait()
    assert arn == (f"{ARN}/1" if arn_case == "lower" else f"{ARN.replace('data-science', 'Data-Science')}/1")
    image = aws.DescribeImage(ImageName="Data-Science")
    assert image["ImageName"] == "Data-Science"
    assert image["ImageArn"].endswith(":image/Data-Science")
    # THEN the name that stands in the ARN finds the version
    name_in_arn = arn.split("/")[1]
    assert aws.describe(1, name_in_arn) == aws.describe(1, "Data-Science")
    if arn_case == "lower":
        with refused(
            "ResourceInUse",
            "The Image with ImageName data-science already exists. Please use a different ImageName.",
        ):
            aws.CreateImage(ImageName="data-science", RoleArn=aws.role)
    else:
        aws.CreateImage(ImageName="data-science", RoleArn=aws.role)


@every("rejected_manifest")
def test_a_manifest_that_is_rejected(make_aws, rejected_manifest, refused):
    aws = make_aws(rejected_manifest=rejected_manifest)
    aws.image()
    uri = f"{aws.repository}:oci"
    aws.registry.push(uri, media_type=OCI_INDEX)
    problem = (
        f"The manifest of the base image {uri} has the unsupported media type {OCI_INDEX}. "
        "Supported: application/vnd.docker.distribution.manifest.v2+json."
    )

    if rejected_manifest == "create_failed":
        aws.version(BaseImage=uri)
        assert aws.status(1) == "CREATE_FAILED"
        assert aws.describe(1)["FailureReason"] == problem
    else:
        with refused("ValidationException", problem):
            aws.version(BaseImage=uri)
        assert aws.ListImageVersions(ImageName="data-science") == {"ImageVersions": []}
