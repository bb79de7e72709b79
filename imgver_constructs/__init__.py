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

from imgver_constructs.app_image_config import AppImageConfig, IAppImageConfig
from imgver_constructs.base_image import BaseImage
from imgver_constructs.enums import AppType, ImageVersionPolicy, JobType, Processor, VendorGuidance
from imgver_constructs.image import IImage, Image
from imgver_constructs.image_attachment import ImageAttachment
from imgver_constructs.image_version import IImageAlias, IImageVersion, ImageAlias, ImageVersion
from imgver_constructs.image_version_retention import ImageVersionRetention
from imgver_constructs.metric_options import MetricOptions
from imgver_constructs.monitoring import ImageVersionMonitoring
from imgver_constructs.provider import ImageVersionProvider
from imgver_constructs.studio_app import StudioApp

__all__ = [
    "AppImageConfig",
    "AppType",
    "BaseImage",
    "IAppImageConfig",
    "IImage",
    "IImageAlias",
    "IImageVersion",
    "Image",
    "ImageAlias",
    "ImageAttachment",
    "ImageVersion",
    "ImageVersionMonitoring",
    "ImageVersionPolicy",
    "ImageVersionProvider",
    "ImageVersionRetention",
    "JobType",
    "MetricOptions",
    "Processor",
    "StudioApp",
    "VendorGuidance",
]
