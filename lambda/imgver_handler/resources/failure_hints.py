"""Hints about a container image that SageMaker could not use, from the description of the image in Amazon ECR.

ECR is called only after a failure, and the call is not retried, because a hint is not worth a delay.
"""

import re

from imgver_handler.aws.gateway import AwsGateway, ImageVersionDescription
from imgver_handler.errors import AwsServiceError, ErrorKind

ACCEPTED_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"

_ACCESS_WORDS = re.compile(r"denied|permission|authori[sz]|access", re.IGNORECASE)


def hint_for_failed_version(version: ImageVersionDescription, gateway: AwsGateway) -> str:
    """The remedy for a version that became CREATE_FAILED, or an empty string when the cause is unknown."""
    return _hint(version.base_image, version.failure_reason, gateway)


def hint_for_refused_call(error: AwsServiceError, base_image: str, gateway: AwsGateway) -> str:
    """The remedy for a refused CreateImageVersion, or an empty string when the container image is not the cause."""
    if error.code != "ValidationException":
        return ""
    return _hint(base_image, error.message, gateway)


def _hint(base_image: str, failure_reason: str, gateway: AwsGateway) -> str:
    try:
        image = gateway.describe_ecr_image(base_image, retry=False)
    except AwsServiceError as error:
        if error.kind is ErrorKind.NOT_FOUND:
            return f"Amazon ECR does not have {base_image}: push it, or correct base_image."
        media_type = ""
    except Exception:  # noqa: BLE001 (an error here must not hide the failure that the hint is about)
        return ""
    else:
        if image is None:
            return f"{base_image} is not an Amazon ECR address, and SageMaker pulls from Amazon ECR only."
        media_type = image.media_type
    if media_type not in ("", ACCEPTED_MANIFEST):
        return (
            f"The manifest of {base_image} is of type {media_type}, but SageMaker needs {ACCEPTED_MANIFEST}: build for "
            "one platform, with "
            "docker buildx build --provenance=false --output type=image,oci-mediatypes=false,push=true"
        )
    if _ACCESS_WORDS.search(failure_reason):
        return (
            "The image's role needs ecr:BatchGetImage and ecr:GetDownloadUrlForLayer on the repository, and "
            "ecr:GetAuthorizationToken; a repository of another account must also allow it in its policy."
        )
    return ""
