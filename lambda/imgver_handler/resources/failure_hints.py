"""Hints: what ECR knows about a container image that SageMaker could not use.

Asked only after a failure, and never retried: a hint is worth no waiting.
"""

import re

from imgver_handler.aws.gateway import AwsGateway, ImageVersion
from imgver_handler.errors import AwsServiceError, ErrorKind

ACCEPTED_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"

_ABOUT_ACCESS = re.compile(r"denied|permission|authori[sz]|access", re.IGNORECASE)


def of_failed_creation(version: ImageVersion, gateway: AwsGateway) -> str:
    """What to do about a version that became CREATE_FAILED, or an empty text when nothing is known."""
    return _hint(version.base_image, version.failure_reason, gateway)


def of_refusal(failure: AwsServiceError, base_image: str, gateway: AwsGateway) -> str:
    """What to do about a call that the service refused, or an empty text when the container image has no part in it."""
    if failure.code != "ValidationException":
        return ""
    return _hint(base_image, failure.message, gateway)


def _hint(base_image: str, words: str, gateway: AwsGateway) -> str:
    try:
        image = gateway.container_image(base_image, patient=False)
    except AwsServiceError as failure:
        if failure.kind is ErrorKind.NOT_FOUND:
            return f"ECR does not have {base_image}: push it, or correct base_image."
        media_type = ""
    except Exception:  # noqa: BLE001 (a hint that goes wrong must not hide what it was to explain)
        return ""
    else:
        if image is None:
            return f"{base_image} is no Amazon ECR address, and SageMaker pulls from ECR only."
        media_type = image.media_type
    if media_type not in ("", ACCEPTED_MANIFEST):
        return (
            f"The manifest of {base_image} is of type {media_type}, but SageMaker needs {ACCEPTED_MANIFEST}: build for "
            "one platform, with "
            "docker buildx build --provenance=false --output type=image,oci-mediatypes=false,push=true"
        )
    if _ABOUT_ACCESS.search(words):
        return (
            "The image's role needs ecr:BatchGetImage and ecr:GetDownloadUrlForLayer on the repository, and "
            "ecr:GetAuthorizationToken; a repository of another account must also allow it in its policy."
        )
    return ""
