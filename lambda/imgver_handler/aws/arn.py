"""The ARN of an image version: the physical id of Custom::SageMakerImageVersion."""

from __future__ import annotations

import re
from typing import NamedTuple

# The pattern of the API reference, except that names may have capitals: CreateImageVersion takes them, and what it
# then puts into the ARN is not documented.
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateImageVersion.html
_PATTERN = re.compile(
    r"arn:(?P<partition>aws(?:-\w+)*):sagemaker:(?P<region>[^:]+):(?P<account>[0-9]{12})"
    r":image-version/(?P<image_name>[a-zA-Z0-9](?:[-.]?[a-zA-Z0-9])*)/(?P<version>[0-9]+)",
    re.ASCII,
)
_MAX_LENGTH = 256


class ImageVersionArn(NamedTuple):
    """An image version's ARN, taken apart."""

    text: str
    partition: str
    region: str
    account: str
    image_name: str
    version: int

    @classmethod
    def parse(cls, text: str) -> ImageVersionArn | None:
        """The parts of ``text``, or None when it is no image version's ARN."""
        found = _PATTERN.fullmatch(text)
        if found is None or len(text) > _MAX_LENGTH:
            return None
        return cls(
            text=text,
            partition=found["partition"],
            region=found["region"],
            account=found["account"],
            image_name=found["image_name"],
            version=int(found["version"]),
        )

    @classmethod
    def of(cls, *, partition: str, region: str, account: str, image_name: str, version: int) -> ImageVersionArn:
        """The ARN that these parts make."""
        text = f"arn:{partition}:sagemaker:{region}:{account}:image-version/{image_name}/{version}"
        return cls(
            text=text, partition=partition, region=region, account=account, image_name=image_name, version=version
        )

    def is_of_image(self, image_name: str) -> bool:
        """Whether ``image_name`` is this image's name, as given or lower-cased by the service."""
        return self.image_name in (image_name, image_name.lower())

    def addressed_as(self, image_name: str) -> ImageVersionArn:
        """The same version, for calls that spell its image's name as the template does."""
        return self._replace(image_name=image_name)

    def __str__(self) -> str:
        return self.text
