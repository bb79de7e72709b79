"""The image version: a container image, registered with SageMaker under a number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import aws_cdk as cdk
from constructs import Construct

from imgver_constructs.base_image import BaseImage
from imgver_constructs.constraints import (
    ALIAS,
    IMAGE_NAME,
    ML_FRAMEWORK,
    PROGRAMMING_LANG,
    RELEASE_NOTES,
    check_choice,
    check_distinct,
    check_flag,
    check_text,
    check_version,
    shown,
)
from imgver_constructs.image import ImageBase
from imgver_constructs.image_alias import ImageAlias
from imgver_constructs.options import JobType, Processor, VendorGuidance
from imgver_constructs.provider import ImageVersionProvider
from imgver_constructs.removal import check_removal_policy
from imgver_constructs.tokens import is_known, is_token


class ImageVersion(Construct):
    """A version of a SageMaker image (``Custom::SageMakerImageVersion``).

    Another image or base image makes a new version; the aliases move to it, and the old version is deleted after
    everything else in the deployment went well. Everything else is changed in place, but for metadata that is removed
    and that the API cannot unset: that makes a new version, too.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateImageVersion.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        image: ImageBase,
        base_image: BaseImage,
        aliases: Sequence[str] = (),
        job_type: JobType | None = None,
        processor: Processor | None = None,
        horovod: bool | None = None,
        ml_framework: str | None = None,
        programming_lang: str | None = None,
        release_notes: str | None = None,
        vendor_guidance: VendorGuidance | None = None,
        adopt_version: int | None = None,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.DESTROY,
        provider: ImageVersionProvider | None = None,
    ) -> None:
        """Declare a version.

        Args:
            scope: the parent construct.
            construct_id: the id below it.
            image: the image, in the account and region of this stack: an :class:`Image`, or
                ``Image.from_image_name(…)``.
            base_image: the container image: ``BaseImage.from_ecr_repository(…)`` or ``BaseImage.from_uri(…)``.
            aliases: names that point to this version, each of 1 to 128 characters; each becomes an
                :class:`ImageAlias`. Default: none.
            job_type: the SageMaker job type it is compatible with. Default: not declared.
            processor: CPU or GPU compatibility. Default: not declared.
            horovod: Horovod compatibility. Default: not declared.
            ml_framework: the framework and its version, like ``PyTorch 2.5``. Default: not declared.
            programming_lang: the language and its version, like ``Python 3.12``. Default: not declared.
            release_notes: the maintainer's description, 1 to 255 characters on one line. Default: not declared.
            vendor_guidance: how stable the maintainer says it is. Default: not declared; SageMaker takes NOT_PROVIDED.
            adopt_version: the number of a version that exists already and has this base image, to be taken over
                instead of creating one. As long as it is given, the version is not deleted with the stack.
                Default: a version is created.
            removal_policy: what becomes of the version when it is replaced or leaves the stack: DESTROY or RETAIN, or
                RETAIN_ON_UPDATE_OR_DELETE. It does not apply to the aliases, and does not save the version from
                the deletion of its image. Default: DESTROY.
            provider: what creates it: one of this stack. Default: the stack's own.

        Raises:
            ValueError: SageMaker would refuse a value, or an alias is declared already. Nothing is left in the tree.
        """
        if not isinstance(image, ImageBase):
            raise ValueError(  # noqa: TRY004 (every mistake in a declaration is a ValueError)
                f"image {shown(image)} must be an Image: for one that exists use Image.from_image_name(…)"
            )
        _check_environment(image, cdk.Stack.of(scope))
        if not isinstance(base_image, BaseImage):
            raise ValueError(  # noqa: TRY004 (as above)
                f"base_image {shown(base_image)} must be a BaseImage: for an address use BaseImage.from_uri(…)"
            )
        if not is_token(image.declared_name):
            check_text("image_name", image.declared_name, IMAGE_NAME)
        metadata = _metadata(
            job_type=job_type,
            processor=processor,
            horovod=horovod,
            ml_framework=ml_framework,
            programming_lang=programming_lang,
            release_notes=release_notes,
            vendor_guidance=vendor_guidance,
        )
        _check_aliases(aliases)
        if is_known(adopt_version):
            check_version("adopt_version", adopt_version)
        check_removal_policy(removal_policy)
        if not isinstance(provider, ImageVersionProvider | None):
            raise ValueError(  # noqa: TRY004 (as above)
                f"provider {shown(provider)} must be an ImageVersionProvider: make one in this stack, or leave it out"
            )
        if provider is not None and cdk.Stack.of(provider) is not cdk.Stack.of(scope):
            raise ValueError(
                f"provider {shown(provider.node.path)} must be in stack {shown(cdk.Stack.of(scope).node.path)}: "
                "make one there, or leave it out"
            )
        provider = provider or ImageVersionProvider.get_or_create(scope)
        for alias in filter(is_known, aliases):
            provider.check_alias_is_free(image, alias)

        super().__init__(scope, construct_id)
        self._image = image
        self._provider = provider
        bound = base_image.bind(image.role)
        properties: dict[str, Any] = {"ImageName": image.image_name, "BaseImage": bound.uri, **metadata}
        if adopt_version is not None:
            properties["AdoptVersion"] = adopt_version
        self._resource = provider.custom_resource(
            self,
            resource_type="Custom::SageMakerImageVersion",
            properties=properties,
            image=image,
            repository_arn=bound.repository_arn,
            removal_policy=removal_policy,
        )
        self._resource.node.add_dependency(*bound.pull_permission)
        for position, alias in enumerate(aliases):
            # A token cannot be part of an id.
            alias_id = f"Alias-{alias}" if is_known(alias) else f"Alias{position}"
            ImageAlias(self, alias_id, alias_name=alias, version=self)

    @property
    def image(self) -> ImageBase:
        """The image this is a version of."""
        return self._image

    @property
    def provider(self) -> ImageVersionProvider:
        """What creates this version."""
        return self._provider

    @property
    def image_version_arn(self) -> str:
        """The ARN of the version; a token."""
        return self._resource.get_att_string("ImageVersionArn")

    @property
    def image_arn(self) -> str:
        """The ARN of the image; a token."""
        return self._resource.get_att_string("ImageArn")

    @property
    def version(self) -> float:
        """The number of the version; a token.

        Hand it on as a number. Where a text is needed use ``cdk.Tokenization.stringify_number(version.version)``:
        Python's ``str`` would write out the token's placeholder.
        """
        return cdk.Token.as_number(self._resource.get_att("Version"))

    @property
    def base_image(self) -> str:
        """The registry path the version was made from, as declared; a token."""
        return self._resource.get_att_string("BaseImage")

    @property
    def container_image(self) -> str:
        """The registry path with the digest that SageMaker took when it made the version; a token."""
        return self._resource.get_att_string("ContainerImage")


def _metadata(
    *,
    job_type: JobType | None,
    processor: Processor | None,
    horovod: bool | None,
    ml_framework: str | None,
    programming_lang: str | None,
    release_notes: str | None,
    vendor_guidance: VendorGuidance | None,
) -> dict[str, Any]:
    """The checked metadata under the API's names; what is not declared is left out."""
    metadata: dict[str, Any] = {
        "Horovod": horovod,
        "JobType": job_type,
        "MLFramework": ml_framework,
        "Processor": processor,
        "ProgrammingLang": programming_lang,
        "ReleaseNotes": release_notes,
        "VendorGuidance": vendor_guidance,
    }
    if is_known(horovod):
        check_flag("horovod", horovod)
        # CloudFormation would make the same text of the bool.
        metadata["Horovod"] = "true" if horovod else "false"
    if is_known(job_type):
        metadata["JobType"] = check_choice("job_type", job_type, JobType).value
    if is_known(processor):
        metadata["Processor"] = check_choice("processor", processor, Processor).value
    if is_known(vendor_guidance):
        metadata["VendorGuidance"] = check_choice("vendor_guidance", vendor_guidance, VendorGuidance).value
    if is_known(ml_framework):
        check_text("ml_framework", ml_framework, ML_FRAMEWORK)
    if is_known(programming_lang):
        check_text("programming_lang", programming_lang, PROGRAMMING_LANG)
    if is_known(release_notes):
        check_text("release_notes", release_notes, RELEASE_NOTES)
    return {name: value for name, value in metadata.items() if value is not None}


def _check_environment(image: ImageBase, stack: cdk.Stack) -> None:
    for what, of_image, of_stack in (
        ("account", image.env.account, stack.account),
        ("region", image.env.region, stack.region),
    ):
        if is_known(of_image) and is_known(of_stack) and of_image != of_stack:
            raise ValueError(
                f"image {shown(image.node.path)} must be in {what} {of_stack} of stack {shown(stack.node.path)}, not "
                f"in {of_image}: declare the version where the image is"
            )


def _check_aliases(aliases: Sequence[str]) -> None:
    # A set has no order that two synths share, and an iterator is empty after the checks.
    if not isinstance(aliases, list | tuple) or is_token(aliases):
        raise ValueError(
            f"aliases {shown(aliases)} must be a list with one item per alias: write it like ['latest', '1.4.0']"
        )
    known = [alias for alias in aliases if not is_token(alias)]
    for alias in known:
        check_text("aliases", alias, ALIAS)
    check_distinct("aliases", known)
