"""Declares an image version that is created from the container image data-science:<image_tag> in Amazon ECR.

cdk deploy                      creates a version from data-science:1.0.0
cdk deploy -c image_tag=1.1.0   replaces it with a version from data-science:1.1.0, and moves the alias latest
"""

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from constructs import Construct

from imgver_constructs import BaseImage, Image, ImageVersion, JobType, Processor, VendorGuidance


class ImgverDemo(cdk.Stack):
    """One SageMaker image with one version."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        tag = self.node.try_get_context("image_tag") or "1.0.0"
        repository = ecr.Repository.from_repository_name(self, "Repository", "data-science")

        image = Image(self, "Image", image_name="data-science", display_name="Data Science")
        version = ImageVersion(
            self,
            "Version",
            image=image,
            base_image=BaseImage.from_ecr_repository(repository, tag=tag),
            aliases=["latest", tag],
            job_type=JobType.NOTEBOOK_KERNEL,
            processor=Processor.CPU,
            programming_lang="Python 3.12",
            release_notes=f"Data Science {tag}",
            vendor_guidance=VendorGuidance.STABLE,
        )

        cdk.CfnOutput(self, "ImageVersionArn", value=version.image_version_arn)
        cdk.CfnOutput(self, "VersionNumber", value=version.image_version_number_as_string)
        cdk.CfnOutput(self, "ContainerImage", value=version.container_image_uri)


app = cdk.App()
ImgverDemo(app, "ImgverDemo")
app.synth()
