"""The versions of an image that is deleted with its stack, and all of its versions with it."""

import aws_cdk as cdk
import jsii
from constructs import Construct, IValidation

from imgver_constructs._stack_registry import StackRegistry
from imgver_constructs._validation.checks import shown
from imgver_constructs._validation.warnings import DELETED_WITH_IMAGE
from imgver_constructs._version_resource import RETAINING, VersionResource


@jsii.implements(IValidation)
class DeletedWithImage:
    """Compares the removal policies of an image and its versions when they are final: aspects may change them."""

    def __init__(self, image: Construct, resource: cdk.CfnResource, registry: StackRegistry, image_key: str) -> None:
        """Create a validation for the CDK.

        Args:
            image: the image.
            resource: the resource of the image.
            registry: the registry of the image's stack.
            image_key: the key of the image, under which the registry has the versions of this stack.
        """
        self._image = image
        self._resource = resource
        self._versions_in_stack = registry.versions(image_key)
        self._versions: list[VersionResource] = []

    def add(self, version: VersionResource) -> None:
        """Add the custom resource of a version of the image, which may be in another stack."""
        self._versions.append(version)

    def validate(self) -> list[str]:
        """Set the property of the versions in the image's stack, and add the warnings. There are no errors."""
        if self._resource.cfn_options.deletion_policy not in RETAINING:
            for version in self._versions_in_stack:
                version.add_property_override("DeletedWithImage", "true")
            # A version in this stack may belong to an imported image of the same name.
            for version in dict.fromkeys([*self._versions, *self._versions_in_stack]):
                if version.outlives_its_stack:
                    cdk.Annotations.of(version).add_warning_v2(
                        DELETED_WITH_IMAGE,
                        f"deletion_policy should not retain the version alone: image {shown(self._image.node.path)} is "
                        "deleted with its stack, and all of its versions with it; give the image "
                        "removal_policy=RemovalPolicy.RETAIN, or the version deletion_policy=ImageVersionPolicy.DELETE",
                    )
        return []
