"""The retention, which deletes old versions of an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import aws_cdk as cdk
import jsii
from constructs import Construct

from imgver_constructs._stack_registry import Declaration, StackRegistry
from imgver_constructs._validation.checks import check_number, shown
from imgver_constructs._validation.paths import errors_name_path
from imgver_constructs._validation.tokens import is_known
from imgver_constructs.image import IImage, identity_of
from imgver_constructs.image_version import IImageVersion, ImageVersion, check_version, is_image_version
from imgver_constructs.provider import ImageVersionProvider, binding_of, choose_provider


class ImageVersionRetention(Construct):
    """Deletes old versions of an image (``Custom::SageMakerImageRetention``).

    Every deployment that creates a version deletes, after all versions and aliases of the stack, the image's versions
    except the newest ones, including versions that no stack created. It never deletes the versions that this stack
    declares, the version before each of them, which a rollback needs, versions with an alias, and versions in use. It
    does not know the versions that other stacks declare: an image with versions in several stacks should have no
    retention, or an alias for each version.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DeleteImageVersion.html
    """

    @errors_name_path
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        image: IImage,
        max_version_count: int,
        versions: Sequence[IImageVersion] = (),
        provider: ImageVersionProvider | None = None,
    ) -> None:
        """Declare a retention.

        Args:
            scope: the parent construct.
            construct_id: the ID of this construct in ``scope``.
            image: the image, in the account and region of this stack.
            max_version_count: the number of newest versions to retain, at least 1.
            versions: versions to retain besides those that this stack declares, such as imported ones. Default: none.
            provider: the provider that deletes the versions, in this stack. Default: the default provider.

        Raises:
            ValueError: ``max_version_count`` is not a whole number of at least 1, ``versions`` is not a list of
                versions of this image, or the app already declares a retention of the image. The construct tree is
                unchanged.
        """
        registry, identity = StackRegistry.of(scope), identity_of(image)
        registry.check_environment(image)
        if max_version_count is None or is_known(max_version_count):
            check_number("max_version_count", max_version_count, "give the number of newest versions to retain")
        # An iterator would be empty after these checks.
        if not isinstance(versions, list | tuple):
            raise ValueError(
                f"versions {shown(versions)} must be a list with one item per version: write it like [version]"
            )
        for version in versions:
            if not is_image_version(version) or identity_of(version.image).key != identity.key:
                raise ValueError(
                    f"versions {shown(version)} must be an ImageVersion of image {shown(identity.declared_name)}: "
                    "declare one retention for each image"
                )
            check_version(registry, version, "the retention")
        declaration = Declaration(
            key=("retention", identity.declared_name.lower()),
            subject=f"the retention of image {shown(identity.declared_name)}",
            image=identity,
        )
        registry.check_is_free(declaration)
        provider = choose_provider(registry, provider, image=image)

        path = registry.path_of(scope, construct_id)
        super().__init__(scope, construct_id)
        registry.add(declaration, self)
        imported = [version.image_version_number for version in versions if not isinstance(version, ImageVersion)]
        numbers = _VersionNumbers(imported, registry.versions(identity.key))
        resource = binding_of(provider).create_resource(
            self,
            "Resource",
            "Custom::SageMakerImageRetention",
            path=path,
            image=image,
            properties={"ImageName": image.image_name, "Keep": max_version_count, "Versions": cdk.Lazy.any(numbers)},
            resource_class=cdk.CfnResource,
            lists_aliases=True,
        )
        resource.node.add_dependency(registry.aliases(identity.key))


@jsii.implements(cdk.IStableAnyProducer)
class _VersionNumbers:
    """The numbers of the retained versions, complete only when the template is written."""

    def __init__(self, imported: list[float], declared: Sequence[cdk.CfnResource]) -> None:
        self._imported = imported
        self._declared = declared

    def produce(self) -> list[Any]:
        """Return the value of the property."""
        # The versions are in the stack of the retention, so the check of VersionResource.get_att is not necessary.
        return [*self._imported, *(cdk.CfnResource.get_att(resource, "Version") for resource in self._declared)]
