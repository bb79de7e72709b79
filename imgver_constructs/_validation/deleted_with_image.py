"""The warning about a version with a removal policy that retains it, but with an image whose deletion deletes it."""

import aws_cdk as cdk
import jsii
from constructs import Construct, IValidation

from imgver_constructs._validation.checks import shown
from imgver_constructs._validation.warnings import DELETED_WITH_IMAGE

_RETAINING = (cdk.CfnDeletionPolicy.RETAIN, cdk.CfnDeletionPolicy.RETAIN_EXCEPT_ON_CREATE)


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
        self._versions: list[tuple[Construct, cdk.CfnResource]] = []

    def add(self, version: Construct, resource: cdk.CfnResource) -> None:
        """Add a version of the image.

        Args:
            version: the version.
            resource: the custom resource of the version.
        """
        self._versions.append((version, resource))

    def validate(self) -> list[str]:
        """Add the warnings. There are no errors."""
        if self._resource.cfn_options.deletion_policy not in _RETAINING:
            for version, resource in self._versions:
                if resource.cfn_options.deletion_policy in _RETAINING:
                    cdk.Annotations.of(version).add_warning_v2(
                        DELETED_WITH_IMAGE,
                        f"removal_policy should not retain the version alone: image {shown(self._image.node.path)} is "
                        "deleted with its stack, and all of its versions with it; give the image "
                        "removal_policy=RemovalPolicy.RETAIN, too",
                    )
        return []
