"""The data of images and versions on the page, as JSON objects. Times are in seconds since the epoch."""

import itertools
from collections.abc import Sequence
from typing import Any

from imgver_sandbox.page.studio import user_name
from imgver_sandbox.sagemaker.account import SageMakerAccount
from imgver_sandbox.sagemaker.image_records import ImageRecord, ImageVersionRecord
from imgver_sandbox.sagemaker.studio_records import StudioRecord

_MAX_VERSIONS = 50


def shown_images(account: SageMakerAccount) -> list[dict[str, Any]]:
    """Return the images of an account in a region, sorted by name."""
    images = sorted(account.images(), key=lambda image: image.name)
    return [_shown_image(account, image) for image in images]


def _shown_image(account: SageMakerAccount, image: ImageRecord) -> dict[str, Any]:
    in_use, users = account.numbers_in_use(image), account.users_of(image)
    latest = {version.number: version for version in itertools.islice(reversed(image.versions.values()), _MAX_VERSIONS)}
    versions = latest | {number: version for number, version in image.versions.items() if version.aliases}
    return {
        "arn": image.arn,
        "name": image.name,
        "status": image.status,
        "failure_reason": image.failure_reason,
        # The latest 50 versions and those with aliases, latest first, and the number of the others.
        "versions": [
            _shown_version(image, versions[number], number in in_use, users.get(number, []))
            for number in sorted(versions)[::-1]
        ],
        "more": len(image.versions) - len(versions),
    }


def _shown_version(
    image: ImageRecord, version: ImageVersionRecord, in_use: bool, users: Sequence[StudioRecord]
) -> dict[str, Any]:
    return {
        "number": version.number,
        "status": image.status_of(version),
        "failure_reason": version.failure_reason,
        "base_image": version.base_image,
        "container_image": None if version.status == "CREATING" else version.container_image,
        "created_at": version.created_at,
        "modified_at": version.modified_at,
        "aliases": sorted(version.aliases),
        "in_use": in_use,
        # What uses the version in Studio, such as `domain studio` or `JupyterLab of lab`.
        "used_by": [user_name(user) for user in users],
        "metadata": dict(version.metadata),
    }
