"""The image version: a container image, registered with SageMaker under a number."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, cast

import aws_cdk as cdk
import jsii
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk.interfaces import aws_sagemaker as refs
from constructs import Construct

from imgver_constructs._custom_image import alias_warning, custom_image
from imgver_constructs._stack_registry import IMAGE_VERSION, Declarations
from imgver_constructs._state_change_rules import IMAGE_VERSION_STATE_CHANGE, state_change_rule
from imgver_constructs._validation.checks import (
    check_choice,
    check_distinct,
    check_flag,
    check_number,
    check_string,
    shown,
)
from imgver_constructs._validation.removal_policy import check_removal_policy
from imgver_constructs._validation.rules import (
    ALIAS,
    FOLLOW_TAG,
    IMAGE_NAME,
    ML_FRAMEWORK,
    PROGRAMMING_LANG,
    RELEASE_NOTES,
)
from imgver_constructs._validation.tokens import check_is_number, check_is_text, is_known, is_token
from imgver_constructs._validation.warnings import ALIAS_REFUSED_BY_STUDIO, warnings
from imgver_constructs.base_image import BaseImage
from imgver_constructs.enums import JobType, Processor, Superseded, VendorGuidance
from imgver_constructs.image import ImageBase, ImportedImage, check_image
from imgver_constructs.image_alias import ImageAlias
from imgver_constructs.provider import ImageVersionProvider


@jsii.implements(refs.IImageVersionRef)
class ImageVersionBase(cdk.Resource):
    """What declared and imported versions share; made by :class:`ImageVersion` and its ``from_…`` methods."""

    _image: ImageBase
    _aliases: Sequence[str] = ()

    @property
    def image(self) -> ImageBase:
        """The image this is a version of."""
        return self._image

    @property
    def provider(self) -> ImageVersionProvider | None:
        """What creates this version; None for an imported one."""
        return None

    @property
    def image_arn(self) -> str:
        """The ARN of the image."""
        return self._image.image_arn

    @property
    def image_version_arn(self) -> str:
        """The ARN of the version."""
        raise NotImplementedError

    @property
    def version(self) -> float:
        """The number of the version; a token for a declared version.

        Hand it on as a number. Where a text is needed use ``cdk.Tokenization.stringify_number(version.version)``:
        Python's ``str`` would write out the token's placeholder.
        """
        raise NotImplementedError

    @property
    def _number(self) -> object:
        """The number as a template takes it: a token as it comes, which takes no call into jsii to be a float."""
        return self.version

    @property
    def image_version_ref(self) -> refs.ImageVersionReference:
        """The version as other constructs of the CDK take it."""
        return refs.ImageVersionReference(image_version_arn=self.image_version_arn)

    def add_alias(self, alias_name: str) -> ImageAlias:
        """Declare an alias of this version.

        Args:
            alias_name: 1 to 128 letters, digits, dots, hyphens and underscores, beginning with no dot or hyphen. Name
                one that is a token with an :class:`ImageAlias` instead, which has an id.

        Raises:
            ValueError: SageMaker would refuse the name, it is a token, or the stack declares it already.
        """
        if is_token(alias_name):
            raise ValueError(
                f"alias_name {shown(alias_name)} must be known here, since it becomes the id of a construct: declare "
                "an ImageAlias, which has an id of its own"
            )
        alias = ImageAlias(self, f"Alias-{alias_name}", alias_name=alias_name, version=self)
        self._aliases = [*self._aliases, alias_name]
        return alias

    def custom_image(self, *, app_image_config: refs.IAppImageConfigRef) -> cdk.IResolvable:
        """This version as Studio offers it: an item of ``custom_images`` of a ``CfnDomain``, ``CfnUserProfile`` or
        ``CfnSpace``, in the stack of the version: a number that another stack imports could not change.

        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CustomImage.html

        Args:
            app_image_config: how Studio runs it: an :class:`AppImageConfig`, declared or imported, or the L1.

        Raises:
            ValueError: ``app_image_config`` is none, or in another account or region than the image.
        """
        item = custom_image(image=self._image, version=self.version, app_image_config=app_image_config)
        warning = alias_warning(self._aliases)
        if warning is not None:
            cdk.Annotations.of(self).add_warning_v2(ALIAS_REFUSED_BY_STUDIO, warning)
        return item

    def grant(self, grantee: iam.IGrantable, *actions: str) -> iam.Grant:
        """Permit actions on this version, such as ``sagemaker:UpdateImageVersion``.

        https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html

        Args:
            grantee: who may; in the stack of a declared version.
            actions: what.

        Raises:
            ValueError: ``grantee`` is in another stack than a declared version, nested ones aside.
        """
        principal = grantee.grant_principal
        if isinstance(principal, Construct) and self._is_imported_by(principal):
            raise ValueError(
                f"grantee {shown(principal.node.path)} must be in stack {shown(_outermost_stack(self))} of version "
                f"{shown(self.node.path)}, since a version whose arn another stack imports could not be replaced: "
                "use the image's grant_read, which permits all versions"
            )
        return iam.Grant.add_to_principal(
            grantee=grantee, actions=list(actions), resource_arns=[self.image_version_arn]
        )

    def grant_read(self, grantee: iam.IGrantable) -> iam.Grant:
        """Permit to describe this version and to list its aliases.

        Args:
            grantee: who may; in the stack of a declared version.

        Raises:
            ValueError: ``grantee`` is in another stack than a declared version, nested ones aside.
        """
        of_version = self.grant(grantee, "sagemaker:DescribeImageVersion", "sagemaker:ListAliases")
        return of_version.combine(self._image.grant(grantee, "sagemaker:ListAliases"))

    def on_state_change(
        self,
        construct_id: str,
        *,
        target: events.IRuleTarget | None = None,
        description: str | None = None,
        event_pattern: events.EventPattern | None = None,
        rule_name: str | None = None,
        cross_stack_scope: Construct | None = None,
    ) -> events.Rule:
        """A rule for the events that SageMaker sends when the status of this version changes.

        CloudFormation makes the rule of a declared version after the version: how that one comes to be is told to the
        rules of its image only, see :meth:`ImageBase.on_version_state_change`.

        https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html

        Args:
            construct_id: the id of the rule below the version.
            target: what is to get the events. Default: nothing, until the rule's ``add_target`` is used.
            description: what the rule is for. Default: none.
            event_pattern: what else the events have to be like, such as their ``ImageVersionStatus``. Default: all of
                them.
            rule_name: the name of the rule. Default: one that CloudFormation makes.
            cross_stack_scope: where the rule of an imported version is made, if that is another stack. Default: below
                the version.

        Raises:
            ValueError: ``cross_stack_scope`` is in another stack than a declared version, nested ones aside.
        """
        if cross_stack_scope is not None and self._is_imported_by(cross_stack_scope):
            raise ValueError(
                f"cross_stack_scope {shown(cross_stack_scope.node.path)} must be in stack "
                f"{shown(_outermost_stack(self))} of version "
                f"{shown(self.node.path)}, since a version whose arn another stack imports could not be replaced: "
                "use the image's on_version_state_change, or leave it out"
            )
        return state_change_rule(
            cross_stack_scope or self,
            construct_id,
            detail_type=IMAGE_VERSION_STATE_CHANGE,
            detail={"ImageVersionArn": self.image_version_arn},
            target=target,
            description=description,
            event_pattern=event_pattern,
            rule_name=rule_name,
        )

    def _is_imported_by(self, construct: Construct) -> bool:
        """Whether the ARN of a declared version would be imported into the stack of ``construct``."""
        return self.provider is not None and _outermost_stack(construct) != _outermost_stack(self)

    def _check_stack(self, stack: cdk.Stack, what: str) -> None:
        """Check that the version is declared in ``stack``.

        Raises:
            ValueError: it is not.
        """
        if Declarations.of(self).stack is not stack:
            raise ValueError(
                f"version {shown(self.node.path)} must be in stack {shown(stack.node.path)}, as {what} is: declare "
                "both in one stack, since a version whose number another stack imports could not be replaced"
            )


_ARN = re.compile(
    r"(?P<place>arn:[^:]+:sagemaker:[^:]*:[^:]*):image-version/(?P<name>[^/]+)/(?P<number>[0-9]+)", re.ASCII
)

_UPDATE_REPLACE_POLICIES = {
    Superseded.DELETE: cdk.CfnDeletionPolicy.DELETE,
    Superseded.RETAIN: cdk.CfnDeletionPolicy.RETAIN,
    # The handler archives where CloudFormation says to delete.
    Superseded.ARCHIVE: cdk.CfnDeletionPolicy.DELETE,
}


class _Attributes:
    """What a declared version has that an imported one has not: its provider, and what the function answers.

    jsii asks of every member of ImageVersion itself what it overrides, once for each version of a stack: these are
    none.
    """

    get_att: Callable[[str], cdk.Reference]
    _provider: ImageVersionProvider

    @property
    def provider(self) -> ImageVersionProvider:
        """What creates this version."""
        return self._provider

    @property
    def image_version_arn(self) -> str:
        """The ARN of the version; a token."""
        return self.get_att("ImageVersionArn").to_string()

    @property
    def image_arn(self) -> str:
        """The ARN of the image; a token."""
        return self.get_att("ImageArn").to_string()

    @cached_property
    def version(self) -> float:
        """The number of the version; a token.

        Hand it on as a number. Where a text is needed use ``cdk.Tokenization.stringify_number(version.version)``:
        Python's ``str`` would write out the token's placeholder.
        """
        return cdk.Token.as_number(self._number)

    @cached_property
    def _number(self) -> cdk.Reference:
        return self.get_att("Version")

    @property
    def base_image(self) -> str:
        """The registry path the version was made from, as declared; a token."""
        return self.get_att("BaseImage").to_string()

    @property
    def container_image(self) -> str:
        """The registry path with the digest that SageMaker took when it made the version; a token."""
        return self.get_att("ContainerImage").to_string()


class ImageVersion(cdk.CustomResource, _Attributes, ImageVersionBase):
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
        follow_tag: str | None = None,
        adopt_version: int | None = None,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.DESTROY,
        superseded: Superseded | None = None,
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
            follow_tag: look at the tag of the base image in every deployment in which this value is a new one, and make
                a new version if another container image has been pushed under the tag: 1 to 255 characters, such as a
                build number or a commit. CloudFormation does nothing about a declaration that stays the same. Needs an
                address in Amazon ECR with a tag. Default: the version keeps the container image that it was made from.
            adopt_version: the number of a version that exists already and has this base image, to be taken over
                instead of creating one, when this construct is first deployed. As long as it is given, that version is
                not deleted with the stack. Default: a version is created.
            removal_policy: what becomes of the version when it leaves the stack: DESTROY or RETAIN, or
                RETAIN_ON_UPDATE_OR_DELETE. It does not apply to the aliases, and does not save the version from
                the deletion of its image. Default: DESTROY.
            superseded: what becomes of the version when a new one takes its place: DELETE, RETAIN or ARCHIVE.
                Default: what removal_policy says.
            provider: what creates it: one of this stack. Default: the stack's own.

        Raises:
            ValueError: SageMaker would refuse a value, or an alias is declared already. Nothing is left in the tree.
        """
        check_image(image)
        declarations = Declarations.of(scope)
        stack = declarations.stack
        image._check_environment(stack)
        if not isinstance(base_image, BaseImage):
            raise ValueError(  # noqa: TRY004 (every mistake in a declaration is a ValueError)
                f"base_image {shown(base_image)} must be a BaseImage: for an address use BaseImage.from_uri(…)"
            )
        if not is_token(image._declared_name):
            check_string("image_name", image._declared_name, IMAGE_NAME)
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
        if is_known(follow_tag):
            check_string("follow_tag", follow_tag, FOLLOW_TAG)
        if is_known(adopt_version):
            check_number("adopt_version", adopt_version, "give the number of an existing version")
        check_removal_policy(removal_policy)
        if superseded is not None:
            superseded = check_choice("superseded", superseded, Superseded)
        for alias in filter(is_known, aliases):
            declarations.check_alias_is_free(image._identity, image._declared_name, alias)
        provider = ImageVersionProvider._of(stack, provider, image=image)

        bound = base_image._bind(scope, construct_id, image.role)
        needs = provider._needs(image, bound)
        properties: dict[str, Any] = {
            "Prerequisites": needs.references,
            "ImageName": image.image_name,
            "BaseImage": bound.uri,
            "FollowTag": follow_tag,
            "AdoptVersion": adopt_version,
            "OnDelete": "ARCHIVE" if superseded is Superseded.ARCHIVE else None,
            **metadata,
        }
        # One call into jsii makes the construct and its resource.
        super().__init__(
            scope,
            construct_id,
            resource_type=IMAGE_VERSION,
            service_token=provider._service_token,
            service_timeout=provider._service_timeout,
            properties=_declared(properties),
            removal_policy=None if removal_policy == cdk.RemovalPolicy.DESTROY else removal_policy,
        )
        needs.order(self)
        declarations.hold(self)
        self._image = image
        self._provider = provider
        self._aliases = list(aliases)
        if superseded is not None:
            resource = cast("cdk.CfnResource", self.node.default_child)
            resource.cfn_options.update_replace_policy = _UPDATE_REPLACE_POLICIES[superseded]
        for warning_id, text in warnings(
            bound, region=declarations.region, follows_tag=follow_tag is not None, vendor_guidance=vendor_guidance
        ):
            cdk.Annotations.of(self).add_warning_v2(warning_id, text)
        declarations.add_resource(image._identity, IMAGE_VERSION, self)
        for position, alias in enumerate(aliases):
            # A token cannot be part of an id.
            alias_id = f"Alias-{alias}" if is_known(alias) else f"Alias{position}"
            ImageAlias(self, alias_id, alias_name=alias, version=self)

    @staticmethod
    def from_image_version_arn(scope: Construct, construct_id: str, image_version_arn: str) -> ImageVersionBase:
        """A version that exists already, in the account and region of the stack, by its ARN.

        Args:
            scope: the parent construct.
            construct_id: the id below it.
            image_version_arn: ``arn:<partition>:sagemaker:<region>:<account>:image-version/<name>/<number>``.

        Raises:
            ValueError: there is no name and number in ``image_version_arn``.
        """
        stack = cdk.Stack.of(scope)
        if is_token(image_version_arn):
            check_is_text("image_version_arn", image_version_arn)
            parts = cdk.Fn.split("/", image_version_arn)
            name, version = cdk.Fn.select(1, parts), cdk.Token.as_number(cdk.Fn.select(2, parts))
            image_arn = stack.format_arn(service="sagemaker", resource="image", resource_name=name)
        else:
            found = _ARN.fullmatch(image_version_arn) if isinstance(image_version_arn, str) else None
            if found is None:
                raise ValueError(
                    f"image_version_arn {shown(image_version_arn)} must be the arn of an image version: "
                    "write it like 'arn:aws:sagemaker:eu-west-1:123456789012:image-version/data-science/1'"
                )
            name, version = found["name"], int(found["number"])
            image_arn = f"{found['place']}:image/{name}"
        return _ImportedImageVersion(
            scope,
            construct_id,
            image=lambda imported: ImportedImage(imported, "Image", image_name=name, image_arn=image_arn),
            image_version_arn=image_version_arn,
            version=version,
        )

    @staticmethod
    def from_image_version_attributes(
        scope: Construct, construct_id: str, *, image: ImageBase, version: int
    ) -> ImageVersionBase:
        """A version that exists already, by its image and its number.

        Args:
            scope: the parent construct.
            construct_id: the id below it.
            image: the image, declared or imported.
            version: the number of the version.

        Raises:
            ValueError: ``image`` is no image, or ``version`` no whole number from 1.
        """
        check_image(image)
        if is_token(version):
            check_is_number("version", version)
        else:
            check_number("version", version, "give the number of an existing version")
        stack = cdk.Stack.of(scope)
        name, number = image._declared_name, cdk.Tokenization.stringify_number(version)
        arn = stack.format_arn(
            service="sagemaker",
            resource="image-version",
            # SageMaker's ARNs are lower-case only.
            resource_name=f"{name.lower() if is_known(name) else name}/{number}",
            account=image.env.account,
            region=image.env.region,
        )
        return _ImportedImageVersion(scope, construct_id, image=lambda _: image, image_version_arn=arn, version=version)

    # jsii looks for what it may be asked for in this class, and no further than CustomResource.
    image_version_ref = ImageVersionBase.image_version_ref


class _ImportedImageVersion(ImageVersionBase):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        image: Callable[[Construct], ImageBase],
        image_version_arn: str,
        version: float,
    ) -> None:
        super().__init__(scope, construct_id, environment_from_arn=image_version_arn)
        self._image = image(self)
        self._image_version_arn = image_version_arn
        self._version = version

    @property
    def image_version_arn(self) -> str:
        return self._image_version_arn

    @property
    def version(self) -> float:
        return self._version


def _outermost_stack(construct: Construct) -> str:
    """The path of the stack that a construct is deployed with."""
    stack = cdk.Stack.of(construct)
    while stack.nested_stack_parent is not None:
        stack = stack.nested_stack_parent
    return stack.node.path


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
    """The checked metadata under the API's names."""
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
        check_string("ml_framework", ml_framework, ML_FRAMEWORK)
    if is_known(programming_lang):
        check_string("programming_lang", programming_lang, PROGRAMMING_LANG)
    if is_known(release_notes):
        check_string("release_notes", release_notes, RELEASE_NOTES)
    return metadata


def _declared(properties: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if value is not None}


def _check_aliases(aliases: Sequence[str]) -> None:
    # A set has no order that two synths share, and an iterator is empty after the checks.
    if not isinstance(aliases, list | tuple) or is_token(aliases):
        raise ValueError(
            f"aliases {shown(aliases)} must be a list with one item per alias: write it like ['latest', '1.4.0']"
        )
    known = [alias for alias in aliases if not is_token(alias)]
    for alias in known:
        check_string("aliases", alias, ALIAS)
    check_distinct("aliases", known)
