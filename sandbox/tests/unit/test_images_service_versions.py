"""Image versions and aliases: the behaviour table of the API, row by row."""

import threading
import time

import pytest
from imgver_sandbox.sagemaker.clock import ManualClock, SystemClock
from imgver_sandbox.sagemaker.container_registry import DOCKER_MANIFEST_LIST, OCI_INDEX, OCI_MANIFEST, InMemoryRegistry
from imgver_sandbox.sagemaker.service import ImagesService, ServiceError

ARN = "arn:aws:sagemaker:eu-west-1:123456789012:image-version/data-science"
CONCURRENT = "Resource was modified concurrently"


def test_a_version_is_created_over_time(make_aws):
    aws = make_aws(create_seconds=10)
    aws.image()
    start = aws.clock.now()
    metadata = {
        "Horovod": False,
        "JobType": "TRAINING",
        "MLFramework": "PyTorch 2.5",
        "Processor": "GPU",
        "ProgrammingLang": "Python 3.12",
        "ReleaseNotes": "first",
        "VendorGuidance": "STABLE",
    }

    arn = aws.start(Aliases=["latest", "1.0"], **metadata)

    assert arn == f"{ARN}/1"
    creating = metadata | {
        "BaseImage": aws.base_image,
        "CreationTime": start,
        "ImageArn": ARN.replace("image-version", "image"),
        "ImageVersionArn": f"{ARN}/1",
        "ImageVersionStatus": "CREATING",
        "LastModifiedTime": start,
        "Version": 1,
    }
    aws.clock.advance(9.9)
    assert aws.describe(1) == creating
    aws.clock.advance(0.1)
    assert aws.describe(1) == creating | {
        "ContainerImage": f"{aws.repository}@{aws.digest}",
        "ImageVersionStatus": "CREATED",
        "LastModifiedTime": start + 10,
    }
    assert aws.aliases(Version=1) == ["1.0", "latest"]


def test_numbers_rise_and_the_same_base_image_may_come_again(aws):
    assert [aws.version() for _ in range(3)] == [1, 2, 3]


class TestWhichVersion:
    def test_neither_number_nor_alias_means_the_latest(self, aws):
        aws.version(Aliases=["first"])
        aws.version()

        assert aws.DescribeImageVersion(ImageName="data-science")["Version"] == 2
        assert aws.UpdateImageVersion(ImageName="data-science")["ImageVersionArn"] == f"{ARN}/2"
        aws.wait()
        aws.DeleteImageVersion(ImageName="data-science")
        aws.wait()
        assert aws.DescribeImageVersion(ImageName="data-science")["Version"] == 1

    def test_the_latest_may_have_failed(self, aws):
        aws.version()
        aws.version(BaseImage=f"{aws.repository}:none")

        assert aws.DescribeImageVersion(ImageName="data-science")["ImageVersionStatus"] == "CREATE_FAILED"

    def test_by_alias(self, aws):
        aws.version(Aliases=["first"])
        aws.version()

        assert aws.owner("first") == 1

    def test_by_both_is_refused(self, aws, refused):
        aws.version(Aliases=["first"])

        with refused("ValidationException", "Only one of Version and Alias can be specified."):
            aws.DescribeImageVersion(ImageName="data-science", Version=1, Alias="first")

    @pytest.mark.parametrize("operation", ["DescribeImageVersion", "UpdateImageVersion", "DeleteImageVersion"])
    @pytest.mark.parametrize(
        ("which", "text"),
        [
            ({}, "Latest ImageVersion with ImageName {} does not exist. Please provide a valid ImageName."),
            (
                {"Version": 0},
                (
                    "ImageVersion with ImageName {} and Version 0 does not exist. "
                    "Please provide a valid ImageName and Version."
                ),
            ),
            (
                {"Alias": "none"},
                (
                    "ImageVersion with ImageName {} and Alias none does not exist. "
                    "Please provide a valid ImageName and Alias."
                ),
            ),
        ],
    )
    def test_one_that_is_not_there(self, aws, operation, which, text, refused):
        for name in ("data-science", "nothing"):
            with refused("ResourceNotFound", text.format(name)):
                getattr(aws, operation)(ImageName=name, **which)


class TestBaseImage:
    def test_the_digest_is_that_of_the_creation(self, aws):
        aws.version()
        digest = aws.registry.push(aws.base_image)
        aws.version()

        assert aws.describe(1)["ContainerImage"] == f"{aws.repository}@{aws.digest}"
        assert aws.describe(2)["ContainerImage"] == f"{aws.repository}@{digest}"

    def test_by_digest(self, aws):
        by_digest = f"{aws.repository}@{aws.digest}"
        aws.version(BaseImage=by_digest)

        assert aws.describe(1)["BaseImage"] == by_digest
        assert aws.describe(1)["ContainerImage"] == by_digest

    def test_without_tag_it_is_latest(self, aws):
        digest = aws.registry.push(aws.repository)
        aws.version(BaseImage=aws.repository)

        assert aws.describe(1)["BaseImage"] == aws.repository
        assert aws.describe(1)["ContainerImage"] == f"{aws.repository}@{digest}"

    @pytest.mark.parametrize(
        ("base_image", "reason"),
        [
            ("{}:none", "The base image {}:none does not exist in Amazon ECR."),
            ("{}-other:1", "The base image {}-other:1 does not exist in Amazon ECR."),
            ("python:3.12", "The base image python:3.12 is not a valid Amazon ECR image URI."),
        ],
    )
    def test_one_that_cannot_be_pulled_fails_the_creation(self, aws, base_image, reason):
        arn = aws.start(BaseImage=base_image.format(aws.repository), Aliases=["latest"])
        assert arn == f"{ARN}/1"
        assert aws.status(1) == "CREATING"
        aws.wait()

        version = aws.describe(1)

        assert version["ImageVersionStatus"] == "CREATE_FAILED"
        assert version["FailureReason"] == reason.format(aws.repository)
        assert "ContainerImage" not in version
        # THEN it stays, with its alias, until it is deleted
        assert aws.owner("latest") == 1
        aws.delete(1)
        assert aws.aliases() == []

    @pytest.mark.parametrize("media_type", [OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST_LIST])
    def test_only_docker_v2_schema_2_is_taken(self, aws, media_type):
        aws.registry.push(f"{aws.repository}:oci", media_type=media_type)
        aws.version(BaseImage=f"{aws.repository}:oci")

        assert aws.status(1) == "CREATE_FAILED"
        assert aws.describe(1)["FailureReason"] == (
            f"The manifest of the base image {aws.repository}:oci has the unsupported media type {media_type}. "
            "Supported: application/vnd.docker.distribution.manifest.v2+json."
        )

    def test_a_creation_can_be_made_to_fail(self, aws):
        aws.service.faults.fail("r" * 2000)
        aws.version()
        aws.version()

        assert aws.describe(1)["ImageVersionStatus"] == "CREATE_FAILED"
        assert aws.describe(1)["FailureReason"] == "r" * 1024
        assert "ContainerImage" not in aws.describe(1)
        assert aws.status(2) == "CREATED"


class TestClientToken:
    def test_the_same_call_twice_makes_one_version(self, aws):
        first = aws.start(ClientToken="t", Aliases=["latest"])

        # A repeat is no write: nothing refuses it, not even at once.
        assert aws.start(ClientToken="t", Aliases=["latest"]) == first
        aws.wait()
        assert aws.start(ClientToken="t", Aliases=["latest"]) == first
        assert len(aws.ListImageVersions(ImageName="data-science")["ImageVersions"]) == 1

    def test_a_refused_call_leaves_no_token(self, aws, refused):
        aws.start()
        with refused("ResourceInUse", CONCURRENT):
            aws.start(ClientToken="t")
        aws.wait()

        assert aws.start(ClientToken="t", ReleaseNotes="other") == f"{ARN}/2"


class TestUpdate:
    def test_metadata_that_is_named_changes_and_the_rest_stays(self, aws):
        aws.version(ReleaseNotes="first", Horovod=True, VendorGuidance="STABLE")
        before = aws.describe(1)

        answer = aws.UpdateImageVersion(ImageName="data-science", Version=1, ReleaseNotes="second", Horovod=False)

        assert answer == {"ImageVersionArn": f"{ARN}/1"}
        assert aws.describe(1) == before | {
            "ReleaseNotes": "second",
            "Horovod": False,
            "LastModifiedTime": aws.clock.now(),
        }

    def test_aliases_are_added_and_deleted_at_once(self, aws):
        aws.version(Aliases=["old", "both"])

        aws.UpdateImageVersion(
            ImageName="data-science", Version=1, AliasesToAdd=["new", "both", "new"], AliasesToDelete=["old", "old"]
        )

        assert aws.aliases(Version=1) == ["both", "new"]

    def test_an_alias_that_the_version_does_not_hold_cannot_be_deleted_there(self, aws, refused):
        aws.version(Aliases=["latest"])
        aws.version()

        with refused(
            "ResourceNotFound",
            "ImageVersion with ImageName data-science and Version 2 and Alias latest does not exist. "
            "Please provide a valid ImageName and Version and Alias.",
        ):
            aws.UpdateImageVersion(
                ImageName="data-science", Version=2, AliasesToDelete=["latest"], AliasesToAdd=["new"]
            )
        assert aws.aliases() == ["latest"]

    def test_an_alias_moves_in_two_calls(self, aws):
        aws.version(Aliases=["latest"])
        aws.version()

        aws.UpdateImageVersion(ImageName="data-science", Version=1, AliasesToDelete=["latest"])
        aws.clock.advance(0.5)
        aws.UpdateImageVersion(ImageName="data-science", Version=2, AliasesToAdd=["latest"])

        assert (aws.aliases(Version=1), aws.aliases(Version=2)) == ([], ["latest"])

    def test_to_be_archived_is_archived_after_three_months(self, aws):
        aws.version(VendorGuidance="TO_BE_ARCHIVED")
        aws.clock.advance(80 * 86400)
        assert aws.describe(1)["VendorGuidance"] == "TO_BE_ARCHIVED"
        aws.clock.advance(11 * 86400)
        assert aws.describe(1)["VendorGuidance"] == "ARCHIVED"

    def test_also_if_it_is_to_be_by_an_update(self, aws):
        aws.version()
        aws.UpdateImageVersion(ImageName="data-science", Version=1, VendorGuidance="TO_BE_ARCHIVED")
        aws.clock.advance(91 * 86400)
        assert aws.describe(1)["VendorGuidance"] == "ARCHIVED"

    def test_unless_it_was_changed_before(self, aws):
        aws.version(VendorGuidance="TO_BE_ARCHIVED")
        aws.UpdateImageVersion(ImageName="data-science", Version=1, VendorGuidance="STABLE")
        aws.clock.advance(100 * 86400)

        assert aws.describe(1)["VendorGuidance"] == "STABLE"


class TestDelete:
    def test_a_version_goes_over_time_and_its_aliases_with_it(self, make_aws, refused):
        aws = make_aws(delete_seconds=10)
        aws.image()
        aws.version(Aliases=["latest"])

        assert aws.DeleteImageVersion(ImageName="data-science", Alias="latest") == {}

        aws.clock.advance(9.9)
        assert aws.status(1) == "DELETING"
        assert aws.aliases() == ["latest"]
        aws.clock.advance(0.1)
        with refused(
            "ResourceNotFound",
            "ImageVersion with ImageName data-science and Version 1 does not exist. "
            "Please provide a valid ImageName and Version.",
        ):
            aws.describe(1)
        assert aws.aliases() == []

    def test_a_deletion_can_fail_and_be_tried_again(self, aws):
        aws.version(Aliases=["latest"])
        aws.service.faults.fail("the version is pinned", operation="DeleteImageVersion")

        aws.delete(1)

        assert (aws.status(1), aws.describe(1)["FailureReason"]) == ("DELETE_FAILED", "the version is pinned")
        assert aws.owner("latest") == 1
        aws.DeleteImageVersion(ImageName="data-science", Version=1)
        assert "FailureReason" not in aws.describe(1)
        aws.wait()
        assert aws.ListImageVersions(ImageName="data-science") == {"ImageVersions": []}

    def test_a_version_in_the_middle_goes(self, aws):
        for _ in range(3):
            aws.version()

        aws.delete(2)

        assert aws.DescribeImageVersion(ImageName="data-science")["Version"] == 3
        aws.delete(3)
        assert aws.DescribeImageVersion(ImageName="data-science")["Version"] == 1


class TestOneWriteAtATime:
    def write(self, aws, operation):
        if operation == "CreateImageVersion":
            aws.start()
        else:
            getattr(aws, operation)(ImageName="data-science", Version=1)

    @pytest.mark.parametrize("second", ["CreateImageVersion", "UpdateImageVersion", "DeleteImageVersion"])
    @pytest.mark.parametrize("first", ["CreateImageVersion", "UpdateImageVersion"])
    def test_a_write_right_after_another_is_refused(self, aws, first, second, refused):
        aws.version()
        self.write(aws, first)

        aws.clock.advance(0.4)
        with refused("ResourceInUse", CONCURRENT):
            self.write(aws, second)
        aws.clock.advance(0.1)
        self.write(aws, second)

    def test_a_write_right_after_a_delete_is_refused(self, aws, refused):
        aws.version()
        aws.version()
        aws.DeleteImageVersion(ImageName="data-science", Version=2)

        with refused("ResourceInUse", CONCURRENT):
            aws.start()
        with refused("ResourceInUse", CONCURRENT):
            aws.UpdateImageVersion(ImageName="data-science", Version=1)

    def test_a_refused_write_does_not_hold_up_others(self, aws, refused):
        aws.start()
        aws.clock.advance(0.4)
        with refused("ResourceInUse", CONCURRENT):
            aws.start()
        aws.clock.advance(0.1)

        aws.start()

    def test_other_images_are_free(self, aws):
        aws.image("other")
        aws.start()

        aws.start("other")

    @pytest.mark.parametrize("number", [1, 2])
    def test_one_deletion_at_a_time(self, make_aws, number, refused):
        aws = make_aws(delete_seconds=10)
        aws.image()
        aws.version()
        aws.version()
        aws.DeleteImageVersion(ImageName="data-science", Version=1)

        aws.clock.advance(9.9)
        with refused("ResourceInUse", f"ImageVersion ({ARN}/1) is being deleted"):
            aws.DeleteImageVersion(ImageName="data-science", Version=number)
        aws.clock.advance(0.1)
        aws.delete(2)

    @pytest.mark.parametrize("operation", ["UpdateImageVersion", "DeleteImageVersion"])
    def test_a_version_that_is_being_created_is_left_alone(self, aws, operation, refused):
        aws.start()
        aws.clock.advance(1)

        with refused("ResourceInUse", f"ImageVersion ({ARN}/1) is being created"):
            getattr(aws, operation)(ImageName="data-science", Version=1)

    def test_a_version_that_is_being_deleted_cannot_be_updated(self, aws, refused):
        aws.version()
        aws.DeleteImageVersion(ImageName="data-science", Version=1)

        with refused("ResourceInUse", f"ImageVersion ({ARN}/1) is being deleted"):
            aws.UpdateImageVersion(ImageName="data-science", Version=1, ReleaseNotes="n")

    def test_a_failed_version_cannot_be_updated(self, aws, refused):
        aws.version(BaseImage="python")

        with refused("ValidationException", f"ImageVersion ({ARN}/1) is in an invalid state."):
            aws.UpdateImageVersion(ImageName="data-science", Version=1, ReleaseNotes="n")

    def test_an_image_that_is_not_ready_takes_no_version(self, make_aws, refused):
        aws = make_aws()
        aws.CreateImage(ImageName="data-science", RoleArn=aws.role)

        with refused("ValidationException", "Image data-science is in an invalid state."):
            aws.start()

    def test_nor_does_one_that_is_not_there(self, aws, refused):
        with refused(
            "ResourceNotFound", "Image with ImageName nothing does not exist. Please provide a valid ImageName."
        ):
            aws.start("nothing")

    @pytest.mark.parametrize("operation", ["DeleteImage", "UpdateImage"])
    def test_the_versions_of_an_image_that_changes_are_left_alone(self, aws, operation, refused):
        aws.version()
        getattr(aws, operation)(ImageName="data-science")

        with refused("ValidationException", "Image data-science is in an invalid state."):
            aws.start()
        with refused("ValidationException", "Image data-science is in an invalid state."):
            aws.DeleteImageVersion(ImageName="data-science", Version=1)


def test_ten_versions_at_once_all_come_about_with_retries(aws):
    # GIVEN the real clock and ten callers that try again
    service = ImagesService(
        clock=SystemClock(), registry=aws.registry, create_seconds=0.05, write_seconds=0.01, image_seconds=0
    )
    scope = {"account": "123456789012", "region": "eu-west-1"}
    service.call("CreateImage", {"ImageName": "i", "RoleArn": aws.role}, **scope)
    numbers, refusals = [], []

    def create(token):
        while True:
            try:
                parameters = {"ImageName": "i", "BaseImage": aws.base_image, "ClientToken": token}
                numbers.append(service.call("CreateImageVersion", parameters, **scope)["ImageVersionArn"][-2:])
            except ServiceError as error:
                refusals.append(str(error))
                time.sleep(0.005)
            else:
                return

    # WHEN they start together
    threads = [threading.Thread(target=create, args=(f"t{number}",)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    # THEN each gets a number of its own
    assert sorted(numbers) == ["/1", "/2", "/3", "/4", "/5", "/6", "/7", "/8", "/9", "10"]
    assert set(refusals) == {f"ResourceInUse: {CONCURRENT}"}


def test_threads_do_not_get_past_each_other(aws):
    class SlowRegistry(InMemoryRegistry):
        def resolve(self, uri, /):
            time.sleep(0.02)
            return super().resolve(uri)

    # GIVEN two callers at the same moment, one of whom is still looking up the base image
    service = ImagesService(clock=ManualClock(), registry=SlowRegistry(), image_seconds=0)
    scope = {"account": "123456789012", "region": "eu-west-1"}
    service.call("CreateImage", {"ImageName": "i", "RoleArn": aws.role}, **scope)
    answers = []

    def create(token):
        try:
            parameters = {"ImageName": "i", "BaseImage": aws.base_image, "ClientToken": token}
            answers.append(service.call("CreateImageVersion", parameters, **scope)["ImageVersionArn"][-2:])
        except ServiceError as error:
            answers.append(error.message)

    # WHEN both create
    threads = [threading.Thread(target=create, args=(token,)) for token in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    # THEN only one does
    assert sorted(answers) == ["/1", CONCURRENT]
