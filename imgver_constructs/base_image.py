"""Where the container image of an image version comes from."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from constructs import IDependable

from imgver_constructs.constraints import BASE_IMAGE, IMAGE_DIGEST, IMAGE_TAG, check_text, shown
from imgver_constructs.tokens import is_known

_PULL = ("ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage")


@dataclass(frozen=True, kw_only=True)
class BoundBaseImage:
    """A base image as one image version uses it."""

    uri: str
    """The registry path: BaseImage on the wire."""

    repository_arn: str | None
    """The ECR repository that holds it; None when ``uri`` is only known at deployment."""

    pull_permission: tuple[IDependable, ...]
    """What must exist before the image's role can pull; empty when there is no role to grant to."""


class BaseImage(ABC):
    """The container image that an image version is made from.

    SageMaker takes Docker V2 schema 2 manifests only; ``docker buildx`` pushes OCI manifests unless told otherwise
    (``--provenance=false --output type=image,oci-mediatypes=false,push=true``).
    """

    @staticmethod
    def from_uri(uri: str) -> BaseImage:
        """A container image by its address in Amazon ECR, which goes to SageMaker as it is.

        Args:
            uri: ``<account>.dkr.ecr.<region>.amazonaws.com/<repository>[:<tag>][@<digest>]``, at most 255 characters.
                Without a tag and a digest SageMaker takes ``latest``. A token is taken as it is; the
                permissions on its repository are then yours to give.

        Raises:
            ValueError: ``uri`` is no such address.
        """
        if uri is None or is_known(uri):
            check_text("uri", uri, BASE_IMAGE)
        return _UriBaseImage(uri)

    @staticmethod
    def from_ecr_repository(
        repository: ecr.IRepository, *, tag: str | None = None, digest: str | None = None
    ) -> BaseImage:
        """A container image in an ECR repository, by tag or by digest.

        There is no default tag: SageMaker resolves a tag once, when a version is created, so which image ``latest``
        meant would depend on the hour of the deployment.

        Args:
            repository: the repository, declared or imported. The role of the image is granted to pull from it.
            tag: a tag of the image, 1 to 128 characters. Give this or ``digest``.
            digest: ``sha256:`` and 64 hexadecimal digits. Give this or ``tag``.

        Raises:
            ValueError: ``repository`` is none, both or neither of the others are given, or one that ECR would refuse.
        """
        if not hasattr(repository, "repository_arn"):
            raise ValueError(
                f"repository {shown(repository)} must be an ecr repository: "
                "for a name use ecr.Repository.from_repository_name(…)"
            )
        if (tag is None) == (digest is None):
            raise ValueError(
                f"tag {shown(tag)} and digest {shown(digest)} must be given one without the other: "
                "name the image by its tag, or pin it by its digest"
            )
        if is_known(tag):
            check_text("tag", tag, IMAGE_TAG)
        if is_known(digest):
            check_text("digest", digest, IMAGE_DIGEST)
        return _EcrBaseImage(repository, tag=tag, digest=digest)

    @abstractmethod
    def bind(self, role: iam.IRole | None) -> BoundBaseImage:
        """Called by :class:`ImageVersion`, once its own properties are checked.

        Args:
            role: the role of the image, to be granted to pull; None when the image is imported.
        """


class _UriBaseImage(BaseImage):
    def __init__(self, uri: str) -> None:
        self._uri = uri

    def bind(self, role: iam.IRole | None) -> BoundBaseImage:
        address = re.fullmatch(BASE_IMAGE.pattern, self._uri, re.ASCII) if is_known(self._uri) else None
        if address is None:
            return BoundBaseImage(uri=self._uri, repository_arn=None, pull_permission=())
        arn = f"arn:{cdk.Aws.PARTITION}:ecr:{address['region']}:{address['account']}:repository/{address['repository']}"
        if role is None:
            return BoundBaseImage(uri=self._uri, repository_arn=arn, pull_permission=())
        pull = iam.Grant.add_to_principal(grantee=role, actions=list(_PULL), resource_arns=[arn])
        # This action knows no resource.
        login = iam.Grant.add_to_principal(grantee=role, actions=["ecr:GetAuthorizationToken"], resource_arns=["*"])
        return BoundBaseImage(uri=self._uri, repository_arn=arn, pull_permission=(pull, login))


class _EcrBaseImage(BaseImage):
    def __init__(self, repository: ecr.IRepository, *, tag: str | None, digest: str | None) -> None:
        self._repository = repository
        self._tag = tag
        self._digest = digest

    def bind(self, role: iam.IRole | None) -> BoundBaseImage:
        return BoundBaseImage(
            uri=(
                self._repository.repository_uri_for_tag(self._tag)
                if self._digest is None
                else self._repository.repository_uri_for_digest(self._digest)
            ),
            repository_arn=self._repository.repository_arn,
            pull_permission=() if role is None else (self._repository.grant_pull(role),),
        )
