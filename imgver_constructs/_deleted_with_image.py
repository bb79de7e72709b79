"""The warning about a version that is retained when it leaves its stack, but whose image is deleted, and it too."""

import aws_cdk as cdk
import jsii
from constructs import Construct, IValidation

from imgver_constructs._validation.checks import shown
from imgver_constructs._validation.warnings import DELETED_WITH_IMAGE
from imgver_constructs._version_resource import RETAINING, VersionResource


@jsii.implements(IValidation)
class DeletedWithImage:
    """Compares the removal policies of an image and its versions when they are final: aspects may change them."""

    def __init__(self, image: Construct, resource: cdk.CfnResource) -> None:
        """Create a validation for the CDK.

        Args:
            image: the image.
            resource: the resource of the image.
        """
        self._image = image
        self._resource = resource
        self._versions: list[VersionResource] = []

    def add(self, version: VersionResource) -> None:
        """Add a version of the image.

        Args:
            version: the custom resource of the version.
        """
        self._versions.append(version)

    def validate(self) -> list[str]:
        """Add the warnings. There are no errors."""
        if self._resource.cfn_options.deletion_policy not in RETAINING:
            for version in self._versions:
                if version.outlives_its_stack:
                    cdk.Annotations.of(version).add_warning_v2(
                        DELETED_WITH_IMAGE,
                        f"deletion_policy should not retain the version alone: image {shown(self._image.node.path)} is "
                        "deleted with its stack, and all of its versions with it; give the image "
                        "removal_policy=RemovalPolicy.RETAIN, or the version deletion_policy=ImageVersionPolicy.DELETE",
                    )
        return []
