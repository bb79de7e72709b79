"""The alias: a name that points to one version of an image."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from constructs import Construct

from imgver_constructs._logical_ids import fingerprint
from imgver_constructs._stack_registry import IMAGE_ALIAS, Declarations
from imgver_constructs._validation.checks import check_string, shown
from imgver_constructs._validation.rules import ALIAS
from imgver_constructs._validation.tokens import is_known, plain
from imgver_constructs.provider import ImageVersionProvider

if TYPE_CHECKING:
    from imgver_constructs.image_version import ImageVersionBase


class ImageAlias(Construct):
    """An alias of an image version (``Custom::SageMakerImageAlias``).

    It is a resource of its own, so that CloudFormation's ordering moves it: to a new version once that is ready, and
    back when the deployment fails. An alias that another version of the image has is taken over from it.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateImageVersion.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        alias_name: str,
        version: ImageVersionBase,
        provider: ImageVersionProvider | None = None,
    ) -> None:
        """Declare an alias.

        Args:
            scope: the parent construct, in the stack of the version.
            construct_id: the id below it. It may change, and the alias may be declared elsewhere in the stack: its
                logical id derives from the image's name and its own.
            alias_name: 1 to 128 letters, digits, dots, hyphens and underscores, beginning with no dot or hyphen.
            version: the version it points to, declared or imported.
            provider: what moves it: one of this stack. Default: the version's; for an imported one the stack's own.

        Raises:
            ValueError: SageMaker would refuse the name, the stack declares it already, ``version`` is none or of
                another stack, or ``provider`` is. Nothing is left in the tree.
        """
        # Of the version itself the attribute would be asked for, and that is two calls into jsii.
        if not hasattr(type(version), "image_version_arn"):
            raise ValueError(
                f"version {shown(version)} must be an ImageVersion: "
                "for one that exists use ImageVersion.from_image_version_arn(…)"
            )
        declarations = Declarations.of(scope)
        stack, image = declarations.stack, version.image
        version._check_stack(stack, "the alias")
        if alias_name is None or is_known(alias_name):
            check_string("alias_name", alias_name, ALIAS)
            alias_name = plain(alias_name)
            declarations.check_alias_is_free(image._identity, image._declared_name, alias_name)
        provider = ImageVersionProvider._of(stack, provider or version.provider, image=image)

        super().__init__(scope, construct_id)
        self._alias_name = alias_name
        resource = provider._resource(
            self,
            IMAGE_ALIAS,
            image=image,
            properties={"ImageName": image.image_name, "Alias": alias_name, "Version": version._number},
        )
        declarations.add_resource(image._identity, IMAGE_ALIAS, resource)
        if is_known(alias_name):
            declarations.add_alias(image._identity, alias_name, self)
            # By its path the id would change when the alias is declared elsewhere in the stack. CloudFormation would
            # make the new resource, which finds the alias in place, then delete the old one, and the alias with it.
            readable = re.sub(r"[^a-zA-Z0-9]", "", alias_name)
            resource.override_logical_id(f"ImageAlias{readable}{fingerprint(f'{image._identity}/{alias_name}')}")

    @property
    def alias_name(self) -> str:
        """The alias."""
        return self._alias_name
