"""The image version, a container image that SageMaker has registered under a number, and its aliases.

Both constructs are in one module, because each uses the other: a version creates its aliases.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any, Protocol, TypeGuard

import aws_cdk as cdk
import jsii
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk.interfaces import aws_sagemaker as refs
from constructs import Construct, IConstruct

from imgver_constructs._custom_image import alias_warning, custom_image
from imgver_constructs._image_identity import ImageIdentity
from imgver_constructs._logical_ids import fingerprint
from imgver_constructs._stack_registry import Declaration, StackRegistry
from imgver_constructs._state_change_rules import IMAGE_VERSION_STATE_CHANGE, state_change_rule
from imgver_constructs._validation.checks import (
    check_choice,
    check_distinct,
    check_flag,
    check_grantee,
    check_is_number,
    check_is_string,
    check_number,
    check_string,
    shown,
)
from imgver_constructs._validation.paths import child_path, errors_name_path
from imgver_constructs._validation.rules import (
    ALIAS,
    FOLLOW_TAG,
    IMAGE_NAME,
    ML_FRAMEWORK,
    PROGRAMMING_LANG,
    RELEASE_NOTES,
)
from imgver_constructs._validation.tokens import is_known, is_token, plain
from imgver_constructs._validation.warnings import ALIAS_REFUSED_BY_STUDIO, APP_IMAGE_CONFIG_OF_OTHER_APP, warnings
from imgver_constructs._version_resource import Policies, VersionResource, check_policy, outermost_stack
from imgver_constructs.base_image import BaseImage, bind_base_image, check_base_image
from imgver_constructs.enums import ImageVersionPolicy, JobType, Processor, VendorGuidance
from imgver_constructs.image import (
    IImage,
    ImportedImage,
    add_version,
    identity_of,
)
from imgver_constructs.provider import ImageVersionProvider, binding_of, choose_provider


class IImageVersion(cdk.IResource, refs.IImageVersionRef, Protocol):
    """A version, declared or imported: an :class:`ImageVersion`, or what its ``from_…`` methods return."""

    @property
    def image(self) -> IImage:
        """The image that the version belongs to."""

    @property
    def provider(self) -> ImageVersionProvider | None:
        """The provider that creates this version; None for an imported version."""

    @property
    def image_arn(self) -> str:
        """The ARN of the image."""

    @property
    def image_version_arn(self) -> str:
        """The ARN of the version."""

    @property
    def image_version_number(self) -> float:
        """The number of the version: see :attr:`ImageVersion.image_version_number`."""

    @property
    def image_version_number_as_string(self) -> str:
        """The number of the version as a string."""

    def add_alias(self, alias_name: str) -> IImageAlias:
        """Declare an alias of this version: see :meth:`ImageVersion.add_alias`."""

    def custom_image(self, *, app_image_config: refs.IAppImageConfigRef) -> cdk.IResolvable:
        """Return the item that attaches this version to a domain: see :meth:`ImageVersion.custom_image`."""

    def grant(self, grantee: iam.IGrantable, *actions: str) -> iam.Grant:
        """Grant permission for actions on this version: see :meth:`ImageVersion.grant`."""

    def grant_read(self, grantee: iam.IGrantable) -> iam.Grant:
        """Grant permission to describe this version and its aliases: see :meth:`ImageVersion.grant_read`."""

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
        """Create a rule for changes of this version's status: see :meth:`ImageVersion.on_state_change`."""


class IImageAlias(IConstruct, Protocol):
    """An alias of a version: an :class:`ImageAlias`."""

    @property
    def alias_name(self) -> str:
        """The name of the alias."""

    @property
    def version(self) -> IImageVersion:
        """The version that the alias points to."""


@jsii.implements(refs.IImageVersionRef)
class _ImageVersionBase(cdk.Resource):
    """The members that declared and imported versions share."""

    _image: IImage
    _aliases: Sequence[str] = ()

    @property
    def image(self) -> IImage:
        """The image that the version belongs to."""
        return self._image

    @property
    def provider(self) -> ImageVersionProvider | None:
        """The provider that creates this version; None for an imported version."""
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
    def image_version_number(self) -> float:
        """The number of the version; a token for a declared version.

        Python sees the placeholder of a token. CloudFormation gets the number if the value is passed on as it is, also
        in ``str`` and in an f-string without a format. ``int``, ``round``, a format such as ``:.0f`` or ``%d``,
        calculations and comparisons use the placeholder, without an error: the number minus 1 is the number itself in
        the template. For a string use :attr:`image_version_number_as_string`.
        """
        raise NotImplementedError

    @property
    def image_version_number_as_string(self) -> str:
        """The number of the version as a string, for outputs, parameters and names; a token for a declared version."""
        return cdk.Tokenization.stringify_number(self.image_version_number)

    @property
    def image_version_ref(self) -> refs.ImageVersionReference:
        """The reference by which other CDK constructs accept the version."""
        return refs.ImageVersionReference(image_version_arn=self.image_version_arn)

    @errors_name_path
    def add_alias(self, alias_name: str) -> ImageAlias:
        """Declare an alias of this version.

        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateImageVersion.html

        Args:
            alias_name: 1 to 128 letters, digits, dots, hyphens and underscores. The first character must not be a dot
                or hyphen. The name is part of a construct's ID: for a token, declare an :class:`ImageAlias` instead.

        Raises:
            ValueError: SageMaker would reject the name, it is a token, or the app already declares the alias.
        """
        if is_token(alias_name):
            raise ValueError(
                f"alias_name {shown(alias_name)} must be known at synth, since it becomes the id of a construct: "
                "declare an ImageAlias, whose id you choose"
            )
        alias = ImageAlias(self, f"Alias-{alias_name}", alias_name=alias_name, version=self)
        self._aliases = [*self._aliases, alias_name]
        return alias

    @errors_name_path
    def custom_image(self, *, app_image_config: refs.IAppImageConfigRef) -> cdk.IResolvable:
        """Return the item of ``custom_images`` that attaches this version to a domain, a user profile or a space.

        The ``CfnDomain``, ``CfnUserProfile`` or ``CfnSpace`` of a declared version must be in the version's stack:
        CloudFormation does not allow a number to change that another stack imports, and synthesis fails.

        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CustomImage.html

        Args:
            app_image_config: the configuration with which Studio runs the version: an :class:`AppImageConfig`, declared
                or imported, or the L1 construct.

        Raises:
            ValueError: ``app_image_config`` is not an AppImageConfig, or is in another account or region than the
                image.
        """
        item = custom_image(
            image=self._image,
            version=self.image_version_number,
            app_image_config=app_image_config,
            warn=partial(cdk.Annotations.of(self).add_warning_v2, APP_IMAGE_CONFIG_OF_OTHER_APP),
        )
        warning = alias_warning(self._aliases)
        if warning is not None:
            cdk.Annotations.of(self).add_warning_v2(ALIAS_REFUSED_BY_STUDIO, warning)
        return item

    @errors_name_path
    def grant(self, grantee: iam.IGrantable, *actions: str) -> iam.Grant:
        """Grant permission for actions on this version, such as ``sagemaker:UpdateImageVersion``.

        https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html

        Args:
            grantee: the principal that gets the permission; for a declared version, in the version's stack.
            actions: the IAM actions.

        Raises:
            ValueError: ``grantee`` is not a principal, or is in another stack than a declared version; nested stacks
                count as their parent.
        """
        check_grantee(grantee)
        principal = grantee.grant_principal
        if isinstance(principal, Construct) and self._is_imported_by(principal):
            raise ValueError(
                f"grantee {shown(principal.node.path)} must be in stack {shown(outermost_stack(self))} of version "
                f"{shown(self.node.path)}, since a version whose ARN another stack imports could not be replaced: "
                "use the image's grant_read, which permits all of its versions"
            )
        return iam.Grant.add_to_principal(
            grantee=grantee, actions=list(actions), resource_arns=[self.image_version_arn]
        )

    def grant_read(self, grantee: iam.IGrantable) -> iam.Grant:
        """Grant permission to describe this version and to list its aliases.

        https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html

        Args:
            grantee: the principal that gets the permission; for a declared version, in the version's stack.

        Raises:
            ValueError: ``grantee`` is in another stack than a declared version; nested stacks count as their parent.
        """
        of_version = self.grant(grantee, "sagemaker:DescribeImageVersion", "sagemaker:ListAliases")
        return of_version.combine(self._image.grant(grantee, "sagemaker:ListAliases"))

    @errors_name_path
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
        """Create a rule for the events that SageMaker sends when the status of this version changes.

        CloudFormation creates the rule of a declared version after the version, so the rule does not match the events
        of the version's creation; a rule from :meth:`Image.on_version_state_change` does.

        https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html

        Args:
            construct_id: the ID of the rule in ``cross_stack_scope``, or else in the version.
            target: the target of the rule. Default: none; ``add_target`` of the rule adds targets.
            description: the description of the rule. Default: none.
            event_pattern: additional conditions on the events, such as their ``ImageVersionStatus``. Default: all
                events.
            rule_name: the name of the rule. Default: a name that CloudFormation generates.
            cross_stack_scope: the parent construct of an imported version's rule, if the rule is in another stack.
                Default: the version.

        Raises:
            ValueError: ``cross_stack_scope`` is in another stack than a declared version; nested stacks count as their
                parent.
        """
        if cross_stack_scope is not None and self._is_imported_by(cross_stack_scope):
            raise ValueError(
                f"cross_stack_scope {shown(cross_stack_scope.node.path)} must be in stack "
                f"{shown(outermost_stack(self))} of version "
                f"{shown(self.node.path)}, since a version whose ARN another stack imports could not be replaced: "
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
        """Return whether the stack of ``construct`` would import the ARN of a declared version."""
        return self.provider is not None and outermost_stack(construct) != outermost_stack(self)


_ARN = re.compile(
    r"(?P<place>arn:[^:]+:sagemaker:[^:]*:[^:]*):image-version/(?P<name>[^/]+)/(?P<number>[0-9]+)", re.ASCII
)


class ImageVersion(_ImageVersionBase):
    """A version of a SageMaker image (``Custom::SageMakerImageVersion``).

    A change of the image or of the base image creates a new version. The aliases move to it, and the old version is
    retained; ``update_replace_policy`` deletes or archives it. All other properties are updated in place, except
    when metadata is removed that the API cannot unset: that creates a new version, too.

    Other stacks must not use the attributes that change with a new version: synthesis fails. They can use the image and
    the names of the aliases.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateImageVersion.html
    """

    @errors_name_path
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        image: IImage,
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
        update_replace_policy: ImageVersionPolicy | None = None,
        deletion_policy: ImageVersionPolicy | None = None,
        provider: ImageVersionProvider | None = None,
    ) -> None:
        """Declare a version.

        Args:
            scope: the parent construct.
            construct_id: the ID of this construct in ``scope``.
            image: the image, in the account and region of this stack: an :class:`Image`, or
                ``Image.from_image_name(…)``.
            base_image: the container image: ``BaseImage.from_ecr_repository(…)`` or ``BaseImage.from_uri(…)``.
            aliases: names that point to this version, each of 1 to 128 characters. Each is a resource of its own, as
                with an :class:`ImageAlias`. Default: none.
            job_type: the SageMaker job type that the version is compatible with. Default: not declared.
            processor: the processor that the version is compatible with. Default: not declared.
            horovod: whether the version is compatible with Horovod. Default: not declared.
            ml_framework: the framework and its version, like ``PyTorch 2.5``. Default: not declared.
            programming_lang: the language and its version, like ``Python 3.12``. Default: not declared.
            release_notes: the maintainer's description, 1 to 255 characters on one line. Default: not declared.
            vendor_guidance: the stability that the maintainer states. Default: not declared; SageMaker uses
                NOT_PROVIDED.
            follow_tag: a build number or a commit, 1 to 255 characters. In every deployment that changes this value,
                the digest of the base image's tag is compared with the digest of the version, and another digest
                creates a new version. CloudFormation sends no event for a declaration that stays the same. The base
                image must be in Amazon ECR and have a tag. Default: the version keeps the container image that it was
                created from.
            adopt_version: the number of an existing version with this base image. The first deployment of this
                construct adopts that version and does not create one. As long as the number is given, the version is
                not deleted with the stack. Default: a version is created.
            update_replace_policy: what happens to the version when a new one replaces it: DELETE, RETAIN or ARCHIVE.
                Default: RETAIN, since a running space may use the version.
            deletion_policy: what happens to the version when it leaves the stack, or the stack is deleted: DELETE,
                RETAIN or ARCHIVE. It does not apply to the aliases. A version that is not deleted is deleted with its
                image nevertheless. Default: RETAIN, for the same reason.
            provider: the provider that creates the version, in this stack. Default: the default provider.

        Raises:
            ValueError: SageMaker would reject a value, or the app already declares an alias. The construct tree is
                unchanged.
        """
        registry, identity = StackRegistry.of(scope), identity_of(image)
        registry.check_environment(image)
        check_base_image(base_image, role=image.role, follow_tag=follow_tag)
        if not is_token(identity.declared_name):
            check_string("image_name", identity.declared_name, IMAGE_NAME)
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
        policies = Policies(
            update_replace=check_policy("update_replace_policy", update_replace_policy),
            deletion=check_policy("deletion_policy", deletion_policy),
        )
        for alias in aliases:
            registry.check_is_free(_declaration(identity, alias))
        provider = choose_provider(registry, provider, image=image)

        bound = bind_base_image(base_image, scope, construct_id, image.role)
        path = registry.path_of(scope, construct_id)

        super().__init__(scope, construct_id)
        registry.remember(self, path)
        self._image = image
        self._provider = provider
        self._aliases = list(aliases)
        properties: dict[str, Any] = {
            "ImageName": image.image_name,
            "BaseImage": bound.uri,
            "FollowTag": follow_tag,
            "AdoptVersion": adopt_version,
            "OnReplace": "ARCHIVE" if policies.update_replace is ImageVersionPolicy.ARCHIVE else None,
            "OnDelete": "ARCHIVE" if policies.deletion is ImageVersionPolicy.ARCHIVE else None,
            **metadata,
        }
        binding = binding_of(provider)
        self._resource = binding.create_resource(
            self,
            "Resource",
            "Custom::SageMakerImageVersion",
            path=path,
            image=image,
            properties={name: value for name, value in properties.items() if value is not None},
            resource_class=VersionResource,
            base_image=bound,
            # The Delete event is the same for a replaced version and a removed one.
            policies=[binding.permissions.permit_stack_resource()] if policies.are_told_apart else [],
        )
        self._resource.apply_policies(policies)
        for warning_id, message in warnings(
            bound,
            region=registry.region,
            follows_tag=follow_tag is not None,
            vendor_guidance=vendor_guidance,
            is_retained={policies.update_replace, policies.deletion} != {ImageVersionPolicy.DELETE},
        ):
            cdk.Annotations.of(self).add_warning_v2(warning_id, message)
        registry.add_version(identity.key, self._resource)
        add_version(image, self._resource)
        for position, alias in enumerate(aliases):
            # A token cannot be part of an ID.
            alias_id = f"Alias-{alias}" if is_known(alias) else f"Alias{position}"
            # An ImageAlias would be one more construct for each alias, which takes a call into jsii.
            _create_alias(self, alias_id, child_path(path, alias_id), alias_name=alias, version=self, provider=provider)

    @cached_property
    def _physical_id(self) -> str:
        """The ARN of the version with its creation time, which distinguish it from all other versions; a token."""
        return self._resource.physical_id

    @property
    def provider(self) -> ImageVersionProvider:
        """The provider that creates this version."""
        return self._provider

    @property
    def image_version_arn(self) -> str:
        """The ARN of the version; a token."""
        return self._resource.get_att("ImageVersionArn").to_string()

    @property
    def image_arn(self) -> str:
        """The ARN of the image; a token."""
        return self._resource.get_att("ImageArn").to_string()

    @cached_property
    def image_version_number(self) -> float:
        """The number of the version; a token.

        Python sees the placeholder of a token. CloudFormation gets the number if the value is passed on as it is, also
        in ``str`` and in an f-string without a format. ``int``, ``round``, a format such as ``:.0f`` or ``%d``,
        calculations and comparisons use the placeholder, without an error: the number minus 1 is the number itself in
        the template. For a string use :attr:`image_version_number_as_string`.
        """
        return cdk.Token.as_number(self._resource.get_att("Version"))

    @property
    def base_image_uri(self) -> str:
        """The registry path that the version was created from, as declared; a token."""
        return self._resource.get_att("BaseImage").to_string()

    @property
    def container_image_uri(self) -> str:
        """The registry path with the digest that SageMaker resolved when it created the version; a token."""
        return self._resource.get_att("ContainerImage").to_string()

    @staticmethod
    @errors_name_path
    def from_image_version_arn(scope: Construct, construct_id: str, image_version_arn: str) -> IImageVersion:
        """Import an existing version of the stack's account and region by its ARN.

        Args:
            scope: the parent construct.
            construct_id: the ID of this construct in ``scope``.
            image_version_arn: ``arn:<partition>:sagemaker:<region>:<account>:image-version/<name>/<number>``.

        Raises:
            ValueError: ``image_version_arn`` is not the ARN of an image version.
        """
        stack = cdk.Stack.of(scope)
        if is_token(image_version_arn):
            check_is_string("image_version_arn", image_version_arn)
            parts = cdk.Fn.split("/", image_version_arn)
            name, version = cdk.Fn.select(1, parts), cdk.Token.as_number(cdk.Fn.select(2, parts))
            image_arn = stack.format_arn(service="sagemaker", resource="image", resource_name=name)
        else:
            found = _ARN.fullmatch(image_version_arn) if isinstance(image_version_arn, str) else None
            if found is None:
                raise ValueError(
                    f"image_version_arn {shown(image_version_arn)} must be the ARN of an image version: "
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
    @errors_name_path
    def from_image_version_attributes(
        scope: Construct, construct_id: str, *, image: IImage, version: int
    ) -> IImageVersion:
        """Import an existing version by its image and its number.

        Args:
            scope: the parent construct.
            construct_id: the ID of this construct in ``scope``.
            image: the image, declared or imported.
            version: the number of the version.

        Raises:
            ValueError: ``image`` is not an image, or ``version`` is not a whole number of at least 1.
        """
        name = identity_of(image).declared_name
        if is_token(version):
            check_is_number("version", version)
        else:
            check_number("version", version, "give the number of an existing version")
        stack = cdk.Stack.of(scope)
        number = cdk.Tokenization.stringify_number(version)
        arn = stack.format_arn(
            service="sagemaker",
            resource="image-version",
            # SageMaker's ARNs are in lower case.
            resource_name=f"{name.lower() if is_known(name) else name}/{number}",
            account=image.env.account,
            region=image.env.region,
        )
        return _ImportedImageVersion(scope, construct_id, image=lambda _: image, image_version_arn=arn, version=version)


class ImageAlias(Construct):
    """An alias of an image version (``Custom::SageMakerImageAlias``).

    It is a separate resource, so that CloudFormation moves it: to a new version after that has been created, and back
    when the deployment fails. If another version of the image has the alias, it moves from that version to this one.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateImageVersion.html
    """

    @errors_name_path
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        alias_name: str,
        version: IImageVersion,
        provider: ImageVersionProvider | None = None,
    ) -> None:
        """Declare an alias.

        Args:
            scope: the parent construct, in the stack of the version.
            construct_id: the ID of this construct in ``scope``. The ID and the parent may change within the stack: the
                logical ID derives from the names of the image and the alias.
            alias_name: 1 to 128 letters, digits, dots, hyphens and underscores. The first character must not be a dot
                or hyphen.
            version: the version that the alias points to, declared or imported.
            provider: the provider that moves the alias, in this stack. Default: the provider of the version; for an
                imported version, the default provider.

        Raises:
            ValueError: SageMaker would reject the name, the app already declares the alias, ``version`` is not a
                version, or ``version`` or ``provider`` is in another stack. The construct tree is unchanged.
        """
        registry = StackRegistry.of(scope)
        check_version(registry, version, "the alias")
        image, identity = version.image, identity_of(version.image)
        if alias_name is None or is_known(alias_name):
            check_string("alias_name", alias_name, ALIAS)
            alias_name = plain(alias_name)
        registry.check_is_free(_declaration(identity, alias_name))
        provider = choose_provider(registry, version.provider if provider is None else provider, image=image)
        path = registry.path_of(scope, construct_id)

        super().__init__(scope, construct_id)
        self._alias_name = alias_name
        self._version = version
        _create_alias(self, "Resource", path, alias_name=alias_name, version=version, provider=provider)

    @property
    def alias_name(self) -> str:
        """The name of the alias."""
        return self._alias_name

    @property
    def version(self) -> IImageVersion:
        """The version that the alias points to."""
        return self._version


def _create_alias(
    scope: Construct,
    construct_id: str,
    path: str,
    *,
    alias_name: str,
    version: IImageVersion,
    provider: ImageVersionProvider,
) -> None:
    """Create the custom resource of an alias, whose arguments have been checked."""
    registry, image = StackRegistry.of(version), version.image
    identity = identity_of(image)
    resource = binding_of(provider).create_resource(
        scope,
        construct_id,
        "Custom::SageMakerImageAlias",
        path=path,
        image=image,
        properties={"ImageName": image.image_name, "Alias": alias_name, "Version": reference_to(version)},
        resource_class=cdk.CfnResource,
        # CloudFormation orders an alias after a declared version, and deletes it before that.
        needs_dependencies=version.provider is not provider,
    )
    registry.add_alias(identity.key, resource)
    registry.add(_declaration(identity, alias_name), scope if isinstance(scope, ImageAlias) else resource)
    if is_known(alias_name):
        # A logical ID from the path would change when the alias gets another parent. CloudFormation would create the
        # new resource, which finds the alias in place, and then delete the old resource, and the alias with it.
        readable = re.sub(r"[^a-zA-Z0-9]", "", alias_name)
        resource.override_logical_id(f"ImageAlias{readable}{fingerprint(f'{identity.key}/{alias_name}')}")


class _ImportedImageVersion(_ImageVersionBase):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        image: Callable[[Construct], IImage],
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
    def image_version_number(self) -> float:
        return self._version


def is_image_version(value: object) -> TypeGuard[IImageVersion]:
    """Return whether ``value`` is a version, declared or imported."""
    return isinstance(value, _ImageVersionBase)


def reference_to(version: IImageVersion) -> float | str:
    """Return what identifies a version for other resources: its physical ID, or the number of an imported version."""
    return version._physical_id if isinstance(version, ImageVersion) else version.image_version_number


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
    """Check the metadata and return it under the API's names."""
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
        # CloudFormation would convert the bool to the same string.
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


def _check_aliases(aliases: Sequence[str]) -> None:
    # The order of a set differs from synth to synth, and an iterator would be empty after these checks.
    if not isinstance(aliases, list | tuple) or is_token(aliases):
        raise ValueError(
            f"aliases {shown(aliases)} must be a list with one item per alias: write it like ['latest', '1.4.0']"
        )
    for alias in aliases:
        if not is_token(alias):
            check_string("aliases", alias, ALIAS)
    check_distinct("aliases", aliases)


def _declaration(image: ImageIdentity, alias: str) -> Declaration:
    return Declaration(
        key=("alias", image.declared_name.lower(), alias),
        subject=f"alias {shown(alias)} of image {shown(image.declared_name)}",
        image=image,
    )


def check_version(registry: StackRegistry, version: IImageVersion, other: str) -> None:
    """Check that a version is one, and that it is declared in the stack of another construct.

    Args:
        registry: the registry of the other construct's stack.
        version: the version.
        other: the other construct, as the error names it.

    Raises:
        ValueError: ``version`` is not a version, or is declared in another stack.
    """
    if not is_image_version(version):
        raise ValueError(
            f"version {shown(version)} must be an ImageVersion: "
            "for an existing one use ImageVersion.from_image_version_arn(…)"
        )
    if StackRegistry.of(version) is not registry:
        raise ValueError(
            f"version {shown(version.node.path)} must be in stack {shown(registry.stack.node.path)} of {other}: "
            "declare both in one stack, since the provider of a stack handles the constructs of that stack only"
        )
