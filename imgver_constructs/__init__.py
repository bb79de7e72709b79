"""Amazon SageMaker image versions as code: AWS CDK constructs.

image = Image(self, "Image", image_name="data-science")
ImageVersion(
    self,
    "Version",
    image=image,
    base_image=BaseImage.from_ecr_repository(repository, tag="1.0.0"),
    aliases=["latest"],
)
"""

from imgver_constructs.app_image_config import AppImageConfig, AppImageConfigBase
from imgver_constructs.base_image import BaseImage
from imgver_constructs.enums import JobType, Processor, Superseded, VendorGuidance
from imgver_constructs.image import Image, ImageBase
from imgver_constructs.image_retention import ImageRetention
from imgver_constructs.image_version import ImageAlias, ImageVersion, ImageVersionBase
from imgver_constructs.monitoring import ImageVersionMonitoring
from imgver_constructs.provider import ImageVersionProvider
from imgver_constructs.studio_app import StudioApp

__all__ = [
    "AppImageConfig",
    "AppImageConfigBase",
    "BaseImage",
    "Image",
    "ImageAlias",
    "ImageBase",
    "ImageRetention",
    "ImageVersion",
    "ImageVersionBase",
    "ImageVersionMonitoring",
    "ImageVersionProvider",
    "JobType",
    "Processor",
    "StudioApp",
    "Superseded",
    "VendorGuidance",
]
