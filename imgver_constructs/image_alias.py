"""The alias: a name that points to one version of an image."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

import aws_cdk as cdk
from constructs import Construct

from imgver_constructs.constraints import ALIAS, check_text, shown
from imgver_constructs.provider import fingerprint
from imgver_constructs.tokens import is_known

if TYPE_CHECKING:
    from imgver_constructs.image_version import ImageVersion


class ImageAlias(Construct):
    """An alias of an image version (``Custom::SageMakerImageAlias``).

    It is a resource of its own, so that CloudFormation's ordering moves it: to a new version once that is ready, and
    back when the deployment fails. An alias that another version of the image has is taken over from it.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateImageVersion.html
    """

    def __init__(self, scope: Construct, construct_id: str, *, alias_name: str, version: ImageVersion) -> None:
        """Declare an alias.

        Args:
            scope: the parent construct.
            construct_id: the id below it. It may change, and the alias may be declared elsewhere in the stack: its
                logical id derives from the image's name and its own.
            alias_name: 1 to 128 letters, digits, dots, hyphens and underscores, beginning with no dot or hyphen.
            version: the version it points to.

        Raises:
            ValueError: SageMaker would refuse the name, it is declared already, or ``version`` is none. Nothing is
                left in the tree.
        """
        if not hasattr(version, "image_version_arn"):
            raise ValueError(
                f"version {shown(version)} must be an ImageVersion: "
                "declare one, with adopt_version if the version exists already"
            )
        image, provider = version.image, version.provider
        if alias_name is None or is_known(alias_name):
            check_text("alias_name", alias_name, ALIAS)
            provider.check_alias_is_free(image, alias_name)

        super().__init__(scope, construct_id)
        self._alias_name = alias_name
        resource = provider.custom_resource(
            self,
            resource_type="Custom::SageMakerImageAlias",
            properties={"ImageName": image.image_name, "Alias": alias_name, "Version": version.version},
            image=image,
        )
        if is_known(alias_name):
            provider.register_alias(image, alias_name, declared_by=self.node.path)
            # By its path the id would change when the alias is declared elsewhere in the stack. CloudFormation would
            # make the new resource, which finds the alias in place, then delete the old one, and the alias with it.
            readable = re.sub(r"[^a-zA-Z0-9]", "", alias_name)
            resource_id = f"ImageAlias{readable}{fingerprint(f'{image.identity}/{alias_name}')}"
            cast(cdk.CfnElement, resource.node.default_child).override_logical_id(resource_id)

    @property
    def alias_name(self) -> str:
        """The alias."""
        return self._alias_name
