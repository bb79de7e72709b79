"""What the images service asks of Amazon ECR, and a registry in memory that answers it."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from imgver_sandbox.sagemaker.service_model import ServiceError, modelled_service

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
    """An ECR image URI in its parts. Without tag and digest it means the tag `latest`."""

    repository_uri: str
    registry_id: str
    region: str
    repository: str
    tag: str | None
    digest: str | None


def parse_image_uri(uri: str, /) -> ImageUri | None:
    """The parts of `<account>.dkr.ecr.<region>.amazonaws.com/<repository>[:tag or @digest]`; None for anything else."""
    match = _URI.fullmatch(uri)
    if match is None:
        return None
    parts = match.groupdict()
    if parts["tag"] is None and parts["digest"] is None:
        parts["tag"] = "latest"
    return ImageUri(**parts)


@dataclass(frozen=True)
class ContainerImage:
    """What a registry has under a URI."""

    digest: str
    media_type: str


class ContainerRegistry(Protocol):
    """A registry that the images service reads when a version is created."""

    def resolve(self, uri: str, /) -> ContainerImage | None:
        """The image behind `uri` now; None when there is no such repository, tag or digest.

        The images service calls this under its lock: do not call that service from here.
        """

    def refusal(self, uri: str, role_arn: str, /) -> str | None:
        """Why the role of an image may not pull the image behind `uri`; None when it may.

        The images service calls this under its lock, too.
        """


@dataclass
class _Repository:
    images: dict[str, ContainerImage] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


class InMemoryRegistry:
    """ECR repositories in memory. A repository exists from its first push."""

    def __init__(self) -> None:
        """Start without repositories."""
        self._repositories: dict[str, _Repository] = {}
        self._pushes = 0

    def push(self, uri: str, media_type: str = DOCKER_V2_SCHEMA_2) -> str:
        """Put a new image under the tag of `uri` (default `latest`), as a re-push does; answer its digest.

        Raises ValueError when `uri` is no ECR URI or names a digest.
        """
        parsed = parse_image_uri(uri)
        if parsed is None or parsed.tag is None:
            raise ValueError(
                f"uri '{uri}' must be <account>.dkr.ecr.<region>.amazonaws.com/<repository>[:tag] to push to"
            )
        self._pushes += 1
        digest = f"sha256:{hashlib.sha256(str(self._pushes).encode()).hexdigest()}"
        repository = self._repositories.setdefault(parsed.repository_uri, _Repository())
        repository.images[digest] = ContainerImage(digest=digest, media_type=media_type)
        repository.tags[parsed.tag] = digest
        return digest

    def untag(self, uri: str) -> None:
        """Take the tag of `uri` away; the image stays under its digest. Raises KeyError when there is no such tag."""
        parsed = parse_image_uri(uri)
        if parsed is None or parsed.tag is None:
            raise KeyError(uri)
        del self._repositories[parsed.repository_uri].tags[parsed.tag]

    def resolve(self, uri: str, /) -> ContainerImage | None:
        """The image behind `uri` now, or None."""
        parsed = parse_image_uri(uri)
        repository = self._repositories.get(parsed.repository_uri) if parsed else None
        if parsed is None or repository is None:
            return None
        digest = parsed.digest or repository.tags.get(parsed.tag or "")
        return repository.images.get(digest or "")

    def refusal(self, _uri: str, _role_arn: str, /) -> str | None:
        """None: every role may pull."""
        return None

    def describe_images(self, parameters: Mapping[str, Any], *, account: str, region: str) -> dict[str, Any]:
        """ECR's DescribeImages by image ids, or of the whole repository.

        Raises ServiceError (RepositoryNotFoundException, ImageNotFoundException). Paging and filters are not here:
        asking for them raises NotImplementedError rather than answering something else.
        """
        model = modelled_service("ecr")
        accepted = model.accept("DescribeImages", parameters)
        unsupported = accepted.keys() - {"registryId", "repositoryName", "imageIds"}
        if unsupported:
            raise NotImplementedError(f"DescribeImages here has no {', '.join(sorted(unsupported))}")
        name, registry_id = accepted["repositoryName"], accepted.get("registryId", account)
        suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        repository = self._repositories.get(f"{registry_id}.dkr.ecr.{region}.{suffix}/{name}")
        if repository is None:
            raise ServiceError(
                "RepositoryNotFoundException",
                f"The repository with name '{name}' does not exist in the registry with id '{registry_id}'",
            )
        wanted = accepted.get("imageIds")
        digests = (
            repository.images
            if wanted is None
            else dict.fromkeys(_digest(repository, image_id, name, registry_id) for image_id in wanted)
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
        return model.answer("DescribeImages", {"imageDetails": details})


def _digest(repository: _Repository, image_id: Mapping[str, str], name: str, registry_id: str) -> str:
    digest, tag = image_id.get("imageDigest"), image_id.get("imageTag")
    tagged = repository.tags.get(tag) if tag else digest
    if tagged is None or tagged not in repository.images or (digest and digest != tagged):
        raise ServiceError(
            "ImageNotFoundException",
            f"The image with imageId {{imageDigest:'{digest or 'null'}', imageTag:'{tag or 'null'}'}} does not exist "
            f"within the repository with name '{name}' in the registry with id '{registry_id}'",
        )
    return tagged
