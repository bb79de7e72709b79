"""Amazon ECR as the images service uses it: the interface of a registry, and a registry in memory."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from imgver_sandbox.sagemaker.errors import ServiceError
from imgver_sandbox.sagemaker.service_model import modelled_service

DOCKER_V2_SCHEMA_2 = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_MANIFEST_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"

_URI = re.compile(
    r"(?P<repository_uri>(?P<registry_id>\d{12})\.dkr\.ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?"
    r"/(?P<repository>[a-z0-9]+(?:(?:\.|_|__|-+|/)[a-z0-9]+)*))"
    r"(?::(?P<tag>[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127})|@(?P<digest>sha256:[0-9a-f]{64}))?"
)


@dataclass(frozen=True)
class ImageUri:
    """The parts of an ECR image URI. A URI without tag and digest has the tag `latest`."""

    repository_uri: str
    registry_id: str
    region: str
    repository: str
    tag: str | None
    digest: str | None


def parse_image_uri(uri: str, /) -> ImageUri | None:
    """Parse `<account>.dkr.ecr.<region>.amazonaws.com/<repository>[:tag or @digest]`; other URIs give None."""
    match = _URI.fullmatch(uri)
    if match is None:
        return None
    parts = match.groupdict()
    if parts["tag"] is None and parts["digest"] is None:
        parts["tag"] = "latest"
    return ImageUri(**parts)


@dataclass(frozen=True)
class RegistryImage:
    """A container image in a registry."""

    digest: str
    media_type: str


class ContainerRegistry(Protocol):
    """The registry from which the images service pulls base images.

    The service holds a lock while it calls the registry, so a registry must not call the service.
    """

    def resolve(self, uri: str, /) -> RegistryImage | None:
        """The image that `uri` identifies now. None if the repository, the tag or the digest does not exist."""

    def pull_denial(self, uri: str, role_arn: str, /) -> str | None:
        """The reason why the role must not pull the image that `uri` identifies. None if it may."""


@dataclass
class _Repository:
    images: dict[str, RegistryImage] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


_RepositoryKey = tuple[str, str, str]


def _key(uri: ImageUri) -> _RepositoryKey:
    return uri.registry_id, uri.region, uri.repository


class InMemoryRegistry:
    """ECR repositories in memory. The first push creates a repository."""

    def __init__(self) -> None:
        """Create a registry without repositories."""
        self._repositories: dict[_RepositoryKey, _Repository] = {}
        self._pushes = 0

    def push(self, uri: str, media_type: str = DOCKER_V2_SCHEMA_2) -> str:
        """Push a new image to the tag of `uri` (default: `latest`) and return its digest.

        Raises ValueError if `uri` is not an ECR URI or contains a digest.
        """
        parsed = parse_image_uri(uri)
        if parsed is None or parsed.tag is None:
            raise ValueError(
                f"uri '{uri}' must be <account>.dkr.ecr.<region>.amazonaws.com/<repository>[:tag] to push to"
            )
        self._pushes += 1
        digest = f"sha256:{hashlib.sha256(str(self._pushes).encode()).hexdigest()}"
        repository = self._repositories.setdefault(_key(parsed), _Repository())
        repository.images[digest] = RegistryImage(digest=digest, media_type=media_type)
        repository.tags[parsed.tag] = digest
        return digest

    def untag(self, uri: str) -> None:
        """Remove the tag of `uri`; the image keeps its digest. Raises KeyError if the tag does not exist."""
        parsed = parse_image_uri(uri)
        if parsed is None or parsed.tag is None:
            raise KeyError(uri)
        del self._repositories[_key(parsed)].tags[parsed.tag]

    def resolve(self, uri: str, /) -> RegistryImage | None:
        """The image that `uri` identifies now, or None."""
        parsed = parse_image_uri(uri)
        repository = self._repositories.get(_key(parsed)) if parsed else None
        if parsed is None or repository is None:
            return None
        digest = parsed.digest or repository.tags.get(parsed.tag or "")
        return repository.images.get(digest or "")

    def pull_denial(self, _uri: str, _role_arn: str, /) -> str | None:
        """None: every role may pull."""
        return None

    def describe_images(self, parameters: Mapping[str, Any], *, account: str, region: str) -> dict[str, Any]:
        """Perform ECR's DescribeImages for image ids, or for all images of the repository.

        Raises ServiceError (RepositoryNotFoundException, ImageNotFoundException), and NotImplementedError for
        pagination and filters.

        API: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImages.html
        """
        model = modelled_service("ecr")
        accepted = model.parse_input("DescribeImages", parameters)
        unsupported = accepted.keys() - {"registryId", "repositoryName", "imageIds"}
        if unsupported:
            raise NotImplementedError(f"DescribeImages does not support {', '.join(sorted(unsupported))} here")
        name, registry_id = accepted["repositoryName"], accepted.get("registryId", account)
        repository = self._repositories.get((registry_id, region, name))
        if repository is None:
            raise ServiceError(
                "RepositoryNotFoundException",
                f"The repository with name '{name}' does not exist in the registry with id '{registry_id}'",
            )
        image_ids = accepted.get("imageIds")
        digests = (
            repository.images
            if image_ids is None
            else dict.fromkeys(_digest(repository, image_id, name, registry_id) for image_id in image_ids)
        )
        details = [
            {
                "registryId": registry_id,
                "repositoryName": name,
                "imageDigest": digest,
                "imageTags": sorted(tag for tag, tagged in repository.tags.items() if tagged == digest) or None,
                "imageManifestMediaType": repository.images[digest].media_type,
            }
            for digest in digests
        ]
        return model.build_output("DescribeImages", {"imageDetails": details})


def _digest(repository: _Repository, image_id: Mapping[str, str], name: str, registry_id: str) -> str:
    digest, tag = image_id.get("imageDigest"), image_id.get("imageTag")
    found = repository.tags.get(tag) if tag else digest
    if found is None or found not in repository.images:
        raise ServiceError(
            "ImageNotFoundException",
            f"The image with imageId {{imageDigest:'{digest or 'null'}', imageTag:'{tag or 'null'}'}} does not exist "
            f"within the repository with name '{name}' in the registry with id '{registry_id}'",
        )
    return found
