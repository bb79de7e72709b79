"""The ARN of an image version, which is the physical id of Custom::SageMakerImageVersion."""

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
