"""What deploys, but is likely a mistake: warnings that the CDK CLI prints, each under an id that apps name.

One that does not apply is silenced with ``cdk.Annotations.of(construct).acknowledge_warning(id)``.
"""

from __future__ import annotations

from collections.abc import Iterator

from imgver_constructs._validation.checks import shown
from imgver_constructs._validation.tokens import is_known
from imgver_constructs.base_image import BoundBaseImage
from imgver_constructs.enums import VendorGuidance

BASE_IMAGE_OUTSIDE_ECR = "imgver-constructs:baseImageOutsideEcr"
BASE_IMAGE_IN_OTHER_REGION = "imgver-constructs:baseImageInOtherRegion"
MOVING_TAG = "imgver-constructs:movingTag"
TO_BE_ARCHIVED = "imgver-constructs:toBeArchived"
ALIAS_REFUSED_BY_STUDIO = "imgver-constructs:aliasRefusedByStudio"


def warnings(
    base_image: BoundBaseImage, *, region: str, follows_tag: bool, vendor_guidance: VendorGuidance | str | None
) -> Iterator[tuple[str, str]]:
    """What there is to say about the declaration of a version: ids and texts.

    Args:
        base_image: where its container image comes from.
        region: that of the stack.
        follows_tag: whether the version looks at its tag again.
        vendor_guidance: what is declared of it.
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
                f"base_image should not have the tag {shown(base_image.moving_tag)}: it gets moved to newer images, "
                "which no deployment notices; name a tag that stays, or give follow_tag a build number"
            ),
        )
    if vendor_guidance in (VendorGuidance.TO_BE_ARCHIVED, VendorGuidance.TO_BE_ARCHIVED.value):
        yield (
            TO_BE_ARCHIVED,
            (
                "vendor_guidance TO_BE_ARCHIVED makes SageMaker archive the version by itself after three months: "
                "declare ARCHIVED or another version by then"
            ),
        )
