"""What deploys, but is likely a mistake: warnings that the CDK CLI prints, each under an id of its own.

One that does not apply is silenced with ``cdk.Annotations.of(construct).acknowledge_warning(id)``.
"""

BASE_IMAGE_OUTSIDE_ECR = "imgver-constructs:baseImageOutsideEcr"
BASE_IMAGE_IN_OTHER_REGION = "imgver-constructs:baseImageInOtherRegion"
MUTABLE_TAG = "imgver-constructs:mutableTag"
TO_BE_ARCHIVED = "imgver-constructs:toBeArchived"
ALIAS_REFUSED_BY_STUDIO = "imgver-constructs:aliasRefusedByStudio"
