"""The retention: how many old versions of an image are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import aws_cdk as cdk
import jsii
from constructs import Construct

from imgver_constructs._stack_registry import IMAGE_VERSION, Declarations, Declared
from imgver_constructs._validation.checks import check_number, shown
from imgver_constructs._validation.tokens import is_known
from imgver_constructs.image import ImageBase, check_image
from imgver_constructs.image_version import ImageVersion, ImageVersionBase
from imgver_constructs.provider import ImageVersionProvider


class ImageRetention(Construct):
    """Deletes old versions of an image (``Custom::SageMakerImageRetention``).

    In every deployment that makes a version, after all versions and aliases of the stack, the versions of the image
    beyond the newest are deleted, also those that no stack made. Never deleted are the versions that this stack
    declares, the one before each of them, which a rollback needs, versions that have an alias, and versions in use.
    What other stacks declare is not known here: an image whose versions are in several stacks wants none, or aliases.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DeleteImageVersion.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        image: ImageBase,
        keep: int,
        versions: Sequence[ImageVersionBase] = (),
        provider: ImageVersionProvider | None = None,
    ) -> None:
        """Declare a retention.

        Args:
            scope: the parent construct.
            construct_id: the id below it.
            image: the image, in the account and region of this stack.
            keep: how many of the newest versions are kept, from 1.
            versions: versions that stay besides those that this stack declares, such as imported ones. Default: none.
            provider: what deletes them: one of this stack. Default: the stack's own.

        Raises:
            ValueError: ``keep`` is no such number, ``versions`` is no list, a version is none of this image, or the
                image has a retention in this stack already. Nothing is left in the tree.
        """
        check_image(image)
        declarations = Declarations.of(scope)
        stack = declarations.stack
        image._check_environment(stack)
        if keep is None or is_known(keep):
            check_number("keep", keep, "say how many of the newest versions stay")
        # An iterator is empty after the checks.
        if not isinstance(versions, list | tuple):
            raise ValueError(  # noqa: TRY004 (every mistake in a declaration is a ValueError)
                f"versions {shown(versions)} must be a list with one item per version: write it like [version]"
            )
        for version in versions:
            if not isinstance(version, ImageVersionBase) or version.image._identity != image._identity:
                raise ValueError(
                    f"versions {shown(version)} must be an ImageVersion of image {shown(image._declared_name)}: "
                    "declare one retention for each image"
                )
            version._check_stack(stack, "the retention")
        declarations.check_retention_is_free(image._identity, image._declared_name)
        provider = ImageVersionProvider._of(stack, provider, image=image)

        super().__init__(scope, construct_id)
        declarations.add_retention(image._identity, self)
        self._spared = _Numbers([version.version for version in versions if not isinstance(version, ImageVersion)])
        self._resource = provider._resource(
            self,
            "Custom::SageMakerImageRetention",
            image=image,
            properties={"ImageName": image.image_name, "Keep": keep, "Versions": cdk.Lazy.any(self._spared)},
            lists_versions=True,
        )
        declarations.follow(image._identity, self._spare)

    def _spare(self, resource_type: str, resource: Declared) -> None:
        """Wait for a version or an alias of the stack, and leave the version alone."""
        if resource_type == IMAGE_VERSION:
            self._spared.numbers.append(resource.get_att("Version"))
        else:
            self._resource.node.add_dependency(resource)


@jsii.implements(cdk.IStableAnyProducer)
class _Numbers:
    """Numbers of versions, complete only when the template is written."""

    def __init__(self, numbers: list[Any]) -> None:
        self.numbers = numbers

    def produce(self) -> list[Any]:
        """What the template says."""
        return self.numbers
