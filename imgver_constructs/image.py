"""The SageMaker image: what versions are versions of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

import aws_cdk as cdk
import jsii
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk.interfaces import aws_sagemaker as refs
from constructs import Construct, IDependable

from imgver_constructs._stack_registry import Declarations
from imgver_constructs._state_change_rules import IMAGE_VERSION_STATE_CHANGE, state_change_rule
from imgver_constructs._validation.checks import shown
from imgver_constructs._validation.removal_policy import check_removal_policy
from imgver_constructs._validation.rules import DESCRIPTION, DISPLAY_NAME, IMAGE_NAME
from imgver_constructs._validation.tokens import check_is_text, check_text_or_token, is_known, is_token, plain


@jsii.implements(refs.IImageRef)
class ImageBase(cdk.Resource):
    """What declared and imported images share; made by :class:`Image` and its ``from_…`` methods."""

    _image_name: str
    _image_arn: str
    _declared_name: str
    """The name as it was declared: a plain text also where ``image_name`` is a token, for the ordering's sake."""

    _has_own_name: bool = True
    """Whether the user gave the name, and not the path."""

    _role: iam.IRole | None = None

    _prerequisites: Sequence[IDependable] = ()
    """What a version waits for. Not the image with all below it: that is where the version itself may be."""

    @property
    def image_name(self) -> str:
        """The name of the image. Using it makes CloudFormation create the image first."""
        return self._image_name

    @property
    def image_arn(self) -> str:
        """The ARN of the image."""
        return self._image_arn

    @property
    def image_ref(self) -> refs.ImageReference:
        """The image as other constructs of the CDK take it."""
        return refs.ImageReference(image_arn=self._image_arn)

    @property
    def role(self) -> iam.IRole | None:
        """The role that SageMaker pulls container images with; None for an imported image."""
        return self._role

    @cached_property
    def _identity(self) -> str:
        """What logical ids derive from: the same for every construct that stands for an image of this name."""
        if self._has_own_name and is_known(self._declared_name):
            return _comparable(self._declared_name)
        # Below the stage: every stage is to have the same logical ids.
        stage = cdk.Stage.of(self)
        return self.node.path if stage is None else self.node.path.removeprefix(f"{stage.node.path}/")

    def _check_environment(self, stack: cdk.Stack) -> None:
        """Check that the image can be where ``stack`` is.

        Raises:
            ValueError: it is in another account or region.
        """
        if stack is self._fitting_stack:
            return
        for what, of_image, of_stack in (
            ("account", self.env.account, stack.account),
            ("region", self.env.region, stack.region),
        ):
            if is_known(of_image) and is_known(of_stack) and of_image != of_stack:
                raise ValueError(
                    f"image {shown(self.node.path)} must be in {what} {of_stack} of stack {shown(stack.node.path)}, "
                    f"not in {of_image}: declare the version where the image is"
                )
        self._fitting_stack = stack

    _fitting_stack: cdk.Stack | None = None
    """The stack that was checked last: the checks ask jsii a lot, and many versions share a stack."""

    def grant(self, grantee: iam.IGrantable, *actions: str) -> iam.Grant:
        """Permit actions on the image itself, such as ``sagemaker:CreateImageVersion``.

        https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html

        Args:
            grantee: who may.
            actions: what.
        """
        return iam.Grant.add_to_principal(grantee=grantee, actions=list(actions), resource_arns=[self._image_arn])

    def grant_read(self, grantee: iam.IGrantable) -> iam.Grant:
        """Permit to describe the image, and to list and describe its versions and their aliases.

        Args:
            grantee: who may.
        """
        versions = [
            cdk.Stack.of(self).format_arn(
                service="sagemaker",
                resource="image-version",
                resource_name=f"{name}/*",
                account=self.env.account,
                region=self.env.region,
            )
            for name in spellings(self._declared_name)
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
        """A rule for the events that SageMaker sends when the status of the image itself changes.

        https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html

        Args:
            construct_id: the id of the rule below the image.
            target: what is to get the events. Default: nothing, until the rule's ``add_target`` is used.
            description: what the rule is for. Default: none.
            event_pattern: what else the events have to be like, such as their ``ImageStatus``. Default: all of them.
            rule_name: the name of the rule. Default: one that CloudFormation makes.
            cross_stack_scope: where the rule is made, if that is another stack. Default: below the image.
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
        """A rule for the events that SageMaker sends when the status of any version of the image changes.

        https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html

        Args:
            construct_id: the id of the rule below the image.
            target: what is to get the events. Default: nothing, until the rule's ``add_target`` is used.
            description: what the rule is for. Default: none.
            event_pattern: what else the events have to be like, such as their ``ImageVersionStatus``. Default: all of
                them.
            rule_name: the name of the rule. Default: one that CloudFormation makes.
            cross_stack_scope: where the rule is made, if that is another stack. Default: below the image.
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


class Image(ImageBase):
    """A SageMaker image (``AWS::SageMaker::Image``).

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateImage.html
    """

    _role: iam.IRole

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        image_name: str | None = None,
        display_name: str | None = None,
        description: str | None = None,
        role: iam.IRole | None = None,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.DESTROY,
    ) -> None:
        """Declare an image.

        Args:
            scope: the parent construct.
            construct_id: the id below it.
            image_name: 1 to 63 letters and digits, with single hyphens or dots between them. Default: a name made from
                the construct's path. Another name is another image: CloudFormation replaces it, versions and all.
            display_name: 1 to 128 characters on one line. Default: none; Studio then shows the name.
            description: 1 to 512 characters on one line. Default: none.
            role: the role that SageMaker pulls container images with; it is granted to pull the base images of
                the versions that the app declares. Default: a new one.
            removal_policy: what becomes of the image when it leaves the stack: DESTROY deletes it *and all of its
                versions*, also those that no stack declares; RETAIN keeps them. Default: DESTROY.

        Raises:
            ValueError: SageMaker or CloudFormation would refuse a value, or the stack declares an image of this name
                already. Nothing is left in the tree.
        """
        if image_name == cdk.PhysicalName.GENERATE_IF_NEEDED:
            image_name = None
        for parameter, value, rule in (
            ("image_name", image_name, IMAGE_NAME),
            ("display_name", display_name, DISPLAY_NAME),
            ("description", description, DESCRIPTION),
        ):
            if value is not None:
                check_text_or_token(parameter, value, rule)
        if role is not None and not hasattr(role, "role_arn"):
            raise ValueError(f"role {shown(role)} must be a role: for an arn use iam.Role.from_role_arn(…)")
        check_removal_policy(removal_policy)
        declarations = Declarations.of(scope)
        if image_name is not None:
            image_name = plain(image_name)
        if image_name is not None and is_known(image_name):
            declarations.check_image_is_free(_comparable(image_name), image_name)

        super().__init__(scope, construct_id, physical_name=image_name or cdk.PhysicalName.GENERATE_IF_NEEDED)
        self._has_own_name = image_name is not None
        self._declared_name = image_name or cdk.Names.unique_resource_name(
            self, max_length=IMAGE_NAME.maximum, separator="-"
        )
        declarations.add_image(self._identity, self)
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
        self._prerequisites = [resource] if role else [resource, self._role]
        self._image_arn = self._get_resource_arn_attribute(
            resource.attr_image_arn, service="sagemaker", resource="image", resource_name=self._declared_name
        )
        # CloudFormation offers no attribute with the name alone.
        self._image_name = self._get_resource_name_attribute(_name_in(resource.attr_image_arn))

    def _generate_physical_name(self) -> str:
        """What the CDK writes where the image is used from another account or region."""
        return self._declared_name

    @property
    def role(self) -> iam.IRole:
        """The role that SageMaker pulls container images with."""
        return self._role

    @staticmethod
    def from_image_name(scope: Construct, construct_id: str, image_name: str) -> ImageBase:
        """An image that exists already, in the account and region of the stack, by its name.

        Args:
            scope: the parent construct.
            construct_id: the id below it.
            image_name: the name. What is in it is checked when a version is declared, not here.

        Raises:
            ValueError: ``image_name`` is no text.
        """
        check_is_text("image_name", image_name)
        arn = cdk.Stack.of(scope).format_arn(service="sagemaker", resource="image", resource_name=image_name)
        return ImportedImage(scope, construct_id, image_name=image_name, image_arn=arn)

    @staticmethod
    def from_image_arn(scope: Construct, construct_id: str, image_arn: str) -> ImageBase:
        """An image that exists already, in the account and region of the stack, by its ARN.

        Args:
            scope: the parent construct.
            construct_id: the id below it.
            image_arn: ``arn:<partition>:sagemaker:<region>:<account>:image/<name>``, for example ``attr_image_arn`` of
                a ``CfnImage``.

        Raises:
            ValueError: ``image_arn`` is none of an image.
        """
        if is_token(image_arn):
            check_is_text("image_arn", image_arn)
        elif not isinstance(image_arn, str) or _ARN.fullmatch(image_arn) is None:
            raise ValueError(
                f"image_arn {shown(image_arn)} must be the arn of an image: "
                "write it like 'arn:aws:sagemaker:eu-west-1:123456789012:image/data-science'"
            )
        return ImportedImage(scope, construct_id, image_name=_name_in(image_arn), image_arn=image_arn)


def check_image(image: object) -> None:
    """Check that ``image`` is an image, declared or imported.

    Raises:
        ValueError: it is not.
    """
    if not isinstance(image, ImageBase):
        raise ValueError(  # noqa: TRY004 (every mistake in a declaration is a ValueError)
            f"image {shown(image)} must be an Image: for one that exists use Image.from_image_name(…)"
        )


class ImportedImage(ImageBase):
    """An image that exists already; made by the ``from_…`` methods of :class:`Image` and ImageVersion."""

    def __init__(self, scope: Construct, construct_id: str, *, image_name: str, image_arn: str) -> None:
        super().__init__(scope, construct_id, environment_from_arn=image_arn)
        self._image_name = self._declared_name = plain(image_name)
        self._image_arn = image_arn


def spellings(name: str) -> list[str]:
    """A name in each case that SageMaker may authorise it in, which is not documented; its ARNs are lower-case only."""
    return list(dict.fromkeys((name, name.lower()))) if is_known(name) else [name]


def _comparable(name: str) -> str:
    # SageMaker's ARNs of images are lower-case only: names that differ in case are one image.
    return name.lower()


def _name_in(image_arn: str) -> str:
    return cdk.Fn.select(1, cdk.Fn.split("/", image_arn))
