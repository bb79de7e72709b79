"""The documented behaviour of the operations on image versions and aliases, as far as the library relies on it."""

import re
import threading
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError
from target import code, message, number_of, outcome

METADATA = {
    "Horovod": True,
    "JobType": "TRAINING",
    "MLFramework": "PyTorch 2.5",
    "Processor": "GPU",
    "ProgrammingLang": "Python 3.12",
    "ReleaseNotes": "first",
    "VendorGuidance": "STABLE",
}
VERSION_ARN = re.compile(r"arn:aws(-[\w]+)*:sagemaker:.+:[0-9]{12}:image-version/[a-z0-9]([-.]?[a-z0-9])*/[0-9]+")


@pytest.fixture(scope="module")
def shelf(target):
    """An image with three versions: 1 has metadata and the aliases 1.0.0 and first, and 3 has the alias latest."""
    image = target.make_image("shelf")
    created = []
    for more in ({"Aliases": ["first", "1.0.0"], **METADATA}, {}, {"Aliases": ["latest"]}):
        created.append(target.write("create_image_version", ImageName=image, BaseImage=target.base_image, **more))
        number = number_of(created[-1]["ImageVersionArn"])
        assert target.describe_when_created(image, number)["ImageVersionStatus"] == "CREATED"
    return SimpleNamespace(image=image, created=created)


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("create_image_version", {"ImageName": "missing", "BaseImage": "base image"}),
        ("describe_image_version", {"Version": 999}),
        ("describe_image_version", {"Alias": "no-such-alias"}),
        ("describe_image_version", {"ImageName": "missing", "Version": 1}),
        ("describe_image_version", {"ImageName": "missing"}),
        ("update_image_version", {"Version": 999, "ReleaseNotes": "n"}),
        ("update_image_version", {"Alias": "no-such-alias", "ReleaseNotes": "n"}),
        ("delete_image_version", {"Version": 999}),
        ("delete_image_version", {"Alias": "no-such-alias"}),
        ("list_image_versions", {"ImageName": "missing"}),
        ("list_aliases", {"ImageName": "missing"}),
        ("list_aliases", {"Version": 999}),
        ("describe_image", {"ImageName": "missing"}),
    ],
)
def test_an_image_or_version_that_does_not_exist(target, shelf, operation, parameters):
    if "ImageName" in parameters:
        parameters = {**parameters, "ImageName": target.name()}
    if "BaseImage" in parameters:
        parameters = {**parameters, "BaseImage": target.base_image}

    error = target.refusal(operation, **{"ImageName": shelf.image, **parameters})

    assert code(error) == "ResourceNotFound"
    assert "does not exist" in message(error)


class TestCreateImageVersion:
    def test_it_returns_only_the_arn_and_numbers_start_at_1(self, target, shelf):
        arns = [created["ImageVersionArn"] for created in shelf.created]

        assert [set(created) - {"ResponseMetadata"} for created in shelf.created] == [{"ImageVersionArn"}] * 3
        assert [number_of(arn) for arn in arns] == [1, 2, 3]
        assert [arn for arn in arns if not VERSION_ARN.fullmatch(arn) or len(arn) > 256] == []

    def test_an_image_that_is_not_ready(self, target):
        image = target.name()
        target.sagemaker.create_image(ImageName=image, RoleArn=target.role)

        error = target.refusal("create_image_version", ImageName=image, BaseImage=target.base_image)

        assert (code(error), message(error)) == ("ValidationException", f"Image {image} is in an invalid state.")

    def test_the_same_token_creates_one_version(self, target):
        image, token = target.make_image(), target.name("t")
        first = target.start_version(image, ClientToken=token)

        assert target.start_version(image, ClientToken=token) == first
        assert target.describe_when_created(image, 1)["ImageVersionStatus"] == "CREATED"
        assert target.start_version(image, ClientToken=token) == first
        assert len(target.sagemaker.list_image_versions(ImageName=image)["ImageVersions"]) == 1

    def test_a_base_image_that_cannot_be_pulled(self, target, findings):
        image, arns = target.make_image(), []

        error = outcome(lambda: arns.append(target.start_version(image, BaseImage=f"{target.repository}:no-such-tag")))

        # THEN the call is refused, or the version fails
        if error is not None:
            assert code(error) == "ValidationException"
            findings.measured.append(f"a base image whose tag does not exist is refused: {error}")
            return
        version = target.describe_when_created(image, number_of(arns[0]))
        assert version["ImageVersionStatus"] == "CREATE_FAILED"
        assert 0 < len(version["FailureReason"]) <= 1024
        findings.measured.append(f"a base image whose tag does not exist fails: {version['FailureReason']}")

    def test_the_digest_is_the_one_at_the_time_of_the_creation(self, target):
        if not target.can_push:
            pytest.skip("CONFORMANCE_BASE_IMAGE is not in a repository of the run's own: nothing is pushed there")
        # GIVEN a version of a tag, which is then pushed again
        image, tagged = target.make_image(), f"{target.repository}:moving"
        first = target.push("moving")
        target.make_version(image, BaseImage=tagged)
        second = target.push("moving")

        # WHEN another version is created, THEN only that one has the new digest
        assert first != second
        target.make_version(image, BaseImage=tagged)
        for number, digest in ((1, first), (2, second)):
            version = target.describe(image, number)
            assert (version["BaseImage"], version["ContainerImage"]) == (tagged, f"{target.repository}@{digest}")


class TestDescribeImageVersion:
    def test_it_returns_everything_but_the_aliases(self, target, shelf):
        version = target.describe(shelf.image, 1)

        del version["ResponseMetadata"]
        created, modified = version.pop("CreationTime"), version.pop("LastModifiedTime")
        container_image = version.pop("ContainerImage")
        assert version == METADATA | {
            "BaseImage": target.base_image,
            "ImageArn": target.sagemaker.describe_image(ImageName=shelf.image)["ImageArn"],
            "ImageVersionArn": shelf.created[0]["ImageVersionArn"],
            "ImageVersionStatus": "CREATED",
            "Version": 1,
        }
        assert created <= modified
        assert re.fullmatch(rf"{re.escape(target.repository)}@sha256:[0-9a-f]{{64}}", container_image)

    def test_by_alias_and_the_latest(self, target, shelf):
        assert target.owner(shelf.image, "first") == target.owner(shelf.image, "1.0.0") == 1
        assert target.sagemaker.describe_image_version(ImageName=shelf.image)["Version"] == 3


def test_an_update_changes_only_its_parameters(target):
    image = target.make_image()
    target.make_version(image, **METADATA)
    before = target.describe(image, 1)
    changed = {"ReleaseNotes": "second", "Horovod": False, "VendorGuidance": "NOT_PROVIDED"}

    # WHEN metadata changes
    updated = target.write("update_image_version", ImageName=image, Version=1, **changed)

    after = target.poll(lambda: target.describe(image, 1), lambda found: found["ReleaseNotes"] == "second")
    assert updated["ImageVersionArn"] == before["ImageVersionArn"]
    for version in (before, after):
        del version["ResponseMetadata"], version["LastModifiedTime"]
    assert after == before | changed

    # WHEN aliases change, THEN
    target.write("update_image_version", ImageName=image, Version=1, AliasesToAdd=["a", "b"])
    assert target.poll(lambda: target.aliases(image, Version=1), lambda found: found == ["a", "b"])
    target.write("update_image_version", ImageName=image, Alias="a", AliasesToAdd=["c"], AliasesToDelete=["a", "b"])
    assert target.poll(lambda: target.aliases(image), lambda found: found == ["c"])


def test_a_deleted_version_takes_its_aliases_with_it(target, findings):
    image = target.make_image()
    began = target.now()
    target.make_version(image, Aliases=["latest"])
    created = target.now()

    deleted = target.write("delete_image_version", ImageName=image, Alias="latest")

    # THEN the version is DELETING, and then gone
    assert set(deleted) == {"ResponseMetadata"}
    if target.exists(image, 1):
        error = target.refusal("delete_image_version", ImageName=image, Version=1)
        assert code(error) in {"ResourceInUse", "ResourceNotFound"}
    target.poll(lambda: target.exists(image, 1), lambda found: not found)
    assert target.aliases(image) == []
    assert target.sagemaker.list_image_versions(ImageName=image)["ImageVersions"] == []
    findings.measured.append(
        f"a version was created in {created - began:.0f} s and deleted in {target.now() - created:.0f} s"
    )


def test_list_image_versions(target, shelf):
    pages = target.sagemaker.get_paginator("list_image_versions").paginate(
        ImageName=shelf.image, PaginationConfig={"PageSize": 2}
    )

    found = {version["Version"]: version for page in pages for version in page["ImageVersions"]}
    assert sorted(found) == [1, 2, 3]
    for number, version in found.items():
        assert version.items() <= target.describe(shelf.image, number).items()
        assert version.keys() >= {"CreationTime", "ImageArn", "ImageVersionArn", "ImageVersionStatus", "Version"}


def test_list_aliases(target, shelf):
    assert target.aliases(shelf.image) == ["1.0.0", "first", "latest"]
    assert target.aliases(shelf.image, PaginationConfig={"PageSize": 1}) == ["1.0.0", "first", "latest"]
    assert target.aliases(shelf.image, Version=1) == ["1.0.0", "first"]
    assert target.aliases(shelf.image, Version=2) == []
    assert target.aliases(shelf.image, Alias="latest") == ["latest"]


def test_writes_to_one_image_are_serialised(target, findings):
    image = target.make_image()

    def at_once(operation, *calls):
        """Call an operation at the same time with several parameters; the numbers or errors of the calls."""
        outcomes = []

        def call(parameters):
            try:
                response = getattr(target.sagemaker, operation)(ImageName=image, **parameters)
                outcomes.append(number_of(response["ImageVersionArn"]) if "ImageVersionArn" in response else 0)
            except ClientError as error:
                outcomes.append(f"{code(error)}: {message(error)}")

        threads = [threading.Thread(target=call, args=[parameters]) for parameters in calls]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        numbers = sorted(outcome for outcome in outcomes if isinstance(outcome, int))
        errors = sorted({outcome for outcome in outcomes if isinstance(outcome, str)})
        findings.measured.append(f"{operation}, {len(calls)} at once: {len(numbers)} succeeded; {errors}")
        assert errors or target.is_real
        return numbers, errors

    # WHEN versions are created at once, THEN no number is used twice
    numbers, errors = at_once("create_image_version", *[{"BaseImage": target.base_image}] * 3)
    assert numbers == list(range(1, len(numbers) + 1))
    assert numbers
    assert set(errors) <= {"ResourceInUse: Resource was modified concurrently"}

    # WHEN versions are deleted at once, THEN the errors say why the others were refused
    for number in numbers:
        target.describe_when_created(image, number)
    numbers += [target.make_version(image) for _ in range(2 - len(numbers))]
    deletions = [{"Version": number} for number in numbers[:2]]
    # Another write may still be under way.
    _, errors = target.poll(lambda: at_once("delete_image_version", *deletions), lambda found: bool(found[0]))
    for error in errors:
        assert re.fullmatch(
            r"ResourceInUse: (ImageVersion \(.*\) is being deleted|Resource was modified concurrently)", error
        )


def test_a_deleted_image_takes_its_versions_with_it_and_leaves_the_registry(target):
    image = target.make_image()
    target.make_version(image)
    digest = target.describe(image, 1)["ContainerImage"].partition("@")[2]

    target.sagemaker.delete_image(ImageName=image)

    target.poll(lambda: target.exists(image, 1), lambda found: not found)
    error = target.poll(
        lambda: outcome(lambda: target.sagemaker.describe_image(ImageName=image)), lambda found: found is not None
    )
    assert code(error) == "ResourceNotFound"
    if target.can_push:
        repository = target.repository.partition("/")[2]
        found = target.client("ecr").describe_images(repositoryName=repository, imageIds=[{"imageDigest": digest}])
        assert len(found["imageDetails"]) == 1
