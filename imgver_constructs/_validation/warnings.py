"""Warnings about declarations that can be deployed but are probably wrong.

The CDK CLI prints each warning with its ID. ``cdk.Annotations.of(construct).acknowledge_warning(id)`` silences it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from imgver_constructs._validation.checks import shown
from imgver_constructs._validation.tokens import is_known
from imgver_constructs.enums import VendorGuidance

BASE_IMAGE_OUTSIDE_ECR = "imgver-constructs:baseImageOutsideEcr"
BASE_IMAGE_IN_OTHER_REGION = "imgver-constructs:baseImageInOtherRegion"
MOVING_TAG = "imgver-constructs:movingTag"
TO_BE_ARCHIVED = "imgver-constructs:toBeArchived"
ALIAS_REFUSED_BY_STUDIO = "imgver-constructs:aliasRefusedByStudio"
APP_IMAGE_CONFIG_OF_OTHER_APP = "imgver-constructs:appImageConfigOfOtherApp"
POLICY_OVERRIDDEN = "imgver-constructs:policyOverridden"
DELETED_WITH_IMAGE = "imgver-constructs:deletedWithImage"
DECLARED_IN_OTHER_STACK = "imgver-constructs:declaredInOtherStack"
ASSET_OF_RETAINED_VERSION = "imgver-constructs:assetOfRetainedVersion"


class _BaseImage(Protocol):
    # The part of BoundBaseImage that the warnings use. Its module imports this package, and must not be imported here.
    @property
    def uri(self) -> str: ...
    @property
    def region(self) -> str | None: ...
    @property
    def outside_ecr(self) -> bool: ...
    @property
    def moving_tag(self) -> str | None: ...
    @property
    def is_asset(self) -> bool: ...


def warnings(
    base_image: _BaseImage,
    *,
    region: str,
    follows_tag: bool,
    vendor_guidance: VendorGuidance | str | None,
    is_retained: bool,
) -> Iterator[tuple[str, str]]:
    """Return the IDs and the messages of the warnings about a declared version.

    Args:
        base_image: the base image of the version.
        region: the region of the stack.
        follows_tag: whether the version has ``follow_tag``.
        vendor_guidance: the declared vendor guidance.
        is_retained: whether the version is retained or archived when it is replaced or leaves the stack.
    """
    if base_image.outside_ecr:
        yield (
            BASE_IMAGE_OUTSIDE_ECR,
            (
                f"base_image {shown(base_image.uri)} should be in Amazon ECR: SageMaker documents no other "
                "registry; push it to a repository there"
            ),
        )
    if base_image.region is not None and is_known(region) and base_image.region != region:
        yield (
            BASE_IMAGE_IN_OTHER_REGION,
            (
                f"base_image should be in region {region} of the stack, not in {base_image.region}: SageMaker "
                "documents no pull from another region; replicate the repository"
            ),
        )
    if base_image.moving_tag is not None and not follows_tag:
        yield (
            MOVING_TAG,
            (
                f"base_image should not have the tag {shown(base_image.moving_tag)}: such a tag moves to newer images, "
                "which a deployment does not notice; use a tag that does not move, or give follow_tag a build number"
            ),
        )
    if vendor_guidance in (VendorGuidance.TO_BE_ARCHIVED, VendorGuidance.TO_BE_ARCHIVED.value):
        yield (
            TO_BE_ARCHIVED,
            (
                "vendor_guidance should not remain TO_BE_ARCHIVED: SageMaker archives the version after three months; "
                "declare ARCHIVED or another version by then"
            ),
        )
    if base_image.is_asset and is_retained:
        yield (
            ASSET_OF_RETAINED_VERSION,
            (
                "base_image should not be an asset if the version is retained or archived: cdk gc deletes container "
                "images that no deployed template names; push the container image to a repository of your own, or "
                "acknowledge this if cdk gc runs with --type=s3 only"
            ),
        )
