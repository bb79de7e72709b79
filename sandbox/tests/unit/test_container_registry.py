"""ECR image URIs, and the registry in memory."""

import re

import pytest
from imgver_sandbox.sagemaker.container_registry import (
    DOCKER_V2_SCHEMA_2,
    OCI_INDEX,
    ImageUri,
    InMemoryRegistry,
    RegistryImage,
    parse_image_uri,
)

HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("suffix", "tag", "digest"), [(":1.0.0", "1.0.0", None), (f"@{DIGEST}", None, DIGEST), ("", "latest", None)]
)
def test_an_ecr_uri_has_a_tag_or_a_digest(suffix, tag, digest):
    assert parse_image_uri(f"{HOST}/team/ds{suffix}") == ImageUri(
        repository_uri=f"{HOST}/team/ds",
        registry_id="123456789012",
        region="eu-west-1",
        repository="team/ds",
        tag=tag,
        digest=digest,
    )


def test_an_ecr_uri_of_china_ends_with_cn():
    uri = "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/ds"

    assert parse_image_uri(f"{uri}:1") == ImageUri(uri, "123456789012", "cn-north-1", "ds", "1", None)


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
def test_other_uris_are_not_ecr_uris(uri):
    assert parse_image_uri(uri) is None
    assert InMemoryRegistry().resolve(uri) is None


@pytest.fixture
def registry():
    return InMemoryRegistry()


@pytest.fixture
def digests(registry):
    """The digests of two images that were pushed to one tag."""
    return [registry.push(f"{HOST}/team/ds:1"), registry.push(f"{HOST}/team/ds:1", media_type=OCI_INDEX)]


def test_a_second_push_moves_the_tag_and_keeps_the_first_image(registry, digests):
    first, second = digests

    assert registry.resolve(f"{HOST}/team/ds:1") == RegistryImage(digest=second, media_type=OCI_INDEX)
    assert registry.resolve(f"{HOST}/team/ds@{first}") == RegistryImage(digest=first, media_type=DOCKER_V2_SCHEMA_2)


@pytest.mark.parametrize("missing", ["other:1", "team/ds:2", "team/ds", f"team/ds@{DIGEST}"])
def test_a_missing_image_is_none(registry, digests, missing):
    assert registry.resolve(f"{HOST}/{missing}") is None


def test_a_tag_can_be_removed(registry, digests):
    registry.untag(f"{HOST}/team/ds:1")

    assert registry.resolve(f"{HOST}/team/ds:1") is None
    assert registry.resolve(f"{HOST}/team/ds@{digests[1]}") is not None
    for uri in (f"{HOST}/team/ds:1", f"{HOST}/team/ds@{digests[1]}"):
        with pytest.raises(KeyError):
            registry.untag(uri)


@pytest.mark.parametrize("uri", ["python:3.12", f"{HOST}/ds@{DIGEST}"])
def test_images_are_pushed_to_tags_in_ecr_only(registry, uri):
    message = f"uri '{uri}' must be <account>.dkr.ecr.<region>.amazonaws.com/<repository>[:tag] to push to"

    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        registry.push(uri)


class TestDescribeImages:
    @pytest.fixture
    def describe(self, registry, digests):
        def describe(**parameters):
            return registry.describe_images(
                {"repositoryName": "team/ds"} | parameters, account="123456789012", region="eu-west-1"
            )["imageDetails"]

        return describe

    def test_all_images_and_images_by_tag_and_digest(self, describe, digests):
        common = {"registryId": "123456789012", "repositoryName": "team/ds"}
        untagged = common | {"imageDigest": digests[0], "imageManifestMediaType": DOCKER_V2_SCHEMA_2}
        tagged = common | {"imageDigest": digests[1], "imageManifestMediaType": OCI_INDEX, "imageTags": ["1"]}

        assert describe() == [untagged, tagged]
        assert describe(imageIds=[{"imageTag": "1"}]) == [tagged]
        assert describe(imageIds=[{"imageDigest": digests[0]}]) == [untagged]

    @pytest.mark.parametrize(("name", "registry_id"), [("other", "123456789012"), ("team/ds", "210987654321")])
    def test_a_missing_repository(self, describe, name, registry_id, refused):
        with refused(
            "RepositoryNotFoundException",
            f"The repository with name '{name}' does not exist in the registry with id '{registry_id}'",
        ):
            describe(repositoryName=name, registryId=registry_id)

    def test_a_missing_image(self, describe, refused):
        with refused(
            "ImageNotFoundException",
            "The image with imageId {imageDigest:'null', imageTag:'2'} does not exist within the repository with name "
            "'team/ds' in the registry with id '123456789012'",
        ):
            describe(imageIds=[{"imageTag": "2"}])

    def test_unsupported_parameters(self, describe):
        with pytest.raises(NotImplementedError, match=r"^DescribeImages does not support filter, maxResults here$"):
            describe(maxResults=1, filter={"tagStatus": "TAGGED"})
