"""Image versions and aliases: the behaviour of the API, operation by operation."""

import itertools
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from imgver_sandbox.sagemaker.errors import ServiceError

ARN = "arn:aws:sagemaker:eu-west-1:123456789012:image-version/data-science"
CONCURRENT = "Resource was modified concurrently"
WRITES = ["CreateImageVersion", "UpdateImageVersion", "DeleteImageVersion"]


def test_creating_a_version_takes_time(make_aws):
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

    assert aws.start(Aliases=["latest", "1.0"], **metadata) == f"{ARN}/1"

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


class TestWhichVersion:
    def test_without_number_and_alias_the_latest_version(self, aws):
        aws.version()
        aws.version(BaseImage=f"{aws.repository}:none")
        aws.version()

        assert aws.UpdateImageVersion()["ImageVersionArn"] == f"{ARN}/3"
        aws.wait()
        aws.DeleteImageVersion()
        aws.wait()
        # The latest version may be a failed version.
        latest = aws.DescribeImageVersion()
        assert (latest["Version"], latest["ImageVersionStatus"]) == (2, "CREATE_FAILED")

    def test_number_and_alias_together_are_refused(self, aws, refused):
        aws.version(Aliases=["first"])

        with refused("ValidationException", "Only one of Version and Alias can be specified."):
            aws.DescribeImageVersion(Version=1, Alias="first")

    @pytest.mark.parametrize("operation", ["DescribeImageVersion", "UpdateImageVersion", "DeleteImageVersion"])
    @pytest.mark.parametrize("which", [{}, {"Version": 0}, {"Alias": "none"}])
    def test_a_version_that_does_not_exist(self, aws, operation, which, not_found):
        for name in ("data-science", "nothing"):
            with not_found("ImageVersion" if which else "Latest ImageVersion", ImageName=name, **which):
                getattr(aws, operation)(ImageName=name, **which)


class TestBaseImage:
    def test_the_digest_is_the_digest_at_the_time_of_creation(self, aws):
        aws.version()
        digest = aws.registry.push(aws.base_image)
        aws.version()

        assert aws.describe(1)["ContainerImage"] == f"{aws.repository}@{aws.digest}"
        assert aws.describe(2)["ContainerImage"] == f"{aws.repository}@{digest}"

    def test_a_base_image_by_digest_and_without_tag(self, aws):
        latest = f"{aws.repository}@{aws.registry.push(aws.repository)}"
        by_digest = f"{aws.repository}@{aws.digest}"
        for number, (base_image, container_image) in enumerate(
            [(by_digest, by_digest), (aws.repository, latest)], start=1
        ):
            aws.version(BaseImage=base_image)

            version = aws.describe(number)
            assert (version["BaseImage"], version["ContainerImage"]) == (base_image, container_image)

    @pytest.mark.parametrize(
        ("base_image", "reason"),
        [
            ("{}:none", "The base image {}:none does not exist in Amazon ECR."),
            ("{}-other:1", "The base image {}-other:1 does not exist in Amazon ECR."),
            ("python:3.12", "The base image python:3.12 is not a valid Amazon ECR image URI."),
        ],
    )
    def test_a_base_image_that_cannot_be_pulled_fails_the_version(self, aws, base_image, reason):
        assert aws.start(BaseImage=base_image.format(aws.repository), Aliases=["latest"]) == f"{ARN}/1"
        assert aws.status(1) == "CREATING"
        aws.wait()

        version = aws.describe(1)

        assert version["ImageVersionStatus"] == "CREATE_FAILED"
        assert version["FailureReason"] == reason.format(aws.repository)
        assert "ContainerImage" not in version
        # The failed version keeps its alias until it is deleted.
        assert aws.owner("latest") == 1
        aws.delete(1)
        assert aws.aliases() == []

    def test_a_role_that_must_not_pull_fails_the_version(self, aws, monkeypatch):
        monkeypatch.setattr(aws.registry, "pull_denial", lambda uri, role: f"{role} must not pull {uri}")

        aws.version()

        reason = f"The base image {aws.base_image} could not be pulled. {aws.role} must not pull {aws.base_image}."
        assert aws.describe(1)["FailureReason"] == reason

    def test_a_failure_reason_has_at_most_1024_characters(self, aws):
        aws.service.faults.fail("r" * 2000)
        aws.version()

        assert aws.describe(1)["FailureReason"] == "r" * 1024
        assert "ContainerImage" not in aws.describe(1)


def test_a_refused_call_does_not_use_its_client_token(aws, refused):
    aws.start()
    with refused("ResourceInUse", CONCURRENT):
        aws.start(ClientToken="t")
    aws.wait()

    assert aws.start(ClientToken="t", ReleaseNotes="other") == f"{ARN}/2"


class TestUpdate:
    def test_only_the_given_metadata_changes(self, aws):
        aws.version(ReleaseNotes="first", Horovod=True, VendorGuidance="STABLE")
        before = aws.describe(1)

        response = aws.UpdateImageVersion(Version=1, ReleaseNotes="second", Horovod=False)

        assert response == {"ImageVersionArn": f"{ARN}/1"}
        assert aws.describe(1) == before | {
            "ReleaseNotes": "second",
            "Horovod": False,
            "LastModifiedTime": aws.clock.now(),
        }

    def test_one_call_adds_and_deletes_aliases(self, aws):
        aws.version(Aliases=["old", "both"])

        aws.UpdateImageVersion(Version=1, AliasesToAdd=["new", "both", "new"], AliasesToDelete=["old", "old"])

        assert aws.aliases(Version=1) == ["both", "new"]

    def test_an_alias_of_another_version_cannot_be_deleted(self, aws, not_found):
        aws.version(Aliases=["latest"])
        aws.version()

        with not_found("ImageVersion", ImageName="data-science", Version=2, Alias="latest"):
            aws.UpdateImageVersion(Version=2, AliasesToDelete=["latest"], AliasesToAdd=["new"])
        assert aws.aliases() == ["latest"]

    def test_to_be_archived_becomes_archived_after_three_months(self, aws):
        aws.version(VendorGuidance="TO_BE_ARCHIVED")
        aws.version()
        aws.UpdateImageVersion(Version=2, VendorGuidance="TO_BE_ARCHIVED")
        aws.wait()
        aws.version(VendorGuidance="TO_BE_ARCHIVED")
        aws.UpdateImageVersion(Version=3, VendorGuidance="STABLE")

        def guidance():
            return [aws.describe(number)["VendorGuidance"] for number in (1, 2, 3)]

        aws.clock.advance(80 * 86400)
        assert guidance() == ["TO_BE_ARCHIVED", "TO_BE_ARCHIVED", "STABLE"]
        aws.clock.advance(11 * 86400)
        assert guidance() == ["ARCHIVED", "ARCHIVED", "STABLE"]


class TestDelete:
    def test_deleting_a_version_takes_time_and_deletes_its_aliases(self, make_aws, not_found):
        aws = make_aws(delete_seconds=10)
        aws.image()
        aws.version(Aliases=["latest"])

        assert aws.DeleteImageVersion(Alias="latest") == {}

        aws.clock.advance(9.9)
        assert aws.status(1) == "DELETING"
        assert aws.aliases() == ["latest"]
        aws.clock.advance(0.1)
        with not_found("ImageVersion", ImageName="data-science", Version=1):
            aws.describe(1)
        assert aws.aliases() == []

    def test_a_failed_deletion_can_be_repeated(self, aws):
        aws.version(Aliases=["latest"])
        aws.service.faults.fail("the version is pinned", operation="DeleteImageVersion")

        aws.delete(1)

        assert (aws.status(1), aws.describe(1)["FailureReason"]) == ("DELETE_FAILED", "the version is pinned")
        assert aws.owner("latest") == 1
        aws.DeleteImageVersion(Version=1)
        assert "FailureReason" not in aws.describe(1)
        aws.wait()
        assert aws.versions() == []


class TestConcurrentWrites:
    def write(self, aws, operation, number=1):
        if operation == "CreateImageVersion":
            aws.start()
        else:
            getattr(aws, operation)(Version=number)

    # The last combination, two deletes, is refused with another message.
    @pytest.mark.parametrize(("first", "second"), list(itertools.product(WRITES, WRITES))[:-1])
    def test_a_write_locks_the_image_and_a_refused_write_does_not(self, aws, first, second, refused):
        aws.image("other")
        aws.version()
        aws.version()
        self.write(aws, first, 2)

        aws.clock.advance(0.4)
        with refused("ResourceInUse", CONCURRENT):
            self.write(aws, second)
        aws.start("other")
        aws.clock.advance(0.1)
        self.write(aws, second)

    @pytest.mark.parametrize("number", [1, 2])
    def test_one_version_is_deleted_at_a_time(self, make_aws, number, refused):
        aws = make_aws(delete_seconds=10)
        aws.image()
        aws.version()
        aws.version()
        aws.DeleteImageVersion(Version=1)

        aws.clock.advance(9.9)
        with refused("ResourceInUse", f"ImageVersion ({ARN}/1) is being deleted"):
            aws.DeleteImageVersion(Version=number)
        aws.clock.advance(0.1)
        aws.delete(2)

    def test_a_version_that_is_changing_or_failed_cannot_be_updated(self, aws, refused):
        aws.start()
        aws.clock.advance(1)
        for operation in ("UpdateImageVersion", "DeleteImageVersion"):
            with refused("ResourceInUse", f"ImageVersion ({ARN}/1) is being created"):
                self.write(aws, operation)
        aws.wait()
        aws.DeleteImageVersion(Version=1)
        with refused("ResourceInUse", f"ImageVersion ({ARN}/1) is being deleted"):
            self.write(aws, "UpdateImageVersion")
        aws.wait()
        aws.version(BaseImage="python")
        with refused("ValidationException", f"ImageVersion ({ARN}/1) is in an invalid state."):
            self.write(aws, "UpdateImageVersion")

    @pytest.mark.parametrize("operation", ["DeleteImage", "UpdateImage"])
    def test_the_versions_of_an_image_that_is_changing_cannot_be_changed(self, aws, operation, refused):
        aws.version()
        getattr(aws, operation)()

        for write in WRITES:
            with refused("ValidationException", "Image data-science is in an invalid state."):
                self.write(aws, write)

    def test_an_image_that_is_being_created_or_does_not_exist_accepts_no_version(self, make_aws, refused):
        aws = make_aws()
        arn = "arn:aws:sagemaker:eu-west-1:123456789012:image/data-science"
        with refused("ResourceNotFound", f"Image with ARN {arn} does not exist."):
            aws.start()
        aws.CreateImage(RoleArn=aws.role)
        with refused("ValidationException", "Image data-science is in an invalid state."):
            aws.start()

    def test_threads_cannot_write_at_the_same_time(self, aws, monkeypatch):
        resolve = aws.registry.resolve
        monkeypatch.setattr(aws.registry, "resolve", lambda uri: (time.sleep(0.02), resolve(uri))[1])

        def create(token):
            try:
                return aws.start(ClientToken=token)
            except ServiceError as error:
                return error.message

        with ThreadPoolExecutor() as pool:
            assert sorted(pool.map(create, ("one", "two"))) == [CONCURRENT, f"{ARN}/1"]
