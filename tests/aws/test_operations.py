"""The operations on images, image versions, aliases and app image configs, and what is known of them.

Not here, since these operations do not show it: who may call them, waiters and retries of boto3, and EventBridge.
"""

import re
import threading
from datetime import timedelta
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
    """An image with three versions of one base image: 1 has metadata and the aliases 1.0.0 and first, 3 has latest."""
    image = target.make_image("shelf")
    answers = []
    for more in ({"Aliases": ["first", "1.0.0"], **METADATA}, {}, {"Aliases": ["latest"]}):
        answers.append(target.write("create_image_version", ImageName=image, BaseImage=target.base_image, **more))
        number = number_of(answers[-1]["ImageVersionArn"])
        assert target.settled(image, number)["ImageVersionStatus"] == "CREATED"
    return SimpleNamespace(image=image, answers=answers)


def missing(which):
    """What the service says of something that is not there."""
    return f"{which} does not exist. Please provide a valid "


class TestCreateImageVersion:
    def test_it_answers_the_arn_only_and_numbers_start_at_1(self, target, shelf):
        arns = [answer["ImageVersionArn"] for answer in shelf.answers]

        assert [set(answer) - {"ResponseMetadata"} for answer in shelf.answers] == [{"ImageVersionArn"}] * 3
        assert [number_of(arn) for arn in arns] == [1, 2, 3]
        for arn in arns:
            assert VERSION_ARN.fullmatch(arn)
            assert len(arn) <= 256

    def test_an_image_that_is_not_there(self, target):
        error = target.refusal("create_image_version", ImageName=target.name(), BaseImage=target.base_image)

        assert code(error) == "ResourceNotFound"
        assert "does not exist" in message(error)

    def test_an_image_that_is_not_ready(self, target):
        image = target.name()
        target.sagemaker.create_image(ImageName=image, RoleArn=target.role)

        error = target.refusal("create_image_version", ImageName=image, BaseImage=target.base_image)

        assert (code(error), message(error)) == ("ValidationException", f"Image {image} is in an invalid state.")

    def test_the_same_token_makes_one_version(self, target):
        image, token = target.make_image(), target.token()
        first = target.start_version(image, ClientToken=token)

        assert target.start_version(image, ClientToken=token) == first
        assert target.settled(image, 1)["ImageVersionStatus"] == "CREATED"
        assert target.start_version(image, ClientToken=token) == first
        assert len(target.sagemaker.list_image_versions(ImageName=image)["ImageVersions"]) == 1

    def test_one_that_cannot_be_pulled(self, target, findings):
        image, arns = target.make_image(), []

        error = outcome(lambda: arns.append(target.start_version(image, BaseImage=f"{target.repository}:no-such-tag")))

        # THEN it is refused, or there is a version that fails
        if error is not None:
            assert code(error) == "ValidationException"
            findings.measured.append(f"a base image whose tag is not there is refused: {error}")
            return
        version = target.settled(image, number_of(arns[0]))
        assert version["ImageVersionStatus"] == "CREATE_FAILED"
        assert 0 < len(version["FailureReason"]) <= 1024
        findings.measured.append(f"a base image whose tag is not there fails: {version['FailureReason']}")


class TestDescribeImageVersion:
    def test_it_answers_all_but_the_aliases(self, target, shelf):
        version = target.describe(shelf.image, 1)

        del version["ResponseMetadata"]
        created, modified = version.pop("CreationTime"), version.pop("LastModifiedTime")
        container_image = version.pop("ContainerImage")
        image_arn = target.sagemaker.describe_image(ImageName=shelf.image)["ImageArn"]
        assert version == METADATA | {
            "BaseImage": target.base_image,
            "ImageArn": image_arn,
            "ImageVersionArn": shelf.answers[0]["ImageVersionArn"],
            "ImageVersionStatus": "CREATED",
            "Version": 1,
        }
        assert created <= modified
        assert re.fullmatch(rf"{re.escape(target.repository)}@sha256:[0-9a-f]{{64}}", container_image)

    def test_by_alias_and_the_latest(self, target, shelf):
        assert target.owner(shelf.image, "first") == target.owner(shelf.image, "1.0.0") == 1
        assert target.sagemaker.describe_image_version(ImageName=shelf.image)["Version"] == 3

    def test_one_that_is_not_there(self, target, shelf):
        ask = target.refusal
        errors = [
            ask("describe_image_version", ImageName=shelf.image, Version=999),
            ask("describe_image_version", ImageName=shelf.image, Alias="no-such-alias"),
            ask("describe_image_version", ImageName=target.name(), Version=1),
        ]
        nothing = target.name()
        latest = ask("describe_image_version", ImageName=nothing)

        assert {code(error) for error in [*errors, latest]} == {"ResourceNotFound"}
        assert all("does not exist" in message(error) for error in errors)
        assert message(latest) == missing(f"Latest ImageVersion with ImageName {nothing}") + "ImageName."


class TestUpdateImageVersion:
    def test_metadata_that_is_named_changes_and_the_rest_stays(self, target):
        # GIVEN
        image = target.make_image()
        target.make_version(image, **METADATA)
        before = target.describe(image, 1)

        # WHEN
        answer = target.write(
            "update_image_version",
            ImageName=image,
            Version=1,
            ReleaseNotes="second",
            Horovod=False,
            VendorGuidance="NOT_PROVIDED",
        )

        # THEN
        changed = {"ReleaseNotes": "second", "Horovod": False, "VendorGuidance": "NOT_PROVIDED"}
        after = target.poll(lambda: target.describe(image, 1), lambda found: found["ReleaseNotes"] == "second")
        assert answer["ImageVersionArn"] == before["ImageVersionArn"]
        for told in (before, after):
            del told["ResponseMetadata"], told["LastModifiedTime"]
        assert after == before | changed

        # WHEN its aliases change, THEN those do
        target.write("update_image_version", ImageName=image, Version=1, AliasesToAdd=["a", "b"])
        assert target.poll(lambda: target.aliases(image, Version=1), lambda found: found == ["a", "b"])
        target.write("update_image_version", ImageName=image, Alias="a", AliasesToAdd=["c"], AliasesToDelete=["a", "b"])
        assert target.poll(lambda: target.aliases(image), lambda found: found == ["c"])

    def test_one_that_is_not_there(self, target, shelf):
        for which in ({"Version": 999}, {"Alias": "no-such-alias"}):
            error = target.refusal("update_image_version", ImageName=shelf.image, ReleaseNotes="n", **which)
            assert code(error) == "ResourceNotFound"
            assert "does not exist" in message(error)


class TestDeleteImageVersion:
    def test_a_version_goes_and_its_aliases_with_it(self, target, findings):
        # GIVEN
        image = target.make_image()
        began = target.now()
        target.make_version(image, Aliases=["latest"])
        created = target.now()

        # WHEN
        answer = target.write("delete_image_version", ImageName=image, Alias="latest")

        # THEN it is being deleted, and then is gone
        assert set(answer) == {"ResponseMetadata"}
        if target.exists(image, 1):
            error = target.refusal("delete_image_version", ImageName=image, Version=1)
            assert code(error) in {"ResourceInUse", "ResourceNotFound"}
        target.poll(lambda: target.exists(image, 1), lambda found: not found)
        assert target.aliases(image) == []
        assert target.sagemaker.list_image_versions(ImageName=image)["ImageVersions"] == []
        findings.measured.append(
            f"a version was created in {created - began:.0f} s and deleted in {target.now() - created:.0f} s"
        )

    def test_one_that_is_not_there(self, target, shelf):
        for which in ({"Version": 999}, {"Alias": "no-such-alias"}):
            error = target.refusal("delete_image_version", ImageName=shelf.image, **which)
            assert code(error) == "ResourceNotFound"
            assert "does not exist" in message(error)


class TestListImageVersions:
    def numbers(self, target, shelf, **parameters):
        answer = target.sagemaker.list_image_versions(ImageName=shelf.image, **parameters)
        return [version["Version"] for version in answer["ImageVersions"]]

    def test_sorted(self, target, shelf):
        for sort_by in ("VERSION", "CREATION_TIME", "LAST_MODIFIED_TIME"):
            assert self.numbers(target, shelf, SortBy=sort_by, SortOrder="ASCENDING") == [1, 2, 3]
            assert self.numbers(target, shelf, SortBy=sort_by, SortOrder="DESCENDING") == [3, 2, 1]

    def test_by_time(self, target, shelf):
        created = {number: target.describe(shelf.image, number)["CreationTime"] for number in (1, 2, 3)}
        little = timedelta(milliseconds=100)

        assert self.numbers(target, shelf, CreationTimeAfter=created[3] - little) == [3]
        assert self.numbers(target, shelf, CreationTimeBefore=created[1] + little) == [1]
        assert self.numbers(
            target, shelf, CreationTimeAfter=created[1] + little, CreationTimeBefore=created[3] - little
        ) == [2]
        assert self.numbers(target, shelf, LastModifiedTimeBefore=created[1] - little) == []
        later = target.describe(shelf.image, 3)["LastModifiedTime"]
        assert self.numbers(target, shelf, LastModifiedTimeAfter=later - little) == [3]

    def test_in_pages(self, target, shelf):
        pages = list(
            target.sagemaker.get_paginator("list_image_versions").paginate(
                ImageName=shelf.image, SortBy="VERSION", SortOrder="ASCENDING", PaginationConfig={"PageSize": 2}
            )
        )

        found = [[version["Version"] for version in page["ImageVersions"]] for page in pages]
        # A last page may be empty.
        assert [numbers for numbers in found if numbers] == [[1, 2], [3]]
        assert "NextToken" not in pages[-1]

    def test_what_it_tells_of_each(self, target, shelf):
        (version,) = target.sagemaker.list_image_versions(ImageName=shelf.image, SortBy="VERSION", MaxResults=1)[
            "ImageVersions"
        ]

        described = target.describe(shelf.image, 3)
        assert version.items() <= described.items()
        assert version.keys() >= {"CreationTime", "ImageArn", "ImageVersionArn", "ImageVersionStatus", "Version"}

    def test_of_an_image_that_is_not_there(self, target):
        assert code(target.refusal("list_image_versions", ImageName=target.name())) == "ResourceNotFound"


class TestListAliases:
    def test_of_all_versions_or_of_one(self, target, shelf):
        assert target.aliases(shelf.image) == ["1.0.0", "first", "latest"]
        assert target.aliases(shelf.image, Version=1) == ["1.0.0", "first"]
        assert target.aliases(shelf.image, Version=2) == []
        assert target.aliases(shelf.image, Alias="latest") == ["latest"]

    def test_in_pages(self, target, shelf):
        found, token = [], {}
        while not found or token:
            answer = target.sagemaker.list_aliases(ImageName=shelf.image, MaxResults=1, **token)
            assert len(answer["SageMakerImageVersionAliases"]) <= 1
            found += answer["SageMakerImageVersionAliases"]
            token = {"NextToken": answer["NextToken"]} if "NextToken" in answer else {}

        assert sorted(found) == ["1.0.0", "first", "latest"]

    def test_of_what_is_not_there(self, target, shelf):
        for parameters in ({"ImageName": target.name()}, {"ImageName": shelf.image, "Version": 999}):
            assert code(target.refusal("list_aliases", **parameters)) == "ResourceNotFound"


class TestWhatIsKnown:
    def test_the_digest_is_that_of_the_creation(self, target):
        if not target.can_push:
            pytest.skip("CONFORMANCE_BASE_IMAGE is not in a repository of the run's own: nothing is pushed there")
        # GIVEN a version of a tag
        image, tagged = target.make_image(), f"{target.repository}:moving"
        first = target.push("moving")
        target.make_version(image, BaseImage=tagged)

        # WHEN the tag is pushed again
        second = target.push("moving")

        # THEN only a new version has that
        assert first != second
        target.make_version(image, BaseImage=tagged)
        for number, digest in ((1, first), (2, second)):
            version = target.describe(image, number)
            assert (version["BaseImage"], version["ContainerImage"]) == (tagged, f"{target.repository}@{digest}")

    def test_writes_to_one_image_are_serialised(self, target, findings):
        # GIVEN an image, WHEN versions are created at once
        image, outcomes = target.make_image(), []

        def create():
            try:
                answer = target.sagemaker.create_image_version(ImageName=image, BaseImage=target.base_image)
                outcomes.append(number_of(answer["ImageVersionArn"]))
            except ClientError as error:
                outcomes.append(f"{code(error)}: {message(error)}")

        _at_once(create, create, create)

        # THEN no number comes twice, and who was refused was told why
        numbers = sorted(one for one in outcomes if isinstance(one, int))
        refusals = {one for one in outcomes if isinstance(one, str)}
        assert numbers == list(range(1, len(numbers) + 1))
        assert numbers
        assert refusals <= {"ResourceInUse: Resource was modified concurrently"}
        assert refusals or target.is_real
        findings.measured.append(f"of {len(outcomes)} creates at once, {len(numbers)} succeeded; {sorted(refusals)}")

        # WHEN they are deleted at once, THEN likewise
        for number in numbers:
            target.settled(image, number)
        numbers += [target.make_version(image) for _ in range(2 - len(numbers))]
        outcomes.clear()

        def delete(number):
            try:
                target.sagemaker.delete_image_version(ImageName=image, Version=number)
                outcomes.append("deleted")
            except ClientError as error:
                outcomes.append(f"{code(error)}: {message(error)}")

        def delete_both():
            _at_once(*(lambda number=number: delete(number) for number in numbers[:2]))
            return outcomes

        # Another write may still be under way.
        target.poll(delete_both, lambda found: "deleted" in found)
        for refused in set(outcomes) - {"deleted"}:
            assert re.fullmatch(
                r"ResourceInUse: (ImageVersion \(.*\) is being deleted|Resource was modified concurrently)", refused
            )
        assert len(outcomes) > outcomes.count("deleted") or target.is_real
        findings.measured.append(f"two deletes at once: {sorted(set(outcomes))}")

    def test_an_image_takes_its_versions_with_it_and_leaves_the_registry(self, target):
        # GIVEN
        image = target.make_image()
        target.make_version(image)
        container_image = target.describe(image, 1)["ContainerImage"]

        # WHEN
        target.sagemaker.delete_image(ImageName=image)

        # THEN
        target.poll(lambda: target.exists(image, 1), lambda found: not found)
        assert _gone(target, image)
        if target.can_push:
            found = target.client("ecr").describe_images(
                repositoryName=target.repository.partition("/")[2],
                imageIds=[{"imageDigest": container_image.partition("@")[2]}],
            )
            assert len(found["imageDetails"]) == 1

    def test_to_be_archived_is_archived_after_three_months(self, target):
        if target.is_real:
            pytest.skip("nobody waits for three months")
        image = target.make_image()
        target.make_version(image, VendorGuidance="TO_BE_ARCHIVED")

        target.pause(89 * 24 * 3600)
        assert target.describe(image, 1)["VendorGuidance"] == "TO_BE_ARCHIVED"
        target.pause(3 * 24 * 3600)
        assert target.describe(image, 1)["VendorGuidance"] == "ARCHIVED"


def _at_once(*calls):
    threads = [threading.Thread(target=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _gone(target, image):
    """Wait until the image is gone; whether it is so in the service's words."""
    error = target.poll(
        lambda: outcome(lambda: target.sagemaker.describe_image(ImageName=image)), lambda found: found is not None
    )
    return (code(error), message(error)) == (
        "ResourceNotFound",
        missing(f"Image with ImageName {image}") + "ImageName.",
    )


def test_the_life_of_an_image(target):
    # WHEN it is made
    image = target.make_image(DisplayName="Data Science", Description="For all")

    # THEN
    described = target.sagemaker.describe_image(ImageName=image)
    assert (described["ImageName"], described["ImageStatus"]) == (image, "CREATED")
    assert (described["DisplayName"], described["Description"]) == ("Data Science", "For all")
    assert described["RoleArn"] == target.role
    assert described["ImageArn"].endswith(f":image/{image}")
    error = target.refusal("create_image", ImageName=image, RoleArn=target.role)
    assert code(error) == "ResourceInUse"

    # WHEN it is changed, THEN what is named changes
    target.sagemaker.update_image(ImageName=image, DisplayName="Science", DeleteProperties=["Description"])
    changed = target.poll(
        lambda: target.sagemaker.describe_image(ImageName=image), lambda found: found["ImageStatus"] != "UPDATING"
    )
    assert (changed["ImageStatus"], changed["DisplayName"]) == ("CREATED", "Science")
    assert "Description" not in changed

    # THEN a list has it
    (listed,) = target.sagemaker.list_images(NameContains=image)["Images"]
    assert listed.items() <= changed.items()

    # WHEN it goes, THEN it is gone
    target.sagemaker.delete_image(ImageName=image)
    assert _gone(target, image)


def test_the_life_of_an_app_image_config(target):
    # WHEN it is made
    name = target.name()
    lab = {"ContainerConfig": {"ContainerArguments": ["--port", "8888"]}}
    arn = target.sagemaker.create_app_image_config(AppImageConfigName=name, JupyterLabAppImageConfig=lab)[
        "AppImageConfigArn"
    ]

    # THEN it is there
    described = target.sagemaker.describe_app_image_config(AppImageConfigName=name)
    assert (described["AppImageConfigArn"], described["JupyterLabAppImageConfig"]["ContainerConfig"]) == (
        arn,
        lab["ContainerConfig"],
    )
    error = target.refusal("create_app_image_config", AppImageConfigName=name)
    assert code(error) == "ResourceInUse"

    # WHEN it is changed, THEN that is changed
    changed = {"ContainerConfig": {"ContainerArguments": ["--port", "9999"]}}
    target.sagemaker.update_app_image_config(AppImageConfigName=name, JupyterLabAppImageConfig=changed)
    (listed,) = target.sagemaker.list_app_image_configs(NameContains=name)["AppImageConfigs"]
    assert listed["JupyterLabAppImageConfig"]["ContainerConfig"] == changed["ContainerConfig"]

    # WHEN it goes, THEN it is gone
    target.sagemaker.delete_app_image_config(AppImageConfigName=name)
    assert code(target.refusal("describe_app_image_config", AppImageConfigName=name)) == "ResourceNotFound"
