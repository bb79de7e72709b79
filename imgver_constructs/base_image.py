"""The base image: the container image that an image version is created from."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from os import PathLike
from pathlib import Path
from typing import NoReturn
from weakref import WeakKeyDictionary

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_iam as iam
from constructs import Construct, DependencyGroup, IDependable

from imgver_constructs._stack_registry import StackRegistry
from imgver_constructs._validation.checks import check_is_string, check_string, shown
from imgver_constructs._validation.paths import errors_at_use
from imgver_constructs._validation.rules import (
    BASE_IMAGE,
    ECR_ADDRESS,
    IMAGE_DIGEST,
    IMAGE_TAG,
    LIKE_AN_ECR_ADDRESS,
    REPOSITORY_NAME_PATTERN,
)
from imgver_constructs._validation.tokens import check_string_or_token, is_known, is_token, plain

_WRITE_IT_OUT = "write it out, since the image is built before CloudFormation resolves anything"
# It does not support resources. The policies of the CDK write equal statements only once.
_LOG_IN = "ecr:GetAuthorizationToken"
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
        is_asset: whether the image is in the repository of the bootstrap stack, from which ``cdk gc`` deletes images.
    """

    uri: str
    pull_permission: tuple[IDependable, ...] = ()
    repository_arn: str | None = None
    region: str | None = None
    outside_ecr: bool = False
    moving_tag: str | None = None
    is_asset: bool = False


def _refused(message: str) -> BaseImage:
    return _RefusedBaseImage(message=message)


class BaseImage(ABC):
    """The container image that an image version is created from.

    SageMaker accepts only Docker V2 schema 2 manifests for a single platform. ``docker buildx`` pushes OCI manifests by
    default; ``--provenance=false --output type=image,oci-mediatypes=false,push=true`` changes that.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateImageVersion.html
    """

    @staticmethod
    @errors_at_use(_refused)
    def from_uri(uri: str) -> BaseImage:
        """Use a container image by its address, which is passed to SageMaker unchanged.

        The role of the image gets permission to pull from the repository in Amazon ECR, in any account and region. The
        repository policy of another account has to allow the pull as well.

        Args:
            uri: ``<account>.dkr.ecr.<region>.amazonaws.com/<repository>[:<tag>][@<digest>]``, at most 255 characters.
                Without a tag and a digest SageMaker uses ``latest``. An address outside Amazon ECR causes a warning,
                since SageMaker documents no other registry. The account, the region, the domain, the tag, and parts of
                the repository may be tokens. A version of a declared :class:`Image` does not accept any other token,
                since the repository that the role must pull from would be unknown.

        Raises:
            ValueError: ``uri`` is empty or too long, has spaces, control characters or angle brackets, or is a
                malformed Amazon ECR address. The version that uses the base image raises the error, which then names
                the path of the version.
        """
        if is_token(uri):
            check_is_string("uri", uri)
            text, tokens = _with_placeholders(uri)
            if not BASE_IMAGE.accepts(text):
                raise ValueError(f"uri {shown(uri)} must be {BASE_IMAGE.rule}: {BASE_IMAGE.remedy}")
            address = _ADDRESS_WITH_TOKENS.fullmatch(text)
        else:
            check_string("uri", uri, BASE_IMAGE)
            text, tokens = uri, {}
            address = re.fullmatch(ECR_ADDRESS.pattern, uri, re.ASCII)
        if address is None and LIKE_AN_ECR_ADDRESS.fullmatch(text) and not is_token(text):
            raise ValueError(f"uri {shown(uri)} must be {ECR_ADDRESS.rule}: {ECR_ADDRESS.remedy}")
        return _UriBaseImage(uri=uri, text=text, tokens=tokens, address=address)

    @staticmethod
    @errors_at_use(_refused)
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
                Amazon ECR would reject the tag or the digest. The version that uses the base image raises the error.
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
    @errors_at_use(_refused)
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
                The version that uses the base image raises the error.
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

    def _check(self, *, pulled_by_role: bool, follow_tag: str | None) -> None:  # noqa: B027 (most have nothing to check)
        """Check that the base image suits an image version; see :func:`check_base_image`."""

    @abstractmethod
    def _bind(self, scope: Construct, construct_id: str, role: iam.IRole | None) -> BoundBaseImage:
        """Bind the base image to an image version; see :func:`bind_base_image`."""


def check_base_image(base_image: object, *, role: iam.IRole | None, follow_tag: str | None) -> None:
    """Check the base image of an image version before any construct is created; for :class:`ImageVersion` only.

    Args:
        base_image: the base image.
        role: the role of the image, which gets permission to pull; None for an imported image.
        follow_tag: the build number with which the version follows the tag of the base image; None if it does not.

    Raises:
        ValueError: ``base_image`` is not a base image or was declared with an invalid value, its repository is unknown
            although the function or the role needs permissions on it, or ``follow_tag`` would have no effect.
    """
    if not isinstance(base_image, BaseImage):
        raise ValueError(
            f"base_image {shown(base_image)} must be a BaseImage: for an address use BaseImage.from_uri(…)"
        )
    base_image._check(pulled_by_role=role is not None, follow_tag=follow_tag)


@dataclass(frozen=True, kw_only=True)
class _RefusedBaseImage(BaseImage):
    message: str

    def _check(self, *, pulled_by_role: bool, follow_tag: str | None) -> NoReturn:  # noqa: ARG002
        raise ValueError(self.message)

    def _bind(self, scope: Construct, construct_id: str, role: iam.IRole | None) -> NoReturn:  # noqa: ARG002
        raise ValueError(self.message)


def _refuse_follow_tag(follow_tag: str, base_image: str) -> NoReturn:
    raise ValueError(
        f"follow_tag {shown(follow_tag)} must be left out with base image {shown(base_image)}, since it follows only a "
        "tag in Amazon ECR: leave it out, or declare a base image by its tag"
    )


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


# Characters for private use stand for tokens while an address is parsed: see _with_placeholders.
_FIRST_PLACEHOLDER = 0xE000
_ANY = "\ue000-\uf8ff"
_ADDRESS_WITH_TOKENS = re.compile(
    rf"(?P<account>[0-9]{{12}}|[0-9]*[{_ANY}][0-9{_ANY}]*)\.dkr[.-]ecr(-fips)?\.(?P<region>[a-z0-9{_ANY}-]+)\.[a-z0-9.{_ANY}-]+"
    rf"/(?P<repository>{REPOSITORY_NAME_PATTERN.replace('a-z0-9', f'a-z0-9{_ANY}')})"
    rf"(:(?P<tag>[a-zA-Z0-9_{_ANY}][a-zA-Z0-9_.{_ANY}-]*))?(@(?P<digest>{IMAGE_DIGEST.pattern}|(sha256:)?[{_ANY}]))?"
)


def _with_placeholders(uri: str) -> tuple[str, dict[str, str]]:
    """Return an address with one character in the place of each token, and the tokens by these characters."""
    tokens = {}
    for position, token in enumerate(cdk.Tokenization.reverse_string(uri).tokens):
        placeholder = chr(_FIRST_PLACEHOLDER + position)
        tokens[placeholder] = token.to_string()
        uri = uri.replace(tokens[placeholder], placeholder)
    return uri, tokens


@dataclass(frozen=True, kw_only=True)
class _UriBaseImage(BaseImage):
    uri: str
    text: str
    """The address with a placeholder for each token."""
    tokens: Mapping[str, str]
    """The tokens by their placeholders."""
    address: re.Match[str] | None
    """The parts of ``text``; None if it is not an address in Amazon ECR, or may not be one."""

    @property
    def _outside_ecr(self) -> bool:
        """Whether the registry is known, and is not Amazon ECR."""
        host = re.split("[:/]", self.text)[0]
        known = not is_token(host) and self.tokens.keys().isdisjoint(host)
        return known and self.address is None and not LIKE_AN_ECR_ADDRESS.fullmatch(self.text)

    @property
    def _repository(self) -> re.Match[str] | None:
        """The parts of ``text`` if the repository is known. A token at the end may be a repository with its tag."""
        found = self.address
        return found if found and (self.text[-1] not in self.tokens or found["tag"] or found["digest"]) else None

    def _check(self, *, pulled_by_role: bool, follow_tag: str | None) -> None:
        if self._repository is None and not self._outside_ecr and (pulled_by_role or follow_tag is not None):
            raise ValueError(
                f"uri {shown(self.uri)} must name the account, the region, the repository and the tag separately, so "
                "that no token contains two of them, since the deployment needs permissions on the repository: use "
                "BaseImage.from_ecr_repository(…)"
            )
        if follow_tag is not None and (self._outside_ecr or "@" in self.text):
            _refuse_follow_tag(follow_tag, self.uri)

    def _bind(self, scope: Construct, construct_id: str, role: iam.IRole | None) -> BoundBaseImage:
        if self._outside_ecr:
            return BoundBaseImage(uri=self.uri, outside_ecr=True, moving_tag=self._moving_tag)
        address = self._repository
        if address is None:
            return BoundBaseImage(uri=self.uri)
        account, region, repository = (
            "".join(self.tokens.get(character, character) for character in address[part])
            for part in ("account", "region", "repository")
        )
        arn = f"arn:{_partition()}:ecr:{region}:{account}:repository/{repository}"
        return BoundBaseImage(
            uri=self.uri,
            pull_permission=_pull_permission(scope, construct_id, role, arn),
            repository_arn=arn,
            region=region if is_known(region) else None,
            moving_tag=self._moving_tag,
        )

    @property
    def _moving_tag(self) -> str | None:
        tag = _moving_tag_in(self.text)
        return None if tag is None or not self.tokens.keys().isdisjoint(tag) else tag


@dataclass(frozen=True, kw_only=True)
class _EcrBaseImage(BaseImage):
    repository: ecr.IRepository
    tag: str | None
    digest: str | None

    def _check(self, *, pulled_by_role: bool, follow_tag: str | None) -> None:  # noqa: ARG002
        if follow_tag is not None and self.digest is not None:
            _refuse_follow_tag(follow_tag, self.digest)

    def _bind(self, scope: Construct, construct_id: str, role: iam.IRole | None) -> BoundBaseImage:
        facts = _facts_of(self.repository)
        return BoundBaseImage(
            uri=f"{facts.uri}:{self.tag}" if self.digest is None else f"{facts.uri}@{self.digest}",
            pull_permission=_pull_permission(scope, construct_id, role, facts.arn, self.repository),
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
            uri=asset.image_uri,
            pull_permission=_pull_permission(scope, construct_id, role, arn, asset.repository),
            repository_arn=arn,
            is_asset=True,
        )


@dataclass(frozen=True, kw_only=True)
class _RepositoryFacts:
    """The properties of a repository, read from jsii once, since many versions may use one repository."""

    arn: str
    uri: str
    region: str | None
    tags_are_immutable: bool


_REPOSITORY_FACTS: WeakKeyDictionary[ecr.IRepository, _RepositoryFacts] = WeakKeyDictionary()


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
    scope: Construct, construct_id: str, role: iam.IRole | None, arn: str, repository: ecr.IRepository | None = None
) -> tuple[IDependable, ...]:
    """Grant the role to pull from the repository at the first call, and return what has to exist before a pull."""
    if role is None:
        return ()
    registry = StackRegistry.of(scope)
    granted = registry.pull_permissions.setdefault(role, {})
    if arn not in granted:
        if _may_cause_cycle(role, arn, repository, registry):
            granted[arn] = _grant_pull_from_stack(scope, construct_id, role, arn)
        else:
            granted[arn] = _grant_pull(role, arn) if repository is None else _grant_pull_from(repository, role)
    return (granted[arn],)


def _may_cause_cycle(role: iam.IRole, arn: str, repository: ecr.IRepository | None, registry: StackRegistry) -> bool:
    """Return whether a grant in the role's stack would refer to a stack that may depend on it."""
    of_role = StackRegistry.of(role)
    if of_role is registry or (repository is not None and StackRegistry.of(repository) is of_role):
        return False
    return re.search('"(Fn::GetAtt|Ref)": (?!"AWS::)', json.dumps(registry.stack.resolve(arn))) is not None


def _grant_pull_from_stack(scope: Construct, construct_id: str, role: iam.IRole, arn: str) -> iam.Policy:
    """Grant the pull in the stack of the version, which depends on the stack of the role.

    A statement in the stack of the role would make that stack depend on the stack of the repository: a cycle, if the
    repository is declared beside the version.
    """
    parent = Construct(scope, f"{construct_id}-Pull")
    # Stacks that share a role must not overwrite each other's policies.
    name = cdk.Names.unique_resource_name(parent, max_length=128, separator="-")
    statements = [
        iam.PolicyStatement(actions=[_LOG_IN], resources=["*"]),
        iam.PolicyStatement(actions=list(_PULL), resources=[arn]),
    ]
    policy = iam.Policy(parent, "Policy", policy_name=name, statements=statements)
    role.attach_inline_policy(policy)
    return policy


def _grant_pull_from(repository: ecr.IRepository, role: iam.IRole) -> IDependable:
    grant = repository.grant_pull(role)
    # A grant in the policy of a repository cannot be depended on: the CDK takes its document for a construct.
    return grant if grant.resource_statement is None else DependencyGroup(repository, role)


def _grant_pull(role: iam.IRole, arn: str) -> iam.Grant:
    iam.Grant.add_to_principal(grantee=role, actions=[_LOG_IN], resource_arns=["*"])
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
    # The CDK hashes the items in their order, and another hash is another image version.
    return dict(sorted(value.items()))


def _are_strings(values: Sequence[object]) -> bool:
    return all(isinstance(value, str) and not is_token(value) for value in values)
