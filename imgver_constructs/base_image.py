"""The base image: the container image that an image version is created from."""

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

from imgver_constructs._validation.checks import check_string, shown
from imgver_constructs._validation.rules import BASE_IMAGE, ECR_ADDRESS, IMAGE_DIGEST, IMAGE_TAG, LIKE_AN_ECR_ADDRESS
from imgver_constructs._validation.tokens import check_string_or_token, is_known, is_token, plain

_WRITE_IT_OUT = "write it out, since the image is built before CloudFormation resolves anything"
_PULL = ("ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage")

# These outputs give a Docker V2 schema 2 manifest with every builder. Docker's classic image store converts every image
# to such a manifest when it pushes. The containerd store, the default of new Docker installations, pushes what BuildKit
# built, which since BuildKit 0.31 is an OCI manifest unless oci-mediatypes=false. A builder outside the Docker daemon
# also needs type=docker to load the image into the store that the CDK CLI pushes from. The CDK CLI itself turns off
# attestations, which would turn the image into an OCI index.
_SCHEMA_2 = ("type=docker,oci-mediatypes=false",)


@dataclass(frozen=True, kw_only=True)
class BoundBaseImage:
    """A base image of one image version, with the facts about its repository that are known at synth.

    Attributes:
        uri: the registry path, which is the property ``BaseImage`` of the version.
        pull_permission: the constructs that must exist before the image's role can pull. Empty without a role, or
            without a repository to grant permission to.
        repository_arn: the ARN of the repository in Amazon ECR. None if it is not known at synth, or if the image is
            not in Amazon ECR.
        region: the region of the repository. None if it is not known at synth, and for an asset, whose repository is
            in the region of the stack.
        outside_ecr: whether ``uri`` is known not to be in Amazon ECR, the registry that SageMaker pulls from.
        moving_tag: the tag of the image if it is one that usually moves to newer images, such as ``latest``.
    """

    uri: str
    pull_permission: tuple[IDependable, ...] = ()
    repository_arn: str | None = None
    region: str | None = None
    outside_ecr: bool = False
    moving_tag: str | None = None


class BaseImage(ABC):
    """The container image that an image version is created from.

    SageMaker accepts only Docker V2 schema 2 manifests for a single platform. ``docker buildx`` pushes OCI manifests by
    default; ``--provenance=false --output type=image,oci-mediatypes=false,push=true`` changes that.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateImageVersion.html
    """

    @staticmethod
    def from_uri(uri: str) -> BaseImage:
        """Use a container image by its address, which is passed to SageMaker unchanged.

        The role of the image gets permission to pull from the repository in Amazon ECR, in any account and region. The
        repository policy of another account has to allow the pull as well.

        Args:
            uri: ``<account>.dkr.ecr.<region>.amazonaws.com/<repository>[:<tag>][@<digest>]``, at most 255 characters.
                Without a tag and a digest SageMaker uses ``latest``. An address outside Amazon ECR causes a warning,
                since SageMaker documents no other registry. A token is not inspected; you then have to grant the
                permissions on its repository yourself.

        Raises:
            ValueError: ``uri`` is empty, is too long, has control characters, or is a malformed Amazon ECR address.
        """
        if uri is None or is_known(uri):
            check_string("uri", uri, BASE_IMAGE)
            if LIKE_AN_ECR_ADDRESS.fullmatch(uri):
                check_string("uri", uri, ECR_ADDRESS)
        return _UriBaseImage(uri=uri)

    @staticmethod
    def from_ecr_repository(
        repository: ecr.IRepository, *, tag: str | None = None, digest: str | None = None
    ) -> BaseImage:
        """Use a container image in an ECR repository, by its tag or by its digest.

        There is no default tag. SageMaker resolves a tag once, when it creates a version, so the image behind
        ``latest`` would depend on the time of the deployment.

        Args:
            repository: the repository, declared or imported. Import a repository of another account or region with
                ``ecr.Repository.from_repository_arn(…)``. The role of the image gets permission to pull from it. The
                policy of a repository in another account also has to allow ``ecr:BatchCheckLayerAvailability``,
                ``ecr:GetDownloadUrlForLayer`` and ``ecr:BatchGetImage`` to the role or to its account. A repository
                that is declared in the same app, with a name, gets these statements automatically.
            tag: a tag of the image, 1 to 128 characters. Default: none; ``digest`` is then required.
            digest: ``sha256:`` and 64 hexadecimal digits. Default: none; ``tag`` is then required.

        Raises:
            ValueError: ``repository`` is not a repository, not exactly one of ``tag`` and ``digest`` is given, or
                Amazon ECR would reject the tag or the digest.
        """
        # The type is checked first, since reading a property of the object is a call into jsii.
        if not hasattr(type(repository), "repository_arn") and not hasattr(repository, "repository_arn"):
            raise ValueError(
                f"repository {shown(repository)} must be an Amazon ECR repository: "
                "for a name use ecr.Repository.from_repository_name(…)"
            )
        if (tag is None) == (digest is None):
            raise ValueError(
                f"tag {shown(tag)} or digest {shown(digest)} must be given, and not both: "
                "name the image by its tag, or pin it by its digest"
            )
        if tag is not None:
            check_string_or_token("tag", tag, IMAGE_TAG)
            tag = plain(tag)
        if digest is not None:
            check_string_or_token("digest", digest, IMAGE_DIGEST)
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
        """Use a container image that the CDK CLI builds from a folder during the deployment and pushes to Amazon ECR.

        Synthesis does not need Docker. A change in the folder or in an argument gives another image, and therefore a
        new version. For options that are missing here, declare an ``aws_ecr_assets.DockerImageAsset`` with the
        ``outputs`` below, and pass its ``repository`` and ``image_tag`` to :meth:`from_ecr_repository`.

        The default ``outputs`` give a Docker V2 schema 2 manifest, which SageMaker requires. It also requires layers
        compressed with gzip, which nearly all base images of a Dockerfile have. A builder that does not support
        ``--output=type=docker``, such as Docker without buildx or Podman, needs ``outputs=[]``. Podman writes the
        manifest if the environment has ``BUILDAH_FORMAT=docker``.

        https://docs.aws.amazon.com/cdk/api/v2/python/aws_cdk.aws_ecr_assets/DockerImageAsset.html

        Args:
            directory: the folder with the Dockerfile: an absolute path, or a path relative to the working directory of
                the app. A ``.dockerignore`` file in it is respected.
            file: the path of the Dockerfile in ``directory``. Default: ``Dockerfile``.
            target: the build stage. Default: the last stage.
            build_args: the values of the Dockerfile's ``ARG`` instructions by name. They can be read from the image.
                Default: none.
            build_secrets: the secrets of the build by ID, such as
                ``{"token": cdk.DockerBuildSecret.from_src("token.txt")}``. They are not part of the image.
                Default: none.
            platform: the platform of the image. Default: ``Platform.LINUX_AMD64``, also if the build machine has
                another platform.
            exclude: glob patterns of files in ``directory`` that are not part of the image, in addition to
                ``.dockerignore``. Default: none.
            outputs: the values of ``--output`` for ``docker build``. Default: a Docker V2 schema 2 image in the store
                that the CDK CLI pushes from.

        Raises:
            ValueError: the folder or the Dockerfile does not exist, or an argument has the wrong type or is a token.
        """
        if not isinstance(directory, str | PathLike) or not str(directory) or not _exists(Path(directory).is_dir):
            raise ValueError(
                f"directory {shown(directory)} must be a folder that exists: "
                "give its path, absolute or relative to the app's working directory"
            )
        for parameter, value in (("file", file), ("target", target)):
            if value is not None and (not isinstance(value, str) or not value or is_token(value)):
                raise ValueError(f"{parameter} {shown(value)} must be a string that is known at synth: {_WRITE_IT_OUT}")
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
            # The process of jsii does not follow a change of the working directory.
            directory=str(Path(directory).absolute()),
            file=file,
            target=target,
            build_args=_check_strings_by_name("build_args", build_args),
            build_secrets=_check_strings_by_name("build_secrets", build_secrets),
            platform=platform,
            exclude=_check_strings("exclude", exclude),
            outputs=_check_strings("outputs", outputs),
        )

    @abstractmethod
    def _bind(self, scope: Construct, construct_id: str, role: iam.IRole | None) -> BoundBaseImage:
        """Bind the base image to an image version; see :func:`bind_base_image`."""


def bind_base_image(
    base_image: BaseImage, scope: Construct, construct_id: str, role: iam.IRole | None
) -> BoundBaseImage:
    """Bind a base image to an image version; for :class:`ImageVersion` only.

    Args:
        base_image: the base image.
        scope: the parent of the version; the constructs of the base image become children of it.
        construct_id: the ID of the version; the IDs of those children start with it.
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
        facts = _facts_of(self.repository)
        return BoundBaseImage(
            uri=f"{facts.uri}:{self.tag}" if self.digest is None else f"{facts.uri}@{self.digest}",
            pull_permission=_pull_permission(role, facts.arn, self.repository),
            repository_arn=facts.arn,
            region=facts.region,
            moving_tag=None if facts.tags_are_immutable else _moving_tag(self.tag),
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
class _RepositoryFacts:
    """The properties of a repository, read from jsii once, since many versions may use one repository."""

    arn: str
    uri: str
    region: str | None
    tags_are_immutable: bool


_REPOSITORY_FACTS: WeakKeyDictionary[ecr.IRepository, _RepositoryFacts] = WeakKeyDictionary()
# The grants by role and repository ARN. A second grant would only repeat the statements.
_PULL_PERMISSIONS: WeakKeyDictionary[iam.IRole, dict[str, iam.Grant]] = WeakKeyDictionary()


def _facts_of(repository: ecr.IRepository) -> _RepositoryFacts:
    facts = _REPOSITORY_FACTS.get(repository)
    if facts is None:
        arn = repository.repository_arn
        # The ARN comes first: from_repository_attributes(…) assumes that the repository is in the region of the stack.
        regions = (cdk.Arn.split(arn, cdk.ArnFormat.SLASH_RESOURCE_NAME).region, repository.env.region)
        resource = repository.node.default_child
        facts = _REPOSITORY_FACTS[repository] = _RepositoryFacts(
            arn=arn,
            uri=repository.repository_uri,
            region=next(filter(is_known, regions), None),
            # Exclusion filters leave some tags mutable: such a repository counts as mutable.
            tags_are_immutable=isinstance(resource, ecr.CfnRepository) and resource.image_tag_mutability == "IMMUTABLE",
        )
    return facts


def _pull_permission(
    role: iam.IRole | None, arn: str, repository: ecr.IRepository | None = None
) -> tuple[IDependable, ...]:
    """Grant the role to pull from the repository at the first call, and return what has to exist before a pull."""
    if role is None:
        return ()
    granted = _PULL_PERMISSIONS.setdefault(role, {})
    if arn not in granted:
        granted[arn] = _grant_pull(role, arn) if repository is None else repository.grant_pull(role)
    return (granted[arn],)


def _grant_pull(role: iam.IRole, arn: str) -> iam.Grant:
    # The action does not support resources. IAM policies of the CDK write equal statements only once.
    iam.Grant.add_to_principal(grantee=role, actions=["ecr:GetAuthorizationToken"], resource_arns=["*"])
    return iam.Grant.add_to_principal(grantee=role, actions=list(_PULL), resource_arns=[arn])


@cache
def _partition() -> str:
    return cdk.Aws.PARTITION


def _moving_tag(tag: str | None) -> str | None:
    """Return the tag if it does not look like the name of a release, which has a digit in it."""
    return tag if tag is not None and is_known(tag) and not re.search("[0-9]", tag) else None


def _moving_tag_in(uri: str) -> str | None:
    name, _, digest = uri.partition("@")
    # A colon before the last slash belongs to a port.
    tag = name.rpartition("/")[2].partition(":")[2]
    return None if digest else _moving_tag(tag or "latest")


def _exists(check: Callable[[], bool]) -> bool:
    try:
        return check()
    except OSError:  # the path is too long
        return False


def _check_strings(parameter: str, value: Sequence[str]) -> list[str]:
    # A string is also a sequence of strings.
    if not isinstance(value, list | tuple) or is_token(value) or not _are_strings(value):
        raise ValueError(
            f"{parameter} {shown(value)} must be a list of strings that are known at synth: {_WRITE_IT_OUT}"
        )
    return list(value)


def _check_strings_by_name(parameter: str, value: Mapping[str, str] | None) -> dict[str, str] | None:
    if value is None:
        return None
    if not isinstance(value, Mapping) or not _are_strings([*value.keys(), *value.values()]):
        raise ValueError(
            f"{parameter} {shown(value)} must be a dict of strings that are known at synth: {_WRITE_IT_OUT}"
        )
    return dict(value)


def _are_strings(values: Sequence[object]) -> bool:
    return all(isinstance(value, str) and not is_token(value) for value in values)
