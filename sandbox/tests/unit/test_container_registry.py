"""ECR URIs, and the registry in memory."""

import re

import pytest
from imgver_sandbox.sagemaker.container_registry import (
    DOCKER_V2_SCHEMA_2,
    OCI_INDEX,
    RegistryImage,
    ImageUri,
    InMemoryRegistry,
    parse_image_uri,
)

HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("uri", "tag", "digest"),
    [
        (f"{HOST}/team/ds:1.0.0", "1.0.0", None),
        (f"{HOST}/team/ds@{DIGEST}", None, DIGEST),
        (f"{HOST}/team/ds", "latest", None),
    ],
)
def test_an_ecr_uri_has_a_tag_a_digest_or_means_latest(uri, tag, digest):
    assert parse_image_uri(uri) == ImageUri(
        repository_uri=f"{HOST}/team/ds",
        registry_id="123456789012",
        region="eu-west-1",
        repository="team/ds",
        tag=tag,
        digest=digest,
    )


def test_a_uri_of_china_ends_in_cn():
    parsed = parse_image_uri("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/ds:1")

    assert parsed is not None
    assert (parsed.region, parsed.repository) == ("cn-north-1", "ds")


@pytest.mark.parametrize(
    "uri",
    [
        "python:3.12",
        "public.ecr.aws/docker/library/python:3.12",
        "1234.dkr.ecr.eu-west-1.amazonaws.com/ds",
        f"{HOST}/",
        f"{HOST}/Capitals:1",
        f"{HOST}/ds:",
        f"{HOST}/ds@sha256:short",
        f"{HOST}/ds:1@{DIGEST}",
        f"{HOST}/ds:1\n",
        f"https://{HOST}/ds:1",
    ],
)
def test_anything_else_is_no_ecr_uri(uri):
    assert parse_image_uri(uri) is None
    assert InMemoryRegistry().resolve(uri) is None


def test_a_re_push_moves_the_tag_and_keeps_the_old_digest():
    registry = InMemoryRegistry()
    old = registry.push(f"{HOST}/ds:1")
    new = registry.push(f"{HOST}/ds:1", media_type=OCI_INDEX)

    assert old != new
    assert registry.resolve(f"{HOST}/ds:1") == RegistryImage(digest=new, media_type=OCI_INDEX)
    assert registry.resolve(f"{HOST}/ds@{old}") == RegistryImage(digest=old, media_type=DOCKER_V2_SCHEMA_2)


def test_what_is_not_there_resolves_to_none():
    registry = InMemoryRegistry()
    registry.push(f"{HOST}/ds:1")

    assert registry.resolve(f"{HOST}/other:1") is None
    assert registry.resolve(f"{HOST}/ds:2") is None
    assert registry.resolve(f"{HOST}/ds") is None
    assert registry.resolve(f"{HOST}/ds@{DIGEST}") is None


def test_a_tag_can_be_taken_away():
    registry = InMemoryRegistry()
    digest = registry.push(f"{HOST}/ds:1")

    registry.untag(f"{HOST}/ds:1")

    assert registry.resolve(f"{HOST}/ds:1") is None
    assert registry.resolve(f"{HOST}/ds@{digest}") is not None
    for uri in (f"{HOST}/ds:1", f"{HOST}/ds@{digest}"):
        with pytest.raises(KeyError):
            registry.untag(uri)


@pytest.mark.parametrize("uri", ["python:3.12", f"{HOST}/ds@{DIGEST}"])
def test_only_a_tag_in_ecr_can_be_pushed_to(uri):
    message = f"uri '{uri}' must be <account>.dkr.ecr.<region>.amazonaws.com/<repository>[:tag] to push to"

    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        InMemoryRegistry().push(uri)


class TestDescribeImages:
    @pytest.fixture
    def registry(self):
        registry = InMemoryRegistry()
        self.first = registry.push(f"{HOST}/team/ds:1")
        self.second = registry.push(f"{HOST}/team/ds:1", media_type=OCI_INDEX)
        return registry

    def describe(self, registry, **parameters):
        return registry.describe_images(parameters, account="123456789012", region="eu-west-1")

    def test_by_tag(self, registry):
        assert self.describe(registry, repositoryName="team/ds", imageIds=[{"imageTag": "1"}]) == {
            "imageDetails": [
                {
                    "registryId": "123456789012",
                    "repositoryName": "team/ds",
                    "imageDigest": self.second,
                    "imageTags": ["1"],
                    "imageManifestMediaType": OCI_INDEX,
                }
            ]
        }

    def test_by_digest_of_an_untagged_image(self, registry):
        details = self.describe(registry, repositoryName="team/ds", imageIds=[{"imageDigest": self.first}])

        assert details["imageDetails"][0]["imageManifestMediaType"] == DOCKER_V2_SCHEMA_2
        assert "imageTags" not in details["imageDetails"][0]

    def test_without_ids_all_images(self, registry):
        details = self.describe(registry, repositoryName="team/ds")["imageDetails"]

        assert [image["imageDigest"] for image in details] == [self.first, self.second]

    @pytest.mark.parametrize("other", [{"repositoryName": "other"}, {"registryId": "210987654321"}])
    def test_a_repository_that_is_not_there(self, registry, other, refused):
        parameters = {"repositoryName": "team/ds", "registryId": "123456789012"} | other
        with refused(
            "RepositoryNotFoundException",
            f"The repository with name '{parameters['repositoryName']}' does not exist in the registry with id "
            f"'{parameters['registryId']}'",
        ):
            self.describe(registry, **parameters)

    def test_an_image_that_is_not_there(self, registry, refused):
        with refused(
            "ImageNotFoundException",
            "The image with imageId {imageDigest:'null', imageTag:'2'} does not exist within the repository with name "
            "'team/ds' in the registry with id '123456789012'",
        ):
            self.describe(registry, repositoryName="team/ds", imageIds=[{"imageTag": "2"}])

    def test_what_it_cannot_do_it_does_not_pretend_to(self, registry):
        with pytest.raises(NotImplementedError, match=r"^DescribeImages here has no filter, maxResults$"):
            self.describe(registry, repositoryName="team/ds", maxResults=1, filter={"tagStatus": "TAGGED"})
