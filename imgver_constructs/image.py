"""The SageMaker image: what versions are versions of."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from imgver_constructs.constraints import DESCRIPTION, DISPLAY_NAME, IMAGE_NAME, check_text, shown
from imgver_constructs.removal import check_removal_policy
from imgver_constructs.tokens import is_known, is_token


class ImageBase(cdk.Resource):
    """What declared and imported images share; made by :class:`Image` and its ``from_…`` methods."""

    @property
    def image_name(self) -> str:
        """The name of the image. Using it makes CloudFormation create the image first."""
        raise NotImplementedError

    @property
    def image_arn(self) -> str:
        """The ARN of the image."""
        raise NotImplementedError

    @property
    def declared_name(self) -> str:
        """The name as it was declared: a plain text wherever ``image_name`` is a token only for the ordering's sake."""
        raise NotImplementedError

    @property
    def role(self) -> iam.IRole | None:
        """The role that SageMaker pulls container images with; None for an imported image."""
        raise NotImplementedError

    @property
    def identity(self) -> str:
        """What logical ids derive from: the same for every construct that stands for an image of this name."""
        # SageMaker's ARNs of images are lower-case only: names that differ in case are one image.
        return self.declared_name.lower() if is_known(self.declared_name) else self.node.addr


class Image(ImageBase):
    """A SageMaker image (``AWS::SageMaker::Image``).

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateImage.html
    """

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
            ValueError: SageMaker or CloudFormation would refuse a value. Nothing is left in the tree.
        """
        for parameter, value, rule in (
            ("image_name", image_name, IMAGE_NAME),
            ("display_name", display_name, DISPLAY_NAME),
            ("description", description, DESCRIPTION),
        ):
            if is_known(value):
                check_text(parameter, value, rule)
        if role is not None and not hasattr(role, "role_arn"):
            raise ValueError(f"role {shown(role)} must be a role: for an arn use iam.Role.from_role_arn(…)")
        check_removal_policy(removal_policy)

        super().__init__(scope, construct_id, physical_name=image_name)
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
        self._image_arn = self._get_resource_arn_attribute(
            resource.attr_image_arn, service="sagemaker", resource="image", resource_name=self._declared_name
        )
        # CloudFormation offers no attribute with the name alone.
        self._image_name = self._get_resource_name_attribute(_name_in(resource.attr_image_arn))

    @staticmethod
    def from_image_name(scope: Construct, construct_id: str, image_name: str) -> ImageBase:
        """An image that exists already, in the account and region of the stack, by its name.

        Args:
            scope: the parent construct.
            construct_id: the id below it.
            image_name: the name. It is checked when a version is declared, not here.
        """
        arn = cdk.Stack.of(scope).format_arn(service="sagemaker", resource="image", resource_name=image_name)
        return _ImportedImage(scope, construct_id, image_name=image_name, image_arn=arn)

    @staticmethod
    def from_image_arn(scope: Construct, construct_id: str, image_arn: str) -> ImageBase:
        """An image that exists already, in the account and region of the stack, by its ARN.

        Args:
            scope: the parent construct.
            construct_id: the id below it.
            image_arn: ``arn:<partition>:sagemaker:<region>:<account>:image/<name>``, for example ``attr_image_arn`` of
                a ``CfnImage``.

        Raises:
            ValueError: there is no name in ``image_arn``.
        """
        if not is_token(image_arn) and ":image/" not in str(image_arn):
            raise ValueError(
                f"image_arn {shown(image_arn)} must be the arn of an image: "
                "write it like 'arn:aws:sagemaker:eu-west-1:123456789012:image/data-science'"
            )
        return _ImportedImage(scope, construct_id, image_name=_name_in(image_arn), image_arn=image_arn)

    @property
    def image_name(self) -> str:
        return self._image_name

    @property
    def image_arn(self) -> str:
        return self._image_arn

    @property
    def declared_name(self) -> str:
        return self._declared_name

    @property
    def role(self) -> iam.IRole:
        return self._role


class _ImportedImage(ImageBase):
    def __init__(self, scope: Construct, construct_id: str, *, image_name: str, image_arn: str) -> None:
        super().__init__(scope, construct_id, environment_from_arn=image_arn)
        self._image_name = image_name
        self._image_arn = image_arn

    @property
    def image_name(self) -> str:
        return self._image_name

    @property
    def image_arn(self) -> str:
        return self._image_arn

    @property
    def declared_name(self) -> str:
        return self._image_name

    @property
    def role(self) -> None:
        return None


def _name_in(image_arn: str) -> str:
    return cdk.Fn.select(1, cdk.Fn.split("/", image_arn))
