"""The ARN of an image version, and the identity of a version: its ARN and its creation time.

An image that is deleted and created again numbers its versions from 1 again, so that another version may get the same
ARN. The physical id of Custom::SageMakerImageVersion therefore contains both: ``<ARN>#<CreationTime>``.
"""

from __future__ import annotations

import re
from typing import NamedTuple

# The pattern of the API reference, except that the image's name may contain capitals: CreateImageVersion accepts them,
# and how the ARN then spells the name is not documented.
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateImageVersion.html
_PATTERN = re.compile(
    r"arn:(?P<partition>aws(?:-\w+)*):sagemaker:(?P<region>[^:]+):(?P<account>[0-9]{12})"
    r":image-version/(?P<image_name>[a-zA-Z0-9](?:[-.]?[a-zA-Z0-9])*)/(?P<version>[0-9]+)",
    re.ASCII,
)
_MAX_LENGTH = 256
_TIME = re.compile(r"[0-9]+(\.[0-9]+)?", re.ASCII)


class ImageVersionArn(NamedTuple):
    """The ARN of an image version and its parts."""

    value: str
    partition: str
    region: str
    account: str
    image_name: str
    version: int

    @classmethod
    def parse(cls, value: str) -> ImageVersionArn | None:
        """Parse ``value``. Returns None when it is not the ARN of an image version."""
        match = _PATTERN.fullmatch(value)
        if match is None or len(value) > _MAX_LENGTH:
            return None
        return cls(
            value=value,
            partition=match["partition"],
            region=match["region"],
            account=match["account"],
            image_name=match["image_name"],
            version=int(match["version"]),
        )

    @classmethod
    def from_parts(cls, *, partition: str, region: str, account: str, image_name: str, version: int) -> ImageVersionArn:
        """Format an ARN from its parts."""
        value = f"arn:{partition}:sagemaker:{region}:{account}:image-version/{image_name}/{version}"
        return cls(
            value=value, partition=partition, region=region, account=account, image_name=image_name, version=version
        )

    def belongs_to(self, image_name: str) -> bool:
        """Whether the version belongs to this image. The service may have changed the name to lower case."""
        return self.image_name in (image_name, image_name.lower())

    def with_image_name(self, image_name: str) -> ImageVersionArn:
        """Return the same ARN, with the image's name as the template spells it: calls must use that spelling."""
        return self._replace(image_name=image_name)

    def __str__(self) -> str:
        """Return the ARN as the service spelled it."""
        return self.value


CREATION_TIME_TOLERANCE = 2.0
"""Seconds by which two creation times of the same version may differ: their precision is not documented."""


NEW = 45.0
"""Seconds since its creation for which reads may not find a version, or not always. The clocks may differ."""


class VersionId(NamedTuple):
    """The identity of an image version, which is the physical id of Custom::SageMakerImageVersion."""

    arn: ImageVersionArn
    created_at: float | None
    """Seconds since the epoch. None if the creation time is not known: then only the ARN is compared."""

    @classmethod
    def parse(cls, value: str) -> VersionId | None:
        """Parse a physical id, with or without a creation time. Returns None when it is not one of a version."""
        arn_value, separator, time = value.partition("#")
        arn = ImageVersionArn.parse(arn_value)
        if arn is None or (separator and not _TIME.fullmatch(time)):
            return None
        return cls(arn, float(time) if separator else None)

    def is_created_at(self, created_at: float) -> bool:
        """Whether a version with the same ARN and this creation time is this version."""
        return is_same_time(self.created_at, created_at)

    def is_new(self, now: float) -> bool:
        """Whether the version was created so recently that a read may not find it."""
        return self.created_at is not None and now - self.created_at < NEW

    def __str__(self) -> str:
        """Return the physical id."""
        return self.arn.value if self.created_at is None else f"{self.arn.value}#{format_time(self.created_at)}"


def is_same_time(known: float | None, created_at: float) -> bool:
    """Whether two creation times belong to the same version. An unknown time is equal to every other one."""
    return known is None or abs(known - created_at) <= CREATION_TIME_TOLERANCE


def format_time(created_at: float) -> str:
    """Format a creation time, in seconds since the epoch, for a physical id."""
    return f"{created_at:.6f}".rstrip("0").rstrip(".")
