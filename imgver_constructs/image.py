"""The SageMaker image, which versions belong to."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Protocol

import aws_cdk as cdk
import jsii
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk.interfaces import aws_sagemaker as refs
from constructs import Construct

from imgver_constructs._deleted_with_image import DeletedWithImage
from imgver_constructs._image_identity import ImageIdentity, key_from_name, key_from_path, spellings
from imgver_constructs._stack_registry import Declaration, StackRegistry
from imgver_constructs._state_change_rules import IMAGE_VERSION_STATE_CHANGE, state_change_rule
from imgver_constructs._validation.checks import check_grantee, check_is_string, shown
from imgver_constructs._validation.paths import errors_name_path
from imgver_constructs._validation.removal_policy import check_removal_policy
from imgver_constructs._validation.rules import DESCRIPTION, DISPLAY_NAME, IMAGE_NAME
from imgver_constructs._validation.tokens import check_string_or_token, is_known, is_token, plain
from imgver_constructs._version_resource import VersionResource


class IImage(cdk.IResource, refs.IImageRef, Protocol):
    """An image, declared or imported: an :class:`Image`, or what its ``from_…`` methods return."""

    @property
    def image_name(self) -> str:
        """The name of the image."""

    @property
    def image_arn(self) -> str:
        """The ARN of the image."""

    @property
    def role(self) -> iam.IRole | None:
        """The role that SageMaker pulls container images with; None for an imported image."""

    def grant(self, grantee: iam.IGrantable, *actions: str) -> iam.Grant:
        """Grant permission for actions on the image itself: see :meth:`Image.grant`."""

    def grant_read(self, grantee: iam.IGrantable) -> iam.Grant:
        """Grant permission to describe the image, its versions and their aliases: see :meth:`Image.grant_read`."""

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
        """Create a rule for changes of the image's status: see :meth:`Image.on_state_change`."""

    def on_version_state_change(
        self,
        construct_id: str,
        *,
        target: events.IRuleTarget | None = None,
        description: str | None = None,
        event_pattern: events.EventPattern | None = None,
        rule_name: str | None = None,
        cross_stack_scope: Construct | None = None,
    ) -> events.Rule:
        """Create a rule for changes of a version's status: see :meth:`Image.on_version_state_change`."""


@jsii.implements(refs.IImageRef)
class _ImageBase(cdk.Resource):
    """The members that declared and imported images share."""

    _image_name: str
    _image_arn: str
    _identity: ImageIdentity
    _role: iam.IRole | None = None

    @property
    def image_name(self) -> str:
        """The name of the image. A resource that uses it is created after the image."""
        return self._image_name

    @property
    def image_arn(self) -> str:
        """The ARN of the image."""
        return self._image_arn

    @property
    def image_ref(self) -> refs.ImageReference:
        """The reference by which other CDK constructs accept the image."""
        return refs.ImageReference(image_arn=self._image_arn)

    @property
    def role(self) -> iam.IRole | None:
        """The role that SageMaker pulls container images with; None for an imported image."""
        return self._role

    @errors_name_path
    def grant(self, grantee: iam.IGrantable, *actions: str) -> iam.Grant:
        """Grant permission for actions on the image itself, such as ``sagemaker:CreateImageVersion``.

        https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html

        Args:
            grantee: the principal that gets the permission.
            actions: the IAM actions.

        Raises:
            ValueError: ``grantee`` is not a principal.
        """
        check_grantee(grantee)
        return iam.Grant.add_to_principal(grantee=grantee, actions=list(actions), resource_arns=[self._image_arn])

    def grant_read(self, grantee: iam.IGrantable) -> iam.Grant:
        """Grant permission to describe the image, and to list and describe its versions and their aliases.

        https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html

        Args:
            grantee: the principal that gets the permission.
        """
        versions = [
            cdk.Stack.of(self).format_arn(
                service="sagemaker",
                resource="image-version",
                resource_name=f"{name}/*",
                account=self.env.account,
                region=self.env.region,
            )
            for name in spellings(self._identity.declared_name)
        ]
        of_image = self.grant(
            grantee, "sagemaker:DescribeImage", "sagemaker:ListImageVersions", "sagemaker:ListAliases"
        )
        return of_image.combine(
            iam.Grant.add_to_principal(
                grantee=grantee,
                actions=["sagemaker:DescribeImageVersion", "sagemaker:ListAliases"],
                resource_arns=versions,
            )
        )

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
        """Create a rule for the events that SageMaker sends when the status of the image itself changes.

        https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html

        Args:
            construct_id: the ID of the rule in ``cross_stack_scope``, or else in the image.
            target: the target of the rule. Default: none; ``add_target`` of the rule adds targets.
            description: the description of the rule. Default: none.
            event_pattern: additional conditions on the events, such as their ``ImageStatus``. Default: all events.
            rule_name: the name of the rule. Default: a name that CloudFormation generates.
            cross_stack_scope: the parent construct of the rule, if the rule is in another stack. Default: the image.
        """
        return state_change_rule(
            cross_stack_scope or self,
            construct_id,
            detail_type="SageMaker Image State Change",
            detail={"ImageArn": self._image_arn},
            target=target,
            description=description,
            event_pattern=event_pattern,
            rule_name=rule_name,
        )

    def on_version_state_change(
        self,
        construct_id: str,
        *,
        target: events.IRuleTarget | None = None,
        description: str | None = None,
        event_pattern: events.EventPattern | None = None,
        rule_name: str | None = None,
        cross_stack_scope: Construct | None = None,
    ) -> events.Rule:
        """Create a rule for the events that SageMaker sends when the status of any version of the image changes.

        https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html

        Args:
            construct_id: the ID of the rule in ``cross_stack_scope``, or else in the image.
            target: the target of the rule. Default: none; ``add_target`` of the rule adds targets.
            description: the description of the rule. Default: none.
            event_pattern: additional conditions on the events, such as their ``ImageVersionStatus``. Default: all
                events.
            rule_name: the name of the rule. Default: a name that CloudFormation generates.
            cross_stack_scope: the parent construct of the rule, if the rule is in another stack. Default: the image.
        """
        return state_change_rule(
            cross_stack_scope or self,
            construct_id,
            detail_type=IMAGE_VERSION_STATE_CHANGE,
            detail={"ImageArn": self._image_arn},
            target=target,
            description=description,
            event_pattern=event_pattern,
            rule_name=rule_name,
        )


_ARN = re.compile(r"arn:[^:]+:sagemaker:[^:]*:[^:]*:image/[^:/]+")


class Image(_ImageBase):
    """A SageMaker image (``AWS::SageMaker::Image``).

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateImage.html
    """

    _role: iam.IRole

    @errors_name_path
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        image_name: str | None = None,
        display_name: str | None = None,
        description: str | None = None,
        role: iam.IRole | None = None,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    ) -> None:
        """Declare an image.

        Args:
            scope: the parent construct.
            construct_id: the ID of this construct in ``scope``.
            image_name: 1 to 63 letters and digits, with single hyphens or dots between them. Another name is another
                image: CloudFormation creates it, with a new version 1 for each declared version, and the old image
                leaves the stack with its versions as ``removal_policy`` says. Nothing moves from the old image to the
                new one, and domains and spaces continue to use the old name. Default: a name generated from the
                construct's path, which therefore changes if the construct moves.
            display_name: 1 to 128 unaccented letters, digits, spaces and ASCII punctuation (but no braces, bars, tildes
                and backticks), with no space at either end. Default: none; Studio then shows the name.
            description: 1 to 512 characters on one line. Default: none.
            role: the role that SageMaker pulls container images with. It gets permission to pull the base images of the
                versions that the app declares. Default: a new role.
            removal_policy: what happens to the image when it leaves the stack, is replaced because its name changes,
                or when the stack is deleted. RETAIN retains it. RETAIN_ON_UPDATE_OR_DELETE does, too, except if the
                deployment that creates it fails, so that the deployment can be repeated. DESTROY deletes it *and all of
                its versions*, including those that other stacks declare, that no stack declares, and that running
                spaces use. Default: RETAIN_ON_UPDATE_OR_DELETE.

        Raises:
            ValueError: SageMaker or CloudFormation would reject a value, or the app already declares an image of this
                name in this account and region. The construct tree is unchanged.
        """
        if image_name == cdk.PhysicalName.GENERATE_IF_NEEDED:
            image_name = None
        for parameter, value, rule in (
            ("image_name", image_name, IMAGE_NAME),
            ("display_name", display_name, DISPLAY_NAME),
            ("description", description, DESCRIPTION),
        ):
            if value is not None:
                check_string_or_token(parameter, value, rule)
        if role is not None and not hasattr(role, "role_arn"):
            raise ValueError(f"role {shown(role)} must be a role: for an ARN use iam.Role.from_role_arn(…)")
        check_removal_policy(removal_policy)
        registry = StackRegistry.of(scope)
        if image_name is not None:
            image_name = plain(image_name)
            registry.check_is_free(_declaration(image_name))

        super().__init__(scope, construct_id, physical_name=image_name or cdk.PhysicalName.GENERATE_IF_NEEDED)
        self._declared_name = image_name or cdk.Names.unique_resource_name(
            self, max_length=IMAGE_NAME.maximum, separator="-"
        )
        self._role = role or iam.Role(
            self,
            "Role",
            description=f"Pulls the container images of the SageMaker image {self._declared_name}",
            assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"),
        )
        resource = sagemaker.CfnImage(
            self,
            "Resource",
            image_name=self._declared_name,
            image_role_arn=self._role.role_arn,
            image_display_name=display_name,
            image_description=description,
        )
        resource.apply_removal_policy(removal_policy)
        self._identity = ImageIdentity(
            key=key_from_name(image_name) if image_name and is_known(image_name) else key_from_path(self),
            declared_name=self._declared_name,
            dependencies=[resource] if role else [resource, self._role],
        )
        registry.add(_declaration(self._declared_name), self)
        self._deleted_with_image = DeletedWithImage(self, resource, registry, self._identity.key)
        self.node.add_validation(self._deleted_with_image)
        self._image_arn = self._get_resource_arn_attribute(
            resource.attr_image_arn, service="sagemaker", resource="image", resource_name=self._declared_name
        )
        # CloudFormation offers no attribute with the name alone.
        self._image_name = self._get_resource_name_attribute(_name_in(resource.attr_image_arn))
        registry.add_identity(self._identity, self._image_name, self._image_arn)

    def _generate_physical_name(self) -> str:
        """Return the name for uses of the image in another account or region; the CDK calls this method."""
        return self._declared_name

    @property
    def role(self) -> iam.IRole:
        """The role that SageMaker pulls container images with."""
        return self._role

    @staticmethod
    @errors_name_path
    def from_image_name(scope: Construct, construct_id: str, image_name: str) -> IImage:
        """Import an existing image of the stack's account and region by its name.

        Args:
            scope: the parent construct.
            construct_id: the ID of this construct in ``scope``.
            image_name: the name. It is checked when a version is declared, not here.

        Raises:
            ValueError: ``image_name`` is not a string.
        """
        check_is_string("image_name", image_name)
        arn = cdk.Stack.of(scope).format_arn(service="sagemaker", resource="image", resource_name=image_name)
        return ImportedImage(scope, construct_id, image_name=image_name, image_arn=arn)

    @staticmethod
    @errors_name_path
    def from_image_arn(scope: Construct, construct_id: str, image_arn: str) -> IImage:
        """Import an existing image of the stack's account and region by its ARN.

        Args:
            scope: the parent construct.
            construct_id: the ID of this construct in ``scope``.
            image_arn: ``arn:<partition>:sagemaker:<region>:<account>:image/<name>``, for example ``attr_image_arn`` of
                a ``CfnImage``.

        Raises:
            ValueError: ``image_arn`` is not the ARN of an image.
        """
        if is_token(image_arn):
            check_is_string("image_arn", image_arn)
        elif not isinstance(image_arn, str) or _ARN.fullmatch(image_arn) is None:
            raise ValueError(
                f"image_arn {shown(image_arn)} must be the ARN of an image: "
                "write it like 'arn:aws:sagemaker:eu-west-1:123456789012:image/data-science'"
            )
        return ImportedImage(scope, construct_id, image_name=_name_in(image_arn), image_arn=image_arn)


def identity_of(image: IImage) -> ImageIdentity:
    """Return the identity of an image, for the other constructs of this package.

    Raises:
        ValueError: ``image`` is not an image.
    """
    if not isinstance(image, _ImageBase):
        raise ValueError(f"image {shown(image)} must be an Image: for an existing one use Image.from_image_name(…)")
    return image._identity


def add_version(image: IImage, version: VersionResource) -> None:
    """Record a declared version of an image, whose policies are compared when the app is synthesized."""
    if isinstance(image, Image):
        image._deleted_with_image.add(version)


class ImportedImage(_ImageBase):
    """An existing image; the ``from_…`` methods of :class:`Image` and :class:`ImageVersion` create it."""

    def __init__(self, scope: Construct, construct_id: str, *, image_name: str, image_arn: str) -> None:
        """Import an image. The name and the ARN may be tokens."""
        super().__init__(scope, construct_id, environment_from_arn=image_arn)
        self._image_name = plain(image_name)
        self._image_arn = image_arn
        if is_known(self._image_name):
            self._identity = ImageIdentity(key=key_from_name(self._image_name), declared_name=self._image_name)
        else:
            declared = StackRegistry.of(self).identity_by_token(image_name, image_arn)
            self._identity = declared or ImageIdentity(key=key_from_path(self), declared_name=self._image_name)


def _declaration(image_name: str) -> Declaration:
    return Declaration(
        key=("image", image_name.lower()),
        subject=f"image_name {shown(image_name)}",
        remedy="use that image, or another name",
    )


# Equal ARNs then have equal names, even if they are tokens.
@lru_cache
def _name_in(image_arn: str) -> str:
    return cdk.Fn.select(1, cdk.Fn.split("/", image_arn))
