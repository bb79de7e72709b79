"""Where the container image of an image version comes from."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from os import PathLike
from pathlib import Path
from weakref import WeakKeyDictionary

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_iam as iam
from constructs import Construct, IDependable

from imgver_constructs._validation.rules import (
    BASE_IMAGE,
    ECR_ADDRESS,
    IMAGE_DIGEST,
    IMAGE_TAG,
    LIKE_AN_ECR_ADDRESS,
    check_text,
    shown,
)
from imgver_constructs._validation.tokens import check_text_or_token, is_known, is_token, plain

_WRITE_IT_OUT = "write it out, since the image is built before CloudFormation resolves anything"
_PULL = ("ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage")

# Docker V2 schema 2, whatever builds it. Docker's classic image store makes such a manifest of anything, at the push.
# containerd's, which Docker now has from the start, pushes what BuildKit built: since 0.31 OCI, unless told otherwise.
# A builder outside of Docker's daemon has to be told, too, to load the image into the store that the CDK CLI pushes
# from: that is type=docker. Attestations, which make an OCI index of any image, the CDK CLI turns off itself.
_SCHEMA_2 = ("type=docker,oci-mediatypes=false",)


@dataclass(frozen=True, kw_only=True)
class BoundBaseImage:
    """A base image as one image version uses it, and what is known at synth about where it is."""

    uri: str
    """The registry path: BaseImage on the wire."""

    pull_permission: tuple[IDependable, ...] = ()
    """What must exist before the image's role can pull; empty when there is no role or no repository to grant."""

    repository_arn: str | None = None
    """The repository in Amazon ECR; None when it is not known at synth, or there is none."""

    repository: ecr.IRepository | None = None
    """The construct of that repository; None when the address is all there is. An asset's is the stack's own."""

    region: str | None = None
    """The region of that repository, when it is known at synth. An asset's is the stack's own, and not given here."""

    outside_ecr: bool = False
    """Whether ``uri`` is known to be no address in Amazon ECR, where SageMaker pulls from."""

    moving_tag: str | None = None
    """The tag that names the image, when it is one that gets moved to newer images, like ``latest``."""


class BaseImage(ABC):
    """The container image that an image version is made from.

    SageMaker takes Docker V2 schema 2 manifests for one platform only; ``docker buildx`` pushes OCI manifests unless
    told otherwise (``--provenance=false --output type=image,oci-mediatypes=false,push=true``).
    """

    @staticmethod
    def from_uri(uri: str) -> BaseImage:
        """A container image by its address, which goes to SageMaker as it is.

        The role of the image is granted to pull from a repository in Amazon ECR, in whatever account and region. One
        of another account has to allow that in its own policy, too.

        Args:
            uri: ``<account>.dkr.ecr.<region>.amazonaws.com/<repository>[:<tag>][@<digest>]``, at most 255 characters.
                Without a tag and a digest SageMaker takes ``latest``. An address outside Amazon ECR gets a warning:
                SageMaker documents no other registry. A token is taken as it is; the permissions on its repository
                are then yours to give.

        Raises:
            ValueError: ``uri`` is empty, too long, has control characters, or is a malformed address of Amazon ECR.
        """
        if uri is None or is_known(uri):
            check_text("uri", uri, BASE_IMAGE)
            if LIKE_AN_ECR_ADDRESS.fullmatch(uri):
                check_text("uri", uri, ECR_ADDRESS)
        return _UriBaseImage(uri=uri)

    @staticmethod
    def from_ecr_repository(
        repository: ecr.IRepository, *, tag: str | None = None, digest: str | None = None
    ) -> BaseImage:
        """A container image in an ECR repository, by tag or by digest.

        There is no default tag: SageMaker resolves a tag once, when a version is created, so which image ``latest``
        meant would depend on the hour of the deployment.

        Args:
            repository: the repository, declared or imported; one of another account or region by
                ``ecr.Repository.from_repository_arn(…)``. The role of the image is granted to pull from it. A
                repository of another account has to allow the role, or its account, in its own policy:
                ``ecr:BatchCheckLayerAvailability``, ``ecr:GetDownloadUrlForLayer``, ``ecr:BatchGetImage``. One that
                is declared in the same app, with a name, gets that from here.
            tag: a tag of the image, 1 to 128 characters. Default: none; then give ``digest``.
            digest: ``sha256:`` and 64 hexadecimal digits. Default: none; then give ``tag``.

        Raises:
            ValueError: ``repository`` is none, both or neither of the others are given, or one that ECR would refuse.
        """
        # The type is asked first: reading the property of the object is a call into jsii.
        if not hasattr(type(repository), "repository_arn") and not hasattr(repository, "repository_arn"):
            raise ValueError(
                f"repository {shown(repository)} must be an ecr repository: "
                "for a name use ecr.Repository.from_repository_name(…)"
            )
        if (tag is None) == (digest is None):
            raise ValueError(
                f"tag {shown(tag)} and digest {shown(digest)} must be given one without the other: "
                "name the image by its tag, or pin it by its digest"
            )
        if tag is not None:
            check_text_or_token("tag", tag, IMAGE_TAG)
            tag = plain(tag)
        if digest is not None:
            check_text_or_token("digest", digest, IMAGE_DIGEST)
            digest = plain(digest)
        return _EcrBaseImage(repository=repository, tag=tag, digest=digest)

    @staticmethod
    def from_asset(
        directory: str | PathLike[str],
        *,
        file: str | None = None,
        target: str | None = None,
        build_args: Mapping[str, str] | None = None,
        build_secrets: Mapping[str, str] | None = None,
        platform: ecr_assets.Platform | None = None,
        exclude: Sequence[str] = (),
        outputs: Sequence[str] = _SCHEMA_2,
    ) -> BaseImage:
        """A container image that the CDK CLI builds from a folder at the deployment, and pushes to Amazon ECR.

        Synth needs no Docker. A change in the folder, or of an argument, makes another image, and thus a new version.
        What is not offered here is in ``aws_ecr_assets.DockerImageAsset``: declare one with the ``outputs`` below, and
        hand its ``repository`` and ``image_tag`` to :meth:`from_ecr_repository`.

        The default ``outputs`` ask for the manifest that SageMaker takes, Docker V2 schema 2. What remains yours: a
        Dockerfile whose ``FROM`` has layers compressed with gzip, as nearly all have; and ``outputs=[]`` where the
        builder does not know ``--output=type=docker``. That is Docker without buildx, and Podman, which then writes
        such a manifest with ``BUILDAH_FORMAT=docker`` in its environment.

        https://docs.aws.amazon.com/cdk/api/v2/python/aws_cdk.aws_ecr_assets/DockerImageAsset.html

        Args:
            directory: the folder with the Dockerfile, absolute or relative to where the app runs; ``.dockerignore`` in
                it is heeded.
            file: the Dockerfile, by its path in ``directory``. Default: ``Dockerfile``.
            target: the stage to build. Default: the last.
            build_args: values of the Dockerfile's ``ARG`` lines, by their names; they can be read in the image.
                Default: none.
            build_secrets: secrets of the build by their ids; they are not kept in the image. Write them like
                ``{"token": cdk.DockerBuildSecret.from_src("token.txt")}``. Default: none.
            platform: the platform of the image. Default: ``Platform.LINUX_AMD64``, whatever the machine that builds.
            exclude: patterns of what in ``directory`` is no part of the image, beside ``.dockerignore``. Default: none.
            outputs: what goes to ``docker build`` as ``--output``. Default: a Docker V2 schema 2 image in the store
                that is pushed from.

        Raises:
            ValueError: there is no such folder or Dockerfile, or an argument is of another type or a token.
        """
        if not isinstance(directory, str | PathLike) or not str(directory) or not _exists(Path(directory).is_dir):
            raise ValueError(
                f"directory {shown(directory)} must be a folder that exists: "
                "give its path, absolute or relative to where the app runs"
            )
        for parameter, text in (("file", file), ("target", target)):
            if text is not None and (not isinstance(text, str) or not text or is_token(text)):
                raise ValueError(f"{parameter} {shown(text)} must be a text that is known at synth: {_WRITE_IT_OUT}")
        if not _exists((Path(directory) / (file or "Dockerfile")).is_file):
            raise ValueError(
                f"file {shown(file or 'Dockerfile')} must be in directory {shown(str(directory))}: "
                "give the path of the Dockerfile there"
            )
        if platform is not None and not isinstance(platform, ecr_assets.Platform):
            raise ValueError(
                f"platform {shown(platform)} must be a Platform of aws_ecr_assets: use Platform.LINUX_AMD64"
            )
        return _AssetBaseImage(
            # jsii's own process stays in the folder in which it was started.
            directory=str(Path(directory).absolute()),
            file=file,
            target=target,
            build_args=_texts_by_name("build_args", build_args),
            build_secrets=_texts_by_name("build_secrets", build_secrets),
            platform=platform,
            exclude=_texts("exclude", exclude),
            outputs=_texts("outputs", outputs),
        )

    @abstractmethod
    def _bind(self, scope: Construct, construct_id: str, role: iam.IRole | None) -> BoundBaseImage:
        """Called by :class:`ImageVersion`, once its own properties are checked.

        Args:
            scope: the parent of the version; what the base image consists of becomes a child of it.
            construct_id: the id of the version, which the ids of those children begin with.
            role: the role of the image, to be granted to pull; None when the image is imported.
        """


def bind_base_image(
    base_image: BaseImage, scope: Construct, construct_id: str, role: iam.IRole | None
) -> BoundBaseImage:
    """Bind a base image to an image version; for :class:`ImageVersion` only.

    Args:
        base_image: the base image.
        scope: the parent of the version; the constructs of the base image become children of it.
        construct_id: the id of the version, which the ids of those children start with.
        role: the role of the image, which gets permission to pull; None for an imported image.
    """
    return base_image._bind(scope, construct_id, role)


@dataclass(frozen=True, kw_only=True)
class _UriBaseImage(BaseImage):
    uri: str

    def _bind(self, scope: Construct, construct_id: str, role: iam.IRole | None) -> BoundBaseImage:  # noqa: ARG002
        if is_token(self.uri):
            return BoundBaseImage(uri=self.uri)
        address = re.fullmatch(ECR_ADDRESS.pattern, self.uri, re.ASCII)
        if address is None:
            return BoundBaseImage(uri=self.uri, outside_ecr=True, moving_tag=_moving_tag_in(self.uri))
        arn = f"arn:{_partition()}:ecr:{address['region']}:{address['account']}:repository/{address['repository']}"
        return BoundBaseImage(
            uri=self.uri,
            pull_permission=_pull_permission(role, arn),
            repository_arn=arn,
            region=address["region"],
            moving_tag=_moving_tag_in(self.uri),
        )


@dataclass(frozen=True, kw_only=True)
class _EcrBaseImage(BaseImage):
    repository: ecr.IRepository
    tag: str | None
    digest: str | None

    def _bind(self, scope: Construct, construct_id: str, role: iam.IRole | None) -> BoundBaseImage:  # noqa: ARG002
        place = _place_of(self.repository)
        return BoundBaseImage(
            uri=f"{place.uri}:{self.tag}" if self.digest is None else f"{place.uri}@{self.digest}",
            pull_permission=_pull_permission(role, place.arn, self.repository),
            repository_arn=place.arn,
            repository=self.repository,
            region=place.region,
            moving_tag=None if place.tags_stay else _moving_tag(self.tag),
        )


@dataclass(frozen=True, kw_only=True)
class _AssetBaseImage(BaseImage):
    directory: str
    file: str | None
    target: str | None
    build_args: dict[str, str] | None
    build_secrets: dict[str, str] | None
    platform: ecr_assets.Platform | None
    exclude: list[str]
    outputs: list[str]

    def _bind(self, scope: Construct, construct_id: str, role: iam.IRole | None) -> BoundBaseImage:
        asset = ecr_assets.DockerImageAsset(
            scope,
            f"{construct_id}-Asset",
            directory=self.directory,
            file=self.file,
            target=self.target,
            build_args=self.build_args,
            build_secrets=self.build_secrets,
            platform=self.platform or ecr_assets.Platform.LINUX_AMD64,
            exclude=self.exclude,
            outputs=self.outputs or None,
        )
        arn = asset.repository.repository_arn
        return BoundBaseImage(
            uri=asset.image_uri, pull_permission=_pull_permission(role, arn, asset.repository), repository_arn=arn
        )


@dataclass(frozen=True, kw_only=True)
class _Place:
    """What jsii tells of a repository, asked once: many versions come from one repository."""

    arn: str
    uri: str
    region: str | None
    tags_stay: bool


_PLACES: WeakKeyDictionary[ecr.IRepository, _Place] = WeakKeyDictionary()
# By role and ARN. Granting again would only add the same statements again.
_PULL_PERMISSIONS: WeakKeyDictionary[iam.IRole, dict[str, iam.Grant]] = WeakKeyDictionary()


def _place_of(repository: ecr.IRepository) -> _Place:
    place = _PLACES.get(repository)
    if place is None:
        arn = repository.repository_arn
        # The ARN goes first: from_repository_attributes(…) takes the stack's own region for that of the repository.
        regions = (cdk.Arn.split(arn, cdk.ArnFormat.SLASH_RESOURCE_NAME).region, repository.env.region)
        resource = repository.node.default_child
        place = _PLACES[repository] = _Place(
            arn=arn,
            uri=repository.repository_uri,
            region=next(filter(is_known, regions), None),
            # Which tags an exclusion leaves mutable is for its wildcards to say.
            tags_stay=isinstance(resource, ecr.CfnRepository) and resource.image_tag_mutability == "IMMUTABLE",
        )
    return place


def _pull_permission(
    role: iam.IRole | None, arn: str, repository: ecr.IRepository | None = None
) -> tuple[IDependable, ...]:
    """What lets the role pull from the repository with this ARN, granted at the first call."""
    if role is None:
        return ()
    granted = _PULL_PERMISSIONS.setdefault(role, {})
    if arn not in granted:
        granted[arn] = _grant_pull(role, arn) if repository is None else repository.grant_pull(role)
    return (granted[arn],)


def _grant_pull(role: iam.IRole, arn: str) -> iam.Grant:
    # This action knows no resource. Both go into one policy, where equal statements are written once.
    iam.Grant.add_to_principal(grantee=role, actions=["ecr:GetAuthorizationToken"], resource_arns=["*"])
    return iam.Grant.add_to_principal(grantee=role, actions=list(_PULL), resource_arns=[arn])


@cache
def _partition() -> str:
    return cdk.Aws.PARTITION


def _moving_tag(tag: str | None) -> str | None:
    """The tag, if it names no release: one that does has a digit in it."""
    return tag if tag is not None and is_known(tag) and not re.search("[0-9]", tag) else None


def _moving_tag_in(uri: str) -> str | None:
    name, _, digest = uri.partition("@")
    # A colon before the last slash is that of a port.
    tag = name.rpartition("/")[2].partition(":")[2]
    return None if digest else _moving_tag(tag or "latest")


def _exists(is_there: Callable[[], bool]) -> bool:
    try:
        return is_there()
    except OSError:  # no path can be as long
        return False


def _texts(parameter: str, value: Sequence[str]) -> list[str]:
    # A text is a sequence of texts, too.
    if not isinstance(value, list | tuple) or is_token(value) or not _are_texts(value):
        raise ValueError(f"{parameter} {shown(value)} must be a list of texts that are known at synth: {_WRITE_IT_OUT}")
    return list(value)


def _texts_by_name(parameter: str, value: Mapping[str, str] | None) -> dict[str, str] | None:
    if value is None:
        return None
    if not isinstance(value, Mapping) or not _are_texts([*value.keys(), *value.values()]):
        raise ValueError(f"{parameter} {shown(value)} must be a dict of texts that are known at synth: {_WRITE_IT_OUT}")
    return dict(value)


def _are_texts(values: Sequence[object]) -> bool:
    return all(isinstance(value, str) and not is_token(value) for value in values)
